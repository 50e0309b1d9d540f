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
    std::map<std::uint32_t, Part> parts;
    for (const Link& link : net.links(rows_[r])) {
      const Layout::Field& field = layout.field(link.place);
      const Word counters = layout.counters()[field.word];
      Part& part = parts
                       .try_emplace(field.word,
                                    Part{field.word, guards_[field.word], counters, 0, 0, 0, counters, 0, ~Word{0}, 0})
                       .first->second;
      const Count most = std::min(link.most, layout.limit(link.place));
      if (field.flag) {
        if (link.least > 0) part.flags |= field.mask();
        if (most < 1) part.no_flags |= field.mask();
        if (!link.resets && link.delta() > 0) part.gained |= field.mask();
      } else {
        part.least |= field.place_value(link.least);
        part.most = (part.most & ~field.mask()) | field.place_value(most);
      }
      if (link.resets) {
        part.keep &= ~field.mask();
        part.delta += field.place_value(link.output);
      } else {
        part.delta += static_cast<Word>(std::int64_t{link.delta()}) << field.shift;
      }
    }
    std::vector<Part> row;
    for (const auto& [word, part] : parts) row.push_back(part);
    parts_.append(row);
  }
}

}  // namespace petricore::explore
