// Composition and rejection: A. Slepoy, A. P. Thompson, S. J. Plimpton: A constant-time kinetic Monte Carlo algorithm
// for simulation of large biochemical reaction networks, J. Chem. Phys. 128, 2008, doi:10.1063/1.2919546. Rates are
// sorted into octaves; an octave is drawn by its bound, a transition in it uniformly, and taken with probability rate /
// bound.
//
// Here rejected trials are events of a process with the rate of all bounds together, in which nothing happens, instead
// of being compared with sums of rates: sums that are kept up to date by adding and subtracting drift, counts of
// members do not. Costs
// O(transitions affected + octaves met) per event, whatever the size of the net; more than half of all trials succeed.
#include "petricore/philox.hpp"
#include "simulate/draws/draws.hpp"
#include "simulate/immediates.hpp"
#include "simulate/rate_octaves.hpp"
#include "simulate/replica.hpp"

namespace petricore {
namespace {

class Rejection {
 public:
  explicit Rejection(Replica& replica)
      : replica_(replica), immediates_(replica), rates_(replica.job.transitions), octaves_(replica.job.transitions) {}

  void start() {
    immediates_.start();
    clocks_.start(replica_.job.options.seed, replica_.number);
    octaves_.clear();
    for (std::uint32_t t = 0; t < rates_.size(); ++t) {
      rates_[t] = 0;
      if (replica_.job.timed.timing(t).timing == Timing::kExponential) update(t);
    }
  }

  Next peek() {
    if (immediates_.any()) {
      chosen_ = immediates_.choose(unit(block_of(replica_.job.options.seed, replica_.number, replica_.event)));
      return {replica_.time, true};
    }
    const double total = octaves_.bound();
    if (total == 0) return {kForever};
    if (!(total <= std::numeric_limits<double>::max())) [[unlikely]]
      replica_.fail(SimulationFault::Kind::kBadRate, fastest(), rates_[fastest()]);
    double waited = 0;
    do {
      clocks_.next();
      waited += clocks_.exponential();
      chosen_ = octaves_.draw(clocks_, total, rates_.data());
    } while (chosen_ == RateOctaves::kRejected);
    return {replica_.time + waited / total};
  }

  template <class Recorder>
  std::uint32_t fire(Recorder& recorder) {
    const std::uint32_t t = chosen_;
    replica_.fire(t);
    for (const std::uint32_t u : replica_.job.exponential[t]) update(u);
    immediates_.follow(t);
    recorder.count(t);
    return t;
  }

 private:
  void update(std::uint32_t t) {
    const double rate = replica_.propensity(t);
    if (rate == rates_[t]) return;
    rates_[t] = rate;
    octaves_.change(t, rate);
  }

  std::uint32_t fastest() const {
    return static_cast<std::uint32_t>(std::max_element(rates_.begin(), rates_.end()) - rates_.begin());
  }

  Replica& replica_;
  Immediates immediates_;
  std::vector<double> rates_;
  RateOctaves octaves_;
  std::uint32_t chosen_ = 0;
  DrawSequence clocks_{StreamKind::kClocks};
};

}  // namespace

std::unique_ptr<Runner> make_rejection(Job& job) { return make_runner<Rejection>(job); }

}  // namespace petricore
