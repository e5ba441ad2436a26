// Memory for many numbers: zero at first, aligned to a cache line, freed with its owner.
//
// Comes from the system in pages that cost nothing until they are touched, large ones for large buffers: weights are
// read from end to end at every step, and 4 KB pages would spend a fifth of that on address translation. Many smaller
// matrices share large buffers in an `Arena`.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

namespace tanren {

template <class Number>
class Buffer {
 public:
  Buffer() = default;

  explicit Buffer(std::size_t count) : count_(count) {
    if (count == 0) return;
#if defined(__SANITIZE_ADDRESS__)
    // So that reading past the end is noticed.
    data_ = static_cast<Number*>(std::aligned_alloc(64, (bytes() + 63) / 64 * 64));
    if (data_ == nullptr) throw std::bad_alloc();
    std::memset(static_cast<void*>(data_), 0, bytes());
#else
    // A large page begins at a multiple of its size; so much more is asked for that one does within.
    mapped_bytes_ = bytes() < LARGE_PAGE ? bytes() : bytes() + LARGE_PAGE;
    mapped_ = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped_ == MAP_FAILED) {
      mapped_ = nullptr;
      throw std::bad_alloc();
    }
    auto address = reinterpret_cast<std::uintptr_t>(mapped_);
    if (bytes() >= LARGE_PAGE) {
      address = (address + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
#if defined(MADV_HUGEPAGE)
      madvise(reinterpret_cast<void*>(address), bytes(), MADV_HUGEPAGE);
#endif
    }
    data_ = reinterpret_cast<Number*>(address);
#endif
  }

  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    swap(taken);
    return *this;
  }

  ~Buffer() {
    if (data_ == nullptr) return;
#if defined(__SANITIZE_ADDRESS__)
    std::free(data_);
#else
    munmap(mapped_, mapped_bytes_);
#endif
  }

  Number* data() const { return data_; }
  std::size_t count() const { return count_; }
  std::size_t bytes() const { return count_ * sizeof(Number); }
  bool is_empty() const { return count_ == 0; }

 private:
  static constexpr std::size_t LARGE_PAGE = std::size_t{1} << 21;

  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    std::swap(mapped_, other.mapped_);
    std::swap(mapped_bytes_, other.mapped_bytes_);
  }

  Number* data_ = nullptr;
  std::size_t count_ = 0;
  void* mapped_ = nullptr;  // what the system gave, of which data_ is the aligned part
  std::size_t mapped_bytes_ = 0;
};

// Pieces of memory that live as long as the arena does, close together.
class Arena {
 public:
  template <class Number>
  Number* take(std::size_t count) {
    const std::size_t bytes = (count * sizeof(Number) + 63) / 64 * 64;
#if defined(__SANITIZE_ADDRESS__)
    const std::size_t room = bytes;  // each piece by itself, so that reading past its end is noticed
#else
    const std::size_t room = bytes > ROOM ? bytes : ROOM;
#endif
    if (chunks_.empty() || chunks_.back().bytes() - used_ < bytes) {
      chunks_.emplace_back(room);
      used_ = 0;
    }
    void* piece = chunks_.back().data() + used_;
    used_ += bytes;
    return static_cast<Number*>(piece);
  }

 private:
  static constexpr std::size_t ROOM = std::size_t{1} << 24;

  std::vector<Buffer<char>> chunks_;
  std::size_t used_ = 0;  // of the last chunk
};

}  // namespace tanren
