// The tables of stubborn sets: lists of transitions that can do something to a place, shared by all that ask for them.
#include <algorithm>
#include <map>
#include <stdexcept>
#include <tuple>

#include "petricore/stubborn.hpp"

namespace petricore {

namespace {

struct Touch {
  std::uint32_t transition;
  Link link;
};

// Whether a firing can carry the count from below `level` to `level` or above.
bool crosses_up(const Link& link, Count level) {
  const Count from = std::min(link.most, level - 1);  // the best it can start at
  if (from < link.least) return false;
  return link.resets ? link.output >= level : link.delta() >= level - from;
}

// Whether a firing can carry the count from above `level` to `level` or below.
bool crosses_down(const Link& link, Count level) {
  if (level == kMaxTokens) return false;
  const Count from = std::max(link.least, level + 1);
  if (from > link.most) return false;
  return link.resets ? link.output <= level : -link.delta() >= from - level;
}

bool bounds(const Link& link) { return link.least > 0 || link.most < kMaxTokens; }
bool changes(const Link& link) { return link.resets || link.delta() != 0; }

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - ((a % b != 0) && ((a < 0) != (b < 0))); }

}  // namespace

class StubbornSets::Builder {
 public:
  Builder(StubbornSets& sets, const Net& net) : sets_(sets), net_(net), touches_(net.places()) {
    for (std::uint32_t t = 0; t < net.transitions(); ++t) {
      for (const Link& link : net.links(t)) touches_[link.place].push_back({t, link});
    }
    levels_.resize(net.places());
    for (std::size_t p = 0; p < net.places(); ++p) {
      std::vector<Count> levels;
      for (const Touch& touch : touches_[p]) {
        levels.push_back(touch.link.least);
        levels.push_back(touch.link.most);
      }
      std::sort(levels.begin(), levels.end());
      levels_[p] = static_cast<std::size_t>(std::unique(levels.begin(), levels.end()) - levels.begin());
    }
  }

  void build() {
    const bool to_deadlock = !sets_.goal_;
    for (std::uint32_t t = 0; t < net_.transitions(); ++t) {
      std::vector<Bound> guards;
      std::vector<std::uint32_t> conflicts;
      const bool fires = std::all_of(net_.links(t).begin(), net_.links(t).end(),
                                     [](const Link& link) { return link.least <= link.most; });
      for (const Link& link : net_.links(t)) {
        if (bounds(link)) {
          const std::uint32_t raisers = fires && link.least > 0 ? raisers_to(link.place, link.least) : kNothing;
          const std::uint32_t lowerers =
              fires && link.most < kMaxTokens ? lowerers_to(link.place, link.most) : kNothing;
          guards.push_back({link.place, link.least, link.most, raisers, lowerers});
        }
        if (!fires) continue;
        add_conflicts(link, t, conflicts);
        if (!to_deadlock) continue;
        if (link.least > 0) add(lowerers_to(link.place, link.least - 1), t, conflicts);
        if (link.most < kMaxTokens) add(raisers_to(link.place, link.most + 1), t, conflicts);
      }
      std::sort(conflicts.begin(), conflicts.end());
      conflicts.erase(std::unique(conflicts.begin(), conflicts.end()), conflicts.end());
      sets_.bounds_.append(guards);
      sets_.conflicts_.append(conflicts);
    }
    if (sets_.goal_) add_atoms();
    for (const auto& members : lists_) sets_.lists_.append(members);
  }

 private:
  enum class Kind : std::uint8_t { kRaisers, kLowerers, kBelow, kAbove, kAll };

  // Beyond this many different bounds of one place its lists do not tell them apart.
  static constexpr std::size_t kMostLevels = 12;

  std::uint32_t raisers_to(std::uint32_t place, Count level) {
    if (levels_[place] > kMostLevels) {
      return made(Kind::kRaisers, place, kMaxTokens, [](const Link& link) { return link.resets || link.delta() > 0; });
    }
    return made(Kind::kRaisers, place, level, [level](const Link& link) { return crosses_up(link, level); });
  }

  std::uint32_t lowerers_to(std::uint32_t place, Count level) {
    if (levels_[place] > kMostLevels) {
      return made(Kind::kLowerers, place, kMaxTokens, [](const Link& link) { return link.resets || link.delta() < 0; });
    }
    return made(Kind::kLowerers, place, level, [level](const Link& link) { return crosses_down(link, level); });
  }

  void add_conflicts(const Link& link, std::uint32_t t, std::vector<std::uint32_t>& conflicts) {
    if (link.resets) {
      add(made(Kind::kAll, link.place, 0, [](const Link& other) { return bounds(other) || changes(other); }), t,
          conflicts);
    } else if (link.delta() < 0) {
      add(made(Kind::kBelow, link.place, 0, [](const Link& other) { return other.resets || other.least > 0; }), t,
          conflicts);
    } else if (link.delta() > 0) {
      add(made(Kind::kAbove, link.place, 0, [](const Link& other) { return other.resets || other.most < kMaxTokens; }),
          t, conflicts);
    }
  }

  void add(std::uint32_t node, std::uint32_t t, std::vector<std::uint32_t>& conflicts) {
    if (node == kNothing) return;
    const auto& members = lists_[node - net_.transitions()];
    if (members.size() > 1 || members[0] != t) conflicts.push_back(node);
  }

  // The node of the transitions with such a link to the place; kNothing if there are none.
  template <class Accepts>
  std::uint32_t made(Kind kind, std::uint32_t place, Count level, Accepts accepts) {
    const auto [found, is_new] = known_.try_emplace({kind, place, level}, kNothing);
    if (is_new) {
      std::vector<std::uint32_t> members;
      for (const Touch& touch : touches_[place]) {
        if (accepts(touch.link)) members.push_back(touch.transition);
      }
      found->second = node_of(std::move(members));
    }
    return found->second;
  }

  std::uint32_t node_of(std::vector<std::uint32_t>&& members) {
    if (members.empty()) return kNothing;
    const auto [found, is_new] =
        by_members_.try_emplace(members, static_cast<std::uint32_t>(net_.transitions() + lists_.size()));
    if (is_new) lists_.push_back(std::move(members));
    return found->second;
  }

  void add_atoms() {
    for (std::size_t i = 0; i < sets_.goal_->atoms().size(); ++i) {
      const auto terms = sets_.goal_->terms(i);
      std::vector<std::uint32_t> near;
      for (const auto& term : terms) {
        if (term.weight == 0) continue;
        for (const Touch& touch : touches_[term.place]) near.push_back(touch.transition);
      }
      std::sort(near.begin(), near.end());
      near.erase(std::unique(near.begin(), near.end()), near.end());
      std::vector<std::uint32_t> satisfiers, falsifiers;
      for (const std::uint32_t t : near) {
        const auto [raises, lowers] = effect(i, t);
        if (raises) falsifiers.push_back(t);
        if (lowers) satisfiers.push_back(t);
      }
      sets_.satisfiers_.push_back(node_of(std::move(satisfiers)));
      sets_.falsifiers_.push_back(node_of(std::move(falsifiers)));
    }
  }

  // Whether t can take the sum of an atom over its constant, and whether it can bring it back.
  std::pair<bool, bool> effect(std::size_t atom, std::uint32_t t) const {
    const auto terms = sets_.goal_->terms(atom);
    if (terms.size() == 1) {
      // weight * m <= constant is a bound on one place: only what crosses it counts.
      const auto& [place, weight] = terms[0];
      const std::int64_t constant = sets_.goal_->atoms()[atom].constant;
      const Link& link = link_to(t, place);
      if (weight > 0) {
        const std::int64_t most = floor_divide(constant, weight);
        if (most < 0 || most >= kMaxTokens) return {false, false};
        return {crosses_up(link, static_cast<Count>(most) + 1), crosses_down(link, static_cast<Count>(most))};
      }
      if (constant <= -kMaxTokens * -weight || constant >= 0) return single_by_sign(link, weight);
      const std::int64_t least = -floor_divide(constant, -weight);
      return {crosses_down(link, static_cast<Count>(least) - 1), crosses_up(link, static_cast<Count>(least))};
    }
    std::int64_t total = 0;  // cannot overflow: the weights of an atom add up to at most 2^32
    bool resets = false, raises = false, lowers = false;
    for (const auto& term : terms) {
      const Link& link = link_to(t, term.place);
      if (link.place != term.place) continue;
      resets = resets || link.resets;
      const auto [up, down] = single_by_sign(link, term.weight);
      raises = raises || up;
      lowers = lowers || down;
      total += term.weight * link.delta();
    }
    if (resets) return {raises, lowers};
    return {total > 0, total < 0};
  }

  static std::pair<bool, bool> single_by_sign(const Link& link, std::int64_t weight) {
    const bool up = link.resets ? link.output > link.least : link.delta() > 0;
    const bool down = link.resets ? link.output < link.most : link.delta() < 0;
    if (weight == 0) return {false, false};
    return weight > 0 ? std::pair{up, down} : std::pair{down, up};
  }

  // The link of t to a place, or one without effect.
  const Link& link_to(std::uint32_t t, std::uint32_t place) const {
    static constexpr Link kNone{UINT32_MAX, 0, kMaxTokens, 0, 0, false};
    const auto links = net_.links(t);
    const auto found = std::lower_bound(links.begin(), links.end(), place,
                                        [](const Link& link, std::uint32_t wanted) { return link.place < wanted; });
    return found != links.end() && found->place == place ? *found : kNone;
  }

  StubbornSets& sets_;
  const Net& net_;
  std::vector<std::vector<Touch>> touches_;  // by place
  std::vector<std::size_t> levels_;          // by place: how many different bounds
  std::vector<std::vector<std::uint32_t>> lists_;
  std::map<std::tuple<Kind, std::uint32_t, Count>, std::uint32_t> known_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> by_members_;
};

StubbornSets::StubbornSets(const Net& net) { Builder(*this, net).build(); }

StubbornSets::StubbornSets(const Net& net, const Predicate& goal) : goal_(goal) {
  if (goal.places() != net.places()) throw std::invalid_argument("the goal is about another number of places");
  Builder(*this, net).build();
}

StubbornSets::Scratch::Scratch(const StubbornSets& sets)
    : enabled_(sets.transitions()), index_(sets.nodes()), low_(sets.nodes()) {
  const std::size_t atoms = sets.goal_ ? sets.goal_->atoms().size() : 0;
  costs_.resize(atoms + 2);
  needed_.resize(atoms + 2);
  values_.resize(atoms);
  fixed_.resize(atoms);
}

void StubbornSets::Scratch::begin(std::span<const std::uint32_t> enabled) {
  if (epoch_ == UINT32_MAX || counter_ > UINT32_MAX / 2) {  // stamps would repeat
    std::fill(enabled_.begin(), enabled_.end(), 0);
    std::fill(index_.begin(), index_.end(), 0);
    epoch_ = 0;
    counter_ = 1;
  }
  ++epoch_;
  base_ = counter_;
  for (const std::uint32_t t : enabled) enabled_[t] = epoch_;
  stack_.clear();
  chosen_.clear();
  best_.clear();
  frames_.clear();
}

}  // namespace petricore
