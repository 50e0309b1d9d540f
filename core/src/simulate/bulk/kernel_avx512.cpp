#define PETRICORE_SIMD avx512
#define PETRICORE_SIMD_NAME "avx512"
#include "simulate/bulk/kernel.inc.hpp"
