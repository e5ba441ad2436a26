// Weight matrices laid out in the order in which a product reads them.
//
// A matrix [out, in] becomes panels of `width` columns of the product, that is, rows of the matrix:
//
//   [out / width][in / GROUP][width][GROUP]        filled up with zeros in both directions
//
// so that a product reads each panel from end to end, once, whatever the number of rows it is multiplied with. The
// memory is an arena's, which must outlive the matrix.
#pragma once

#include <cstddef>

#include "buffer.hpp"
#include "errands.hpp"
#include "numbers.hpp"
#include "tile.hpp"

namespace tanren {

template <class Numbers, int WIDTH>
class PackedMatrix {
 public:
  using Weight = typename Numbers::Weight;

  PackedMatrix() = default;

  // `value(row, column)` is the matrix's, as a Weight. The depth is filled up to a multiple of `step`.
  template <class Value>
  PackedMatrix(Arena& arena, int out, int in, const Value& value, int step = Numbers::GROUP)
      : depth_(round_up(in, step)),
        panels_(round_up(out, WIDTH) / WIDTH),
        data_(arena.take<Weight>(count())) {
    for (int row = 0; row < out; ++row) {
      for (int column = 0; column < in; ++column) data_[place(row, column)] = value(row, column);
    }
  }

  bool is_empty() const { return data_ == nullptr; }
  int depth() const { return depth_; }
  int panel_count() const { return panels_; }
  std::size_t bytes() const { return count() * sizeof(Weight); }
  const Weight* panel(int index) const { return data_ + std::size_t(index) * WIDTH * depth_; }
  // The panel's first values, as deep as `depth`.
  Stretch beginning(int panel_index, int depth) const {
    return {panel(panel_index), std::size_t(depth < depth_ ? depth : depth_) * WIDTH * sizeof(Weight)};
  }
  Stretch everything() const { return {data_, bytes()}; }
  // The first `count` values of a row.
  void copy_row(int row, int count, float* to) const {
    for (int column = 0; column < count; ++column) to[column] = widened(data_[place(row, column)]);
  }

 private:
  std::size_t count() const { return std::size_t(panels_) * WIDTH * depth_; }

  std::size_t place(int row, int column) const {
    constexpr int GROUP = Numbers::GROUP;
    return std::size_t(row / WIDTH) * WIDTH * depth_ + std::size_t(column / GROUP) * WIDTH * GROUP +
           row % WIDTH * GROUP + column % GROUP;
  }

  int depth_ = 0, panels_ = 0;
  Weight* data_ = nullptr;
};

}  // namespace tanren
