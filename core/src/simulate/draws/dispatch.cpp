#include <cstring>

#include "simd/kernels.hpp"
#include "simulate/draws/draws.hpp"

namespace petricore {

using Fill = void(Draws&, std::uint64_t, std::uint64_t, std::uint64_t, StreamKind) noexcept;

namespace baseline {
Fill fill;
}
#if PETRICORE_X86_LEVELS
namespace avx2 {
Fill fill;
}
namespace avx512 {
Fill fill;
}
#endif

namespace {

Fill* choose() noexcept {
#if PETRICORE_X86_LEVELS
  const char* level = simd::kernels().level;
  if (std::strcmp(level, "avx512") == 0) return avx512::fill;
  if (std::strcmp(level, "avx2") == 0) return avx2::fill;
#endif
  return baseline::fill;
}

}  // namespace

void fill(Draws& draws, std::uint64_t seed, std::uint64_t replica, std::uint64_t n, StreamKind kind) noexcept {
  static Fill* const chosen = choose();
  chosen(draws, seed, replica, n, kind);
}

}  // namespace petricore
