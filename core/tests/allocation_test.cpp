// No algorithm allocates per event: counted by an operator new of our own.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "nets.hpp"
#include "petricore/simulate.hpp"

namespace {
std::atomic<std::size_t> allocations{0};
}

// Every form whose memory comes back by the two of delete: AddressSanitizer has forms of its own for the others.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new(std::size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace petricore::test {
namespace {

std::size_t allocated(const TimedNet& timed, Algorithm algorithm, std::span<const Observable> observables,
                      std::uint64_t steps) {
  SimulationOptions options;
  options.algorithm = algorithm;
  options.replicas = 3;
  options.steps = steps;
  options.threads = 1;
  options.observables = observables;
  const std::size_t before = allocations;
  const SimulationResult result = simulate(timed, options);
  const std::size_t after = allocations;
  CHECK(result.events[2] == steps);
  return after - before;
}

}  // namespace

TEST_CASE("no algorithm allocates per event") {
  // A ring with all rate laws; in the second net also an immediate transition and a delay.
  std::vector<Count> initial(12, 5);
  std::vector<TransitionSpec> transitions;
  for (std::uint32_t i = 0; i < 12; ++i) transitions.push_back({{{i, 1}}, {{(i + 1) % 12, 1}}});
  const Net net = make_net(initial, transitions);
  TimingSpec spec{std::vector<TransitionTiming>(12), {}, {}};
  spec.expressions.push_back(Expression::parse("sqrt(p + 1) * if(p > 3, 2, 1)", [](std::string_view) { return 3U; }));
  for (std::size_t t = 0; t < 12; ++t) {
    spec.transitions[t].rate = 0.1 + static_cast<double>(t);
    spec.transitions[t].law = static_cast<RateLaw>(t % 3);
    if (t % 2 == 0) spec.transitions[t].servers = TransitionTiming::kInfiniteServers;
  }
  const TimedNet exponential(net, spec);
  spec.transitions[4] = {};
  spec.transitions[4].timing = Timing::kImmediate;
  const TimedNet immediate(net, spec);
  spec.delays.push_back({Family::kErlang, 3, 2, 0, {}});
  spec.transitions[8].timing = Timing::kGeneral;
  spec.transitions[8].servers = 4;
  const TimedNet general(net, spec);

  const Predicate predicate(12, Csr<Predicate::Term>({0, 1}, {{0, -1}}), {{-3, 1, 2}});
  const std::vector<Observable> observables{
      {Observable::Measure::kTimeAverage, spec.expressions[0], {}, 0},
      {Observable::Measure::kTimeIn, {}, predicate, 0},
      {Observable::Measure::kThroughput, {}, {}, 2},
  };
  for (const TimedNet* timed : {&exponential, &immediate, &general}) {
    for (int i = 0; i <= static_cast<int>(Algorithm::kMaximalStep); ++i) {
      const auto algorithm = static_cast<Algorithm>(i);
      if (*unsupported(algorithm, *timed) != 0) continue;
      CAPTURE(algorithm);
      for (const bool observed : {false, true}) {
        const std::span<const Observable> measured(observables.data(), observed ? observables.size() : 0);
        CHECK(allocated(*timed, algorithm, measured, 2'000) == allocated(*timed, algorithm, measured, 40'000));
      }
    }
  }
}

TEST_CASE("clocks of any distribution, servers and memory are allocated once") {
  // Each token of the ring has a server; place 20 is a break that stops transition 0, by a clock of its own.
  std::vector<TransitionSpec> transitions;
  for (std::uint32_t i = 0; i < 20; ++i) transitions.push_back({{{i, 1}}, {{(i + 1) % 20, 1}}});
  transitions[0].inhibitors = {{20, 1}};
  transitions.push_back({{}, {{20, 1}}, {}, {{20, 1}}});
  transitions.push_back({{{20, 1}}, {}});
  std::vector<Count> initial(21, 0);
  initial[0] = 30;
  const Net net = make_net(initial, transitions);
  TimingSpec spec{std::vector<TransitionTiming>(22), {}, {}};
  spec.delays = {{Family::kLognormal, 0, 1, 0, {}}, {Family::kErlang, 9, 3, 0, {}}, {Family::kUniform, 0, 2, 0, {}}};
  for (std::uint32_t t = 0; t < 22; ++t) {
    TransitionTiming& timing = spec.transitions[t];
    timing.timing = t % 5 == 4 ? Timing::kImmediate : (t % 5 == 3 ? Timing::kExponential : Timing::kGeneral);
    timing.delay = t % 3;
    timing.memory = t % 2 == 0 ? Memory::kAge : Memory::kEnabling;
    timing.servers = t < 20 ? TransitionTiming::kInfiniteServers : 1;
  }
  const TimedNet timed(net, spec);
  // All clocks that 30 tokens can need have been needed after 10^5 events, or the count of allocations still differs.
  CHECK(allocated(timed, Algorithm::kEventDriven, {}, 100'000) ==
        allocated(timed, Algorithm::kEventDriven, {}, 400'000));
}

}  // namespace petricore::test
