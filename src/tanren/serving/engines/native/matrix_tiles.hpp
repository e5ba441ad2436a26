// Products with a panel of weights by the processor's matrix registers.
//
//   y[r][c] += Σ_k x[r][k] · w[k][c]        r < rows ≤ 32,  c < 32,  k < depth
//
// Registers  0 to 3   sums: rows 0–15 by both halves of the columns, then rows 16–31
//            4, 5     activations, [rows][DEPTH]
//            6, 7     weights, [DEPTH / 2][16][2]: a panel's own layout
// What holds a row's sum is taken DEPTH products at a time, whatever rows are beside it.
// Cost       an instruction of 16 cycles for each register of weights and each 16 rows or part of them.
#pragma once

#if defined(__AMX_BF16__)

#include <algorithm>

#include "errands.hpp"
#include "matrix_registers.hpp"
#include "tile.hpp"

namespace tanren {

class MatrixTiles {
 public:
  static constexpr int ROWS = 32, COLUMNS = 32, DEPTH = 32, STEP_VALUES = DEPTH * COLUMNS;
  static_assert(COLUMNS == PANEL, "a panel is as wide as two registers");

  // A panel's weights, DEPTH by DEPTH, each step [DEPTH / 2][COLUMNS][2].
  struct Steps {
    const BFloat16* panel;

    const BFloat16* operator[](int step) const { return panel + std::size_t(step) * STEP_VALUES; }

    // What the processor fetches by itself does not come early enough for a load of a register, sixteen lines at once:
    // 24 ms instead of 27 for a step of 32 rows of 135 M parameters.
    void fetch(int step) const {
      const BFloat16* w = (*this)[step + 1];
      for (int value = 0; value < STEP_VALUES; value += LINE_VALUES) __builtin_prefetch(w + value, 0, 2);
    }

    template <bool ASKS = true>
    void prepare(int) const {}
  };

  // Steps `first` to `end` of a panel. They are prepared, each while the one before it is multiplied, or have been.
  template <bool PREPARES, class Weights>
  static void add_product(Start start, int rows, Rows<const BFloat16> x, const Weights& w, int first, int end,
                          Rows<float> y, Errands* errands) {
    configure(rows);
    // The instructions say nothing to the compiler of what they read.
    asm volatile("" ::: "memory");
    if (rows > HALF) {
      add<true, PREPARES>(start, x, w, first, end, y, errands);
    } else {
      add<false, PREPARES>(start, x, w, first, end, y, errands);
    }
  }

 private:
  static constexpr int HALF = MatrixRegisters::ROWS, LINE_VALUES = 32;

  static void configure(int rows) {
    const int first = std::min(rows, HALF), second = std::max(rows - HALF, 1);
    MatrixRegisters::configure(rows, [&](int tile) -> MatrixRegisters::Shape {
      if (tile >= 6) return {DEPTH / 2, MatrixRegisters::LINE};
      return {tile == 2 || tile == 3 || tile == 5 ? second : first, MatrixRegisters::LINE};
    });
  }

  template <bool HAS_SECOND_HALF, bool PREPARES, class Weights>
  static void add(Start start, Rows<const BFloat16> x, const Weights& weights, int first, int end, Rows<float> y,
                  Errands* errands) {
    const std::size_t x_bytes = x.stride * sizeof(BFloat16), y_bytes = y.stride * sizeof(float);
    constexpr std::size_t w_bytes = COLUMNS * 2 * sizeof(BFloat16);
    if (start == Start::Y) {
      _tile_loadd(0, y[0], y_bytes);
      _tile_loadd(1, y[0] + HALF, y_bytes);
      if constexpr (HAS_SECOND_HALF) {
        _tile_loadd(2, y[HALF], y_bytes);
        _tile_loadd(3, y[HALF] + HALF, y_bytes);
      }
    } else {
      _tile_zero(0);
      _tile_zero(1);
      if constexpr (HAS_SECOND_HALF) {
        _tile_zero(2);
        _tile_zero(3);
      }
    }
    const BFloat16* second_half = HAS_SECOND_HALF ? x[HALF] : nullptr;
    if constexpr (PREPARES) weights.prepare(first);
    for (int step = first; step < end; ++step) {
      const BFloat16* w = weights[step];
      const int k = step * DEPTH;
      if (errands != nullptr) {
        errands->run();
      } else {
        weights.fetch(step);
      }
      if constexpr (PREPARES) {
        if (step + 1 < end) weights.prepare(step + 1);
        asm volatile("" ::: "memory");
      }
      _tile_loadd(6, w, w_bytes);
      _tile_loadd(4, x.first + k, x_bytes);
      _tile_loadd(7, w + HALF * 2, w_bytes);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      if constexpr (HAS_SECOND_HALF) {
        _tile_loadd(5, second_half + k, x_bytes);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
      }
    }
    _tile_stored(0, y[0], y_bytes);
    _tile_stored(1, y[0] + HALF, y_bytes);
    if constexpr (HAS_SECOND_HALF) {
      _tile_stored(2, y[HALF], y_bytes);
      _tile_stored(3, y[HALF] + HALF, y_bytes);
    }
    asm volatile("" ::: "memory");
  }
};

}  // namespace tanren

#endif
