// The fuzzer's input as a stream of choices, and checks that stop it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace petricore::fuzz {

// A stream that never ends: after the last byte come zeros, so every input means something and short ones stay small.
class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  bool empty() const noexcept { return position_ >= size_; }
  std::uint8_t byte() noexcept { return empty() ? std::uint8_t{0} : data_[position_++]; }
  // In [0, bound). REQUIRES: 0 < bound <= 256.
  std::size_t below(std::size_t bound) noexcept { return byte() % bound; }
  // True once in `odds` times.
  bool once_in(std::size_t odds) noexcept { return below(odds) == odds - 1; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t position_ = 0;
};

inline void check(bool holds, const char* claim) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", claim);
  std::abort();
}

}  // namespace petricore::fuzz
