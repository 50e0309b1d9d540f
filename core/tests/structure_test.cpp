#include <doctest/doctest.h>

#include "nets.hpp"
#include "petricore/place_bounds.hpp"
#include "petricore/semiflows.hpp"
#include "petricore/siphons.hpp"

using namespace petricore;
using petricore::test::make_net;
using petricore::test::make_ring;

namespace {

std::vector<SemiflowTerm> row(const Semiflows& semiflows, std::size_t index) {
  const auto terms = semiflows.rows[index];
  return {terms.begin(), terms.end()};
}

PlaceSet set(const PlaceSets& found, std::size_t index) {
  const auto places = found.sets[index];
  return {places.begin(), places.end()};
}

// n stages in a row, each by one of two ways: 2^n semiflows of transitions.
Net make_ways(std::uint32_t n) {
  std::vector<test::TransitionSpec> transitions;
  for (std::uint32_t i = 0; i < n; ++i) {
    for (const std::uint32_t side : {1u, 2u}) {
      transitions.push_back({{{3 * i, 1}}, {{3 * i + side, 1}}});
      transitions.push_back({{{3 * i + side, 1}}, {{(3 * i + 3) % (3 * n), 1}}});
    }
  }
  return make_net(std::vector<Count>(3 * std::size_t{n}, 1), transitions);
}

}  // namespace

TEST_CASE("the invariant of weighted arcs has the least weights") {
  const Net net = make_net({6, 0}, {{{{0, 4}}, {{1, 6}}}});
  const Semiflows found = place_semiflows(net);
  REQUIRE(found.rows.rows() == 1);
  CHECK(row(found, 0) == std::vector<SemiflowTerm>{{0, 3}, {1, 2}});
  CHECK(found.end == SemiflowEnd::kComplete);
  CHECK(place_bounds(net) == std::vector<Count>{6, 9});
}

TEST_CASE("a ring has one invariant of places and one of transitions") {
  const Net net = make_ring(100, 3);
  CHECK(place_semiflows(net).rows.items().size() == 100);
  CHECK(transition_semiflows(net).rows.items().size() == 100);
  CHECK(place_bounds(net) == std::vector<Count>(100, 3));
}

TEST_CASE("weights that overflow 64 bits on the way are computed in 128") {
  constexpr Count kBig = (1 << 30) + 1, kLess = (1 << 30) - 1;
  const Net net =
      make_net({1, 0, 0, 0}, {{{{0, kBig}}, {{1, kLess}}}, {{{1, kLess}}, {{2, kBig}}}, {{{2, kBig}}, {{3, kLess}}}});
  const Semiflows found = place_semiflows(net);
  REQUIRE(found.end == SemiflowEnd::kComplete);
  CHECK(row(found, 0) == std::vector<SemiflowTerm>{{0, kLess}, {1, kBig}, {2, kLess}, {3, kBig}});
}

TEST_CASE("weights that fit no integer end as an overflow") {
  std::vector<test::TransitionSpec> transitions;
  for (std::uint32_t i = 0; i < 6; ++i) transitions.push_back({{{i, kMaxTokens}}, {{i + 1, kMaxTokens - 1}}});
  const Net net = make_net(std::vector<Count>(7, 1), transitions);
  CHECK(place_semiflows(net).end == SemiflowEnd::kOverflow);
  CHECK(place_bounds(net).size() == 7);
}

TEST_CASE("a limit on rows and a stop end the search for semiflows, and what is found is right") {
  const Net net = make_ways(14);
  CHECK(transition_semiflows(net).rows.rows() == 1u << 14);
  CHECK(transition_semiflows(net, {100, {}}).end == SemiflowEnd::kRowLimit);
  const Semiflows stopped = transition_semiflows(net, {1u << 20, [](std::uint64_t) { return true; }});
  CHECK(stopped.end == SemiflowEnd::kStopped);
}

TEST_CASE("bounds are sound when they are stopped at once") {
  const auto bounds = place_bounds(make_ways(4), [](std::uint64_t) { return true; });
  CHECK(bounds.size() == 12);
}

TEST_CASE("a place that only a dead transition adds to keeps its tokens") {
  const Net net = make_net({0, 2}, {{{{0, 1}}, {{0, 1}, {1, 1}}}});
  CHECK(place_bounds(net) == std::vector<Count>{0, 2});
}

TEST_CASE("an inhibitor bounds a place that grows") {
  const Net net = make_net({0}, {{{}, {{0, 2}}, {}, {{0, 4}}}});
  CHECK(place_bounds(net) == std::vector<Count>{5});
}

TEST_CASE("the ring is its only siphon and its only trap") {
  const Net net = make_ring(50, 1);
  for (const PlaceSetKind kind : {PlaceSetKind::kSiphon, PlaceSetKind::kTrap}) {
    const PlaceSets found = minimal_sets(net, kind);
    REQUIRE(found.sets.rows() == 1);
    CHECK(set(found, 0).size() == 50);
    CHECK(found.end == PlaceSetEnd::kComplete);
    CHECK(greatest_within(net, kind, {0, 1, 2}).empty());
  }
  CHECK_FALSE(find_uncontrolled_siphon(net).siphon);
  CHECK(find_uncontrolled_siphon(make_ring(50, 0)).siphon->size() == 50);
}

TEST_CASE("places without arcs are siphons and traps by themselves, and hinder nothing") {
  const Net net = make_net({0, 0, 1}, {});
  CHECK(minimal_sets(net, PlaceSetKind::kSiphon).sets.rows() == 3);
  CHECK(minimal_sets(net, PlaceSetKind::kTrap).sets.rows() == 3);
  CHECK(minimal_sets(net, PlaceSetKind::kTrap, 2).end == PlaceSetEnd::kLimit);
  CHECK(find_uncontrolled_siphon(net).known);
  CHECK_FALSE(find_uncontrolled_siphon(net).siphon);
}

TEST_CASE("a search for siphons that is stopped says so") {
  const Stop at_once = [](std::uint64_t) { return true; };
  CHECK(minimal_sets(make_ring(5, 1), PlaceSetKind::kSiphon, 10, at_once).end == PlaceSetEnd::kStopped);
  CHECK_FALSE(find_uncontrolled_siphon(make_ring(5, 1), at_once).known);
}
