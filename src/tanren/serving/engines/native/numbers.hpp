// The two kinds of arithmetic that an engine is made for, chosen by the dtype in which its checkpoint is stored.
//
//   BrainFloat   weights, keys and values in bfloat16. What meets a weight is rounded to bfloat16 where the processor
//                multiplies pairs of them (AVX512-BF16) and stays a float elsewhere. Sums are floats always.
//   SinglePrecision   everything in float.
//
// GROUP is how many values that follow each other along the depth of a product lie side by side: the instruction
// multiplies pairs, so bfloat16 weights are laid out in pairs on every processor.
#pragma once

#include "bfloat16.hpp"
#include "lanes.hpp"

namespace tanren {

struct BrainFloat {
  using Weight = BFloat16;
#if defined(__AVX512BF16__)
  using Activation = BFloat16;
#else
  using Activation = float;
#endif
  static constexpr int GROUP = 2;
};

struct SinglePrecision {
  using Weight = float;
  using Activation = float;
  static constexpr int GROUP = 1;
};

constexpr int round_up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

}  // namespace tanren
