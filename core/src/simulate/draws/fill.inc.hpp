// The kernel behind Draws, for the instruction set this file is compiled for. PETRICORE_SIMD names it.
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <bit>

#include "simulate/draws/draws.hpp"
#include "simulate/natural_log.hpp"

namespace petricore::PETRICORE_SIMD {
namespace {

#if defined(__AVX512F__)
inline constexpr std::size_t kWidth = 8;
using Word = std::uint64_t __attribute__((vector_size(64), may_alias));
inline Word multiply_low(Word a, Word b) { return (Word)_mm512_maskz_mul_epu32(0xFF, (__m512i)a, (__m512i)b); }
#elif defined(__AVX2__)
inline constexpr std::size_t kWidth = 4;
using Word = std::uint64_t __attribute__((vector_size(32), may_alias));
inline Word multiply_low(Word a, Word b) { return (Word)_mm256_mul_epu32((__m256i)a, (__m256i)b); }
#elif defined(__SSE2__)
inline constexpr std::size_t kWidth = 2;
using Word = std::uint64_t __attribute__((vector_size(16), may_alias));
inline Word multiply_low(Word a, Word b) { return (Word)_mm_mul_epu32((__m128i)a, (__m128i)b); }
#else
inline constexpr std::size_t kWidth = 2;
using Word = std::uint64_t __attribute__((vector_size(16), may_alias));
inline Word multiply_low(Word a, Word b) { return (a & 0xFFFFFFFFU) * (b & 0xFFFFFFFFU); }
#endif

// x < 2^53, exactly: only AVX-512 converts lanes of 64 bits.
[[gnu::always_inline]] inline double real_of(std::uint64_t x) noexcept {
  constexpr std::uint64_t kExponent = 0x4330000000000000;  // that of 2^52
  const double high = std::bit_cast<double>((x >> 32) | kExponent) - 0x1p52;
  const double low = std::bit_cast<double>((x & 0xFFFFFFFF) | kExponent) - 0x1p52;
  return high * 0x1p32 + low;
}

// Both halves of each block. The high halves of the words of philox carry what its multiplications ignore.
void fill_bits(std::uint64_t* first, std::uint64_t* second, std::uint64_t seed, std::uint64_t replica, std::uint64_t n,
               StreamKind kind) noexcept {
  constexpr std::size_t kVectors = 4;  // side by side, so that no multiplication waits for the one before
  static_assert(Draws::kSize % (kVectors * kWidth) == 0);
  const Word x = Word{} + 0xD2511F53U, y = Word{} + 0xCD9E8D57U;
  for (std::size_t i = 0; i < Draws::kSize; i += kVectors * kWidth) {
    Word a[kVectors], b[kVectors], c[kVectors], d[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) {
      alignas(64) std::uint64_t events[kWidth];
      for (std::size_t l = 0; l < kWidth; ++l) events[l] = n + i + v * kWidth + l;
      a[v] = *reinterpret_cast<const Word*>(events);
      b[v] = (a[v] >> 32) | static_cast<std::uint64_t>(kind) << 24;
      c[v] = Word{} + replica;
      d[v] = c[v] >> 32;
    }
    std::uint32_t low = static_cast<std::uint32_t>(seed), high = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      for (std::size_t v = 0; v < kVectors; ++v) {
        const Word p = multiply_low(x, a[v]), q = multiply_low(y, c[v]);
        a[v] = (q >> 32) ^ b[v] ^ low;
        b[v] = q;
        c[v] = (p >> 32) ^ d[v] ^ high;
        d[v] = p;
      }
      low += 0x9E3779B9;
      high += 0xBB67AE85;
    }
    for (std::size_t v = 0; v < kVectors; ++v) {
      reinterpret_cast<Word*>(first + i)[v] = (a[v] & 0xFFFFFFFFU) | b[v] << 32;
      reinterpret_cast<Word*>(second + i)[v] = (c[v] & 0xFFFFFFFFU) | d[v] << 32;
    }
  }
}

}  // namespace

void fill(Draws& draws, std::uint64_t seed, std::uint64_t replica, std::uint64_t n, StreamKind kind) noexcept {
  alignas(64) std::uint64_t first[Draws::kSize], second[Draws::kSize];
  fill_bits(first, second, seed, replica, n, kind);
  for (std::size_t i = 0; i < Draws::kSize; ++i)
    draws.exponential[i] = -natural_log((real_of(first[i] >> 11) + 1) * 0x1p-53);
  for (std::size_t i = 0; i < Draws::kSize; ++i) draws.unit[i] = real_of(second[i] >> 11) * 0x1p-53;
}

}  // namespace petricore::PETRICORE_SIMD
