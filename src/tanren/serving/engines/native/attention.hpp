// Attention of a tile of queries to the blocks of their sequence, for one head of keys and values.
//
// The tile is every query head of the group, of rows at successive positions: they share keys and values, so each block
// is read once for all. Blocks are gone through in stretches of SPAN positions with a running maximum and sum
// ("online softmax"), so that scratch does not grow with the context:
//
//   s = q · K        p = exp(s - m')        sum = sum · exp(m - m') + Σ p        o = o · exp(m - m') + p · V
//
// where m is the largest score so far and m' that with this stretch; the answer is o / sum. Stretches end at multiples
// of SPAN wherever they begin, and what a query does not see adds nothing: its answer is the same, to the last bit,
// whatever other rows are in its tile.
//
// Layout   a block's keys are a panel [head / GROUP][BLOCK_TOKENS][GROUP], its values one of
//          [BLOCK_TOKENS / GROUP][head][GROUP]: both products are the tile's of tile.hpp.
// Cost     2 · positions · head multiply-adds a query; keys and values are read once a tile.
// Source   Milakov and Gimelshein 2018, "Online normalizer calculation for softmax".
#pragma once

#include <algorithm>
#include <limits>

#include "model.hpp"
#include "plan.hpp"
#include "row_functions.hpp"
#include "tile.hpp"

namespace tanren {

template <class Numbers>
class Attention {
 public:
  using Activation = typename Numbers::Activation;
  using Weight = typename Numbers::Weight;

  // Queries of a tile: at least one row of the group.
  static int rows_of_tile(int group) { return std::max(1, MOST_QUERIES / group); }

  // One of these for each thread.
  explicit Attention(const Model<Numbers>& model)
      : model_(model),
        queries_(rows_of_tile(model.group) * model.group),
        scores_(std::size_t(queries_) * SPAN),
        probabilities_(std::size_t(queries_) * SPAN),
        outputs_(std::size_t(queries_) * model.head_stride),
        most_(queries_),
        sums_(queries_) {}

  // `q`: the tile's queries, scaled, head_stride apart; a row's group together. `to`: each row's whole output.
  void attend(int layer, int kv_head, const Plan& plan, const QueryTile& tile, const Activation* q,
              Rows<Activation> to) {
    const int stride = model_.head_stride, count = tile.row_count * model_.group;
    const int window = model_.layers[layer].window;
    const RowPlan& first_row = plan.rows[tile.first_row];
    const int first_block = window == 0 ? 0 : std::max(0, first_row.position - window + 1) / BLOCK_TOKENS;
    const int end_block = (first_row.position + tile.row_count - 1) / BLOCK_TOKENS + 1;

    std::fill_n(most_.data(), count, LEAST);
    std::fill_n(sums_.data(), count, 0.0f);
    std::fill_n(outputs_.data(), std::size_t(count) * stride, 0.0f);
    for (int block = first_block; block < std::min(end_block, first_block + BLOCKS_AHEAD); ++block) {
      prefetch(model_.keys(layer, first_row.blocks[block], kv_head));
    }
    for (int block = first_block, next; block < end_block; block = next) {
      next = std::min(end_block, (block / SPAN_BLOCKS + 1) * SPAN_BLOCKS);
      const int blocks = next - block;
      const Weight* values[SPAN_BLOCKS];
      for (int b = 0; b < blocks; ++b) {
        const int index = first_row.blocks[block + b];
        const Weight* keys = model_.keys(layer, index, kv_head);
        prefetch(keys + model_.block_values());
        if (block + b + BLOCKS_AHEAD < end_block) {
          prefetch(model_.keys(layer, first_row.blocks[block + b + BLOCKS_AHEAD], kv_head));
        }
        add_product<Numbers, NARROW_VECTORS>(Start::ZERO, count, {q, std::size_t(stride)}, {&keys, 1, stride, NARROW},
                                             {scores_.data() + b * BLOCK_TOKENS, SPAN});
        values[b] = model_.values(layer, index, kv_head);
      }
      for (int query = 0; query < count; ++query) {
        weigh(query, first_row.position + query / model_.group, window, block * BLOCK_TOKENS, blocks * BLOCK_TOKENS);
      }
      add_values(count, values, blocks);
    }
    for (int query = 0; query < count; ++query) {
      const int head = kv_head * model_.group + query % model_.group;
      write(query, to[tile.first_row + query / model_.group] + head * model_.shape.head_dim);
    }
  }

 private:
  static constexpr int SPAN_BLOCKS = 8, SPAN = SPAN_BLOCKS * BLOCK_TOKENS;
  static constexpr int MOST_QUERIES = 16;
  // Blocks lie apart from each other, so the processor cannot guess the next one: it is asked for so much earlier.
  static constexpr int BLOCKS_AHEAD = 4;
  // Less than any score; finite, so that a stretch of which a query sees nothing leaves no NaN.
  static constexpr float LEAST = -1e30f;

  // Asks for one block's keys, or its values, into the second cache: the first has too few places for requests.
  void prefetch(const Weight* begin) const {
    const auto* bytes = reinterpret_cast<const char*>(begin);
    const std::size_t size = model_.block_values() * sizeof(Weight);
    for (std::size_t byte = 0; byte < size; byte += 64) __builtin_prefetch(bytes + byte, 0, 1);
  }

  // Scores of one query for `count` positions from `base` become probabilities relative to the largest so far.
  void weigh(int query, int position, int window, int base, int count) {
    float* scores = scores_.data() + std::size_t(query) * SPAN;
    Activation* probabilities = probabilities_.data() + std::size_t(query) * SPAN;
    const int oldest = window == 0 ? 0 : position - window + 1;
    const float softcap = model_.shape.attention_softcap;
    Floats most = splat(LEAST);
    for (int c = 0; c < count; c += LANES) {
      Floats score = load(scores + c);
      if (softcap > 0) score = soft_capped(score, softcap);
      const Integers at = counting_from(base + c);
      score = ((at <= position) & (at >= oldest)) ? score : splat(LEAST);
      most = most < score ? score : most;
      store(scores + c, score);
    }
    const float before = most_.data()[query], now = std::max(before, maximum(most));
    Floats total{};
    for (int c = 0; c < count; c += LANES) {
      const Integers at = counting_from(base + c);
      const Floats weight = exponential(load(scores + c) - now);
      const Floats kept = ((at <= position) & (at >= oldest)) ? weight : Floats{};
      total += kept;
      store_narrowed(probabilities + c, kept);
    }
    const float fade = exponential(splat(before - now))[0];
    most_.data()[query] = now;
    sums_.data()[query] = sums_.data()[query] * fade + sum(total);
    if (now == before) return;
    float* output = outputs_.data() + std::size_t(query) * model_.head_stride;
    for (int d = 0; d < model_.head_stride; d += LANES) store(output + d, load(output + d) * fade);
  }

  // Outputs += probabilities · values, some columns at a time.
  void add_values(int count, const Weight* const* values, int blocks) {
    const int stride = model_.head_stride;
    const Rows<const Activation> weights{probabilities_.data(), SPAN};
    for (int column = 0; column < stride; column += NARROW) {
      const Weight* parts[SPAN_BLOCKS];
      for (int b = 0; b < blocks; ++b) parts[b] = values[b] + column * Numbers::GROUP;
      const Parts<Numbers> from{parts, blocks, BLOCK_TOKENS, stride};
      const Rows<float> to{outputs_.data() + column, std::size_t(stride)};
      if (stride - column >= 2 * NARROW) {
        add_product<Numbers, 2 * NARROW_VECTORS>(Start::Y, count, weights, from, to);
        column += NARROW;
      } else {
        add_product<Numbers, NARROW_VECTORS>(Start::Y, count, weights, from, to);
      }
    }
  }

  void write(int query, Activation* to) {
    const float* output = outputs_.data() + std::size_t(query) * model_.head_stride;
    const float share = 1.0f / sums_.data()[query];
    for (int d = 0; d < model_.shape.head_dim; ++d) to[d] = narrowed<Activation>(output[d] * share);
  }

  const Model<Numbers>& model_;
  int queries_;
  Buffer<float> scores_;
  Buffer<Activation> probabilities_;
  Buffer<float> outputs_, most_, sums_;
};

}  // namespace tanren
