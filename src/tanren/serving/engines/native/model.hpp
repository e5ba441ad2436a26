// A model in memory: its sizes, its packed weights, its adapters, and the blocks of keys and values.
//
// Filled by the functions of library.cpp, read by forward.hpp. A block of the decoder is
//
//   h += wo · attention(rope(norm(wq·n)), rope(norm(wk·n)), wv·n)     n = rms_norm(h)
//   h += w_down · (activation(w_gate·n) * (w_up·n))                   n = rms_norm(h)
//
// where the norms of queries and keys, biases, further norms of what is added to h, windows and soft caps take part
// only in the architectures that have them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "buffer.hpp"
#include "factor_matrix.hpp"
#include "numbers.hpp"
#include "tile.hpp"
#include "weight_matrix.hpp"

namespace tanren {

// Positions in a block of keys and values, as stepper.py has it. The kernels of attention take a block as a panel.
inline constexpr int BLOCK_TOKENS = NARROW;

// As native_library.py declares it, field for field.
struct Shape {
  std::int32_t hidden, layers, heads, kv_heads, head_dim, intermediate, vocabulary;
  std::int32_t positions;    // rows of the rotary tables: the longest sequence
  std::int32_t rotary_half;  // of the head's values so many pairs are turned
  std::int32_t rope_tables;
  std::int32_t block_count;
  std::int32_t threads;
  std::int32_t is_bfloat16;
  std::int32_t is_tied;               // the head is the embedding
  std::int32_t has_qk_norm;           // queries and keys are normed before they are turned
  std::int32_t has_post_norms;        // so is what attention and feed-forward add to the residual stream
  std::int32_t is_gelu;               // gelu_tanh, else silu
  std::int32_t compresses_weights;    // where the instruction set can
  float rms_epsilon;
  float attention_scale;
  float attention_softcap;  // 0: none
  float logit_softcap;      // 0: none
  float embedding_scale;
};

// The linear layers of a block. Each is one or several matrices that take the same input.
enum Site : int { QKV, ATTENTION_OUT, GATE_UP, DOWN, SITE_COUNT };
inline constexpr int SEGMENT_COUNT[SITE_COUNT] = {3, 1, 2, 1};

enum Norm : int { ATTENTION_INPUT, ATTENTION_OUTPUT, FEEDFORWARD_INPUT, FEEDFORWARD_OUTPUT, QUERY, KEY, NORM_COUNT };

template <class Numbers>
struct Segment {
  WeightMatrix<Numbers> weights;
  Buffer<float> bias;   // [panels · PANEL], or none
  int first_panel = 0;  // among those of its site
};

template <class Numbers>
struct Layer {
  std::vector<Segment<Numbers>> sites[SITE_COUNT];
  Buffer<float> norms[NORM_COUNT];
  int rope_table = -1;  // none: this layer knows no positions
  int window = 0;       // the last so many positions are attended to; 0: all
};

// What an adapter adds to one matrix: b · (a · x), the scale within b.
template <class Numbers>
struct SegmentUpdate {
  FactorMatrix<Numbers, NARROW> a;  // [rank, in]
  FactorMatrix<Numbers, PANEL> b;   // [out, rank]
  int first_column = 0;             // of a · x, beside those of the site's other segments
};

template <class Numbers>
struct SiteUpdate {
  SegmentUpdate<Numbers> segments[3];
  int columns = 0;  // of all segments; 0: the adapter leaves this site alone
};

template <class Numbers>
struct Adapter {
  Arena memory;
  std::vector<SiteUpdate<Numbers>> sites;  // [layers · SITE_COUNT]
  std::size_t bytes = 0;

  const SiteUpdate<Numbers>& site(int layer, Site site) const { return sites[layer * SITE_COUNT + site]; }
};

template <class Numbers>
class Model {
 public:
  using Weight = typename Numbers::Weight;

  explicit Model(const Shape& given)
      : shape(given),
        head_stride(round_up(given.head_dim, NARROW)),
        group(given.heads / given.kv_heads),
        layers(given.layers),
        cosines(table_floats()),
        sines(table_floats()),
        final_norm(),
        cache_(std::size_t(given.layers) * given.block_count * given.kv_heads * 2 * block_values()) {
    for (auto& layer : layers) {
      for (int site = 0; site < SITE_COUNT; ++site) layer.sites[site].resize(SEGMENT_COUNT[site]);
    }
  }

  // Features out and in of one matrix of a block.
  int features_out(int site, int segment) const {
    switch (site) {
      case QKV:
        return (segment == 0 ? shape.heads : shape.kv_heads) * shape.head_dim;
      case GATE_UP:
        return shape.intermediate;
      default:
        return shape.hidden;
    }
  }

  int features_in(int site) const {
    switch (site) {
      case ATTENTION_OUT:
        return shape.heads * shape.head_dim;
      case DOWN:
        return shape.intermediate;
      default:
        return shape.hidden;
    }
  }

  int panels_of(int site) const {
    int panels = 0;
    for (int segment = 0; segment < SEGMENT_COUNT[site]; ++segment) {
      panels += round_up(features_out(site, segment), PANEL) / PANEL;
    }
    return panels;
  }

  // Keys of a block and head: [head_stride / GROUP][BLOCK_TOKENS][GROUP], a panel for queries to be multiplied with.
  Weight* keys(int layer, int block, int kv_head) const {
    const std::size_t index = (std::size_t(layer) * shape.block_count + block) * shape.kv_heads + kv_head;
    return cache_.data() + index * 2 * block_values();
  }

  // Values of a block and head: [BLOCK_TOKENS / GROUP][head_stride][GROUP], a panel for probabilities.
  Weight* values(int layer, int block, int kv_head) const { return keys(layer, block, kv_head) + block_values(); }

  // Writes what is there already. Memory that nobody has written to comes from the system at the first write.
  void touch(int layer, int first_block, int end_block) const {
    constexpr std::size_t LEAST_PAGE = 4096;
    auto* bytes = reinterpret_cast<volatile char*>(keys(layer, first_block, 0));
    const std::size_t count = (end_block - first_block) * block_bytes();
    for (std::size_t at = 0; at < count; at += LEAST_PAGE) bytes[at] = bytes[at];
  }

  // Keys and values of a block's heads follow each other.
  std::size_t block_bytes() const { return 2 * shape.kv_heads * block_values() * sizeof(Weight); }

  // Numbers of a block's keys, or values, of one head.
  std::size_t block_values() const { return std::size_t(BLOCK_TOKENS) * round_up(shape.head_dim, NARROW); }

  Shape shape;
  Arena memory;     // of all packed weights
  int head_stride;  // a head's values, filled up with zeros
  int group;        // query heads that share a head of keys and values
  std::vector<Layer<Numbers>> layers;
  WeightMatrix<Numbers> head;
  Buffer<Weight> embedding;  // [vocabulary, hidden]; none where it is the head
  Buffer<float> cosines, sines;  // [rope_tables, positions, rotary_half]
  Buffer<float> final_norm;
  std::vector<std::unique_ptr<Adapter<Numbers>>> adapters;  // by handle; a dropped one's place is taken again

 private:
  std::size_t table_floats() const { return std::size_t(shape.rope_tables) * shape.positions * shape.rotary_half; }

  Buffer<Weight> cache_;
};

}  // namespace tanren
