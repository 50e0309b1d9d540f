#include "place_set.hpp"

#include <algorithm>

namespace petricore {

namespace {

bool requires_token(const Link& link) { return link.least > 0; }
bool puts(const Link& link) { return link.output > 0; }
bool takes(const Link& link) { return link.input > 0 || link.resets; }
bool leaves_marked(const Link& link) { return link.output > 0 || (!link.resets && link.least > link.input); }

Csr<std::uint32_t> transposed(const Csr<std::uint32_t>& rows, std::size_t columns) {
  std::vector<std::vector<std::uint32_t>> lists(columns);
  for (std::uint32_t r = 0; r < rows.rows(); ++r) {
    for (const std::uint32_t column : rows[r]) lists[column].push_back(r);
  }
  return Csr<std::uint32_t>::from_rows(lists);
}

}  // namespace

SetRules::SetRules(const Net& net, PlaceSetKind kind) {
  const bool siphon = kind == PlaceSetKind::kSiphon;
  std::vector<std::uint32_t> from, to;
  for (std::size_t t = 0; t < net.transitions(); ++t) {
    from.clear();
    to.clear();
    for (const Link& link : net.links(t)) {
      if (siphon ? puts(link) : takes(link)) from.push_back(link.place);
      if (siphon ? requires_token(link) : leaves_marked(link)) to.push_back(link.place);
    }
    triggers.append(from);
    needs.append(to);
  }
  index(net.places());
}

void SetRules::index(std::size_t places) {
  triggered_ = transposed(triggers, places);
  needed_ = transposed(needs, places);
}

SetRules SetRules::restricted_to(const PlaceSet& places) const {
  // Rules that nothing here triggers demand nothing.
  std::vector<std::uint32_t> transitions;
  for (const std::uint32_t place : places) {
    transitions.insert(transitions.end(), triggered(place).begin(), triggered(place).end());
  }
  std::sort(transitions.begin(), transitions.end());
  transitions.erase(std::unique(transitions.begin(), transitions.end()), transitions.end());
  const auto append = [&places](std::span<const std::uint32_t> from, std::vector<std::uint32_t>& to) {
    to.clear();
    for (const std::uint32_t place : from) {
      const auto at = std::lower_bound(places.begin(), places.end(), place);
      if (at != places.end() && *at == place) to.push_back(static_cast<std::uint32_t>(at - places.begin()));
    }
  };
  SetRules own;
  std::vector<std::uint32_t> from, to;
  for (const std::uint32_t t : transitions) {
    append(triggers[t], from);
    append(needs[t], to);
    own.triggers.append(from);
    own.needs.append(to);
  }
  own.index(places.size());
  return own;
}

void SetRules::add_to(ClauseSolver& solver) const {
  for (std::size_t t = 0; t < triggers.rows(); ++t) {
    for (const std::uint32_t place : triggers[t]) {
      ClauseSolver::Clause clause{ClauseSolver::is_false(place)};
      bool always = false;
      for (const std::uint32_t need : needs[t]) {
        always = always || need == place;
        clause.push_back(ClauseSolver::is_true(need));
      }
      if (!always) solver.add(std::move(clause));
    }
  }
}

ShrinkingSet::ShrinkingSet(const SetRules& rules, const PlaceSet& places, std::vector<bool> marked)
    : rules_(rules),
      counted_(std::move(marked)),
      inside_(rules.places(), false),
      support_(rules.needs.rows(), 0),
      size_(places.size()) {
  for (const std::uint32_t place : places) {
    inside_[place] = true;
    if (!counted_.empty()) marked_size_ += counted_[place];
    for (const std::uint32_t t : rules.needed(place)) ++support_[t];
  }
  std::vector<std::uint32_t> lost;
  for (std::uint32_t t = 0; t < support_.size(); ++t) {
    if (support_[t] == 0) lost.push_back(t);
  }
  const std::vector<bool> none(rules.places(), false);
  for (const std::uint32_t t : lost) {
    for (const std::uint32_t place : rules.triggers[t]) {
      if (inside_[place]) remove(place, none);
    }
  }
}

PlaceSet ShrinkingSet::places() const {
  PlaceSet result;
  result.reserve(size_);
  for (std::uint32_t p = 0; p < inside_.size(); ++p) {
    if (inside_[p]) result.push_back(p);
  }
  return result;
}

void ShrinkingSet::take_out(std::uint32_t place) {
  inside_[place] = false;
  --size_;
  if (!counted_.empty()) marked_size_ -= counted_[place];
  removed_.push_back(place);
}

// False as soon as a place that is needed goes along; only restore() may follow then.
bool ShrinkingSet::remove(std::uint32_t place, const std::vector<bool>& needed) {
  removed_.clear();
  bool allowed = true;
  take_out(place);
  for (followed_ = 0; allowed && followed_ < removed_.size(); ++followed_) {
    for (const std::uint32_t t : rules_.needed(removed_[followed_])) {
      if (--support_[t] > 0) continue;
      for (const std::uint32_t trigger : rules_.triggers[t]) {
        if (!inside_[trigger]) continue;
        take_out(trigger);
        allowed = allowed && !needed[trigger];
      }
    }
  }
  return allowed;
}

void ShrinkingSet::restore() {
  for (std::size_t i = 0; i < removed_.size(); ++i) {
    const std::uint32_t place = removed_[i];
    inside_[place] = true;
    if (!counted_.empty()) marked_size_ += counted_[place];
    if (i >= followed_) continue;
    for (const std::uint32_t t : rules_.needed(place)) ++support_[t];
  }
  size_ += removed_.size();
}

}  // namespace petricore
