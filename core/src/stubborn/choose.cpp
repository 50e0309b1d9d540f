#include <algorithm>

#include "petricore/stubborn.hpp"

namespace petricore {

namespace {

// Low links of components that are complete: whether an enabled transition is in it or reachable from it.
constexpr std::uint32_t kNoneEnabled = UINT32_MAX, kSomeEnabled = UINT32_MAX - 1;

constexpr std::uint64_t kImpossible = UINT64_MAX / 4;  // twice it does not overflow

}  // namespace

std::span<const std::uint32_t> StubbornSets::choose(const Count* marking, std::span<const std::uint32_t> enabled,
                                                    Scratch& scratch) const {
  if (enabled.empty()) return enabled;
  if (!goal_) {
    if (enabled.size() == 1) return enabled;
    scratch.begin(enabled);
    smallest_component(marking, enabled, scratch);
  } else {
    scratch.begin(enabled);
    if (!certify(marking, scratch)) return enabled;
    close(marking, enabled, scratch);
  }
  if (scratch.best_.size() == enabled.size()) return enabled;
  std::sort(scratch.best_.begin(), scratch.best_.end());
  return scratch.best_;
}

// The edge to the list that a disabled transition needs: of the bounds it misses the one that asks for least.
std::span<const std::uint32_t> StubbornSets::missed_bound(std::uint32_t transition, const Count* marking,
                                                          const Scratch& scratch) const {
  const std::uint32_t* best = nullptr;
  std::size_t fewest = SIZE_MAX;
  for (const Bound& bound : bounds_[transition]) {
    const Count tokens = marking[bound.place];
    if (bound.least <= tokens && tokens <= bound.most) continue;
    const std::uint32_t* node = tokens < bound.least ? &bound.raisers : &bound.lowerers;
    if (*node == kNothing) return {};
    std::size_t cost = list(*node).size();
    if (scratch.visited(*node)) cost = 0;
    if (cost < fewest) {
      fewest = cost;
      best = node;
    }
  }
  return {best, 1};
}

std::span<const std::uint32_t> StubbornSets::edges(std::uint32_t node, const Count* marking,
                                                   const Scratch& scratch) const {
  if (node >= transitions()) return list(node);
  return scratch.is_enabled(node) ? conflicts_[node] : missed_bound(node, marking, scratch);
}

// A set that is closed under the edges and has an enabled transition contains a strongly connected component with an
// enabled transition from which no other component with one is reachable; that component and what it reaches is closed
// too, and has no more enabled transitions. So the smallest of them is the best that these edges allow (Tarjan's
// algorithm finds them all; one with a single enabled transition cannot be beaten).
void StubbornSets::smallest_component(const Count* marking, std::span<const std::uint32_t> enabled,
                                      Scratch& scratch) const {
  auto& frames = scratch.frames_;
  auto& stack = scratch.stack_;
  auto& index = scratch.index_;
  auto& low = scratch.low_;
  const auto enter = [&](std::uint32_t node) {
    const auto next = edges(node, marking, scratch);
    index[node] = low[node] = scratch.counter_++;
    stack.push_back(node);
    frames.push_back({node, false, next.data(), next.data() + next.size()});
  };
  // Any order is right, as long as it is always the same one: then a process that was begun is followed to its end. The
  // last first explores half as much of Kanban as the first first.
  for (std::size_t i = enabled.size(); i-- > 0;) {
    const std::uint32_t root = enabled[i];
    if (scratch.visited(root)) continue;
    enter(root);
    while (!frames.empty()) {
      auto& frame = frames.back();
      if (frame.next != frame.end) {
        const std::uint32_t target = *frame.next++;
        if (!scratch.visited(target)) {
          enter(target);
        } else if (low[target] == kSomeEnabled) {
          frame.reaches_enabled = true;
        } else if (low[target] != kNoneEnabled) {
          low[frame.node] = std::min(low[frame.node], index[target]);
        }
        continue;
      }
      const std::uint32_t node = frame.node;
      const std::uint32_t reached = low[node];
      bool reaches_enabled = frame.reaches_enabled;
      frames.pop_back();
      if (reached == index[node]) {
        scratch.chosen_.clear();
        auto first = stack.end();
        do {
          --first;
          if (*first < transitions() && scratch.is_enabled(*first)) scratch.chosen_.push_back(*first);
        } while (*first != node);
        if (!scratch.chosen_.empty() && !reaches_enabled) {
          if (scratch.best_.empty() || scratch.chosen_.size() < scratch.best_.size()) {
            std::swap(scratch.best_, scratch.chosen_);
          }
          if (scratch.best_.size() == 1) return;
          reaches_enabled = true;
        }
        reaches_enabled = reaches_enabled || !scratch.chosen_.empty();
        std::for_each(first, stack.end(),
                      [&](std::uint32_t member) { low[member] = reaches_enabled ? kSomeEnabled : kNoneEnabled; });
        stack.erase(first, stack.end());
      }
      if (!frames.empty()) {
        auto& parent = frames.back();
        parent.reaches_enabled = parent.reaches_enabled || reaches_enabled;
        if (low[node] < kSomeEnabled) low[parent.node] = std::min(low[parent.node], low[node]);
      }
    }
  }
}

// Chooses atoms that make the goal false at `marking` whatever the others say, with few transitions that could change
// them, and starts the set with those. From the last atom to the first: if an atom keeps its value, one jump has to end
// in rejection, and both if it does not. False if the goal holds.
bool StubbornSets::certify(const Count* marking, Scratch& scratch) const {
  const auto atoms = goal_->atoms();
  auto& costs = scratch.costs_;
  costs[atoms.size()] = kImpossible;
  costs[atoms.size() + 1] = 0;
  for (std::size_t i = atoms.size(); i-- > 0;) {
    const bool holds = goal_->sum(i, marking) <= atoms[i].constant;
    const std::uint32_t changers = holds ? falsifiers_[i] : satisfiers_[i];
    const std::uint64_t price = changers == kNothing ? 0 : list(changers).size();
    const std::uint64_t kept = std::min(kImpossible, price + costs[holds ? atoms[i].on_true : atoms[i].on_false]);
    const std::uint64_t free = std::min(kImpossible, costs[atoms[i].on_true] + costs[atoms[i].on_false]);
    scratch.values_[i] = holds;
    scratch.fixed_[i] = kept <= free;
    costs[i] = std::min(kept, free);
  }
  if (costs[0] >= kImpossible) return false;
  auto& needed = scratch.needed_;
  std::fill(needed.begin(), needed.end(), 0);
  needed[0] = 1;
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    if (!needed[i]) continue;
    const bool holds = scratch.values_[i];
    if (!scratch.fixed_[i] || holds) needed[atoms[i].on_true] = 1;
    if (!scratch.fixed_[i] || !holds) needed[atoms[i].on_false] = 1;
    if (!scratch.fixed_[i]) continue;
    const std::uint32_t changers = holds ? falsifiers_[i] : satisfiers_[i];
    if (changers != kNothing) include(changers, scratch);
  }
  return true;
}

void StubbornSets::include(std::uint32_t node, Scratch& scratch) const {
  if (scratch.visited(node)) return;
  scratch.index_[node] = scratch.counter_++;
  scratch.stack_.push_back(node);
  if (node < transitions() && scratch.is_enabled(node)) scratch.best_.push_back(node);
}

void StubbornSets::close(const Count* marking, std::span<const std::uint32_t> enabled, Scratch& scratch) const {
  while (!scratch.stack_.empty() && scratch.best_.size() < enabled.size()) {
    const std::uint32_t node = scratch.stack_.back();
    scratch.stack_.pop_back();
    for (const std::uint32_t next : edges(node, marking, scratch)) include(next, scratch);
  }
}

}  // namespace petricore
