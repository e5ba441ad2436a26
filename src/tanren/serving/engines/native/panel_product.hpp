// The product of some rows with a panel of a weight matrix: by matrix registers where there are such, else by vectors.
#pragma once

#include <algorithm>

#include "matrix_tiles.hpp"
#include "tile.hpp"

namespace tanren {

template <class Numbers>
struct PanelProduct {
  using Activation = typename Numbers::Activation;
  using Weight = typename Numbers::Weight;

  // Rows for which a panel is gone through once.
  static constexpr int ROWS = TILE_ROWS;
  // The depth goes by in steps of so many values. A matrix is filled up to whole ones.
  static constexpr int STEP = Numbers::GROUP;

  static void add(Start start, int rows, Rows<const Activation> x, const Weight* weights, int depth, Rows<float> y,
                  Errands* errands) {
    add_product<Numbers, PANEL_VECTORS>(start, rows, x, {&weights, 1, depth, PANEL}, y, errands);
  }

  // A thread has no more products to do for now.
  static void rest() {}
};

#if defined(__AMX_BF16__)
template <>
struct PanelProduct<BrainFloat> {
  static constexpr int ROWS = MatrixTiles::ROWS;
  static constexpr int STEP = MatrixTiles::DEPTH;

  static void add(Start start, int rows, Rows<const BFloat16> x, const BFloat16* weights, int depth, Rows<float> y,
                  Errands* errands) {
    for (int row = 0; row < rows; row += ROWS) {
      MatrixTiles::add_product(start, std::min(rows - row, ROWS), x.from(row), weights, depth, y.from(row), errands);
    }
  }

  static void rest() { MatrixTiles::release(); }
};
#endif

}  // namespace tanren
