// A weight matrix of the base model: packed in panels and, for the matrix registers, compressed.
//
// Layout   compressed: a unit is a step of a panel, [DEPTH / 2][32][2]: 32 deep and 32 wide, 1024 weights, written as
//          compression.hpp has it. Each panel has a codebook of its own.
// Cost     unpacking a unit takes some 60 cycles; reading it from memory, about 300.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "compression.hpp"
#include "matrix_tiles.hpp"
#include "packing.hpp"

namespace tanren {

template <class Numbers>
class WeightMatrix : public PackedMatrix<Numbers, PANEL> {
 public:
  WeightMatrix() = default;

  template <class Value>
  WeightMatrix(Arena& arena, int out, int in, const Value& value, [[maybe_unused]] bool compress)
      : PackedMatrix<Numbers, PANEL>(arena, out, in, value) {}
};

#if defined(__AMX_BF16__)
template <>
class WeightMatrix<BrainFloat> {
 public:
  WeightMatrix() = default;

  // `value(row, column)` is the matrix's. `compress`: where that makes it smaller.
  template <class Value>
  WeightMatrix(Arena& arena, int out, int in, const Value& value, bool compress) {
    if (compress && read_codebooks(out, in, value)) {
      write_units(arena, out, in, value);
    } else {
      codebooks_.clear();
      plain_ = PackedMatrix<BrainFloat, PANEL>(arena, out, in, value, MatrixTiles::DEPTH);
      depth_ = plain_.depth();
    }
  }

  bool is_empty() const { return depth_ == 0; }
  bool is_compressed() const { return !codebooks_.empty(); }
  int depth() const { return depth_; }
  int panel_count() const { return is_compressed() ? int(codebooks_.size()) : plain_.panel_count(); }

  std::size_t bytes() const {
    if (!is_compressed()) return plain_.bytes();
    return codebooks_.size() * (sizeof(Codebook) + std::size_t(steps()) * UNIT_BYTES) +
           patches_.size() * sizeof(Patch) + first_patch_.size() * sizeof(std::uint32_t);
  }

  Stretch beginning(int panel, int depth) const {
    if (!is_compressed()) return plain_.beginning(panel, depth);
    return {unit(panel, 0), std::size_t(std::min(depth, depth_) / MatrixTiles::DEPTH) * UNIT_BYTES};
  }

  // The first `count` values of a row.
  void copy_row(int row, int count, float* to) const {
    if (!is_compressed()) return plain_.copy_row(row, count, to);
    const int panel = row / PANEL, column = row % PANEL;
    for (int first = 0; first < count; first += MatrixTiles::DEPTH) {
      const int step = first / MatrixTiles::DEPTH;
      const std::uint8_t* from = unit(panel, step);
      std::uint16_t bits[MatrixTiles::DEPTH];
      for (int k = 0; k < MatrixTiles::DEPTH; ++k) {
        bits[k] = Compression::bits_at(from, codebooks_[panel], k / 2 * 2 * PANEL + column * 2 + k % 2);
      }
      each_patch(panel, step, [&](const Patch& patch) {
        const Place place = place_of(patch.weight);
        if (place.column == column) bits[place.k] = patch.bits;
      });
      for (int k = 0; k < std::min(MatrixTiles::DEPTH, count - first); ++k) to[first + k] = widened(BFloat16{bits[k]});
    }
  }

  // A panel that is not compressed.
  MatrixTiles::Steps plain_steps(int panel) const { return {plain_.panel(panel)}; }

  // A panel that is: each step is unpacked into a place of `ring` before it is read.
  class UnpackedSteps {
   public:
    // `ring`: `places` steps, a power of two.
    UnpackedSteps(const WeightMatrix& matrix, int panel, BFloat16* ring, int places)
        : matrix_(matrix),
          panel_(panel),
          ring_(ring),
          last_place_(places - 1),
          codebook_(Compression::loaded(matrix.codebooks_[panel])) {}

    const BFloat16* operator[](int step) const { return place(step); }

    // Done by what prepares.
    void fetch(int) const {}

    // `ASKS`: asks for what comes after it.
    template <bool ASKS = true>
    void prepare(int step) const {
      matrix_.unpack<ASKS>(panel_, step, codebook_, place(step));
    }

   private:
    BFloat16* place(int step) const { return ring_ + (step & last_place_) * MatrixTiles::STEP_VALUES; }

    const WeightMatrix& matrix_;
    int panel_;
    BFloat16* ring_;
    int last_place_;
    __m512i codebook_;
  };

 private:
  using Codebook = Compression::Codebook;
  using Patch = Compression::Patch;

  // Of a weight of a unit.
  struct Place {
    int column, k;
  };

  static constexpr int UNIT_BYTES = MatrixTiles::STEP_VALUES / Compression::GRAIN * Compression::GRAIN_BYTES;

  // Four units ahead memory gives 28 GB/s beside computing instead of 24.
  static constexpr int GRAINS_AHEAD = 32;

  int steps() const { return depth_ / MatrixTiles::DEPTH; }
  const std::uint8_t* unit(int panel, int step) const { return units_ + index(panel, step) * UNIT_BYTES; }
  std::size_t index(int panel, int step) const { return std::size_t(panel) * steps() + step; }

  static Place place_of(int weight) {
    return {weight % (2 * PANEL) / 2, weight / (2 * PANEL) * 2 + weight % 2};
  }

  template <class Visit>
  void each_patch(int panel, int step, const Visit& visit) const {
    const std::size_t at = index(panel, step);
    for (std::uint32_t patch = first_patch_[at]; patch < first_patch_[at + 1]; ++patch) visit(patches_[patch]);
  }

  template <bool ASKS>
  void unpack(int panel, int step, __m512i codebook, BFloat16* to) const {
    Compression::unpack<ASKS ? GRAINS_AHEAD : 0>(unit(panel, step), MatrixTiles::STEP_VALUES, codebook, to);
    each_patch(panel, step, [to](const Patch& patch) { to[patch.weight].bits = patch.bits; });
  }

  // The sixteen upper bytes that each panel has most of; false where too many weights have others.
  template <class Value>
  bool read_codebooks(int out, int in, const Value& value) {
    depth_ = round_up(in, MatrixTiles::DEPTH);
    const int panels = round_up(out, PANEL) / PANEL;
    std::size_t patches = 0;
    for (int panel = 0; panel < panels; ++panel) {
      const int rows = std::min(PANEL, out - panel * PANEL);
      std::array<std::uint32_t, 256> counts{};
      counts[0] = std::uint32_t(PANEL) * depth_ - std::uint32_t(rows) * in;  // zeros with which it is filled up
      for (int row = 0; row < rows; ++row) {
        for (int column = 0; column < in; ++column) ++counts[value(panel * PANEL + row, column).bits >> 8];
      }
      patches += Compression::choose(counts, codebooks_.emplace_back());
    }
    if (patches * Compression::WEIGHTS_A_PATCH > std::size_t(panels) * PANEL * depth_) return false;
    patches_.reserve(patches);
    return true;
  }

  template <class Value>
  void write_units(Arena& arena, int out, int in, const Value& value) {
    auto* units = arena.take<std::uint8_t>(codebooks_.size() * steps() * UNIT_BYTES);
    units_ = units;
    first_patch_.reserve(codebooks_.size() * steps() + 1);
    first_patch_.push_back(0);
    for (int panel = 0; panel < panel_count(); ++panel) {
      for (int step = 0; step < steps(); ++step, units += UNIT_BYTES) {
        const auto bits_of = [&](int weight) -> std::uint16_t {
          const Place place = place_of(weight);
          const int row = panel * PANEL + place.column, column = step * MatrixTiles::DEPTH + place.k;
          return row < out && column < in ? value(row, column).bits : 0;
        };
        Compression::pack(MatrixTiles::STEP_VALUES, codebooks_[panel], bits_of, units,
                          [&](const Patch& patch) { patches_.push_back(patch); });
        first_patch_.push_back(std::uint32_t(patches_.size()));
      }
    }
  }

  int depth_ = 0;
  PackedMatrix<BrainFloat, PANEL> plain_;
  const std::uint8_t* units_ = nullptr;
  std::vector<Codebook> codebooks_;         // of each panel; none: not compressed
  std::vector<Patch> patches_;              // of all units, one after the other
  std::vector<std::uint32_t> first_patch_;  // of each unit, and as many as there are
};
#endif

}  // namespace tanren
