// A net that is being taken apart: rows of arcs that can go, with the firings each transition stands for.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "petricore/reduce.hpp"

namespace petricore::reduction {

inline constexpr std::uint32_t kNone = UINT32_MAX;
inline constexpr std::int64_t kMostWeight = 1 << 30;  // what a rule would make heavier is left as it is
inline constexpr std::uint64_t kLongestStory = 100'000;

struct WorkingArc {
  std::uint32_t place;
  std::int64_t need;    // tokens that must be there
  std::int64_t change;  // need + change >= 0 tokens are put back
};

struct WorkingTransition {
  std::vector<WorkingArc> arcs;  // by ascending place; none with need == 0 and change == 0
  std::uint32_t story;
  std::uint32_t guard = kNone;  // the transition of the whole net whose inhibitors and resets hold here
  bool visible = false;
  bool alive = true;

  const WorkingArc* arc(std::uint32_t place) const noexcept;
};

struct WorkingPlace {
  std::int64_t tokens;
  bool visible = false;
  bool special = false;  // has a capacity, or an inhibitor or reset arc
  bool alive = true;
  std::vector<std::uint32_t> transitions;  // all that have an arc, some of them gone
  std::uint64_t cleaned_at = 0;            // the removals that the list knows of

  bool is_free() const noexcept { return alive && !visible && !special; }
};

class WorkingNet {
 public:
  WorkingNet(const Net& whole, const ReductionOptions& options);

  bool for_deadlock() const noexcept { return options_.goal == ReductionGoal::kDeadlock; }
  bool stopped();
  void count(ReductionRule rule, std::uint64_t times = 1) { result_.applied[static_cast<std::size_t>(rule)] += times; }

  // The transitions at a place that are alive. Costs O(those at the last call) if any went since; valid until the next.
  const std::vector<std::uint32_t>& around(std::uint32_t place);

  void remove_transition(std::uint32_t transition) {
    transitions[transition].alive = false;
    ++removals_;
  }
  void remove_place(std::uint32_t place);
  std::uint32_t add_transition(WorkingTransition transition);

  // Inhibitors, resets and reads of places it resets: what is carried along as it is.
  bool resets(const WorkingTransition& transition, std::uint32_t place) const noexcept;

  Reduction finish();

  std::vector<WorkingPlace> places;
  std::vector<WorkingTransition> transitions;
  const Net& whole;

  Stories& stories() noexcept { return result_.stories; }
  std::vector<std::uint32_t>& prefix() noexcept { return result_.prefix; }
  std::vector<Reduction::Completion>& completions() noexcept { return result_.completions; }

 private:
  const ReductionOptions& options_;
  Reduction result_;
  std::uint64_t polls_ = 0, removals_ = 0;
  bool stopped_ = false;
};

// One family of rules each. They return whether they changed anything, and leave a net with the same answer at any
// time.
bool remove_dead(WorkingNet& net);
bool remove_idle_places(WorkingNet& net);
bool remove_parallel_places(WorkingNet& net);
bool remove_dominated(WorkingNet& net);
bool remove_without_gain(WorkingNet& net);
bool remove_sources(WorkingNet& net);
bool agglomerate(WorkingNet& net);
bool cut_to_cone(WorkingNet& net);

}  // namespace petricore::reduction
