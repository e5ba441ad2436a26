// Linear layers with adapters:  y = W x + bias + Σ b · (a · x), each row with its own adapter or none.
//
// The rank-sized a · x of all rows is computed first (`lower`), b is multiplied on top of each panel of W x while that
// is still in the cache (`add_panel`). So an adapter costs the reading of its factors and little else, however many
// there are in a call.
#pragma once

#include <algorithm>

#include "model.hpp"
#include "plan.hpp"
#include "tile.hpp"
#include "upcoming.hpp"

namespace tanren {

template <class Numbers>
class LinearLayers {
 public:
  using Activation = typename Numbers::Activation;

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

  // a · x of a piece's rows, one narrow panel of it.
  void lower(const AdapterPiece& piece, int layer, Site site, int panel, Rows<const Activation> x) {
    const SiteUpdate<Numbers>& adapter = update(piece, layer, site);
    for (const auto& segment : adapter.segments) {
      const int own_panel = panel - segment.first_column / NARROW;
      if (segment.a.is_empty() || own_panel < 0 || own_panel >= segment.a.panel_count()) continue;
      float sums[PIECE_ROWS * NARROW];
      const auto* weights = segment.a.panel(own_panel);
      add_product<Numbers, NARROW_VECTORS>(Start::ZERO, piece.row_count, x.from(piece.first_row),
                                           {&weights, 1, segment.a.depth(), NARROW}, {sums, NARROW});
      for (int row = 0; row < piece.row_count; ++row) {
        Activation* to = lowered(piece.first_row + row) + panel * NARROW;
        for (int v = 0; v < NARROW; v += LANES) store_narrowed(to + v, load(sums + row * NARROW + v));
      }
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

  // Asks for the beginning of a panel that is elsewhere than behind the one being read.
  void prefetch(int layer, Site site, int segment, int panel) const {
    const auto* begin = model_.layers[layer].sites[site][segment].weights.panel(panel);
    for (int byte = 0; byte < PREFETCH_BYTES; byte += 64) {
      __builtin_prefetch(reinterpret_cast<const char*>(begin) + byte);
    }
  }

  // One panel of any packed matrix, for `rows` rows.
  static void add_weights(const PackedMatrix<Numbers, PANEL>& matrix, int panel, int rows, Rows<const Activation> x,
                          Start start, Rows<float> y, Errands* errands) {
    const int block = rows > TILE_ROWS ? DEPTH_BLOCK : matrix.depth();
    for (int k = 0; k < matrix.depth(); k += block) {
      const auto* weights = matrix.panel(panel) + std::size_t(k) * PANEL;
      const int depth = std::min(block, matrix.depth() - k);
      add_product<Numbers, PANEL_VECTORS>(k == 0 ? start : Start::Y, rows, {x.first + k, x.stride},
                                          {&weights, 1, depth, PANEL}, y, errands);
    }
  }

 private:
  const SiteUpdate<Numbers>& update(const AdapterPiece& piece, int layer, Site site) const {
    return model_.adapters[piece.adapter]->site(layer, site);
  }

  Activation* lowered(int row) const { return lowered_.data() + std::size_t(row) * lowered_stride_; }

  const Model<Numbers>& model_;
  Buffer<Activation> lowered_;
  int lowered_stride_ = 0;
};

}  // namespace tanren
