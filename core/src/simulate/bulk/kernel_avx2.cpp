#define PETRICORE_SIMD avx2
#define PETRICORE_SIMD_NAME "avx2"
#include "simulate/bulk/kernel.inc.hpp"
