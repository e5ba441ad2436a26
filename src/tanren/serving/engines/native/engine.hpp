// An engine as library.cpp sees it: a model being filled, then stepped, whatever its arithmetic.
//
// Every index and size that comes from outside is checked here, before anything is computed: what is wrong throws
// std::invalid_argument with the rule that it breaks, and nothing has changed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "forward.hpp"
#include "model.hpp"
#include "plan.hpp"

namespace tanren {

inline void require(bool holds, const char* rule) {
  if (!holds) throw std::invalid_argument(rule);
}

class Engine {
 public:
  virtual ~Engine() = default;
  // `values`: of the model's own dtype, bfloat16 or float.
  virtual void set_embedding(const void* values) = 0;
  virtual void set_head(const void* values) = 0;
  virtual void set_rope_table(int table, const float* cosines, const float* sines) = 0;
  virtual void set_layer(int layer, int rope_table, int window) = 0;
  virtual void set_norm(int layer, int which, const float* weight) = 0;
  virtual void set_final_norm(const float* weight) = 0;
  virtual void set_linear(int layer, int site, int segment, const void* weight, const float* bias) = 0;
  // A handle; its factors follow.
  virtual int add_adapter() = 0;
  virtual void set_factors(int handle, int layer, int site, int segment, int rank, const float* a, const float* b,
                           float scale) = 0;
  virtual void drop_adapter(int handle) = 0;
  virtual std::int64_t adapter_bytes(int handle) const = 0;
  virtual std::int64_t weight_bytes() const = 0;
  // Makes the system give the memory of a layer's keys and values in these blocks; whatever is in them stays.
  virtual void touch(int layer, int first_block, int end_block) = 0;
  // A step, in two halves: the caller may do something else between them, and calls nothing of the engine's.
  virtual void begin(const Request& request) = 0;
  virtual void finish() = 0;
};

template <class Numbers>
class EngineOf final : public Engine {
 public:
  using Weight = typename Numbers::Weight;

  explicit EngineOf(const Shape& shape) : model_(shape), forward_(model_) {}

  void set_embedding(const void* values) override {
    const auto* weights = static_cast<const Weight*>(values);
    if (model_.shape.is_tied) {
      set_head(values);
      return;
    }
    model_.embedding = Buffer<Weight>(std::size_t(model_.shape.vocabulary) * model_.shape.hidden);
    std::copy_n(weights, model_.embedding.count(), model_.embedding.data());
  }

  void set_head(const void* values) override {
    require(model_.head.is_empty(), "the head has been set already");
    model_.head = packed(model_.shape.vocabulary, model_.shape.hidden, values);
  }

  void set_rope_table(int table, const float* cosines, const float* sines) override {
    require(table >= 0 && table < model_.shape.rope_tables, "there is no such rotary table");
    const std::size_t count = std::size_t(model_.shape.positions) * model_.shape.rotary_half;
    std::copy_n(cosines, count, model_.cosines.data() + table * count);
    std::copy_n(sines, count, model_.sines.data() + table * count);
  }

  void set_layer(int layer, int rope_table, int window) override {
    check_layer(layer);
    require(rope_table >= -1 && rope_table < model_.shape.rope_tables, "there is no such rotary table");
    require(window >= 0, "a window has a positive number of positions, or 0 for all");
    model_.layers[layer].rope_table = rope_table;
    model_.layers[layer].window = window;
  }

  void set_norm(int layer, int which, const float* weight) override {
    check_layer(layer);
    require(which >= 0 && which < NORM_COUNT, "there is no such norm");
    const bool is_of_head = which == QUERY || which == KEY;
    model_.layers[layer].norms[which] = filled_up(weight, is_of_head ? model_.shape.head_dim : model_.shape.hidden);
  }

  void set_final_norm(const float* weight) override { model_.final_norm = filled_up(weight, model_.shape.hidden); }

  void set_linear(int layer, int site, int segment, const void* weight, const float* bias) override {
    check_segment(layer, site, segment);
    Segment<Numbers>& to = model_.layers[layer].sites[site][segment];
    require(to.weights.is_empty(), "this linear layer has been set already");
    const int out = model_.features_out(site, segment);
    to.weights = packed(out, model_.features_in(site), weight);
    if (bias != nullptr) to.bias = filled_up(bias, out);
    to.first_panel = 0;
    for (int before = 0; before < segment; ++before) {
      to.first_panel += round_up(model_.features_out(site, before), PANEL) / PANEL;
    }
  }

  int add_adapter() override {
    auto adapter = std::make_unique<Adapter<Numbers>>();
    adapter->sites.resize(std::size_t(model_.shape.layers) * SITE_COUNT);
    const auto free = std::find(model_.adapters.begin(), model_.adapters.end(), nullptr);
    const int handle = int(free - model_.adapters.begin());
    if (free == model_.adapters.end()) model_.adapters.emplace_back();
    model_.adapters[handle] = std::move(adapter);
    return handle;
  }

  void set_factors(int handle, int layer, int site, int segment, int rank, const float* a, const float* b,
                   float scale) override {
    check_adapter(handle);
    check_segment(layer, site, segment);
    require(rank >= 1 && rank <= 4096, "a rank is between 1 and 4096");
    const int in = model_.features_in(site), out = model_.features_out(site, segment);
    SiteUpdate<Numbers>& update = model_.adapters[handle]->sites[layer * SITE_COUNT + site];
    SegmentUpdate<Numbers>& to = update.segments[segment];
    require(to.a.is_empty(), "this matrix has factors of this adapter already");
    const auto a_at = [&](int row, int column) { return narrowed<Weight>(a[std::size_t(row) * in + column]); };
    const auto b_at = [&](int row, int column) {
      return narrowed<Weight>(b[std::size_t(row) * rank + column] * scale);
    };
    Arena& memory = model_.adapters[handle]->memory;
    const bool compress = model_.shape.compresses_weights != 0;
    to.a = FactorMatrix<Numbers, NARROW>(memory, rank, in, a_at, compress);
    to.b = FactorMatrix<Numbers, PANEL>(memory, out, rank, b_at, compress);
    to.first_column = update.columns;
    update.columns += round_up(rank, NARROW);
    model_.adapters[handle]->bytes += to.a.bytes() + to.b.bytes();
    forward_.linear_layers().make_room(update.columns);
  }

  void drop_adapter(int handle) override {
    check_adapter(handle);
    model_.adapters[handle].reset();
  }

  std::int64_t adapter_bytes(int handle) const override {
    check_adapter(handle);
    return std::int64_t(model_.adapters[handle]->bytes);
  }

  std::int64_t weight_bytes() const override {
    std::size_t bytes = model_.embedding.bytes() + model_.head.bytes() + model_.final_norm.bytes();
    for (const auto& layer : model_.layers) {
      for (const auto& norm : layer.norms) bytes += norm.bytes();
      for (const auto& site : layer.sites) {
        for (const auto& segment : site) bytes += segment.weights.bytes() + segment.bias.bytes();
      }
    }
    return std::int64_t(bytes);
  }

  void touch(int layer, int first_block, int end_block) override {
    check_layer(layer);
    require(first_block >= 0 && first_block <= end_block && end_block <= model_.shape.block_count,
            "there are no such blocks");
    model_.touch(layer, first_block, end_block);
  }

  void begin(const Request& request) override {
    if (!is_complete_) check_complete();
    check(request);
    forward_.begin(request);
  }

  void finish() override { forward_.finish(); }

 private:
  void check_layer(int layer) const { require(layer >= 0 && layer < model_.shape.layers, "there is no such layer"); }

  void check_segment(int layer, int site, int segment) const {
    check_layer(layer);
    require(site >= 0 && site < SITE_COUNT, "there is no such linear layer");
    require(segment >= 0 && segment < SEGMENT_COUNT[site], "this linear layer has no such part");
  }

  void check_adapter(int handle) const {
    require(handle >= 0 && handle < int(model_.adapters.size()) && model_.adapters[handle] != nullptr,
            "there is no adapter with this handle");
  }

  // A model of which something was never set would compute nonsense, or read nothing at all.
  void check_complete() {
    require(!model_.head.is_empty(), "the head has not been set");
    require(model_.shape.is_tied || !model_.embedding.is_empty(), "the embedding has not been set");
    require(!model_.final_norm.is_empty(), "the last norm has not been set");
    for (const auto& layer : model_.layers) {
      for (int which = 0; which < NORM_COUNT; ++which) {
        const bool is_output = which == ATTENTION_OUTPUT || which == FEEDFORWARD_OUTPUT;
        const bool is_of_head = which == QUERY || which == KEY;
        const bool is_needed = is_output ? model_.shape.has_post_norms : !is_of_head || model_.shape.has_qk_norm;
        require(!is_needed || !layer.norms[which].is_empty(), "a norm has not been set");
      }
      for (const auto& site : layer.sites) {
        for (const auto& segment : site) require(!segment.weights.is_empty(), "a linear layer has not been set");
      }
    }
    is_complete_ = true;
  }

  void check(const Request& request) const {
    const Shape& shape = model_.shape;
    require(request.rows >= 0 && request.sequences >= 0 && request.blocks_per_sequence >= 0 && request.selected >= 0 &&
                request.with_logits >= 0,
            "counts are not negative");
    for (int sequence = 0; sequence < request.sequences; ++sequence) {
      if (request.adapters[sequence] != -1) check_adapter(request.adapters[sequence]);
    }
    std::vector<int> next(request.sequences, -1);
    for (int row = 0; row < request.rows; ++row) {
      const int sequence = request.sequence_of[row], position = request.positions[row];
      require(request.tokens[row] >= 0 && request.tokens[row] < shape.vocabulary, "a token is not in the vocabulary");
      require(sequence >= 0 && sequence < request.sequences, "a row names a sequence that is not in the call");
      require(position >= 0 && position < shape.positions, "a position is beyond the context");
      require(position / BLOCK_TOKENS < request.blocks_per_sequence, "a sequence has no block for a row's position");
      require(next[sequence] == -1 || next[sequence] == position,
              "the rows of a sequence do not stand at successive positions");
      // Also those before it, to which the row attends; of later rows, only blocks that are new.
      const int from = next[sequence] == -1 ? 0 : position / BLOCK_TOKENS;
      for (int index = from; index <= position / BLOCK_TOKENS; ++index) {
        const int block = request.blocks[std::size_t(sequence) * request.blocks_per_sequence + index];
        require(block >= 0 && block < shape.block_count, "a sequence names a block that does not exist");
      }
      next[sequence] = position + 1;
    }
    for (int slot = 0; slot < request.selected; ++slot) {
      require(request.selected_rows[slot] >= 0 && request.selected_rows[slot] < request.rows,
              "a selected row is not in the call");
    }
    std::vector<bool> is_wanted(request.selected);
    for (int slot = 0; slot < request.with_logits; ++slot) {
      const int index = request.logits_of[slot];
      require(index >= 0 && index < request.selected, "logits are asked for a row that is not selected");
      require(!is_wanted[index], "logits are asked for twice for one selected row");
      is_wanted[index] = true;
    }
  }

  WeightMatrix<Numbers> packed(int out, int in, const void* values) {
    const auto* weights = static_cast<const Weight*>(values);
    const auto value = [&](int row, int column) { return weights[std::size_t(row) * in + column]; };
    return {model_.memory, out, in, value, model_.shape.compresses_weights != 0};
  }

  static Buffer<float> filled_up(const float* values, int count) {
    Buffer<float> buffer(round_up(count, PANEL));
    std::copy_n(values, count, buffer.data());
    return buffer;
  }

  Model<Numbers> model_;
  Forward<Numbers> forward_;
  bool is_complete_ = false;
};

inline void check_shape(const Shape& shape) {
  require(shape.hidden >= 1 && shape.layers >= 1 && shape.heads >= 1 && shape.kv_heads >= 1 && shape.head_dim >= 1 &&
              shape.intermediate >= 1 && shape.vocabulary >= 1 && shape.positions >= 1 && shape.block_count >= 1 &&
              shape.threads >= 1,
          "every size is at least 1");
  require(shape.heads % shape.kv_heads == 0, "query heads are a multiple of the heads of keys and values");
  require(shape.rope_tables >= 0 && shape.rotary_half >= 0 && 2 * shape.rotary_half <= shape.head_dim,
          "no more of a head is turned than it has");
}

}  // namespace tanren
