// How many tokens a place can ever hold, from the structure of the net and its initial marking.
#pragma once

#include <vector>

#include "petricore/net.hpp"
#include "petricore/stop.hpp"

namespace petricore {

// Per place an upper bound of its count in all markings reachable from the initial one, by any order of firings;
// kMaxTokens: none was found. Sound for every kind of arc and however early `stop` ends it: then it says what is known.
//
// From, in this order: places that no transition which could ever fire adds to; capacities and inhibitors of those that
// add to it; weighted sums y.m that no firing increases (y >= 0, y^T C <= 0), for which m[p] <= y.m0 / y[p].
//
// May be called from any thread. The first two cost O(arcs) for each round, at most a few; the sums may take
// exponential time.
std::vector<Count> place_bounds(const Net& net, const Stop& stop = {});

}  // namespace petricore
