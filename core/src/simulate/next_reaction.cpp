// The next reaction method: M. A. Gibson, J. Bruck: Efficient exact stochastic simulation of chemical systems with many
// species and many channels, J. Phys. Chem. A 104(9), 2000, doi:10.1021/jp993732q. Every transition keeps the absolute
// time at which it would fire, in an indexed heap; a change of its rate stretches what is left of it, so that one
// random number per event is enough. Costs O(transitions affected * log T) per event.
#include "petricore/philox.hpp"
#include "simulate/draws/draws.hpp"
#include "simulate/immediates.hpp"
#include "simulate/replica.hpp"
#include "simulate/time_heap.hpp"

namespace petricore {
namespace {

class NextReaction {
 public:
  explicit NextReaction(Replica& replica)
      : replica_(replica), immediates_(replica), rates_(replica.job.transitions), heap_(replica.job.transitions) {}

  void start() {
    immediates_.start();
    clocks_.start(replica_.job.options.seed, replica_.number);
    for (std::uint32_t t = 0; t < rates_.size(); ++t) {
      const bool exponential = replica_.job.timed.timing(t).timing == Timing::kExponential;
      rates_[t] = exponential ? replica_.propensity(t) : 0;
      heap_.put(t, drawn(rates_[t]));
    }
    heap_.build();
  }

  Next peek() const {
    if (immediates_.any()) return {replica_.time, true};
    return {heap_.earliest()};
  }

  template <class Recorder>
  std::uint32_t fire(Recorder& recorder) {
    const bool immediate = immediates_.any();
    const std::uint32_t t =
        immediate ? immediates_.choose(unit(block_of(replica_.job.options.seed, replica_.number, replica_.event)))
                  : heap_.first();
    replica_.fire(t);
    bool redrawn = immediate;
    for (const std::uint32_t u : replica_.job.exponential[t]) {
      if (u == t) {
        rates_[t] = replica_.propensity(t);
        heap_.change(t, drawn(rates_[t]));
        redrawn = true;
      } else {
        adapt(u);
      }
    }
    if (!redrawn) heap_.change(t, drawn(rates_[t]));
    immediates_.follow(t);
    recorder.count(t);
    return t;
  }

 private:
  double drawn(double rate) {
    if (rate == 0) return kForever;
    clocks_.next();
    return replica_.time + clocks_.exponential() / rate;
  }

  void adapt(std::uint32_t u) {
    const double before = rates_[u], after = replica_.propensity(u);
    rates_[u] = after;
    if (after == before) return;
    const double left = heap_.time(u) - replica_.time;
    // Where the time left is not finite, or rounding says nothing is left, it is drawn afresh: it has no memory.
    if (before > 0 && after > 0 && left > 0 && left < kForever) {
      heap_.change(u, replica_.time + before / after * left);
    } else {
      heap_.change(u, drawn(after));
    }
  }

  Replica& replica_;
  Immediates immediates_;
  std::vector<double> rates_;
  TimeHeap heap_;
  DrawSequence clocks_{StreamKind::kClocks};
};

}  // namespace

std::unique_ptr<Runner> make_next_reaction(Job& job) { return make_runner<NextReaction>(job); }

}  // namespace petricore
