// Splitting a loop over threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace petricore {

// Below this much work (in bytes touched, roughly 50 us) a thread costs more than it brings.
inline constexpr std::size_t kBytesPerThread = std::size_t{1} << 19;

inline unsigned thread_count(unsigned wanted, std::size_t bytes) {
  // Asking the system costs 10 us: more than a small batch does.
  static const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  if (wanted != 0) return wanted;
  return static_cast<unsigned>(std::clamp<std::size_t>(bytes / kBytesPerThread, 1, cores));
}

// Calls body(first, last) for consecutive chunks of [0, count). The chunks do not depend on the number of threads.
// Threads live for the call only, so the library is safe to fork around. The first exception by index is rethrown.
template <class Body>
void parallel_for(std::size_t count, std::size_t chunk, unsigned threads, const Body& body) {
  const std::size_t chunks = (count + chunk - 1) / chunk;
  if (threads <= 1 || chunks <= 1) {
    for (std::size_t first = 0; first < count; first += chunk) body(first, std::min(first + chunk, count));
    return;
  }
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;
  std::size_t error_chunk = chunks;
  const auto work = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < chunks;) {
      try {
        body(i * chunk, std::min((i + 1) * chunk, count));
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (i < error_chunk) {
          error_chunk = i;
          error = std::current_exception();
        }
      }
    }
  };
  std::vector<std::jthread> helpers;
  for (unsigned i = 1; i < std::min<std::size_t>(threads, chunks); ++i) helpers.emplace_back(work);
  work();
  helpers.clear();
  if (error) std::rethrow_exception(error);
}

}  // namespace petricore
