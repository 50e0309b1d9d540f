#include "limits.hpp"

#include <algorithm>

namespace petricore::explore {

std::vector<Count> first_limits(const Net& net, std::span<const Count> bounds) {
  std::vector<Count> limits = net.spec().initial;
  const bool all_known = !bounds.empty() && std::ranges::find(bounds, kMaxTokens) == bounds.end();
  if (!all_known) {
    for (std::size_t t = 0; t < net.transitions(); ++t) {
      for (const Link& link : net.links(t)) {
        limits[link.place] = std::max(limits[link.place], link.resets ? link.output : link.delta());
      }
    }
  }
  for (std::size_t p = 0; p < bounds.size(); ++p) {
    limits[p] = std::max(all_known ? bounds[p] : std::min(bounds[p], limits[p]), net.spec().initial[p]);
  }
  return limits;
}

Widening widen(const Store& store, const Net& net, std::span<const Count> bounds, std::size_t i,
               std::size_t transition) {
  constexpr std::size_t kManyMarkings = std::size_t{1} << 16;
  const Layout& layout = store.layout;
  const auto bound = [&](std::size_t p) { return bounds.empty() ? kMaxTokens : bounds[p]; };
  Widening wider{{}, net.places()};
  for (std::size_t p = 0; p < net.places(); ++p) wider.limits.push_back(layout.limit(p));
  for (const Link& link : net.links(transition)) {
    const std::size_t p = link.place;
    const std::int64_t before = layout.count(store.state(i), p);
    const std::int64_t after = link.resets ? std::int64_t{link.output} : before + link.delta();
    if (after > kMaxTokens) {
      wider.too_many = p;
    } else if (after > layout.limit(p)) {
      // Twice what it needs: a place that outgrew one field is likely to outgrow the next.
      wider.limits[p] = static_cast<Count>(std::min<std::int64_t>(2 * after - 1, bound(p)));
      if (store.size < kManyMarkings) continue;
      // Packing many markings anew costs more than bits do: counters that have grown alike are likely to go on so.
      for (std::size_t q = 0; q < net.places(); ++q) {
        const bool alike = !layout.field(q).flag && layout.limit(q) == layout.limit(p) && bound(q) > layout.limit(q);
        if (alike) wider.limits[q] = std::max(wider.limits[q], std::min(wider.limits[p], bound(q)));
      }
    }
  }
  return wider;
}

}  // namespace petricore::explore
