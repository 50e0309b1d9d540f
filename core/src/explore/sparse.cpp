#include "sparse.hpp"

#include <map>

namespace petricore::explore {

SparseSuccessors::SparseSuccessors(const Net& net, const Layout& layout)
    : words_(layout.words()),
      buckets_(net, layout, rows_of(net, layout)),
      rows_(buckets_.order),
      row_of_(net.transitions()),
      guards_(layout.guards().begin(), layout.guards().end()) {
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    row_of_[rows_[r]] = static_cast<std::uint32_t>(r);
    std::map<std::uint32_t, AtLeast> least;
    std::map<std::uint32_t, AtMost> most;
    std::map<std::uint32_t, Effect> effects;
    for (const Link& link : net.links(rows_[r])) {
      const Layout::Field& field = layout.field(link.place);
      const std::uint32_t word = field.word;
      if (link.least > 0) {
        AtLeast& bound = least.try_emplace(word, AtLeast{word, 0, 0}).first->second;
        (field.flag ? bound.flags : bound.counters) |= field.place_value(link.least);
      }
      if (link.most < layout.limit(link.place)) {
        const Word values = layout.counters()[word];
        AtMost& bound = most.try_emplace(word, AtMost{word, 0, values, values}).first->second;
        if (field.flag) {
          bound.flags |= field.mask();
        } else {
          bound.counters = (bound.counters & ~field.mask()) | field.place_value(link.most);
        }
      }
      if (!link.resets && link.delta() == 0) continue;
      Effect& effect = effects.try_emplace(word, Effect{word, ~Word{0}, 0, 0}).first->second;
      if (link.resets) {
        effect.keep &= ~field.mask();
        effect.delta += field.place_value(link.output);
      } else {
        effect.delta += static_cast<Word>(std::int64_t{link.delta()}) << field.shift;
        if (field.flag && link.delta() > 0) effect.gained |= field.mask();
      }
    }
    const auto row_of = [](const auto& by_word) {
      std::vector<typename std::decay_t<decltype(by_word)>::mapped_type> row;
      row.reserve(by_word.size());
      for (const auto& [word, part] : by_word) row.push_back(part);
      return row;
    };
    least_.append(row_of(least));
    most_.append(row_of(most));
    effects_.append(row_of(effects));
  }
}

}  // namespace petricore::explore
