#include "petricore/siphons.hpp"

#include <algorithm>
#include <numeric>

#include "place_set.hpp"

namespace petricore {

namespace {

PlaceSet model_of(const ClauseSolver& solver, std::size_t places) {
  PlaceSet set;
  for (std::uint32_t p = 0; p < places; ++p) {
    if (solver[p]) set.push_back(p);
  }
  return set;
}

ClauseSolver::Clause none_of(const PlaceSet& set) {
  ClauseSolver::Clause clause;
  for (const std::uint32_t place : set) clause.push_back(ClauseSolver::is_false(place));
  return clause;
}

}  // namespace

PlaceSet greatest_within(const Net& net, PlaceSetKind kind, const PlaceSet& places) {
  return ShrinkingSet(SetRules(net, kind), places).places();
}

PlaceSets minimal_sets(const Net& net, PlaceSetKind kind, std::size_t limit, const Stop& stop) {
  const SetRules rules(net, kind);
  ClauseSolver solver(net.places());
  rules.add_to(solver);
  ClauseSolver::Clause some(net.places());
  for (std::uint32_t p = 0; p < net.places(); ++p) some[p] = ClauseSolver::is_true(p);
  solver.add(std::move(some));

  std::vector<PlaceSet> found;
  PlaceSets result{{}, PlaceSetEnd::kComplete};
  while (true) {
    if (stop && stop(found.size())) {
      result.end = PlaceSetEnd::kStopped;
      break;
    }
    const ClauseSolver::Answer answer = solver.solve(stop);
    if (answer == ClauseSolver::Answer::kNone) break;
    if (answer == ClauseSolver::Answer::kStopped || found.size() >= limit) {
      result.end = answer == ClauseSolver::Answer::kStopped ? PlaceSetEnd::kStopped : PlaceSetEnd::kLimit;
      break;
    }
    ShrinkingSet set(rules, model_of(solver, net.places()));
    set.shrink([&set] { return set.size() > 0; });
    found.push_back(set.places());
    solver.add(none_of(found.back()));
  }
  std::sort(found.begin(), found.end());
  result.sets = Csr<std::uint32_t>::from_rows(found);
  return result;
}

UncontrolledSiphon find_uncontrolled_siphon(const Net& net, const Stop& stop) {
  const SetRules siphons(net, PlaceSetKind::kSiphon), traps(net, PlaceSetKind::kTrap);
  ClauseSolver solver(net.places());
  siphons.add_to(solver);
  // A siphon that no transition requires cannot hinder any.
  ClauseSolver::Clause some;
  for (std::uint32_t p = 0; p < net.places(); ++p) {
    if (!siphons.needed(p).empty()) some.push_back(ClauseSolver::is_true(p));
  }
  solver.add(std::move(some));

  std::vector<bool> marked(net.places()), required(net.places());
  for (std::uint32_t p = 0; p < net.places(); ++p) {
    marked[p] = net.spec().initial[p] > 0;
    required[p] = !siphons.needed(p).empty();
  }
  for (std::uint64_t tried = 0;; ++tried) {
    if (stop && stop(tried)) return {false, std::nullopt};
    const ClauseSolver::Answer answer = solver.solve(stop);
    if (answer == ClauseSolver::Answer::kNone) return {true, std::nullopt};
    if (answer == ClauseSolver::Answer::kStopped) return {false, std::nullopt};
    const PlaceSet candidate = model_of(solver, net.places());
    ShrinkingSet trap(traps, candidate, marked);
    if (trap.marked() == 0) {
      ShrinkingSet siphon(siphons, candidate, required);
      siphon.shrink([&siphon] { return siphon.marked() > 0; });
      return {true, siphon.places()};
    }
    trap.shrink([&trap] { return trap.marked() > 0; });
    solver.add(none_of(trap.places()));
  }
}

}  // namespace petricore
