// The explicit graph of a state space, and the temporal operators of CTL on it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "petricore/stop.hpp"

namespace petricore {

// E.M. Clarke, E.A. Emerson, A.P. Sistla, "Automatic verification of finite-state concurrent systems using temporal
// logic specifications" (10.1145/5397.5399): each operator is labelled in time linear in the states and edges.
//
// Paths are maximal: a path ends only in a state without edges, a deadlock. A graph may be partial: states from
// `expanded()` on are its frontier, and nothing is known about their edges. Each operator is then asked twice, with
// `unknown` false for a set of states where it holds for certain, and true (given sets that may be too large) for one
// outside which it certainly does not. The other operators are these three and complements:
//   EF p = E[true U p], AF p = A[true U p], AX p = not EX not p, AG p = not EF not p, EG p = not AF not p;
// the complement of a set that may be too large is one that may be too small.
//
// Sets are bits in words: state s is bit s % 64 of word s / 64; bits beyond the last state are 0.
//
// Immutable after construction; any thread may call it.
class StateGraph {
 public:
  using Words = std::vector<std::uint64_t>;
  using View = std::span<const std::uint64_t>;

  // State s < offsets.size() - 1 has the edges offsets[s] .. offsets[s + 1]; parallel edges and loops are allowed.
  // Throws std::invalid_argument if the tables do not fit. Takes 4 bytes per edge and 8 per state beside the tables.
  // If told to stop, `stopped()` is true and nothing else may be called.
  // REQUIRES: `offsets` and `targets` outlive this.
  StateGraph(std::size_t states, std::span<const std::int64_t> offsets, std::span<const std::uint32_t> targets,
             const Stop& stop = {});

  bool stopped() const noexcept { return stopped_; }
  std::size_t states() const noexcept { return states_; }
  std::size_t expanded() const noexcept { return offsets_.size() - 1; }
  std::size_t words() const noexcept { return (states_ + 63) / 64; }
  std::span<const std::int64_t> offsets() const noexcept { return offsets_; }
  std::span<const std::uint32_t> targets() const noexcept { return targets_; }

  // EX, E[left U right] and A[left U right]. Empty if told to stop.
  // REQUIRES: sets have words() words.
  Words some_next(View operand, bool unknown, const Stop& stop = {}) const;
  Words some_until(View left, View right, bool unknown, const Stop& stop = {}) const;
  Words every_until(View left, View right, bool unknown, const Stop& stop = {}) const;

  // The edges, by position in `targets`, of a shortest path from `start` to a state of `goals` whose states before that
  // are all in `through`. None if there is none, or if told to stop.
  std::optional<std::vector<std::int64_t>> route(std::size_t start, View through, View goals,
                                                 const Stop& stop = {}) const;

  // A maximal path from `start` within `within`: its edges, and the position in it where it begins to repeat, which is
  // its length if it ends in a deadlock. None if it cannot be kept within the set, which it can from each state of EG p
  // if `within` is that set and the graph complete; in a partial graph, if `within` was computed with `unknown` false.
  struct Lasso {
    std::vector<std::int64_t> edges;
    std::size_t repeats_from;
  };
  std::optional<Lasso> lasso(std::size_t start, View within, const Stop& stop = {}) const;

 private:
  std::span<const std::uint32_t> sources(std::uint32_t state) const noexcept {
    return {sources_.data() + source_offsets_[state], sources_.data() + source_offsets_[state + 1]};
  }
  Words seeds(View left, View right, bool unknown) const;

  std::size_t states_;
  std::span<const std::int64_t> offsets_;
  std::span<const std::uint32_t> targets_;
  std::vector<std::int64_t> source_offsets_;  // (states + 1,)
  std::vector<std::uint32_t> sources_;        // the edges backwards
  bool stopped_ = false;
};

}  // namespace petricore
