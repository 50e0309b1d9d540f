// Delays drawn from any distribution, by exact methods.
#pragma once

#include <algorithm>
#include <cmath>

#include "petricore/philox.hpp"
#include "petricore/timing.hpp"
#include "simulate/natural_log.hpp"

namespace petricore {

// Memoryless with the rate 1, by inversion: L. Devroye: Non-Uniform Random Variate Generation, Springer 1986,
// doi:10.1007/978-1-4613-8643-8, section II.2. Uniform, Weibull, triangular and empirical delays too.
inline double draw_exponential(Stream& stream) noexcept { return -natural_log(stream.open_unit()); }

// Normal with mean 0 and variance 1, by the polar method: G. Marsaglia, T. A. Bray: A convenient method for generating
// normal variables, SIAM Review 6(3), 1964, doi:10.1137/1006063. Of the two it gives one is used.
inline double draw_normal(Stream& stream) noexcept {
  for (;;) {
    const double x = 2 * stream.unit() - 1, y = 2 * stream.unit() - 1;
    const double s = x * x + y * y;
    if (s < 1 && s >= std::numeric_limits<double>::min()) return x * std::sqrt(-2 * natural_log(s) / s);
  }
}

// Gamma with a shape of at least 1 and the rate 1: G. Marsaglia, W. W. Tsang: A simple method for generating gamma
// variables, ACM TOMS 26(3), 2000, doi:10.1145/358407.358414. A small whole shape is the sum of its phases.
inline double draw_gamma(double shape, Stream& stream) noexcept {
  constexpr double kFewPhases = 6;
  if (shape <= kFewPhases) {
    double sum = 0;
    for (int phases = static_cast<int>(shape); phases > 0; --phases) sum += draw_exponential(stream);
    return sum;
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = draw_normal(stream);
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (natural_log(stream.open_unit()) < 0.5 * x * x + d - d * v + d * natural_log(v)) return d * v;
  }
}

inline double draw_triangular(double low, double high, double mode, double u) noexcept {
  const double width = high - low;
  if (width == 0) return low;
  const double rise = (mode - low) / width;
  const double value = u < rise ? low + width * std::sqrt(u * rise) : high - width * std::sqrt((1 - u) * (1 - rise));
  return std::clamp(value, low, high);
}

// At least 0; infinite where a parameter is so extreme that the double overflows: it never rings then.
inline double draw(const Delay& delay, Stream& stream) noexcept {
  switch (delay.family) {
    case Family::kDeterministic:
      return delay.a;
    case Family::kUniform:
      return std::min(delay.a + (delay.b - delay.a) * stream.unit(), delay.b);
    case Family::kErlang:
      return draw_gamma(delay.a, stream) / delay.b;
    case Family::kLognormal:
      return std::exp(delay.a + delay.b * draw_normal(stream));
    case Family::kWeibull:
      return delay.b * std::pow(draw_exponential(stream), 1 / delay.a);
    case Family::kTriangular:
      return draw_triangular(delay.a, delay.b, delay.c, stream.unit());
    case Family::kEmpirical:
      break;
  }
  const auto count = static_cast<double>(delay.samples.size());
  return delay.samples[std::min(static_cast<std::size_t>(stream.unit() * count), delay.samples.size() - 1)];
}

}  // namespace petricore
