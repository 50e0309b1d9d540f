// One test that all exact algorithms pass: means and variances of models whose solution is known in closed form.
#include <doctest/doctest.h>

#include <cmath>

#include "nets.hpp"
#include "petricore/simulate.hpp"

namespace petricore::test {
namespace {

constexpr Algorithm kExact[] = {Algorithm::kDirect, Algorithm::kNextReaction, Algorithm::kRejection,
                                Algorithm::kEventDriven};

std::uint32_t p0(std::string_view) { return 0; }

struct Moments {
  double mean = 0, variance = 0;
};

Moments moments(const std::vector<double>& values) {
  Moments m;
  for (const double value : values) m.mean += value / static_cast<double>(values.size());
  for (const double value : values)
    m.variance += (value - m.mean) * (value - m.mean) / static_cast<double>(values.size());
  return m;
}

Moments of_place(const SimulationResult& result, std::size_t places, std::size_t place) {
  std::vector<double> values;
  for (std::size_t i = place; i < result.final.size(); i += places) values.push_back(result.final[i]);
  return moments(values);
}

// Within 5 standard errors; that of a variance is taken from a Poisson or binomial law: fourth moments near 3.
void check(const Moments& found, double mean, double variance, std::size_t n) {
  const double replicas = static_cast<double>(n);
  CHECK(std::abs(found.mean - mean) < 5 * std::sqrt(variance / replicas));
  CHECK(std::abs(found.variance - variance) < 5 * variance * std::sqrt((2 + 1 / variance) / replicas));
}

constexpr std::size_t kReplicas = 20'000;

SimulationOptions until(Algorithm algorithm, double time) {
  SimulationOptions options;
  options.algorithm = algorithm;
  options.replicas = kReplicas;
  options.seed = 7;
  options.until = time;
  return options;
}

}  // namespace

TEST_CASE("immigration and death: the exact algorithms agree with the Poisson law") {
  const Net net = make_net({0}, {{{}, {{0, 1}}}, {{{0, 1}}, {}}});
  TimingSpec spec{std::vector<TransitionTiming>(2), {}, {}};
  spec.transitions[0].rate = 10;
  spec.transitions[1].rate = 0.7;
  spec.transitions[1].servers = TransitionTiming::kInfiniteServers;
  const double mean = 10 / 0.7 * (1 - std::exp(-0.7 * 1.5));
  for (const RateLaw law : {RateLaw::kServers, RateLaw::kMassAction, RateLaw::kExpression}) {
    spec.transitions[1].law = law;
    spec.expressions.assign(1, Expression::parse("p", p0));
    const TimedNet timed(net, spec);
    for (const Algorithm algorithm : kExact) {
      CAPTURE(algorithm);
      check(of_place(simulate(timed, until(algorithm, 1.5)), 1, 0), mean, mean, kReplicas);
    }
  }
}

TEST_CASE("independent tokens on a cycle of three: the exact algorithms agree with the binomial law") {
  // Rates over several octaves; the stationary share of place i is in proportion to 1 / rate i.
  const Net net = make_ring(3, 30);
  TimingSpec spec{std::vector<TransitionTiming>(3), {}, {}};
  const double rates[] = {0.9, 5, 17};
  double total = 0;
  for (std::size_t t = 0; t < 3; ++t) {
    spec.transitions[t].rate = rates[t];
    spec.transitions[t].servers = TransitionTiming::kInfiniteServers;
    total += 1 / rates[t];
  }
  const TimedNet timed(net, spec);
  for (const Algorithm algorithm : kExact) {
    CAPTURE(algorithm);
    const SimulationResult result = simulate(timed, until(algorithm, 6));
    for (std::size_t p = 0; p < 3; ++p) {
      const double share = 1 / rates[p] / total;
      check(of_place(result, 3, p), 30 * share, 30 * share * (1 - share), kReplicas);
    }
  }
}

TEST_CASE("an M/M/2/5 queue: time average, throughput and shares of time of the exact algorithms are stationary") {
  const Net net = make_net({0}, {{{}, {{0, 1}}}, {{{0, 1}}, {}}}, {5});
  TimingSpec spec{std::vector<TransitionTiming>(2), {}, {}};
  spec.transitions[0].rate = 3;
  spec.transitions[1].rate = 2;
  spec.transitions[1].servers = 2;
  const TimedNet timed(net, spec);
  double weights[6] = {1}, total = 1, mean = 0;
  for (int i = 1; i < 6; ++i) total += weights[i] = weights[i - 1] * 3 / (2 * std::min(i, 2));
  for (int i = 1; i < 6; ++i) mean += i * weights[i] / total;
  const Predicate full(1, Csr<Predicate::Term>({0, 1}, {{0, -1}}), {{-5, 1, 2}});
  using Measure = Observable::Measure;
  const std::vector<Observable> observables{{Measure::kTimeAverage, Expression::parse("p", p0), {}, 0},
                                            {Measure::kThroughput, {}, {}, 1},
                                            {Measure::kTimeIn, {}, full, 0},
                                            {Measure::kMaximum, Expression::parse("p", p0), {}, 0}};
  const double expected[] = {mean, 3 * (1 - weights[5] / total), weights[5] / total, 5};
  for (const Algorithm algorithm : kExact) {
    CAPTURE(algorithm);
    SimulationOptions options = until(algorithm, 210);
    options.replicas = 400;
    options.warmup = 10;
    options.observables = observables;
    const SimulationResult result = simulate(timed, options);
    for (std::size_t i = 0; i < observables.size(); ++i) {
      std::vector<double> values;
      for (std::size_t r = 0; r < 400; ++r) values.push_back(result.observed[r * observables.size() + i]);
      const Moments found = moments(values);
      CHECK(std::abs(found.mean - expected[i]) <= 5 * std::sqrt(found.variance / 400) + 1e-9);
    }
  }
}

TEST_CASE("immediate transitions fire by priority and by weight, and take no time") {
  // An arrival goes to place 1 or 2, with weights 1 and 3; a transition of lower priority never gets it.
  const Net net = make_net(
      {0, 0, 0, 0},
      {{{}, {{0, 1}}}, {{{0, 1}}, {{1, 1}}, {}, {}, {}, 1}, {{{0, 1}}, {{2, 1}}, {}, {}, {}, 1}, {{{0, 1}}, {{3, 1}}}});
  TimingSpec spec{std::vector<TransitionTiming>(4), {}, {}};
  spec.transitions[0].rate = 8;
  for (std::size_t t = 1; t < 4; ++t) spec.transitions[t].timing = Timing::kImmediate;
  spec.transitions[2].weight = 3;
  const TimedNet timed(net, spec);
  for (const Algorithm algorithm : kExact) {
    CAPTURE(algorithm);
    const SimulationResult result = simulate(timed, until(algorithm, 2));
    check(of_place(result, 4, 1), 4, 4, kReplicas);
    check(of_place(result, 4, 2), 12, 12, kReplicas);
    CHECK(of_place(result, 4, 0).mean == 0);
    CHECK(of_place(result, 4, 3).mean == 0);
  }
}

TEST_CASE("tau-leaping comes near the Poisson law, and no count goes negative") {
  const Net net = make_net({0}, {{{}, {{0, 1}}}, {{{0, 1}}, {}}});
  TimingSpec spec{std::vector<TransitionTiming>(2), {}, {}};
  spec.transitions[0].rate = 5000;
  spec.transitions[1].law = RateLaw::kMassAction;
  const TimedNet timed(net, spec);
  SimulationOptions options = until(Algorithm::kTauLeaping, 8);
  options.replicas = 1000;
  const SimulationResult result = simulate(timed, options);
  const Moments found = of_place(result, 1, 0);
  const double mean = 5000 * (1 - std::exp(-8));
  CHECK(std::abs(found.mean - mean) < 0.005 * mean);
  CHECK(std::abs(found.variance - mean) < 0.25 * mean);
  CHECK(result.events[0] < 10'000);  // of some 75,000
}

TEST_CASE("what dies by leaps dies out exactly") {
  // Pairs annihilate, singles decay.
  const Net net = make_net({100'000}, {{{{0, 2}}, {}}, {{{0, 1}}, {}}});
  TimingSpec spec{std::vector<TransitionTiming>(2), {}, {}};
  spec.transitions[0].rate = 1e-4;
  for (auto& timing : spec.transitions) timing.law = RateLaw::kMassAction;
  const TimedNet timed(net, spec);
  SimulationOptions options = until(Algorithm::kTauLeaping, 1e6);
  options.replicas = 50;
  const SimulationResult result = simulate(timed, options);
  for (std::size_t i = 0; i < 50; ++i) {
    CHECK(result.final[i] == 0);
    CHECK(result.ends[i] == ReplicaEnd::kDead);
    CHECK(2 * result.firings[2 * i] + result.firings[2 * i + 1] == 100'000);
  }
}

}  // namespace petricore::test
