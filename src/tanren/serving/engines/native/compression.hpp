// Bfloat16 weights in three quarters of their memory, none of them changed.
//
// Of a weight's two bytes the lower (the exponent's last bit and seven of the fraction) is as good as random; the upper
// (the sign and the exponent's upper seven bits) is one of sixteen for all but some in ten thousand weights, and is
// written as its number in a codebook, four bits. The few others are patches, which whoever holds the weights keeps. A
// step that reads all weights once is limited by memory, and reads a quarter less.
//
// Layout   128 weights that a product reads one after the other are three cache lines: the lower bytes of the first 64,
//          those of the others, and the numbers of both, the first 64 in the lower halves of its bytes.
//          Within a line weight w of 32 is at (w / 8) · 16 + w % 8, the 32 that follow eight bytes later: where
//          interleaving the lower and upper bytes of two registers, lane by lane, takes it from.
// Cost     unpacking 128 weights takes some eight cycles; reading them from memory, about 40.
// Source   that exponents of trained weights carry under 3 bits: Zhang et al. 2025, "70% Size, 100% Accuracy: Lossless
//          LLM Compression for Efficient GPU Inference via Dynamic-Length Float". Here lengths are fixed.
#pragma once

#if defined(__AMX_BF16__)

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "bfloat16.hpp"

namespace tanren {

class Compression {
 public:
  // Weights of three lines, to whose multiple the weights that are unpacked together are filled up.
  static constexpr int GRAIN = 128;
  static constexpr int LINE = 64, GRAIN_BYTES = 3 * LINE;
  // With more patches, unpacking takes longer than reading what is saved. A model's weights have far fewer.
  static constexpr std::size_t WEIGHTS_A_PATCH = 128;

  using Codebook = std::array<std::uint8_t, 16>;

  // A weight whose upper byte is not in the codebook.
  struct Patch {
    std::uint16_t weight;  // its index among those that are unpacked together
    std::uint16_t bits;
  };

  // Where a weight is found among the bytes of its grains.
  struct Place {
    int lower;          // the byte that is its lower one
    int number, shift;  // the byte, and the bit in it, where its upper one's number begins
  };

  static Place place_of(int weight) {
    const int first = weight / GRAIN * GRAIN_BYTES, half = weight % GRAIN / 64;
    const int byte = weight % 32 / 8 * 16 + weight % 8 + weight % 64 / 32 * 8;
    return {first + half * LINE + byte, first + 2 * LINE + byte, half * 4};
  }

  // `counts`: how many weights have each upper byte. The sixteen most frequent; how many weights have another.
  static std::size_t choose(const std::array<std::uint32_t, 256>& counts, Codebook& codebook) {
    std::array<std::uint8_t, 256> order;
    std::iota(order.begin(), order.end(), std::uint8_t{0});
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return counts[a] > counts[b]; });
    std::copy_n(order.begin(), codebook.size(), codebook.begin());
    return std::accumulate(order.begin() + codebook.size(), order.end(), std::size_t{0},
                           [&](std::size_t sum, int upper) { return sum + counts[upper]; });
  }

  // `bits_of(weight)` for `count` weights, whole grains, to bytes that are zero; `keep` gets each Patch.
  template <class BitsOf, class Keep>
  static void pack(int count, const Codebook& codebook, const BitsOf& bits_of, std::uint8_t* to, const Keep& keep) {
    constexpr int NONE = 16;
    std::array<std::uint8_t, 256> number_of;
    number_of.fill(NONE);
    for (int number = 0; number < NONE; ++number) number_of[codebook[number]] = std::uint8_t(number);
    for (int weight = 0; weight < count; ++weight) {
      const std::uint16_t bits = bits_of(weight);
      const Place place = place_of(weight);
      to[place.lower] = std::uint8_t(bits);
      const int number = number_of[bits >> 8];
      if (number == NONE) {
        keep(Patch{std::uint16_t(weight), bits});
      } else {
        to[place.number] |= std::uint8_t(number << place.shift);
      }
    }
  }

  static std::uint16_t bits_at(const std::uint8_t* from, const Codebook& codebook, int weight) {
    const Place place = place_of(weight);
    return std::uint16_t(codebook[from[place.number] >> place.shift & 15] << 8 | from[place.lower]);
  }

  static __m512i loaded(const Codebook& codebook) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codebook.data())));
  }

  // The 128 weights of a grain, in their order; their patches are put in afterwards.
  struct Grain {
    __m512i weights[4];
  };

  // `GRAINS_AHEAD`: what is so far beyond the grain is asked for; 0: nothing is. Left to itself the processor, which
  // fetches ahead while it waits for lines, stops when it computes.
  template <int GRAINS_AHEAD>
  static inline __attribute__((always_inline)) Grain unpacked(const std::uint8_t* from, __m512i codebook) {
    if constexpr (GRAINS_AHEAD > 0) {
      for (int line = 0; line < 3; ++line) __builtin_prefetch(from + GRAINS_AHEAD * GRAIN_BYTES + line * LINE, 0, 2);
    }
    const __m512i first = _mm512_load_si512(from), second = _mm512_load_si512(from + LINE);
    const __m512i numbers = _mm512_load_si512(from + 2 * LINE);
    // Of an index six bits count, and the codebook is there four times: what stands above a number is no matter.
    const __m512i first_upper = _mm512_permutexvar_epi8(numbers, codebook);
    const __m512i second_upper = _mm512_permutexvar_epi8(_mm512_srli_epi16(numbers, 4), codebook);
    return {{_mm512_unpacklo_epi8(first, first_upper), _mm512_unpackhi_epi8(first, first_upper),
             _mm512_unpacklo_epi8(second, second_upper), _mm512_unpackhi_epi8(second, second_upper)}};
  }

  // Whole grains.
  template <int GRAINS_AHEAD>
  static inline __attribute__((always_inline)) void unpack(const std::uint8_t* from, int count, __m512i codebook,
                                                           BFloat16* to) {
    // Not unrolled: each load is then one that the processor sees going through memory in even strides.
#pragma GCC unroll 1
    for (int at = 0; at < count; at += GRAIN, from += GRAIN_BYTES) {
      const Grain grain = unpacked<GRAINS_AHEAD>(from, codebook);
      for (int part = 0; part < 4; ++part) _mm512_store_si512(to + at + part * 32, grain.weights[part]);
    }
  }
};

}  // namespace tanren

#endif
