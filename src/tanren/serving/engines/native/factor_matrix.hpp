// A factor of an adapter: packed in panels and, for the matrix registers, compressed.
//
// A panel's depth goes by in *cuts* of so many values, each of which is had as a whole: where it lies, or unpacked into
// room that the caller has.
//
// Layout   compressed: the codebook of the whole matrix, where the patches of each cut begin, the patches, and from the
//          next cache line on the cuts, written as compression.hpp has them. All in one stretch: of an adapter that is
//          read once a step, each further piece is one more wait for memory.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "compression.hpp"
#include "packing.hpp"

namespace tanren {

template <class Numbers, int WIDTH>
class FactorMatrix : public PackedMatrix<Numbers, WIDTH> {
 public:
  using Weight = typename Numbers::Weight;

  // A cut's values where it is unpacked; none is. Whether `cut` asks memory for others.
  static constexpr int CUT_VALUES = 1;
  static constexpr bool ASKS = false;

  FactorMatrix() = default;

  template <class Value>
  FactorMatrix(Arena& arena, int out, int in, const Value& value, [[maybe_unused]] bool compress)
      : PackedMatrix<Numbers, WIDTH>(arena, out, in, value) {}

  int cut_depth() const { return this->depth(); }

  // From depth `k`, a multiple of the cut's depth.
  const Weight* cut(int panel, int k, Weight*) const {
    return this->panel(panel) + std::size_t(k) * WIDTH;
  }

  // As below; never so here.
  template <int ROWS>
  static bool multiply_apart(int, const FactorMatrix* const*, const int*, const typename Numbers::Activation* const*,
                             float (*)[WIDTH]) {
    return false;
  }

  Stretch panel_bytes(int panel) const { return this->beginning(panel, this->depth()); }
};

#if defined(__AMX_BF16__)
template <int WIDTH>
class FactorMatrix<BrainFloat, WIDTH> {
 public:
  static constexpr int CUT_VALUES = 1024;
  static constexpr bool ASKS = true;

  FactorMatrix() = default;

  // `value(row, column)` is the matrix's. `compress`: where that makes it smaller.
  template <class Value>
  FactorMatrix(Arena& arena, int out, int in, const Value& value, bool compress)
      : depth_(round_up(in, BrainFloat::GROUP)), panels_(round_up(out, WIDTH) / WIDTH) {
    const int values = WIDTH * depth_, cuts = (values + CUT_VALUES - 1) / CUT_VALUES;
    cut_values_ = round_up((values + cuts - 1) / cuts, Compression::GRAIN);
    const auto bits_of = [&](int panel, int at) -> std::uint16_t {
      const int row = panel * WIDTH + at % (2 * WIDTH) / 2, column = at / (2 * WIDTH) * 2 + at % 2;
      return row < out && column < in ? value(row, column).bits : 0;
    };
    if (!compress || !write_compressed(arena, bits_of)) plain_ = PackedMatrix<BrainFloat, WIDTH>(arena, out, in, value);
  }

  bool is_empty() const { return depth_ == 0; }
  int depth() const { return depth_; }
  int panel_count() const { return panels_; }
  int cut_depth() const { return cut_values_ / WIDTH; }
  std::size_t bytes() const { return is_compressed() ? header_bytes_ + count() * cut_bytes() : plain_.bytes(); }

  // From depth `k`, a multiple of the cut's depth; its last values may be beyond the matrix's depth. `room`: for
  // CUT_VALUES, from a cache line on.
  const BFloat16* cut(int panel, int k, BFloat16* room) const {
    if (!is_compressed()) return plain_.panel(panel) + std::size_t(k) * WIDTH;
    const int index = panel * cuts() + k / cut_depth();
    Compression::unpack<GRAINS_AHEAD>(cut_at(index), cut_values_, Compression::loaded(codebook()), room);
    const std::uint32_t* first = first_patches() + index;
    for (const Patch* patch = patches() + first[0]; patch < patches() + first[1]; ++patch) {
      room[patch->weight].bits = patch->bits;
    }
    return room;
  }

  // Like `multiply_apart` in tile.hpp, of panels in matrices of one shape, from the registers into which weights are
  // unpacked; false, and nothing is done, where one is not compressed or they do not end with a grain. Grain by grain
  // in turn: memory is then asked evenly.
  template <int ROWS>
  static bool multiply_apart(int rows, const FactorMatrix* const* matrices, const int* panels, const BFloat16* const* x,
                             float (*y)[WIDTH]) {
    static_assert(WIDTH == LANES, "a vector of sums a row");
    if constexpr (ROWS > 1) {
      if (rows < ROWS) return multiply_apart<ROWS - 1>(rows, matrices, panels, x, y);
    }
    constexpr int PAIRS = Compression::GRAIN / WIDTH / 2;  // of the depth, in a grain
    const int depth = matrices[0]->depth_, cut_depth = matrices[0]->cut_depth();
    if (depth % (2 * PAIRS) != 0) return false;
    __m512i upper[ROWS];
    __m512 sums[ROWS];
    for (int r = 0; r < ROWS; ++r) {
      if (!matrices[r]->is_compressed()) return false;
      upper[r] = Compression::loaded(matrices[r]->codebook());
      sums[r] = _mm512_setzero_ps();
    }
    alignas(64) BFloat16 rooms[ROWS][CUT_VALUES];
    for (int k = 0; k < depth; k += cut_depth) {
      const std::uint8_t* from[ROWS];
      bool is_patched[ROWS];
      for (int r = 0; r < ROWS; ++r) {
        const int index = panels[r] * matrices[r]->cuts() + k / cut_depth;
        from[r] = matrices[r]->cut_at(index);
        is_patched[r] = matrices[r]->first_patches()[index] != matrices[r]->first_patches()[index + 1];
        if (is_patched[r]) matrices[r]->cut(panels[r], k, rooms[r]);
      }
      const int end = std::min(k + cut_depth, depth);
      for (int d = k, grain = 0; d < end; d += 2 * PAIRS, ++grain) {
        for (int r = 0; r < ROWS; ++r) {
          Compression::Grain weights;
          if (is_patched[r]) {
            std::memcpy(&weights, rooms[r] + grain * Compression::GRAIN, sizeof weights);
          } else {
            weights = Compression::unpacked<GRAINS_AHEAD>(from[r] + grain * Compression::GRAIN_BYTES, upper[r]);
          }
          for (int pair = 0; pair < PAIRS; ++pair) {
            std::int32_t values;
            std::memcpy(&values, x[r] + d + 2 * pair, sizeof values);
            sums[r] =
                _mm512_dpbf16_ps(sums[r], (__m512bh)weights.weights[pair], (__m512bh)_mm512_set1_epi32(values));
          }
        }
      }
    }
    for (int r = 0; r < ROWS; ++r) store(y[r], (Floats)sums[r]);
    return true;
  }

  Stretch panel_bytes(int panel) const {
    if (!is_compressed()) return plain_.beginning(panel, depth_);
    return {cut_at(panel * cuts()), cuts() * cut_bytes()};
  }

  Stretch everything() const { return is_compressed() ? Stretch{header_, bytes()} : plain_.everything(); }

 private:
  // Several adapters are read side by side: memory has enough to do, and each stretch is soon at its end.
  static constexpr int GRAINS_AHEAD = 4;

  using Codebook = Compression::Codebook;
  using Patch = Compression::Patch;

  bool is_compressed() const { return header_ != nullptr; }
  int cuts() const { return (WIDTH * depth_ + cut_values_ - 1) / cut_values_; }  // of a panel
  std::size_t count() const { return std::size_t(panels_) * cuts(); }
  std::size_t cut_bytes() const { return std::size_t(cut_values_) / Compression::GRAIN * Compression::GRAIN_BYTES; }

  const Codebook& codebook() const { return *reinterpret_cast<const Codebook*>(header_); }
  const std::uint32_t* first_patches() const {
    return reinterpret_cast<const std::uint32_t*>(header_ + sizeof(Codebook));
  }
  const Patch* patches() const { return reinterpret_cast<const Patch*>(first_patches() + count() + 1); }
  const std::uint8_t* cut_at(int index) const { return header_ + header_bytes_ + index * cut_bytes(); }

  // False, and nothing is written, where it would not be smaller, or too many weights would be patches.
  template <class BitsOf>
  bool write_compressed(Arena& arena, const BitsOf& bits_of) {
    const int values = cuts() * cut_values_;
    std::array<std::uint32_t, 256> counts{};
    for (int panel = 0; panel < panels_; ++panel) {
      for (int at = 0; at < values; ++at) ++counts[bits_of(panel, at) >> 8];
    }
    Codebook codebook;
    const std::size_t patch_count = Compression::choose(counts, codebook);
    const std::size_t first_patch_bytes = (count() + 1) * sizeof(std::uint32_t);
    const std::size_t header_bytes =
        (sizeof codebook + first_patch_bytes + patch_count * sizeof(Patch) + Compression::LINE - 1) /
        Compression::LINE * Compression::LINE;
    const std::size_t bytes = header_bytes + count() * cut_bytes();
    if (patch_count * Compression::WEIGHTS_A_PATCH > std::size_t(panels_) * WIDTH * depth_) return false;
    if (bytes >= std::size_t(panels_) * WIDTH * depth_ * sizeof(BFloat16)) return false;

    auto* to = arena.take<std::uint8_t>(bytes);
    std::vector<std::uint32_t> first_patches{0};
    std::vector<Patch> patches;
    for (int panel = 0; panel < panels_; ++panel) {
      for (int first = 0; first < values; first += cut_values_) {
        Compression::pack(
            cut_values_, codebook, [&](int weight) { return bits_of(panel, first + weight); },
            to + header_bytes + (first_patches.size() - 1) * cut_bytes(),
            [&](const Patch& patch) { patches.push_back(patch); });
        first_patches.push_back(std::uint32_t(patches.size()));
      }
    }
    std::memcpy(to, codebook.data(), sizeof codebook);
    std::memcpy(to + sizeof codebook, first_patches.data(), first_patch_bytes);
    if (!patches.empty()) {
      std::memcpy(to + sizeof codebook + first_patch_bytes, patches.data(), patches.size() * sizeof(Patch));
    }
    header_ = to;
    header_bytes_ = header_bytes;
    return true;
  }

  int depth_ = 0, panels_ = 0, cut_values_ = 0;
  PackedMatrix<BrainFloat, WIDTH> plain_;
  const std::uint8_t* header_ = nullptr;  // null: not compressed
  std::size_t header_bytes_ = 0;
};
#endif

}  // namespace tanren
