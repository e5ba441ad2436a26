// The forward pass: a chunk of rows through all layers, by all threads of the team together.
//
//   embed → per layer: [ project → place → attend → add output → feed forward → add output ] → norm → head
//
// Each arrow is a part that the team shares out, and a meeting. A part writes what the next one reads:
//
//   residual_   [M][hidden]        float, the stream h to which every layer adds
//   normed_     [M][hidden]        what the products of a layer take
//   projected_  [M][panels]        float; queries, keys and values side by side, or an output still to be normed
//   queries_    [kv_heads][M][group][head]
//   attended_   [M][heads · head]
//   inner_      [M][intermediate]  activation(gate) · up
//
// M = CHUNK_ROWS; last dimensions are filled up to whole panels with zeros, and stay so.
//
// What holds for results   each row's sums are taken in an order that depends on the model alone: its logits are the same
//          to the last bit whatever rows, adapters and blocks it is computed beside, in one call or several, by one
//          thread or more. Another instruction set has another order.
// Cost     a step of one row reads all weights once: memory is the limit. A step of many rows is 2 · weights · rows
//          operations: arithmetic is.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "attention.hpp"
#include "linear.hpp"
#include "model.hpp"
#include "panel_product.hpp"
#include "plan.hpp"
#include "row_functions.hpp"
#include "thread_team.hpp"
#include "upcoming.hpp"

namespace tanren {

template <class Numbers>
class Forward {
 public:
  using Activation = typename Numbers::Activation;
  using Weight = typename Numbers::Weight;

  explicit Forward(const Model<Numbers>& model)
      : model_(model),
        shape_(model.shape),
        hidden_(round_up(shape_.hidden, PANEL)),
        inner_width_(round_up(shape_.intermediate, PANEL)),
        linear_(model),
        upcoming_(model),
        team_(shape_.threads),
        residual_(rows_of<float>(hidden_, memory_.residual)),
        normed_(rows_of<Activation>(hidden_, memory_.normed)),
        projected_(rows_of<float>(PANEL * std::max(model.panels_of(QKV), hidden_ / PANEL), memory_.projected)),
        attended_(rows_of<Activation>(round_up(shape_.heads * shape_.head_dim, PANEL), memory_.attended)),
        inner_(rows_of<Activation>(inner_width_, memory_.inner)),
        queries_(std::size_t(CHUNK_ROWS) * shape_.heads * model.head_stride),
        gate_up_(PanelProduct<Numbers>::ROWS * stride_of<float>(2 * inner_width_)) {
    for (int member = 0; member < shape_.threads; ++member) {
      members_.push_back(std::make_unique<Member>(model, team_, member));
    }
  }

  LinearLayers<Numbers>& linear_layers() { return linear_; }

  // The team begins to write keys and values of all rows, and what follows the selected ones into the request's arrays,
  // which stay where they are. It goes on until `finish`, in which the caller takes part.
  void begin(const Request& request) {
    request_ = request;
    planned_rows_ = 0;
    begin_chunk();
  }

  void finish() {
    while (row_count() > 0) {
      team_.finish();
      answer();
      begin_chunk();
    }
  }

 private:
  struct Best {
    float logit;
    int token;
  };

  // What one thread needs for itself.
  struct Member {
    Member(const Model<Numbers>& model, ThreadTeam& team, int number)
        : number(number),
          way(team, [this] { return waiting.run_one(); }),
          attention(model),
          tile(std::size_t(CHUNK_ROWS) * 2 * PANEL),
          best(CHUNK_ROWS) {}

    int number;
    ThreadTeam::Way way;
    Attention<Numbers> attention;
    Buffer<float> tile;  // [M][2 · PANEL]
    Errands errands;  // run beside a product
    Errands waiting;  // run while it waits for the others
    std::vector<Best> best;
  };

  int row_count() const { return int(plan_.rows.size()); }
  // One tile of rows: each weight is used once and comes from memory.
  bool is_few() const { return row_count() <= PanelProduct<Numbers>::ROWS; }
  // See linear.hpp.
  bool goes_by_adapter() const { return is_few() && plan_.groups_are_even; }
  int row_grain() const { return std::max(1, row_count() / (4 * team_.size())); }
  // The panels of a matrix, `piece(first, end, next)` as in share_ahead. With few rows memory is the limit: it is read
  // fastest in long stretches, by the processor's own looking ahead. With many, what comes next is fetched beside the
  // product, and short stretches keep the members together.
  template <class Piece>
  void share_panels(int panels, Member& member, const Piece& piece) {
    if (is_few()) {
      const int grain = (panels + 4 * team_.size() - 1) / (4 * team_.size());
      member.way.share(panels, grain, [&](int first, int end) { piece(first, end, panels); });
    } else {
      member.way.share_ahead(panels, std::max(1, panels / (8 * team_.size())), piece);
    }
  }

  // After a panel of the stretch that ends at `end`, where the next one begins at `next`.
  static int then(int panel, int end, int next) { return panel + 1 < end ? panel + 1 : next; }

  // The next rows of the request, if there are any left.
  void begin_chunk() {
    const int first = planned_rows_;
    planned_rows_ = std::min(first + CHUNK_ROWS, request_.rows);
    plan_ = plan_chunk(request_, first, planned_rows_, Attention<Numbers>::rows_of_tile(model_.group), team_.size());
    if (row_count() == 0) return;
    // For all, since who comes late does not come by.
    for (const auto& member : members_) {
      std::fill_n(member->best.begin(), plan_.selected.size(),
                  Best{-std::numeric_limits<float>::infinity(), shape_.vocabulary});
    }
    team_.begin([this](int member) { run(*members_[member]); });
  }

  void run(Member& member) {
    member.way.begin();
    member.waiting.clear();
    member.way.share(row_count(), row_grain(), [&](int first, int end) {
      for (int row = first; row < end; ++row) {
        embed(plan_.rows[row].token, residual_[row]);
        norm(row, model_.layers[0].norms[ATTENTION_INPUT], row);
      }
    });
    for (int layer = 0; layer < shape_.layers; ++layer) {
      const auto& norms = model_.layers[layer].norms;
      upcoming_.before_attention(member.waiting, plan_, layer, member.number, team_.size());
      project(layer, member);
      member.way.share(row_count(), row_grain(), [&](int first, int end) {
        for (int row = first; row < end; ++row) place(layer, row);
      });
      expect(layer, ATTENTION_OUT, member);
      attend(layer, member);
      expect(layer, GATE_UP, member);
      add_output(layer, ATTENTION_OUT, attended_, member);
      settle(norms[ATTENTION_OUTPUT], &norms[FEEDFORWARD_INPUT], member);
      expect(layer, DOWN, member);
      feed_forward(layer, member);
      expect(layer + 1, QKV, member);
      add_output(layer, DOWN, inner_, member);
      const bool is_last = layer + 1 == shape_.layers;
      settle(norms[FEEDFORWARD_OUTPUT], is_last ? nullptr : &model_.layers[layer + 1].norms[ATTENTION_INPUT],
             member);
    }
    head(member);
    PanelProduct<Numbers>::rest();
  }

  // What the member fetches while it waits, from now on.
  void expect(int layer, Site site, Member& member) {
    if (layer < shape_.layers) {
      upcoming_.before(member.waiting, plan_, layer, site, member.number, team_.size());
    } else {
      upcoming_.before_head(member.waiting, plan_, member.number, team_.size());
    }
  }

  void embed(int token, float* to) const {
    if (shape_.is_tied) {
      model_.head.copy_row(token, shape_.hidden, to);
    } else {
      const Weight* row = model_.embedding.data() + std::size_t(token) * shape_.hidden;
      for (int column = 0; column < shape_.hidden; ++column) to[column] = widened(row[column]);
    }
    for (int column = 0; column < shape_.hidden; ++column) to[column] *= shape_.embedding_scale;
    // Not only at first: an earlier row that was not finite has spoilt its fill as well.
    std::fill(to + shape_.hidden, to + hidden_, 0.0f);
  }

  void norm(int row, const Buffer<float>& weight, int to) {
    rms_norm(residual_[row], weight.data(), shape_.hidden, hidden_, shape_.rms_epsilon, normed_[to]);
  }

  // What is left for the weights of a site when its adapters have begun.
  struct Beginning {
    Start start;
    bool with_updates;  // b comes with the weights
  };

  // The adapters' part before the weights, where any takes part: all of it, put into y or added to it, if they are gone
  // through by adapter; else a · x.
  Beginning begin_updates(int layer, Site site, Rows<const Activation> x, Start start, Rows<float> y, Member& member) {
    const int panels = linear_.lowered_panels(plan_, layer, site), groups = int(plan_.groups.size());
    if (panels == 0) return {start, false};
    if (!goes_by_adapter()) {
      member.way.share(groups * panels, 1, [&](int index, int) {
        linear_.lower(plan_, plan_.groups[index / panels], layer, site, index % panels, x);
      });
      return {start, true};
    }
    member.way.share(groups + 1, 1, [&](int index, int) {
      if (index < groups) {
        linear_.add_updates(plan_, plan_.groups[index], layer, site, x, start, y);
      } else if (start == Start::ZERO) {
        linear_.clear(plan_.pieces[0].first_row, 0, model_.panels_of(site), y);
      }
    });
    return {Start::Y, false};
  }

  void project(int layer, Member& member) {
    const Beginning begun = begin_updates(layer, QKV, reading(normed_), Start::ZERO, projected_, member);
    share_panels(model_.panels_of(QKV), member, [&](int first, int end, int next) {
      // A stretch may begin in one segment and end in another.
      for (int from = first, to; from < end; from = to) {
        const auto own = upcoming_.panel_of(layer, QKV, from);
        const int left = model_.layers[layer].sites[QKV][own.segment].weights.panel_count() - own.index;
        to = std::min(end, from + left);
        const auto errands_of = [&](int index) {
          const int panel = from + index - own.index;
          return upcoming_.beside(member.errands, plan_, layer, QKV, {own.segment, index}, panel,
                                  then(panel, end, next));
        };
        linear_.add_panels(plan_, begun.with_updates, layer, QKV, own.segment, own.index, own.index + to - from,
                           reading(normed_), begun.start, projected_.from_panel(from), errands_of);
      }
    });
  }

  // Turns a row's queries and keys, and puts keys and values into their block.
  void place(int layer, int row) {
    const RowPlan& plan = plan_.rows[row];
    const int table = model_.layers[layer].rope_table;
    const auto& segments = model_.layers[layer].sites[QKV];
    const std::size_t angles =
        table < 0 ? 0 : (std::size_t(table) * shape_.positions + plan.position) * shape_.rotary_half;
    const auto turn = [&](float* head, Norm norm) {
      if (shape_.has_qk_norm) {
        rms_norm_head(head, model_.layers[layer].norms[norm].data(), shape_.head_dim, shape_.rms_epsilon);
      }
      if (table >= 0) {
        rotate_head(head, model_.cosines.data() + angles, model_.sines.data() + angles, shape_.rotary_half);
      }
    };
    for (int head = 0; head < shape_.heads; ++head) {
      float* query = projected_[row] + head * shape_.head_dim;
      turn(query, QUERY);
      Activation* to = queries_of(head / model_.group, row) + head % model_.group * model_.head_stride;
      for (int d = 0; d < shape_.head_dim; ++d) to[d] = narrowed<Activation>(query[d] * shape_.attention_scale);
    }
    for (int head = 0; head < shape_.kv_heads; ++head) {
      float* key = projected_[row] + segments[1].first_panel * PANEL + head * shape_.head_dim;
      turn(key, KEY);
      keep(layer, head, plan, key, projected_[row] + segments[2].first_panel * PANEL + head * shape_.head_dim);
    }
  }

  void keep(int layer, int head, const RowPlan& plan, const float* key, const float* value) {
    constexpr int GROUP = Numbers::GROUP;
    const int block = plan.blocks[plan.position / BLOCK_TOKENS], at = plan.position % BLOCK_TOKENS;
    Weight* keys = model_.keys(layer, block, head);
    for (int d = 0; d < shape_.head_dim; ++d) {
      keys[d / GROUP * BLOCK_TOKENS * GROUP + at * GROUP + d % GROUP] = narrowed<Weight>(key[d]);
    }
    Weight* values = model_.values(layer, block, head);
    const auto place_of = [&](int position, int d) {
      return position / GROUP * model_.head_stride * GROUP + d * GROUP + position % GROUP;
    };
    for (int d = 0; d < shape_.head_dim; ++d) values[place_of(at, d)] = narrowed<Weight>(value[d]);
    // A block that is begun in this chunk may have been another sequence's. What is left of its values has the weight 0
    // in every answer until it is written; it must not be a NaN of that sequence's, which would outlive the weight.
    if (plan.closes_stretch_from >= 0 && plan.closes_stretch_from <= plan.position - at) {
      for (int position = at + 1; position < BLOCK_TOKENS; ++position) {
        for (int d = 0; d < shape_.head_dim; ++d) values[place_of(position, d)] = {};
      }
    }
  }

  void attend(int layer, Member& member) {
    using Piece = typename Attention<Numbers>::Piece;
    const int pieces = int(plan_.tiles.size()) * shape_.kv_heads;
    const auto piece_of = [&](int index) {
      return Piece{&plan_.tiles[index / shape_.kv_heads], index % shape_.kv_heads};
    };
    member.way.share_ahead(pieces, 1, [&](int index, int, int next) {
      const Piece piece = piece_of(index), next_piece = piece_of(next < pieces ? next : index);
      member.attention.attend(layer, plan_, piece, next < pieces ? &next_piece : nullptr,
                              queries_of(piece.kv_head, piece.tile->first_row), attended_);
    });
  }

  // The output of attention or feed-forward: added to the stream, or left in projected_ where it is normed first.
  void add_output(int layer, Site site, Rows<Activation> x, Member& member) {
    const Rows<float> y = shape_.has_post_norms ? projected_ : residual_;
    const Start start = shape_.has_post_norms ? Start::ZERO : Start::Y;
    const Beginning begun = begin_updates(layer, site, reading(x), start, y, member);
    share_panels(model_.panels_of(site), member, [&](int first, int end, int next) {
      const auto errands_of = [&](int panel) {
        return upcoming_.beside(member.errands, plan_, layer, site, {0, panel}, panel, then(panel, end, next));
      };
      linear_.add_panels(plan_, begun.with_updates, layer, site, 0, first, end, reading(x), begun.start,
                         y.from_panel(first), errands_of);
    });
  }

  // Between two halves of a layer: the output's own norm, where there is one, and the norm for what comes next.
  void settle(const Buffer<float>& output_norm, const Buffer<float>* next_norm, Member& member) {
    member.way.share(row_count(), row_grain(), [&](int first, int end) {
      for (int row = first; row < end; ++row) {
        if (shape_.has_post_norms) {
          add_rms_norm(projected_[row], output_norm.data(), shape_.hidden, hidden_, shape_.rms_epsilon, residual_[row]);
        }
        if (next_norm != nullptr) norm(row, *next_norm, row);
      }
    });
  }

  void feed_forward(int layer, Member& member) {
    const Rows<float> sums{gate_up_.data(), stride_of<float>(2 * inner_width_)};
    const Beginning begun = begin_updates(layer, GATE_UP, reading(normed_), Start::ZERO, sums, member);
    const int panels = inner_width_ / PANEL;
    // With few rows, one after the other as long as both find room: a long stretch of one matrix is read faster.
    const int together = is_few() ? std::max(1, int(member.tile.count()) / (2 * PANEL * row_count())) : 1;
    const std::size_t width = std::size_t(together) * PANEL;
    share_panels(panels, member, [&](int first, int end, int next) {
      for (int from = first; from < end; from += together) {
        const int to = std::min(from + together, end);
        Rows<float> gate{member.tile.data(), 2 * width}, up{member.tile.data() + width, 2 * width};
        if (begun.start == Start::Y) {
          gate = sums.from_panel(from);
          up = sums.from_panel(panels + from);
        }
        for (int segment = 0; segment < 2; ++segment) {
          const auto errands_of = [&](int panel) {
            return upcoming_.beside(member.errands, plan_, layer, GATE_UP, {segment, panel}, panel,
                                    then(panel, end, next));
          };
          linear_.add_panels(plan_, begun.with_updates, layer, GATE_UP, segment, from, to, reading(normed_),
                             begun.start, segment == 0 ? gate : up, errands_of);
        }
        for (int row = 0; row < row_count(); ++row) {
          gated(gate[row], up[row], (to - from) * PANEL, shape_.is_gelu, inner_[row] + from * PANEL);
        }
      }
    });
  }

  // Logits of the selected rows: the best of each by each member, and all of them where they are asked for.
  void head(Member& member) {
    const int count = int(plan_.selected.size());
    if (count == 0) return;
    member.way.share(count, 1, [&](int index, int) { norm(plan_.selected[index].row, model_.final_norm, index); });
    const Rows<float> logits{member.tile.data(), PANEL};
    const int panels = model_.head.panel_count();
    share_panels(panels, member, [&](int first, int end, int next) {
      for (int panel = first; panel < end; ++panel) {
        PanelProduct<Numbers>::add(Start::ZERO, count, reading(normed_), model_.head, panel, logits,
                                   upcoming_.beside_head(member.errands, count, then(panel, end, next)));
        const int base = panel * PANEL, valid = std::min(PANEL, shape_.vocabulary - base);
        for (int index = 0; index < count; ++index) {
          find_best(logits[index], valid, base, member.best[index]);
          if (plan_.selected[index].logits_slot >= 0) {
            float* to = request_.logits + std::size_t(plan_.selected[index].logits_slot) * shape_.vocabulary + base;
            write_logits(logits[index], valid, to);
          }
        }
      }
    });
  }

  // A NaN is better than every number: it must be seen.
  static bool is_better(float logit, int token, Best than) {
    if (than.logit != than.logit) return false;
    return logit != logit || logit > than.logit || (logit == than.logit && token < than.token);
  }

  static void find_best(const float* logits, int valid, int base, Best& best) {
    if (valid == PANEL) {
      // Most panels hold no better one, which a comparison of whole vectors tells; of NaN, every comparison is false.
      Integers may_be{};
      for (int c = 0; c < PANEL; c += LANES) may_be |= ~(Integers)(load(logits + c) < best.logit);
      int any = 0;
      for (int lane = 0; lane < LANES; ++lane) any |= may_be[lane];
      if (any == 0) return;
    }
    for (int c = 0; c < valid; ++c) {
      if (is_better(logits[c], base + c, best)) best = {logits[c], base + c};
    }
  }

  void write_logits(float* logits, int valid, float* to) const {
    if (shape_.logit_softcap > 0) {
      for (int c = 0; c < PANEL; c += LANES) store(logits + c, soft_capped(load(logits + c), shape_.logit_softcap));
    }
    std::copy_n(logits, valid, to);
  }

  // The best of all members' best.
  void answer() {
    for (int index = 0; index < int(plan_.selected.size()); ++index) {
      Best best = members_[0]->best[index];
      for (const auto& member : members_) {
        if (is_better(member->best[index].logit, member->best[index].token, best)) best = member->best[index];
      }
      // A soft cap keeps the order.
      if (shape_.logit_softcap > 0) best.logit = soft_capped(splat(best.logit), shape_.logit_softcap)[0];
      request_.best[plan_.selected[index].slot] = best.token;
      request_.best_logits[plan_.selected[index].slot] = best.logit;
    }
  }

  // From row to row, an odd number of cache lines: rows that are a power of two apart share few sets of a cache.
  template <class Number>
  static constexpr std::size_t stride_of(int width) {
    constexpr std::size_t LINE = 64 / sizeof(Number);
    return ((width + LINE - 1) / LINE | 1) * LINE;
  }

  template <class Number>
  static Rows<Number> rows_of(int width, Buffer<Number>& memory) {
    const std::size_t stride = stride_of<Number>(width);
    memory = Buffer<Number>(CHUNK_ROWS * stride);
    return {memory.data(), stride};
  }

  static Rows<const Activation> reading(Rows<Activation> rows) { return {rows.first, rows.stride}; }

  Activation* queries_of(int kv_head, int row) const {
    return queries_.data() + (std::size_t(kv_head) * CHUNK_ROWS + row) * model_.group * model_.head_stride;
  }

  struct Memory {
    Buffer<float> residual, projected;
    Buffer<Activation> normed, attended, inner;
  };

  const Model<Numbers>& model_;
  const Shape& shape_;
  int hidden_, inner_width_;  // in whole panels
  LinearLayers<Numbers> linear_;
  Upcoming<Numbers> upcoming_;
  ThreadTeam team_;
  std::vector<std::unique_ptr<Member>> members_;
  Memory memory_;
  Rows<float> residual_;
  Rows<Activation> normed_;
  Rows<float> projected_;
  Rows<Activation> attended_, inner_;
  Buffer<Activation> queries_;
  Buffer<float> gate_up_;  // [PanelProduct::ROWS][2 · inner, and a line], where it goes by adapter
  Request request_{};
  int planned_rows_ = 0;
  Plan plan_;
};

}  // namespace tanren
