#include "petricore/conflict.hpp"

#include <algorithm>
#include <bit>

#include "parallel.hpp"

namespace petricore {
namespace {

// What the count of one shared place must be for both transitions to be served.
struct SharedBound {
  std::uint32_t place;
  std::int64_t least, most;
};

// Where the first firing leaves its place: `second` must still be admitted there. Tightens `bound`.
void require_after(const Link& first, const Link& second, SharedBound& bound) {
  if (first.resets) {
    if (!second.admits(first.output)) bound.most = -1;
    return;
  }
  const std::int64_t delta = first.delta();
  if (second.least > 0) bound.least = std::max(bound.least, second.least - delta);
  if (second.most < kMaxTokens) bound.most = std::min(bound.most, second.most - delta);
}

// The bounds under which two enabled transitions are servable together. Only shared places matter: elsewhere the
// second finds what it found before.
void shared_bounds(const Net& net, std::size_t t, std::size_t u, std::vector<SharedBound>& bounds) {
  bounds.clear();
  const auto a = net.links(t);
  const auto b = net.links(u);
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i].place != b[j].place) {
      a[i].place < b[j].place ? ++i : ++j;
      continue;
    }
    SharedBound bound{a[i].place, std::int64_t{a[i].input} + b[j].input, kMaxTokens};
    require_after(a[i], b[j], bound);
    require_after(b[j], a[i], bound);
    const bool implied =
        bound.least <= std::max(a[i].least, b[j].least) && bound.most >= std::min(a[i].most, b[j].most);
    if (!implied) bounds.push_back(bound);
    ++i;
    ++j;
  }
}

// Finds the conflicts of one block of markings.
class BlockConflicts {
 public:
  explicit BlockConflicts(const Bulk& bulk)
      : bulk_(bulk), net_(bulk.net()), masks_(net_.transitions()), last_seen_by_(net_.transitions(), kNobody) {}

  // Appends the conflicts of row l to rows[l].
  void find(const Count* markings, std::size_t count, std::size_t first_row, std::vector<Conflict>* rows) {
    bulk_.masks(markings, count, masks_.data(), first_row);
    for (std::size_t t = 0; t < net_.transitions(); ++t) {
      if (masks_[t] == 0) continue;
      collect_candidates(t);
      for (const std::uint32_t u : candidates_) {
        shared_bounds(net_, t, u, bounds_);
        if (bounds_.empty()) continue;
        for (std::uint64_t rest = masks_[t] & masks_[u]; rest != 0; rest &= rest - 1) {
          const std::size_t l = static_cast<std::size_t>(std::countr_zero(rest));
          if (!servable(markings + l * net_.places())) {
            rows[l].push_back({static_cast<std::int32_t>(t), static_cast<std::int32_t>(u)});
          }
        }
      }
    }
    std::fill(last_seen_by_.begin(), last_seen_by_.end(), kNobody);
  }

 private:
  static constexpr std::uint32_t kNobody = ~0U;

  // The transitions after t that share a place with it and are enabled beside it somewhere in the block.
  void collect_candidates(std::size_t t) {
    candidates_.clear();
    for (const Link& link : net_.links(t)) {
      const auto neighbours = net_.neighbours(link.place);
      const auto after = std::upper_bound(neighbours.begin(), neighbours.end(), static_cast<std::uint32_t>(t));
      for (auto u = after; u != neighbours.end(); ++u) {
        if ((masks_[*u] & masks_[t]) == 0 || last_seen_by_[*u] == t) continue;
        last_seen_by_[*u] = static_cast<std::uint32_t>(t);
        candidates_.push_back(*u);
      }
    }
    std::sort(candidates_.begin(), candidates_.end());
  }

  bool servable(const Count* marking) const {
    return std::ranges::all_of(bounds_, [marking](const SharedBound& bound) {
      return bound.least <= marking[bound.place] && marking[bound.place] <= bound.most;
    });
  }

  const Bulk& bulk_;
  const Net& net_;
  std::vector<std::uint64_t> masks_;         // (T,)
  std::vector<std::uint32_t> last_seen_by_;  // (T,): the t whose candidates already hold this transition
  std::vector<std::uint32_t> candidates_;
  std::vector<SharedBound> bounds_;
};

}  // namespace

Conflicts find_conflicts(const Bulk& bulk, const Count* markings, std::size_t batch, unsigned threads) {
  const Net& net = bulk.net();
  std::vector<std::vector<Conflict>> rows(batch);
  const std::size_t bytes = batch * (net.places() + 16 * net.transitions());
  parallel_for(batch, Bulk::kBlock, thread_count(threads, bytes), [&](std::size_t first, std::size_t end) {
    BlockConflicts(bulk).find(markings + first * net.places(), end - first, first, rows.data() + first);
  });
  Conflicts conflicts;
  conflicts.offsets.reserve(batch + 1);
  conflicts.offsets.push_back(0);
  std::size_t total = 0;
  for (const auto& row : rows) conflicts.offsets.push_back(static_cast<std::int64_t>(total += row.size()));
  conflicts.pairs.reserve(total);
  for (const auto& row : rows) conflicts.pairs.insert(conflicts.pairs.end(), row.begin(), row.end());
  return conflicts;
}

}  // namespace petricore
