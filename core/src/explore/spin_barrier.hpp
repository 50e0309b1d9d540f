// A barrier for threads that meet every fraction of a millisecond.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace petricore::explore {

// Who waits spins for some 50 us before it sleeps: to be woken takes longer than most waits last.
class SpinBarrier {
 public:
  explicit SpinBarrier(std::size_t threads) : threads_(threads) {}

  // Returns when all threads have called it. What they wrote before, all can read after.
  void arrive_and_wait() noexcept {
    const std::uint32_t phase = phase_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.fetch_add(1, std::memory_order_release);
      phase_.notify_all();
      return;
    }
    constexpr int kSpins = 1 << 12;
    for (int i = 0; i < kSpins; ++i) {
      if (phase_.load(std::memory_order_acquire) != phase) return;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    phase_.wait(phase, std::memory_order_acquire);
  }

 private:
  std::size_t threads_;
  std::atomic<std::size_t> arrived_{0};
  std::atomic<std::uint32_t> phase_{0};
};

}  // namespace petricore::explore
