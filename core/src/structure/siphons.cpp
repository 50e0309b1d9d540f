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

// Positions in a component as places of the net.
PlaceSet renumbered(PlaceSet set, const PlaceSet& component) {
  for (std::uint32_t& place : set) place = component[place];
  return set;
}

// Places that rules connect, each list ascending, in the order of their first places.
std::vector<PlaceSet> components_of(const SetRules& rules) {
  std::vector<std::uint32_t> parent(rules.places());
  std::iota(parent.begin(), parent.end(), 0U);
  const auto root_of = [&parent](std::uint32_t place) {
    while (parent[place] != place) place = parent[place] = parent[parent[place]];
    return place;
  };
  for (std::size_t t = 0; t < rules.triggers.rows(); ++t) {
    if (rules.triggers[t].empty()) continue;
    const std::uint32_t root = root_of(rules.triggers[t].front());
    for (const std::uint32_t place : rules.triggers[t]) parent[root_of(place)] = root;
    for (const std::uint32_t place : rules.needs[t]) parent[root_of(place)] = root;
  }
  constexpr std::uint32_t kNone = ~0U;
  std::vector<PlaceSet> components;
  std::vector<std::uint32_t> number(rules.places(), kNone);
  for (std::uint32_t p = 0; p < rules.places(); ++p) {
    std::uint32_t& component = number[root_of(p)];
    if (component == kNone) {
      component = static_cast<std::uint32_t>(components.size());
      components.emplace_back();
    }
    components[component].push_back(p);
  }
  return components;
}

// Appends the minimal sets among the places of one component to `found`, which holds at most `limit` then.
PlaceSetEnd minimal_sets_within(const SetRules& rules, const PlaceSet& component, std::size_t limit, const Stop& stop,
                                std::vector<PlaceSet>& found) {
  const SetRules own = rules.restricted_to(component);
  ClauseSolver solver(own.places());
  own.add_to(solver);
  ClauseSolver::Clause some(own.places());
  for (std::uint32_t p = 0; p < own.places(); ++p) some[p] = ClauseSolver::is_true(p);
  solver.add(std::move(some));
  const Stop told = stop ? Stop([&](std::uint64_t) { return stop(found.size()); }) : Stop{};
  while (true) {
    if (told && told(0)) return PlaceSetEnd::kStopped;
    const ClauseSolver::Answer answer = solver.solve(told);
    if (answer == ClauseSolver::Answer::kNone) return PlaceSetEnd::kComplete;
    if (answer == ClauseSolver::Answer::kStopped) return PlaceSetEnd::kStopped;
    if (found.size() >= limit) return PlaceSetEnd::kLimit;
    ShrinkingSet set(own, model_of(solver, own.places()));
    set.shrink([&set] { return set.size() > 0; });
    solver.add(none_of(set.places()));
    found.push_back(renumbered(set.places(), component));
  }
}

// Searches for a siphon without a marked trap among the places of one component; `tried` counts candidates.
UncontrolledSiphon find_uncontrolled_within(const Net& net, const SetRules& all_siphons, const SetRules& all_traps,
                                            const PlaceSet& component, const Stop& stop, std::uint64_t& tried) {
  // A siphon that no transition requires cannot hinder any.
  std::vector<bool> marked(component.size()), required(component.size());
  ClauseSolver::Clause some;
  for (std::uint32_t p = 0; p < component.size(); ++p) {
    marked[p] = net.spec().initial[component[p]] > 0;
    required[p] = !all_siphons.needed(component[p]).empty();
    if (required[p]) some.push_back(ClauseSolver::is_true(p));
  }
  if (some.empty()) return {true, std::nullopt};
  const SetRules siphons = all_siphons.restricted_to(component), traps = all_traps.restricted_to(component);
  ClauseSolver solver(component.size());
  siphons.add_to(solver);
  solver.add(std::move(some));
  for (;; ++tried) {
    if (stop && stop(tried)) return {false, std::nullopt};
    const ClauseSolver::Answer answer = solver.solve(stop);
    if (answer == ClauseSolver::Answer::kNone) return {true, std::nullopt};
    if (answer == ClauseSolver::Answer::kStopped) return {false, std::nullopt};
    const PlaceSet candidate = model_of(solver, component.size());
    ShrinkingSet trap(traps, candidate, marked);
    if (trap.marked() == 0) {
      ShrinkingSet siphon(siphons, candidate, required);
      siphon.shrink([&siphon] { return siphon.marked() > 0; });
      return {true, renumbered(siphon.places(), component)};
    }
    trap.shrink([&trap] { return trap.marked() > 0; });
    solver.add(none_of(trap.places()));
  }
}

}  // namespace

PlaceSet greatest_within(const Net& net, PlaceSetKind kind, const PlaceSet& places) {
  return ShrinkingSet(SetRules(net, kind), places).places();
}

PlaceSets minimal_sets(const Net& net, PlaceSetKind kind, std::size_t limit, const Stop& stop) {
  const SetRules rules(net, kind);
  std::vector<PlaceSet> found;
  PlaceSets result{{}, PlaceSetEnd::kComplete};
  // A set that is minimal lies within one component: its part in any component obeys the rules by itself.
  for (const PlaceSet& component : components_of(rules)) {
    result.end = minimal_sets_within(rules, component, limit, stop, found);
    if (result.end != PlaceSetEnd::kComplete) break;
  }
  std::sort(found.begin(), found.end());
  result.sets = Csr<std::uint32_t>::from_rows(found);
  return result;
}

UncontrolledSiphon find_uncontrolled_siphon(const Net& net, const Stop& stop) {
  const SetRules siphons(net, PlaceSetKind::kSiphon), traps(net, PlaceSetKind::kTrap);
  std::uint64_t tried = 0;
  // If a siphon holds no marked trap, its part in a component does not either.
  for (const PlaceSet& component : components_of(siphons)) {
    UncontrolledSiphon found = find_uncontrolled_within(net, siphons, traps, component, stop, tried);
    if (!found.known || found.siphon) return found;
  }
  return {true, std::nullopt};
}

}  // namespace petricore
