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
    if (rows <= ROWS || y.stride <= 2 * PANEL) return add_beside(start, rows, x, matrix, panel, y, errands);
    // The sums leave the registers and come back for each block of the depth. Where their rows lie far apart that takes
    // half as long as the products: they are kept side by side until the last block.
    alignas(64) float memory[CHUNK_ROWS * PANEL];
    const Rows<float> sums{memory, PANEL};
    if (start == Start::Y) copy(rows, y, sums);
    add_beside(start, rows, x, matrix, panel, sums, errands);
    copy(rows, sums, y);
  }

  static void rest() { MatrixRegisters::release(); }

 private:
  using Unpacked = WeightMatrix<BrainFloat>::UnpackedSteps;

  // So many steps stay in the first cache until all rows have gone through them: fewer for few rows, which are soon
  // through and then wait for the next; and so many, where one tile of rows does.
  static constexpr int BLOCK_STEPS = 8, FEW_ROWS_STEPS = 4, STEPS_AHEAD = 4;

  static void add_beside(Start start, int rows, Rows<const BFloat16> x, const WeightMatrix<BrainFloat>& matrix,
                         int panel, Rows<float> y, Errands* errands) {
    if (matrix.is_compressed()) {
      alignas(64) BFloat16 ring[BLOCK_STEPS * MatrixTiles::STEP_VALUES];
      const Unpacked weights(matrix, panel, ring, rows > ROWS ? BLOCK_STEPS : STEPS_AHEAD);
      add_steps(start, rows, x, weights, matrix.depth() / STEP, y, errands);
    } else {
      add_steps(start, rows, x, matrix.plain_steps(panel), matrix.depth() / STEP, y, errands);
    }
  }

  template <class Weights>
  static void add_steps(Start start, int rows, Rows<const BFloat16> x, const Weights& weights, int steps,
                        Rows<float> y, Errands* errands) {
    if (rows <= ROWS) return MatrixTiles::add_product<true>(start, rows, x, weights, 0, steps, y, errands);
    const int block = rows <= 2 * ROWS ? FEW_ROWS_STEPS : BLOCK_STEPS;
    for (int first = 0; first < steps; first += block) {
      const int end = std::min(first + block, steps);
      // Errands have fetched them.
      for (int step = first; step < end; ++step) weights.template prepare<false>(step);
      for (int row = 0; row < rows; row += ROWS) {
        MatrixTiles::add_product<false>(first == 0 ? start : Start::Y, std::min(rows - row, ROWS), x.from(row), weights,
                                        first, end, y.from(row), errands);
      }
    }
  }

  static void copy(int rows, Rows<float> from, Rows<float> to) {
    for (int row = 0; row < rows; ++row) {
      for (int c = 0; c < PANEL; c += LANES) store(to[row] + c, load(from[row] + c));
    }
  }
};
#endif

}  // namespace tanren
