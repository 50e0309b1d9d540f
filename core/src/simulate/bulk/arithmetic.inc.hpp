// The numbers of a replica and of its marking, over a vector of lanes: the operations of philox.hpp, natural_log.hpp,
// timing.cpp and expression.cpp, each in the same order.
#pragma once

#include "petricore/expression.hpp"
#include "simulate/bulk/lanes.inc.hpp"

namespace petricore::bulk::PETRICORE_SIMD {
namespace {

struct Numbers {
  Real open, below;
};

// Vectors drawn for together: as many chains of multiplications as registers allow, since each waits for its own.
#if defined(__AVX512DQ__)
inline constexpr std::size_t kDrawn = 4;
#else
inline constexpr std::size_t kDrawn = 2;
#endif

// Philox with a counter of four words per lane, each in the low half of 64 bits; what the high halves hold does not
// matter to the products, and is masked off at the end.
inline void draw(std::uint64_t seed, const Word* replica, const Word* event, Numbers* numbers) {
  const Word first = splat(std::uint64_t{0xD2511F53}), second = splat(std::uint64_t{0xCD9E8D57});
  std::uint32_t low = static_cast<std::uint32_t>(seed), high = static_cast<std::uint32_t>(seed >> 32);
  Word c0[kDrawn], c1[kDrawn], c2[kDrawn], c3[kDrawn];
#pragma GCC unroll 4
  for (std::size_t v = 0; v < kDrawn; ++v) {
    c0[v] = event[v];
    c1[v] = event[v] >> 32;
    c2[v] = replica[v];
    c3[v] = replica[v] >> 32;
  }
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    const Word low_key = splat(std::uint64_t{low}), high_key = splat(std::uint64_t{high});
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kDrawn; ++v) {
      const Word a = multiply_low(c0[v], first), b = multiply_low(c2[v], second);
      c0[v] = (b >> 32) ^ c1[v] ^ low_key;
      c1[v] = b;
      c2[v] = (a >> 32) ^ c3[v] ^ high_key;
      c3[v] = a;
    }
    low += 0x9E3779B9;
    high += 0xBB67AE85;
  }
  const Word half = splat(std::uint64_t{0xFFFFFFFF});
#pragma GCC unroll 4
  for (std::size_t i = 0; i < kDrawn; ++i) {
    const Word u = ((c0[i] & half) | c1[i] << 32) >> 11, v = ((c2[i] & half) | c3[i] << 32) >> 11;
    numbers[i] = {real_of(u + splat(std::uint64_t{1})) * 0x1p-53, real_of(v) * 0x1p-53};
  }
}

// natural_log.hpp, operation by operation.
inline Real natural_log(Real x) {
  const Word bits = (Word)x;
  const Word above = bits - splat(std::uint64_t{0x3FE6A09E667F3BCD});
  const Word biased = above + splat(std::uint64_t{1024} << 52);
  const Real k = (Real)((biased >> 52) | splat(std::uint64_t{0x4330000000000000})) - (0x1p52 + 1024);
  const Real f = (Real)(bits - (above & splat(std::uint64_t{0xFFF} << 52))) - 1.0;
  const Real s = f / (2.0 + f);
  const Real z = s * s;
  const Real w = z * z;
  const Real even = w * (0x1.99999999952e2p-2 + w * (0x1.c71c62e57fa3fp-3 + w * 0x1.39fe60617ce73p-3));
  const Real odd =
      z * (0x1.5555555555558p-1 + w * (0x1.2492492df1492p-2 + w * (0x1.7462b4ab4c062p-3 + w * 0x1.2b584add1c619p-3)));
  const Real half = 0.5 * f * f;
  const Real low = s * (half + (odd + even)) + k * 0x1.a39ef35793c76p-33;
  return k * 0x1.62e42feep-1 - ((half - low) - f);
}

// count choose weight, for weight > 1.
inline Real combinations(Real count, std::uint32_t weight) {
  Real ways = count;
  for (std::uint32_t i = 1; i < weight; ++i)
    ways = ways * (count - static_cast<double>(i)) / static_cast<double>(i + 1);
  return ways;
}

template <class Body>
inline void each_vector(const Body& body) {
  for (std::size_t v = 0; v < kVectors; ++v) body(v);
}

// Runs a program of expression.hpp; returns the lanes of its last register.
const double* evaluate(const Instruction* code, std::uint32_t size, const double* marking, double* registers) {
  using Op = Expression::Op;
  for (std::uint32_t i = 0; i < size; ++i) {
    const Instruction& step = code[i];
    double* into = registers + i * kLanes;
    const double* a = registers + step.a * kLanes;
    const double* b = registers + step.b * kLanes;
    const double* c = registers + step.c * kLanes;
    const auto unary = [&](const auto& function) {
      each_vector([&](std::size_t v) { real(into, v) = function(real(a, v)); });
    };
    const auto binary = [&](const auto& function) {
      each_vector([&](std::size_t v) { real(into, v) = function(real(a, v), real(b, v)); });
    };
    const auto truth = [](Mask holds) { return where(holds, splat(1.0)); };
    const auto is_true = [](Real x) { return without(all_lanes(), equal(x, Real{})); };
    const auto is_nan = [](Real x) { return without(all_lanes(), equal(x, x)); };
    switch (static_cast<Op>(step.op)) {
      case Op::kConstant:
        each_vector([&](std::size_t v) { real(into, v) = splat(step.constant); });
        break;
      case Op::kTokens:
        each_vector([&](std::size_t v) { real(into, v) = real(marking + step.a * kLanes, v); });
        break;
      case Op::kAdd:
        binary([](Real x, Real y) { return x + y; });
        break;
      case Op::kSubtract:
        binary([](Real x, Real y) { return x - y; });
        break;
      case Op::kMultiply:
        binary([](Real x, Real y) { return x * y; });
        break;
      case Op::kDivide:
        binary([](Real x, Real y) { return x / y; });
        break;
      case Op::kPower:
        for (std::size_t l = 0; l < kLanes; ++l) into[l] = power_of(a[l], b[l]);
        break;
      case Op::kNegate:
        unary([](Real x) { return -x; });
        break;
      case Op::kMinimum:  // of a NaN and a number, the NaN
        binary([&](Real x, Real y) { return choose(either(less(x, y), is_nan(x)), x, y); });
        break;
      case Op::kMaximum:
        binary([&](Real x, Real y) { return choose(either(less(y, x), is_nan(x)), x, y); });
        break;
      case Op::kSquareRoot:
        unary([](Real x) { return square_root(x); });
        break;
      case Op::kExponential:
        for (std::size_t l = 0; l < kLanes; ++l) into[l] = exponential_of(a[l]);
        break;
      case Op::kLogarithm:
        for (std::size_t l = 0; l < kLanes; ++l) into[l] = logarithm_of(a[l]);
        break;
      case Op::kFloor:
        for (std::size_t l = 0; l < kLanes; ++l) into[l] = floor_of(a[l]);
        break;
      case Op::kAbsolute:
        unary([](Real x) { return (Real)((Word)x & splat(~std::uint64_t{0} >> 1)); });
        break;
      case Op::kLess:
        binary([&](Real x, Real y) { return truth(less(x, y)); });
        break;
      case Op::kLessEqual:
        binary([&](Real x, Real y) { return truth(at_most(x, y)); });
        break;
      case Op::kEqual:
        binary([&](Real x, Real y) { return truth(equal(x, y)); });
        break;
      case Op::kAnd:
        binary([&](Real x, Real y) { return truth(both(is_true(x), is_true(y))); });
        break;
      case Op::kOr:
        binary([&](Real x, Real y) { return truth(either(is_true(x), is_true(y))); });
        break;
      case Op::kNot:
        unary([&](Real x) { return truth(equal(x, Real{})); });
        break;
      case Op::kSelect:
        each_vector([&](std::size_t v) { real(into, v) = choose(is_true(real(a, v)), real(b, v), real(c, v)); });
        break;
    }
  }
  return registers + (size - 1) * kLanes;
}

}  // namespace
}  // namespace petricore::bulk::PETRICORE_SIMD
