// Sets of places under implications, as siphons and traps are.
#pragma once

#include <vector>

#include "clause_solver.hpp"
#include "petricore/siphons.hpp"

namespace petricore {

// For each transition: if the set holds one of its triggers, it must hold one of its needs.
class SetRules {
 public:
  SetRules(const Net& net, PlaceSetKind kind);

  std::size_t places() const noexcept { return triggered_.rows(); }

  Csr<std::uint32_t> triggers, needs;  // transition -> places
  // The same by place: transitions.
  std::span<const std::uint32_t> triggered(std::uint32_t place) const noexcept { return triggered_[place]; }
  std::span<const std::uint32_t> needed(std::uint32_t place) const noexcept { return needed_[place]; }

  // That the true variables are such a set.
  void add_to(ClauseSolver& solver) const;

 private:
  Csr<std::uint32_t> triggered_, needed_;
};

// A set that obeys the rules, made smaller step by step.
class ShrinkingSet {
 public:
  // Starts with the greatest set within `places`.
  ShrinkingSet(const SetRules& rules, const PlaceSet& places);

  std::size_t size() const noexcept { return size_; }
  bool holds(std::uint32_t place) const noexcept { return inside_[place]; }
  PlaceSet places() const;

  // Takes places out one by one, as long as `accept()` says yes to the greatest set within the rest.
  template <class Accept>
  void shrink(Accept accept) {
    for (const std::uint32_t place : places()) {
      if (!inside_[place]) continue;
      removed_.clear();
      remove(place);
      if (!accept()) restore();
    }
  }

 private:
  void take_out(std::uint32_t place);
  void remove(std::uint32_t place);
  void restore();

  const SetRules& rules_;
  std::vector<bool> inside_;
  std::vector<std::uint32_t> support_;  // by transition: how many of its needs are inside
  std::vector<std::uint32_t> removed_;  // by the last removal, in order
  std::size_t size_ = 0;
};

}  // namespace petricore
