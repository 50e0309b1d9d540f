#include "reduce/working_net.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace petricore::reduction {

const WorkingArc* WorkingTransition::arc(std::uint32_t place) const noexcept {
  const auto at = std::lower_bound(arcs.begin(), arcs.end(), place,
                                   [](const WorkingArc& arc, std::uint32_t p) { return arc.place < p; });
  return at != arcs.end() && at->place == place ? &*at : nullptr;
}

WorkingNet::WorkingNet(const Net& net, const ReductionOptions& options) : whole(net), options_(options) {
  const NetSpec& spec = net.spec();
  if (for_deadlock() && !(options.visible_places.empty() && options.visible_transitions.empty())) {
    throw std::invalid_argument("reductions for deadlocks keep no places or transitions visible");
  }
  places.resize(net.places());
  for (std::size_t p = 0; p < places.size(); ++p) {
    places[p].tokens = spec.initial[p];
    places[p].special = spec.capacities[p] != kUnbounded;
  }
  for (const Arc& arc : spec.inhibitors.items()) places[arc.place].special = true;
  for (const Arc& arc : spec.resets.items()) places[arc.place].special = true;
  for (const std::uint32_t p : options.visible_places) {
    if (p >= places.size()) throw std::invalid_argument("there is no place " + std::to_string(p));
    places[p].visible = true;
  }
  transitions.reserve(net.transitions());
  for (std::uint32_t t = 0; t < net.transitions(); ++t) {
    WorkingTransition transition;
    transition.story = stories().atom(t);
    if (!spec.inhibitors[t].empty() || !spec.resets[t].empty()) transition.guard = t;
    for (const Link& link : net.links(t)) {
      // A read is an input that is put back, but for a place that is reset: its reads are carried along as they are.
      const std::int64_t need = link.resets ? link.input : link.least;
      const std::int64_t change = std::int64_t{link.output} - link.input;
      if (need != 0 || change != 0) transition.arcs.push_back({link.place, need, change});
    }
    add_transition(std::move(transition));
  }
  for (const std::uint32_t t : options.visible_transitions) {
    if (t >= net.transitions()) throw std::invalid_argument("there is no transition " + std::to_string(t));
    transitions[t].visible = true;
    for (const Link& link : net.links(t)) {
      if (link.least > 0 || link.most < kMaxTokens) places[link.place].visible = true;
    }
  }
}

bool WorkingNet::stopped() {
  if (!stopped_ && options_.stop && ++polls_ % 256 == 0) stopped_ = options_.stop(polls_);
  return stopped_;
}

const std::vector<std::uint32_t>& WorkingNet::around(std::uint32_t place) {
  auto& list = places[place].transitions;
  if (places[place].cleaned_at != removals_) {
    std::erase_if(list, [this](std::uint32_t t) { return !transitions[t].alive; });
    places[place].cleaned_at = removals_;
  }
  return list;
}

void WorkingNet::remove_place(std::uint32_t place) {
  for (const std::uint32_t t : around(place)) {
    std::erase_if(transitions[t].arcs, [place](const WorkingArc& arc) { return arc.place == place; });
  }
  places[place].alive = false;
  places[place].transitions.clear();
}

std::uint32_t WorkingNet::add_transition(WorkingTransition transition) {
  const auto id = static_cast<std::uint32_t>(transitions.size());
  for (const WorkingArc& arc : transition.arcs) places[arc.place].transitions.push_back(id);
  transitions.push_back(std::move(transition));
  return id;
}

bool WorkingNet::resets(const WorkingTransition& transition, std::uint32_t place) const noexcept {
  if (transition.guard == kNone) return false;
  return std::ranges::any_of(whole.spec().resets[transition.guard], [&](const Arc& arc) { return arc.place == place; });
}

Reduction WorkingNet::finish() {
  NetSpec& spec = result_.net;
  std::vector<std::uint32_t> renamed(places.size(), kNone);
  for (std::uint32_t p = 0; p < places.size(); ++p) {
    if (!places[p].alive) continue;
    renamed[p] = static_cast<std::uint32_t>(result_.places.size());
    result_.places.push_back(p);
    spec.initial.push_back(static_cast<Count>(places[p].tokens));
    spec.capacities.push_back(whole.spec().capacities[p]);
  }
  for (const WorkingTransition& transition : transitions) {
    if (!transition.alive) continue;
    std::vector<Arc> inputs, outputs, reads, inhibitors, reset_arcs;
    for (const WorkingArc& arc : transition.arcs) {
      if (arc.need > 0) inputs.push_back({renamed[arc.place], static_cast<Count>(arc.need)});
      if (arc.need + arc.change > 0) {
        outputs.push_back({renamed[arc.place], static_cast<Count>(arc.need + arc.change)});
      }
    }
    if (transition.guard != kNone) {
      const auto carry = [&](const Csr<Arc>& from, std::vector<Arc>& to, bool only_reset) {
        for (const Arc& arc : from[transition.guard]) {
          if (renamed[arc.place] == kNone || (only_reset && !resets(transition, arc.place))) continue;
          to.push_back({renamed[arc.place], arc.weight});
        }
      };
      carry(whole.spec().reads, reads, true);
      carry(whole.spec().inhibitors, inhibitors, false);
      carry(whole.spec().resets, reset_arcs, false);
    }
    spec.inputs.append(inputs);
    spec.outputs.append(outputs);
    spec.reads.append(reads);
    spec.inhibitors.append(inhibitors);
    spec.resets.append(reset_arcs);
    spec.priorities.push_back(0);
    spec.rates.push_back(1.0);
    result_.stories_of.push_back(transition.story);
  }
  // The last rule that was applied is the first to be undone.
  std::ranges::reverse(result_.completions);
  result_.complete = !stopped_;
  return std::move(result_);
}

}  // namespace petricore::reduction
