// Many independent runs of a timed net.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "petricore/predicate.hpp"
#include "petricore/stop.hpp"
#include "petricore/timing.hpp"

namespace petricore {

enum class Algorithm : std::uint8_t {
  kDirect,        // exact: all rates are summed for each event. One replica or many side by side: the same bits
  kNextReaction,  // exact: an absolute time for each transition, in an indexed heap
  kRejection,     // exact: composition and rejection, constant cost per event in large nets
  kTauLeaping,    // approximate, with a bound on how far rates may drift within a leap
  kEventDriven,   // exact: clocks of any distribution
  kTokenGame,     // untimed: one firing per step, among the enabled of highest priority by weight (or uniformly)
  kMaximalStep    // untimed: one maximal step per unit of time
};

enum class Device : std::uint8_t { kCpu, kCuda };

enum class Record : std::uint8_t { kFinal, kGrid, kEvents };

// A number per replica, computed while it runs.
struct Observable {
  enum class Measure : std::uint8_t {
    kFinal,        // the expression at the end
    kTimeAverage,  // its average over time from `warmup` to the end (untimed: over steps)
    kMaximum,      // over [0, end]
    kMinimum,
    kThroughput,    // firings of a transition per unit of time from `warmup` on
    kFirstPassage,  // when the predicate first holds; infinite if it never does
    kTimeIn         // the fraction of time from `warmup` on in which the predicate holds
  };
  Measure measure;
  std::optional<Expression> expression;
  std::optional<Predicate> predicate;
  std::uint32_t transition = 0;
};

struct SimulationOptions {
  Algorithm algorithm = Algorithm::kDirect;
  std::uint64_t replicas = 1;
  std::uint64_t first_replica = 0;  // replica i of the call draws the numbers of replica first_replica + i
  std::uint64_t seed = 0;
  double until = std::numeric_limits<double>::infinity();                 // model time
  std::uint64_t steps = std::numeric_limits<std::uint64_t>::max();        // events after which a replica ends
  std::uint64_t most_events = std::numeric_limits<std::uint64_t>::max();  // beyond it a replica ends as kEventLimit
  double warmup = 0;
  double tolerance = 0.03;              // tau-leaping: epsilon
  const Predicate* end_when = nullptr;  // a replica ends as soon as this holds
  Record record = Record::kFinal;
  std::span<const double> grid;    // kGrid: ascending model times
  std::span<const Count> initial;  // (P,) or (replicas, P); empty: the net's
  std::span<const double> rates;   // (points, T): a sweep; empty: the net's. Point k is replicas k R .. k R + R - 1,
                                   // and all points draw the same numbers, so that they differ by their rates only
  std::span<const Observable> observables;
  bool count_firings = true;
  // kEvents: room for more than so many, in all replicas, is not taken: std::bad_alloc.
  std::uint64_t most_recorded = std::numeric_limits<std::uint64_t>::max();
  unsigned threads = 0;
  Device device = Device::kCpu;  // kCuda: kDirect only, the same bits. Anything else throws DeviceError
  Stop stop;                     // given the events so far; ends the call, whose result means nothing then
};

enum class ReplicaEnd : std::uint8_t { kTime, kSteps, kDead, kCondition, kEventLimit };

// With N = points * replicas.
struct SimulationResult {
  std::vector<Count> final;           // (N, P)
  std::vector<double> times;          // (N,) the model time at the end
  std::vector<std::uint64_t> events;  // (N,)
  std::vector<std::int64_t> firings;  // (N, T), if counted
  std::vector<ReplicaEnd> ends;       // (N,)
  std::vector<double> observed;       // (N, observables)
  std::vector<Count> grid;            // (N, G, P) for kGrid: the marking at each time; the last one after the end
  std::vector<std::int64_t> offsets;  // (N + 1,) for kEvents, into the two below
  std::vector<double> event_times;
  std::vector<std::int32_t> event_transitions;
};

// A device that was asked for is not there, cannot do what is asked, or fails.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What a replica cannot go on after. The first replica at fault is told, whatever the number of threads.
struct SimulationFault : std::runtime_error {
  enum class Kind : std::uint8_t { kBadRate, kTokenOverflow, kImmediateLoop };
  SimulationFault(Kind kind, std::uint64_t replica, double time, std::uint32_t index, double value);
  Kind kind;
  std::uint64_t replica;
  double time;
  std::uint32_t index;              // the transition, or the place that overflowed
  double value;                     // the rate (a finite one from 0: all rates together are infinite), or the count
  std::vector<std::uint32_t> loop;  // kImmediateLoop: transitions that fire for ever in no time
};

// Runs all replicas. Replica i is the same for the same seed, whatever `threads`, the number of replicas, or what runs
// beside it. REQUIRES: an algorithm that can (see unsupported()), places and transitions in range.
// Throws SimulationFault, DeviceError, std::bad_alloc, and std::invalid_argument for options that disagree. No
// allocation per event, but for kEvents.
SimulationResult simulate(const TimedNet& net, const SimulationOptions& options);

// Whether an algorithm can run a net, and why not (a phrase that names no transition), or an empty string.
const char* unsupported(Algorithm algorithm, const TimedNet& net) noexcept;

}  // namespace petricore
