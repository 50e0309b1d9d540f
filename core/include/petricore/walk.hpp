// Random walks that look for a marking, a large sum, or transitions that can fire. They find; they never rule out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "petricore/net.hpp"
#include "petricore/predicate.hpp"
#include "petricore/state.hpp"
#include "petricore/stop.hpp"

namespace petricore {

// Walks start over from the initial marking, each with its own length (256 to 65,536 firings) and way to choose among
// the enabled transitions: uniformly; by a random preference that holds for the walk; by the distance to the goal that
// a few candidates would leave; or by `parikh`, as long as a transition that it counts is enabled.
//
// The distance is what the violated comparisons lack, added along the cheapest way through the predicate, as in
// J. F. Jensen, T. Nielsen, L. K. Oestergaard, J. Srba: TAPAAL and reachability analysis of P/T nets, ToPNoC XI, 2016,
// doi:10.1007/978-3-662-53401-4_16.
//
// No step is stored: a walk that found something is repeated from its seed. The same arguments give the same result,
// unless `stop` ends it. Throws nothing but std::bad_alloc: a walk that would exceed kMaxTokens just ends.
struct WalkOptions {
  std::uint64_t steps;  // firings of all walks together
  std::uint64_t seed = 0;
  std::span<const std::int64_t> parikh;  // (T,) how often to fire each transition; empty: no such hint
  Stop stop;                             // given the firings so far
};

struct Walked {
  bool found = false;
  std::vector<std::uint32_t> trace;  // from the initial marking, without cycles
  std::uint64_t steps = 0, walks = 0;
};

// A marking where `goal` holds, or a deadlock if that is null.
Walked walk_to(const Net& net, const FiringTables& tables, const Predicate* goal, const WalkOptions& options);

struct Climbed {
  std::int64_t best;
  std::vector<std::uint32_t> trace;  // to a marking whose sum is `best`
  std::uint64_t steps = 0;
};

// The largest sum(weight * m[place]) met; ends as soon as it is at least `target`.
// REQUIRES: places below P, and that the sizes of the weights add up to at most 2^32.
Climbed climb(const Net& net, const FiringTables& tables, std::span<const Predicate::Term> terms, std::int64_t target,
              const WalkOptions& options);

// (T,): 1 for each transition that was seen enabled; ends when that is all of them.
std::vector<std::uint8_t> seen_enabled(const Net& net, const FiringTables& tables, const WalkOptions& options);

}  // namespace petricore
