#define PETRICORE_SIMD baseline
#include "simulate/draws/fill.inc.hpp"
