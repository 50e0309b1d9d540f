#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "nets.hpp"
#include "petricore/simulate.hpp"
#include "simulate/clocks.hpp"
#include "simulate/delays.hpp"

namespace petricore::test {
namespace {

constexpr double kForever = std::numeric_limits<double>::infinity();

struct Moments {
  double mean, variance;
};

Moments moments_of(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double x : values) squares += (x - mean) * (x - mean);
  return {mean, squares / (n - 1)};
}

// Five standard deviations of the mean of n values.
double five_sigma(double variance, std::size_t n) { return 5 * std::sqrt(variance / static_cast<double>(n)); }

TransitionTiming general(std::uint32_t delay, Count servers = 1, Memory memory = Memory::kEnabling) {
  TransitionTiming timing;
  timing.timing = Timing::kGeneral;
  timing.delay = delay;
  timing.servers = servers;
  timing.memory = memory;
  return timing;
}

TransitionTiming exponential(double rate, Count servers = 1) {
  TransitionTiming timing;
  timing.rate = rate;
  timing.servers = servers;
  return timing;
}

TransitionTiming immediate(double weight) {
  TransitionTiming timing;
  timing.timing = Timing::kImmediate;
  timing.weight = weight;
  return timing;
}

SimulationOptions event_driven(std::uint64_t replicas, double until) {
  SimulationOptions options;
  options.algorithm = Algorithm::kEventDriven;
  options.replicas = replicas;
  options.until = until;
  options.seed = 1;
  return options;
}

SimulationResult events_of(const Net& net, TimingSpec spec, SimulationOptions options) {
  options.record = Record::kEvents;
  return simulate(TimedNet(net, std::move(spec)), options);
}

Observable average_of(std::uint32_t place) {
  return {
      Observable::Measure::kTimeAverage, Expression::parse("p", [place](std::string_view) { return place; }), {}, 0};
}

// The mean over replicas of the time average of a place, and the variance between replicas.
Moments time_average(const Net& net, TimingSpec spec, SimulationOptions options, std::uint32_t place) {
  const std::vector<Observable> observables{average_of(place)};
  options.observables = observables;
  return moments_of(simulate(TimedNet(net, std::move(spec)), options).observed);
}

}  // namespace

TEST_CASE("delays have the mean and the variance of their distribution") {
  struct Case {
    Delay delay;
    Moments exact;
  };
  const double e = std::exp(0.25);  // sigma^2 of the lognormal
  const Case cases[] = {
      {{Family::kDeterministic, 2, 0, 0, {}}, {2, 0}},
      {{Family::kUniform, 1, 4, 0, {}}, {2.5, 0.75}},
      {{Family::kErlang, 1, 2, 0, {}}, {0.5, 0.25}},
      {{Family::kErlang, 5, 2, 0, {}}, {2.5, 1.25}},
      {{Family::kErlang, 7, 2, 0, {}}, {3.5, 1.75}},
      {{Family::kErlang, 400, 10, 0, {}}, {40, 4}},
      {{Family::kLognormal, 0.3, 0.5, 0, {}}, {std::exp(0.3) * std::sqrt(e), (e - 1) * e * std::exp(0.6)}},
      {{Family::kWeibull, 2, 3, 0, {}}, {3 * std::tgamma(1.5), 9 * (1 - std::tgamma(1.5) * std::tgamma(1.5))}},
      {{Family::kWeibull, 1, 3, 0, {}}, {3, 9}},
      {{Family::kTriangular, 1, 5, 2, {}}, {8.0 / 3, 13.0 / 18}},
      {{Family::kTriangular, 1, 1, 1, {}}, {1, 0}},
      {{Family::kTriangular, 0, 3, 0, {}}, {1, 0.5}},
      {{Family::kEmpirical, 0, 0, 0, {1, 1, 4}}, {2, 2}},
  };
  constexpr std::size_t kDraws = 200'000;
  Stream stream(7, 0, StreamKind::kClocks);
  std::vector<double> values(kDraws), squares(kDraws);
  for (const Case& tried : cases) {
    const auto& delay = tried.delay;
    const auto& exact = tried.exact;
    for (double& value : values) value = draw(delay, stream);
    CAPTURE(static_cast<int>(delay.family));
    CAPTURE(delay.a);
    CHECK(std::ranges::all_of(values, [](double x) { return x >= 0 && x < kForever; }));
    const Moments found = moments_of(values);
    for (std::size_t i = 0; i < kDraws; ++i) squares[i] = (values[i] - exact.mean) * (values[i] - exact.mean);
    CHECK(std::abs(found.mean - exact.mean) <= five_sigma(exact.variance, kDraws) + 1e-9);
    CHECK(std::abs(found.variance - exact.variance) <= five_sigma(moments_of(squares).variance, kDraws) + 1e-9);
  }
}

TEST_CASE("delays stay within their bounds, and those beyond the doubles never ring") {
  Stream stream(8, 0, StreamKind::kClocks);
  const Delay uniform{Family::kUniform, 1, 1 + 1e-15, 0, {}}, triangular{Family::kTriangular, 1, 3, 3, {}};
  for (int i = 0; i < 10'000; ++i) {
    const double u = draw(uniform, stream), t = draw(triangular, stream);
    REQUIRE((u >= uniform.a && u <= uniform.b && t >= triangular.a && t <= triangular.b));
  }
  CHECK(draw({Family::kLognormal, 1e308, 0, 0, {}}, stream) == kForever);
}

TEST_CASE("clocks ring in the order of time, rank and age, whatever was moved, paused and removed") {
  struct Model {
    double time;
    std::uint32_t transition;
    std::uint64_t born;
    bool runs;
  };
  constexpr std::uint32_t kTransitions = 5;
  const std::vector<std::uint32_t> ranks{3, 1, 4, 0, 2};
  Clocks clocks(ranks);
  std::vector<std::vector<Model>> model(kTransitions);  // oldest first, as in Clocks
  Stream stream(9, 0, StreamKind::kClocks);
  const auto below = [&](std::uint64_t n) { return static_cast<std::uint32_t>(stream.next() % n); };
  std::uint64_t born = 0;
  double now = 0;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint32_t t = below(kTransitions);
    auto& row = model[t];
    const auto running = static_cast<std::uint32_t>(std::ranges::count_if(row, &Model::runs));
    REQUIRE(clocks.running(t) == running);
    REQUIRE(clocks.paused(t) == (running < row.size()));
    switch (below(4)) {
      case 0:
        if (running < row.size() || row.size() > 8) break;
        row.push_back({now + below(6), t, born++, true});
        clocks.start(t, now, row.back().time);
        break;
      case 1:
        if (running == 0) break;
        row[running - 1].time -= now;
        row[running - 1].runs = false;
        clocks.pause(t, now);
        break;
      case 2:
        if (running == row.size()) break;
        row[running].time += now;
        row[running].runs = true;
        clocks.resume(t, now);
        break;
      default: {
        const Model* first = nullptr;
        for (const auto& list : model) {
          for (const Model& clock : list) {
            if (!clock.runs) continue;
            const auto key = [&](const Model& m) { return std::tuple(m.time, ranks[m.transition], m.born); };
            if (first == nullptr || key(clock) < key(*first)) first = &clock;
          }
        }
        REQUIRE(clocks.empty() == (first == nullptr));
        if (first == nullptr) break;
        const Model chosen = *first;
        const std::uint32_t clock = clocks.next();
        REQUIRE(clocks.time(clock) == chosen.time);
        REQUIRE(clocks.transition(clock) == chosen.transition);
        now = chosen.time;
        auto& list = model[chosen.transition];
        const auto found = std::ranges::find(list, chosen.born, &Model::born);
        if (below(3) == 0) {
          found->time += 2;
          clocks.move(clock, found->time);
        } else if (clocks.is_alone(clock)) {
          REQUIRE(list.size() == 1);
          found->time += 1;
          found->born = born++;
          clocks.restart(clock, now, found->time);
        } else {
          list.erase(found);
          clocks.remove(clock);
        }
      }
    }
  }
}

TEST_CASE("a queue with constant service has the length of Pollaczek and Khinchine") {
  // Arrivals of rate 0.5; the service takes 1. L = rho + rho^2 (1 + cv^2) / (2 (1 - rho)).
  const Net net = make_net({0}, {{{}, {{0, 1}}}, {{{0, 1}}, {}}});
  const std::pair<Delay, double> services[] = {
      {{Family::kDeterministic, 1, 0, 0, {}}, 0},
      {{Family::kUniform, 0, 2, 0, {}}, 1.0 / 3},
      {{Family::kErlang, 4, 4, 0, {}}, 0.25},
      {{Family::kWeibull, 1, 1, 0, {}}, 1},
      {{Family::kEmpirical, 0, 0, 0, {0.5, 0.5, 2}}, 0.5},
  };
  for (const auto& service : services) {
    const double cv2 = service.second;
    SimulationOptions options = event_driven(200, 2200);
    options.warmup = 200;
    const auto [mean, variance] = time_average(net, {{exponential(0.5), general(0)}, {service.first}, {}}, options, 0);
    CAPTURE(cv2);
    CHECK(std::abs(mean - (0.5 + 0.25 * (1 + cv2))) < five_sigma(variance, 200));
  }
}

TEST_CASE("a service by any number of servers at once holds as many customers as arrive during one") {
  // M/D/infinity: Poisson with mean rate * delay; here also exactly the count of arrivals in the last 3 units of time.
  const Net net = make_net({0}, {{{}, {{0, 1}}}, {{{0, 1}}, {}}});
  const TimingSpec spec{
      {exponential(2), general(0, TransitionTiming::kInfiniteServers)}, {{Family::kDeterministic, 3, 0, 0, {}}}, {}};
  const SimulationResult result = simulate(TimedNet(net, spec), event_driven(20'000, 10));
  std::vector<double> counts(result.final.begin(), result.final.end());
  const auto [mean, variance] = moments_of(counts);
  CHECK(std::abs(mean - 6) < five_sigma(6, counts.size()));
  CHECK(std::abs(variance - 6) < five_sigma(6 + 2 * 36, counts.size()));  // fourth central moment less variance^2
}

TEST_CASE("several servers take one customer each, and the others wait") {
  // 5 customers, 2 servers, 1 unit of time each: done at 1, 1, 2, 2, 3.
  const Net net = make_net({5, 0}, {{{{0, 1}}, {{1, 1}}}});
  const auto result =
      events_of(net, {{general(0, 2)}, {{Family::kDeterministic, 1, 0, 0, {}}}, {}}, event_driven(1, kForever));
  CHECK(result.event_times == std::vector<double>{1, 1, 2, 2, 3});
  CHECK(result.ends[0] == ReplicaEnd::kDead);
}

TEST_CASE("clocks that ring together do so by priority, then by index") {
  NetSpec spec = make_spec({1, 1, 1}, {{{{0, 1}}, {}}, {{{1, 1}}, {}}, {{{2, 1}}, {}}});
  spec.priorities = {0, 0, 1};
  const auto result =
      events_of(Net(spec), {{general(0), general(0), general(0)}, {{Family::kDeterministic, 1, 0, 0, {}}}, {}},
                event_driven(1, kForever));
  CHECK(result.event_transitions == std::vector<std::int32_t>{2, 0, 1});
}

TEST_CASE("a preempted job starts again with enabling memory and goes on with age memory") {
  // A machine (place 0) works 3 units on a job (place 1); at 2 it breaks and is repaired at 4.
  const Net net =
      make_net({1, 1, 0, 0, 1}, {{{{1, 1}}, {{3, 1}}, {{0, 1}}}, {{{0, 1}, {4, 1}}, {{2, 1}}}, {{{2, 1}}, {{0, 1}}}});
  const std::vector<Delay> delays{{Family::kDeterministic, 3, 0, 0, {}}, {Family::kDeterministic, 2, 0, 0, {}}};
  for (const auto& [memory, done] : {std::pair{Memory::kEnabling, 7.0}, {Memory::kAge, 5.0}}) {
    const auto result =
        events_of(net, {{general(0, 1, memory), general(1), general(1)}, delays, {}}, event_driven(1, kForever));
    CHECK(result.event_times == std::vector<double>{2, 4, done});
    CHECK(result.event_transitions == std::vector<std::int32_t>{1, 2, 0});
  }
}

TEST_CASE("of several clocks the newest are stopped first, and the oldest of those go on first") {
  // Jobs of 10 units arrive at 0, 1 and 2; two of three are stopped from 3 on, one more may run from 5, all from 6.
  // Place 0: waiting jobs, 1: permits taken away. Each step of the script waits for the one before it.
  std::vector<TransitionSpec> transitions{{{{0, 1}}, {}}};
  std::vector<Count> initial(8, 0);
  initial[0] = 1;
  initial[2] = 1;
  // Places 2 .. 7 are the stations of the script. Removing a job and putting it back stops and continues its clock.
  transitions.push_back({{{2, 1}}, {{3, 1}, {0, 1}}});
  transitions.push_back({{{3, 1}}, {{4, 1}, {0, 1}}});
  transitions.push_back({{{4, 1}, {0, 2}}, {{5, 1}}});
  transitions.push_back({{{5, 1}}, {{6, 1}, {0, 1}}});
  transitions.push_back({{{6, 1}}, {{7, 1}, {0, 1}}});
  const std::vector<Delay> delays{{Family::kDeterministic, 10, 0, 0, {}},
                                  {Family::kDeterministic, 1, 0, 0, {}},
                                  {Family::kDeterministic, 2, 0, 0, {}}};
  TimingSpec spec{
      {general(0, 3, Memory::kAge), general(1), general(1), general(1), general(2), general(1)}, delays, {}};
  const auto age = events_of(make_net(initial, transitions), spec, event_driven(1, kForever));
  CHECK(age.event_times == std::vector<double>{1, 2, 3, 5, 6, 10, 13, 15});  // the second lost 2 units, the third 4 - 1
  spec.transitions[0].memory = Memory::kEnabling;
  const auto enabling = events_of(make_net(initial, transitions), spec, event_driven(1, kForever));
  CHECK(enabling.event_times == std::vector<double>{1, 2, 3, 5, 6, 10, 15, 16});
}

TEST_CASE("a transition that is disabled for no time is not interrupted") {
  // The token on place 0 goes to place 1 at 1 and comes back by an immediate transition; a delay of 3 goes on.
  const Net net = make_net({1, 0, 1, 0}, {{{{2, 1}}, {{3, 1}}, {{0, 1}}}, {{{0, 1}}, {{1, 1}}}, {{{1, 1}}, {{0, 1}}}});
  auto options = event_driven(1, 3.5);
  const auto result = events_of(net,
                                {{general(0), general(1), immediate(1)},
                                 {{Family::kDeterministic, 2.5, 0, 0, {}}, {Family::kDeterministic, 1, 0, 0, {}}},
                                 {}},
                                options);
  CHECK(result.event_times == std::vector<double>{1, 1, 2, 2, 2.5, 3, 3});
}

TEST_CASE("immediate transitions fire by priority, then by weight, before time passes") {
  NetSpec spec = make_spec(
      {0, 0, 0, 0}, {{{}, {{0, 1}}}, {{{0, 1}}, {{1, 1}}}, {{{0, 1}}, {{2, 1}}}, {{{2, 1}}, {{3, 1}}, {}, {{3, 1}}}});
  spec.priorities = {0, 1, 1, 2};
  const Net net(spec);
  const TimedNet timed(net, {{exponential(1), immediate(3), immediate(1), immediate(1)}, {}, {}});
  const SimulationResult result = simulate(timed, event_driven(1000, 40));
  double first = 0, second = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    const Count* marking = result.final.data() + 4 * i;
    CHECK(marking[0] == 0);
    first += marking[1];
    second += marking[2] + marking[3];
    CHECK((marking[3] == 1 || marking[2] == 0));
  }
  const double total = first + second;
  CHECK(std::abs(first - 0.75 * total) < 5 * std::sqrt(0.75 * 0.25 * total));
}

TEST_CASE("firings of a time Petri net lie in their intervals, and one that is late is never seen") {
  // Both are enabled at 0; [1, 2] always fires before [3, 4] does.
  const Net net = make_net({1}, {{{{0, 1}}, {{0, 1}}}, {{{0, 1}}, {}}});
  const TimingSpec spec{
      {general(0), general(1)}, {{Family::kUniform, 1, 2, 0, {}}, {Family::kUniform, 3, 4, 0, {}}}, {}};
  const auto result = events_of(net, spec, event_driven(20, 100));
  for (std::size_t i = 0; i < 20; ++i) {
    double last = 0;
    for (std::int64_t k = result.offsets[i]; k < result.offsets[i + 1]; ++k) {
      const auto at = static_cast<std::size_t>(k);
      // The place is marked before and after 0 fires, so that 1 is never interrupted.
      if (result.event_transitions[at] == 0) {
        CHECK(result.event_times[at] - last >= 1 - 1e-9);
        CHECK(result.event_times[at] - last <= 2 + 1e-9);
        last = result.event_times[at];
      } else {
        CHECK(result.event_times[at] >= 3);
        CHECK(result.event_times[at] <= 4);
      }
    }
  }
}

TEST_CASE("loops that take no time are named") {
  const Net net = make_net({1, 0, 1}, {{{{2, 1}}, {}}, {{{0, 1}}, {{1, 1}}}, {{{1, 1}}, {{0, 1}}}});
  const std::vector<Delay> none{{Family::kDeterministic, 0, 0, 0, {}}};
  for (const TransitionTiming& timing : {immediate(1), general(0)}) {
    try {
      simulate(TimedNet(net, {{general(0), timing, timing}, none, {}}), event_driven(1, 10));
      FAIL("no fault");
    } catch (const SimulationFault& fault) {
      CHECK(fault.kind == SimulationFault::Kind::kImmediateLoop);
      CHECK(fault.loop == std::vector<std::uint32_t>{1, 2});
      CHECK(fault.time == 0);
    }
  }
}

TEST_CASE("many clocks that ring together are no loop") {
  const Net net = make_net({300'000}, {{{{0, 1}}, {}}});
  const auto result = simulate(
      TimedNet(net, {{general(0, TransitionTiming::kInfiniteServers)}, {{Family::kDeterministic, 1, 0, 0, {}}}, {}}),
      event_driven(1, 10));
  CHECK(result.firings[0] == 300'000);
  CHECK(result.times[0] == 1);
}

TEST_CASE("the same seed gives the same events on any number of threads") {
  const Net net = make_net({3, 0}, {{{{0, 1}}, {{1, 1}}}, {{{1, 1}}, {{0, 1}}}});
  const TimingSpec spec{
      {exponential(1, TransitionTiming::kInfiniteServers), general(0, 2)}, {{Family::kLognormal, 0, 1, 0, {}}}, {}};
  SimulationOptions options = event_driven(300, 20);
  options.threads = 1;
  const auto one = events_of(net, spec, options);
  options.threads = 3;
  const auto three = events_of(net, spec, options);
  CHECK(one.event_times == three.event_times);
  CHECK(one.event_transitions == three.event_transitions);
  options.first_replica = 100;
  options.replicas = 200;
  const auto later = events_of(net, spec, options);
  CHECK(std::equal(later.final.begin(), later.final.end(), one.final.begin() + 200));
}

TEST_CASE("a bad rate names its transition") {
  const Net net = make_net({1}, {{{}, {{0, 1}}}});
  TimingSpec spec{{exponential(1)}, {}, {}};
  spec.transitions[0].law = RateLaw::kExpression;
  spec.expressions.push_back(Expression::parse("3.5 - p", [](std::string_view) { return 0U; }));
  try {
    simulate(TimedNet(net, spec), event_driven(1, 1000));
    FAIL("no fault");
  } catch (const SimulationFault& fault) {
    CHECK(fault.kind == SimulationFault::Kind::kBadRate);
    CHECK(fault.index == 0);
    CHECK(fault.value == -0.5);
  }
}

}  // namespace petricore::test
