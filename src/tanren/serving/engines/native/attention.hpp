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
//          [BLOCK_TOKENS / GROUP][head][GROUP]: both products are those of attention_products.hpp.
// Cost     2 · positions · head multiply-adds a query; keys and values are read once a tile.
// Source   Milakov and Gimelshein 2018, "Online normalizer calculation for softmax".
#pragma once

#include <algorithm>
#include <limits>

#include "attention_products.hpp"
#include "errands.hpp"
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

  // A tile, for one head of keys and values.
  struct Piece {
    const QueryTile* tile;
    int kv_head;
  };

  // `q`: the tile's queries, scaled, head_stride apart; a row's group together. `to`: each row's whole output.
  // `next`: the piece that follows on this thread, or null.
  void attend(int layer, const Plan& plan, Piece piece, const Piece* next, const Activation* q, Rows<Activation> to) {
    const QueryTile& tile = *piece.tile;
    const int stride = model_.head_stride, count = tile.row_count * model_.group, kv_head = piece.kv_head;
    const int window = model_.layers[layer].window;
    const RowPlan& first_row = plan.rows[tile.first_row];
    const Blocks all = blocks_of(layer, plan, tile);

    std::fill_n(most_.data(), count, LEAST);
    std::fill_n(sums_.data(), count, 0.0f);
    std::fill_n(outputs_.data(), std::size_t(count) * stride, 0.0f);
    look_ahead(layer, plan, piece, next, all, count);
    for (Blocks span = first_span(all); span.first < all.end; span = span_after(span, all)) {
      const int blocks = span.end - span.first;
      const Weight *keys[SPAN_BLOCKS], *values[SPAN_BLOCKS];
      for (int b = 0; b < blocks; ++b) {
        keys[b] = model_.keys(layer, first_row.blocks[span.first + b], kv_head);
        values[b] = keys[b] + model_.block_values();
      }
      const Rows<const Activation> queries{q, std::size_t(stride)};
      Products::score(count, queries, keys, blocks, stride, {scores_.data(), SPAN}, upcoming_);
      for (int query = 0; query < count; ++query) {
        weigh(query, first_row.position + query / model_.group, window, span.first * BLOCK_TOKENS,
              blocks * BLOCK_TOKENS);
      }
      Products::add_values(count, {probabilities_.data(), SPAN}, values, blocks, stride,
                           {outputs_.data(), std::size_t(stride)}, upcoming_);
    }
    for (int query = 0; query < count; ++query) {
      const int head = kv_head * model_.group + query % model_.group;
      write(query, to[tile.first_row + query / model_.group] + head * model_.shape.head_dim);
    }
  }

 private:
  using Products = AttentionProducts<Numbers>;

  static constexpr int SPAN_BLOCKS = ATTENTION_BLOCKS, SPAN = SPAN_BLOCKS * BLOCK_TOKENS;
  static constexpr int MOST_QUERIES = 16;
  static constexpr int AHEAD = 8;
  // Less than any score; finite, so that a stretch of which a query sees nothing leaves no NaN.
  static constexpr float LEAST = -1e30f;

  // Of a sequence, by their number in it.
  struct Blocks {
    int first, end;
  };

  Blocks blocks_of(int layer, const Plan& plan, const QueryTile& tile) const {
    const int position = plan.rows[tile.first_row].position, window = model_.layers[layer].window;
    const int first = window == 0 ? 0 : std::max(0, position - window + 1) / BLOCK_TOKENS;
    return {first, (position + tile.row_count - 1) / BLOCK_TOKENS + 1};
  }

  static Blocks first_span(Blocks all) { return span_after({all.first, all.first}, all); }

  static Blocks span_after(Blocks span, Blocks all) {
    return {span.end, std::min(all.end, (span.end / SPAN_BLOCKS + 1) * SPAN_BLOCKS)};
  }

  // While a piece computes, keys and values are fetched that are AHEAD blocks away: its own, then the next one's. Evenly,
  // some lines with each product and each vector of scores: with many at once the processor would wait for them.
  void look_ahead(int layer, const Plan& plan, Piece piece, const Piece* next, Blocks all, int queries) {
    upcoming_.clear();
    expect(layer, plan, piece, {std::min(all.first + AHEAD, all.end), all.end});
    if (next != nullptr) {
      const Blocks then = blocks_of(layer, plan, *next->tile);
      expect(layer, plan, *next, {then.first, std::min(then.first + AHEAD, then.end)});
    }
    const int calls = Products::calls_of_block(model_.head_stride) + 2 * queries * (BLOCK_TOKENS / LANES);
    upcoming_.spread(std::size_t(all.end - all.first) * calls);
  }

  void expect(int layer, const Plan& plan, Piece piece, Blocks blocks) {
    const RowPlan& row = plan.rows[piece.tile->first_row];
    for (int block = blocks.first; block < blocks.end; ++block) {
      upcoming_.add({model_.keys(layer, row.blocks[block], piece.kv_head), 2 * model_.block_values() * sizeof(Weight)});
    }
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
      upcoming_.run();
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
      upcoming_.run();
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
  Errands upcoming_;
};

}  // namespace tanren
