// What all replicas of one call share.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "petricore/csr.hpp"
#include "petricore/simulate.hpp"
#include "simulate/rate_plan.hpp"

namespace petricore {

inline constexpr std::uint32_t kSeveral = ~std::uint32_t{0};  // in place of a transition: more than one has fired

// Tables made once per call. Immutable while replicas run, but for the result, of which each replica writes its own
// rows, and for the events.
struct Job {
  Job(const TimedNet& timed_, const SimulationOptions& options_, SimulationResult& result_);

  struct Effect {
    std::uint32_t place;
    Count delta;
  };
  // The events of one chunk of replicas, put together at the end. Other threads write to those beside it.
  struct alignas(64) Events {
    std::vector<double> times;
    std::vector<std::int32_t> transitions;
  };

  const TimedNet& timed;
  const SimulationOptions& options;
  SimulationResult& result;

  std::size_t places, transitions, rows;  // rows: points of the sweep times replicas
  std::size_t chunk;                      // replicas that a thread takes at a time
  Csr<Effect> effects;                    // (T): places that firing t changes by a constant other than 0
  Csr<Effect> restarts;                   // (T): places that t resets, and what it puts there
  Csr<std::uint32_t> exponential;         // (T): the exponential ones among TimedNet::affected
  Csr<std::uint32_t> immediate;           // (T): the immediate ones
  std::vector<RatePlan> plans;            // (T,)
  std::vector<double> rates;              // (T,) the net's
  std::vector<std::uint8_t> ends;         // (T,): whether a firing may change end_when
  Csr<std::uint32_t> observables;         // (T): those that a firing may change
  std::vector<Events> events;             // for each chunk
  std::atomic<std::uint64_t> room{0};     // how many events have room in them

  // Whether nobody asks for more than final markings and counts of firings.
  bool plain;

  const double* rates_of(std::size_t row) const noexcept {
    return options.rates.empty() ? rates.data() : options.rates.data() + row / options.replicas * transitions;
  }
  const Count* initial_of(std::size_t row) const noexcept;
};

// How the calling thread stops the others.
class Control {
 public:
  explicit Control(const Stop& stop) : stop_(stop) {}

  bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }
  void halt() noexcept { stopped_.store(true, std::memory_order_relaxed); }
  // A chunk has failed: those after it do not matter any more. True: so far the first one to fail.
  bool fail(std::size_t chunk) noexcept {
    std::size_t first = failed_.load();
    while (chunk < first && !failed_.compare_exchange_weak(first, chunk)) {
    }
    return chunk < first;
  }
  bool matters(std::size_t chunk) const noexcept {
    return chunk < failed_.load(std::memory_order_relaxed) && !stopped();
  }
  void add(std::uint64_t events) noexcept { done_.fetch_add(events, std::memory_order_relaxed); }

  // Asks whether to stop, and never again once that was so. To be called from the thread that called simulate().
  void ask() {
    if (stopped()) return;
    try {
      if (stop_ && stop_(done_.load(std::memory_order_relaxed))) halt();
    } catch (...) {
      halt();
      throw;
    }
  }

 private:
  const Stop& stop_;
  std::atomic<std::uint64_t> done_{0};
  std::atomic<bool> stopped_{false};
  std::atomic<std::size_t> failed_{~std::size_t{0}};
};

// One thread's counting of events: looks at the clock, and asks Control, about every 5 ms whatever an event costs.
class Ticker {
 public:
  Ticker(Control& control, bool asks) : control_(control), asks_(asks), last_(Clock::now()) {}

  void begin(std::size_t chunk) noexcept { chunk_ = chunk; }

  // To be called for each event. True: stop.
  bool tick() {
    if (--left_ != 0) [[likely]]
      return false;
    return look();
  }

 private:
  using Clock = std::chrono::steady_clock;

  bool look();

  Control& control_;
  bool asks_;
  std::size_t chunk_ = 0;
  std::uint32_t every_ = 64, left_ = 64;
  Clock::time_point last_;
};

// One algorithm, in one thread: runs replicas one after the other.
class Runner {
 public:
  virtual ~Runner() = default;
  // Runs the rows of one chunk. Throws SimulationFault.
  virtual void run(std::size_t first, std::size_t last, Ticker& ticker) = 0;
};

// Makes the runner of a thread.
using MakeRunner = std::unique_ptr<Runner> (*)(Job& job);

std::unique_ptr<Runner> make_direct(Job& job);
std::unique_ptr<Runner> make_event_driven(Job& job);
std::unique_ptr<Runner> make_next_reaction(Job& job);
std::unique_ptr<Runner> make_rejection(Job& job);
std::unique_ptr<Runner> make_tau_leaping(Job& job);
std::unique_ptr<Runner> make_token_game(Job& job);
std::unique_ptr<Runner> make_maximal_step(Job& job);

}  // namespace petricore
