// A small, fast, seedable generator for choices among enabled transitions.
#pragma once

#include <cstdint>

namespace petricore {

// xoshiro256** 1.0, seeded by splitmix64.
// D. Blackman, S. Vigna: Scrambled linear pseudorandom number generators, ACM TOMS 47(4), 2021, doi:10.1145/3460772.
//
// Always inlined: the kernels that draw from it are compiled for several instruction sets, and a shared copy of these
// functions could be one that the CPU cannot run.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) {
      seed += 0x9E3779B97F4A7C15U;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
      word = z ^ (z >> 31);
    }
  }

  [[gnu::always_inline]] std::uint64_t next() noexcept {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  // Uniform in [0, bound), exactly. REQUIRES: bound > 0.
  // D. Lemire: Fast random integer generation in an interval, ACM TOMACS 29(1), 2019, doi:10.1145/3230636.
  [[gnu::always_inline]] std::uint32_t below(std::uint32_t bound) noexcept {
    std::uint64_t product = (next() >> 32) * bound;
    if (static_cast<std::uint32_t>(product) < bound) [[unlikely]] {
      const std::uint32_t threshold = (0U - bound) % bound;
      while (static_cast<std::uint32_t>(product) < threshold) product = (next() >> 32) * bound;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

 private:
  [[gnu::always_inline]] static std::uint64_t rotate(std::uint64_t x, int k) noexcept {
    return (x << k) | (x >> (64 - k));
  }

  std::uint64_t state_[4];
};

}  // namespace petricore
