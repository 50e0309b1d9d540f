// Transitions that add nothing to what others do.
//
// Dominated: the same change for no less (Murata 1989, 10.1109/5.24143: parallel transitions), for both goals.
// Without gain: only takes tokens that nobody sees away, so that leaving it out disables nothing; for reachability. For
// deadlocks a transition without effect may only go if another one is enabled whenever it is. A transition that is
// always enabled leaves no deadlock at all.
#include <algorithm>
#include <unordered_map>

#include "reduce/working_net.hpp"

namespace petricore::reduction {
namespace {

constexpr std::size_t kMostCompared = 32;

std::uint64_t hash_of_change(const WorkingTransition& transition) {
  std::uint64_t hash = 0;
  for (const WorkingArc& arc : transition.arcs) {
    if (arc.change == 0) continue;
    hash = (hash ^ arc.place) * 0x9E3779B97F4A7C15U;
    hash = (hash ^ static_cast<std::uint64_t>(arc.change)) * 0xC2B2AE3D27D4EB4FU;
    hash ^= hash >> 29U;
  }
  return hash;
}

bool same_change(const WorkingTransition& t, const WorkingTransition& u) {
  std::size_t i = 0, j = 0;
  for (;;) {
    while (i < t.arcs.size() && t.arcs[i].change == 0) ++i;
    while (j < u.arcs.size() && u.arcs[j].change == 0) ++j;
    if (i == t.arcs.size() || j == u.arcs.size()) return i == t.arcs.size() && j == u.arcs.size();
    if (t.arcs[i].place != u.arcs[j].place || t.arcs[i].change != u.arcs[j].change) return false;
    ++i, ++j;
  }
}

bool needs_no_more(const WorkingTransition& t, const WorkingTransition& u) {
  return std::ranges::all_of(t.arcs, [&](const WorkingArc& arc) {
    if (arc.need == 0) return true;
    const WorkingArc* other = u.arc(arc.place);
    return other != nullptr && arc.need <= other->need;
  });
}

bool touches_special(const WorkingNet& net, const WorkingTransition& t) {
  return t.guard != kNone ||
         std::ranges::any_of(t.arcs, [&](const WorkingArc& arc) { return net.places[arc.place].special; });
}

bool has_no_effect(const WorkingTransition& t) {
  return std::ranges::all_of(t.arcs, [](const WorkingArc& arc) { return arc.change == 0; });
}

bool only_takes_unseen(const WorkingNet& net, const WorkingTransition& t) {
  return std::ranges::all_of(t.arcs, [&](const WorkingArc& arc) {
    return arc.change == 0 || (arc.change < 0 && !net.places[arc.place].visible && !net.places[arc.place].special);
  });
}

// Whether another transition is enabled wherever t is.
bool is_covered(WorkingNet& net, std::uint32_t t) {
  for (const WorkingArc& arc : net.transitions[t].arcs) {
    std::size_t seen = 0;
    for (const std::uint32_t u : net.around(arc.place)) {
      if (++seen > kMostCompared) break;
      if (u == t || touches_special(net, net.transitions[u])) continue;
      if (needs_no_more(net.transitions[u], net.transitions[t])) return true;
    }
  }
  return false;
}

}  // namespace

bool remove_dominated(WorkingNet& net) {
  bool changed = false;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> alike;
  for (std::uint32_t t = 0; t < net.transitions.size() && !net.stopped(); ++t) {
    const WorkingTransition& mine = net.transitions[t];
    if (!mine.alive || mine.guard != kNone) continue;
    auto& group = alike[hash_of_change(mine)];
    bool gone = false;
    for (std::size_t i = 0; i < std::min(group.size(), kMostCompared) && !gone; ++i) {
      const WorkingTransition& other = net.transitions[group[i]];
      if (!same_change(mine, other)) continue;
      if (!mine.visible && needs_no_more(other, mine)) {
        net.remove_transition(t);
        gone = true;
      } else if (!other.visible && needs_no_more(mine, other)) {
        net.remove_transition(group[i]);
        group[i] = t;
        gone = true;
      }
    }
    if (gone) {
      net.count(ReductionRule::kDominated);
      changed = true;
    } else {
      group.push_back(t);
    }
  }
  return changed;
}

bool remove_without_gain(WorkingNet& net) {
  bool changed = false;
  for (std::uint32_t t = 0; t < net.transitions.size() && !net.stopped(); ++t) {
    const WorkingTransition& mine = net.transitions[t];
    if (!mine.alive || mine.guard != kNone || mine.visible) continue;
    const bool always = std::ranges::all_of(mine.arcs, [](const WorkingArc& arc) { return arc.need == 0; });
    if (net.for_deadlock() && always && !touches_special(net, mine)) {
      std::uint64_t others = 0;
      for (std::uint32_t u = 0; u < net.transitions.size(); ++u) {
        if (u == t || !net.transitions[u].alive) continue;
        net.remove_transition(u);
        ++others;
      }
      net.count(ReductionRule::kAlwaysEnabled, others);
      return changed || others > 0;
    }
    const bool gone = net.for_deadlock() ? has_no_effect(mine) && is_covered(net, t) : only_takes_unseen(net, mine);
    if (!gone) continue;
    net.remove_transition(t);
    net.count(ReductionRule::kNoGain);
    changed = true;
  }
  return changed;
}

}  // namespace petricore::reduction
