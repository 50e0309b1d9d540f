#include "petricore/timing.hpp"

#include <doctest/doctest.h>

#include "nets.hpp"

namespace petricore::test {
namespace {

TimingSpec timing_of(std::size_t transitions) { return {std::vector<TransitionTiming>(transitions), {}, {}}; }

std::vector<std::uint32_t> affected(const TimedNet& timed, std::size_t t) {
  return {timed.affected(t).begin(), timed.affected(t).end()};
}

}  // namespace

TEST_CASE("a firing affects those that look at a place it changes, by an arc or by an expression") {
  // 0 moves a token on, 1 moves it back, 2 only produces into place 0, 3 reads place 2 and its rate names place 0.
  const Net net = make_net({1, 0, 1}, {{{{0, 1}}, {{1, 1}}}, {{{1, 1}}, {{0, 1}}}, {{}, {{0, 1}}}, {{}, {}, {{2, 1}}}});
  TimingSpec spec = timing_of(4);
  spec.transitions[3].law = RateLaw::kExpression;
  spec.expressions.push_back(Expression::parse("p", [](std::string_view) { return 0U; }));
  const TimedNet timed(net, spec);
  CHECK(affected(timed, 0) == std::vector<std::uint32_t>{0, 1, 3});
  CHECK(affected(timed, 2) == std::vector<std::uint32_t>{0, 3});
  CHECK(affected(timed, 3).empty());
  double registers[1];
  const Count marking[] = {4, 0, 1}, without[] = {4, 0, 0};
  CHECK(timed.propensity(3, marking, 0.5, registers) == 2);
  CHECK(timed.propensity(3, without, 0.5, registers) == 0);
}

TEST_CASE("servers, capacities, inhibitors and self-loops bound how often a transition fires at once") {
  const Net net =
      make_net({7, 3}, {{{{0, 2}}, {{1, 1}}}, {{{0, 3}}, {{0, 2}}}, {{{0, 1}}, {}, {}, {{1, 4}}}}, {kUnbounded, 5});
  TimingSpec spec = timing_of(3);
  for (TransitionTiming& timing : spec.transitions) timing.servers = TransitionTiming::kInfiniteServers;
  const TimedNet timed(net, spec);
  const Count marking[] = {7, 3}, full[] = {7, 5};
  CHECK(timed.busy_servers(0, marking) == 2);  // 3 by tokens, 2 by capacity
  CHECK(timed.busy_servers(1, marking) == 2);
  CHECK(timed.busy_servers(2, marking) == 7);
  CHECK(timed.busy_servers(2, full) == 0);
  CHECK(timed.propensity(0, marking, 0.5, nullptr) == 1);
}

TEST_CASE("mass action counts the ways to choose the tokens") {
  const Net net = make_net({5, 4}, {{{{0, 2}, {1, 3}}, {}}});
  TimingSpec spec = timing_of(1);
  spec.transitions[0].law = RateLaw::kMassAction;
  const TimedNet timed(net, spec);
  const Count marking[] = {5, 4}, few[] = {1, 4};
  CHECK(timed.propensity(0, marking, 0.5, nullptr) == 0.5 * 10 * 4);
  CHECK(timed.propensity(0, few, 0.5, nullptr) == 0);
}

TEST_CASE("timings that mean nothing are refused, by transition") {
  const Net net = make_net({1}, {{{{0, 1}}, {}}, {{}, {{0, 1}}}});
  const auto refused = [&](auto&& change) {
    TimingSpec spec = timing_of(2);
    change(spec);
    CHECK_THROWS_AS(TimedNet(net, spec), std::invalid_argument);
  };
  refused([](TimingSpec& spec) { spec.transitions.pop_back(); });
  refused([](TimingSpec& spec) { spec.transitions[1].rate = -1; });
  refused([](TimingSpec& spec) { spec.transitions[1].rate = std::numeric_limits<double>::quiet_NaN(); });
  refused([](TimingSpec& spec) { spec.transitions[1].weight = 0; });
  refused([](TimingSpec& spec) { spec.transitions[1].servers = 0; });
  refused([](TimingSpec& spec) { spec.transitions[1].servers = TransitionTiming::kInfiniteServers; });
  refused([](TimingSpec& spec) { spec.transitions[1].law = RateLaw::kExpression; });
  refused([](TimingSpec& spec) { spec.transitions[1].timing = Timing::kGeneral; });
  refused([](TimingSpec& spec) {
    spec.transitions[1].timing = Timing::kGeneral;
    spec.delays.push_back({Family::kUniform, 2, 1, 0, {}});
  });
}

}  // namespace petricore::test
