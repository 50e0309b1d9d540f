// Included once per instruction set with PETRICORE_SIMD set to the name of the level.
//
// No function of another namespace is called from here: an inline function shared with other files could be emitted
// with this file's instruction set and then be linked into theirs.
#include "kernels.hpp"

namespace petricore::simd::PETRICORE_SIMD {
namespace {

using Bytes16 = std::uint8_t __attribute__((vector_size(16), aligned(1), may_alias));

template <class Lane>
inline constexpr Lane kSaturated = static_cast<Lane>(sizeof(Lane) == 1 ? 0xFF : sizeof(Lane) == 2 ? 0xFFFF : kMaxTokens);

// 16 x 16 bytes: four rounds of interleaving row i with row i + 8.
inline void transpose_tile(const std::uint8_t* from, std::size_t from_stride, std::uint8_t* to, std::size_t to_stride) {
  Bytes16 a[16], b[16];
  for (std::size_t i = 0; i < 16; ++i) a[i] = *reinterpret_cast<const Bytes16*>(from + i * from_stride);
  for (int round = 0; round < 4; ++round) {
    for (std::size_t i = 0; i < 8; ++i) {
      b[2 * i] = __builtin_shufflevector(a[i], a[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      b[2 * i + 1] =
          __builtin_shufflevector(a[i], a[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    for (std::size_t i = 0; i < 16; ++i) a[i] = b[i];
  }
  for (std::size_t i = 0; i < 16; ++i) *reinterpret_cast<Bytes16*>(to + i * to_stride) = a[i];
}

// kLanes x kLanes, from contiguous rows.
template <class Lane>
inline void transpose_square(const Lane* from, Lane* to) {
  if constexpr (sizeof(Lane) == 1) {
    for (std::size_t i = 0; i < kLanes; i += 16) {
      for (std::size_t j = 0; j < kLanes; j += 16) transpose_tile(from + i * kLanes + j, kLanes, to + j * kLanes + i, kLanes);
    }
  } else {
    for (std::size_t i = 0; i < kLanes; ++i) {
      for (std::size_t j = 0; j < kLanes; ++j) to[j * kLanes + i] = from[i * kLanes + j];
    }
  }
}

template <class Lane>
Count pack(const Count* markings, std::size_t rows, std::size_t places, Lane* block) {
  alignas(64) Lane tile[kLanes * kLanes] = {};
  alignas(64) Lane turned[kLanes * kLanes];
  Count any = 0;
  for (std::size_t first = 0; first < places; first += kLanes) {
    const std::size_t width = places - first < kLanes ? places - first : kLanes;
    for (std::size_t r = 0; r < rows; ++r) {
      const Count* row = markings + r * places + first;
      Lane* into = tile + r * kLanes;
      if (width == kLanes) {
        for (std::size_t i = 0; i < kLanes; ++i) {
          any |= row[i];
          into[i] = static_cast<Lane>(row[i] < Count{kSaturated<Lane>} ? row[i] : Count{kSaturated<Lane>});
        }
      } else {
        for (std::size_t i = 0; i < width; ++i) {
          any |= row[i];
          into[i] = static_cast<Lane>(row[i] < Count{kSaturated<Lane>} ? row[i] : Count{kSaturated<Lane>});
        }
      }
    }
    if (width == kLanes) {
      transpose_square(tile, block + first * kLanes);
    } else {
      transpose_square(tile, turned);
      __builtin_memcpy(block + first * kLanes, turned, width * kLanes * sizeof(Lane));
    }
  }
  return any;
}

template <class Lane>
void test(const TestTable<Lane>& table, const Lane* block, std::uint8_t* ok) {
  const std::uint32_t* least_offsets = table.least_offsets.data();
  const std::uint32_t* most_offsets = table.most_offsets.data();
  const Test<Lane>* least = table.least.data();
  const Test<Lane>* most = table.most.data();
  const std::size_t transitions = table.least_offsets.size() - 1;
  for (std::size_t t = 0; t < transitions; ++t) {
    std::uint8_t hold[kLanes];
    for (std::size_t l = 0; l < kLanes; ++l) hold[l] = 1;
    for (std::uint32_t i = least_offsets[t]; i < least_offsets[t + 1]; ++i) {
      const Lane* column = block + std::size_t{least[i].place} * kLanes;
      const Lane bound = least[i].bound;
      for (std::size_t l = 0; l < kLanes; ++l) hold[l] &= static_cast<std::uint8_t>(column[l] >= bound);
    }
    for (std::uint32_t i = most_offsets[t]; i < most_offsets[t + 1]; ++i) {
      const Lane* column = block + std::size_t{most[i].place} * kLanes;
      const Lane bound = most[i].bound;
      for (std::size_t l = 0; l < kLanes; ++l) hold[l] &= static_cast<std::uint8_t>(column[l] <= bound);
    }
    __builtin_memcpy(ok + t * kLanes, hold, kLanes);
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
    transpose_square(tile, turned);
    for (std::size_t r = 0; r < rows; ++r) {
      if (width == kLanes) {
        __builtin_memcpy(out + r * transitions + first, turned + r * kLanes, kLanes);
      } else {
        __builtin_memcpy(out + r * transitions + first, turned + r * kLanes, width);
      }
    }
  }
}

// A quotient of int32 values is exact in double: two distinct quotients differ by more than its rounding error.
inline void apply_term(const DegreeTerm& term, const Count* column, Count* degree) {
  const Count bonus = term.plus_one ? 1 : 0;
  const Count sign = term.rising ? -1 : 1;
  if (term.divisor == 1) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const Count bound = sign * (column[l] - term.anchor) + bonus;
      degree[l] = degree[l] < bound ? degree[l] : bound;
    }
  } else {
    const double divisor = term.divisor;
    for (std::size_t l = 0; l < kLanes; ++l) {
      const Count bound = static_cast<Count>(static_cast<double>(sign * (column[l] - term.anchor)) / divisor) + bonus;
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

}  // namespace

extern const Kernels kKernels;
const Kernels kKernels{
    PETRICORE_SIMD_NAME,
    {pack<std::uint8_t>, test<std::uint8_t>},
    {pack<std::uint16_t>, test<std::uint16_t>},
    {pack<Count>, test<Count>},
    spread,
    degrees,
};

}  // namespace petricore::simd::PETRICORE_SIMD
