#include "petricore/state.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>

#include "petricore/error.hpp"
#include "simd/kernels.hpp"

namespace petricore {
namespace {

using simd::WalkTables;

// One threshold of a place, and the rows that crossing it downwards and upwards adds to the deficits.
struct Threshold {
  Count at;
  std::uint32_t fall_row, rise_row;
};

// Appends the two rows of each distinct threshold of a place to tables.rows.
std::vector<Threshold> add_thresholds(const FiringTables& firing, std::size_t place, WalkTables& tables) {
  const std::size_t width = tables.words * 64;
  std::map<Count, std::vector<std::int8_t>> falls;
  const auto count = [&](const FiringTables::Watch& watch, std::int8_t on_fall) {
    falls.try_emplace(watch.threshold, width).first->second[watch.transition] += on_fall;
  };
  for (const auto& watch : firing.least[place]) count(watch, 1);
  for (const auto& watch : firing.most[place]) count(watch, -1);

  std::vector<Threshold> thresholds;
  for (const auto& [at, fall] : falls) {
    const auto row = static_cast<std::uint32_t>(tables.rows.size() / width);
    tables.rows.insert(tables.rows.end(), fall.begin(), fall.end());
    std::ranges::transform(fall, std::back_inserter(tables.rows), std::negate{});
    thresholds.push_back({at, row, row + 1});
  }
  return thresholds;
}

// The effects of one transition, one for each threshold that a change of its place could cross.
std::vector<WalkTables::Effect> walk_effects(std::span<const FiringTables::Effect> effects,
                                             const std::vector<std::vector<Threshold>>& thresholds) {
  std::vector<WalkTables::Effect> walk;
  for (const auto& [place, delta] : effects) {
    const std::size_t first = walk.size();
    const auto span = static_cast<std::uint32_t>(std::abs(delta));
    for (const Threshold& threshold : thresholds[place]) {
      if (delta < 0) {
        walk.push_back({place, 0, threshold.at, span, threshold.fall_row});
      } else {
        walk.push_back({place, 0, threshold.at - delta, span, threshold.rise_row});
      }
    }
    if (walk.size() == first) walk.push_back({place, 0, 0, 0, 0});
    walk.back().delta = delta;
  }
  return walk;
}

std::unique_ptr<const WalkTables> walk_tables(const Net& net, const FiringTables& firing) {
  constexpr std::size_t kMaxEffects = 16;  // beyond, padding costs more than branches do
  constexpr std::uint32_t kMaxConditions = 127;
  const std::size_t transitions = net.transitions();
  auto tables = std::make_unique<WalkTables>();
  tables->words = (transitions + 63) / 64;
  if (tables->words == 0 || tables->words > WalkTables::kMaxWords) return nullptr;
  for (std::size_t t = 0; t < transitions; ++t) {
    if (firing.conditions[t] > kMaxConditions || !firing.restarts[t].empty()) return nullptr;
  }
  tables->rows.assign(tables->words * 64, 0);
  std::vector<std::vector<Threshold>> thresholds;
  for (std::size_t p = 0; p < net.places(); ++p) thresholds.push_back(add_thresholds(firing, p, *tables));

  std::vector<std::vector<WalkTables::Effect>> effects;
  for (std::size_t t = 0; t < transitions; ++t) {
    effects.push_back(walk_effects(firing.effects[t], thresholds));
    tables->effects_each = std::max(tables->effects_each, effects.back().size());
  }
  if (tables->effects_each > kMaxEffects) return nullptr;
  const WalkTables::Effect padding{static_cast<std::uint32_t>(net.places()), 0, 0, 0, 0};
  for (auto& row : effects) {
    row.resize(tables->effects_each, padding);
    tables->effects.insert(tables->effects.end(), row.begin(), row.end());
  }
  return tables;
}

}  // namespace

FiringTables::~FiringTables() = default;

FiringTables::FiringTables(const Net& net) : quiet(net.places(), 0), conditions(net.transitions(), 0) {
  std::vector<std::vector<Watch>> least_rows(net.places()), most_rows(net.places());
  std::vector<Effect> changed, restarted;
  for (std::size_t t = 0; t < net.transitions(); ++t) {
    const auto id = static_cast<std::uint32_t>(t);
    changed.clear();
    restarted.clear();
    for (const Link& link : net.links(t)) {
      if (link.resets) {
        restarted.push_back({link.place, link.output});
      } else if (link.delta() != 0) {
        changed.push_back({link.place, link.delta()});
      }
      if (link.least > 0) {
        least_rows[link.place].push_back({link.least, id});
        ++conditions[t];
      }
      if (link.most < kMaxTokens) {
        most_rows[link.place].push_back({link.most + 1, id});
        ++conditions[t];
      }
    }
    effects.append(changed);
    restarts.append(restarted);
  }
  const auto by_threshold = [](const Watch& a, const Watch& b) { return a.threshold < b.threshold; };
  for (std::size_t p = 0; p < net.places(); ++p) {
    for (auto* row : {&least_rows[p], &most_rows[p]}) {
      std::stable_sort(row->begin(), row->end(), by_threshold);
      if (!row->empty()) quiet[p] = std::max(quiet[p], row->back().threshold);
    }
    least.append(least_rows[p]);
    most.append(most_rows[p]);
  }
  walk = walk_tables(net, *this);
}

State::State(const Net& net, const FiringTables& tables, std::span<const Count> marking)
    : net_(net), tables_(tables), marking_(marking.begin(), marking.end()), position_(net.transitions(), 0) {
  marking_.push_back(0);  // the dummy place of WalkTables
  for (std::size_t p = 0; p < net.places(); ++p) {
    if (marking_[p] < 0) throw NegativeTokens(0, p, marking_[p]);
  }
  enabled_.reserve(net.transitions());
  recount();
}

void State::recount() {
  unsatisfied_ = tables_.conditions;
  enabled_.clear();
  for (std::size_t p = 0; p < net_.places(); ++p) {
    for (const auto& watch : tables_.least[p]) unsatisfied_[watch.transition] -= marking_[p] >= watch.threshold;
    for (const auto& watch : tables_.most[p]) unsatisfied_[watch.transition] -= marking_[p] < watch.threshold;
  }
  for (std::uint32_t t = 0; t < net_.transitions(); ++t) {
    if (unsatisfied_[t] == 0) {
      position_[t] = static_cast<std::uint32_t>(enabled_.size());
      enabled_.push_back(t);
    }
  }
}

inline void State::satisfy(std::uint32_t transition) {
  if (--unsatisfied_[transition] == 0) {
    position_[transition] = static_cast<std::uint32_t>(enabled_.size());
    enabled_.push_back(transition);  // never reallocates: the capacity is T
  }
}

inline void State::violate(std::uint32_t transition) {
  if (unsatisfied_[transition]++ == 0) {
    const std::uint32_t last = enabled_.back();
    enabled_[position_[transition]] = last;
    position_[last] = position_[transition];
    enabled_.pop_back();
  }
}

// Tells the watchers of a place whose thresholds lie in (low, high].
inline void State::change(std::uint32_t place, Count before, Count after) {
  marking_[place] = after;
  const bool rises = after > before;
  const Count low = rises ? before : after;
  const Count high = rises ? after : before;
  if (low >= tables_.quiet[place]) return;
  for (const auto& watch : tables_.least[place]) {
    if (watch.threshold > high) break;
    if (watch.threshold > low) rises ? satisfy(watch.transition) : violate(watch.transition);
  }
  for (const auto& watch : tables_.most[place]) {
    if (watch.threshold > high) break;
    if (watch.threshold > low) rises ? violate(watch.transition) : satisfy(watch.transition);
  }
}

void State::fire_enabled(std::size_t transition) {
  for (const auto& effect : tables_.effects[transition]) {
    const Count before = marking_[effect.place];
    Count after;
    if (__builtin_add_overflow(before, effect.delta, &after)) [[unlikely]]
      undo_and_throw(transition, effect);
    change(effect.place, before, after);
  }
  // Restarts come last: they cannot fail, and touch no place of `effects`.
  for (const auto& restart : tables_.restarts[transition]) {
    change(restart.place, marking_[restart.place], restart.delta);
  }
}

void State::undo_and_throw(std::size_t transition, const FiringTables::Effect& at) {
  for (const auto& effect : tables_.effects[transition]) {
    if (&effect == &at) break;
    change(effect.place, marking_[effect.place], marking_[effect.place] - effect.delta);
  }
  throw TokenOverflow(0, at.place, std::int64_t{marking_[at.place]} + at.delta);
}

void State::fire(std::size_t transition) {
  for (const Link& link : net_.links(transition)) {
    const Count found = marking_[link.place];
    if (!link.admits(found))
      throw NotEnabled(0, transition, link.place, found < link.least ? link.least : link.most, found);
  }
  fire_enabled(transition);
}

std::uint64_t State::walk(std::uint64_t steps, Rng& rng) {
  std::vector<std::int8_t> deficits(tables_.walk->words * 64, 1);
  std::copy(unsatisfied_.begin(), unsatisfied_.end(), deficits.begin());
  const auto result = simd::kernels().walk(*tables_.walk, marking_.data(), deficits.data(), steps, rng);
  recount();
  if (result.overflow != simd::WalkResult::kNoPlace) {
    throw TokenOverflow(0, result.overflow, std::int64_t{marking_[result.overflow]} + result.delta);
  }
  return result.fired;
}

std::uint64_t State::run(std::uint64_t steps, Rng& rng) {
  if (tables_.walk) return walk(steps, rng);
  for (std::uint64_t fired = 0; fired < steps; ++fired) {
    if (enabled_.empty()) return fired;
    fire_enabled(enabled_[rng.below(static_cast<std::uint32_t>(enabled_.size()))]);
  }
  return steps;
}

}  // namespace petricore
