// The natural logarithm that every simulation draws its times with.
#pragma once

#include <bit>
#include <cstdint>

namespace petricore {

// ln(x), with an error below 1 ulp. REQUIRES: x is positive, normal and finite.
//
// Only additions, subtractions, multiplications, one division and operations on bits, in a fixed order and without
// branches: a scalar, the lanes of any vector and a GPU compute the same bits, as long as no multiplication is
// contracted with an addition. x = 2^k m with m in [sqrt(1/2), sqrt(2)), f = m - 1, s = f / (2 + f), and
// ln m = 2 atanh(s) = f - f^2 / 2 + s (f^2 / 2 + R(s^2)) as in P. T. P. Tang: Table-driven implementation of the
// logarithm function in IEEE floating-point arithmetic, ACM TOMS 16(4), 1990, doi:10.1145/98267.98294, but without a
// table: R is the interpolation of (2 atanh(s) - 2 s) / s in s^2 at the Chebyshev nodes, off by at most 2^-56.
[[gnu::always_inline]] constexpr double natural_log(double x) noexcept {
  constexpr std::uint64_t kRootHalf = 0x3FE6A09E667F3BCD;  // the bits of sqrt(1/2)
  constexpr std::uint64_t kExponents = std::uint64_t{0xFFF} << 52;
  constexpr std::uint64_t kBias = std::uint64_t{1024} << 52;  // keeps the exponent from going below 0
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
  const std::uint64_t above = bits - kRootHalf;
  // k + 1024 as the low bits of 2^52 + (k + 1024): lanes of 64 bits convert no integers without AVX-512.
  const double k = std::bit_cast<double>(((above + kBias) >> 52) | 0x4330000000000000) - (0x1p52 + 1024);
  const double f = std::bit_cast<double>(bits - (above & kExponents)) - 1;

  const double s = f / (2 + f);
  const double z = s * s;
  const double w = z * z;
  const double even = w * (0x1.99999999952e2p-2 + w * (0x1.c71c62e57fa3fp-3 + w * 0x1.39fe60617ce73p-3));
  const double odd =
      z * (0x1.5555555555558p-1 + w * (0x1.2492492df1492p-2 + w * (0x1.7462b4ab4c062p-3 + w * 0x1.2b584add1c619p-3)));
  const double half = 0.5 * f * f;
  const double low = s * (half + (odd + even)) + k * 0x1.a39ef35793c76p-33;
  return k * 0x1.62e42feep-1 - ((half - low) - f);  // the high part of ln 2 has 32 bits, so that k times it is exact
}

}  // namespace petricore
