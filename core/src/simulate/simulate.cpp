#include "petricore/simulate.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "simulate/bulk/bulk.hpp"
#include "simulate/cuda/cuda.hpp"
#include "simulate/job.hpp"

namespace petricore {
namespace {

constexpr unsigned kMostThreads = 64;

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument(what); }

constexpr double kNoTime = std::numeric_limits<double>::infinity();

void check_rates(const SimulationOptions& options, std::size_t transitions) {
  if (options.rates.empty()) return;
  if (transitions == 0 || options.rates.size() % transitions != 0)
    refuse("each point of a sweep has a rate per transition");
  for (const double rate : options.rates) {
    if (!(rate >= 0 && rate <= std::numeric_limits<double>::max()))
      refuse("a sweep has the rate " + std::to_string(rate));
  }
}

void check_observable(const Observable& observable, const Net& net) {
  const auto in_range = [&](std::span<const std::uint32_t> places) {
    return places.empty() || places.back() < net.places();
  };
  using Measure = Observable::Measure;
  bool sound = false;
  switch (observable.measure) {
    case Measure::kFinal:
    case Measure::kTimeAverage:
    case Measure::kMaximum:
    case Measure::kMinimum:
      sound = observable.expression && !observable.predicate && in_range(observable.expression->places());
      break;
    case Measure::kThroughput:
      sound = !observable.expression && !observable.predicate && observable.transition < net.transitions();
      break;
    case Measure::kFirstPassage:
    case Measure::kTimeIn:
      sound = observable.predicate && !observable.expression && observable.predicate->places() == net.places();
      break;
  }
  if (!sound) refuse("an observable lacks what it measures, or measures what is not in the net");
}

void check(const TimedNet& timed, const SimulationOptions& options) {
  const Net& net = timed.net();
  if (const char* reason = unsupported(options.algorithm, timed); *reason != 0) refuse(reason);
  if (options.algorithm == Algorithm::kTauLeaping && options.record == Record::kEvents)
    refuse("tau-leaping knows no times of events to record");
  if (options.replicas == 0) refuse("there is no replica to run");
  if (std::isnan(options.until) || options.until < 0) refuse("until is " + std::to_string(options.until));
  if (!(options.warmup >= 0 && options.warmup < kNoTime) || options.warmup > options.until)
    refuse("the warmup is " + std::to_string(options.warmup));
  if (!(options.tolerance > 0 && options.tolerance < 1))
    refuse("the tolerance is " + std::to_string(options.tolerance));
  if (options.record == Record::kGrid) {
    for (std::size_t i = 0; i < options.grid.size(); ++i) {
      if (!(options.grid[i] >= 0) || (i > 0 && options.grid[i] < options.grid[i - 1]))
        refuse("the grid does not ascend");
    }
  } else if (!options.grid.empty()) {
    refuse("a grid is given, but not to be recorded");
  }
  const bool one_each = options.initial.size() / std::max<std::size_t>(net.places(), 1) == options.replicas &&
                        options.initial.size() % std::max<std::size_t>(net.places(), 1) == 0;
  if (!options.initial.empty() && options.initial.size() != net.places() && !one_each)
    refuse("the initial markings are neither one nor one per replica");
  if (std::ranges::any_of(options.initial, [](Count count) { return count < 0; }))
    refuse("an initial marking holds a negative count");
  check_rates(options, net.transitions());
  if (options.end_when != nullptr && options.end_when->places() != net.places())
    refuse("the condition to end is of another net");
  for (const Observable& observable : options.observables) check_observable(observable, net);
}

MakeRunner maker(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kNextReaction:
      return make_next_reaction;
    case Algorithm::kRejection:
      return make_rejection;
    case Algorithm::kTauLeaping:
      return make_tau_leaping;
    case Algorithm::kTokenGame:
      return make_token_game;
    case Algorithm::kMaximalStep:
      return make_maximal_step;
    case Algorithm::kEventDriven:
      return make_event_driven;
    default:
      return make_direct;
  }
}

std::size_t product(std::size_t a, std::size_t b) {
  std::size_t result;
  if (__builtin_mul_overflow(a, b, &result)) throw std::bad_alloc();
  return result;
}

template <class T>
void allocate(std::vector<T>& values, std::size_t rows, std::size_t columns) {
  const std::size_t size = product(rows, columns);
  if (size > values.max_size()) throw std::bad_alloc();
  values.assign(size, T{});
}

void allocate(SimulationResult& result, const Job& job) {
  const SimulationOptions& options = job.options;
  allocate(result.final, job.rows, job.places);
  allocate(result.times, job.rows, 1);
  allocate(result.events, job.rows, 1);
  allocate(result.ends, job.rows, 1);
  if (options.count_firings) allocate(result.firings, job.rows, job.transitions);
  allocate(result.observed, job.rows, options.observables.size());
  if (options.record == Record::kGrid) allocate(result.grid, job.rows, product(options.grid.size(), job.places));
  if (options.record == Record::kEvents) allocate(result.offsets, job.rows + 1, 1);
}

// Chunks of rows (all, or single ones of those given), taken by threads in turn. The first fault by row is thrown:
// chunks before it are run to their end, those after it are given up.
class Crew {
 public:
  Crew(Job& job, MakeRunner make) : Crew(job, make, (job.rows + job.chunk - 1) / job.chunk) {}

  // `events` were counted before, in other rows.
  Crew(Job& job, MakeRunner make, std::span<const std::uint64_t> rows, std::uint64_t events)
      : Crew(job, make, rows.size()) {
    some_ = rows;
    control_.add(events);
  }

  void run() {
    const std::size_t wanted =
        job_.options.threads != 0 ? job_.options.threads : std::max(1U, std::thread::hardware_concurrency());
    const std::size_t threads = std::min({wanted, chunks_, std::size_t{kMostThreads}});
    {
      std::vector<std::jthread> helpers;
      running_ = threads - 1;
      for (std::size_t i = 1; i < threads; ++i) {
        helpers.emplace_back([this] {
          work(false);
          const std::lock_guard lock(mutex_);
          if (--running_ == 0) idle_.notify_all();
        });
      }
      try {
        work(true);
        std::unique_lock lock(mutex_);
        while (!idle_.wait_for(lock, std::chrono::milliseconds(10), [this] { return running_ == 0; })) {
          lock.unlock();
          control_.ask();
          lock.lock();
        }
      } catch (...) {  // what stop() threw
        control_.halt();
        throw;
      }
    }
    if (error_) std::rethrow_exception(error_);
  }

 private:
  Crew(Job& job, MakeRunner make, std::size_t chunks)
      : job_(job), make_(make), control_(job.options.stop), chunks_(chunks) {}

  void work(bool asks) {
    std::unique_ptr<Runner> runner;
    Ticker ticker(control_, asks);
    for (std::size_t i; (i = next_.fetch_add(1)) < chunks_ && control_.matters(i);) {
      try {
        ticker.begin(i);
        if (!runner) runner = make_(job_);
        if (some_.empty()) {
          runner->run(i * job_.chunk, std::min((i + 1) * job_.chunk, job_.rows), ticker);
        } else {
          runner->run(some_[i], some_[i] + 1, ticker);
        }
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (control_.fail(i)) error_ = std::current_exception();
      }
    }
  }

  Job& job_;
  MakeRunner make_;
  std::span<const std::uint64_t> some_;
  Control control_;
  std::size_t chunks_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t running_ = 0;
  std::exception_ptr error_;
};

// The events of all chunks, one after the other, and the offsets of replicas in them.
void gather(Job& job) {
  SimulationResult& result = job.result;
  for (std::size_t i = 0; i < job.rows; ++i) result.offsets[i + 1] += result.offsets[i];
  const auto total = static_cast<std::size_t>(result.offsets.back());
  result.event_times.reserve(total);
  result.event_transitions.reserve(total);
  for (Job::Events& events : job.events) {
    result.event_times.insert(result.event_times.end(), events.times.begin(), events.times.end());
    result.event_transitions.insert(result.event_transitions.end(), events.transitions.begin(),
                                    events.transitions.end());
    events = {};
  }
}

std::string told(SimulationFault::Kind kind) {
  switch (kind) {
    case SimulationFault::Kind::kBadRate:
      return "a rate is negative, infinite or not a number";
    case SimulationFault::Kind::kTokenOverflow:
      return "token count overflows";
    case SimulationFault::Kind::kImmediateLoop:
      break;
  }
  return "immediate transitions fire for ever in no time";
}

}  // namespace

SimulationFault::SimulationFault(Kind kind_, std::uint64_t replica_, double time_, std::uint32_t index_, double value_)
    : std::runtime_error(told(kind_)), kind(kind_), replica(replica_), time(time_), index(index_), value(value_) {}

namespace {

// Replicas side by side, on the device asked for; then one after the other those that are left.
void run_side_by_side(Job& job) {
  const SimulationOptions& options = job.options;
  if (options.device == Device::kCuda) {
    if (const char* why = cuda::unsuited(job.timed, options); *why != 0)
      throw DeviceError(std::string("device 'cuda' cannot run this: ").append(why));
  }
  const bulk::Outcome outcome = options.device == Device::kCuda
                                    ? cuda::run(cuda::library(), job.timed, options, job.result)
                                    : bulk::run(job.timed, options, job.result);
  if (outcome.stopped || outcome.left_out.empty()) return;
  Crew(job, make_direct, outcome.left_out, outcome.events).run();
}

}  // namespace

SimulationResult simulate(const TimedNet& net, const SimulationOptions& options) {
  check(net, options);
  SimulationResult result;
  Job job(net, options, result);
  allocate(result, job);
  if (options.device == Device::kCuda || bulk::suits(net, options)) {
    run_side_by_side(job);
  } else {
    Crew(job, maker(options.algorithm)).run();
  }
  if (options.record == Record::kEvents) gather(job);
  return result;
}

const char* unsupported(Algorithm algorithm, const TimedNet& net) noexcept {
  switch (algorithm) {
    case Algorithm::kTokenGame:
    case Algorithm::kMaximalStep:
    case Algorithm::kEventDriven:
      return "";
    case Algorithm::kTauLeaping:
      if (net.has_immediate()) return "tau-leaping knows no immediate transitions";
      [[fallthrough]];
    case Algorithm::kDirect:
    case Algorithm::kNextReaction:
    case Algorithm::kRejection:
      if (net.has_general()) return "delays that are not exponential need the event-driven algorithm";
  }
  return "";
}

}  // namespace petricore
