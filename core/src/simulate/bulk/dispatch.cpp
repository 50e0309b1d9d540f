#include <cstring>

#include "simd/kernels.hpp"
#include "simulate/bulk/kernel.hpp"

namespace petricore::bulk {

namespace baseline {
extern const Kernel kKernel;
}
#if PETRICORE_X86_LEVELS
namespace avx2 {
extern const Kernel kKernel;
}
namespace avx512 {
extern const Kernel kKernel;
}
#endif

const Kernel& kernel() noexcept {
#if PETRICORE_X86_LEVELS
  static const Kernel& chosen = [](const char* level) -> const Kernel& {
    if (std::strcmp(level, "avx512") == 0) return avx512::kKernel;
    if (std::strcmp(level, "avx2") == 0) return avx2::kKernel;
    return baseline::kKernel;
  }(simd::kernels().level);
  return chosen;
#else
  return baseline::kKernel;
#endif
}

std::vector<const Kernel*> kernels() {
  std::vector<const Kernel*> usable{&baseline::kKernel};
#if PETRICORE_X86_LEVELS
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) {
    usable.push_back(&avx2::kKernel);
    const bool has_avx512 =
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    if (has_avx512) usable.push_back(&avx512::kKernel);
  }
#endif
  return usable;
}

}  // namespace petricore::bulk
