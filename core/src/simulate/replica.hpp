// The loop that all algorithms share.
#pragma once

#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "simulate/recorder.hpp"

namespace petricore {

inline constexpr double kForever = std::numeric_limits<double>::infinity();

// What happens next in a replica: at which time (infinite: nothing ever), and whether that is a firing without time
// passing, of which there must not be too many in a row.
struct Next {
  double time;
  bool immediate = false;
};

// One replica as it stands, for the Stepper that moves it.
struct Replica {
  explicit Replica(Job& job_)
      : job(job_), tokens(job_.places), registers(std::max<std::size_t>(job_.timed.registers(), 1)) {}
  Replica(const Replica&) = delete;

  Job& job;
  // The marking. Its row of the result would be in one cache line with the rows of other threads, which would slow each
  // other at every event.
  std::vector<Count> tokens;
  std::size_t row = 0;       // in the result
  std::uint64_t number = 0;  // whose random numbers it draws
  std::uint64_t event = 0;   // how many events there were
  double time = 0;           // of the last event
  Count* const marking = tokens.data();
  const double* rates = nullptr;
  std::vector<double> registers;

  // Throws SimulationFault.
  double propensity(std::uint32_t t) {
    const double a = planned_rate(job.plans[t], job.timed, t, marking, rates[t], registers.data());
    if (!(a >= 0 && a <= std::numeric_limits<double>::max())) [[unlikely]]
      fail(SimulationFault::Kind::kBadRate, t, a);
    return a;
  }

  bool is_enabled(std::uint32_t t) const noexcept {
    const RatePlan& plan = job.plans[t];
    return plan.narrow ? plan.admits(marking) : job.timed.net().is_enabled(t, marking);
  }

  // Changes the marking as t does. Throws SimulationFault. REQUIRES: t is enabled.
  void fire(std::uint32_t t) const {
    for (const auto& [place, delta] : job.effects[t]) {
      if (__builtin_add_overflow(marking[place], delta, &marking[place])) [[unlikely]]
        overflow(place, delta);
    }
    for (const auto& [place, put] : job.restarts[t]) marking[place] = put;
  }

  [[noreturn]] void fail(SimulationFault::Kind kind, std::uint32_t index, double value) const {
    throw SimulationFault(kind, row, time, index, value);
  }

  // REQUIRES: adding delta to the place has just wrapped.
  [[noreturn]] void overflow(std::uint32_t place, Count delta) const {
    const std::int64_t before =
        static_cast<Count>(static_cast<std::uint32_t>(marking[place]) - static_cast<std::uint32_t>(delta));
    fail(SimulationFault::Kind::kTokenOverflow, place, static_cast<double>(before + delta));
  }
};

// A Stepper moves a replica by one event at a time:
//   Stepper(Replica&)            once per thread: allocates all it needs
//   void start()                 a new replica: its row, number, marking and rates are set, its time is 0
//   Next peek()                  what happens next; the marking stays as it is. Asked once per event
//   std::uint32_t fire(recorder) does it: changes the marking, calls recorder.count(t, times) for each t that fires,
//                                and returns t, or kSeveral. Replica::time is already that of the event
// All are inlined into the loop; none allocates.
template <class Stepper, bool kPlain>
class RunnerOf final : public Runner {
 public:
  explicit RunnerOf(Job& job) : replica_(job), recorder_(job), stepper_(replica_) {}

  void run(std::size_t first, std::size_t last, Ticker& ticker) override {
    for (std::size_t row = first; row < last; ++row) {
      const Job& job = replica_.job;
      replica_.row = row;
      replica_.number = job.options.first_replica + row % job.options.replicas;
      replica_.event = 0;
      replica_.time = 0;
      replica_.rates = job.rates_of(row);
      std::copy_n(job.initial_of(row), job.places, replica_.marking);
      if (!run_replica(ticker)) return;
      std::copy_n(replica_.marking, job.places, job.result.final.data() + row * job.places);
    }
  }

 private:
  // What a net does in no time at all without end is told after so many firings, and as many more for each token there
  // is then: tokens that all go on at once are no loop.
  static constexpr std::uint64_t kMostImmediate = 100'000, kMostPerToken = 8, kMostForTokens = 100'000'000;

  // False: told to stop.
  bool run_replica(Ticker& ticker) {
    const SimulationOptions& options = replica_.job.options;
    const std::uint64_t last_event = std::min(options.steps, options.most_events);
    std::uint64_t in_a_row = 0;
    ReplicaEnd end = ReplicaEnd::kCondition;
    if (!recorder_.begin(replica_.row, replica_.marking)) {
      stepper_.start();
      for (;;) {
        if (replica_.event >= last_event) {
          end = replica_.event >= options.steps ? ReplicaEnd::kSteps : ReplicaEnd::kEventLimit;
          break;
        }
        if (ticker.tick()) [[unlikely]]
          return false;
        const Next next = stepper_.peek();
        if (!(next.time <= options.until) || next.time == kForever) {
          end = next.time == kForever ? ReplicaEnd::kDead : ReplicaEnd::kTime;
          if (end == ReplicaEnd::kTime) replica_.time = options.until;
          break;
        }
        recorder_.advance(next.time, replica_.marking);
        replica_.time = next.time;
        const std::uint32_t t = stepper_.fire(recorder_);
        ++replica_.event;
        if (next.immediate) [[unlikely]] {
          if (++in_a_row > kMostImmediate) note_loop(t, in_a_row);
        } else {
          in_a_row = 0;
        }
        if (recorder_.changed(t, replica_.marking)) break;
      }
    }
    recorder_.end(replica_.time, replica_.event, end, replica_.marking);
    return true;
  }

  // Watches the last kMostImmediate firings of those that are allowed, then tells who fires in them.
  [[gnu::noinline]] void note_loop(std::uint32_t t, std::uint64_t in_a_row) {
    if (in_a_row == kMostImmediate + 1) {
      const std::span<const Count> marking(replica_.marking, replica_.job.places);
      const auto tokens = std::accumulate(marking.begin(), marking.end(), std::uint64_t{0});
      watched_from_ = kMostImmediate + std::min(kMostPerToken * tokens, kMostForTokens);
      in_loop_.assign(replica_.job.transitions, 0);
    }
    if (in_a_row <= watched_from_) return;
    if (t != kSeveral) in_loop_[t] = 1;
    if (in_a_row < watched_from_ + kMostImmediate) return;
    SimulationFault fault(SimulationFault::Kind::kImmediateLoop, replica_.row, replica_.time, t,
                          static_cast<double>(in_a_row));
    for (std::uint32_t u = 0; u < in_loop_.size(); ++u) {
      if (in_loop_[u] != 0) fault.loop.push_back(u);
    }
    throw SimulationFault(std::move(fault));
  }

  Replica replica_;
  Recorder<kPlain> recorder_;
  Stepper stepper_;
  std::uint64_t watched_from_ = 0;
  std::vector<std::uint8_t> in_loop_;
};

template <class Stepper>
std::unique_ptr<Runner> make_runner(Job& job) {
  if (job.plain) return std::make_unique<RunnerOf<Stepper, true>>(job);
  return std::make_unique<RunnerOf<Stepper, false>>(job);
}

}  // namespace petricore
