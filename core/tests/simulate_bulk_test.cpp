// Replicas side by side, at every level and on the stand-in for a GPU, against the scalar direct method bit for bit.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <deque>
#include <random>
#include <string>

#include "../src/simulate/bulk/bulk.hpp"
#include "../src/simulate/cuda/cuda.hpp"
#include "nets.hpp"

extern "C" {
const char* petricore_cuda_probe();
const char* petricore_cuda_direct(const petricore::cuda::DirectCall* call);
}

namespace petricore::test {
namespace {

const cuda::Library kStandIn{petricore_cuda_probe, petricore_cuda_direct};

bool same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (std::isnan(a) && std::isnan(b));
}

SimulationResult sized(const TimedNet& timed, const SimulationOptions& options) {
  const std::size_t places = timed.net().places(), transitions = timed.net().transitions();
  const std::size_t rows = options.replicas * (options.rates.empty() ? 1 : options.rates.size() / transitions);
  SimulationResult result;
  result.final.resize(rows * places);
  result.times.resize(rows);
  result.events.resize(rows);
  result.ends.resize(rows);
  if (options.count_firings) result.firings.resize(rows * transitions);
  result.observed.resize(rows * options.observables.size());
  if (options.record == Record::kGrid) result.grid.resize(rows * options.grid.size() * places);
  return result;
}

// A row of two results, as text where they differ.
std::string difference(const TimedNet& timed, const SimulationOptions& options, const SimulationResult& a,
                       std::size_t i, const SimulationResult& b, std::size_t k) {
  const std::size_t places = timed.net().places(), transitions = timed.net().transitions();
  const std::size_t observables = options.observables.size(), grid = options.grid.size() * places;
  std::string text;
  const auto compare = [&](const char* what, double x, double y) {
    if (!same(x, y)) text += std::string(what) + " " + std::to_string(x) + " / " + std::to_string(y) + "; ";
  };
  compare("time", a.times[i], b.times[k]);
  compare("events", static_cast<double>(a.events[i]), static_cast<double>(b.events[k]));
  compare("end", static_cast<double>(a.ends[i]), static_cast<double>(b.ends[k]));
  for (std::size_t p = 0; p < places; ++p) compare("final", a.final[i * places + p], b.final[k * places + p]);
  for (std::size_t t = 0; t < (options.count_firings ? transitions : 0); ++t) {
    compare("firings", static_cast<double>(a.firings[i * transitions + t]),
            static_cast<double>(b.firings[k * transitions + t]));
  }
  for (std::size_t o = 0; o < observables; ++o) {
    compare("observed", a.observed[i * observables + o], b.observed[k * observables + o]);
  }
  for (std::size_t g = 0; g < grid; ++g) compare("grid", a.grid[i * grid + g], b.grid[k * grid + g]);
  return text;
}

// One row by the scalar method: a call with one replica never runs side by side.
struct Scalar {
  SimulationResult result;
  bool fault = false;
  SimulationFault::Kind kind{};
  double time = 0, value = 0;
  std::uint32_t index = 0;
};

Scalar run_scalar(const TimedNet& timed, const SimulationOptions& options, std::size_t row) {
  const std::size_t places = timed.net().places(), transitions = timed.net().transitions();
  SimulationOptions one = options;
  const std::size_t replica = row % options.replicas;
  one.replicas = 1;
  one.first_replica = options.first_replica + replica;
  one.device = Device::kCpu;
  if (options.initial.size() > places) one.initial = options.initial.subspan(replica * places, places);
  if (!options.rates.empty()) one.rates = options.rates.subspan(row / options.replicas * transitions, transitions);
  Scalar scalar;
  try {
    scalar.result = simulate(timed, one);
  } catch (const SimulationFault& fault) {
    scalar.fault = true;
    scalar.kind = fault.kind;
    scalar.time = fault.time;
    scalar.value = fault.value;
    scalar.index = fault.index;
  }
  return scalar;
}

// Runs all ways and returns the first difference; `handled` counts the rows that lanes brought to their end.
std::string check(const TimedNet& timed, SimulationOptions options, std::size_t& handled) {
  REQUIRE(std::string(bulk::unsuited(timed, options)) == "");
  SimulationResult result = sized(timed, options);
  const std::size_t rows = result.ends.size();
  std::vector<Scalar> scalar;
  for (std::size_t row = 0; row < rows; ++row) scalar.push_back(run_scalar(timed, options, row));
  const auto compare = [&](const std::string& how, const bulk::Outcome& outcome) -> std::string {
    std::size_t left = 0;
    for (std::size_t row = 0; row < rows; ++row) {
      if (left < outcome.left_out.size() && outcome.left_out[left] == row) {
        ++left;
        continue;
      }
      ++handled;
      if (scalar[row].fault) return how + ": row " + std::to_string(row) + " should be at fault";
      const std::string text = difference(timed, options, result, row, scalar[row].result, 0);
      if (!text.empty()) return how + ": row " + std::to_string(row) + ": " + text;
    }
    return left == outcome.left_out.size() ? "" : how + ": rows left out that are not there";
  };
  for (const bulk::Kernel* kernel : bulk::kernels()) {
    for (const unsigned threads : {1U, 2U}) {
      options.threads = threads;
      result = sized(timed, options);
      const std::string text = compare(kernel->level, bulk::run(timed, options, result, *kernel));
      if (!text.empty()) return text;
    }
  }
  if (*cuda::unsuited(timed, options) == 0) {
    result = sized(timed, options);
    const std::string text = compare("cuda", cuda::run(kStandIn, timed, options, result));
    if (!text.empty()) return text;
  }
  // The whole call: the first fault, or all rows.
  std::size_t first_fault = 0;
  while (first_fault < rows && !scalar[first_fault].fault) ++first_fault;
  try {
    result = simulate(timed, options);
    if (first_fault < rows) return "no fault, though row " + std::to_string(first_fault) + " has one";
    return compare("simulate", {});
  } catch (const SimulationFault& fault) {
    const bool told = first_fault < rows && fault.replica == first_fault && fault.kind == scalar[first_fault].kind &&
                      fault.index == scalar[first_fault].index && same(fault.time, scalar[first_fault].time) &&
                      same(fault.value, scalar[first_fault].value);
    return told ? "" : "another fault than the scalar method's, in row " + std::to_string(fault.replica);
  }
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }
  bool chance(std::uint32_t percent) { return below(100) < percent; }
  Count count(Count least, Count most) {
    return least + static_cast<Count>(below(static_cast<std::uint32_t>(most - least + 1)));
  }

  std::vector<Arc> arcs(std::uint32_t places, std::uint32_t most, Count weights) {
    std::vector<Arc> arcs;
    for (std::uint32_t p = 0; p < places && arcs.size() < most; ++p) {
      if (chance(100 * most / (places + most))) arcs.push_back({p, count(1, weights)});
    }
    return arcs;
  }

  Predicate formula(std::uint32_t places) {
    std::vector<std::vector<Predicate::Term>> terms;
    std::vector<Predicate::Atom> atoms;
    const std::uint32_t size = 1 + below(3);
    for (std::uint32_t i = 0; i < size; ++i) {
      std::vector<Predicate::Term> row{{below(places), count(-2, 2)}};
      if (chance(50)) row.push_back({below(places), 1});
      terms.push_back(row);
      const auto jump = [&] { return i + 1 + below(size + 2 - i - 1); };
      atoms.push_back({count(-4, 9), jump(), jump()});
    }
    return {places, Csr<Predicate::Term>::from_rows(terms), atoms};
  }

 private:
  std::mt19937_64 engine_;
};

const char* const kTexts[] = {"p0 + 2 * p1",
                              "min(p0, 3) * sqrt(p1 + 1)",
                              "if(p0 > 2, 0.5, p1 / (1 + p0))",
                              "abs(p1 - p0)",
                              "max(p0, p1) ^ 1.5",
                              "exp(-0.25 * p0) + log(1 + p1)",
                              "floor(p0 / 2) + (p1 == 1) + (p0 >= 1 and not p1 > 2)",
                              "p1 - p0 + 1"};

struct Case {
  std::deque<Net> net;
  std::deque<TimedNet> timed;
  std::vector<double> grid, rates;
  std::vector<Count> initial;
  std::vector<Observable> observables;
  std::deque<Predicate> end_when;
  SimulationOptions options;
};

void fill(Case& made, Random& random, std::uint64_t seed) {
  const std::uint32_t places = 2 + random.below(4), transitions = 1 + random.below(random.chance(20) ? 30 : 6);
  const auto parse = [&](const char* text) {
    return Expression::parse(text, [](std::string_view name) { return name == "p0" ? 0U : 1U; });
  };
  std::vector<Count> initial, capacities;
  for (std::uint32_t p = 0; p < places; ++p) {
    initial.push_back(random.count(0, 6));
    capacities.push_back(random.chance(20) ? random.count(6, 11) : kUnbounded);
  }
  TimingSpec spec;
  for (const char* text : kTexts) spec.expressions.push_back(parse(text));
  std::vector<TransitionSpec> rows;
  const bool immediates = random.chance(35);
  for (std::uint32_t t = 0; t < transitions; ++t) {
    TransitionSpec row{random.arcs(places, 2, 3), random.arcs(places, 2, 3)};
    if (random.chance(20)) row.reads = random.arcs(places, 2, 3);
    if (random.chance(20)) row.inhibitors = random.arcs(places, 2, 6);
    if (random.chance(10)) row.resets = random.arcs(places, 1, 1);
    row.priority = random.count(-1, 1);
    TransitionTiming timing;
    timing.rate = random.chance(5) ? 0 : 0.1 + random.below(30) / 10.0;
    timing.weight = 0.5 + random.below(4);
    timing.law = static_cast<RateLaw>(random.below(3));
    timing.servers = random.chance(50) ? 1 : random.count(2, 4);
    if (random.chance(30) && !row.inputs.empty()) timing.servers = TransitionTiming::kInfiniteServers;
    timing.expression = random.below(random.chance(20) ? 8 : 7);
    if (immediates && random.chance(40) && !row.inputs.empty()) timing.timing = Timing::kImmediate;
    rows.push_back(row);
    spec.transitions.push_back(timing);
  }
  made.net.push_back(make_net(initial, rows, capacities));
  made.timed.emplace_back(made.net.back(), spec);

  SimulationOptions& options = made.options;
  options.seed = seed;
  options.replicas = 1 + random.below(100);
  options.first_replica = random.chance(50) ? 0 : std::uint64_t{random.below(1000)} << 30;
  options.until = random.chance(80) ? random.below(100) / 10.0 : std::numeric_limits<double>::infinity();
  options.steps =
      options.until < 100 && random.chance(50) ? std::numeric_limits<std::uint64_t>::max() : random.below(60);
  options.most_events = 600;
  options.count_firings = random.chance(70);
  options.warmup = random.chance(50) ? 0 : options.until / 4 < 100 ? options.until / 4 : 1.5;
  if (random.chance(40)) {
    options.record = Record::kGrid;
    for (std::uint32_t g = 0; g < 7; ++g) made.grid.push_back(g * 0.9);
    options.grid = made.grid;
  }
  if (random.chance(30)) {
    made.end_when.push_back(random.formula(places));
    options.end_when = &made.end_when.back();
  }
  if (random.chance(30)) {
    options.replicas = 1 + options.replicas / 3;
    for (std::uint32_t i = 0; i < 3 * transitions; ++i) made.rates.push_back(random.below(20) / 8.0);
    options.rates = made.rates;
  }
  if (random.chance(30)) {
    for (std::uint64_t i = 0; i < options.replicas * places; ++i) made.initial.push_back(random.count(0, 6));
    options.initial = made.initial;
  }
  using Measure = Observable::Measure;
  for (std::uint32_t i = random.chance(50) ? 0 : 1 + random.below(6); i > 0; --i) {
    const auto measure = static_cast<Measure>(random.below(7));
    Observable observable{measure, {}, {}, random.below(transitions)};
    if (measure == Measure::kFirstPassage || measure == Measure::kTimeIn) {
      observable.predicate = random.formula(places);
    } else if (measure != Measure::kThroughput) {
      observable.expression = parse(kTexts[random.below(8)]);
    }
    made.observables.push_back(observable);
  }
  options.observables = made.observables;
}

}  // namespace

TEST_CASE("replicas side by side are those of the scalar method to the bit, at every level and on every device") {
  std::size_t handled = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    Case made;
    fill(made, random, seed);
    CAPTURE(seed);
    CHECK(check(made.timed.back(), made.options, handled) == "");
  }
  CHECK(handled > 20'000);  // else the scalar method is compared with itself
}

TEST_CASE("lanes keep to the bits where counts come near their limit") {
  std::size_t handled = 0;
  for (const Count start : {kMaxTokens - 3, kMaxTokens - 100, kMaxTokens - 300, kMaxTokens - 2000, 5}) {
    const Net net = make_net({start, 0}, {{{}, {{0, 1}}}, {{{0, 2}}, {{1, 1}}}, {{}, {}, {}, {}, {{0, 1}}}});
    TimingSpec spec{std::vector<TransitionTiming>(3), {}, {}};
    spec.transitions[0].rate = 4;
    spec.transitions[2].rate = 0.001;
    const TimedNet timed(net, spec);
    SimulationOptions options;
    options.replicas = 40;
    options.until = 60;
    CAPTURE(start);
    CHECK(check(timed, options, handled) == "");
  }
  CHECK(handled > 0);
}

TEST_CASE("a rate that is not one ends the call with the scalar method's fault") {
  std::size_t handled = 0;
  const Net net = make_net({0}, {{{}, {{0, 1}}}, {{{0, 1}}, {}}});
  for (const char* text : {"5 - p", "1 / (7 - p)", "log(4 - p)", "10 - p"}) {
    TimingSpec spec{std::vector<TransitionTiming>(2), {}, {}};
    spec.transitions[0].law = RateLaw::kExpression;
    spec.expressions.push_back(Expression::parse(text, [](std::string_view) { return 0U; }));
    spec.transitions[1].rate = 0.3;
    const TimedNet timed(net, spec);
    SimulationOptions options;
    options.replicas = 50;
    options.until = 3;
    CAPTURE(text);
    CHECK(check(timed, options, handled) == "");
  }
  CHECK(handled > 0);
}

TEST_CASE("immediate transitions that fire for ever are told by replicas side by side too") {
  const Net net = make_net({1, 0}, {{{{0, 1}}, {{1, 1}}}, {{{1, 1}}, {{0, 1}}}});
  TimingSpec spec{std::vector<TransitionTiming>(2), {}, {}};
  for (TransitionTiming& timing : spec.transitions) timing.timing = Timing::kImmediate;
  const TimedNet timed(net, spec);
  SimulationOptions options;
  options.replicas = 20;
  options.until = 1;
  std::size_t handled = 0;
  CHECK(check(timed, options, handled) == "");
  CHECK(handled == 0);
}

TEST_CASE("replicas side by side end when they are told to") {
  const Net net = make_net({1}, {{{{0, 1}}, {{0, 1}}}});
  const TimedNet timed(net, TimingSpec{std::vector<TransitionTiming>(1), {}, {}});
  SimulationOptions options;
  options.replicas = 100;
  options.threads = 2;
  int asked = 0;
  options.stop = [&](std::uint64_t) { return ++asked == 2; };
  simulate(timed, options);
  CHECK(asked == 2);
}

TEST_CASE("a device that is not there is told with the library that was looked for") {
  const Net net = make_net({1}, {{{{0, 1}}, {{0, 1}}}});
  const TimedNet timed(net, TimingSpec{std::vector<TransitionTiming>(1), {}, {}});
  SimulationOptions options;
  options.device = Device::kCuda;
  options.record = Record::kEvents;
  options.steps = 3;
  CHECK_THROWS_WITH_AS(simulate(timed, options),
                       "device 'cuda' cannot run this: events are recorded one replica after the other", DeviceError);
}

}  // namespace petricore::test
