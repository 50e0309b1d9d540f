// The vectorised inner loops, chosen once per process by what the CPU can do.
//
// All kernels work on a block of kLanes markings, place-major: lane l of place p is block[p * kLanes + l]. The source
// is one (kernels.inc.hpp), compiled once per instruction set, so all levels compute the same by construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "petricore/types.hpp"

namespace petricore::simd {

inline constexpr std::size_t kLanes = 64;

// One comparison of a place with a constant, in the lane type.
template <class Lane>
struct Test {
  std::uint32_t place;
  Lane bound;
};

// Row t of `least` (count >= bound) and of `most` (count <= bound) must all hold for t to be enabled.
template <class Lane>
struct TestTable {
  std::vector<std::uint32_t> least_offsets, most_offsets;  // (T + 1,)
  std::vector<Test<Lane>> least, most;

  std::size_t transitions() const noexcept { return least_offsets.size() - 1; }
};

// One upper bound on how often a transition can fire at once: (m[place] - anchor) / divisor + 1, or
// (anchor - m[place]) / divisor + 1 for a rising place, or (without plus_one) m[place] / divisor.
struct DegreeTerm {
  std::uint32_t place;
  Count anchor;
  Count divisor;
  bool rising;
  bool plus_one;
};

struct DegreeTable {
  std::vector<std::uint32_t> offsets;  // (T + 1,)
  std::vector<DegreeTerm> terms;
  std::vector<Count> ceilings;  // (T,): 1 where a second firing is impossible, kMaxTokens elsewhere
};

template <class Lane>
struct LaneKernels {
  // Saturates and transposes `rows` (at most kLanes) markings of `places` counts into a block; missing lanes are 0.
  // Returns the bitwise or of all counts: negative iff one of them is.
  Count (*pack)(const Count* markings, std::size_t rows, std::size_t places, Lane* block);
  // ok[t * kLanes + l] = 1 iff t is enabled in lane l, else 0.
  void (*test)(const TestTable<Lane>& table, const Lane* block, std::uint8_t* ok);
};

struct Kernels {
  const char* level;
  LaneKernels<std::uint8_t> u8;
  LaneKernels<std::uint16_t> u16;
  LaneKernels<Count> i32;
  // Writes ok (T x kLanes) as rows of T bytes.
  void (*spread)(const std::uint8_t* ok, std::size_t rows, std::size_t transitions, std::uint8_t* out);
  // Writes degrees as rows of T counts; `ok` masks what is not enabled to 0.
  void (*degrees)(const DegreeTable& table, const Count* block, const std::uint8_t* ok, std::size_t rows, Count* out);
};

// The level in use; the environment variable PETRICORE_SIMD (baseline, avx2, avx512) lowers it.
const Kernels& kernels() noexcept;

}  // namespace petricore::simd
