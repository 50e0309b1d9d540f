// What the core throws besides std::invalid_argument. Errors carry indices; whoever knows the names words them.
#pragma once

#include <stdexcept>

#include "petricore/types.hpp"

namespace petricore {

// A firing is refused: `place` holds `found`, where at least (or, if found exceeds it, at most) `needed` is demanded.
struct NotEnabled : std::runtime_error {
  NotEnabled(std::size_t marking_, std::size_t transition_, std::size_t place_, std::int64_t needed_, Count found_)
      : std::runtime_error("transition is not enabled"),
        marking(marking_),
        transition(transition_),
        place(place_),
        needed(needed_),
        found(found_) {}

  std::size_t marking, transition, place;
  std::int64_t needed;
  Count found;
};

// A place would hold `count` tokens, above kMaxTokens.
struct TokenOverflow : std::runtime_error {
  TokenOverflow(std::size_t marking_, std::size_t place_, std::int64_t count_)
      : std::runtime_error("token count overflows"), marking(marking_), place(place_), count(count_) {}

  std::size_t marking, place;
  std::int64_t count;
};

// A marking given from outside holds a negative count.
struct NegativeTokens : std::runtime_error {
  NegativeTokens(std::size_t marking_, std::size_t place_, Count count_)
      : std::runtime_error("marking holds a negative count"), marking(marking_), place(place_), count(count_) {}

  std::size_t marking, place;
  Count count;
};

}  // namespace petricore
