// The direct method: D. T. Gillespie: Exact stochastic simulation of coupled chemical reactions, J. Phys. Chem. 81(25),
// 1977, doi:10.1021/j100540a008. One block of random numbers per event, sums in the order of transitions: the lanes of
// the bulk and the GPU compute the same bits.
#include <algorithm>

#include "simulate/draws/draws.hpp"
#include "simulate/immediates.hpp"
#include "simulate/replica.hpp"

namespace petricore {
namespace {

class Direct {
 public:
  explicit Direct(Replica& replica)
      : replica_(replica), immediates_(replica), rates_(replica.job.transitions), sums_(replica.job.transitions + 1) {}

  void start() {
    immediates_.start();
    draws_.start(replica_.job.options.seed, replica_.number);
    for (std::uint32_t t = 0; t < rates_.size(); ++t) {
      const bool exponential = replica_.job.timed.timing(t).timing == Timing::kExponential;
      rates_[t] = exponential ? replica_.propensity(t) : 0;
    }
    changed_ = 0;
  }

  Next peek() {
    draws_.next();
    if (immediates_.any()) return {replica_.time, true};
    // Sums below the first rate that has changed are what they were, to the bit.
    for (std::size_t t = changed_; t < rates_.size(); ++t) sums_[t + 1] = sums_[t] + rates_[t];
    changed_ = rates_.size();
    const double total = sums_.back();
    if (total == 0) return {kForever};
    if (!(total <= std::numeric_limits<double>::max())) [[unlikely]]
      replica_.fail(SimulationFault::Kind::kBadRate, fastest(), rates_[fastest()]);
    return {replica_.time + draws_.exponential() / total};
  }

  template <class Recorder>
  std::uint32_t fire(Recorder& recorder) {
    const std::uint32_t t = immediates_.any() ? immediates_.choose(draws_.unit()) : choose(draws_.unit());
    replica_.fire(t);
    for (const std::uint32_t u : replica_.job.exponential[t]) {
      rates_[u] = replica_.propensity(u);
      changed_ = std::min<std::size_t>(changed_, u);
    }
    immediates_.follow(t);
    recorder.count(t);
    return t;
  }

 private:
  static constexpr std::size_t kFew = 32;  // so many are looked at without branches sooner than by halves

  // The first whose sum exceeds the threshold; sums never fall. Where rounding leaves none, the last that can fire.
  std::uint32_t choose(double v) const {
    const double threshold = v * sums_.back();
    std::uint32_t t = 0;
    if (rates_.size() <= kFew) {
      for (std::size_t i = 0; i < rates_.size(); ++i) t += sums_[i + 1] <= threshold ? 1 : 0;
    } else {
      t = static_cast<std::uint32_t>(std::upper_bound(sums_.begin() + 1, sums_.end(), threshold) - sums_.begin() - 1);
    }
    if (t == rates_.size()) [[unlikely]] {
      do --t;
      while (rates_[t] == 0);
    }
    return t;
  }

  std::uint32_t fastest() const {
    return static_cast<std::uint32_t>(std::max_element(rates_.begin(), rates_.end()) - rates_.begin());
  }

  Replica& replica_;
  Immediates immediates_;
  std::vector<double> rates_;  // (T,)
  std::vector<double> sums_;   // (T + 1,): sums_[t + 1] is that of the rates up to t
  std::size_t changed_ = 0;    // the first transition whose sum is not up to date
  DrawSequence draws_{StreamKind::kEvents};
};

}  // namespace

std::unique_ptr<Runner> make_direct(Job& job) { return make_runner<Direct>(job); }

}  // namespace petricore
