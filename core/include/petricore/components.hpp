// Strongly connected components of a state space, and what is live in it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "petricore/state_graph.hpp"

namespace petricore {

// R. Tarjan, "Depth-first search and linear graph algorithms" (10.1137/0201010), without recursion.
//
// A component is terminal if no edge leaves it. From every state some terminal component is reached, and from it all of
// its own states and no others. So a transition is live iff it is fired in each terminal component; and a state can be
// reached from all others iff it is in the only terminal one.
struct Components {
  static constexpr std::uint32_t kNone = UINT32_MAX;

  std::vector<std::uint32_t> of;       // (states,) the component of each state; edges lead to the same or a lower one
  std::vector<std::uint8_t> terminal;  // (components,)
  std::vector<std::uint32_t>
      stuck_at;          // (T,) a state from which the transition cannot be fired again; kNone: it is live
  bool stopped = false;  // told to stop: the rest means nothing
};

// `transitions`, (edges,), says which transition each edge fires, all below `count`. Costs O(states + edges), and the
// number of transitions still live for each terminal component. Throws std::invalid_argument if the graph is partial or
// the table does not fit.
Components components(const StateGraph& graph, std::span<const std::int32_t> transitions, std::size_t count,
                      const Stop& stop = {});

}  // namespace petricore
