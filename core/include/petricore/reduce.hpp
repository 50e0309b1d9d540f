// Structural reductions: a smaller net with the same answer, and the way back for its witnesses.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "petricore/net.hpp"
#include "petricore/stop.hpp"

namespace petricore {

enum class ReductionGoal : std::uint8_t {
  kDeadlock,      // whether a marking that enables nothing is reachable
  kReachability,  // which counts of the visible places are reachable: EF, AG and bounds of state formulas over them
};

enum class ReductionRule : std::uint8_t {
  kDead,           // transitions that an unmarked siphon or a place that never fills keeps from firing
  kNeverLacking,   // places that disable nothing: constant, read only, or consumed by nobody
  kParallelPlace,  // places that another one implies
  kDominated,      // transitions that do what another one does with less
  kNoGain,         // transitions that only take away, or change nothing
  kAlwaysEnabled,  // a transition without inputs: there is no deadlock
  kSource,         // places that a transition without inputs fills at will
  kPre,            // pre-agglomeration: producers of a place wait for its consumers
  kPost,           // post-agglomeration: consumers of a place follow its producers at once
  kCone,           // what cannot influence a visible place
};
inline constexpr std::size_t kReductionRules = 10;

std::string_view name_of(ReductionRule rule) noexcept;

struct ReductionOptions {
  ReductionGoal goal = ReductionGoal::kReachability;
  std::vector<std::uint32_t> visible_places;       // kept, with the same reachable counts; only for kReachability
  std::vector<std::uint32_t> visible_transitions;  // kept, and all that decides whether they are enabled
  Stop stop;                                       // ends early with what is reduced so far, which is sound
};

// Sequences of firings that share their parts: a transition, or parts that are repeated in turn.
class Stories {
 public:
  using Part = std::pair<std::uint32_t, std::uint32_t>;  // a story, how often

  std::uint32_t atom(std::uint32_t transition);
  std::uint32_t sequence(std::vector<Part> parts);

  // How many firings a story is; saturates.
  std::uint64_t length(std::uint32_t story) const noexcept { return lengths_[story]; }
  void append_to(std::vector<std::uint32_t>& path, std::uint32_t story) const;

 private:
  std::vector<std::vector<Part>> parts_;  // an atom: one part, repeated 0 times, that is the transition itself
  std::vector<std::uint64_t> lengths_;
};

struct Reduction {
  // What to fire at the end, while its inputs are there, for a deadlock of the reduced net to be one of the whole net.
  struct Completion {
    std::vector<Arc> inputs;  // places of the whole net
    std::uint32_t story;
  };

  NetSpec net;                            // without reads that could be written as inputs and outputs; no priorities
  std::vector<std::uint32_t> places;      // (P of the reduced net,): which place of the whole net it is
  std::vector<std::uint32_t> stories_of;  // (T of the reduced net,)
  std::vector<std::uint32_t> prefix;      // stories fired to reach the initial marking of the reduced net
  std::vector<Completion> completions;    // in the order in which they are to be tried
  Stories stories;
  std::array<std::uint64_t, kReductionRules> applied{};
  bool complete = true;  // no rule applies any more; false if stopped

  // The firings of the whole net that a path of the reduced net stands for. They fire from its initial marking and end
  // in a marking with the same visible counts or, for kDeadlock and a path to a deadlock, in a deadlock.
  // Throws std::invalid_argument for a transition that is not there, std::length_error above 10^8 firings.
  std::vector<std::uint32_t> lift(const Net& whole, std::span<const std::uint32_t> path) const;
};

// All kinds of arcs are treated. What resets, inhibitors and capacities touch is only removed where it cannot matter.
// Costs about O(arcs log arcs) a round; rounds go on while they remove something.
// Throws std::invalid_argument for an index out of range and visible things with kDeadlock.
Reduction reduce(const Net& net, const ReductionOptions& options);

}  // namespace petricore
