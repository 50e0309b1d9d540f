#include "petricore/state_graph.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "petricore/components.hpp"

using namespace petricore;

namespace {

// 0 -> 1 -> 2 -> 1, 0 -> 3 -> 4 (a deadlock), 3 -> 3
const std::vector<std::int64_t> kOffsets{0, 2, 3, 4, 6, 6};
const std::vector<std::uint32_t> kTargets{1, 3, 2, 1, 3, 4};
const StateGraph::Words kAll{0b11111};

}  // namespace

TEST_CASE("the operators of CTL are labelled on a graph with a loop and a deadlock") {
  const StateGraph graph(5, kOffsets, kTargets);
  const StateGraph::Words last{0b10000};
  CHECK(graph.some_next(last, false) == StateGraph::Words{0b01000});
  CHECK(graph.some_until(kAll, last, false) == StateGraph::Words{0b11001});
  CHECK(graph.every_until(kAll, last, false) == last);  // 3 can go round for ever
  CHECK(graph.every_until(kAll, StateGraph::Words{0b01010}, false) == StateGraph::Words{0b01111});
}

TEST_CASE("a frontier is in no set for certain and in each by chance") {
  // State 3 is not expanded, and 4 has not been found.
  const StateGraph graph(4, std::span(kOffsets).first(4), std::span(kTargets).first(4));
  CHECK(graph.expanded() == 3);
  const StateGraph::Words everywhere{0b1111}, nowhere{0};
  CHECK(graph.some_until(everywhere, nowhere, false) == nowhere);
  CHECK(graph.some_until(everywhere, nowhere, true) == StateGraph::Words{0b1001});
  CHECK(graph.some_next(nowhere, true) == StateGraph::Words{0b1000});
  CHECK_THROWS_AS(components(graph, std::vector<std::int32_t>{0, 0, 0, 0}, 1), std::invalid_argument);
}

TEST_CASE("a route is shortest and a lasso is a stem and a loop") {
  const StateGraph graph(5, kOffsets, kTargets);
  CHECK(graph.route(0, kAll, StateGraph::Words{0b10000}) == std::vector<std::int64_t>{1, 5});
  CHECK_FALSE(graph.route(1, kAll, StateGraph::Words{0b10000}));
  CHECK_FALSE(graph.route(0, StateGraph::Words{0b00001}, StateGraph::Words{0b10000}));
  const auto loop = graph.lasso(0, StateGraph::Words{0b00111});
  REQUIRE(loop);
  CHECK(loop->edges == std::vector<std::int64_t>{0, 2, 3});
  CHECK(loop->repeats_from == 1);
  const auto end = graph.lasso(4, kAll);
  REQUIRE(end);
  CHECK(end->edges.empty());
}

TEST_CASE("a transition is live if each terminal component fires it") {
  const StateGraph graph(5, kOffsets, kTargets);
  const Components both = components(graph, std::vector<std::int32_t>{0, 0, 1, 2, 0, 0}, 3);
  CHECK(both.terminal.size() == 4);
  CHECK(both.of[1] == both.of[2]);
  CHECK(both.terminal[both.of[4]] == 1);
  CHECK(both.terminal[both.of[3]] == 0);
  for (const std::uint32_t state : both.stuck_at) CHECK(state != Components::kNone);  // the deadlock fires none

  const std::vector<std::int64_t> offsets{0, 1, 2, 3};
  const std::vector<std::uint32_t> targets{1, 2, 1};
  const StateGraph ring(3, offsets, targets);
  const Components live = components(ring, std::vector<std::int32_t>{0, 1, 2}, 3);
  CHECK(live.stuck_at[0] != Components::kNone);
  CHECK(live.stuck_at[1] == Components::kNone);
  CHECK(live.stuck_at[2] == Components::kNone);
}

TEST_CASE("tables that are no graph are refused") {
  CHECK_THROWS_AS(StateGraph(1, std::vector<std::int64_t>{0, 1}, std::vector<std::uint32_t>{1}), std::invalid_argument);
  CHECK_THROWS_AS(StateGraph(1, std::vector<std::int64_t>{0, 2}, std::vector<std::uint32_t>{0}), std::invalid_argument);
  CHECK_THROWS_AS(StateGraph(1, std::vector<std::int64_t>{0, 0, 0}, std::vector<std::uint32_t>{}),
                  std::invalid_argument);
}
