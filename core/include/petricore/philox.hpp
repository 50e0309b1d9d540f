// Random numbers that belong to (seed, replica, event), not to the order in which anybody asks for them.
#pragma once

#include <array>
#include <cstdint>

namespace petricore {

// One block of Philox4x32-10: 128 random bits for a counter of 128 bits under a key of 64.
// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011,
// doi:10.1145/2063384.2063405.
//
// Always inlined: kernels compiled for several instruction sets, and for the GPU, compute the same bits with it.
using PhiloxBlock = std::array<std::uint32_t, 4>;

[[gnu::always_inline]] constexpr PhiloxBlock philox(PhiloxBlock counter, std::uint64_t key) noexcept {
  std::uint32_t low = static_cast<std::uint32_t>(key), high = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ low, static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ high, static_cast<std::uint32_t>(a)};
    low += 0x9E3779B9;
    high += 0xBB67AE85;
  }
  return counter;
}

// What numbers are drawn for: streams never meet.
enum class StreamKind : std::uint8_t { kEvents = 0, kClocks = 1, kSplitting = 2, kLeaps = 3 };

// The block of event n of a replica. REQUIRES: n < 2^56.
[[gnu::always_inline]] constexpr PhiloxBlock block_of(std::uint64_t seed, std::uint64_t replica, std::uint64_t n,
                                                      StreamKind kind = StreamKind::kEvents) noexcept {
  return philox(
      {static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(n >> 32) | static_cast<std::uint32_t>(kind) << 24,
       static_cast<std::uint32_t>(replica), static_cast<std::uint32_t>(replica >> 32)},
      seed);
}

// Two doubles of a block, of 53 bits each: `open` in (0, 1], so that its logarithm is finite; `below` in [0, 1).
[[gnu::always_inline]] constexpr double open_unit(const PhiloxBlock& block) noexcept {
  const std::uint64_t bits = block[0] | std::uint64_t{block[1]} << 32;
  return static_cast<double>((bits >> 11) + 1) * 0x1p-53;
}
[[gnu::always_inline]] constexpr double unit(const PhiloxBlock& block) noexcept {
  const std::uint64_t bits = block[2] | std::uint64_t{block[3]} << 32;
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

// The numbers of one replica one after the other, for algorithms that need no fixed number of them per event.
class Stream {
 public:
  Stream(std::uint64_t seed, std::uint64_t replica, StreamKind kind) noexcept
      : seed_(seed), replica_(replica), kind_(kind) {}

  // In (0, 1].
  double open_unit() noexcept { return static_cast<double>((next() >> 11) + 1) * 0x1p-53; }
  // In [0, 1).
  double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }

  std::uint64_t next() noexcept {
    if ((drawn_ & 1) == 0) block_ = block_of(seed_, replica_, drawn_ / 2, kind_);
    const std::size_t half = 2 * (drawn_++ & 1);
    return block_[half] | std::uint64_t{block_[half + 1]} << 32;
  }

 private:
  std::uint64_t seed_, replica_, drawn_ = 0;
  StreamKind kind_;
  PhiloxBlock block_{};
};

}  // namespace petricore
