// Minimal semiflows: the weighted sums of tokens that no firing changes, the multisets of firings that change nothing.
#pragma once

#include <cstdint>
#include <limits>

#include "petricore/csr.hpp"
#include "petricore/net.hpp"
#include "petricore/stop.hpp"

namespace petricore {

struct SemiflowTerm {
  std::uint32_t index;  // of a place or transition
  std::int64_t weight;  // > 0

  friend bool operator==(const SemiflowTerm& a, const SemiflowTerm& b) noexcept {
    return a.index == b.index && a.weight == b.weight;
  }
  friend bool operator<(const SemiflowTerm& a, const SemiflowTerm& b) noexcept {
    return a.index != b.index ? a.index < b.index : a.weight < b.weight;
  }
};

enum class SemiflowEnd {
  kComplete,
  kRowLimit,
  kStopped,
  kOverflow,  // a weight does not fit 127 bits on the way, or 63 bits in the result
};

struct Semiflows {
  Csr<SemiflowTerm> rows;  // by ascending index within a row, rows in lexicographic order
  SemiflowEnd end;         // if not kComplete: each row is a semiflow of minimal support, but there may be more
};

struct SemiflowOptions {
  std::size_t max_rows = std::numeric_limits<std::size_t>::max();  // alive at once
  Stop stop = {};                                                  // told the number of rows alive
};

// All semiflows of minimal support, each with weights > 0 without a common divisor; every semiflow is a non-negative
// rational combination of them. There may be exponentially many, so callers set limits.
//
// The effect of a transition on a place is what it puts minus what it takes; read and inhibitor arcs, capacities and
// priorities have none. A reset arc has an effect that depends on the marking, so no semiflow of places weighs a place
// that some transition resets, and none of transitions holds a transition that resets one: what is returned is
// constant, or changes nothing, with all arcs counted.
//
// May be called from any thread. Costs O(rows^2) set comparisons for each column in the worst case; close to linear in
// the size of the result on nets made of components.
Semiflows place_semiflows(const Net& net, const SemiflowOptions& options = {});
Semiflows transition_semiflows(const Net& net, const SemiflowOptions& options = {});

}  // namespace petricore
