// Linear layers with adapters:  y = W x + bias + Σ b · (a · x), each row with its own adapter or none.
//
// The rank-sized a · x of all rows is computed first (`lower`), b is multiplied on top of each panel of W x while that
// is still in the cache (`add_panel`). So an adapter costs the reading of its factors and little else, however many
// there are in a call.
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

  // One panel of a segment, for all rows, put into y or added to it. `errands` run meanwhile.
  void add_panel(const Plan& plan, int layer, Site site, int segment_index, int panel, Rows<const Activation> x,
                 Start start, Rows<float> y, Errands* errands) const {
    const Segment<Numbers>& segment = model_.layers[layer].sites[site][segment_index];
    add_weights(segment.weights, panel, int(plan.rows.size()), x, start, y, errands);
    if (!segment.bias.is_empty()) {
      for (int row = 0; row < int(plan.rows.size()); ++row) {
        for (int c = 0; c < PANEL; c += LANES) {
          store(y[row] + c, load(y[row] + c) + load(segment.bias.data() + panel * PANEL + c));
        }
      }
    }
    for (const auto& piece : plan.pieces) {
      const SegmentUpdate<Numbers>& adapter = update(piece, layer, site).segments[segment_index];
      if (adapter.b.is_empty()) continue;
      const auto* weights = adapter.b.panel(panel);
      add_product<Numbers, PANEL_VECTORS>(
          Start::Y, piece.row_count, {lowered(piece.first_row) + adapter.first_column, std::size_t(lowered_stride_)},
          {&weights, 1, adapter.b.depth(), PANEL}, y.from(piece.first_row));
    }
  }

  // One panel of any packed matrix, for `rows` rows.
  static void add_weights(const PackedMatrix<Numbers, PANEL>& matrix, int panel, int rows, Rows<const Activation> x,
                          Start start, Rows<float> y, Errands* errands) {
    const int block = rows > PanelProduct<Numbers>::ROWS ? DEPTH_BLOCK : matrix.depth();
    for (int k = 0; k < matrix.depth(); k += block) {
      const auto* weights = matrix.panel(panel) + std::size_t(k) * PANEL;
      const int depth = std::min(block, matrix.depth() - k);
      PanelProduct<Numbers>::add(k == 0 ? start : Start::Y, rows, {x.first + k, x.stride}, weights, depth, y, errands);
    }
  }

 private:
  void lower_rows(const AdapterPiece& piece, int layer, Site site, int panel, Rows<const Activation> x) {
    const auto* weights = narrow_panel(piece, layer, site, panel);
    if (weights == nullptr) return;
    float sums[PIECE_ROWS][NARROW];
    add_product<Numbers, NARROW_VECTORS>(Start::ZERO, piece.row_count, x.from(piece.first_row),
                                         {&weights, 1, depth_of(site), NARROW}, {sums[0], NARROW});
    for (int row = 0; row < piece.row_count; ++row) keep(sums[row], piece.first_row + row, panel);
  }

  void lower_lone_rows(const AdapterPiece* pieces, int count, int layer, Site site, int panel,
                       Rows<const Activation> x) {
    const Activation* values[LONE_ROWS];
    const Weight* weights[LONE_ROWS];
    int rows[LONE_ROWS], found = 0;
    for (int index = 0; index < count; ++index) {
      weights[found] = narrow_panel(pieces[index], layer, site, panel);
      if (weights[found] == nullptr) continue;
      rows[found] = pieces[index].first_row;
      values[found] = x[rows[found]];
      ++found;
    }
    if (found == 0) return;
    float sums[LONE_ROWS][NARROW];
    multiply_apart<Numbers, LONE_ROWS>(found, values, weights, depth_of(site), sums);
    for (int index = 0; index < found; ++index) keep(sums[index], rows[index], panel);
  }

  // Of the a of all segments side by side; null where the adapter has no such panel.
  const Weight* narrow_panel(const AdapterPiece& piece, int layer, Site site, int panel) const {
    for (const auto& segment : update(piece, layer, site).segments) {
      const int own_panel = panel - segment.first_column / NARROW;
      if (!segment.a.is_empty() && own_panel >= 0 && own_panel < segment.a.panel_count()) {
        return segment.a.panel(own_panel);
      }
    }
    return nullptr;
  }

  int depth_of(Site site) const { return round_up(model_.features_in(site), Numbers::GROUP); }

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
