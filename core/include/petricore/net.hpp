// The compiled net: every arc kind reduced to bounds on and changes of single places.
#pragma once

#include <span>
#include <vector>

#include "petricore/csr.hpp"
#include "petricore/types.hpp"

namespace petricore {

struct Arc {
  std::uint32_t place;
  Count weight;
};

// What a Net is built from. Rows of the arc tables are transitions.
struct NetSpec {
  std::vector<Count> initial;     // (P,)
  std::vector<Count> capacities;  // (P,), kUnbounded where there is none
  Csr<Arc> inputs, outputs, reads, inhibitors;
  Csr<Arc> resets;                       // weights are ignored
  std::vector<std::int32_t> priorities;  // (T,)
  std::vector<double> rates;             // (T,)
};

// All that one transition t has to do with one place p.
//
// Every arc kind and the capacity bound the count of a single place, so t is enabled at m iff
// least <= m[p] <= most for each of its links:
//   least = max(input weight, read weight)
//   most  = min(inhibitor weight - 1, capacity left for what t puts; no bound if it puts nothing)
// Firing t turns m[p] into output if t resets p, and into m[p] + delta otherwise.
struct Link {
  std::uint32_t place;
  Count least;   // 0: no lower bound
  Count most;    // kMaxTokens: no upper bound; below `least`: t can never fire
  Count input;   // consumed
  Count output;  // produced
  bool resets;

  Count delta() const noexcept { return output - input; }
  bool admits(Count tokens) const noexcept { return least <= tokens && tokens <= most; }
};

// Immutable: any thread may read it. Indices out of range are the caller's fault (asserted, not checked).
class Net {
 public:
  // Throws std::invalid_argument if table sizes disagree or a place index, count or weight is out of range.
  // Costs O(P + T + arcs log(arcs of a transition)).
  explicit Net(NetSpec spec);

  std::size_t places() const noexcept { return spec_.initial.size(); }
  std::size_t transitions() const noexcept { return spec_.priorities.size(); }

  const NetSpec& spec() const noexcept { return spec_; }

  // The links of a transition, by ascending place.
  std::span<const Link> links(std::size_t transition) const noexcept { return links_[transition]; }

  // The transitions that have a link to a place, ascending.
  std::span<const std::uint32_t> neighbours(std::size_t place) const noexcept { return neighbours_[place]; }

  bool has_inputs(std::size_t transition) const noexcept { return !spec_.inputs[transition].empty(); }

  // Transitions by descending priority, then ascending index: the order in which a fifo step serves them.
  std::span<const std::uint32_t> by_priority() const noexcept { return by_priority_; }

  bool is_enabled(std::size_t transition, const Count* marking) const noexcept {
    for (const Link& link : links(transition)) {
      if (!link.admits(marking[link.place])) return false;
    }
    return true;
  }

 private:
  NetSpec spec_;
  Csr<Link> links_;
  Csr<std::uint32_t> neighbours_;
  std::vector<std::uint32_t> by_priority_;
};

}  // namespace petricore
