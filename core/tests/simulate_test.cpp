#include "petricore/simulate.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "../src/simulate/natural_log.hpp"
#include "nets.hpp"
#include "petricore/philox.hpp"

namespace petricore::test {
namespace {

constexpr Algorithm kAll[] = {Algorithm::kDirect,     Algorithm::kNextReaction, Algorithm::kRejection,
                              Algorithm::kTauLeaping, Algorithm::kEventDriven,  Algorithm::kTokenGame,
                              Algorithm::kMaximalStep};

// Infection, recovery and loss of immunity.
Net sirs(Count infected = 20) {
  return make_net({200, infected, 0}, {{{{0, 1}, {1, 1}}, {{1, 2}}}, {{{1, 1}}, {{2, 1}}}, {{{2, 1}}, {{0, 1}}}});
}

TimingSpec sirs_timing() {
  TimingSpec spec{std::vector<TransitionTiming>(3), {}, {}};
  const double rates[] = {0.004, 0.3, 0.2};
  for (std::size_t t = 0; t < 3; ++t) {
    spec.transitions[t].law = RateLaw::kMassAction;
    spec.transitions[t].rate = rates[t];
  }
  return spec;
}

SimulationOptions options_of(Algorithm algorithm, std::uint64_t replicas, double until) {
  SimulationOptions options;
  options.algorithm = algorithm;
  options.replicas = replicas;
  options.until = until;
  options.seed = 42;
  return options;
}

template <class T>
std::vector<T> rows(const std::vector<T>& values, std::size_t columns, std::size_t first, std::size_t last) {
  return {values.begin() + static_cast<std::ptrdiff_t>(first * columns),
          values.begin() + static_cast<std::ptrdiff_t>(last * columns)};
}

SimulationFault fault_of(const TimedNet& timed, const SimulationOptions& options) {
  try {
    simulate(timed, options);
  } catch (const SimulationFault& fault) {
    return fault;
  }
  FAIL("no fault");
  return {SimulationFault::Kind::kBadRate, 0, 0, 0, 0};
}

Expression place(std::string_view text, std::uint32_t index = 0) {
  return Expression::parse(text, [index](std::string_view) { return index; });
}

// m[0] >= count, of `places`
Predicate at_least(std::size_t places, Count count) {
  return {places, Csr<Predicate::Term>({0, 1}, {{0, -1}}), {{-std::int64_t{count}, 1, 2}}};
}

}  // namespace

TEST_CASE("the direct method is its specification, bit by bit") {
  const Net net = sirs();
  const TimedNet timed(net, sirs_timing());
  SimulationOptions options = options_of(Algorithm::kDirect, 4, 9);
  options.first_replica = 3;
  options.record = Record::kEvents;
  const SimulationResult result = simulate(timed, options);
  for (std::size_t r = 0; r < 4; ++r) {
    std::vector<Count> marking = net.spec().initial;
    double time = 0;
    std::size_t at = static_cast<std::size_t>(result.offsets[r]);
    for (std::uint64_t n = 0;; ++n) {
      double a[3], total = 0;
      for (std::size_t t = 0; t < 3; ++t)
        total += a[t] = timed.propensity(t, marking.data(), timed.timing(t).rate, nullptr);
      if (total == 0) break;
      const PhiloxBlock block = block_of(42, 3 + r, n);
      const double dt = -natural_log(open_unit(block)) / total;
      if (time + dt > 9) {
        CHECK(result.times[r] == 9);
        break;
      }
      time += dt;
      const double threshold = unit(block) * total;
      std::size_t t = 0;
      for (double sum = a[0]; sum <= threshold && t < 2;) sum += a[++t];
      REQUIRE(result.event_transitions[at] == static_cast<std::int32_t>(t));
      REQUIRE(result.event_times[at] == time);
      for (const Link& link : net.links(t)) marking[link.place] += link.delta();
      ++at;
    }
    CHECK(at == static_cast<std::size_t>(result.offsets[r + 1]));
    CHECK(rows(result.final, 3, r, r + 1) == marking);
  }
}

TEST_CASE("a replica is the same on any number of threads, alone or among others") {
  const Net net = sirs();
  const TimedNet timed(net, sirs_timing());
  for (const Algorithm algorithm : kAll) {
    CAPTURE(algorithm);
    SimulationOptions options = options_of(algorithm, 2500, 3);
    options.threads = 1;
    const SimulationResult one = simulate(timed, options);
    options.threads = 3;
    const SimulationResult three = simulate(timed, options);
    CHECK(one.final == three.final);
    CHECK(one.times == three.times);
    CHECK(one.firings == three.firings);
    CHECK(one.ends == three.ends);
    options.first_replica = 1000;
    options.replicas = 7;
    const SimulationResult some = simulate(timed, options);
    CHECK(some.final == rows(one.final, 3, 1000, 1007));
    CHECK(some.times == rows(one.times, 1, 1000, 1007));
    options.seed = 43;
    CHECK(simulate(timed, options).final != some.final);
  }
}

TEST_CASE("each point of a sweep is what its rates give alone, with the same random numbers") {
  const Net net = sirs();
  const TimedNet timed(net, sirs_timing());
  const std::vector<double> rates{0.004, 0.3, 0.2, 0.001, 0.1, 0};
  SimulationOptions options = options_of(Algorithm::kNextReaction, 5, 4);
  options.rates = rates;
  const SimulationResult sweep = simulate(timed, options);
  CHECK(sweep.final.size() == 2 * 5 * 3);
  options.rates = std::span(rates).subspan(3);
  CHECK(simulate(timed, options).final == rows(sweep.final, 3, 5, 10));
  options.rates = {};
  CHECK(simulate(timed, options).final == rows(sweep.final, 3, 0, 5));
}

TEST_CASE("firings lead from the initial markings to the final ones") {
  const Net net = sirs();
  const TimedNet timed(net, sirs_timing());
  const std::vector<Count> initial{100, 5, 0, 3, 90, 4, 0, 7, 60};
  for (const Algorithm algorithm : kAll) {
    CAPTURE(algorithm);
    SimulationOptions options = options_of(algorithm, 3, 5);
    options.initial = initial;
    const SimulationResult result = simulate(timed, options);
    for (std::size_t r = 0; r < 3; ++r) {
      const std::int64_t* fired = &result.firings[3 * r];
      CHECK(result.final[3 * r] == initial[3 * r] - fired[0] + fired[2]);
      CHECK(result.final[3 * r + 1] == initial[3 * r + 1] + fired[0] - fired[1]);
      CHECK(result.final[3 * r + 2] == initial[3 * r + 2] + fired[1] - fired[2]);
    }
  }
}

TEST_CASE("a replica ends by time, steps, a condition, a limit, or because nothing can fire") {
  const Net growing = make_net({0}, {{{}, {{0, 1}}}});
  const TimedNet timed(growing, {std::vector<TransitionTiming>(1), {}, {}});
  const Predicate five = at_least(1, 5);
  SimulationOptions options = options_of(Algorithm::kDirect, 1, 1e9);
  options.steps = 7;
  SimulationResult result = simulate(timed, options);
  CHECK(result.ends[0] == ReplicaEnd::kSteps);
  CHECK(result.events[0] == 7);
  options.end_when = &five;
  result = simulate(timed, options);
  CHECK(result.ends[0] == ReplicaEnd::kCondition);
  CHECK(result.final[0] == 5);
  options.most_events = 3;
  result = simulate(timed, options);
  CHECK(result.ends[0] == ReplicaEnd::kEventLimit);
  CHECK(result.final[0] == 3);
  options.until = 0;
  result = simulate(timed, options);
  CHECK(result.ends[0] == ReplicaEnd::kTime);
  CHECK(result.times[0] == 0);

  const Net dying = make_net({4}, {{{{0, 1}}, {}}});
  const TimedNet mortal(dying, {std::vector<TransitionTiming>(1), {}, {}});
  for (const Algorithm algorithm : kAll) {
    CAPTURE(algorithm);
    result = simulate(mortal, options_of(algorithm, 1, 1e9));
    CHECK(result.ends[0] == ReplicaEnd::kDead);
    CHECK(result.final[0] == 0);
    CHECK(result.times[0] < 100);
  }
}

TEST_CASE("what is recorded on a grid, event by event and by observables agrees") {
  const Net net = sirs();
  const TimedNet timed(net, sirs_timing());
  using Measure = Observable::Measure;
  const Predicate many = at_least(3, 190);
  const std::vector<Observable> observables{
      {Measure::kFinal, place("s"), {}, 0},   {Measure::kTimeAverage, place("s * s"), {}, 0},
      {Measure::kMaximum, place("s"), {}, 0}, {Measure::kMinimum, place("s"), {}, 0},
      {Measure::kThroughput, {}, {}, 1},      {Measure::kFirstPassage, {}, at_least(3, 201), 0},
      {Measure::kTimeIn, {}, many, 0}};
  const std::vector<double> grid{0, 0.5, 0.5, 2, 3.75, 4, 10};
  for (const Algorithm algorithm :
       {Algorithm::kDirect, Algorithm::kNextReaction, Algorithm::kRejection, Algorithm::kEventDriven}) {
    CAPTURE(algorithm);
    SimulationOptions options = options_of(algorithm, 6, 4);
    options.observables = observables;
    options.warmup = 1;
    options.record = Record::kEvents;
    const SimulationResult events = simulate(timed, options);
    options.record = Record::kGrid;
    options.grid = grid;
    const SimulationResult gridded = simulate(timed, options);
    CHECK(events.observed == gridded.observed);
    for (std::size_t r = 0; r < 6; ++r) {
      std::vector<Count> marking = net.spec().initial;
      double time = 0, area = 0, inside = 0, first = INFINITY;
      Count most = marking[0], least = marking[0];
      std::int64_t recovered = 0;
      std::size_t g = 0;
      const auto pass = [&](double to) {
        for (; g < grid.size() && grid[g] < to; ++g)
          CHECK(rows(gridded.grid, 3, r * grid.size() + g, r * grid.size() + g + 1) == marking);
        const double span = std::max(0.0, to - std::max(time, 1.0));
        area += span * marking[0] * marking[0];
        if (marking[0] >= 190) inside += span;
        time = to;
      };
      for (auto i = static_cast<std::size_t>(events.offsets[r]); std::cmp_less(i, events.offsets[r + 1]); ++i) {
        pass(events.event_times[i]);
        const auto t = static_cast<std::size_t>(events.event_transitions[i]);
        for (const Link& link : net.links(t)) marking[link.place] += link.delta();
        most = std::max(most, marking[0]);
        least = std::min(least, marking[0]);
        if (marking[0] >= 201) first = std::min(first, time);
        if (t == 1 && time >= 1) ++recovered;
      }
      pass(4);
      const double* observed = &events.observed[r * observables.size()];
      CHECK(observed[0] == marking[0]);
      CHECK(observed[1] == doctest::Approx(area / 3));
      CHECK(observed[2] == most);
      CHECK(observed[3] == least);
      CHECK(observed[4] == doctest::Approx(static_cast<double>(recovered) / 3));
      CHECK(observed[5] == first);
      CHECK(observed[6] == doctest::Approx(inside / 3));
      CHECK(rows(gridded.grid, 3, r * grid.size() + 6, r * grid.size() + 7) == marking);
    }
  }
}

TEST_CASE("a dead marking is averaged over the time in which it stays") {
  const Net net = make_net({1}, {{{{0, 1}}, {}}});
  TimingSpec spec{std::vector<TransitionTiming>(1), {}, {}};
  spec.transitions[0].rate = 1e6;
  const TimedNet timed(net, spec);
  const std::vector<Observable> observables{{Observable::Measure::kTimeAverage, place("p"), {}, 0}};
  SimulationOptions options = options_of(Algorithm::kDirect, 1, 10);
  options.observables = observables;
  CHECK(simulate(timed, options).observed[0] < 1e-4);
}

TEST_CASE("an expression that is negative, infinite or not a number is told with transition, value and replica") {
  const Net net = make_net({3}, {{{{0, 1}}, {}}, {{}, {}, {{0, 1}}}});
  for (const Algorithm algorithm :
       {Algorithm::kDirect, Algorithm::kNextReaction, Algorithm::kRejection, Algorithm::kTauLeaping}) {
    CAPTURE(algorithm);
    for (const char* text : {"p - 1.5", "1 / (p - 1)", "log(p - 2)"}) {
      TimingSpec spec{std::vector<TransitionTiming>(2), {}, {place(text)}};
      spec.transitions[1].law = RateLaw::kExpression;
      spec.transitions[1].rate = 1e-9;
      const TimedNet timed(net, spec);
      SimulationOptions options = options_of(algorithm, 5, 1e6);
      options.threads = 2;
      const SimulationFault fault = fault_of(timed, options);
      CHECK(fault.kind == SimulationFault::Kind::kBadRate);
      CHECK(fault.index == 1);
      CHECK(fault.replica == 0);
      CHECK_FALSE(std::isfinite(std::sqrt(fault.value)));
    }
  }
}

TEST_CASE("a fault ends the call although later replicas would run for ever") {
  const Net net = make_net({0, 1}, {{{{0, 1}}, {{1, kMaxTokens}}}, {{}, {}, {{1, 1}}}});
  const TimedNet timed(net, {std::vector<TransitionTiming>(2), {}, {}});
  const std::vector<Count> initial{1, 1, 0, 1, 0, 1};
  SimulationOptions options = options_of(Algorithm::kNextReaction, 3, INFINITY);
  options.initial = initial;
  options.threads = 3;
  CHECK(fault_of(timed, options).replica == 0);
}

TEST_CASE("what stop throws ends the call on all threads") {
  const Net net = make_ring(5, 3);
  const TimedNet timed(net, {std::vector<TransitionTiming>(5), {}, {}});
  SimulationOptions options = options_of(Algorithm::kDirect, 3, INFINITY);
  options.threads = 2;
  options.stop = [](std::uint64_t) -> bool { throw std::runtime_error("enough"); };
  CHECK_THROWS_WITH(simulate(timed, options), "enough");
}

TEST_CASE("a count beyond what a place can hold is told with the place") {
  const Net net = make_net({0, kMaxTokens - 5}, {{{}, {{0, 1}, {1, 2}}}});
  const TimedNet timed(net, {std::vector<TransitionTiming>(1), {}, {}});
  for (const Algorithm algorithm : kAll) {
    CAPTURE(algorithm);
    const SimulationFault fault = fault_of(timed, options_of(algorithm, 2, 1e6));
    CHECK(fault.kind == SimulationFault::Kind::kTokenOverflow);
    CHECK(fault.index == 1);
    CHECK(fault.value == 2147483648.0);
    CHECK(fault.replica == 0);
  }
}

TEST_CASE("immediate transitions that fire for ever are told, and only they") {
  const Net net =
      make_net({1, 0, 0, 9}, {{{{0, 1}}, {{1, 1}}}, {{{1, 1}}, {{2, 1}}}, {{{2, 1}}, {{1, 1}}}, {{{3, 1}}, {}}});
  TimingSpec spec{std::vector<TransitionTiming>(4), {}, {}};
  for (std::size_t t = 1; t < 4; ++t) spec.transitions[t].timing = Timing::kImmediate;
  const TimedNet timed(net, spec);
  for (const Algorithm algorithm : {Algorithm::kDirect, Algorithm::kNextReaction, Algorithm::kRejection}) {
    const SimulationFault fault = fault_of(timed, options_of(algorithm, 1, 1e6));
    CHECK(fault.kind == SimulationFault::Kind::kImmediateLoop);
    CHECK(fault.loop == std::vector<std::uint32_t>{1, 2});
    CHECK(fault.time > 0);
  }
}

TEST_CASE("a call stops when it is told to, in a replica that would never end, on any number of threads") {
  const Net net = make_ring(5, 3);
  const TimedNet timed(net, {std::vector<TransitionTiming>(5), {}, {}});
  for (const unsigned threads : {1U, 2U}) {
    for (const Algorithm algorithm : kAll) {
      SimulationOptions options = options_of(algorithm, 3, INFINITY);
      options.threads = threads;
      std::uint64_t asked = 0, told = 0;
      options.stop = [&](std::uint64_t done) {
        told = done;
        return ++asked == 3;
      };
      simulate(timed, options);
      CHECK(asked == 3);
      CHECK(told > 0);
    }
  }
}

TEST_CASE("options that disagree are refused") {
  const Net net = sirs();
  const TimedNet timed(net, sirs_timing());
  const auto refused = [&](auto&& change) {
    SimulationOptions options = options_of(Algorithm::kDirect, 2, 5);
    change(options);
    CHECK_THROWS_AS(simulate(timed, options), std::invalid_argument);
  };
  static const std::vector<double> backwards{2, 1}, negative{1, 1, -1};
  static const std::vector<Count> short_marking{1, 2}, minus{1, 2, -3};
  static const Predicate other = at_least(2, 1);
  static const std::vector<Observable> empty{{Observable::Measure::kMaximum, {}, {}, 0}};
  refused([](auto& options) { options.replicas = 0; });
  refused([](auto& options) { options.until = -1; });
  refused([](auto& options) { options.until = NAN; });
  refused([](auto& options) { options.warmup = 6; });
  refused([](auto& options) { options.tolerance = 0; });
  refused([](auto& options) { options.grid = backwards; });
  refused([](auto& options) {
    options.record = Record::kGrid;
    options.grid = backwards;
  });
  refused([](auto& options) { options.rates = negative; });
  refused([](auto& options) { options.initial = short_marking; });
  refused([](auto& options) { options.initial = minus; });
  refused([](auto& options) { options.end_when = &other; });
  refused([](auto& options) { options.observables = empty; });
  refused([](auto& options) {
    options.algorithm = Algorithm::kTauLeaping;
    options.record = Record::kEvents;
  });
}

TEST_CASE("transitions of the token game fire by weight, those of higher priority first") {
  const Net net = make_net(
      {1000, 0, 0, 0},
      {{{{0, 1}}, {{1, 1}}, {}, {}, {}, 2}, {{{0, 1}}, {{2, 1}}, {}, {}, {}, 2}, {{{0, 1}}, {{3, 1}}, {}, {}, {}, 1}});
  TimingSpec spec{std::vector<TransitionTiming>(3), {}, {}};
  spec.transitions[1].weight = 3;
  const TimedNet timed(net, spec);
  const SimulationResult result = simulate(timed, options_of(Algorithm::kTokenGame, 100, INFINITY));
  double mean = 0;
  for (std::size_t r = 0; r < 100; ++r) {
    mean += result.final[4 * r + 2] / 100.0;
    CHECK(result.final[4 * r + 3] == 0);
    CHECK(result.times[r] == 1000);
  }
  CHECK(std::abs(mean - 750) < 5 * std::sqrt(1000 * 0.25 * 0.75 / 100));
}

}  // namespace petricore::test
