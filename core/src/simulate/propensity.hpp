// How fast an exponential transition fires: one definition for all algorithms, so that they agree to the bit.
#pragma once

#include <algorithm>

#include "petricore/timing.hpp"

namespace petricore {

// How many firings of the enabled t a link admits at once: all inputs together must be covered, and each firing must
// find the bounds met after those before it.
inline Count firings_through(const Link& link, Count tokens) noexcept {
  Count most = kMaxTokens;
  if (link.resets) {
    if (!link.admits(link.output)) most = 1;
    if (link.input > 0) most = std::min(most, tokens / link.input);
    return most;
  }
  const Count delta = link.delta();
  if (link.input > 0 && link.output > 0) most = tokens / link.input;
  if (delta < 0) most = std::min(most, (tokens - link.least) / -delta + 1);
  if (delta > 0 && link.most < kMaxTokens) most = std::min(most, (link.most - tokens) / delta + 1);
  return most;
}

// tokens choose weight, one factor after the other.
inline double choices(Count tokens, Count weight) noexcept {
  double ways = tokens;
  for (Count i = 1; i < weight; ++i) ways = ways * (tokens - i) / (i + 1);
  return ways;
}

// TimedNet::propensity, inlined.
inline double propensity_of(const TimedNet& timed, std::size_t t, const Count* marking, double rate,
                            double* registers) noexcept {
  const Net& net = timed.net();
  if (!net.is_enabled(t, marking)) return 0;
  const TransitionTiming& timing = timed.timing(t);
  switch (timing.law) {
    case RateLaw::kServers: {
      if (timing.servers == 1) return rate;
      Count busy = timing.servers;
      for (const Link& link : net.links(t)) busy = std::min(busy, firings_through(link, marking[link.place]));
      return rate * busy;
    }
    case RateLaw::kMassAction:
      for (const Link& link : net.links(t)) {
        if (link.input > 0) rate *= choices(marking[link.place], link.input);
      }
      return rate;
    case RateLaw::kExpression:
      return rate * timed.spec().expressions[timing.expression].evaluate(marking, registers);
  }
  return 0;
}

}  // namespace petricore
