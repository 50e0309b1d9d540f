// The untimed token game: one firing per step, among the enabled transitions of the highest priority, by weight.
#include "petricore/philox.hpp"
#include "simulate/replica.hpp"

namespace petricore {
namespace {

// The enabled transitions are a list without order, kept up to date after each firing. Where all priorities and weights
// are equal a choice costs O(1), otherwise O(enabled transitions).
class TokenGame {
 public:
  explicit TokenGame(Replica& replica) : replica_(replica), position_(replica.job.transitions) {
    enabled_.reserve(replica.job.transitions);
    const TimedNet& timed = replica.job.timed;
    for (std::size_t t = 1; t < replica.job.transitions; ++t) {
      uniform_ &= timed.timing(t).weight == timed.timing(0).weight &&
                  timed.net().spec().priorities[t] == timed.net().spec().priorities[0];
    }
  }

  void start() {
    enabled_.clear();
    std::fill(position_.begin(), position_.end(), kNowhere);
    for (std::uint32_t t = 0; t < position_.size(); ++t) update(t);
  }

  Next peek() const { return {enabled_.empty() ? kForever : replica_.time + 1}; }

  template <class Recorder>
  std::uint32_t fire(Recorder& recorder) {
    const double v = unit(block_of(replica_.job.options.seed, replica_.number, replica_.event));
    const std::uint32_t t =
        uniform_ ? enabled_[static_cast<std::size_t>(v * static_cast<double>(enabled_.size()))] : by_weight(v);
    replica_.fire(t);
    for (const std::uint32_t u : replica_.job.timed.affected(t)) update(u);
    recorder.count(t);
    return t;
  }

 private:
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};

  void update(std::uint32_t t) {
    const bool was = position_[t] != kNowhere;
    const bool is = replica_.is_enabled(t);
    if (was == is) return;
    if (is) {
      position_[t] = static_cast<std::uint32_t>(enabled_.size());
      enabled_.push_back(t);  // never reallocates: the capacity is T
    } else {
      const std::uint32_t last = enabled_.back();
      enabled_[position_[t]] = last;
      position_[last] = position_[t];
      position_[t] = kNowhere;
      enabled_.pop_back();
    }
  }

  std::uint32_t by_weight(double v) const {
    const TimedNet& timed = replica_.job.timed;
    const auto& priorities = timed.net().spec().priorities;
    std::int32_t highest = std::numeric_limits<std::int32_t>::min();
    double total = 0;
    for (const std::uint32_t t : enabled_) {
      if (priorities[t] < highest) continue;
      if (priorities[t] > highest) total = 0;
      highest = priorities[t];
      total += timed.timing(t).weight;
    }
    const double threshold = v * total;
    double sum = 0;
    std::uint32_t chosen = 0;
    for (const std::uint32_t t : enabled_) {
      if (priorities[t] != highest) continue;
      chosen = t;
      sum += timed.timing(t).weight;
      if (sum > threshold) break;
    }
    return chosen;
  }

  Replica& replica_;
  std::vector<std::uint32_t> enabled_;
  std::vector<std::uint32_t> position_;  // (T,): in enabled_
  bool uniform_ = true;
};

}  // namespace

std::unique_ptr<Runner> make_token_game(Job& job) { return make_runner<TokenGame>(job); }

}  // namespace petricore
