// Enabling and rates of the common kinds of transitions, laid out for the loop.
#pragma once

#include <cstdint>
#include <vector>

#include "simulate/propensity.hpp"

namespace petricore {

// Half a cache line for a transition that at most two places have a say in, in place of its links and its timing.
struct RatePlan {
  enum class Kind : std::uint8_t {
    kGate,     // rate while enabled
    kLinear,   // rate * m[first]
    kProduct,  // rate * m[first] * m[second]
    kPairs,    // rate * (m[first] choose 2)
    kGeneral   // anything else: TimedNet::propensity
  };

  Kind kind = Kind::kGeneral;
  bool narrow = false;  // enabled iff both places hold what is between least and most
  std::uint32_t first = 0, second = 0;
  Count least[2] = {0, 0};
  Count most[2] = {kMaxTokens, kMaxTokens};

  bool admits(const Count* marking) const noexcept {
    return (marking[first] >= least[0]) & (marking[first] <= most[0]) & (marking[second] >= least[1]) &
           (marking[second] <= most[1]);
  }
};

inline RatePlan plan_of(const TimedNet& timed, std::size_t t) {
  RatePlan plan;
  std::uint32_t bounded = 0;
  bool plain = true;  // each bound is just that of an input of one token
  bool pair = true;   // ... of two
  bool consumes = true;
  for (const Link& link : timed.net().links(t)) {
    if (link.least == 0 && link.most == kMaxTokens && link.input == 0) continue;
    if (bounded < 2) {
      (bounded == 0 ? plan.first : plan.second) = link.place;
      plan.least[bounded] = link.least;
      plan.most[bounded] = link.most;
    }
    ++bounded;
    const bool open = link.most == kMaxTokens && link.least == link.input;
    plain &= open && link.input == 1;
    pair &= open && link.input == 2;
    consumes &= !link.resets;
  }
  plan.narrow = bounded <= 2 && timed.net().places() > 0;
  if (!plan.narrow) return plan;
  if (bounded < 2) plan.second = plan.first;
  const TransitionTiming& timing = timed.timing(t);
  using Kind = RatePlan::Kind;
  if (timing.law == RateLaw::kServers && timing.servers == 1) plan.kind = Kind::kGate;
  const bool unlimited = timing.servers == TransitionTiming::kInfiniteServers;
  if (timing.law == RateLaw::kServers && unlimited && plain && bounded == 1 && consumes) plan.kind = Kind::kLinear;
  if (timing.law != RateLaw::kMassAction) return plan;
  if (plain && bounded == 1) plan.kind = Kind::kLinear;
  if (plain && bounded == 2) plan.kind = Kind::kProduct;
  if (pair && bounded == 1) plan.kind = Kind::kPairs;
  return plan;
}

// TimedNet::propensity, to the bit but for the sign of 0: where something is missing, one of the factors is 0.
inline double planned_rate(const RatePlan& plan, const TimedNet& timed, std::size_t t, const Count* marking,
                           double rate, double* registers) noexcept {
  switch (plan.kind) {
    case RatePlan::Kind::kGate:
      return plan.admits(marking) ? rate : 0;
    case RatePlan::Kind::kLinear:
      return rate * marking[plan.first];
    case RatePlan::Kind::kProduct:
      return rate * marking[plan.first] * marking[plan.second];
    case RatePlan::Kind::kPairs:
      return rate * choices(marking[plan.first], 2);
    case RatePlan::Kind::kGeneral:
      break;
  }
  return propensity_of(timed, t, marking, rate, registers);
}

}  // namespace petricore
