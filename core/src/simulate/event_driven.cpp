// Clocks of any distribution, and what memory they have: M. Ajmone Marsan, G. Balbo, A. Bobbio, G. Chiola, G. Conte,
// A. Cumani: The effect of execution policies on the semantics and analysis of stochastic Petri nets, IEEE Transactions
// on Software Engineering 15(7), 1989, doi:10.1109/32.29483. Exponential transitions are re-rated as in M. A. Gibson,
// J. Bruck: Efficient exact stochastic simulation of chemical systems with many species and many channels, J. Phys.
// Chem. A 104(9), 2000, doi:10.1021/jp993732q.
#include <limits>

#include "petricore/philox.hpp"
#include "simulate/clocks.hpp"
#include "simulate/delays.hpp"
#include "simulate/immediates.hpp"
#include "simulate/replica.hpp"

namespace petricore {
namespace {

// Clocks are looked at in tangible markings only, those in which no immediate transition is enabled: what happens in
// between takes no time, and a transition that is enabled before and after it has never been interrupted.
class EventDriven {
 public:
  explicit EventDriven(Replica& replica)
      : replica_(replica),
        immediates_(replica),
        clocks_(ranks(replica.job.timed.net())),
        rates_(replica.job.transitions),
        is_stale_(replica.job.transitions) {
    stale_.reserve(replica.job.transitions);
  }

  void start() {
    stream_ = Stream(replica_.job.options.seed, replica_.number, StreamKind::kClocks);
    immediates_.start();
    clocks_.clear();
    rates_.assign(rates_.size(), 0);
    stale_.clear();
    is_stale_.assign(is_stale_.size(), 0);
    rung_ = Clocks::kNone;
    for (std::uint32_t t = 0; t < rates_.size(); ++t) touch(t);
  }

  Next peek() {
    if (immediates_.any()) return {replica_.time, true};
    for (const std::uint32_t t : stale_) {
      is_stale_[t] = 0;
      is_general(t) ? staff(t) : rerate(t);
    }
    stale_.clear();
    rung_ = Clocks::kNone;
    if (clocks_.empty()) return {kForever};
    return {clocks_.time(clocks_.next()), clocks_.at_once(clocks_.next())};
  }

  template <class Recorder>
  std::uint32_t fire(Recorder& recorder) {
    std::uint32_t t;
    if (immediates_.any()) {
      t = immediates_.choose(stream_.unit());
    } else {
      const std::uint32_t clock = clocks_.next();
      t = clocks_.transition(clock);
      // One that may run again at once is kept until then: a heap moves faster than it takes out and puts in.
      if (clocks_.is_alone(clock)) {
        rung_ = t;
      } else {
        clocks_.remove(clock);
      }
      touch(t);
    }
    replica_.fire(t);
    for (const std::uint32_t u : replica_.job.timed.affected(t)) touch(u);
    immediates_.follow(t);
    recorder.count(t);
    return t;
  }

 private:
  static constexpr double kEarlier = -1;  // an exponential clock is never one that rings without time passing

  static std::vector<std::uint32_t> ranks(const Net& net) {
    std::vector<std::uint32_t> ranks(net.transitions());
    std::uint32_t rank = 0;
    for (const std::uint32_t t : net.by_priority()) ranks[t] = rank++;
    return ranks;
  }

  bool is_general(std::uint32_t t) const noexcept { return replica_.job.timed.timing(t).timing == Timing::kGeneral; }

  void touch(std::uint32_t t) {
    if (is_stale_[t] != 0 || replica_.job.timed.timing(t).timing == Timing::kImmediate) return;
    is_stale_[t] = 1;
    stale_.push_back(t);
  }

  // What is left of an exponential time, in units of its mean, is exponential at any rate: it is kept, and only scaled.
  void rerate(std::uint32_t t) {
    const double before = rates_[t], now = replica_.time;
    const double rate = rates_[t] = replica_.propensity(t);
    if (rate == before && t != rung_) return;
    const std::uint32_t clock = clocks_.newest(t);
    if (rate == 0) {
      clocks_.remove(clock);
    } else if (t == rung_) {
      clocks_.move(clock, now + draw_exponential(stream_) / rate);
    } else if (before == 0) {
      clocks_.start(t, kEarlier, now + draw_exponential(stream_) / rate);
    } else {
      const double left = (clocks_.time(clock) - now) * (before / rate);
      clocks_.move(clock, now + (left < kForever ? left : draw_exponential(stream_) / rate));
    }
  }

  // As many clocks run as servers are busy. The newest are stopped first; those that were paused go on, the oldest
  // first, before new ones are started.
  void staff(std::uint32_t t) {
    const TransitionTiming& timing = replica_.job.timed.timing(t);
    const auto busy = static_cast<std::uint32_t>(replica_.job.timed.busy_servers(t, replica_.marking));
    const double now = replica_.time;
    const auto delay = [&] { return draw(replica_.job.timed.spec().delays[timing.delay], stream_); };
    if (t == rung_) {
      const std::uint32_t clock = clocks_.newest(t);
      if (busy == 0) {
        clocks_.remove(clock);
      } else {
        clocks_.restart(clock, now, now + delay());
      }
    }
    while (clocks_.running(t) > busy) {
      if (timing.memory == Memory::kAge) {
        clocks_.pause(t, now);
      } else {
        clocks_.remove(clocks_.newest(t));
      }
    }
    while (clocks_.running(t) < busy) {
      if (clocks_.paused(t)) {
        clocks_.resume(t, now);
      } else {
        clocks_.start(t, now, now + delay());
      }
    }
  }

  Replica& replica_;
  Immediates immediates_;
  Clocks clocks_;
  std::vector<double> rates_;           // (T,): that of the clock of an exponential one, 0 without a clock
  std::uint32_t rung_ = Clocks::kNone;  // the transition whose only clock has rung and still is in the heap
  std::vector<std::uint32_t> stale_;    // timed transitions whose clocks may have to change
  std::vector<std::uint8_t> is_stale_;  // (T,)
  Stream stream_{0, 0, StreamKind::kClocks};
};

}  // namespace

std::unique_ptr<Runner> make_event_driven(Job& job) { return make_runner<EventDriven>(job); }

}  // namespace petricore
