// Minimal coverability sets: which markings can be covered, which places can grow without bound.
//
// Karp and Miller's tree (R. M. Karp, R. E. Miller: Parallel program schemata, J. Comput. Syst. Sci. 3, 1969,
// 10.1016/S0022-0000(69)80011-5) walked depth first, where a marking below one that is known is not expanded and a
// marking below a new one is dropped, as A. Valmari and H. Hansen: Old and new algorithms for minimal coverability
// sets, Fundam. Inform. 131, 2014, 10.3233/FI-2014-1002 recommend. Nothing else is ever pruned, which makes the proof
// short:
//   sound      every omega stands for a path from an ancestor that can be repeated (Karp and Miller's argument);
//   complete   after each step, what each maximal marking leads to is below a maximal marking or still to be tried,
//              because a marking is dropped only for a greater one, and "below" is transitive;
//   terminates on an infinite branch two comparable markings would meet (Dickson's lemma): equal ones are not
//              expanded, greater ones turn a place into omega, and there are finitely many places.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "petricore/net.hpp"
#include "petricore/stop.hpp"

namespace petricore {

// In a marking: any number of tokens. Greater than every count.
inline constexpr Count kOmega = kMaxTokens;

struct CoverabilityLimits {
  std::size_t nodes;
  std::size_t bytes;
};

enum class CoverabilityEnd : std::uint8_t {
  kComplete,
  kNodes,     // the limit on nodes
  kMemory,    // the limit on bytes
  kOverflow,  // a count that is not omega would reach kMaxTokens
  kStopped,   // `stop` said so
};

// The tree of what was expanded. Node 0 is the initial marking; a parent comes before its children.
struct CoverabilityTree {
  std::vector<Count> markings;            // (N, P)
  std::vector<std::int64_t> parents;      // (N,), -1 for the root
  std::vector<std::int32_t> transitions;  // (N,): what was fired at the parent, -1 for the root
  std::vector<std::uint8_t> maximal;  // (N,): no other node is above it; these are the coverability set (if kComplete)
  // Rows (node, ancestor), by node: after its transition, and after the rows before this one, the path from the
  // ancestor to the node was found repeatable, and the places that it fills became omega.
  std::vector<std::int64_t> pumps;
  std::vector<std::int64_t> enabled_at;  // (T,): a node at which t is enabled, -1 if there is none
  CoverabilityEnd end = CoverabilityEnd::kComplete;
};

// `control` (P,): nonzero for places whose count is compared by equality and never becomes omega; all links on them
// are obeyed. On all other places upper bounds and resets are ignored, so that the tree covers at least what the net
// reaches, and exactly that if there are none.
//
// REQUIRES: every place with a capacity is a control place, and control places are bounded (else it may not end).
// Without kComplete, the markings are a part of what can be covered.
CoverabilityTree cover(const Net& net, std::span<const std::uint8_t> control, CoverabilityLimits limits,
                       const Stop& stop);

}  // namespace petricore
