#include <cstdlib>
#include <cstring>

#include "kernels.hpp"

namespace petricore::simd {

namespace baseline {
extern const Kernels kKernels;
}
#if PETRICORE_X86_LEVELS
namespace avx2 {
extern const Kernels kKernels;
}
namespace avx512 {
extern const Kernels kKernels;
}
#endif

namespace {

const Kernels& choose() noexcept {
#if PETRICORE_X86_LEVELS
  const char* wanted = std::getenv("PETRICORE_SIMD");
  const auto allowed = [wanted](const char* level) { return wanted == nullptr || std::strcmp(wanted, level) == 0; };
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512dq");
  if (has_avx512 && allowed("avx512")) return avx512::kKernels;
  if (has_avx2 && (allowed("avx2") || allowed("avx512"))) return avx2::kKernels;
#endif
  return baseline::kKernels;
}

}  // namespace

const Kernels& kernels() noexcept {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace petricore::simd
