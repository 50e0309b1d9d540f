// Immediate transitions: which are enabled, and which of them fires.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "simulate/replica.hpp"

namespace petricore {

// M. Ajmone Marsan, G. Conte, G. Balbo: A class of generalized stochastic Petri nets for the performance evaluation of
// multiprocessor systems, ACM TOCS 2(2), 1984, doi:10.1145/190.191.
//
// Costs O(immediate transitions / 64 + those enabled) per choice, nothing while none is enabled.
class Immediates {
 public:
  explicit Immediates(const Replica& replica) : replica_(replica), bits_((replica.job.transitions + 63) / 64, 0) {}

  void start() {
    const TimedNet& timed = replica_.job.timed;
    std::fill(bits_.begin(), bits_.end(), 0);
    enabled_ = 0;
    if (!timed.has_immediate()) return;
    for (std::uint32_t t = 0; t < replica_.job.transitions; ++t) {
      if (timed.timing(t).timing == Timing::kImmediate) update(t);
    }
  }

  // To be called after t has fired.
  void follow(std::uint32_t t) {
    for (const std::uint32_t u : replica_.job.immediate[t]) update(u);
  }

  bool any() const noexcept { return enabled_ != 0; }

  // Of those enabled with the highest priority, one by weight: v, in [0, 1), says which. REQUIRES: any().
  std::uint32_t choose(double v) const {
    const TimedNet& timed = replica_.job.timed;
    const auto& priorities = timed.net().spec().priorities;
    std::int32_t highest = std::numeric_limits<std::int32_t>::min();
    each([&](std::uint32_t t) { highest = std::max(highest, priorities[t]); });
    double total = 0;
    each([&](std::uint32_t t) {
      if (priorities[t] == highest) total += timed.timing(t).weight;
    });
    const double threshold = v * total;
    double sum = 0;
    std::uint32_t chosen = kSeveral, last = 0;
    each([&](std::uint32_t t) {
      if (priorities[t] != highest) return;
      sum += timed.timing(t).weight;
      if (sum > threshold && chosen == kSeveral) chosen = t;
      last = t;
    });
    return chosen == kSeveral ? last : chosen;
  }

 private:
  void update(std::uint32_t t) {
    const std::uint64_t bit = std::uint64_t{1} << (t % 64);
    const bool was = (bits_[t / 64] & bit) != 0;
    const bool is = replica_.is_enabled(t);
    if (was == is) return;
    bits_[t / 64] ^= bit;
    is ? ++enabled_ : --enabled_;
  }

  // By ascending index.
  template <class Visit>
  void each(const Visit& visit) const {
    for (std::size_t word = 0; word < bits_.size(); ++word) {
      for (std::uint64_t bits = bits_[word]; bits != 0; bits &= bits - 1)
        visit(static_cast<std::uint32_t>(64 * word) + static_cast<std::uint32_t>(std::countr_zero(bits)));
    }
  }

  const Replica& replica_;
  std::vector<std::uint64_t> bits_;  // of all transitions: 1 for an immediate one that is enabled
  std::uint32_t enabled_ = 0;
};

}  // namespace petricore
