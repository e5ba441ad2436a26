// bfloat16: the upper half of a float. Widening is exact; narrowing rounds to the nearest, halves to even.
#pragma once

#include <cstdint>
#include <cstring>

#include "lanes.hpp"
#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace tanren {

struct BFloat16 {
  std::uint16_t bits;
};

inline float widened(float value) { return value; }

inline float widened(BFloat16 value) {
  const std::uint32_t bits = std::uint32_t{value.bits} << 16;
  float wide;
  std::memcpy(&wide, &bits, sizeof wide);
  return wide;
}

template <class Number>
inline Number narrowed(float value);

template <>
inline float narrowed<float>(float value) {
  return value;
}

template <>
inline BFloat16 narrowed<BFloat16>(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (value != value) return {std::uint16_t(bits >> 16 | 0x40)};  // rounding could carry a NaN over into a number
  return {std::uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

inline void store_narrowed(float* to, Floats lanes) { store(to, lanes); }

inline void store_narrowed(BFloat16* to, Floats lanes) {
#if defined(__AVX512BF16__)
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), (__m256i)_mm512_cvtneps_pbh((__m512)lanes));
#else
  const Words bits = as_words(lanes);
  const Words rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  const Words chosen = lanes == lanes ? rounded : (bits >> 16 | 0x40);
  typedef std::uint16_t Halves __attribute__((vector_size(LANES * 2)));
  const Halves halves = __builtin_convertvector(chosen, Halves);
  std::memcpy(to, &halves, sizeof halves);
#endif
}

}  // namespace tanren
