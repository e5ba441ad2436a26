// What is done to one row, or one head of it, between the products: norms, rotation, the feed-forward's activation.
//
// Rows are filled up with zeros to whole vectors, which none of these functions turns into anything else.
#pragma once

#include <cmath>

#include "lanes.hpp"
#include "numbers.hpp"

namespace tanren {

// 1 / sqrt(mean of x² + epsilon) over the first `size` values, the rest up to `padded` being zeros.
inline float inverse_rms(const float* x, int size, int padded, float epsilon) {
  Floats squares{};
  for (int i = 0; i < padded; i += LANES) squares += load(x + i) * load(x + i);
  return 1.0f / std::sqrt(sum(squares) / float(size) + epsilon);
}

template <class Activation>
inline void rms_norm(const float* x, const float* weight, int size, int padded, float epsilon, Activation* to) {
  const float factor = inverse_rms(x, size, padded, epsilon);
  for (int i = 0; i < padded; i += LANES) store_narrowed(to + i, load(x + i) * factor * load(weight + i));
}

// h += rms_norm(x) · weight
inline void add_rms_norm(const float* x, const float* weight, int size, int padded, float epsilon, float* h) {
  const float factor = inverse_rms(x, size, padded, epsilon);
  for (int i = 0; i < padded; i += LANES) store(h + i, load(h + i) + load(x + i) * factor * load(weight + i));
}

// The norm of one head, in place. Heads need not be whole vectors long.
inline void rms_norm_head(float* x, const float* weight, int size, float epsilon) {
  float squares = 0;
  for (int i = 0; i < size; ++i) squares += x[i] * x[i];
  const float factor = 1.0f / std::sqrt(squares / float(size) + epsilon);
  for (int i = 0; i < size; ++i) x[i] *= factor * weight[i];
}

// Turns pair (x[i], x[i + half]) by the angle whose cosine and sine are given; values beyond 2 · half stay.
inline void rotate_head(float* x, const float* cosines, const float* sines, int half) {
  for (int i = 0; i < half; ++i) {
    const float first = x[i], second = x[i + half];
    x[i] = first * cosines[i] - second * sines[i];
    x[i + half] = second * cosines[i] + first * sines[i];
  }
}

// activation(gate) · up
template <class Activation>
inline void gated(const float* gate, const float* up, int count, bool is_gelu, Activation* to) {
  if (is_gelu) {
    for (int i = 0; i < count; i += LANES) store_narrowed(to + i, gelu_tanh(load(gate + i)) * load(up + i));
  } else {
    for (int i = 0; i < count; i += LANES) store_narrowed(to + i, silu(load(gate + i)) * load(up + i));
  }
}

// cap · tanh(x / cap)
inline Floats soft_capped(Floats x, float cap) { return cap * hyperbolic_tangent(x * (1.0f / cap)); }

}  // namespace tanren
