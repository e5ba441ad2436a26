// Vectors of floats as wide as the instruction set has them, and the few functions that a model needs of them.
//
// Written with the vector extensions that GCC and Clang share, so that one source serves every processor: the flags
// with which it is compiled decide how wide `Floats` is. Intrinsics appear where an instruction has no operator
// (bfloat16, in bfloat16.hpp and tile.hpp) and nowhere else.
//
// NaN goes through every function here: a damaged weight must end as a logit that is not finite, never as a number.
#pragma once

#include <cstdint>
#include <cstring>

namespace tanren {

#if defined(__AVX512F__)
inline constexpr int LANES = 16;
#elif defined(__AVX2__)
inline constexpr int LANES = 8;
#else
inline constexpr int LANES = 4;
#endif

typedef float Floats __attribute__((vector_size(LANES * 4)));
typedef std::int32_t Integers __attribute__((vector_size(LANES * 4)));
typedef std::uint32_t Words __attribute__((vector_size(LANES * 4)));

inline Floats load(const float* from) {
  Floats lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

inline void store(float* to, Floats lanes) { std::memcpy(to, &lanes, sizeof lanes); }

// x in every lane. Minus zero, not plus: that is folded away without changing the sign of -0.
inline Floats splat(float x) { return x - Floats{}; }
inline Words splat_word(std::uint32_t x) { return x - Words{}; }

inline Floats as_floats(Words bits) { return (Floats)bits; }
inline Words as_words(Floats lanes) { return (Words)lanes; }

// first, first + 1, first + 2 …
inline Integers counting_from(int first) {
  static constexpr std::int32_t COUNT[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  Integers lanes;
  std::memcpy(&lanes, COUNT, sizeof lanes);
  return lanes + first;
}

namespace detail {

template <int COUNT>
struct Some {
  typedef float Vector __attribute__((vector_size(COUNT * 4)));
};

// Halves with each other, until one lane is left.
template <int COUNT, class Vector, class Join>
inline float folded(Vector lanes, const Join& join) {
  if constexpr (COUNT == 1) {
    return lanes[0];
  } else {
    typename Some<COUNT / 2>::Vector first, second;
    std::memcpy(&first, &lanes, sizeof first);
    std::memcpy(&second, reinterpret_cast<const char*>(&lanes) + sizeof first, sizeof second);
    return folded<COUNT / 2>(join(first, second), join);
  }
}

}  // namespace detail

inline float sum(Floats lanes) {
  return detail::folded<LANES>(lanes, [](auto a, auto b) { return a + b; });
}

inline float maximum(Floats lanes) {
  return detail::folded<LANES>(lanes, [](auto a, auto b) { return a < b ? b : a; });
}

// e to the x, to about one unit in the last place; what would underflow or overflow ends at e^-87 or e^88.
//
// x = n·ln2 + r with |r| ≤ ln2 / 2; e^r from its series up to r^7, whose rest is below 6e-9; 2^n by its exponent bits.
inline Floats exponential(Floats x) {
  x = x < -87.0f ? splat(-87.0f) : x;
  x = x > 88.0f ? splat(88.0f) : x;
  // Adding and taking away 1.5 · 2^23 rounds to a whole number; the addition in the subtraction's way is meant.
  const Floats n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
  const Floats r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  Floats p = r * (1.0f / 5040) + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const Words power = (Words)(__builtin_convertvector(n, Integers) + 127) << 23;
  return p * as_floats(power);
}

inline Floats hyperbolic_tangent(Floats x) { return 1.0f - 2.0f / (exponential(x * 2.0f) + 1.0f); }

// x · sigmoid(x)
inline Floats silu(Floats x) { return x / (exponential(-x) + 1.0f); }

// The approximation by a hyperbolic tangent, `gelu_pytorch_tanh`.
inline Floats gelu_tanh(Floats x) {
  return 0.5f * x * (1.0f + hyperbolic_tangent(0.79788456f * (x + 0.044715f * x * x * x)));
}

}  // namespace tanren
