#include "../src/simulate/natural_log.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "../src/simulate/draws/draws.hpp"
#include "petricore/philox.hpp"

namespace petricore::test {
namespace {

// How many units in the last place lie between the logarithm and the system's in extended precision.
double error_in_ulps(double x) {
  const long double exact = std::log(static_cast<long double>(x));
  if (exact == 0) return natural_log(x) == 0 ? 0 : 1;
  const double unit = std::ldexp(1.0, std::ilogb(static_cast<double>(exact)) - 52);
  return static_cast<double>(std::abs(natural_log(x) - exact) / unit);
}

}  // namespace

TEST_CASE("the logarithm is off by less than one unit in the last place") {
  double worst = 0;
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    const PhiloxBlock block = block_of(1, 2, i);
    worst = std::max(worst, error_in_ulps(open_unit(block)));
    worst = std::max(worst, error_in_ulps(std::ldexp(open_unit(block), static_cast<int>(block[2] % 2000) - 1000)));
  }
  for (int k = 0; k <= 53; ++k) worst = std::max(worst, error_in_ulps(std::ldexp(1.0, -k)));
  for (int i = 1; i < 1000; ++i) worst = std::max(worst, error_in_ulps(1 - i * 0x1p-53));
  CHECK(worst < 1);
  MESSAGE("worst error: " << worst << " ulp");
}

TEST_CASE("draws made ahead are those of their blocks, to the bit, at every level of instructions that is in use") {
  for (const StreamKind kind : {StreamKind::kEvents, StreamKind::kClocks}) {
    for (const std::uint64_t n : {std::uint64_t{0}, (std::uint64_t{1} << 32) - 9}) {
      constexpr std::uint64_t kSeed = 0x123456789ABCDEF, kReplica = std::uint64_t{5} << 40 | 3;
      Draws draws;
      fill(draws, kSeed, kReplica, n, kind);
      for (std::size_t i = 0; i < Draws::kSize; ++i) {
        const PhiloxBlock block = block_of(kSeed, kReplica, n + i, kind);
        CHECK(draws.exponential[i] == -natural_log(open_unit(block)));
        CHECK(draws.unit[i] == unit(block));
      }
    }
  }
}

TEST_CASE("the logarithm of 1 is 0, and it can be computed by the compiler") {
  static_assert(natural_log(1) == 0);
  static_assert(natural_log(0x1p-53) < -36.7);
}

}  // namespace petricore::test
