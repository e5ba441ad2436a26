// The processor's matrix registers (AMX): eight of them, of up to sixteen rows of 64 bytes.
//
//   tdpbf16ps   sum[m][n] += Σ_k a[m][k] · b[k][n]      m, n < 16,  k < 32;  b as pairs, [k / 2][n][2]
//
// How many rows and bytes a row each register has is laid out by `configure`, for one kind of product at a time.
// Source   Intel 64 and IA-32 Architectures Software Developer's Manual, TDPBF16PS, LDTILECFG.
#pragma once

#if defined(__AMX_BF16__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace tanren {

class MatrixRegisters {
 public:
  static constexpr int ROWS = 16, LINE = 64, COUNT = 8;

  struct Shape {
    int rows, bytes_a_row;
  };

  // `shape_of(number)` is that of a register. `layout` tells layouts apart, so that none is laid out twice: a panel's
  // rows, or minus attention's queries.
  template <class ShapeOf>
  static void configure(int layout, const ShapeOf& shape_of) {
    if (layout_ == layout) return;
    Configuration configuration;
    for (int number = 0; number < COUNT; ++number) {
      const Shape shape = shape_of(number);
      configuration.rows[number] = std::uint8_t(shape.rows);
      configuration.bytes_a_row[number] = std::uint16_t(shape.bytes_a_row);
    }
    asm volatile("ldtilecfg %0" ::"m"(configuration));
    layout_ = layout;
  }

  // Registers that are in use are saved whenever the system takes the thread from the processor: not without need.
  static void release() {
    if (layout_ == 0) return;
    _tile_release();
    layout_ = 0;
  }

 private:
  struct alignas(64) Configuration {
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t bytes_a_row[16] = {};
    std::uint8_t rows[16] = {};
  };

  // Of this thread; 0: none.
  inline static thread_local int layout_ = 0;
};

}  // namespace tanren

#endif
