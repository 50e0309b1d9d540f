#include "petricore/state_graph.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <stdexcept>

#include "ctl/pacer.hpp"

namespace petricore {

namespace {

using Words = StateGraph::Words;

bool has(StateGraph::View set, std::size_t state) { return (set[state / 64] >> (state % 64)) & 1; }
void add(Words& set, std::size_t state) { set[state / 64] |= std::uint64_t{1} << (state % 64); }

template <class Visit>
void each(StateGraph::View set, Visit visit) {
  for (std::size_t w = 0; w < set.size(); ++w) {
    for (std::uint64_t bits = set[w]; bits != 0; bits &= bits - 1) {
      visit(static_cast<std::uint32_t>(64 * w + static_cast<std::size_t>(std::countr_zero(bits))));
    }
  }
}

}  // namespace

StateGraph::StateGraph(std::size_t states, std::span<const std::int64_t> offsets,
                       std::span<const std::uint32_t> targets, const Stop& stop)
    : states_(states), offsets_(offsets), targets_(targets) {
  bool sound = states > 0 && states < UINT32_MAX && !offsets.empty() && offsets.size() <= states + 1 &&
               offsets.front() == 0 && offsets.back() == static_cast<std::int64_t>(targets.size());
  for (std::size_t s = 1; sound && s < offsets.size(); ++s) sound = offsets[s - 1] <= offsets[s];
  if (!sound) throw std::invalid_argument("the tables of a state graph do not fit each other");

  Pacer pacer(stop);
  source_offsets_.assign(states + 1, 0);
  for (const std::uint32_t target : targets) {
    if (target >= states) throw std::invalid_argument("an edge of a state graph leads outside");
    ++source_offsets_[target];
    stopped_ = stopped_ || pacer.due();
  }
  // Counts become ends; filling from the back turns them into beginnings.
  for (std::size_t s = 0; s < states; ++s) source_offsets_[s + 1] += source_offsets_[s];
  sources_.resize(targets.size());
  for (std::size_t s = expanded(); s-- > 0 && !stopped_;) {
    for (auto e = static_cast<std::size_t>(offsets[s + 1]); e-- > static_cast<std::size_t>(offsets[s]);) {
      sources_[static_cast<std::size_t>(--source_offsets_[targets[e]])] = static_cast<std::uint32_t>(s);
    }
    stopped_ = pacer.due(static_cast<std::uint64_t>(offsets[s + 1] - offsets[s]) + 1);
  }
}

// What until starts from: where `right` holds, and of the frontier where `left` does if that may turn out well.
Words StateGraph::seeds(View left, View right, bool unknown) const {
  Words set(right.begin(), right.end());
  if (!unknown) return set;
  for (std::size_t s = expanded(); s < states_; ++s) {
    if (has(left, s)) add(set, s);
  }
  return set;
}

Words StateGraph::some_next(View operand, bool unknown, const Stop& stop) const {
  Words set(words());
  Pacer pacer(stop);
  bool stopped = false;
  each(operand, [&](std::uint32_t state) {
    if (stopped) return;
    for (const std::uint32_t source : sources(state)) add(set, source);
    stopped = pacer.due(sources(state).size() + 1);
  });
  if (stopped) return {};
  if (unknown) {
    for (std::size_t s = expanded(); s < states_; ++s) add(set, s);
  }
  return set;
}

Words StateGraph::some_until(View left, View right, bool unknown, const Stop& stop) const {
  Words set = seeds(left, right, unknown);
  std::vector<std::uint32_t> pending;
  Pacer pacer(stop);
  bool stopped = false;
  const auto spread = [&](std::uint32_t state) {
    for (const std::uint32_t source : sources(state)) {
      if (has(set, source) || !has(left, source)) continue;
      add(set, source);
      pending.push_back(source);
    }
    stopped = stopped || pacer.due(sources(state).size() + 1);
  };
  const Words first = set;  // the set grows meanwhile
  each(first, [&](std::uint32_t state) {
    if (stopped) return;
    spread(state);
    while (!pending.empty() && !stopped) {
      const std::uint32_t next = pending.back();
      pending.pop_back();
      spread(next);
    }
  });
  return stopped ? Words{} : set;
}

Words StateGraph::every_until(View left, View right, bool unknown, const Stop& stop) const {
  Words set = seeds(left, right, unknown);
  // How many edges lead to states not yet in the set. A deadlock has none and is never looked at: it is in the set only
  // by `right`.
  std::vector<std::uint32_t> open(expanded());
  for (std::size_t s = 0; s < expanded(); ++s) open[s] = static_cast<std::uint32_t>(offsets_[s + 1] - offsets_[s]);
  std::vector<std::uint32_t> pending;
  Pacer pacer(stop);
  bool stopped = false;
  const auto spread = [&](std::uint32_t state) {
    for (const std::uint32_t source : sources(state)) {
      if (--open[source] != 0 || has(set, source) || !has(left, source)) continue;
      add(set, source);
      pending.push_back(source);
    }
    stopped = stopped || pacer.due(sources(state).size() + 1);
  };
  const Words first = set;
  each(first, [&](std::uint32_t state) {
    if (stopped) return;
    spread(state);
    while (!pending.empty() && !stopped) {
      const std::uint32_t next = pending.back();
      pending.pop_back();
      spread(next);
    }
  });
  return stopped ? Words{} : set;
}

std::optional<std::vector<std::int64_t>> StateGraph::route(std::size_t start, View through, View goals,
                                                           const Stop& stop) const {
  if (start >= states_) throw std::invalid_argument("there is no such state");
  std::vector<std::int64_t> edges;
  if (has(goals, start)) return edges;
  constexpr std::int64_t kNone = -1;
  std::vector<std::int64_t> by(states_, kNone);  // the edge by which a state was found
  std::vector<std::uint32_t> queue;
  if (has(through, start)) queue.push_back(static_cast<std::uint32_t>(start));
  Pacer pacer(stop);
  const auto source_of = [&](std::int64_t edge) {
    return static_cast<std::size_t>(std::upper_bound(offsets_.begin(), offsets_.end(), edge) - offsets_.begin()) - 1;
  };
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const std::uint32_t state = queue[i];
    if (state >= expanded()) continue;
    for (std::int64_t e = offsets_[state]; e < offsets_[state + 1]; ++e) {
      const std::uint32_t target = targets_[static_cast<std::size_t>(e)];
      if (target == start || by[target] != kNone) continue;
      by[target] = e;
      if (has(goals, target)) {
        for (std::size_t at = target; at != start; at = source_of(by[at])) edges.push_back(by[at]);
        std::reverse(edges.begin(), edges.end());
        return edges;
      }
      if (has(through, target)) queue.push_back(target);
    }
    if (pacer.due(static_cast<std::uint64_t>(offsets_[state + 1] - offsets_[state]) + 1)) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<StateGraph::Lasso> StateGraph::lasso(std::size_t start, View within, const Stop& stop) const {
  if (start >= states_) throw std::invalid_argument("there is no such state");
  if (!has(within, start)) return std::nullopt;
  constexpr std::uint32_t kNotYet = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> position(states_, kNotYet);
  Lasso found{};
  Pacer pacer(stop);
  for (std::size_t state = start;;) {
    if (state >= expanded()) return std::nullopt;
    if (position[state] != kNotYet) {
      found.repeats_from = position[state];
      return found;
    }
    position[state] = static_cast<std::uint32_t>(found.edges.size());
    if (offsets_[state] == offsets_[state + 1]) {
      found.repeats_from = found.edges.size();
      return found;
    }
    std::int64_t e = offsets_[state];
    while (e < offsets_[state + 1] && !has(within, targets_[static_cast<std::size_t>(e)])) ++e;
    if (e == offsets_[state + 1] || pacer.due()) return std::nullopt;
    found.edges.push_back(e);
    state = targets_[static_cast<std::size_t>(e)];
  }
}

}  // namespace petricore
