#include "layout.hpp"

#include <algorithm>
#include <numeric>

namespace petricore::explore {

Layout::Layout(std::span<const Count> largest) : fields_(largest.size()) {
  // First fit, widest first: no word is left with room for a field of a later one. Equal widths keep their order, since
  // places declared side by side tend to be touched by the same transitions.
  std::vector<std::uint32_t> order(largest.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto width = [&](std::uint32_t p) -> unsigned {
    return largest[p] <= 1 ? static_cast<unsigned>(largest[p])
                           : static_cast<unsigned>(std::bit_width(static_cast<std::uint32_t>(largest[p]))) + 1;
  };
  std::ranges::stable_sort(order, [&](auto a, auto b) { return width(a) > width(b); });
  std::vector<unsigned> used(1, 0);
  std::size_t first_open = 0;
  for (const std::uint32_t p : order) {
    const unsigned needed = width(p);
    if (needed == 0) {
      fields_[p] = {0, 0, 0, true};
      continue;
    }
    while (first_open < used.size() && used[first_open] == 64) ++first_open;
    std::size_t word = first_open;
    while (word < used.size() && used[word] + needed > 64) ++word;
    if (word == used.size()) used.push_back(0);
    const bool flag = largest[p] <= 1;
    fields_[p] = {static_cast<std::uint32_t>(word), static_cast<std::uint8_t>(used[word]),
                  static_cast<std::uint8_t>(flag ? needed : needed - 1), flag};
    used[word] += needed;
    (flag ? has_flags_ : has_counters_) = true;
  }
  guards_.assign(used.size(), 0);
  counters_.assign(used.size(), 0);
  for (const Field& field : fields_) {
    guards_[field.word] |= field.guard();
    if (!field.flag) counters_[field.word] |= field.mask();
  }
}

bool Layout::encode(const Count* marking, Word* packed) const noexcept {
  std::fill_n(packed, words(), Word{0});
  for (std::size_t p = 0; p < fields_.size(); ++p) {
    if (marking[p] > limit(p)) return false;
    packed[fields_[p].word] |= fields_[p].place_value(marking[p]);
  }
  return true;
}

}  // namespace petricore::explore
