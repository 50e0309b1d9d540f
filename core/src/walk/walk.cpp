#include "petricore/walk.hpp"

#include <algorithm>
#include <unordered_map>

#include "goals.hpp"
#include "walks.hpp"

namespace petricore {
namespace {

using walking::At;
using walking::Walks;

std::uint64_t fingerprint(std::span<const Count> marking) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const Count count : marking) {
    hash = (hash ^ static_cast<std::uint32_t>(count)) * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 29;
  }
  return hash;
}

// The trace without what lies between two visits of one marking. Markings are told apart by fingerprints; should two
// ever collide, the shorter trace leads elsewhere, and the longer one is kept.
std::vector<std::uint32_t> without_cycles(const Net& net, const FiringTables& tables,
                                          std::vector<std::uint32_t> trace) {
  const State start(net, tables, net.spec().initial);
  State state = start;
  std::unordered_map<std::uint64_t, std::size_t> position{{fingerprint(state.marking()), 0}};
  std::vector<std::uint64_t> passed{fingerprint(state.marking())};
  std::vector<std::uint32_t> shorter;
  for (const std::uint32_t t : trace) {
    state.fire(t);
    const std::uint64_t here = fingerprint(state.marking());
    if (const auto known = position.find(here); known != position.end()) {
      const std::size_t keep = known->second;
      for (std::size_t i = keep + 1; i < passed.size(); ++i) position.erase(passed[i]);
      passed.resize(keep + 1);
      shorter.resize(keep);
    } else {
      position.emplace(here, passed.size());
      passed.push_back(here);
      shorter.push_back(t);
    }
  }
  State again = start;
  for (const std::uint32_t t : shorter) {
    if (!again.is_enabled(t)) return trace;
    again.fire(t);
  }
  return std::ranges::equal(again.marking(), state.marking()) ? shorter : trace;
}

template <class Goal>
Walked walked(const Net& net, const FiringTables& tables, Goal goal, const WalkOptions& options) {
  Walks<Goal> walks(net, tables, goal, options);
  Walked result;
  At at{0, 0};
  result.found = walks.run([&](At now) { at = now; });
  if (result.found) result.trace = without_cycles(net, tables, walks.trace(at));
  result.steps = walks.steps();
  result.walks = walks.walks();
  return result;
}

}  // namespace

Walked walk_to(const Net& net, const FiringTables& tables, const Predicate* goal, const WalkOptions& options) {
  if (goal == nullptr) return walked(net, tables, walking::DeadlockGoal(), options);
  return walked(net, tables, walking::PredicateGoal(tables, *goal), options);
}

Climbed climb(const Net& net, const FiringTables& tables, std::span<const Predicate::Term> terms, std::int64_t target,
              const WalkOptions& options) {
  walking::SumGoal goal(net, tables, terms, target);
  Walks<walking::SumGoal> walks(net, tables, goal, options);
  At best{0, 0};
  walks.run([&](At now) {
    if (goal.improved()) best = now;
  });
  return {goal.best(), without_cycles(net, tables, walks.trace(best)), walks.steps()};
}

std::vector<std::uint8_t> seen_enabled(const Net& net, const FiringTables& tables, const WalkOptions& options) {
  walking::SeenGoal goal(net.transitions());
  Walks<walking::SeenGoal> walks(net, tables, goal, options);
  walks.run([](At) {});
  return goal.take();
}

}  // namespace petricore
