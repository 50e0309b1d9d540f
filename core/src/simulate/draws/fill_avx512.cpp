#define PETRICORE_SIMD avx512
#include "simulate/draws/fill.inc.hpp"
