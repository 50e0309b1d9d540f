// What cannot influence a visible place goes: the cone of influence, for reachability only.
//
// A place matters if it is visible or helps to decide whether a transition is enabled that changes a place that
// matters. Every other transition comes and goes unnoticed (Rakow 2012, 10.1007/978-3-642-31131-4_15).
#include "reduce/working_net.hpp"

namespace petricore::reduction {

bool cut_to_cone(WorkingNet& net) {
  if (net.for_deadlock()) return false;
  std::vector<std::uint8_t> matters(net.places.size(), 0), kept(net.transitions.size(), 0);
  std::vector<std::uint32_t> pending;
  std::vector<std::vector<std::uint32_t>> resetters(net.places.size());
  const auto add_place = [&](std::uint32_t p) {
    if (!net.places[p].alive || matters[p]) return;
    matters[p] = 1;
    pending.push_back(p);
  };
  const NetSpec& spec = net.whole.spec();
  const auto add_transition = [&](std::uint32_t t) {
    if (kept[t]) return;
    kept[t] = 1;
    const WorkingTransition& transition = net.transitions[t];
    for (const WorkingArc& arc : transition.arcs) {
      const bool limited = net.places[arc.place].special && arc.need + arc.change > 0;
      if (arc.need > 0 || limited) add_place(arc.place);
    }
    if (transition.guard == kNone) return;
    for (const Arc& arc : spec.reads[transition.guard]) add_place(arc.place);
    for (const Arc& arc : spec.inhibitors[transition.guard]) add_place(arc.place);
  };
  for (std::uint32_t t = 0; t < net.transitions.size(); ++t) {
    const WorkingTransition& transition = net.transitions[t];
    if (!transition.alive) continue;
    if (transition.visible) add_transition(t);
    if (transition.guard == kNone) continue;
    for (const Arc& arc : spec.resets[transition.guard]) resetters[arc.place].push_back(t);
  }
  for (std::uint32_t p = 0; p < net.places.size(); ++p) {
    if (net.places[p].visible) add_place(p);
  }
  while (!pending.empty()) {
    const std::uint32_t p = pending.back();
    pending.pop_back();
    for (const std::uint32_t t : net.around(p)) {
      if (net.transitions[t].arc(p)->change != 0) add_transition(t);
    }
    for (const std::uint32_t t : resetters[p]) add_transition(t);
  }
  std::uint64_t gone = 0;
  for (std::uint32_t t = 0; t < net.transitions.size(); ++t) {
    if (!net.transitions[t].alive || kept[t]) continue;
    net.remove_transition(t);
    ++gone;
  }
  for (std::uint32_t p = 0; p < net.places.size(); ++p) {
    if (!net.places[p].alive || matters[p]) continue;
    net.remove_place(p);
    ++gone;
  }
  net.count(ReductionRule::kCone, gone);
  return gone > 0;
}

}  // namespace petricore::reduction
