// A firing allocates nothing, whatever the algorithm: a long run allocates as often as a short one.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "nets.hpp"
#include "petricore/simulate.hpp"

namespace {
std::atomic<std::uint64_t> allocations{0};
}

// Replaced for all tests: the memory is still malloc's, which sanitizers watch.
void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace petricore::test {
namespace {

std::uint64_t allocations_of(const TimedNet& timed, Algorithm algorithm, std::uint64_t steps) {
  SimulationOptions options;
  options.algorithm = algorithm;
  options.steps = steps;
  options.threads = 1;
  const std::uint64_t before = allocations.load();
  const SimulationResult result = simulate(timed, options);
  const std::uint64_t made = allocations.load() - before;
  CHECK(result.events[0] >= steps);
  return made;
}

}  // namespace

TEST_CASE("no algorithm allocates for a firing") {
  const Net net = make_ring(20, 30);
  const TimedNet timed(net, {std::vector<TransitionTiming>(20), {}, {}});
  for (const Algorithm algorithm : {Algorithm::kDirect, Algorithm::kNextReaction, Algorithm::kRejection,
                                    Algorithm::kEventDriven, Algorithm::kTokenGame}) {
    CAPTURE(algorithm);
    CHECK(allocations_of(timed, algorithm, 2000) == allocations_of(timed, algorithm, 200'000));
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
  CHECK(allocations_of(timed, Algorithm::kEventDriven, 100'000) ==
        allocations_of(timed, Algorithm::kEventDriven, 400'000));
}

}  // namespace petricore::test
