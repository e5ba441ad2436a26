// Threads that go through one function together: each part of it is shared out, and all meet before the next.
//
// A step has some hundred short parts, so waiting must be quick; and other processes want the processors, so it must
// not be greedy: a member that waits looks for a few microseconds and then sleeps until it is woken (how long pays
// depends on what else runs; 200 looks are a compromise). Work is taken piece by piece as members become free, so that
// one which the system has interrupted holds up a piece, not a half.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace tanren {

class ThreadTeam {
 public:
  explicit ThreadTeam(int size) : size_(size) {
    for (int member = 1; member < size; ++member) workers_.emplace_back([this, member] { work(member); });
  }

  ~ThreadTeam() {
    body_ = nullptr;
    begin();
    for (auto& worker : workers_) worker.join();
  }

  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int size() const { return size_; }

  // Every member runs `body(member)`, the caller as member 0; returns when all have. `body` must not throw.
  void run(const std::function<void(int)>& body) {
    body_ = body;
    begin();
    body_(0);
    meet();
  }

  // Within `run`, by every member alike: `piece(first, end)` for stretches of at most `grain` of 0 … count - 1, each
  // by one member. Returns when all are done.
  template <class Piece>
  void share(int count, int grain, const Piece& piece) {
    for (int first; (first = next_.fetch_add(grain, std::memory_order_relaxed)) < count;) {
      piece(first, first + grain < count ? first + grain : count);
    }
    meet();
  }

  // The same for members that prepare what they do next: `piece(first, end, next)`, where the member's own next stretch
  // begins at `next`, at `count` or beyond if it has none.
  template <class Piece>
  void share_ahead(int count, int grain, const Piece& piece) {
    int first = next_.fetch_add(grain, std::memory_order_relaxed);
    while (first < count) {
      const int next = next_.fetch_add(grain, std::memory_order_relaxed);
      piece(first, first + grain < count ? first + grain : count, next);
      first = next;
    }
    meet();
  }

 private:
  static constexpr int LOOKS = 200;

  void begin() {
    started_.fetch_add(1, std::memory_order_release);
    started_.notify_all();
  }

  void work(int member) {
    for (std::uint32_t seen = 0;; ++seen) {
      wait_while(started_, seen);
      if (!body_) return;
      body_(member);
      meet();
    }
  }

  void meet() {
    const std::uint32_t round = rounds_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 < size_) {
      wait_while(rounds_, round);
      return;
    }
    arrived_.store(0, std::memory_order_relaxed);
    next_.store(0, std::memory_order_relaxed);
    rounds_.store(round + 1, std::memory_order_release);
    rounds_.notify_all();
  }

  static void wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
    for (int look = 0; look < LOOKS; ++look) {
      if (value.load(std::memory_order_acquire) != old) return;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#elif defined(__aarch64__)
      asm volatile("yield");
#endif
    }
    value.wait(old, std::memory_order_acquire);
  }

  int size_;
  std::function<void(int)> body_;
  // Counted round and round; only whether they have changed is asked.
  alignas(64) std::atomic<std::uint32_t> started_{0};
  alignas(64) std::atomic<std::uint32_t> rounds_{0};
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<int> next_{0};
  std::vector<std::thread> workers_;
};

}  // namespace tanren
