// Places that a transition without inputs fills at will disable nobody for long; for reachability only.
//
// The pre-agglomeration of such a place (Berthelot 1987, 10.1007/978-3-540-47919-2_13) without its bookkeeping: whoever
// consumes from it lets the source fire as often as it needs first. What other producers put there is not needed.
#include "reduce/working_net.hpp"

namespace petricore::reduction {

bool remove_sources(WorkingNet& net) {
  if (net.for_deadlock()) return false;
  bool changed = false;
  for (std::uint32_t t = 0; t < net.transitions.size() && !net.stopped(); ++t) {
    const WorkingTransition& source = net.transitions[t];
    if (!source.alive || source.visible || source.guard != kNone || source.arcs.size() != 1) continue;
    const auto [place, need, change] = source.arcs.front();
    if (need != 0 || !net.places[place].is_free()) continue;
    const std::uint32_t story = source.story;
    bool fits = true;
    for (const std::uint32_t u : net.around(place)) {
      const std::int64_t firings = (net.transitions[u].arc(place)->need + change - 1) / change;
      const auto each = static_cast<std::int64_t>(net.stories().length(story));
      fits = fits && !net.transitions[u].visible && firings <= static_cast<std::int64_t>(kLongestStory) / each &&
             net.stories().length(net.transitions[u].story) <= kLongestStory;
    }
    if (!fits) continue;
    for (const std::uint32_t u : net.around(place)) {
      const std::int64_t firings = (net.transitions[u].arc(place)->need + change - 1) / change;
      if (firings == 0) continue;
      net.transitions[u].story =
          net.stories().sequence({{story, static_cast<std::uint32_t>(firings)}, {net.transitions[u].story, 1}});
    }
    net.remove_place(place);
    net.remove_transition(t);
    net.count(ReductionRule::kSource);
    changed = true;
  }
  return changed;
}

}  // namespace petricore::reduction
