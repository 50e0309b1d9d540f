#define PETRICORE_SIMD avx2
#include "simulate/draws/fill.inc.hpp"
