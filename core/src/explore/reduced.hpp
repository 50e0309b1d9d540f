// The successors by a stubborn set.
#pragma once

#include <algorithm>
#include <vector>

#include "petricore/stubborn.hpp"
#include "sparse.hpp"

namespace petricore::explore {

// As SparseSuccessors, for one thread.
class ReducedSuccessors {
 public:
  static constexpr std::size_t kWords = 0;

  // goal: null for deadlocks.
  ReducedSuccessors(const Net& net, const Layout& layout, const Predicate* goal)
      : layout_(layout),
        all_(net, layout),
        sets_(goal == nullptr ? StubbornSets(net) : StubbornSets(net, *goal)),
        scratch_(sets_),
        marking_(net.places()) {}

  std::size_t words() const noexcept { return all_.words(); }

  template <class Emit>
  bool operator()(const Word* at, std::uint32_t& overflowed, const Emit& emit) const {
    all_.enabled(at, enabled_);
    std::ranges::sort(enabled_);
    layout_.decode(at, marking_.data());
    return std::ranges::all_of(sets_.choose(marking_.data(), enabled_, scratch_),
                               [&](std::uint32_t transition) { return all_.fire(at, transition, overflowed, emit); });
  }

 private:
  const Layout& layout_;
  SparseSuccessors all_;
  StubbornSets sets_;
  mutable StubbornSets::Scratch scratch_;
  mutable std::vector<std::uint32_t> enabled_;
  mutable std::vector<Count> marking_;
};

}  // namespace petricore::explore
