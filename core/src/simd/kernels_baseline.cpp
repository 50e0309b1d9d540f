#define PETRICORE_SIMD baseline
#define PETRICORE_SIMD_NAME "baseline"
#include "kernels.inc.hpp"
