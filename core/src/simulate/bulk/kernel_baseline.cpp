#define PETRICORE_SIMD baseline
#define PETRICORE_SIMD_NAME "baseline"
#include "simulate/bulk/kernel.inc.hpp"
