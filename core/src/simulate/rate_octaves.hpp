// Rates sorted into octaves, for drawing one in proportion to them.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace petricore {

// An index whose rate is a lies in the octave e with 2^(e - 1) < a <= 2^e, or in none while a is 0.
//
// All indices are one permutation, cut into those with rate 0 and then the octaves met so far, ascending. Moving one
// costs a swap at each cut that it passes, so O(octaves between), whatever the number of indices. Nothing allocates
// after the constructor.
class RateOctaves {
 public:
  explicit RateOctaves(std::size_t size) : order_(size), position_(size), exponent_(size), segment_(kExponents) {
    begin_.reserve(kExponents + 2);
    octaves_.reserve(kExponents + 1);
    clear();
  }

  // All rates are 0, and no octave is known.
  void clear() {
    std::fill(segment_.begin(), segment_.end(), std::uint16_t{0});
    std::fill(exponent_.begin(), exponent_.end(), kNone);
    for (std::uint32_t i = 0; i < order_.size(); ++i) order_[i] = position_[i] = i;
    begin_.assign({0, static_cast<std::uint32_t>(order_.size())});
    octaves_.assign(1, Octave{kNone, 0});
  }

  // REQUIRES: 0 <= rate, finite.
  void change(std::uint32_t index, double rate) {
    const std::int16_t exponent = rate > 0 ? octave_of(rate) : kNone;
    if (exponent == exponent_[index]) return;
    if (exponent != kNone && segment_of(exponent) == 0) learn(exponent);
    std::size_t at = segment_of(exponent_[index]);
    const std::size_t to = segment_of(exponent);
    exponent_[index] = exponent;
    for (; at < to; ++at) swap(index, --begin_[at + 1]);
    for (; at > to; --at) swap(index, begin_[at]++);
  }

  // The sum of 2^e over all indices: at least the sum of their rates, and less than twice it.
  double bound() const noexcept {
    double sum = 0;
    for (std::size_t s = octaves_.size(); s-- > 1;) sum += size(s) * octaves_[s].bound;
    return sum;
  }

  // An index drawn in proportion to the bound of its octave, if it withstands a trial with probability rate / bound;
  // kRejected otherwise. `draws` gives a fresh unit() in [0, 1), and more of them after next().
  // REQUIRES: bound() > 0, which is `total`.
  static constexpr std::uint32_t kRejected = ~std::uint32_t{0};
  template <class Draws>
  std::uint32_t draw(Draws& draws, double total, const double* rates) const {
    std::size_t s = octaves_.size() - 1;
    if (size(s) * octaves_[s].bound < total) {
      double left = draws.unit() * total;
      std::size_t last = s;
      for (; s > 0; --s) {
        const double weight = size(s) * octaves_[s].bound;
        if (weight > 0) last = s;
        if (left < weight) break;
        left -= weight;
      }
      if (s == 0) s = last;  // rounding has left none
      draws.next();
    }
    // The whole part of the product is uniform in the octave, the rest in [0, 1): one number of 53 bits for both.
    const double product = draws.unit() * size(s);
    const auto whole = static_cast<std::uint32_t>(product);
    const std::uint32_t index = order_[begin_[s] + whole];
    return (product - whole) * octaves_[s].bound < rates[index] ? index : kRejected;
  }

 private:
  static constexpr std::int16_t kNone = -2000;
  static constexpr std::int16_t kLeast = -1074, kMost = 1024;
  static constexpr std::size_t kExponents = kMost - kLeast + 1;

  struct Octave {
    std::int16_t exponent;
    double bound;  // 2^exponent
  };

  static std::int16_t octave_of(double rate) {
    int exponent;
    const double mantissa = std::frexp(rate, &exponent);
    return static_cast<std::int16_t>(mantissa == 0.5 ? exponent - 1 : exponent);
  }

  std::size_t segment_of(std::int16_t exponent) const {
    return exponent == kNone ? 0 : segment_[static_cast<std::size_t>(exponent - kLeast)];
  }
  double size(std::size_t s) const noexcept { return begin_[s + 1] - begin_[s]; }

  void swap(std::uint32_t index, std::uint32_t to) {
    const std::uint32_t from = position_[index], other = order_[to];
    order_[from] = other;
    position_[other] = from;
    order_[to] = index;
    position_[index] = to;
  }

  // Cuts an empty segment for an octave that is met for the first time.
  void learn(std::int16_t exponent) {
    std::size_t s = octaves_.size();
    while (s > 1 && octaves_[s - 1].exponent > exponent) --s;
    octaves_.insert(octaves_.begin() + static_cast<std::ptrdiff_t>(s), {exponent, std::ldexp(1.0, exponent)});
    begin_.insert(begin_.begin() + static_cast<std::ptrdiff_t>(s), begin_[s]);
    for (std::size_t i = s; i < octaves_.size(); ++i)
      segment_[static_cast<std::size_t>(octaves_[i].exponent - kLeast)] = static_cast<std::uint16_t>(i);
  }

  std::vector<std::uint32_t> order_, position_;  // a permutation and its inverse
  std::vector<std::int16_t> exponent_;           // of each index
  std::vector<std::uint16_t> segment_;           // of each exponent, 0: not met
  std::vector<std::uint32_t> begin_;             // where segments begin in order_, and where the last one ends
  std::vector<Octave> octaves_;                  // of each segment but the first, which is that of rate 0
};

}  // namespace petricore
