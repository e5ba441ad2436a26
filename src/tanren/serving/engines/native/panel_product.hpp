// The product of some rows with a panel of a weight matrix: by matrix registers where there are such, else by vectors.
#pragma once

#include <algorithm>

#include "matrix_tiles.hpp"
#include "tile.hpp"
#include "weight_matrix.hpp"

namespace tanren {

// So much of a panel's depth is gone through for all rows before the next: it stays in the second cache meanwhile.
inline constexpr int DEPTH_BLOCK = 2048;

template <class Numbers>
struct PanelProduct {
  using Activation = typename Numbers::Activation;

  // Rows for which a panel is gone through once.
  static constexpr int ROWS = TILE_ROWS;
  // The depth goes by in steps of so many values. A matrix is filled up to whole ones.
  static constexpr int STEP = Numbers::GROUP;

  static void add(Start start, int rows, Rows<const Activation> x, const WeightMatrix<Numbers>& matrix, int panel,
                  Rows<float> y, Errands* errands) {
    const int block = rows > ROWS ? DEPTH_BLOCK : matrix.depth();
    for (int k = 0; k < matrix.depth(); k += block) {
      const auto* weights = matrix.panel(panel) + std::size_t(k) * PANEL;
      const int depth = std::min(block, matrix.depth() - k);
      add_product<Numbers, PANEL_VECTORS>(k == 0 ? start : Start::Y, rows, {x.first + k, x.stride},
                                          {&weights, 1, depth, PANEL}, y, errands);
    }
  }

  // A thread has no more products to do for now.
  static void rest() {}
};

#if defined(__AMX_BF16__)
template <>
struct PanelProduct<BrainFloat> {
  static constexpr int ROWS = MatrixTiles::ROWS;
  static constexpr int STEP = MatrixTiles::DEPTH;

  static void add(Start start, int rows, Rows<const BFloat16> x, const WeightMatrix<BrainFloat>& matrix, int panel,
                  Rows<float> y, Errands* errands) {
    if (matrix.is_compressed()) {
      alignas(64) BFloat16 ring[BLOCK_STEPS * MatrixTiles::STEP_VALUES];
      const Unpacked weights(matrix, panel, ring, rows > ROWS ? BLOCK_STEPS : STEPS_AHEAD);
      add_steps(start, rows, x, weights, matrix.depth() / STEP, y, errands);
    } else {
      add_steps(start, rows, x, matrix.plain_steps(panel), matrix.depth() / STEP, y, errands);
    }
  }

  static void rest() { MatrixTiles::release(); }

 private:
  using Unpacked = WeightMatrix<BrainFloat>::UnpackedSteps;

  // So many steps stay in the first cache until all rows have gone through them; so few, where one tile of rows does.
  static constexpr int BLOCK_STEPS = 8, STEPS_AHEAD = 4;

  template <class Weights>
  static void add_steps(Start start, int rows, Rows<const BFloat16> x, const Weights& weights, int steps,
                        Rows<float> y, Errands* errands) {
    const int block = rows > ROWS ? BLOCK_STEPS : steps;
    for (int first = 0; first < steps; first += block) {
      const int end = std::min(first + block, steps);
      const Start from = first == 0 ? start : Start::Y;
      MatrixTiles::add_product<true>(from, std::min(rows, ROWS), x, weights, first, end, y, errands);
      for (int row = ROWS; row < rows; row += ROWS) {
        MatrixTiles::add_product<false>(from, std::min(rows - row, ROWS), x.from(row), weights, first, end, y.from(row),
                                        errands);
      }
    }
  }
};
#endif

}  // namespace tanren
