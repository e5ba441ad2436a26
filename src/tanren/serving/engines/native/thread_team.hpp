// Threads that go through one function together: each part of it is shared out, and is done before the next begins.
//
// A step has some hundred short parts, so waiting must be quick; and other processes want the processors, so it must
// not be greedy: a member that waits looks for some microseconds, or does what is useful meanwhile as long as there is
// any of it, and then sleeps until it is woken. Work is taken piece by piece as members become free, and nobody waits
// for a member that holds no piece: one that comes late, or that the system has interrupted, finds done what the others
// have done meanwhile.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

namespace tanren {

class ThreadTeam {
 public:
  explicit ThreadTeam(int size) {
    for (int member = 1; member < size; ++member) workers_.emplace_back([this, member] { work(member); });
  }

  ~ThreadTeam() {
    is_ending_ = true;
    call();
    for (auto& worker : workers_) worker.join();
  }

  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int size() const { return int(workers_.size()) + 1; }

  // Every member but the caller begins with `body(member)`, which must not throw.
  void begin(std::function<void(int)> body) {
    body_ = std::move(body);
    first_part_ = part_.load(std::memory_order_relaxed);
    inside_.fetch_and(~CLOSED, std::memory_order_release);
    call();
  }

  // The caller too, as member 0; returns when all is done and nobody is at it any more.
  void finish() {
    body_(0);
    inside_.fetch_or(CLOSED, std::memory_order_acq_rel);
    for (std::uint32_t inside; (inside = inside_.load(std::memory_order_acquire)) != CLOSED;) {
      wait_while(inside_, inside);
    }
  }

  // One member's way through the body. All members share out the same parts in the same order.
  class Way {
   public:
    // `meanwhile` does a little of what is useful while the member waits, and says whether there was any.
    Way(ThreadTeam& team, std::function<bool()> meanwhile) : team_(team), meanwhile_(std::move(meanwhile)) {}

    // First in the body.
    void begin() { part_ = team_.first_part_; }

    // `piece(first, end)` for stretches of at most `grain` of 0 … count - 1, each by one member. Returns when all are
    // done.
    template <class Piece>
    void share(int count, int grain, const Piece& piece) {
      int done = 0;
      for (int first; (first = team_.take(part_, count, grain)) < count;) {
        const int end = std::min(first + grain, count);
        piece(first, end);
        done += end - first;
      }
      pass(count, done);
    }

    // The same for members that prepare what they do next: `piece(first, end, next)`, where the member's own next
    // stretch begins at `next`, at `count` if it has none.
    template <class Piece>
    void share_ahead(int count, int grain, const Piece& piece) {
      int done = 0;
      for (int first = team_.take(part_, count, grain), next; first < count; first = next) {
        const int end = std::min(first + grain, count);
        next = team_.take(part_, count, grain);
        piece(first, end, next);
        done += end - first;
      }
      pass(count, done);
    }

   private:
    void pass(int count, int done) {
      if (count > 0) team_.pass(part_++, count, done, meanwhile_);
    }

    ThreadTeam& team_;
    std::function<bool()> meanwhile_;
    std::uint32_t part_ = 0;
  };

 private:
  // Some tens of microseconds. To wake a member takes longer than most waits are, above all where an idle processor has
  // been given back to a hypervisor: with a fifth of it an answer alone takes 3 to 7 % longer.
  static constexpr int LOOKS = 1000;
  static constexpr std::uint32_t CLOSED = 1u << 31;

  void call() {
    calls_.fetch_add(1, std::memory_order_release);
    calls_.notify_all();
  }

  void work(int member) {
    for (std::uint32_t seen = 0;;) {
      wait_while(calls_, seen);
      seen = calls_.load(std::memory_order_acquire);
      if (is_ending_) return;
      // Whoever comes when the others have finished finds the door closed, and may no longer look at what they did.
      if ((inside_.fetch_add(1, std::memory_order_acquire) & CLOSED) == 0) body_(member);
      if (inside_.fetch_sub(1, std::memory_order_acq_rel) - 1 == CLOSED) inside_.notify_all();
    }
  }

  // The first of so many pieces that nobody has taken; `count` where there is none, or the part is done.
  int take(std::uint32_t part, int count, int grain) {
    std::uint64_t taken = taken_.load(std::memory_order_acquire);
    for (;;) {
      const int first = int(taken & UINT32_MAX);
      if (std::uint32_t(taken >> 32) != part || first >= count) return count;
      if (taken_.compare_exchange_weak(taken, taken + grain, std::memory_order_acq_rel)) return first;
    }
  }

  // A member has done so many of the part's pieces and finds no more: goes on when the part is done.
  void pass(std::uint32_t part, int count, int done, const std::function<bool()>& meanwhile) {
    if (done == 0 || done_.fetch_add(done, std::memory_order_acq_rel) + done < count) {
      wait_while(part_, part, meanwhile);
      return;
    }
    done_.store(0, std::memory_order_relaxed);
    taken_.store(std::uint64_t{part + 1} << 32, std::memory_order_release);
    part_.store(part + 1, std::memory_order_release);
    part_.notify_all();
  }

  static bool nothing() { return false; }

  template <class Meanwhile = bool (*)()>
  static void wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old,
                         const Meanwhile& meanwhile = nothing) {
    for (int look = 0; look < LOOKS;) {
      if (value.load(std::memory_order_acquire) != old) return;
      if (meanwhile()) continue;
      ++look;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#elif defined(__aarch64__)
      asm volatile("yield");
#endif
    }
    value.wait(old, std::memory_order_acquire);
  }

  std::function<void(int)> body_;
  std::uint32_t first_part_ = 0;
  std::atomic<bool> is_ending_{false};
  // Counted round and round; only whether they have changed is asked.
  alignas(64) std::atomic<std::uint32_t> calls_{0};
  alignas(64) std::atomic<std::uint32_t> part_{0};
  // Workers in the body, and whether more may enter.
  alignas(64) std::atomic<std::uint32_t> inside_{CLOSED};
  // The part, and how many of its pieces have been taken, so that nobody takes one of a part that is not his.
  alignas(64) std::atomic<std::uint64_t> taken_{0};
  alignas(64) std::atomic<int> done_{0};
  std::vector<std::thread> workers_;
};

}  // namespace tanren
