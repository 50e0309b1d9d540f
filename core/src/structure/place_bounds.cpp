#include "petricore/place_bounds.hpp"

#include <algorithm>
#include <deque>

#include "elimination.hpp"

namespace petricore {

namespace {

__extension__ using Wide = __int128;

class Bounding {
 public:
  explicit Bounding(const Net& net) : net_(net), bounds_(net.places(), kMaxTokens) { find_live(); }

  // What single links tell. Again after other bounds fell: a transition that needs more can never fire.
  void by_links() {
    for (int round = 0; round < kRounds; ++round) {
      bool changed = false;
      std::vector<std::int64_t> most(net_.spec().initial.begin(), net_.spec().initial.end());
      for (std::size_t t = 0; t < net_.transitions(); ++t) {
        if (!live_[t]) continue;
        for (const Link& link : net_.links(t)) most[link.place] = std::max(most[link.place], after(link));
      }
      for (std::size_t p = 0; p < bounds_.size(); ++p) changed = lower(p, most[p]) || changed;
      if (!changed && round > 0) return;
      for (std::size_t t = 0; t < net_.transitions(); ++t) {
        if (!live_[t] || can_fire(t)) continue;
        live_[t] = false;
        changed = true;
      }
      if (!changed) return;
    }
  }

  // A reset takes more than the arcs say, which only lowers a sum.
  void by_sums(bool may_decrease, const Stop& stop) {
    std::vector<Generator> generators(net_.places());
    for (std::uint32_t p = 0; p < net_.places(); ++p) generators[p].index = p;
    for (std::uint32_t t = 0; t < net_.transitions(); ++t) {
      if (!live_[t]) continue;
      bool takes = false;
      for (const Link& link : net_.links(t)) {
        if (link.delta() != 0) generators[link.place].entries.push_back({t, link.delta()});
        takes = takes || link.delta() < 0;
      }
      // A decrease by t is made up for by an unknown of its own.
      if (may_decrease && takes) {
        generators.push_back({static_cast<std::uint32_t>(net_.places()) + t, {{t, 1}}});
      }
    }
    SemiflowOptions options;
    options.max_rows = 16 * generators.size() + 100'000;
    options.stop = stop;
    const Semiflows found = extreme_rays(generators, net_.transitions(), options);
    for (std::size_t r = 0; r < found.rows.rows(); ++r) by_sum(found.rows[r]);
  }

  bool are_known() const { return std::find(bounds_.begin(), bounds_.end(), kMaxTokens) == bounds_.end(); }

  std::vector<Count> take() { return std::move(bounds_); }

 private:
  static constexpr int kRounds = 8;

  // The transitions that could fire if tokens were never taken: all others never do.
  void find_live() {
    const std::size_t places = net_.places(), transitions = net_.transitions();
    live_.assign(transitions, false);
    std::vector<std::uint32_t> missing(transitions, 0);
    std::vector<bool> marked(places, false);
    std::deque<std::uint32_t> ready;
    for (std::uint32_t t = 0; t < transitions; ++t) {
      const auto links = net_.links(t);
      missing[t] = static_cast<std::uint32_t>(
          std::count_if(links.begin(), links.end(), [](const Link& link) { return link.least > 0; }));
      if (missing[t] == 0) ready.push_back(t);
    }
    const auto mark = [&](std::uint32_t place) {
      if (marked[place]) return;
      marked[place] = true;
      for (const std::uint32_t t : net_.neighbours(place)) {
        for (const Link& link : net_.links(t)) {
          if (link.place == place && link.least > 0 && --missing[t] == 0) ready.push_back(t);
        }
      }
    };
    for (std::uint32_t p = 0; p < places; ++p) {
      if (net_.spec().initial[p] > 0) mark(p);
    }
    for (; !ready.empty(); ready.pop_front()) {
      const std::uint32_t t = ready.front();
      const auto links = net_.links(t);
      if (std::any_of(links.begin(), links.end(), [](const Link& link) { return link.least > link.most; })) continue;
      live_[t] = true;
      for (const Link& link : links) {
        if (link.output > 0) mark(link.place);
      }
    }
  }

  bool can_fire(std::size_t t) const {
    const auto links = net_.links(t);
    return std::all_of(links.begin(), links.end(),
                       [this](const Link& link) { return link.least <= std::min(link.most, bounds_[link.place]); });
  }

  // The most that a firing can leave in the place of a link, if it can add to it; else nothing.
  static std::int64_t after(const Link& link) {
    if (link.resets) return link.output;
    if (link.delta() <= 0) return 0;
    return link.most == kMaxTokens ? kMaxTokens : std::int64_t{link.most} + link.delta();
  }

  bool lower(std::size_t place, std::int64_t bound) {
    if (bound >= bounds_[place]) return false;
    bounds_[place] = static_cast<Count>(bound);
    return true;
  }

  void by_sum(std::span<const SemiflowTerm> terms) {
    Wide total = 0;  // fewer than 2^32 products of 63 and 31 bits
    for (const SemiflowTerm& term : terms) {
      if (term.index < net_.places()) total += static_cast<Wide>(term.weight) * net_.spec().initial[term.index];
    }
    for (const SemiflowTerm& term : terms) {
      if (term.index >= net_.places()) continue;
      lower(term.index, static_cast<std::int64_t>(std::min<Wide>(total / term.weight, kMaxTokens)));
    }
  }

  const Net& net_;
  std::vector<Count> bounds_;
  std::vector<bool> live_;
};

}  // namespace

std::vector<Count> place_bounds(const Net& net, const Stop& stop) {
  Bounding bounding(net);
  bounding.by_links();
  bounding.by_sums(false, stop);
  bounding.by_links();
  if (!bounding.are_known() && !(stop && stop(0))) {
    bounding.by_sums(true, stop);
    bounding.by_links();
  }
  return bounding.take();
}

}  // namespace petricore
