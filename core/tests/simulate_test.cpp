#include "petricore/simulate.hpp"

#include <doctest/doctest.h>

#include "nets.hpp"

namespace petricore::test {
namespace {
TEST_CASE("the mean number of customers of an M/M/1 queue is that of its closed form") {
  const Net net = make_net({0}, {{{}, {{0, 1}}}, {{{0, 1}}, {}}});
  TimingSpec spec{std::vector<TransitionTiming>(2), {}, {}};
  spec.transitions[0].rate = 0.5;
  const TimedNet timed(net, spec);
  SimulationOptions options;
  options.replicas = 1000;
  options.until = 100;
  std::vector<Observable> observables{
      {Observable::Measure::kTimeAverage, Expression::parse("p", [](std::string_view) { return 0U; }), {}, 0}};
  options.observables = observables;
  const SimulationResult result = simulate(timed, options);
  double sum = 0;
  for (double x : result.observed) sum += x;
  CHECK(sum / 1000 == doctest::Approx(1).epsilon(0.1));
}
}  // namespace
}  // namespace petricore::test
