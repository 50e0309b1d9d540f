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

  // What the rules demand of sets within some places, ascending, which are numbered by their position there.
  SetRules restricted_to(const PlaceSet& places) const;

 private:
  SetRules() = default;
  void index(std::size_t places);

  Csr<std::uint32_t> triggered_, needed_;
};

// A set that obeys the rules, made smaller step by step.
class ShrinkingSet {
 public:
  // Starts with the greatest set within `places`; `marked`, by place, are those that marked() counts.
  ShrinkingSet(const SetRules& rules, const PlaceSet& places, std::vector<bool> marked = {});

  std::size_t size() const noexcept { return size_; }
  std::size_t marked() const noexcept { return marked_size_; }
  PlaceSet places() const;

  // Takes places out one by one, as long as `accept()` says yes to the greatest set within the rest.
  // REQUIRES: whatever it says no to, it says no to all that is within that.
  //
  // So a place that could not go once never can, and a removal that would drag one along fails too. What a failed
  // removal dragged along last is tried first afterwards, as it is the closest to such a place.
  template <class Accept>
  void shrink(Accept accept) {
    PlaceSet order = places();
    std::vector<bool> needed(inside_.size(), false);
    bool any_needed = false;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::uint32_t place = order[i];
      if (!inside_[place] || needed[place]) continue;
      if (remove(place, needed) && accept()) continue;
      needed[place] = true;
      if (!any_needed) {
        order.insert(order.begin() + static_cast<std::ptrdiff_t>(i) + 1, removed_.rbegin(), removed_.rend());
        any_needed = true;
      }
      restore();
    }
  }

 private:
  void take_out(std::uint32_t place);
  bool remove(std::uint32_t place, const std::vector<bool>& needed);
  void restore();

  const SetRules& rules_;
  std::vector<bool> counted_;  // by place; empty: none
  std::vector<bool> inside_;
  std::vector<std::uint32_t> support_;  // by transition: how many of its needs are inside, once removals are through
  std::vector<std::uint32_t> removed_;  // by the last removal, in order
  std::size_t followed_ = 0;            // so many of them are out of support_ too
  std::size_t size_ = 0, marked_size_ = 0;
};

}  // namespace petricore
