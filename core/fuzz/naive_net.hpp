// A net by definition: nothing precomputed, every answer found by firing. Shares no code with what it checks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "petricore/net.hpp"

namespace petricore::fuzz {

using Tokens = std::vector<std::int64_t>;  // (P,): wide enough that nothing here overflows

class NaiveNet {
 public:
  explicit NaiveNet(const NetSpec& spec) : spec_(spec) {}

  bool enabled(std::size_t t, const Tokens& marking) const {
    for (const Arc& arc : spec_.inputs[t]) {
      if (marking[arc.place] < arc.weight) return false;
    }
    for (const Arc& arc : spec_.reads[t]) {
      if (marking[arc.place] < arc.weight) return false;
    }
    for (const Arc& arc : spec_.inhibitors[t]) {
      if (marking[arc.place] >= arc.weight) return false;
    }
    const Tokens after = fire(t, marking);
    return std::ranges::all_of(spec_.outputs[t], [&](const Arc& arc) {
      const Count capacity = spec_.capacities[arc.place];
      return capacity == kUnbounded || after[arc.place] <= capacity;
    });
  }

  Tokens fire(std::size_t t, Tokens marking) const {
    for (const Arc& arc : spec_.inputs[t]) marking[arc.place] -= arc.weight;
    for (const Arc& arc : spec_.resets[t]) marking[arc.place] = 0;
    for (const Arc& arc : spec_.outputs[t]) marking[arc.place] += arc.weight;
    return marking;
  }

  // One after the other: first those that empty no place, then the others by index.
  Tokens fire_together(std::vector<std::size_t> firings, Tokens marking) const {
    std::sort(firings.begin(), firings.end(), [this](std::size_t t, std::size_t u) {
      return std::pair(!spec_.resets[t].empty(), t) < std::pair(!spec_.resets[u].empty(), u);
    });
    for (const std::size_t t : firings) marking = fire(t, std::move(marking));
    return marking;
  }

  // Whether the marking covers all inputs together and every order of the firings can fire. Costs their factorial.
  bool servable(std::vector<std::size_t> firings, const Tokens& marking) const {
    Tokens left = marking;
    for (const std::size_t t : firings) {
      for (const Arc& arc : spec_.inputs[t]) {
        if ((left[arc.place] -= arc.weight) < 0) return false;
      }
    }
    std::sort(firings.begin(), firings.end());
    do {
      Tokens now = marking;
      for (const std::size_t t : firings) {
        if (!enabled(t, now)) return false;
        now = fire(t, std::move(now));
      }
    } while (std::next_permutation(firings.begin(), firings.end()));
    return true;
  }

 private:
  const NetSpec& spec_;
};

}  // namespace petricore::fuzz
