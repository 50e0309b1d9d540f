// Tau-leaping: Y. Cao, D. T. Gillespie, L. R. Petzold: Efficient step size selection for the tau-leaping simulation
// method, J. Chem. Phys. 124, 044109, 2006, doi:10.1063/1.2159468.
//
// In a leap transitions fire a Poisson number of times, at rates held as they were. It is so short that the expected
// change of each count, and its standard deviation, are at most a fraction epsilon / g of the count, g being the order
// in which rates depend on it: so rates drift by about epsilon at most. Transitions that could disable something (use
// up tokens, fill a place, or cross a count that any transition waits for) within ten firings are critical: at most one
// of them fires per leap. A leap that would still break a bound is halved. Where leaps would hardly be longer than
// single events, the direct method takes a hundred of those. Leaps end at the times where somebody looks.
//
// Beyond the paper, a leap consumes at most a fraction 2 epsilon of any count: near an equilibrium drifts cancel, and
// leaps as long as the time in which it relaxes inflate the variance, by 1 / (1 - half of that fraction) for a linear
// law.
#include <algorithm>

#include "simulate/natural_log.hpp"
#include "simulate/poisson.hpp"
#include "simulate/replica.hpp"

namespace petricore {
namespace {

constexpr double kCriticalFirings = 10;
constexpr int kSingleEvents = 100;
constexpr double kWorthwhile = 10;  // a leap is shorter than so many events: not worth it

class TauLeaping {
 public:
  explicit TauLeaping(Replica& replica)
      : replica_(replica),
        rates_(replica.job.transitions),
        firings_(replica.job.transitions),
        critical_(replica.job.transitions),
        drift_(replica.job.places),
        spread_(replica.job.places),
        drain_(replica.job.places),
        after_(replica.job.places),
        orders_(replica.job.places),
        random_(0, 0, StreamKind::kLeaps) {
    tabulate();
  }

  void start() {
    random_ = Stream(replica_.job.options.seed, replica_.number, StreamKind::kLeaps);
    for (std::uint32_t t = 0; t < rates_.size(); ++t) rates_[t] = replica_.propensity(t);
    singles_ = 0;
    next_stop_ = 0;
  }

  Next peek() {
    total_ = 0;
    for (const double rate : rates_) total_ += rate;
    if (total_ == 0) return {kForever};
    if (!(total_ <= std::numeric_limits<double>::max())) [[unlikely]] {
      const auto fastest = std::max_element(rates_.begin(), rates_.end());
      replica_.fail(SimulationFault::Kind::kBadRate, static_cast<std::uint32_t>(fastest - rates_.begin()), *fastest);
    }
    while (next_stop_ < stops_.size() && stops_[next_stop_] <= replica_.time) ++next_stop_;
    const double left = next_stop_ < stops_.size() ? stops_[next_stop_] - replica_.time : kForever;
    // At `until` nothing more happens.
    if (replica_.time >= replica_.job.options.until) return {std::nextafter(replica_.time, kForever)};
    if (singles_ > 0) return single();
    find_critical();
    double leap = longest_leap();
    for (;;) {
      if (leap < kWorthwhile / total_) {
        singles_ = kSingleEvents;
        return single();
      }
      double first_critical = kForever;
      if (critical_total_ > 0) first_critical = -natural_log(random_.open_unit()) / critical_total_;
      const double length = std::min({leap, first_critical, left});
      fires_critical_ = first_critical == length && length < kForever;
      if (length < kForever && draw(length)) {
        leaps_ = true;
        return {length == left ? stops_[next_stop_] : replica_.time + length};
      }
      leap = std::min(length / 2, kMostFirings / total_);
    }
  }

  template <class Recorder>
  std::uint32_t fire(Recorder& recorder) {
    if (!leaps_) {
      --singles_;
      const std::uint32_t t = drawn(total_, [](std::uint32_t) { return true; });
      replica_.fire(t);
      recorder.count(t);
      for (const std::uint32_t u : replica_.job.exponential[t]) rates_[u] = replica_.propensity(u);
      return t;
    }
    std::ranges::transform(after_, replica_.marking, [](std::int64_t tokens) { return static_cast<Count>(tokens); });
    for (std::uint32_t t = 0; t < rates_.size(); ++t) {
      if (firings_[t] > 0) recorder.count(t, firings_[t]);
    }
    for (std::uint32_t t = 0; t < rates_.size(); ++t) rates_[t] = replica_.propensity(t);
    return kSeveral;
  }

 private:
  static constexpr double kMostFirings = 1e9;

  // How rates depend on a place: the order of the rate laws (see order()), and the counts that are waited for.
  struct Order {
    Count highest = 0;  // of the mass-action laws: tokens that they consume together
    Count most = 0;     // consumed from here by those of that order
    bool used = false;  // some rate depends on it
  };

  void tabulate() {
    const TimedNet& timed = replica_.job.timed;
    std::vector<std::vector<Count>> thresholds(replica_.job.places);
    std::vector<std::vector<std::uint32_t>> expressive(replica_.job.places);
    for (std::uint32_t t = 0; t < rates_.size(); ++t) {
      const TransitionTiming& timing = timed.timing(t);
      std::int64_t order = 1;
      if (timing.law == RateLaw::kMassAction) {
        order = 0;
        for (const Link& link : timed.net().links(t)) order += link.input;
      }
      for (const Link& link : timed.net().links(t)) {
        if (link.least > 0) thresholds[link.place].push_back(link.least);
        if (link.most < kMaxTokens) thresholds[link.place].push_back(link.most + 1);
        if (link.least == 0 && link.most == kMaxTokens && link.input == 0) continue;
        Order& known = orders_[link.place];
        known.used = true;
        const auto bounded = static_cast<Count>(std::min<std::int64_t>(order, kMaxTokens));
        const Count input = timing.law == RateLaw::kMassAction ? link.input : 1;
        if (bounded > known.highest) known.most = 0;
        if (bounded >= known.highest) known.most = std::max(known.most, input);
        known.highest = std::max(known.highest, bounded);
      }
      if (timing.law == RateLaw::kExpression) {
        for (const std::uint32_t place : timed.spec().expressions[timing.expression].places()) {
          expressive[place].push_back(t);
          orders_[place].used = true;
        }
      }
    }
    expressive_ = Csr<std::uint32_t>::from_rows(expressive);
    for (auto& row : thresholds) {
      std::ranges::sort(row);
      row.erase(std::unique(row.begin(), row.end()), row.end());
      thresholds_.append(row);
    }
    const SimulationOptions& options = replica_.job.options;
    stops_.assign(options.grid.begin(), options.grid.end());
    stops_.push_back(options.warmup);
    if (options.until < kForever) stops_.push_back(options.until);
    std::ranges::sort(stops_);
  }

  Next single() {
    leaps_ = false;
    return {replica_.time + -natural_log(random_.open_unit()) / total_};
  }

  // How many firings that change a count by delta it takes until it crosses one that is waited for.
  double firings_to_threshold(std::uint32_t place, Count delta) const {
    const std::int64_t tokens = replica_.marking[place];
    const auto waited = thresholds_[place];
    const auto above = std::ranges::upper_bound(waited, replica_.marking[place]);
    if (delta > 0) {
      if (above == waited.end()) return kForever;
      const std::int64_t firings = (*above - tokens + delta - 1) / delta;
      return static_cast<double>(firings);
    }
    const std::int64_t floor = above == waited.begin() ? 0 : *(above - 1);
    const std::int64_t firings = (tokens - floor) / -std::int64_t{delta} + 1;
    return static_cast<double>(firings);
  }

  void find_critical() {
    critical_total_ = 0;
    for (std::uint32_t t = 0; t < rates_.size(); ++t) {
      if (rates_[t] == 0) continue;
      bool critical = !replica_.job.restarts[t].empty();
      for (const auto& [place, delta] : replica_.job.effects[t])
        critical |= firings_to_threshold(place, delta) <= kCriticalFirings;
      critical_[t] = critical;
      if (critical) critical_total_ += rates_[t];
    }
  }

  // Their g: what a relative change of the count is multiplied with in the relative change of a rate.
  double order_of(std::uint32_t place) const {
    const auto [highest, most, used] = orders_[place];
    const double tokens = replica_.marking[place];
    double sum = 0;
    for (Count i = 0; i < most; ++i) sum += i < tokens ? tokens / (tokens - i) : 1;
    return most > 0 ? std::max(sum * highest / most, 1.0) : 1;
  }

  // Rates given as expressions: their elasticity, where the marking stands.
  double elasticity_of(std::uint32_t place) {
    double highest = 0;
    for (const std::uint32_t t : expressive_[place]) {
      if (rates_[t] == 0 || replica_.marking[place] == kMaxTokens) continue;
      ++replica_.marking[place];
      const double more =
          propensity_of(replica_.job.timed, t, replica_.marking, replica_.rates[t], replica_.registers.data());
      --replica_.marking[place];
      highest = std::max(highest, std::abs(more - rates_[t]) * replica_.marking[place] / rates_[t]);
    }
    return highest;
  }

  double longest_leap() {
    std::ranges::fill(drift_, 0);
    std::ranges::fill(spread_, 0);
    std::ranges::fill(drain_, 0);
    for (std::uint32_t t = 0; t < rates_.size(); ++t) {
      if (rates_[t] == 0 || critical_[t] != 0) continue;
      for (const auto& [place, delta] : replica_.job.effects[t]) {
        drift_[place] += delta * rates_[t];
        if (delta < 0) drain_[place] -= delta * rates_[t];
        spread_[place] += static_cast<double>(delta) * delta * rates_[t];
      }
    }
    double longest = kForever;
    for (std::uint32_t p = 0; p < drift_.size(); ++p) {
      if (!orders_[p].used || spread_[p] == 0) continue;
      const double order = std::max(order_of(p), elasticity_of(p));
      const double change = std::max(replica_.job.options.tolerance * replica_.marking[p] / order, 1.0);
      longest = std::min(longest, change * change / spread_[p]);
      if (drain_[p] != 0)
        longest =
            std::min(longest, std::max(2 * replica_.job.options.tolerance * replica_.marking[p], 1.0) / drain_[p]);
      if (drift_[p] != 0) longest = std::min(longest, change / std::abs(drift_[p]));
    }
    return longest;
  }

  template <class Eligible>
  std::uint32_t drawn(double total, const Eligible& eligible) {
    const double threshold = random_.unit() * total;
    double sum = 0;
    std::uint32_t last = 0;
    for (std::uint32_t t = 0; t < rates_.size(); ++t) {
      if (rates_[t] == 0 || !eligible(t)) continue;
      last = t;
      sum += rates_[t];
      if (sum > threshold) break;
    }
    return last;
  }

  // Draws the firings of a leap, and the marking after it. False: it would break a bound.
  bool draw(double length) {
    std::copy_n(replica_.marking, after_.size(), after_.begin());
    std::ranges::fill(firings_, 0);
    for (std::uint32_t t = 0; t < rates_.size(); ++t) {
      if (rates_[t] == 0 || critical_[t] != 0) continue;
      const double mean = rates_[t] * length;
      if (mean > kMostFirings) return false;
      firings_[t] = static_cast<std::int64_t>(poisson(mean, random_));
    }
    if (fires_critical_) ++firings_[drawn(critical_total_, [this](std::uint32_t t) { return critical_[t] != 0; })];
    const auto& capacities = replica_.job.timed.net().spec().capacities;
    for (std::uint32_t t = 0; t < rates_.size(); ++t) {
      if (firings_[t] == 0) continue;
      for (const auto& [place, delta] : replica_.job.effects[t]) after_[place] += firings_[t] * delta;
    }
    for (std::uint32_t t = 0; t < rates_.size(); ++t) {
      if (firings_[t] == 0) continue;
      for (const auto& [place, put] : replica_.job.restarts[t]) after_[place] = put;
    }
    for (std::size_t p = 0; p < after_.size(); ++p) {
      if (after_[p] < 0 || after_[p] > std::max(capacities[p], replica_.marking[p])) return false;
    }
    return true;
  }

  Replica& replica_;
  std::vector<double> rates_;
  std::vector<std::int64_t> firings_;
  std::vector<std::uint8_t> critical_;
  // Of each place, per unit of time: the mean and the variance of its change, and what is taken from it.
  std::vector<double> drift_, spread_, drain_;
  std::vector<std::int64_t> after_;  // the marking after the leap
  std::vector<Order> orders_;
  Csr<std::uint32_t> expressive_;  // for each place, the transitions whose expressions name it
  Csr<Count> thresholds_;          // of each place, ascending
  std::vector<double> stops_;      // times at which somebody looks
  std::size_t next_stop_ = 0;
  Stream random_;
  double total_ = 0, critical_total_ = 0;
  int singles_ = 0;
  bool leaps_ = false, fires_critical_ = false;
};

}  // namespace

std::unique_ptr<Runner> make_tau_leaping(Job& job) { return make_runner<TauLeaping>(job); }

}  // namespace petricore
