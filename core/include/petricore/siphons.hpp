// Siphons, which stay empty once they are, and traps, which stay marked.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "petricore/csr.hpp"
#include "petricore/net.hpp"
#include "petricore/stop.hpp"

namespace petricore {

// By what arcs do: t *requires* p if it needs a token there (input and read arcs); it *puts* into p by an output arc;
// it *takes* from p by an input or reset arc; it *leaves p marked* if p surely holds a token after it (an output arc,
// or fewer taken than required, and no reset without an output).
//
// A siphon is a set of places such that what puts into it requires a place of it: without tokens, it gets none.
// A trap is one such that what takes from it leaves a place of it marked: with a token, it keeps one.
// On nets of input and output arcs of weight 1 these are the textbook's. Inhibitors, capacities and priorities only
// restrict firing, so both stay true with them.
enum class PlaceSetKind { kSiphon, kTrap };

using PlaceSet = std::vector<std::uint32_t>;  // ascending

enum class PlaceSetEnd { kComplete, kLimit, kStopped };

struct PlaceSets {
  Csr<std::uint32_t> sets;  // in lexicographic order
  PlaceSetEnd end;
};

// The greatest siphon or trap within a set of places; perhaps empty. Costs O(arcs).
PlaceSet greatest_within(const Net& net, PlaceSetKind kind, const PlaceSet& places);

// All siphons or traps that are not empty and hold no smaller one; there may be exponentially many.
//
// As models of clauses: F. Nabli, T. Martinez, F. Fages and S. Soliman, "On enumerating minimal siphons in Petri nets
// using CLP and SAT solvers: theoretical and practical complexity", 2016 (10.1007/s10601-015-9190-1).
PlaceSets minimal_sets(const Net& net, PlaceSetKind kind, std::size_t limit = std::numeric_limits<std::size_t>::max(),
                       const Stop& stop = {});

struct UncontrolledSiphon {
  bool known;                      // false: `stop` ended the search
  std::optional<PlaceSet> siphon;  // a minimal siphon without a marked trap, if there is one
};

// Searches for a siphon that holds no trap marked initially, among places that some transition requires.
//
// Siphon after siphon is tried, and each trap found rules out all siphons that hold it, so it takes far fewer than
// there are. Compare O. Oanea, H. Wimmel and K. Wolf, "New algorithms for deciding the siphon-trap property", 2010
// (10.1007/978-3-642-13675-7_16).
UncontrolledSiphon find_uncontrolled_siphon(const Net& net, const Stop& stop = {});

}  // namespace petricore
