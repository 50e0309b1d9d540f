#include "dense.hpp"

#include <limits>

namespace petricore::explore {

namespace {

constexpr std::size_t kFewTransitions = 96;  // below this, choosing buckets costs more than it saves

}  // namespace

std::vector<std::uint32_t> rows_of(const Net& net, const Layout& layout) {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t t = 0; t < net.transitions(); ++t) {
    bool fits = true;
    for (const Link& link : net.links(t)) {
      const Count limit = layout.limit(link.place);
      fits = fits && link.least <= std::min(link.most, limit) && (link.resets ? link.output : link.delta()) <= limit;
    }
    if (fits) rows.push_back(t);
  }
  return rows;
}

bool is_dense(const Net& net, const Layout& layout) {
  if (layout.words() > 4) return false;
  for (std::size_t t = 0; t < net.transitions(); ++t) {
    for (const Link& link : net.links(t)) {
      if (link.resets || link.most < kMaxTokens) return false;
    }
  }
  return true;
}

Buckets::Buckets(const Net& net, const Layout& layout, const std::vector<std::uint32_t>& rows)
    : flags(layout.words()), guards(layout.words()), ones(layout.words()), place_of_bit(64 * layout.words()) {
  for (const Layout::Field& field : layout.fields()) {
    if (!field.flag) ones[field.word] |= field.place_value(1);
  }
  if (rows.size() < kFewTransitions) {
    order = rows;
    offsets = {0, static_cast<std::uint32_t>(rows.size())};
    return;
  }
  std::vector<std::size_t> users(net.places(), 0);
  for (const std::uint32_t t : rows) {
    for (const Link& link : net.links(t)) users[link.place] += link.least > 0 ? 1 : 0;
  }
  std::vector<std::vector<std::uint32_t>> buckets(net.places() + 1);
  for (const std::uint32_t t : rows) {
    std::size_t best = net.places();
    std::size_t fewest = std::numeric_limits<std::size_t>::max();
    for (const Link& link : net.links(t)) {
      if (link.least > 0 && users[link.place] < fewest) {
        best = link.place;
        fewest = users[link.place];
      }
    }
    buckets[best].push_back(t);
  }
  offsets.push_back(0);
  for (std::size_t p = 0; p <= net.places(); ++p) {
    order.insert(order.end(), buckets[p].begin(), buckets[p].end());
    offsets.push_back(static_cast<std::uint32_t>(order.size()));
    if (p == net.places() || buckets[p].empty()) continue;
    const Layout::Field& field = layout.field(p);
    const Word bit = field.flag ? field.mask() : field.guard();
    (field.flag ? flags : guards)[field.word] |= bit;
    place_of_bit[64 * field.word + static_cast<std::size_t>(std::countr_zero(bit))] = static_cast<std::uint32_t>(p);
  }
}

}  // namespace petricore::explore
