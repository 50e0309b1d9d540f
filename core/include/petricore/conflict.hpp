// Conflicts: which pairs of enabled transitions cannot be served together.
#pragma once

#include <cstdint>
#include <vector>

#include "petricore/bulk.hpp"

namespace petricore {

struct Conflict {
  std::int32_t first, second;  // transitions, first < second
};

// The conflicts of row i of a batch are pairs[offsets[i]] .. pairs[offsets[i + 1]], in lexicographic order.
struct Conflicts {
  std::vector<std::int64_t> offsets;  // (batch + 1,)
  std::vector<Conflict> pairs;
};

// All conflicts of all rows of (batch, P): the pairs of enabled transitions t, u such that {t, u} is not servable (see
// step.hpp). For two transitions that comes down to bounds on the places they share, computed once per pair and block
// of 64 markings and only for pairs that are enabled together somewhere in the block.
// Throws NegativeTokens.
Conflicts find_conflicts(const Bulk& bulk, const Count* markings, std::size_t batch, unsigned threads = 0);

}  // namespace petricore
