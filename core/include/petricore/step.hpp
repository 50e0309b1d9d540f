// Steps: multisets of transitions that can fire together, in any order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "petricore/bulk.hpp"
#include "petricore/net.hpp"
#include "petricore/rng.hpp"

namespace petricore {

// A servable multiset of transitions at one marking, grown firing by firing.
//
// Servable: the marking covers the inputs of all firings together (each holds its own), and every order of them can
// fire. Orders need not be tried. A firing u is possible after every subset of the others iff it is possible after the
// worst one, and bounds concern single places, so per place p four numbers decide, over all members u:
//
//   input = sum of inputs            must not exceed m[p]
//   falls = sum of max(0, -delta)    m[p] - (falls - falls of u) >= least of u,  for every u that has a bound
//   rises = sum of max(0,  delta)    m[p] + (rises - rises of u) <= most of u
//
// so the largest `least - own fall` and the smallest `most + own rise` stand for all members. Where a member resets p
// the count may also restart at what that member puts, and the members are compared one by one.
//
// Every part of a servable multiset is servable; so what could not be added once never can be later.
//
// Reusable: load() starts over in O(places touched before). Not thread-safe; one per thread.
class Step {
 public:
  // REQUIRES: `net` outlives this.
  explicit Step(const Net& net);

  // Starts with the empty multiset at `marking` ((P,) counts), which must stay in place while this is used.
  void load(const Count* marking);

  // How many more firings of t keep the multiset servable, at most `limit`.
  Count room(std::size_t transition, Count limit = kMaxTokens);

  // REQUIRES: 1 <= count <= room(t).
  void add(std::size_t transition, Count count);

  // Adds count firings of t whether servable or not; servable() then tells.
  void add_unchecked(std::size_t transition, Count count);

  // Throws NotEnabled (with `marking` as its row) if the multiset is not servable.
  void check(std::size_t marking) const;

  // The marking after all firings, written to `out`: that of firing first the members that empty no place, then the
  // others by index. (Without resets every order leads there.) Throws TokenOverflow; `out` is unspecified then.
  void fire(std::size_t marking, Count* out) const;

  std::span<const std::uint32_t> members() const noexcept { return members_; }
  Count count(std::size_t transition) const noexcept { return counts_[transition]; }

 private:
  struct Load {
    std::int64_t input, output, falls, rises;
    std::int64_t need;   // max over members of (least - own fall), for those that have a lower bound
    std::int64_t limit;  // min over members of (most + own rise), for those that have an upper bound
    bool resets;         // some member empties the place
  };

  std::int64_t tokens_after(std::uint32_t place) const;
  bool admits(const Link& link, std::size_t transition, std::int64_t count) const;
  bool orders_admit(std::uint32_t place, std::size_t extra, std::int64_t extra_count) const;
  Count room_at(const Link& link, std::int64_t limit) const;
  const Link* link_of(std::size_t transition, std::uint32_t place) const;
  Load with(const Link& link, std::int64_t count) const;

  const Net& net_;
  const Count* marking_ = nullptr;
  std::vector<Load> loads_;             // (P,)
  std::vector<std::uint32_t> touched_;  // places whose load is not empty
  std::vector<Count> counts_;           // (T,)
  std::vector<std::uint32_t> members_;  // transitions whose count is not 0
};

enum class StepPolicy : std::uint8_t { kFifo, kRandom };

// Grows `step` to a maximal one. A transition without inputs counts once. kFifo serves transitions by priority, then by
// index, each as often as it can; kRandom serves the highest priority first too, but draws among equals, and draws how
// many firings each gets at a time, so that competitors share.
// `enabled`: the transitions enabled at the loaded marking, in the order of Net::by_priority; those of equal
// priority are permuted.
void grow_maximal(Step& step, const Net& net, std::span<std::uint32_t> enabled, StepPolicy policy, Rng& rng);

// A maximal step of each row of (batch, P), written as counts to out (batch, T). Row i draws from a stream of its own,
// made of `seed` and i, so the result depends on neither batch order nor threads. Throws NegativeTokens.
void maximal_steps(const Bulk& bulk, const Count* markings, std::size_t batch, StepPolicy policy, std::uint64_t seed,
                   Count* out, unsigned threads = 0);

// Fires firings[i] (T,) in markings[i] (P,) for all rows, into out (batch, P).
// Throws NegativeTokens, NotEnabled or TokenOverflow for the first row at fault. REQUIRES: no count is negative.
void fire_steps(const Net& net, const Count* markings, const Count* firings, std::size_t batch, Count* out,
                unsigned threads = 0);

}  // namespace petricore
