// The vectorised inner loops, chosen once per process by what the CPU can do.
//
// All kernels work on a block of kLanes markings, place-major: lane l of place p is block[p * kLanes + l]. The source
// is one (kernels.inc.hpp), compiled once per instruction set, so all levels compute the same by construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "petricore/rng.hpp"
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

// The random walk of a small net without data-dependent branches: the deficits of all transitions are one vector of
// bytes, and a count that crosses a threshold adds that threshold's row. Every transition is padded to the same number
// of effects, so that all trip counts are constant.
struct WalkTables {
  static constexpr std::size_t kMaxWords = 4;  // transitions / 64, rounded up

  // The place changes by delta, and the row counts iff the count before lies in [base, base + span): then, and only
  // then, it crosses the one threshold this effect watches. A place with more thresholds has more effects, all but
  // the last with delta 0.
  struct Effect {
    std::uint32_t place;  // padding: one place more than the net has
    Count delta;
    Count base;
    std::uint32_t span;
    std::uint32_t row;  // of `rows`
  };

  std::size_t words = 0;
  std::size_t effects_each = 0;
  std::vector<Effect> effects;    // (T, effects_each)
  std::vector<std::int8_t> rows;  // (rows, words * 64): what crossing a threshold adds to the deficits; row 0 is zeros
};

// How a walk ended: fewer firings than asked means a dead marking, unless `overflow` names a place.
struct WalkResult {
  static constexpr std::uint32_t kNoPlace = ~0U;
  std::uint64_t fired;
  std::uint32_t overflow;
  Count delta;  // what would have overflowed it
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
  // Walks from `marking` ((P + 1,), the last a dummy) with the given deficits ((words * 64,), non-zero past T). The
  // choice is the k-th enabled transition by index. On overflow the marking is that before the firing at fault.
  WalkResult (*walk)(const WalkTables& tables, Count* marking, std::int8_t* deficits, std::uint64_t steps, Rng& rng);
};

// The level in use; the environment variable PETRICORE_SIMD (baseline, avx2, avx512) lowers it.
const Kernels& kernels() noexcept;

}  // namespace petricore::simd
