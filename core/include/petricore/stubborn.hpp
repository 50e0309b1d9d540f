// Stubborn sets: which enabled transitions of a marking a search may restrict itself to.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "petricore/csr.hpp"
#include "petricore/net.hpp"
#include "petricore/predicate.hpp"

namespace petricore {

// A. Valmari, "Stubborn sets for reduced state space generation" (10.1007/3-540-53863-1_36); K. Schmidt, "Stubborn sets
// for standard properties" (10.1007/3-540-48745-X_4); L.M. Kristensen, K. Schmidt, A. Valmari, "Question-guided
// stubborn set methods for state properties" (10.1007/s10703-006-0006-1); F.M. Boenneland et al., "Stubborn versus
// structural reductions for Petri nets" (10.1016/j.jlamp.2018.09.002).
//
// A set S of transitions is chosen at marking m such that, with w any sequence of transitions outside S:
//   W   if t is in S and `w t` can fire at m, then `t w` can fire at m and leads to the same marking;
//   D   (goal: deadlock) some enabled t of S stays enabled whatever w fires; or
//   R   (goal: predicate) no w leads to a marking where the predicate holds.
// Then a search that fires only the enabled transitions of S loses no goal: a shortest path from m to a goal has a
// first transition t in S (by D, since at a deadlock t would still be enabled; by R otherwise); W moves t to the front,
// and what remains after t is one shorter. By induction on the length a goal is reached. The length decreases along
// every such choice, so no transition can be ignored for ever and no proviso about cycles is needed. It follows too
// that by R a set without an enabled transition proves that no goal can be reached from m.
//
// How W is met, for links as in net.hpp (all arc kinds are ranges and changes of single places):
//   t disabled: one link of t that does not admit the count of its place is chosen, and S takes every transition that
//     can carry that count over the missed bound. Without these t stays disabled after every w.
//   t enabled: for each place that t lowers, S takes those with a lower bound there; for each that t raises, those with
//     an upper bound; for each that t changes, those that reset it; for each that t resets, all that change or bound
//     it. What is left outside fires after t as it did before t, and its changes of counts commute with those of t.
// Where D is asked, S takes beside that, for each enabled t of S, what can carry a place of t out of its range.
//
// Overflowing counts are not seen: a search must fail on them by itself. Priorities do not restrict enabling here.
//
// Immutable, with tables of its own: any thread may call it, each with its own Scratch.
class StubbornSets {
 public:
  // For deadlocks. Costs O(links) per distinct bound of a place (few).
  explicit StubbornSets(const Net& net);

  // For markings where `goal` holds. Throws std::invalid_argument if it is about another number of places.
  StubbornSets(const Net& net, const Predicate& goal);

  // The working memory of one thread.
  class Scratch {
   public:
    explicit Scratch(const StubbornSets& sets);

   private:
    friend class StubbornSets;
    struct Frame {
      std::uint32_t node;
      bool reaches_enabled;  // an enabled transition, in a component that is complete
      const std::uint32_t *next, *end;
    };

    void begin(std::span<const std::uint32_t> enabled);
    bool is_enabled(std::uint32_t transition) const { return enabled_[transition] == epoch_; }
    bool visited(std::uint32_t node) const { return index_[node] >= base_; }

    std::uint32_t epoch_ = 0, base_ = 1, counter_ = 1;
    std::vector<std::uint32_t> enabled_;      // (T,) the epoch in which it was enabled
    std::vector<std::uint32_t> index_, low_;  // (nodes,) when it was visited (below base_: not now); Tarjan's low links
    std::vector<std::uint32_t> stack_, chosen_, best_;
    std::vector<Frame> frames_;
    std::vector<std::uint64_t> costs_;          // (atoms + 2,)
    std::vector<std::uint8_t> values_, fixed_;  // (atoms,)
    std::vector<std::uint8_t> needed_;          // (atoms + 2,)
  };

  // The enabled transitions of a stubborn set, ascending: a subset of `enabled`; it may be `enabled` itself. It is
  // empty only if `enabled` is or if the goal cannot be reached from here. It stays valid until the next call with
  // `scratch`. If the predicate holds already, the answer is `enabled`.
  //
  // REQUIRES: `enabled` are the transitions enabled at `marking`, ascending; `scratch` was made for this object.
  // Costs at most O(net), usually O(what is near the set).
  std::span<const std::uint32_t> choose(const Count* marking, std::span<const std::uint32_t> enabled,
                                        Scratch& scratch) const;

  std::size_t transitions() const noexcept { return conflicts_.rows(); }

 private:
  // The dependency graph has a node for each transition and, after those, one for each list of transitions that belong
  // into S together: many transitions share a list, and it is walked once.
  static constexpr std::uint32_t kNothing = UINT32_MAX;

  struct Bound {
    std::uint32_t place;
    Count least, most;
    std::uint32_t raisers, lowerers;  // nodes: what can lift the count to `least`, or bring it down to `most`
  };

  class Builder;

  std::size_t nodes() const noexcept { return transitions() + lists_.rows(); }
  std::span<const std::uint32_t> list(std::uint32_t node) const noexcept { return lists_[node - transitions()]; }
  std::span<const std::uint32_t> edges(std::uint32_t node, const Count* marking, const Scratch& scratch) const;
  std::span<const std::uint32_t> missed_bound(std::uint32_t transition, const Count* marking,
                                              const Scratch& scratch) const;
  void smallest_component(const Count* marking, std::span<const std::uint32_t> enabled, Scratch& scratch) const;
  bool certify(const Count* marking, Scratch& scratch) const;
  void include(std::uint32_t node, Scratch& scratch) const;
  void close(const Count* marking, std::span<const std::uint32_t> enabled, Scratch& scratch) const;

  Csr<Bound> bounds_;             // by transition: its links that do not admit every count
  Csr<std::uint32_t> conflicts_;  // by transition: the nodes it needs when enabled
  Csr<std::uint32_t> lists_;
  std::optional<Predicate> goal_;
  std::vector<std::uint32_t> satisfiers_, falsifiers_;  // by atom of the goal: nodes
};

}  // namespace petricore
