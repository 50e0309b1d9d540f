// What walks look for. A goal has:
//   visit(state)        looks at a marking that a walk has come to; true: the search is over
//   distance(marking)   guides: less is better; only asked if kGuides
//   changed_by(t)       whether firing t can change the answer of visit or distance
#pragma once

#include <algorithm>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "petricore/predicate.hpp"
#include "petricore/state.hpp"

namespace petricore::walking {

// Which transitions change a place that is marked in `places`.
inline std::vector<std::uint8_t> changing(const FiringTables& tables, const std::vector<std::uint8_t>& places) {
  std::vector<std::uint8_t> changes;
  for (std::size_t t = 0; t < tables.effects.rows(); ++t) {
    bool any = false;
    for (const auto& effect : tables.effects[t]) any |= places[effect.place] != 0;
    for (const auto& effect : tables.restarts[t]) any |= places[effect.place] != 0;
    changes.push_back(any);
  }
  return changes;
}

class PredicateGoal {
 public:
  static constexpr bool kGuides = true;

  PredicateGoal(const FiringTables& tables, const Predicate& predicate)
      : predicate_(predicate), costs_(predicate.atoms().size() + 2) {
    std::vector<std::uint8_t> places(predicate.places(), 0);
    for (std::size_t i = 0; i < predicate.atoms().size(); ++i) {
      for (const auto& term : predicate.terms(i)) places[term.place] = 1;
    }
    changes_ = changing(tables, places);
    costs_[predicate.accept()] = 0;
    costs_[predicate.accept() + 1] = kFar;
  }

  bool visit(const State& state) noexcept { return predicate_.holds(state.marking().data()); }
  bool changed_by(std::uint32_t transition) const noexcept { return changes_[transition] != 0; }

  // Targets are later atoms, so one pass from the back knows the cheapest way on from each.
  std::int64_t distance(const Count* marking) noexcept {
    const auto atoms = predicate_.atoms();
    for (std::size_t i = atoms.size(); i-- > 0;) {
      const std::int64_t above = saturating_subtract(predicate_.sum(i, marking), atoms[i].constant);
      const std::int64_t if_true = std::max<std::int64_t>(above, 0);
      const std::int64_t if_false = std::max<std::int64_t>(1 - above, 0);
      costs_[i] = std::min({if_true + costs_[atoms[i].on_true], if_false + costs_[atoms[i].on_false], kFar});
    }
    return costs_[0];
  }

 private:
  static constexpr std::int64_t kFar = std::int64_t{1} << 60;

  static std::int64_t saturating_subtract(std::int64_t a, std::int64_t b) noexcept {
    std::int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference)) difference = a < b ? -kFar : kFar;
    return std::clamp(difference, -kFar, kFar);
  }

  const Predicate& predicate_;
  std::vector<std::int64_t> costs_;
  std::vector<std::uint8_t> changes_;
};

class DeadlockGoal {
 public:
  static constexpr bool kGuides = false;

  bool visit(const State& state) noexcept { return state.enabled().empty(); }
  bool changed_by(std::uint32_t /*transition*/) const noexcept { return true; }
  std::int64_t distance(const Count* /*marking*/) noexcept { return 0; }
};

class SumGoal {
 public:
  static constexpr bool kGuides = true;

  SumGoal(const Net& net, const FiringTables& tables, std::span<const Predicate::Term> terms, std::int64_t target)
      : terms_(terms), target_(target) {
    std::vector<std::uint8_t> places(net.places(), 0);
    for (const auto& term : terms) places[term.place] = 1;
    changes_ = changing(tables, places);
  }

  std::int64_t best() const noexcept { return best_; }
  bool improved() noexcept { return std::exchange(improved_, false); }

  bool visit(const State& state) noexcept {
    const std::int64_t sum = -distance(state.marking().data());
    if (sum > best_) {
      best_ = sum;
      improved_ = true;
    }
    return best_ >= target_;
  }
  bool changed_by(std::uint32_t transition) const noexcept { return changes_[transition] != 0; }
  std::int64_t distance(const Count* marking) noexcept {
    std::int64_t sum = 0;
    for (const auto& term : terms_) sum += term.weight * marking[term.place];
    return -sum;
  }

 private:
  std::span<const Predicate::Term> terms_;
  std::int64_t target_;
  std::int64_t best_ = std::numeric_limits<std::int64_t>::min();
  bool improved_ = false;
  std::vector<std::uint8_t> changes_;
};

class SeenGoal {
 public:
  static constexpr bool kGuides = false;

  explicit SeenGoal(std::size_t transitions) : seen_(transitions, 0), unseen_(transitions) {}

  // Enabled transitions are looked through now and then; what fires is looked at always.
  bool visit(const State& state) noexcept {
    if ((++visits_ & 7) == 1) {
      for (const std::uint32_t t : state.enabled()) see(t);
    }
    return unseen_ == 0;
  }
  bool changed_by(std::uint32_t transition) noexcept {
    see(transition);
    return true;
  }
  std::int64_t distance(const Count* /*marking*/) noexcept { return 0; }
  std::vector<std::uint8_t> take() noexcept { return std::move(seen_); }

 private:
  void see(std::uint32_t transition) noexcept {
    unseen_ -= seen_[transition] == 0;
    seen_[transition] = 1;
  }

  std::vector<std::uint8_t> seen_;
  std::size_t unseen_;
  std::uint64_t visits_ = 0;
};

}  // namespace petricore::walking
