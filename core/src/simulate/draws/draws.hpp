// The random numbers of many events at once: they depend on no state, so vectors compute them ahead.
#pragma once

#include <cstddef>
#include <cstdint>

#include "petricore/philox.hpp"

namespace petricore {

// Of blocks n, n + 1, ..., n + kSize - 1, to the bit as philox.hpp and natural_log.hpp give them.
struct Draws {
  static constexpr std::size_t kSize = 32;

  alignas(64) double exponential[kSize];  // -natural_log(open_unit(block)): of mean 1
  alignas(64) double unit[kSize];         // unit(block)
};

void fill(Draws& draws, std::uint64_t seed, std::uint64_t replica, std::uint64_t n, StreamKind kind) noexcept;

// The blocks of a replica one after the other, from 0 on.
class DrawSequence {
 public:
  explicit DrawSequence(StreamKind kind) noexcept : kind_(kind) {}

  // REQUIRES: next() before anything is asked.
  void start(std::uint64_t seed, std::uint64_t replica) noexcept {
    seed_ = seed;
    replica_ = replica;
    filled_ = 0;
    at_ = Draws::kSize - 1;
  }

  void next() noexcept {
    if (++at_ < Draws::kSize) [[likely]]
      return;
    fill(draws_, seed_, replica_, filled_, kind_);
    filled_ += Draws::kSize;
    at_ = 0;
  }

  double exponential() const noexcept { return draws_.exponential[at_]; }
  double unit() const noexcept { return draws_.unit[at_]; }

 private:
  Draws draws_;
  std::size_t at_ = 0;
  std::uint64_t seed_ = 0, replica_ = 0, filled_ = 0;
  StreamKind kind_;
};

}  // namespace petricore
