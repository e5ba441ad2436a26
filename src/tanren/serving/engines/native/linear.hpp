// Linear layers with adapters:  y = W x + bias + Σ b · (a · x), each row with its own adapter or none.
//
// An adapter costs the reading of its factors and little else, however many there are in a call. Its sums come first,
// and W x is added to them, by one of two roads that give the same bits:
//
//   by adapter   each thread takes some adapters, a · x and then all of b: memory gives long stretches faster than a
//                piece here and there (`add_updates`). Then `add_panels` of the weights alone. For many adapters of
//                few rows.
//   by panel     the rank-sized a · x of all rows (`lower`), then b of a panel just before the panel of W
//                (`add_panels`). The threads share every adapter, and its sums are in the cache for W x. For all else.
#pragma once

#include <algorithm>

#include "model.hpp"
#include "panel_product.hpp"
#include "plan.hpp"
#include "tile.hpp"
#include "upcoming.hpp"

namespace tanren {

template <class Numbers>
class LinearLayers {
 public:
  using Activation = typename Numbers::Activation;
  using Weight = typename Numbers::Weight;

  LinearLayers(const Model<Numbers>& model) : model_(model) {}

  // Makes room for a · x of the adapter with the most columns. Not while a step goes on.
  void make_room(int columns) {
    if (columns <= lowered_stride_) return;
    lowered_ = Buffer<Activation>(std::size_t(CHUNK_ROWS) * columns);
    lowered_stride_ = columns;
  }

  // Narrow panels of a · x that the widest adapter of the plan has at this site; 0: no adapter takes part.
  int lowered_panels(const Plan& plan, int layer, Site site) const {
    int columns = 0;
    for (const auto& piece : plan.pieces) columns = std::max(columns, update(piece, layer, site).columns);
    return columns / NARROW;
  }

  // a · x of a group's rows, one narrow panel of it.
  void lower(const Plan& plan, const PieceGroup& group, int layer, Site site, int panel, Rows<const Activation> x) {
    const AdapterPiece* pieces = plan.pieces.data() + group.first_piece;
    if (pieces[0].row_count > 1) {
      lower_rows(pieces[0], layer, site, panel, x);
    } else {
      lower_lone_rows(pieces, group.count, layer, site, panel, x);
    }
  }

  // What the adapters of a group add to all panels of a site, put into y or added to it.
  void add_updates(const Plan& plan, const PieceGroup& group, int layer, Site site, Rows<const Activation> x,
                   Start start, Rows<float> y) {
    const int lowered = lowered_panels(plan, layer, site);
    for (int panel = 0; panel < lowered; ++panel) lower(plan, group, layer, site, panel, x);
    for (int segment = 0; segment < SEGMENT_COUNT[site]; ++segment) {
      const auto& matrix = model_.layers[layer].sites[site][segment];
      // Of several adapters in turn: memory gives several stretches side by side faster than one.
      for (int panel = 0; panel < matrix.weights.panel_count(); ++panel) {
        for (int index = 0; index < group.count; ++index) {
          add_update(plan.pieces[group.first_piece + index], layer, site, segment, panel, panel + 1, start,
                     y.from_panel(matrix.first_panel + panel));
        }
      }
    }
  }

  // Panels `first` to `end` of a segment for all rows, put into y or added to it; with what the adapters add, unless
  // that is there already. `errands_of(panel)` run beside the weights.
  template <class ErrandsOf>
  void add_panels(const Plan& plan, bool with_updates, int layer, Site site, int segment_index, int first, int end,
                  Rows<const Activation> x, Start start, Rows<float> y, const ErrandsOf& errands_of) const {
    const Segment<Numbers>& segment = model_.layers[layer].sites[site][segment_index];
    const int rows = int(plan.rows.size());
    if (with_updates && has_update(plan, layer, site, segment_index)) {
      if (start == Start::ZERO) clear(plan.pieces[0].first_row, first, end, y);
      for (const auto& piece : plan.pieces) add_update(piece, layer, site, segment_index, first, end, start, y);
      start = Start::Y;
    }
    for (int panel = first; panel < end; ++panel) {
      const Rows<float> to = y.from_panel(panel - first);
      PanelProduct<Numbers>::add(start, rows, x, segment.weights, panel, to, errands_of(panel));
      if (!segment.bias.is_empty()) add_bias(segment.bias.data() + panel * PANEL, rows, to);
    }
  }

  // Zeros in `rows` rows, as wide as panels `first` to `end`.
  static void clear(int rows, int first, int end, Rows<float> y) {
    for (int row = 0; row < rows; ++row) std::fill_n(y[row], std::size_t(end - first) * PANEL, 0.0f);
  }

 private:
  bool has_update(const Plan& plan, int layer, Site site, int segment) const {
    return std::any_of(plan.pieces.begin(), plan.pieces.end(), [&](const AdapterPiece& piece) {
      return !update(piece, layer, site).segments[segment].b.is_empty();
    });
  }

  // b · (a · x) of a piece's rows for panels `first` to `end`; zeros where the adapter has no such b.
  void add_update(const AdapterPiece& piece, int layer, Site site, int segment, int first, int end, Start start,
                  Rows<float> y) const {
    const SegmentUpdate<Numbers>& adapter = update(piece, layer, site).segments[segment];
    const Rows<float> own = y.from(piece.first_row);
    if (adapter.b.is_empty()) {
      if (start == Start::ZERO) clear(piece.row_count, first, end, own);
      return;
    }
    const Rows<const Activation> low{lowered(piece.first_row) + adapter.first_column, std::size_t(lowered_stride_)};
    alignas(64) Weight room[FactorMatrix<Numbers, PANEL>::CUT_VALUES];
    for (int panel = first; panel < end; ++panel) {
      each_cut(adapter.b, start, [&](int k, int depth, Start from) {
        const Weight* weights = adapter.b.cut(panel, k, room);
        add_product<Numbers, PANEL_VECTORS>(from, piece.row_count, {low.first + k, low.stride},
                                            {&weights, 1, depth, PANEL}, own.from_panel(panel - first));
      });
    }
  }

  static void add_bias(const float* bias, int rows, Rows<float> y) {
    for (int row = 0; row < rows; ++row) {
      for (int c = 0; c < PANEL; c += LANES) store(y[row] + c, load(y[row] + c) + load(bias + c));
    }
  }

  void lower_rows(const AdapterPiece& piece, int layer, Site site, int panel, Rows<const Activation> x) {
    const NarrowPanel narrow = narrow_panel(piece, layer, site, panel);
    if (narrow.matrix == nullptr) return;
    alignas(64) Weight room[Factor::CUT_VALUES];
    float sums[PIECE_ROWS][NARROW];
    each_cut(*narrow.matrix, Start::ZERO, [&](int k, int depth, Start from) {
      const Weight* weights = narrow.matrix->cut(narrow.panel, k, room);
      add_product<Numbers, NARROW_VECTORS>(from, piece.row_count, {x[piece.first_row] + k, x.stride},
                                           {&weights, 1, depth, NARROW}, {sums[0], NARROW});
    });
    for (int row = 0; row < piece.row_count; ++row) keep(sums[row], piece.first_row + row, panel);
  }

  void lower_lone_rows(const AdapterPiece* pieces, int count, int layer, Site site, int panel,
                       Rows<const Activation> x) {
    const Factor* matrices[LONE_ROWS];
    const Activation* values[LONE_ROWS];
    int panels[LONE_ROWS], rows[LONE_ROWS], found = 0;
    for (int index = 0; index < count; ++index) {
      const NarrowPanel narrow = narrow_panel(pieces[index], layer, site, panel);
      if (narrow.matrix == nullptr) continue;
      matrices[found] = narrow.matrix;
      panels[found] = narrow.panel;
      rows[found] = pieces[index].first_row;
      values[found] = x[rows[found]];
      ++found;
    }
    if (found == 0) return;
    float sums[LONE_ROWS][NARROW];
    if (!Factor::template multiply_apart<LONE_ROWS>(found, matrices, panels, values, sums)) {
      alignas(64) Weight rooms[LONE_ROWS][Factor::CUT_VALUES];
      each_cut(*matrices[0], Start::ZERO, [&](int k, int depth, Start from) {
        const Activation* cut_values[LONE_ROWS];
        const Weight* weights[LONE_ROWS];
        for (int index = 0; index < found; ++index) {
          cut_values[index] = values[index] + k;
          weights[index] = matrices[index]->cut(panels[index], k, rooms[index]);
        }
        multiply_apart<Numbers, LONE_ROWS, !Factor::ASKS>(from, found, cut_values, weights, depth, sums);
      });
    }
    for (int index = 0; index < found; ++index) keep(sums[index], rows[index], panel);
  }

  // `visit(k, depth, start)` for the cuts of a panel; the sums of those after the first go on where it ended.
  template <class Matrix, class Visit>
  static void each_cut(const Matrix& matrix, Start start, const Visit& visit) {
    for (int k = 0; k < matrix.depth(); k += matrix.cut_depth()) {
      visit(k, std::min(matrix.cut_depth(), matrix.depth() - k), k == 0 ? start : Start::Y);
    }
  }

  using Factor = FactorMatrix<Numbers, NARROW>;

  // Of the a of all segments side by side; no matrix where the adapter has no such panel.
  struct NarrowPanel {
    const Factor* matrix;
    int panel;
  };

  NarrowPanel narrow_panel(const AdapterPiece& piece, int layer, Site site, int panel) const {
    for (const auto& segment : update(piece, layer, site).segments) {
      const int own_panel = panel - segment.first_column / NARROW;
      if (!segment.a.is_empty() && own_panel >= 0 && own_panel < segment.a.panel_count()) {
        return {&segment.a, own_panel};
      }
    }
    return {nullptr, 0};
  }

  void keep(const float* sums, int row, int panel) {
    for (int v = 0; v < NARROW; v += LANES) store_narrowed(lowered(row) + panel * NARROW + v, load(sums + v));
  }

  const SiteUpdate<Numbers>& update(const AdapterPiece& piece, int layer, Site site) const {
    return model_.adapters[piece.adapter]->site(layer, site);
  }

  Activation* lowered(int row) const { return lowered_.data() + std::size_t(row) * lowered_stride_; }

  const Model<Numbers>& model_;
  Buffer<Activation> lowered_;
  int lowered_stride_ = 0;
};

}  // namespace tanren
