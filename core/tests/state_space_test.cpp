#include "petricore/state_space.hpp"

#include <doctest/doctest.h>

#include <array>

#include "nets.hpp"

using namespace petricore;
using namespace petricore::test;

namespace {

// `rings` independent rings of `size` places with `tokens` each: C(tokens + size - 1, size - 1) markings a ring.
Net make_rings(std::uint32_t rings, std::uint32_t size, Count tokens) {
  std::vector<Count> initial(std::size_t{rings} * size, 0);
  std::vector<TransitionSpec> transitions;
  for (std::uint32_t r = 0; r < rings; ++r) {
    initial[r * size] = tokens;
    for (std::uint32_t i = 0; i < size; ++i) {
      transitions.push_back({{{r * size + i, 1}}, {{r * size + (i + 1) % size, 1}}});
    }
  }
  return make_net(std::move(initial), transitions);
}

void check_same(const StateSpace& a, const StateSpace& b) {
  REQUIRE(a.size() == b.size());
  CHECK(a.firings() == b.firings());
  CHECK(std::ranges::equal(a.edge_offsets(), b.edge_offsets()));
  CHECK(std::ranges::equal(a.edge_targets(), b.edge_targets()));
  CHECK(std::ranges::equal(a.edge_transitions(), b.edge_transitions()));
  std::vector<Count> m(a.places()), n(a.places());
  for (std::size_t i = 0; i < a.size(); i += 97) {
    a.marking(i, m.data());
    b.marking(i, n.data());
    CHECK(m == n);
    CHECK(b.find(m) == i);
  }
}

}  // namespace

TEST_CASE("threads number markings and edges as one thread does") {
  const Net net = make_rings(4, 3, 6);  // 28^4 = 614,656 markings in one word; fields widen on the way
  SearchOptions options;
  options.edges = true;
  const StateSpace one(net, options);
  CHECK(one.size() == 614656);
  CHECK(one.end() == SearchEnd::kComplete);
  for (const unsigned threads : {2U, 3U}) {
    options.threads = threads;
    check_same(one, StateSpace(net, options));
  }
}

TEST_CASE("threads number as one thread does where there is little to share") {
  for (const auto& [rings, size, tokens] : {std::array{3U, 4U, 5U}, std::array{6U, 3U, 1U}, std::array{1U, 5U, 9U}}) {
    const Net net = make_rings(rings, size, static_cast<Count>(tokens));
    SearchOptions options;
    options.edges = true;
    const StateSpace one(net, options);
    options.parallel_from = 1;
    for (const unsigned threads : {2U, 3U, 4U}) {
      options.threads = threads;
      check_same(one, StateSpace(net, options));
    }
  }
}

TEST_CASE("threads take smaller batches where a marking has many new successors") {
  const Net net = make_rings(200, 2, 1);  // 19,900 markings two firings away, 1,313,400 three
  SearchOptions options;
  options.max_states = 300000;
  options.edges = true;
  const StateSpace one(net, options);
  options.threads = 2;
  options.parallel_from = 1;
  const StateSpace two(net, options);
  CHECK(one.expanded() == two.expanded());
  check_same(one, two);
}

TEST_CASE("threads leave the end of a search to one of them") {
  const Net net = make_rings(4, 3, 6);
  SearchOptions options;
  options.max_states = 300000;
  const StateSpace one(net, options);
  options.threads = 2;
  const StateSpace two(net, options);
  CHECK(one.end() == SearchEnd::kStateLimit);
  CHECK(two.end() == SearchEnd::kStateLimit);
  CHECK(one.expanded() == two.expanded());
  check_same(one, two);
}

TEST_CASE("a goal ends a search, and its path leads there") {
  const Net net = make_rings(3, 4, 5);
  // At least four tokens in place 3: 0 - m3 <= -4.
  const Predicate goal(net.places(), Csr<Predicate::Term>::from_rows({{{3, -1}}}), {{-4, 1, 2}});
  for (const unsigned threads : {1U, 2U}) {
    SearchOptions options;
    options.goal = &goal;
    options.threads = threads;
    const StateSpace space(net, options);
    REQUIRE(space.end() == SearchEnd::kGoal);
    CHECK(space.path(space.found()).size() == 12);
    std::vector<Count> marking(net.places());
    space.marking(space.found(), marking.data());
    CHECK(goal.holds(marking.data()));
  }
}

TEST_CASE("a search that is told to stop is partial") {
  const Net net = make_rings(4, 3, 6);
  SearchOptions options;
  options.stop = [](std::uint64_t states) { return states > 50000; };
  for (const unsigned threads : {1U, 2U}) {
    options.threads = threads;
    const StateSpace space(net, options);
    CHECK(space.end() == SearchEnd::kStopped);
    CHECK(space.expanded() < space.size());
    CHECK(space.size() < 614656);
  }
}

TEST_CASE("a place that would exceed the largest count ends the search with its name") {
  // Doubles its tokens with every firing: a -> 3 a.
  const Net net = make_net({1, 0}, {{{{0, 1}}, {{0, kMaxTokens}}}});
  const StateSpace space(net, {});
  CHECK(space.end() == SearchEnd::kTokenOverflow);
  CHECK(space.overflowing_place() == 0);
}

TEST_CASE("a stubborn set finds the deadlock of two that wait for each other") {
  // Two processes take two locks in opposite orders, and give both back.
  const Net net = make_net({1, 0, 0, 1, 0, 0, 1, 1}, {{{{0, 1}, {6, 1}}, {{1, 1}}},
                                                      {{{1, 1}, {7, 1}}, {{2, 1}}},
                                                      {{{2, 1}}, {{0, 1}, {6, 1}, {7, 1}}},
                                                      {{{3, 1}, {7, 1}}, {{4, 1}}},
                                                      {{{4, 1}, {6, 1}}, {{5, 1}}},
                                                      {{{5, 1}}, {{3, 1}, {6, 1}, {7, 1}}}});
  for (const SearchOrder order : {SearchOrder::kBreadthFirst, SearchOrder::kDepthFirst}) {
    SearchOptions options;
    options.order = order;
    options.reduction = Reduction::kDeadlock;
    options.end_at_deadlock = true;
    const StateSpace space(net, options);
    REQUIRE(space.end() == SearchEnd::kGoal);
    CHECK(space.path(space.found()).size() == 2);
  }
}
