// The two products of attention: queries with keys, and probabilities with values, block by block.
//
//   scores[q][b · 16 + p]  = Σ_d queries[q][d] · keys[b][d][p]          q < count,  p < 16,  d < depth
//   outputs[q][d]         += Σ_b Σ_p weights[q][b · 16 + p] · values[b][p][d]
//
// Layout   a block of keys is [depth / GROUP][16][GROUP], of values [16 / GROUP][depth][GROUP]; see model.hpp.
// A query's sums are taken in the same order whatever queries are beside it.
#pragma once

#include <algorithm>
#include <type_traits>

#include "errands.hpp"
#include "matrix_registers.hpp"
#include "numbers.hpp"
#include "tile.hpp"

namespace tanren {

// Blocks that are gone through at once.
inline constexpr int ATTENTION_BLOCKS = 8;

template <class Numbers>
struct AttentionProducts {
  using Activation = typename Numbers::Activation;
  using Weight = typename Numbers::Weight;

  // How often errands are run for a block, by both products together; now and then once more.
  static int calls_of_block(int depth) { return depth / NARROW + depth / (2 * NARROW); }

  static void score(int count, Rows<const Activation> queries, const Weight* const* keys, int blocks, int depth,
                    Rows<float> scores, Errands& errands) {
    for (int b = 0; b < blocks; ++b) {
      for (int call = 0; call < depth / NARROW; ++call) errands.run();
      add_product<Numbers, NARROW_VECTORS>(Start::ZERO, count, queries, {&keys[b], 1, depth, NARROW},
                                           {scores.first + b * NARROW, scores.stride});
    }
  }

  // Some columns at a time, of ATTENTION_BLOCKS at most.
  static void add_values(int count, Rows<const Activation> weights, const Weight* const* values, int blocks, int depth,
                         Rows<float> outputs, Errands& errands) {
    for (int column = 0; column < depth; column += NARROW) {
      const Weight* parts[ATTENTION_BLOCKS];
      for (int b = 0; b < blocks; ++b) {
        errands.run();
        parts[b] = values[b] + column * Numbers::GROUP;
      }
      const Parts<Numbers> from{parts, blocks, NARROW, depth};
      const Rows<float> to{outputs.first + column, outputs.stride};
      if (depth - column >= 2 * NARROW) {
        add_product<Numbers, 2 * NARROW_VECTORS>(Start::Y, count, weights, from, to);
        column += NARROW;
      } else {
        add_product<Numbers, NARROW_VECTORS>(Start::Y, count, weights, from, to);
      }
    }
  }
};

#if defined(__AMX_BF16__)
// Registers   0 to 3   sums: sixteen queries by the positions of four blocks, or by 64 values of a head
//             4, 6     queries and keys, 32 values deep;  5, 7   half as many; probabilities and values of a block
template <>
struct AttentionProducts<BrainFloat> {
  static int calls_of_block(int depth) { return depth / DEPTH + depth / NARROW; }

  static void score(int count, Rows<const BFloat16> queries, const BFloat16* const* keys, int blocks, int depth,
                    Rows<float> scores, Errands& errands) {
    for (int query = 0; query < count; query += ROWS) {
      configure(std::min(count - query, ROWS));
      for (int b = 0; b < blocks; b += SUMS) {
        const int some = std::min(blocks - b, SUMS);
        score_blocks(queries.from(query), keys + b, some, depth, {scores[query] + b * NARROW, scores.stride}, errands);
      }
    }
  }

  static void add_values(int count, Rows<const BFloat16> weights, const BFloat16* const* values, int blocks, int depth,
                         Rows<float> outputs, Errands& errands) {
    for (int query = 0; query < count; query += ROWS) {
      configure(std::min(count - query, ROWS));
      for (int column = 0; column < depth; column += SUMS * NARROW) {
        add_columns(weights.from(query), values, blocks, depth, column, std::min((depth - column) / NARROW, SUMS),
                    {outputs[query] + column, outputs.stride}, errands);
      }
    }
  }

 private:
  static constexpr int ROWS = MatrixRegisters::ROWS, SUMS = 4, DEPTH = 32;

  static void configure(int queries) {
    MatrixRegisters::configure(-queries, [queries](int number) -> MatrixRegisters::Shape {
      if (number == 6) return {DEPTH / 2, MatrixRegisters::LINE};
      if (number == 7) return {DEPTH / 4, MatrixRegisters::LINE};
      return {queries, number == 5 ? MatrixRegisters::LINE / 2 : MatrixRegisters::LINE};
    });
  }

  static void score_blocks(Rows<const BFloat16> queries, const BFloat16* const* keys, int blocks, int depth,
                           Rows<float> scores, Errands& errands) {
    const std::size_t query_bytes = queries.stride * sizeof(BFloat16), score_bytes = scores.stride * sizeof(float);
    // The instructions say nothing to the compiler of what they read.
    asm volatile("" ::: "memory");
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    int d = 0;
    for (; d + DEPTH <= depth; d += DEPTH) {
      _tile_loadd(4, queries.first + d, query_bytes);
      each(blocks, [&](auto sum) {
        _tile_loadd(6, keys[sum] + d * NARROW, MatrixRegisters::LINE);
        add<sum, true>();
        errands.run();
      });
    }
    if (d < depth) {
      _tile_loadd(5, queries.first + d, query_bytes);
      each(blocks, [&](auto sum) {
        _tile_loadd(7, keys[sum] + d * NARROW, MatrixRegisters::LINE);
        add<sum, false>();
      });
    }
    each(blocks, [&](auto sum) { store_sum<sum>(scores.first + sum * NARROW, score_bytes); });
    asm volatile("" ::: "memory");
  }

  // `count` times NARROW columns from `column`.
  static void add_columns(Rows<const BFloat16> weights, const BFloat16* const* values, int blocks, int depth,
                          int column, int count, Rows<float> outputs, Errands& errands) {
    const std::size_t weight_bytes = weights.stride * sizeof(BFloat16), output_bytes = outputs.stride * sizeof(float);
    const std::size_t value_bytes = std::size_t(depth) * 2 * sizeof(BFloat16);
    asm volatile("" ::: "memory");
    each(count, [&](auto sum) { load_sum<sum>(outputs.first + sum * NARROW, output_bytes); });
    for (int block = 0; block < blocks; ++block) {
      _tile_loadd(5, weights.first + block * NARROW, weight_bytes);
      each(count, [&](auto sum) {
        _tile_loadd(7, values[block] + (column + sum * NARROW) * 2, value_bytes);
        add<sum, false>();
        errands.run();
      });
    }
    each(count, [&](auto sum) { store_sum<sum>(outputs.first + sum * NARROW, output_bytes); });
    asm volatile("" ::: "memory");
  }

  // The first `count` of the sums. A register's number is part of an instruction, hence a constant.
  template <class Visit>
  static inline __attribute__((always_inline)) void each(int count, const Visit& visit) {
    visit(std::integral_constant<int, 0>{});
    if (count > 1) visit(std::integral_constant<int, 1>{});
    if (count > 2) visit(std::integral_constant<int, 2>{});
    if (count > 3) visit(std::integral_constant<int, 3>{});
  }

  template <int SUM>
  static inline __attribute__((always_inline)) void load_sum(const float* from, std::size_t bytes) {
    if constexpr (SUM == 0) _tile_loadd(0, from, bytes);
    if constexpr (SUM == 1) _tile_loadd(1, from, bytes);
    if constexpr (SUM == 2) _tile_loadd(2, from, bytes);
    if constexpr (SUM == 3) _tile_loadd(3, from, bytes);
  }

  template <int SUM>
  static inline __attribute__((always_inline)) void store_sum(float* to, std::size_t bytes) {
    if constexpr (SUM == 0) _tile_stored(0, to, bytes);
    if constexpr (SUM == 1) _tile_stored(1, to, bytes);
    if constexpr (SUM == 2) _tile_stored(2, to, bytes);
    if constexpr (SUM == 3) _tile_stored(3, to, bytes);
  }

  // The product of 4 and 6, or of 5 and 7.
  template <int SUM, bool IS_WHOLE>
  static inline __attribute__((always_inline)) void add() {
    if constexpr (IS_WHOLE) {
      if constexpr (SUM == 0) _tile_dpbf16ps(0, 4, 6);
      if constexpr (SUM == 1) _tile_dpbf16ps(1, 4, 6);
      if constexpr (SUM == 2) _tile_dpbf16ps(2, 4, 6);
      if constexpr (SUM == 3) _tile_dpbf16ps(3, 4, 6);
    } else {
      if constexpr (SUM == 0) _tile_dpbf16ps(0, 5, 7);
      if constexpr (SUM == 1) _tile_dpbf16ps(1, 5, 7);
      if constexpr (SUM == 2) _tile_dpbf16ps(2, 5, 7);
      if constexpr (SUM == 3) _tile_dpbf16ps(3, 5, 7);
    }
  }
};
#endif

}  // namespace tanren
