// How much each field of a packed marking has to hold.
#pragma once

#include <span>
#include <vector>

#include "petricore/net.hpp"
#include "store.hpp"

namespace petricore::explore {

// What each field holds at first, (P,): its bound, if all are known; else what the place starts with or is ever given
// at once, since a bound found beside unknown ones is often far above what is reached.
std::vector<Count> first_limits(const Net& net, std::span<const Count> bounds);

// What the fields have to hold so that the successor of marking `i` by `transition` fits too.
struct Widening {
  std::vector<Count> limits;
  std::size_t too_many;  // the place that would exceed kMaxTokens, or P
};

Widening widen(const Store& store, const Net& net, std::span<const Count> bounds, std::size_t i,
               std::size_t transition);

}  // namespace petricore::explore
