// The innermost loop of every product: a tile of sums that stays in registers while the depth goes by.
//
//   y[r][c] += Σ_k x[r][k] · w[k][c]        r < ROWS,  c < VECTORS · LANES,  k < depth
//
// Layout   x: rows of activations, `x_stride` apart. w: one or several *parts* of `part_depth` values each, a part
//          being [part_depth / GROUP][width][GROUP] with `width` columns of which the tile takes the first
//          VECTORS · LANES. A panel of a weight matrix is one part; the values of a sequence are a part a block.
// Cost     ROWS · VECTORS multiply-adds for VECTORS loads of weights: with 8 rows and 3 vectors of 16, the weights come
//          from the first cache at an eighth of the arithmetic's rate, so that arithmetic is the limit; with one row,
//          memory is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "errands.hpp"
#include "numbers.hpp"

namespace tanren {

#if defined(__AMX_BF16__)
inline constexpr int TILE_ROWS = 8, PANEL_VECTORS = 2;  // a panel is as wide as two matrix registers
#elif defined(__AVX512F__)
inline constexpr int TILE_ROWS = 8, PANEL_VECTORS = 3;  // 24 sums in 32 registers
#elif defined(__AVX2__)
inline constexpr int TILE_ROWS = 4, PANEL_VECTORS = 2;  // 8 sums in 16 registers; a bfloat16 vector widens to two
#else
inline constexpr int TILE_ROWS = 2, PANEL_VECTORS = 4;
#endif

inline constexpr int PANEL = PANEL_VECTORS * LANES;
// Rows computed at once: a tick's prompt rows and answers, so that the weights make their way from memory once; few
// enough for scratch of some MB.
inline constexpr int CHUNK_ROWS = 512;
// Columns of a narrow panel: positions in a block of keys and values, and the multiple to which ranks are filled up.
inline constexpr int NARROW = 16;
inline constexpr int NARROW_VECTORS = NARROW / LANES;

// Whether the sums begin at zero or at what y holds.
enum class Start { ZERO, Y };

template <class Number>
struct Rows {
  Number* first;
  std::size_t stride;

  Number* operator[](int row) const { return first + row * stride; }
  Rows from(int row) const { return {first + row * stride, stride}; }
  Rows from_panel(int panel) const { return {first + std::size_t(panel) * PANEL, stride}; }
};

template <class Numbers>
struct Parts {
  const typename Numbers::Weight* const* each;
  int count;
  int depth;  // of one
  int width;
};

namespace detail {

// One group along the depth: GROUP values of each row against GROUP · VECTORS · LANES weights.
template <int ROWS, int VECTORS>
inline __attribute__((always_inline)) void add_group(Floats (&sums)[ROWS][VECTORS], const float* x, std::size_t stride,
                                                     const float* w) {
  Floats weights[VECTORS];
  for (int v = 0; v < VECTORS; ++v) weights[v] = load(w + v * LANES);
  for (int r = 0; r < ROWS; ++r) {
    const Floats value = splat(x[r * stride]);
    for (int v = 0; v < VECTORS; ++v) sums[r][v] += weights[v] * value;
  }
}

template <int ROWS, int VECTORS>
inline __attribute__((always_inline)) void add_group(Floats (&sums)[ROWS][VECTORS], const float* x, std::size_t stride,
                                                     const BFloat16* w) {
  Floats even[VECTORS], odd[VECTORS];
  for (int v = 0; v < VECTORS; ++v) {
    Words pairs;
    std::memcpy(&pairs, w + v * LANES * 2, sizeof pairs);
    even[v] = as_floats(pairs << 16);
    odd[v] = as_floats(pairs & 0xffff0000u);
  }
  for (int r = 0; r < ROWS; ++r) {
    const Floats first = splat(x[r * stride]), second = splat(x[r * stride + 1]);
    for (int v = 0; v < VECTORS; ++v) {
      sums[r][v] += even[v] * first;
      sums[r][v] += odd[v] * second;
    }
  }
}

#if defined(__AVX512BF16__)
template <int ROWS, int VECTORS>
inline __attribute__((always_inline)) void add_group(Floats (&sums)[ROWS][VECTORS], const BFloat16* x,
                                                     std::size_t stride, const BFloat16* w) {
  __m512bh weights[VECTORS];
  for (int v = 0; v < VECTORS; ++v) weights[v] = (__m512bh)_mm512_loadu_si512(w + v * LANES * 2);
  for (int r = 0; r < ROWS; ++r) {
    std::int32_t pair;
    std::memcpy(&pair, x + r * stride, sizeof pair);
    const __m512bh values = (__m512bh)_mm512_set1_epi32(pair);
    for (int v = 0; v < VECTORS; ++v) sums[r][v] = _mm512_dpbf16_ps(sums[r][v], weights[v], values);
  }
}
#endif

// Weights are not asked for in advance: they follow each other in memory, and what the processor then fetches by itself
// comes faster than what it is told to. `errands` fetch what lies elsewhere.
template <class Numbers, int ROWS, int VECTORS, bool HAS_ERRANDS>
void add_tile(Start start, Rows<const typename Numbers::Activation> x, Parts<Numbers> w, Rows<float> y,
              [[maybe_unused]] Errands* errands) {
  constexpr int GROUP = Numbers::GROUP;
  Floats sums[ROWS][VECTORS];
  for (int r = 0; r < ROWS; ++r) {
    for (int v = 0; v < VECTORS; ++v) sums[r][v] = start == Start::Y ? load(y[r] + v * LANES) : Floats{};
  }
  const auto* values = x.first;
  for (int part = 0; part < w.count; ++part, values += w.depth) {
    const auto* weights = w.each[part];
    for (int k = 0; k < w.depth; k += GROUP, weights += GROUP * w.width) {
      if constexpr (HAS_ERRANDS) errands->run();
      add_group<ROWS, VECTORS>(sums, values + k, x.stride, weights);
    }
  }
  for (int r = 0; r < ROWS; ++r) {
    for (int v = 0; v < VECTORS; ++v) store(y[r] + v * LANES, sums[r][v]);
  }
}

template <class Numbers, int VECTORS, bool HAS_ERRANDS, int ROWS = TILE_ROWS>
void add_up_to(int rows, Start start, Rows<const typename Numbers::Activation> x, Parts<Numbers> w, Rows<float> y,
               Errands* errands) {
  if (rows == ROWS) {
    add_tile<Numbers, ROWS, VECTORS, HAS_ERRANDS>(start, x, w, y, errands);
  } else if constexpr (ROWS > 1) {
    add_up_to<Numbers, VECTORS, HAS_ERRANDS, ROWS - 1>(rows, start, x, w, y, errands);
  }
}

}  // namespace detail

// Sums of some rows of which each has its own weights, of one narrow panel: y[r][c] += Σ_k x[r][k] · w[r][k][c].
//
// A row's sums wait for each other, one multiplication after the next; those of several rows go side by side. `ASKS`:
// for weights further on, where they come from memory.
template <class Numbers, int ROWS, bool ASKS>
void multiply_apart(Start start, int rows, const typename Numbers::Activation* const* x,
                    const typename Numbers::Weight* const* w, int depth, float (*y)[NARROW]) {
  if constexpr (ROWS > 1) {
    if (rows < ROWS) return multiply_apart<Numbers, ROWS - 1, ASKS>(start, rows, x, w, depth, y);
  }
  constexpr int GROUP = Numbers::GROUP, AHEAD = 1024;  // bytes
  Floats sums[ROWS][1][NARROW_VECTORS];
  for (int r = 0; r < ROWS; ++r) {
    for (int v = 0; v < NARROW_VECTORS; ++v) sums[r][0][v] = start == Start::Y ? load(y[r] + v * LANES) : Floats{};
  }
  for (int k = 0; k < depth; k += GROUP) {
    for (int r = 0; r < ROWS; ++r) {
      if constexpr (ASKS) __builtin_prefetch(reinterpret_cast<const char*>(w[r] + k * NARROW) + AHEAD, 0, 2);
      detail::add_group<1, NARROW_VECTORS>(sums[r], x[r] + k, 0, w[r] + k * NARROW);
    }
  }
  for (int r = 0; r < ROWS; ++r) {
    for (int v = 0; v < NARROW_VECTORS; ++v) store(y[r] + v * LANES, sums[r][0][v]);
  }
}

// The product over any number of rows, and `errands` beside it.
template <class Numbers, int VECTORS>
void add_product(Start start, int rows, Rows<const typename Numbers::Activation> x, Parts<Numbers> w, Rows<float> y,
                 Errands* errands = nullptr) {
  for (int row = 0; row < rows; row += TILE_ROWS) {
    const int count = rows - row < TILE_ROWS ? rows - row : TILE_ROWS;
    if (errands != nullptr) {
      detail::add_up_to<Numbers, VECTORS, true>(count, start, x.from(row), w, y.from(row), errands);
    } else {
      detail::add_up_to<Numbers, VECTORS, false>(count, start, x.from(row), w, y.from(row), nullptr);
    }
  }
}

}  // namespace tanren
