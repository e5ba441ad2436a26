// Memory that is read next, fetched while a product computes: arithmetic and memory then work at the same time.
//
// A product of many rows reads a panel of weights for its first tile of rows and has it in the cache for all further
// ones. In these the memory would stand idle; they fetch what comes after them, so many lines for each group of the
// depth that all is there when they end. A processor waits when it has asked for too much at once, hence the pace.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace tanren {

struct Stretch {
  const void* begin;
  std::size_t bytes;
};

class Errands {
 public:
  void clear() {
    stretches_.clear();
    lines_ = 0;
    taken_ = 0;
    at_ = end_ = nullptr;
    lines_a_call_ = 0;
  }

  void add(Stretch stretch) {
    stretches_.push_back(stretch);
    lines_ += (stretch.bytes + LINE - 1) / LINE;
  }

  // Spreads what there is over so many calls of `run`. What is left after them is not fetched.
  void spread(std::size_t calls) {
    lines_a_call_ = calls == 0 ? 0 : int(std::min<std::size_t>((lines_ + calls - 1) / calls, MOST_LINES_A_CALL));
  }

  // One line, whatever the pace; false where nothing is left.
  bool run_one() {
    if (at_ >= end_ && !take()) return false;
    __builtin_prefetch(at_, 0, 2);
    at_ += LINE;
    return true;
  }

  inline __attribute__((always_inline)) void run() {
    for (int line = 0; line < lines_a_call_; ++line) {
      if (at_ >= end_ && !take()) return;
      __builtin_prefetch(at_, 0, 2);  // into the second cache: the first holds what is being computed
      at_ += LINE;
    }
  }

 private:
  static constexpr std::size_t LINE = 64;
  static constexpr int MOST_LINES_A_CALL = 8;

  bool take() {
    if (taken_ == stretches_.size()) {
      lines_a_call_ = 0;
      return false;
    }
    at_ = static_cast<const char*>(stretches_[taken_].begin);
    end_ = at_ + stretches_[taken_].bytes;
    ++taken_;
    return true;
  }

  std::vector<Stretch> stretches_;
  std::size_t lines_ = 0, taken_ = 0;
  const char *at_ = nullptr, *end_ = nullptr;
  int lines_a_call_ = 0;
};

}  // namespace tanren
