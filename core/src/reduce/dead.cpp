// Transitions that can never fire: the largest unmarked siphon, and places that never reach a weight.
//
// The least fixed point of "may fire" is taken over what may ever be marked; what it leaves out is dead, and the places
// it never fills are the largest siphon without tokens (Murata 1989, 10.1109/5.24143). Ignoring inhibitors, resets that
// empty and capacities only makes more transitions fire, so it holds for all kinds of arcs and for both goals.
#include <algorithm>

#include "reduce/working_net.hpp"

namespace petricore::reduction {

bool remove_dead(WorkingNet& net) {
  std::vector<std::uint32_t> lacking(net.transitions.size(), 0);  // inputs that nothing provides yet
  std::vector<std::uint8_t> grows(net.places.size(), 0);
  std::vector<std::uint32_t> pending;
  for (std::uint32_t t = 0; t < net.transitions.size(); ++t) {
    if (!net.transitions[t].alive) continue;
    for (const WorkingArc& arc : net.transitions[t].arcs) lacking[t] += arc.need > net.places[arc.place].tokens;
    if (lacking[t] == 0) pending.push_back(t);
  }
  std::vector<std::uint8_t> fires(net.transitions.size(), 0);
  for (const std::uint32_t t : pending) fires[t] = 1;
  while (!pending.empty()) {
    const std::uint32_t t = pending.back();
    pending.pop_back();
    for (const WorkingArc& arc : net.transitions[t].arcs) {
      const bool more = arc.change > 0 || (arc.need + arc.change > 0 && net.resets(net.transitions[t], arc.place));
      if (!more || grows[arc.place]) continue;
      grows[arc.place] = 1;
      for (const std::uint32_t u : net.around(arc.place)) {
        if (net.transitions[u].arc(arc.place)->need <= net.places[arc.place].tokens) continue;
        if (--lacking[u] == 0 && !fires[u]) {
          fires[u] = 1;
          pending.push_back(u);
        }
      }
    }
  }
  bool changed = false;
  for (std::uint32_t t = 0; t < net.transitions.size(); ++t) {
    if (!net.transitions[t].alive || net.transitions[t].visible || fires[t]) continue;
    net.remove_transition(t);
    net.count(ReductionRule::kDead);
    changed = true;
  }
  return changed;
}

}  // namespace petricore::reduction
