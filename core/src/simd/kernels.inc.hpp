// Included once per instruction set with PETRICORE_SIMD set to the name of the level.
//
// No function of another namespace is called from here, but for those that are always inlined (Rng): an inline
// function shared with other files could be emitted with this file's instruction set and then be linked into theirs.
#include "kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace petricore::simd::PETRICORE_SIMD {
namespace {

#if defined(__AVX512BW__)
inline constexpr std::size_t kVectorBytes = 64;
#elif defined(__AVX2__)
inline constexpr std::size_t kVectorBytes = 32;
#else
inline constexpr std::size_t kVectorBytes = 16;
#endif

// A vector register's worth of lanes.
template <class Lane>
struct VectorOf {
  using type __attribute__((vector_size(kVectorBytes), aligned(1), may_alias)) = Lane;
};
template <class Lane>
using LaneVector = typename VectorOf<Lane>::type;

using Bytes16 = std::uint8_t __attribute__((vector_size(16), aligned(1), may_alias));

template <class Lane>
inline constexpr Lane kSaturated = static_cast<Lane>(sizeof(Lane) == 1   ? 0xFF
                                                     : sizeof(Lane) == 2 ? 0xFFFF
                                                                         : kMaxTokens);

// 16 x 16 bytes: four rounds of interleaving row i with row i + 8.
inline void transpose_tile(const std::uint8_t* from, std::size_t from_stride, std::uint8_t* to, std::size_t to_stride) {
  Bytes16 a[16], b[16];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < 16; ++i) a[i] = *reinterpret_cast<const Bytes16*>(from + i * from_stride);
#pragma GCC unroll 4
  for (int round = 0; round < 4; ++round) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i) {
      b[2 * i] = __builtin_shufflevector(a[i], a[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      b[2 * i + 1] =
          __builtin_shufflevector(a[i], a[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 16; ++i) a[i] = b[i];
  }
#pragma GCC unroll 16
  for (std::size_t i = 0; i < 16; ++i) *reinterpret_cast<Bytes16*>(to + i * to_stride) = a[i];
}

// The first `height` x `width` part, rounded up to tiles, of a kLanes x kLanes square.
template <class Lane>
inline void transpose_square(const Lane* from, std::size_t height, std::size_t width, Lane* to) {
  if constexpr (sizeof(Lane) == 1) {
    for (std::size_t i = 0; i < height; i += 16) {
      for (std::size_t j = 0; j < width; j += 16) {
        transpose_tile(from + i * kLanes + j, kLanes, to + j * kLanes + i, kLanes);
      }
    }
  } else {
    for (std::size_t j = 0; j < width; ++j) {
      for (std::size_t i = 0; i < height; ++i) to[j * kLanes + i] = from[i * kLanes + j];
    }
  }
}

// Saturates `width` counts; returns their bitwise or.
template <class Lane>
inline Count narrow(const Count* counts, std::size_t width, Lane* into) {
  Count any = 0;
  for (std::size_t i = 0; i < width; ++i) {
    any |= counts[i];
    into[i] = static_cast<Lane>(counts[i] < Count{kSaturated<Lane>} ? counts[i] : Count{kSaturated<Lane>});
  }
  return any;
}

template <class Lane>
Count pack(const Count* markings, std::size_t rows, std::size_t places, Lane* block) {
  constexpr std::size_t kStrip = 16;  // a constant trip count, so that it becomes straight vector code
  alignas(64) Lane tile[kLanes * kLanes] = {};
  alignas(64) Lane turned[kLanes * kLanes];
  Count any = 0;
  for (std::size_t first = 0; first < places; first += kLanes) {
    const std::size_t width = places - first < kLanes ? places - first : kLanes;
    for (std::size_t r = 0; r < rows; ++r) {
      const Count* row = markings + r * places + first;
      Lane* into = tile + r * kLanes;
      if (width == kLanes) {
        any |= narrow(row, kLanes, into);
      } else {
        std::size_t i = 0;
        for (; i + kStrip <= width; i += kStrip) any |= narrow(row + i, kStrip, into + i);
        any |= narrow(row + i, width - i, into + i);
      }
    }
    if (width == kLanes) {
      transpose_square(tile, kLanes, kLanes, block + first * kLanes);
    } else {
      transpose_square(tile, kLanes, width, turned);
      __builtin_memcpy(block + first * kLanes, turned, width * kLanes * sizeof(Lane));
    }
  }
  return any;
}

template <class Lane>
void test(const TestTable<Lane>& table, const Lane* block, std::uint8_t* ok) {
  using Lanes = LaneVector<Lane>;
  constexpr std::size_t kVectors = kLanes * sizeof(Lane) / kVectorBytes;
  const std::uint32_t* least_offsets = table.least_offsets.data();
  const std::uint32_t* most_offsets = table.most_offsets.data();
  const Test<Lane>* least = table.least.data();
  const Test<Lane>* most = table.most.data();
  const std::size_t transitions = table.least_offsets.size() - 1;
  for (std::size_t t = 0; t < transitions; ++t) {
    Lanes hold[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) hold[v] = Lanes{} + Lane{1};
    for (std::uint32_t i = least_offsets[t]; i < least_offsets[t + 1]; ++i) {
      const auto* column = reinterpret_cast<const Lanes*>(block + std::size_t{least[i].place} * kLanes);
      const Lanes bound = Lanes{} + least[i].bound;
      for (std::size_t v = 0; v < kVectors; ++v) hold[v] &= (Lanes)(column[v] >= bound);
    }
    for (std::uint32_t i = most_offsets[t]; i < most_offsets[t + 1]; ++i) {
      const auto* column = reinterpret_cast<const Lanes*>(block + std::size_t{most[i].place} * kLanes);
      const Lanes bound = Lanes{} + most[i].bound;
      for (std::size_t v = 0; v < kVectors; ++v) hold[v] &= (Lanes)(column[v] <= bound);
    }
    if constexpr (sizeof(Lane) == 1) {
      __builtin_memcpy(ok + t * kLanes, hold, kLanes);
    } else {
      Lane flags[kLanes];
      __builtin_memcpy(flags, hold, sizeof(flags));
      for (std::size_t l = 0; l < kLanes; ++l) ok[t * kLanes + l] = static_cast<std::uint8_t>(flags[l]);
    }
  }
}

void spread(const std::uint8_t* ok, std::size_t rows, std::size_t transitions, std::uint8_t* out) {
  alignas(64) std::uint8_t turned[kLanes * kLanes];
  alignas(64) std::uint8_t padded[kLanes * kLanes] = {};
  for (std::size_t first = 0; first < transitions; first += kLanes) {
    const std::size_t width = transitions - first < kLanes ? transitions - first : kLanes;
    const std::uint8_t* tile = ok + first * kLanes;
    if (width < kLanes) {
      __builtin_memcpy(padded, tile, width * kLanes);
      tile = padded;
    }
    transpose_square(tile, width, rows, turned);
    for (std::size_t r = 0; r < rows; ++r) {
      std::uint8_t* row = out + r * transitions + first;
      const std::uint8_t* flags = turned + r * kLanes;
      if (width == kLanes) {
        __builtin_memcpy(row, flags, kLanes);
      } else {
        std::size_t i = 0;
        for (; i + 16 <= width; i += 16) __builtin_memcpy(row + i, flags + i, 16);
        for (; i < width; ++i) row[i] = flags[i];
      }
    }
  }
}

// A quotient of int32 values is exact in double: two distinct quotients differ by more than its rounding error.
// The differences are taken modulo 2^32: where t is disabled they may leave the range, and the result is not looked at.
inline void apply_term(const DegreeTerm& term, const Count* column, Count* degree) {
  const std::uint32_t bonus = term.plus_one ? 1 : 0;
  const std::uint32_t sign = term.rising ? ~std::uint32_t{0} : 1;
  const std::uint32_t anchor = static_cast<std::uint32_t>(term.anchor);
  if (term.divisor == 1) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const Count bound = static_cast<Count>(sign * (static_cast<std::uint32_t>(column[l]) - anchor) + bonus);
      degree[l] = degree[l] < bound ? degree[l] : bound;
    }
  } else {
    const double divisor = term.divisor;
    for (std::size_t l = 0; l < kLanes; ++l) {
      const Count room = static_cast<Count>(sign * (static_cast<std::uint32_t>(column[l]) - anchor));
      const Count bound = static_cast<Count>(static_cast<double>(room) / divisor) + static_cast<Count>(bonus);
      degree[l] = degree[l] < bound ? degree[l] : bound;
    }
  }
}

void degrees(const DegreeTable& table, const Count* block, const std::uint8_t* ok, std::size_t rows, Count* out) {
  constexpr std::size_t kStrip = 16;  // transitions turned into rows at once: one cache line of each row
  alignas(64) Count strip[kStrip][kLanes];
  const std::size_t transitions = table.ceilings.size();
  for (std::size_t first = 0; first < transitions; first += kStrip) {
    const std::size_t width = transitions - first < kStrip ? transitions - first : kStrip;
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t t = first + i;
      Count* degree = strip[i];
      for (std::size_t l = 0; l < kLanes; ++l) degree[l] = table.ceilings[t];
      for (std::uint32_t k = table.offsets[t]; k < table.offsets[t + 1]; ++k) {
        const DegreeTerm& term = table.terms[k];
        apply_term(term, block + std::size_t{term.place} * kLanes, degree);
      }
      const std::uint8_t* enabled = ok + t * kLanes;
      for (std::size_t l = 0; l < kLanes; ++l) degree[l] = enabled[l] ? degree[l] : 0;
    }
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t i = 0; i < width; ++i) out[r * transitions + first + i] = strip[i][r];
    }
  }
}

using Bytes = LaneVector<std::int8_t>;

// The positions at which a vector holds 0, as bits.
#if defined(__AVX512BW__)
inline std::uint64_t zero_bytes(Bytes bytes) {
  const auto all = reinterpret_cast<__m512i>(bytes);
  return _mm512_testn_epi8_mask(all, all);
}
#elif defined(__AVX2__)
inline std::uint64_t zero_bytes(Bytes bytes) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(reinterpret_cast<__m256i>(bytes == Bytes{})));
}
#elif defined(__SSE2__)
inline std::uint64_t zero_bytes(Bytes bytes) {
  return static_cast<std::uint16_t>(_mm_movemask_epi8(reinterpret_cast<__m128i>(bytes == Bytes{})));
}
#else
inline std::uint64_t zero_bytes(Bytes bytes) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < sizeof(Bytes); ++i) bits |= std::uint64_t{bytes[i] == 0} << i;
  return bits;
}
#endif

// The position of the k-th set bit. REQUIRES: k < number of set bits.
inline std::uint32_t select_bit(std::uint64_t word, std::uint32_t k) {
#if defined(__BMI2__)
  return static_cast<std::uint32_t>(__builtin_ctzll(_pdep_u64(std::uint64_t{1} << k, word)));
#else
  for (; k > 0; --k) word &= word - 1;
  return static_cast<std::uint32_t>(__builtin_ctzll(word));
#endif
}

template <std::size_t kWords>
WalkResult walk_words(const WalkTables& tables, Count* marking, std::int8_t* deficits, std::uint64_t steps, Rng& rng) {
  constexpr std::size_t kPerWord = 64 / sizeof(Bytes);
  constexpr std::size_t kVectors = kWords * kPerWord;
  const std::size_t effects_each = tables.effects_each;
  const WalkTables::Effect* all_effects = tables.effects.data();
  const std::int8_t* all_rows = tables.rows.data();
  Bytes deficit[kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) deficit[v] = *reinterpret_cast<const Bytes*>(deficits + v * sizeof(Bytes));
  Rng local = rng;
  WalkResult result{0, WalkResult::kNoPlace, 0};

  for (; result.fired < steps; ++result.fired) {
    std::uint64_t enabled[kWords] = {};
    std::uint32_t counts[kWords], total = 0;
    for (std::size_t w = 0; w < kWords; ++w) {
      for (std::size_t v = 0; v < kPerWord; ++v) {
        enabled[w] |= zero_bytes(deficit[w * kPerWord + v]) << (v * sizeof(Bytes) % 64);
      }
      counts[w] = static_cast<std::uint32_t>(__builtin_popcountll(enabled[w]));
      total += counts[w];
    }
    if (total == 0) [[unlikely]]
      break;
    std::uint32_t k = local.below(total);
    std::uint64_t bits = enabled[0];
    std::size_t base = 0;
    for (std::size_t w = 0; w + 1 < kWords; ++w) {
      const bool beyond = base == 64 * w && k >= counts[w];
      k -= beyond ? counts[w] : 0;
      bits = beyond ? enabled[w + 1] : bits;
      base = beyond ? 64 * (w + 1) : base;
    }
    const std::size_t t = base + select_bit(bits, k);

    const WalkTables::Effect* effect = all_effects + t * effects_each;
    for (std::size_t i = 0; i < effects_each; ++i, ++effect) {
      const Count before = marking[effect->place];
      Count after;
      if (__builtin_add_overflow(before, effect->delta, &after)) [[unlikely]] {
        result.overflow = effect->place;
        result.delta = effect->delta;
        while (i-- > 0) {
          --effect;
          marking[effect->place] -= effect->delta;
        }
        rng = local;
        return result;
      }
      marking[effect->place] = after;
      const std::uint32_t above = static_cast<std::uint32_t>(before) - static_cast<std::uint32_t>(effect->base);
      const std::int8_t crossed = above < effect->span ? -1 : 0;
      const std::int8_t* row = all_rows + std::size_t{effect->row} * (kWords * 64);
      for (std::size_t v = 0; v < kVectors; ++v) {
        deficit[v] += *reinterpret_cast<const Bytes*>(row + v * sizeof(Bytes)) & (Bytes{} + crossed);
      }
    }
  }
  rng = local;
  return result;
}

WalkResult walk(const WalkTables& tables, Count* marking, std::int8_t* deficits, std::uint64_t steps, Rng& rng) {
  switch (tables.words) {
    case 1:
      return walk_words<1>(tables, marking, deficits, steps, rng);
    case 2:
      return walk_words<2>(tables, marking, deficits, steps, rng);
    case 3:
      return walk_words<3>(tables, marking, deficits, steps, rng);
    default:
      return walk_words<4>(tables, marking, deficits, steps, rng);
  }
}

}  // namespace

extern const Kernels kKernels;
const Kernels kKernels{
    PETRICORE_SIMD_NAME,
    {pack<std::uint8_t>, test<std::uint8_t>},
    {pack<std::uint16_t>, test<std::uint16_t>},
    {pack<Count>, test<Count>},
    spread,
    degrees,
    walk,
};

}  // namespace petricore::simd::PETRICORE_SIMD
