// Compiled for the baseline, like Expression::evaluate: a level's own version of these could differ in the last bit.
#include <cmath>

#include "simulate/bulk/kernel.hpp"

namespace petricore::bulk {

double power_of(double base, double exponent) noexcept { return std::pow(base, exponent); }
double exponential_of(double x) noexcept { return std::exp(x); }
double logarithm_of(double x) noexcept { return std::log(x); }
double floor_of(double x) noexcept { return std::floor(x); }

}  // namespace petricore::bulk
