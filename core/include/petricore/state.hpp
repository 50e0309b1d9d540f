// One mutable marking with incremental enabling.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "petricore/net.hpp"
#include "petricore/rng.hpp"

namespace petricore {

namespace simd {
struct WalkTables;
}

// What a State needs to know of its net, laid out for the firing loop. Immutable and shared by all states of a net.
class FiringTables {
 public:
  explicit FiringTables(const Net& net);
  ~FiringTables();

  struct Effect {
    std::uint32_t place;
    Count delta;
  };
  // Transition t waits for the count of a place to reach `threshold` (or, in `most`, to stay below it).
  struct Watch {
    Count threshold;
    std::uint32_t transition;
  };

  Csr<Effect> effects;                           // (T): places that firing t changes by a constant other than 0
  Csr<Effect> restarts;                          // (T): places that t resets, and what it puts there
  Csr<Watch> least, most;                        // (P): by ascending threshold
  std::vector<Count> quiet;                      // (P): above this count no watch can be crossed
  std::vector<std::uint32_t> conditions;         // (T): watches of t
  std::unique_ptr<const simd::WalkTables> walk;  // null where the net is too large for it
};

// Deficit counters: every transition counts its bounds that do not hold, and is enabled at 0. A firing looks only at
// bounds that the count of a changed place crosses, so it costs O(places changed + bounds crossed), whatever the
// size of the net.
//
// Invariants, between calls:
// 1. unsatisfied_[t] is the number of bounds of t that marking_ breaks.
// 2. enabled_ holds exactly the transitions with unsatisfied_ 0; position_[enabled_[i]] == i.
// 3. marking_ never moves in memory and holds no negative count.
//
// Not thread-safe; one owner.
class State {
 public:
  // Starts at `marking` ((P,) counts). Throws NegativeTokens. REQUIRES: `net` and `tables` outlive this.
  State(const Net& net, const FiringTables& tables, std::span<const Count> marking);

  std::span<const Count> marking() const noexcept { return {marking_.data(), net_.places()}; }
  std::span<const std::uint32_t> enabled() const noexcept { return enabled_; }  // in no order
  bool is_enabled(std::size_t transition) const noexcept { return unsatisfied_[transition] == 0; }

  // Throws NotEnabled or TokenOverflow, and changes nothing then.
  void fire(std::size_t transition);

  // As fire, without asking whether it may. REQUIRES: is_enabled(transition).
  void fire_enabled(std::size_t transition);

  // Fires up to `steps` transitions, each drawn uniformly from those enabled; priorities and rates play no part.
  // Which algorithm draws depends on the net alone, so a run is the same on every machine.
  // Returns how many fired: fewer than `steps` only if nothing is enabled any more. Throws TokenOverflow, the state
  // being that before the firing at fault.
  std::uint64_t run(std::uint64_t steps, Rng& rng);

 private:
  void recount();
  std::uint64_t walk(std::uint64_t steps, Rng& rng);
  [[noreturn]] void undo_and_throw(std::size_t transition, const FiringTables::Effect& at);
  void change(std::uint32_t place, Count before, Count after);
  void satisfy(std::uint32_t transition);
  void violate(std::uint32_t transition);

  const Net& net_;
  const FiringTables& tables_;
  std::vector<Count> marking_;  // (P + 1,): the last is the dummy place of simd::WalkTables, always 0
  std::vector<std::uint32_t> unsatisfied_;
  std::vector<std::uint32_t> enabled_;
  std::vector<std::uint32_t> position_;
};

}  // namespace petricore
