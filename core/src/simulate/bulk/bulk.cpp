#include "simulate/bulk/bulk.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "simulate/bulk/worker.hpp"

namespace petricore::bulk {
namespace {

// Beyond it counts could pass their limit between two looks.
constexpr Count kMostGain = Count{1} << 20;
// Weights of a sum of counts that is exact in double: 2^21 * 2^31 < 2^53.
constexpr std::int64_t kMostWeight = std::int64_t{1} << 21;
constexpr Count kMostChosen = 64;  // of a place, in mass action

bool exact(const Predicate& predicate) noexcept {
  if (predicate.atoms().size() > kMostAtoms) return false;
  for (std::size_t i = 0; i < predicate.atoms().size(); ++i) {
    std::int64_t weights = 0;
    for (const Predicate::Term& term : predicate.terms(i)) weights += term.weight < 0 ? -term.weight : term.weight;
    if (weights > kMostWeight) return false;
  }
  return true;
}

bool exact(const TimedNet& timed) noexcept {
  const Net& net = timed.net();
  for (std::size_t t = 0; t < net.transitions(); ++t) {
    const bool chosen = timed.timing(t).timing == Timing::kExponential && timed.timing(t).law == RateLaw::kMassAction;
    for (const Link& link : net.links(t)) {
      if (link.delta() > kMostGain && !link.resets) return false;
      if (link.resets && link.output > kMostGain) return false;
      if (chosen && link.input > kMostChosen) return false;
    }
  }
  return true;
}

}  // namespace

const char* unsuited(const TimedNet& net, const SimulationOptions& options) noexcept {
  if (options.algorithm != Algorithm::kDirect) return "only the direct method runs replicas side by side";
  if (net.has_general()) return "a delay is not exponential";
  if (options.record == Record::kEvents) return "events are recorded one replica after the other";
  if (!exact(net)) return "a firing adds more than 2^20 tokens to a place, or more than 64 of one react";
  if ((options.end_when != nullptr && !exact(*options.end_when)) ||
      std::ranges::any_of(options.observables, [](const Observable& observable) {
        return observable.predicate && !exact(*observable.predicate);
      })) {
    return "a formula has more than 30 comparisons, or weights beyond 2^21";
  }
  return "";
}

bool suits(const TimedNet& net, const SimulationOptions& options) noexcept {
  const std::size_t transitions = net.net().transitions();
  if (transitions == 0 || transitions > kernel().most_transitions) return false;
  const std::uint64_t points = options.rates.empty() ? 1 : options.rates.size() / transitions;
  return points * options.replicas >= kernel().least_replicas && *unsuited(net, options) == 0;
}

namespace {

// The threads of one call. The calling thread works too, and alone asks `stop`.
class Crew {
 public:
  explicit Crew(Job& job) : job_(job), polled_(Clock::now()) {}

  Outcome run() {
    constexpr unsigned kMostThreads = 64;
    const unsigned wanted = job_.options.threads != 0 ? job_.options.threads : std::thread::hardware_concurrency();
    const auto threads = static_cast<unsigned>(
        std::clamp<std::uint64_t>(std::min<std::uint64_t>(wanted, kMostThreads), 1, 1 + job_.rows / kLanes));
    {
      std::vector<std::jthread> helpers;
      try {
        for (unsigned i = 1; i < threads; ++i) {
          helpers.emplace_back([this] {
            work(false);
            const std::lock_guard lock(mutex_);
            ++done_;
            idle_.notify_one();
          });
        }
        work(true);
        std::unique_lock lock(mutex_);
        while (!idle_.wait_for(lock, std::chrono::milliseconds(10), [&] { return done_ == helpers.size(); })) {
          lock.unlock();
          poll();
          lock.lock();
        }
      } catch (...) {  // what stop() threw, or a thread that cannot be had
        job_.ended = true;
        throw;
      }
    }
    if (error_) std::rethrow_exception(error_);
    std::ranges::sort(outcome_.left_out);
    outcome_.events = job_.events;
    return std::move(outcome_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  void work(bool polls) {
    try {
      Worker worker(job_);
      while (worker.advance() && !job_.ended.load(std::memory_order_relaxed)) {
        if (polls) poll();
      }
      const std::lock_guard lock(mutex_);
      outcome_.left_out.insert(outcome_.left_out.end(), worker.left_out().begin(), worker.left_out().end());
    } catch (...) {
      job_.ended = true;
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }

  void poll() {
    const auto now = Clock::now();
    if (!job_.options.stop || outcome_.stopped || now - polled_ < std::chrono::milliseconds(8)) return;
    polled_ = now;
    if (!job_.options.stop(job_.events.load(std::memory_order_relaxed))) return;
    outcome_.stopped = true;
    job_.ended = true;
  }

  Job& job_;
  Clock::time_point polled_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t done_ = 0;  // helpers
  std::exception_ptr error_;
  Outcome outcome_;
};

}  // namespace

Outcome run(const TimedNet& net, const SimulationOptions& options, SimulationResult& result, const Kernel& kernel) {
  const Lowered lowered(net, options);
  Job job{net, options, lowered, lowered.program(), kernel, result, result.ends.size(), {}, {}, {}};
  return Crew(job).run();
}

}  // namespace petricore::bulk
