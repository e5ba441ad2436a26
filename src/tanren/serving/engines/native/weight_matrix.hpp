// A weight matrix of the base model: packed in panels and, for the matrix registers, compressed.
//
// Compressed, bfloat16 weights take three quarters of their memory, and none is changed. Of a weight's two bytes the
// lower (the exponent's last bit and seven of the fraction) is as good as random; the upper (the sign and the
// exponent's upper seven bits) is one of sixteen for all but some in ten thousand weights of a panel, and is written as
// its number in the panel's codebook, four bits. The few others are patches. A step that reads all weights once is
// limited by memory, and reads a quarter less.
//
// Layout   a unit is a step of a panel, [DEPTH / 2][32][2]: 32 deep and 32 wide, 1024 weights. It is eight times three
//          cache lines, for 128 weights each: the lower bytes of the first 64, those of the others, and the numbers of
//          both, the first 64 in the lower halves of its bytes.
//          Within a line weight w of 32 is at (w / 8) · 16 + w % 8, the 32 that follow eight bytes later: where
//          interleaving the lower and upper bytes of two registers, lane by lane, takes it from.
// Cost     unpacking a unit takes some 60 cycles; reading it from memory, about 300.
// Source   that exponents of trained weights carry under 3 bits: Zhang et al. 2025, "70% Size, 100% Accuracy: Lossless
//          LLM Compression for Efficient GPU Inference via Dynamic-Length Float". Here lengths are fixed.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <vector>

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
        const Place place = place_of(column, k);
        const int number = from[place.number] >> place.shift & 15;
        bits[k] = std::uint16_t(codebooks_[panel][number] << 8 | from[place.lower]);
      }
      each_patch(panel, step, [&](const Patch& patch) {
        const int of_column = patch.weight % 64 / 2;
        if (of_column == column) bits[patch.weight / 64 * 2 + patch.weight % 2] = patch.bits;
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
        : matrix_(matrix), panel_(panel), ring_(ring), last_place_(places - 1) {
      codebook_ = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(&matrix.codebooks_[panel])));
    }

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
  using Codebook = std::array<std::uint8_t, 16>;

  // A weight whose upper byte is not in the codebook.
  struct Patch {
    std::uint16_t weight;  // of its unit
    std::uint16_t bits;
  };

  // Where a weight is found in its unit.
  struct Place {
    int lower;          // the byte that is its lower one
    int number, shift;  // the byte, and the bit in it, where its upper one's number begins
    int weight;         // among those unpacked
  };

  static constexpr int PAIRS = MatrixTiles::DEPTH / 2, LINE = 64;
  static constexpr int LINES_BYTES = 3 * LINE, UNIT_BYTES = PAIRS / 2 * LINES_BYTES;
  // What is so many bytes further on is asked for: left to itself the processor, which fetches ahead while it waits for
  // lines, stops when it computes. At 4 units ahead it reads 28 GB/s beside computing instead of 24.
  static constexpr int DISTANCE = 4 * UNIT_BYTES;
  // With more patches, unpacking takes longer than reading what is saved. A model's weights have far fewer.
  static constexpr std::size_t WEIGHTS_A_PATCH = 128;

  int steps() const { return depth_ / MatrixTiles::DEPTH; }
  const std::uint8_t* unit(int panel, int step) const { return units_ + index(panel, step) * UNIT_BYTES; }
  std::size_t index(int panel, int step) const { return std::size_t(panel) * steps() + step; }

  static Place place_of(int column, int k) {
    const int pair = k / 2, weight = column * 2 + k % 2;
    const int byte = weight % 32 / 8 * 16 + weight % 8 + weight / 32 * 8;
    const int lines = pair / 2 * LINES_BYTES;
    return {lines + pair % 2 * LINE + byte, lines + 2 * LINE + byte, pair % 2 * 4, pair * 64 + weight};
  }

  template <class Visit>
  void each_patch(int panel, int step, const Visit& visit) const {
    const std::size_t at = index(panel, step);
    for (std::uint32_t patch = first_patch_[at]; patch < first_patch_[at + 1]; ++patch) visit(patches_[patch]);
  }

  template <bool ASKS>
  void unpack(int panel, int step, __m512i codebook, BFloat16* to) const {
    const std::uint8_t* from = unit(panel, step);
    // Not unrolled: each load is then one that the processor sees going through memory in even strides.
#pragma GCC unroll 1
    for (int at = 0; at < MatrixTiles::STEP_VALUES; at += 128, from += LINES_BYTES) {
      if constexpr (ASKS) {
        for (int line = 0; line < 3; ++line) __builtin_prefetch(from + DISTANCE + line * LINE, 0, 2);
      }
      const __m512i first = _mm512_load_si512(from), second = _mm512_load_si512(from + LINE);
      const __m512i numbers = _mm512_load_si512(from + 2 * LINE);
      // Of an index six bits count, and the codebook is there four times: what stands above a number is no matter.
      const __m512i first_upper = _mm512_permutexvar_epi8(numbers, codebook);
      const __m512i second_upper = _mm512_permutexvar_epi8(_mm512_srli_epi16(numbers, 4), codebook);
      _mm512_store_si512(to + at, _mm512_unpacklo_epi8(first, first_upper));
      _mm512_store_si512(to + at + 32, _mm512_unpackhi_epi8(first, first_upper));
      _mm512_store_si512(to + at + 64, _mm512_unpacklo_epi8(second, second_upper));
      _mm512_store_si512(to + at + 96, _mm512_unpackhi_epi8(second, second_upper));
    }
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
      std::array<std::uint8_t, 256> order;
      std::iota(order.begin(), order.end(), std::uint8_t{0});
      std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return counts[a] > counts[b]; });
      Codebook& codebook = codebooks_.emplace_back();
      std::copy_n(order.begin(), codebook.size(), codebook.begin());
      for (std::size_t rank = codebook.size(); rank < order.size(); ++rank) patches += counts[order[rank]];
    }
    if (patches * WEIGHTS_A_PATCH > std::size_t(panels) * PANEL * depth_) return false;
    patches_.reserve(patches);
    return true;
  }

  template <class Value>
  void write_units(Arena& arena, int out, int in, const Value& value) {
    constexpr int NONE = 16;
    auto* units = arena.take<std::uint8_t>(codebooks_.size() * steps() * UNIT_BYTES);
    units_ = units;
    first_patch_.reserve(codebooks_.size() * steps() + 1);
    first_patch_.push_back(0);
    for (int panel = 0; panel < panel_count(); ++panel) {
      std::array<std::uint8_t, 256> number_of;
      number_of.fill(NONE);
      for (int number = 0; number < NONE; ++number) number_of[codebooks_[panel][number]] = std::uint8_t(number);
      for (int step = 0; step < steps(); ++step, units += UNIT_BYTES) {
        for (int column = 0; column < PANEL; ++column) {
          for (int k = 0; k < MatrixTiles::DEPTH; ++k) {
            const int row = panel * PANEL + column, depth = step * MatrixTiles::DEPTH + k;
            const std::uint16_t bits = row < out && depth < in ? value(row, depth).bits : 0;
            const Place place = place_of(column, k);
            units[place.lower] = std::uint8_t(bits);
            const int number = number_of[bits >> 8];
            if (number == NONE) {
              patches_.push_back({std::uint16_t(place.weight), bits});
            } else {
              units[place.number] |= std::uint8_t(number << place.shift);
            }
          }
        }
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
