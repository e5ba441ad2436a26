// What a call asks for, cut into chunks of bounded size, each in the order in which it is computed.
//
// Within a chunk the rows of one adapter stand together, so that its factors are read once and each row of a tile has
// its own without an index. The rows of a sequence keep their order, since a sequence has one adapter. Chunks follow
// each other as the rows were given: what a row attends to is written before, or within its own chunk.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace tanren {

// Rows of one adapter that are multiplied by its factors as one piece of work.
inline constexpr int PIECE_ROWS = 32;
// Pieces of one row each that are multiplied by their factors together.
inline constexpr int LONE_ROWS = 4;

// As native_library.py declares it, field for field; see stepper.py for what the arrays hold.
struct Request {
  std::int32_t rows, sequences, blocks_per_sequence, selected, with_logits;
  const std::int32_t *tokens, *positions, *sequence_of, *blocks, *adapters, *selected_rows, *logits_of;
  std::int32_t* best;
  float* best_logits;
  float* logits;
};

struct RowPlan {
  int token, position;
  const std::int32_t* blocks;  // of its sequence
  // The first position of its sequence in this chunk if the row is the last one; else -1.
  int closes_stretch_from;
};

struct AdapterPiece {
  int adapter;  // a handle; rows without an adapter are in no piece
  int first_row, row_count;
};

// A piece of several rows, or some successive pieces of one row each.
struct PieceGroup {
  int first_piece, count;
};

// Rows of one sequence at successive positions.
struct QueryTile {
  int first_row, row_count;
};

struct SelectedRow {
  int row;
  int slot;         // in the answer
  int logits_slot;  // -1: only the best token is asked for
};

struct Plan {
  // Rows without an adapter come first.
  std::vector<RowPlan> rows;
  std::vector<AdapterPiece> pieces;
  std::vector<PieceGroup> groups;  // of all pieces
  std::vector<QueryTile> tiles;
  std::vector<SelectedRow> selected;
  // Whether the groups are so many, and so even, that the members can share them out.
  bool groups_are_even = false;
};

// `tile_rows`: rows of one sequence that attend together. `members`: of the team.
inline Plan plan_chunk(const Request& request, int first, int end, int tile_rows, int members) {
  const auto adapter_of = [&](int row) { return request.adapters[request.sequence_of[row]]; };
  std::vector<int> order(end - first);
  std::iota(order.begin(), order.end(), first);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return adapter_of(a) != adapter_of(b) ? adapter_of(a) < adapter_of(b)
                                          : request.sequence_of[a] < request.sequence_of[b];
  });

  Plan plan;
  std::vector<int> place(end - first);
  for (int index = 0, count = end - first, stretch_from = 0; index < count; ++index) {
    const int row = order[index], sequence = request.sequence_of[row], position = request.positions[row];
    place[row - first] = index;
    const bool is_new_stretch = index == 0 || request.sequence_of[order[index - 1]] != sequence;
    const bool is_last = index + 1 == count || request.sequence_of[order[index + 1]] != sequence;
    if (is_new_stretch) stretch_from = position;
    plan.rows.push_back({request.tokens[row], position,
                         request.blocks + std::size_t(sequence) * request.blocks_per_sequence,
                         is_last ? stretch_from : -1});
    if (is_new_stretch || plan.tiles.back().row_count == tile_rows) plan.tiles.push_back({index, 0});
    ++plan.tiles.back().row_count;
    const int adapter = adapter_of(row);
    if (adapter < 0) continue;
    if (plan.pieces.empty() || plan.pieces.back().adapter != adapter || plan.pieces.back().row_count == PIECE_ROWS) {
      plan.pieces.push_back({adapter, index, 0});
    }
    ++plan.pieces.back().row_count;
  }

  const auto is_lone = [](const AdapterPiece& piece) { return piece.row_count == 1; };
  const int lone_rows = int(std::count_if(plan.pieces.begin(), plan.pieces.end(), is_lone));
  const int together = std::clamp(lone_rows / (2 * members), 1, LONE_ROWS);
  int most_rows = 0;
  for (int index = 0; index < int(plan.pieces.size()); ++index) {
    const AdapterPiece& piece = plan.pieces[index];
    const bool joins = !plan.groups.empty() && plan.groups.back().count < together && is_lone(piece) &&
                       is_lone(plan.pieces[plan.groups.back().first_piece]);
    if (!joins) plan.groups.push_back({index, 0});
    ++plan.groups.back().count;
    most_rows = std::max({most_rows, piece.row_count, plan.groups.back().count});
  }
  if (!plan.pieces.empty()) {
    const int adapted_rows = int(plan.rows.size()) - plan.pieces[0].first_row;
    plan.groups_are_even = most_rows * 2 * members <= adapted_rows;
  }

  std::vector<int> logits_slot(request.selected, -1);
  for (int slot = 0; slot < request.with_logits; ++slot) logits_slot[request.logits_of[slot]] = slot;
  for (int slot = 0; slot < request.selected; ++slot) {
    const int row = request.selected_rows[slot];
    if (row >= first && row < end) plan.selected.push_back({place[row - first], slot, logits_slot[slot]});
  }
  return plan;
}

}  // namespace tanren
