// Poisson variates of any mean.
#pragma once

#include <cmath>
#include <cstdint>

#include "petricore/philox.hpp"
#include "simulate/natural_log.hpp"

namespace petricore {

// ln(k!)
inline double log_factorial(double k) noexcept {
  constexpr double kFirst[] = {0,
                               0,
                               0.69314718055994531,
                               1.7917594692280550,
                               3.1780538303479456,
                               4.7874917427820460,
                               6.5792512120101010,
                               8.5251613610654143,
                               10.604602902745250,
                               12.801827480081469};
  if (k < 10) return kFirst[static_cast<int>(k)];
  const double n = k + 1, inverse = 1 / n, square = inverse * inverse;
  constexpr double kHalfLogTwoPi = 0.91893853320467274;
  return (n - 0.5) * natural_log(n) - n + kHalfLogTwoPi +
         inverse * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260)));
}

// By inversion where the mean is small, else by transformed rejection with squeeze (algorithm PTRS) of W. Hoermann: The
// transformed rejection method for generating Poisson random variables, Insurance: Mathematics and Economics 12(1),
// 1993, doi:10.1016/0167-6687(93)90997-4. A whole number. REQUIRES: 0 <= mean < 2^60.
inline double poisson(double mean, Stream& random) noexcept {
  if (mean == 0) return 0;
  if (mean < 10) {
    const double least = std::exp(-mean);
    double k = 0, product = random.open_unit();
    while (product > least) {
      ++k;
      product *= random.open_unit();
    }
    return k;
  }
  const double b = 0.931 + 2.53 * std::sqrt(mean);
  const double a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
  const double quick = 0.9277 - 3.6224 / (b - 2);
  const double log_mean = natural_log(mean);
  for (;;) {
    const double u = random.unit() - 0.5;
    const double v = random.open_unit();
    const double us = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= quick) return k;
    if (!(k >= 0) || (us < 0.013 && v > us)) continue;
    if (natural_log(v * inverse_alpha / (a / (us * us) + b)) <= k * log_mean - mean - log_factorial(k)) return k;
  }
}

}  // namespace petricore
