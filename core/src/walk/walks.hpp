// One walk after the other towards a goal, each a function of the seed and its number.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "petricore/error.hpp"
#include "petricore/walk.hpp"

namespace petricore::walking {

struct At {
  std::uint64_t walk, step;
};

template <class Goal>
class Walks {
 public:
  Walks(const Net& net, const FiringTables& tables, Goal& goal, const WalkOptions& options)
      : tables_(tables),
        goal_(goal),
        options_(options),
        start_(net, tables, net.spec().initial),
        scratch_(net.spec().initial) {
    styles_ = {Style::kUniform, Style::kPreferring};
    if (Goal::kGuides) styles_.push_back(Style::kGuided);
    if (!options.parikh.empty()) {
      styles_.insert(styles_.begin(), {Style::kParikh, Style::kParikh, Style::kParikh});
      for (const std::int64_t count : options.parikh)
        planned_ += static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
      planned_ = std::min(planned_, kMostPlanned);
    }
  }

  std::uint64_t steps() const noexcept { return steps_; }
  std::uint64_t walks() const noexcept { return walks_; }

  // Walks until the goal says that it is over (true), or the steps are spent or stop says so (false). `each` is told
  // where every marking that the goal has looked at lies.
  template <class Each>
  bool run(Each&& each) {
    State state = start_;
    const bool over = goal_.visit(state);
    each(At{0, 0});
    if (over || start_.enabled().empty()) return over;
    while (steps_ < options_.steps && !stopped_) {
      if (walk(walks_++, std::min(options_.steps - steps_, kNoLimit), nullptr, true, each)) return true;
    }
    return false;
  }

  // The transitions that lead there.
  std::vector<std::uint32_t> trace(At at) {
    std::vector<std::uint32_t> fired;
    walk(at.walk, at.step, &fired, false, [](At) {});
    return fired;
  }

 private:
  enum class Style { kUniform, kPreferring, kGuided, kParikh };

  static constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};
  static constexpr std::uint64_t kMostPlanned = std::uint64_t{1} << 20;
  static constexpr std::uint64_t kPoll = 4096;
  static constexpr std::uint32_t kCandidates = 8;

  Style style(std::uint64_t number) const noexcept { return styles_[number % styles_.size()]; }

  std::uint64_t length(std::uint64_t number) const noexcept {
    const std::uint64_t usual = std::uint64_t{256} << (number / styles_.size() % 9);
    return style(number) == Style::kParikh ? 2 * planned_ + usual : usual;
  }

  template <class Each>
  bool walk(std::uint64_t number, std::uint64_t most, std::vector<std::uint32_t>* fired, bool searching, Each&& each) {
    Rng rng(options_.seed * 0x9E3779B97F4A7C15U + number);
    State state = start_;
    const Style how = style(number);
    preference_ = rng.next();
    if (how == Style::kParikh) remaining_.assign(options_.parikh.begin(), options_.parikh.end());
    if (how == Style::kGuided) scratch_.assign(start_.marking().begin(), start_.marking().end());
    const std::uint64_t last = std::min(most, length(number));
    for (std::uint64_t step = 1; step <= last; ++step) {
      if (state.enabled().empty()) break;
      const std::uint32_t transition = choose(state, how, rng);
      try {
        state.fire_enabled(transition);
      } catch (const TokenOverflow&) {
        break;
      }
      if (how == Style::kGuided) follow(state, transition);
      if (fired) fired->push_back(transition);
      if (!searching) continue;
      if (spend_step()) return false;
      if (!goal_.changed_by(transition)) continue;
      const bool over = goal_.visit(state);
      each(At{number, step});
      if (over) return true;
    }
    if (searching) spend_step();  // also a walk without a firing costs something
    return false;
  }

  // Counts one, and asks now and then whether to stop.
  bool spend_step() {
    if ((++steps_ % kPoll) == 0 && options_.stop && options_.stop(steps_)) stopped_ = true;
    return stopped_;
  }

  std::uint32_t choose(const State& state, Style how, Rng& rng) {
    const auto enabled = state.enabled();
    const auto size = static_cast<std::uint32_t>(enabled.size());
    if (size == 1) {
      if (how == Style::kParikh) --remaining_[enabled[0]];
      return enabled[0];
    }
    switch (how) {
      case Style::kPreferring:
        return preferred(enabled[rng.below(size)], enabled[rng.below(size)], rng);
      case Style::kGuided:
        if (rng.below(16) != 0) return nearest(enabled, rng);
        break;
      case Style::kParikh:
        return planned(enabled, rng);
      case Style::kUniform:
        break;
    }
    return enabled[rng.below(size)];
  }

  std::uint32_t preferred(std::uint32_t a, std::uint32_t b, Rng& rng) const noexcept {
    return (rank(a) < rank(b)) == (rng.below(8) != 0) ? b : a;
  }

  // A random order of the transitions that holds for one walk.
  std::uint64_t rank(std::uint32_t transition) const noexcept {
    std::uint64_t z = (preference_ ^ transition) * 0xBF58476D1CE4E5B9U;
    return (z ^ (z >> 31)) * 0x94D049BB133111EBU;
  }

  std::uint32_t planned(std::span<const std::uint32_t> enabled, Rng& rng) {
    std::uint32_t chosen = 0, candidates = 0;
    for (const std::uint32_t t : enabled) {
      if (remaining_[t] > 0 && rng.below(++candidates) == 0) chosen = t;
    }
    if (candidates == 0) chosen = enabled[rng.below(static_cast<std::uint32_t>(enabled.size()))];
    --remaining_[chosen];
    return chosen;
  }

  std::uint32_t nearest(std::span<const std::uint32_t> enabled, Rng& rng) {
    const auto size = static_cast<std::uint32_t>(enabled.size());
    const std::uint32_t tries = std::min(size, kCandidates);
    const std::uint32_t first = rng.below(size);
    const std::int64_t here = goal_.distance(scratch_.data());
    std::uint32_t best = enabled[first], ties = 0;
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (std::uint32_t i = 0; i < tries; ++i) {
      const std::uint32_t t = size <= kCandidates ? enabled[(first + i) % size] : enabled[rng.below(size)];
      const std::int64_t distance = goal_.changed_by(t) ? distance_after(t) : here;
      if (distance < least) {
        least = distance;
        best = t;
        ties = 1;
      } else if (distance == least && rng.below(++ties) == 0) {
        best = t;
      }
    }
    return best;
  }

  std::int64_t distance_after(std::uint32_t transition) {
    undo_.clear();
    for (const auto& effect : tables_.effects[transition]) {
      Count& count = scratch_[effect.place];
      undo_.emplace_back(effect.place, count);
      if (__builtin_add_overflow(count, effect.delta, &count)) count = kMaxTokens;
    }
    for (const auto& effect : tables_.restarts[transition]) {
      undo_.emplace_back(effect.place, scratch_[effect.place]);
      scratch_[effect.place] = effect.delta;
    }
    const std::int64_t distance = goal_.distance(scratch_.data());
    for (const auto& [place, count] : undo_) scratch_[place] = count;  // no place occurs twice
    return distance;
  }

  // scratch_ is the marking again.
  void follow(const State& state, std::uint32_t transition) {
    for (const auto& effect : tables_.effects[transition]) scratch_[effect.place] = state.marking()[effect.place];
    for (const auto& effect : tables_.restarts[transition]) scratch_[effect.place] = state.marking()[effect.place];
  }

  const FiringTables& tables_;
  Goal& goal_;
  const WalkOptions& options_;
  const State start_;
  std::vector<Style> styles_;
  std::vector<std::int64_t> remaining_;
  std::vector<Count> scratch_;
  std::vector<std::pair<std::uint32_t, Count>> undo_;
  std::uint64_t planned_ = 0, preference_ = 0, steps_ = 0, walks_ = 0;
  bool stopped_ = false;
};

}  // namespace petricore::walking
