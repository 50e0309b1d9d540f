// A vector register of doubles and a mask over it, for the instruction set this file is compiled for.
//
// The operations a mask needs are spelled out for AVX-512, which has registers for masks; other levels use vectors.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstddef>
#include <cstdint>

#include "simulate/bulk/kernel.hpp"

namespace petricore::bulk::PETRICORE_SIMD {
namespace {

#if defined(__AVX512DQ__)
inline constexpr std::size_t kVectorBytes = 64;
#elif defined(__AVX2__)
inline constexpr std::size_t kVectorBytes = 32;
#else
inline constexpr std::size_t kVectorBytes = 16;
#endif
inline constexpr std::size_t kWidth = kVectorBytes / sizeof(double);
inline constexpr std::size_t kVectors = kLanes / kWidth;

using Real = double __attribute__((vector_size(kVectorBytes), may_alias));
using Word = std::uint64_t __attribute__((vector_size(kVectorBytes), may_alias));

inline Real splat(double x) { return Real{} + x; }
inline Word splat(std::uint64_t x) { return Word{} + x; }

inline Real& real(double* lanes, std::size_t vector) { return reinterpret_cast<Real*>(lanes)[vector]; }
inline const Real& real(const double* lanes, std::size_t vector) {
  return reinterpret_cast<const Real*>(lanes)[vector];
}
inline Word& word(std::uint64_t* lanes, std::size_t vector) { return reinterpret_cast<Word*>(lanes)[vector]; }

#if defined(__AVX512DQ__)

using Mask = __mmask8;
inline Mask less(Real a, Real b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
inline Mask at_most(Real a, Real b) { return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ); }
inline Mask equal(Real a, Real b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
inline Mask at_least(Word a, Word b) { return _mm512_cmpge_epu64_mask((__m512i)a, (__m512i)b); }
inline Mask nonzero(Word a) { return _mm512_test_epi64_mask((__m512i)a, (__m512i)a); }
inline Mask both(Mask a, Mask b) { return static_cast<Mask>(a & b); }
inline Mask either(Mask a, Mask b) { return static_cast<Mask>(a | b); }
inline Mask without(Mask a, Mask b) { return static_cast<Mask>(a & ~b); }
inline Mask all_lanes() { return 0xFF; }
inline Mask no_lane() { return 0; }
inline Real choose(Mask m, Real a, Real b) { return _mm512_mask_blend_pd(m, b, a); }
inline Real where(Mask m, Real a) { return _mm512_maskz_mov_pd(m, a); }
inline Real add_where(Mask m, Real a, Real b) { return _mm512_mask_add_pd(a, m, a, b); }
inline Word add_where(Mask m, Word a, Word b) {
  return (Word)_mm512_mask_add_epi64((__m512i)a, m, (__m512i)a, (__m512i)b);
}
inline Word where(Mask m, Word a) { return (Word)_mm512_maskz_mov_epi64(m, (__m512i)a); }
inline std::uint32_t bits_of(Mask m) { return m; }
inline bool any(Mask m) { return m != 0; }
// The low halves' product.
inline Word multiply_low(Word a, Word b) { return (Word)_mm512_mul_epu32((__m512i)a, (__m512i)b); }
inline Real real_of(Word a) { return _mm512_cvtepu64_pd((__m512i)a); }
inline Real square_root(Real a) { return _mm512_sqrt_pd(a); }

#else

using Mask = Word;
inline Mask less(Real a, Real b) { return (Mask)(a < b); }
inline Mask at_most(Real a, Real b) { return (Mask)(a <= b); }
inline Mask equal(Real a, Real b) { return (Mask)(a == b); }
inline Mask nonzero(Word a) { return (Mask)(a != Word{}); }
inline Mask both(Mask a, Mask b) { return a & b; }
inline Mask either(Mask a, Mask b) { return a | b; }
inline Mask without(Mask a, Mask b) { return a & ~b; }
inline Mask all_lanes() { return ~Word{}; }
inline Mask no_lane() { return Word{}; }
inline Real where(Mask m, Real a) { return (Real)((Word)a & m); }
inline Word where(Mask m, Word a) { return a & m; }
inline Word add_where(Mask m, Word a, Word b) { return a + (b & m); }

#if defined(__AVX2__)
inline Mask at_least(Word a, Word b) {
  const Word sign = splat(std::uint64_t{1} << 63);
  return ~(Mask)_mm256_cmpgt_epi64((__m256i)(b ^ sign), (__m256i)(a ^ sign));
}
inline Real choose(Mask m, Real a, Real b) { return _mm256_blendv_pd(b, a, (__m256d)m); }
inline std::uint32_t bits_of(Mask m) { return static_cast<std::uint32_t>(_mm256_movemask_pd((__m256d)m)); }
inline Word multiply_low(Word a, Word b) { return (Word)_mm256_mul_epu32((__m256i)a, (__m256i)b); }
inline Real square_root(Real a) { return _mm256_sqrt_pd(a); }
#else
inline Mask at_least(Word a, Word b) { return (Mask)(a >= b); }
inline Real choose(Mask m, Real a, Real b) { return (Real)(((Word)a & m) | ((Word)b & ~m)); }
#if defined(__SSE2__)
inline std::uint32_t bits_of(Mask m) { return static_cast<std::uint32_t>(_mm_movemask_pd((__m128d)m)); }
inline Word multiply_low(Word a, Word b) { return (Word)_mm_mul_epu32((__m128i)a, (__m128i)b); }
#else
inline std::uint32_t bits_of(Mask m) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < kWidth; ++i) bits |= static_cast<std::uint32_t>(m[i] & 1) << i;
  return bits;
}
inline Word multiply_low(Word a, Word b) {
  const Word low = splat(std::uint64_t{0xFFFFFFFF});
  return (a & low) * (b & low);
}
#endif
inline Real square_root(Real a) {
  for (std::size_t i = 0; i < kWidth; ++i) a[i] = __builtin_sqrt(a[i]);
  return a;
}
#endif

inline Real add_where(Mask m, Real a, Real b) { return a + where(m, b); }
inline bool any(Mask m) { return bits_of(m) != 0; }
// Exact for a < 2^53: both halves are, and so is their sum.
inline Real real_of(Word a) {
  const Word exponent = splat(std::uint64_t{0x4330000000000000});
  const Real offset = splat(0x1p52);
  const Real high = (Real)(a >> 32 | exponent) - offset;
  const Real low = (Real)((a & splat(std::uint64_t{0xFFFFFFFF})) | exponent) - offset;
  return high * 0x1p32 + low;
}

#endif

inline Real larger(Real a, Real b) { return choose(less(a, b), b, a); }
inline Real smaller(Real a, Real b) { return choose(less(b, a), b, a); }

// Of 0 <= a < 2^51: rounded to an integer, then corrected if that went up.
inline Real floor_of_small(Real a) {
  const Real magic = splat(0x1p52);
  const Real near = (a + magic) - magic;
  return choose(less(a, near), near - 1.0, near);
}

}  // namespace
}  // namespace petricore::bulk::PETRICORE_SIMD
