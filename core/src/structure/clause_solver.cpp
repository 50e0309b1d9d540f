#include "clause_solver.hpp"

#include <algorithm>

namespace petricore {

namespace {

constexpr double kDecay = 0.95, kMostActivity = 1e100;
constexpr std::uint64_t kFirstRestart = 100;

}  // namespace

ClauseSolver::ClauseSolver(std::size_t variables)
    : watches_(2 * variables),
      values_(2 * variables, 0),
      reasons_(variables, kNoClause),
      levels_(variables, 0),
      activities_(variables, 0.0),
      seen_(variables, false) {
  refill_order();
}

void ClauseSolver::add(Clause clause) {
  if (level() > 0 && std::all_of(clause.begin(), clause.end(), [this](Literal l) { return values_[l] == kFalse; })) {
    resume_without(std::move(clause));
    return;
  }
  undo(0);
  if (std::any_of(clause.begin(), clause.end(), [this](Literal l) { return values_[l] == kTrue; })) return;
  clause.erase(std::remove_if(clause.begin(), clause.end(), [this](Literal l) { return values_[l] == kFalse; }),
               clause.end());
  if (clause.empty()) {
    impossible_ = true;
  } else if (clause.size() == 1) {
    assign(clause[0], kNoClause);
    impossible_ = impossible_ || propagate() != kNoClause;
  } else {
    store(std::move(clause), false);
  }
}

// Undoes just the latest level that makes a literal of the clause false.
void ClauseSolver::resume_without(Clause clause) {
  clause.erase(std::remove_if(clause.begin(), clause.end(), [this](Literal l) { return levels_[l / 2] == 0; }),
               clause.end());
  if (clause.empty()) {
    impossible_ = true;
    return;
  }
  std::sort(clause.begin(), clause.end(), [this](Literal a, Literal b) { return levels_[a / 2] > levels_[b / 2]; });
  if (clause.size() == 1) {
    undo(0);
    assign(clause[0], kNoClause);
    return;
  }
  const std::size_t latest = levels_[clause[0] / 2];
  const bool implies = levels_[clause[1] / 2] < latest;
  const Literal first = clause[0];
  undo(latest - 1);
  const std::uint32_t id = store(std::move(clause), false);
  if (implies) assign(first, id);
}

ClauseSolver::Answer ClauseSolver::solve(const Stop& stop) {
  std::uint64_t conflicts = 0, restart_at = kFirstRestart, steps = 0;
  while (!impossible_) {
    if ((++steps & 255) == 0 && stop && stop(conflicts)) return Answer::kStopped;
    const std::uint32_t conflict = propagate();
    if (conflict != kNoClause) {
      ++conflicts;
      if (level() == 0) {
        impossible_ = true;
        break;
      }
      std::size_t back_to = 0;
      Clause learned = learn(conflict, back_to);
      undo(back_to);
      const Literal implied = learned[0];
      assign(implied, learned.size() == 1 ? kNoClause : store(std::move(learned), true));
      bump_ /= kDecay;
    } else if (conflicts >= restart_at) {
      restart_at += restart_at / 2;
      undo(0);
      if (learned_ > most_learned_) forget_half();
    } else if (!decide()) {
      return Answer::kModel;
    }
  }
  return Answer::kNone;
}

void ClauseSolver::assign(Literal literal, std::uint32_t reason) {
  values_[literal] = kTrue;
  values_[literal ^ 1] = kFalse;
  reasons_[literal / 2] = reason;
  levels_[literal / 2] = static_cast<std::uint32_t>(level());
  trail_.push_back(literal);
}

void ClauseSolver::undo(std::size_t to) {
  if (level() <= to) return;
  while (trail_.size() > decisions_[to]) {
    const Literal literal = trail_.back();
    trail_.pop_back();
    values_[literal] = values_[literal ^ 1] = 0;
    order_.emplace(activities_[literal / 2], literal / 2);
  }
  decisions_.resize(to);
  propagated_ = trail_.size();
  if (order_.size() > 8 * activities_.size() + 1024) refill_order();
}

std::uint32_t ClauseSolver::propagate() {
  while (propagated_ < trail_.size()) {
    const Literal failed = trail_[propagated_++] ^ 1;
    auto& watches = watches_[failed];
    std::size_t kept = 0;
    for (std::size_t i = 0; i < watches.size(); ++i) {
      const Watch watched = watches[i];
      if (values_[watched.other] == kTrue) {
        watches[kept++] = watched;
        continue;
      }
      Clause& literals = clauses_[watched.clause].literals;
      if (literals[0] == failed) std::swap(literals[0], literals[1]);
      const auto spare =
          std::find_if(literals.begin() + 2, literals.end(), [this](Literal l) { return values_[l] != kFalse; });
      if (spare != literals.end()) {
        std::swap(literals[1], *spare);
        watches_[literals[1]].push_back({watched.clause, literals[0]});
        continue;
      }
      watches[kept++] = {watched.clause, literals[0]};
      if (values_[literals[0]] == 0) {
        assign(literals[0], watched.clause);
      } else if (values_[literals[0]] == kFalse) {
        while (++i < watches.size()) watches[kept++] = watches[i];
        watches.resize(kept);
        propagated_ = trail_.size();
        return watched.clause;
      }
    }
    watches.resize(kept);
  }
  return kNoClause;
}

// The first unique implication point: what follows from the conflict, with one literal of this level, put first.
ClauseSolver::Clause ClauseSolver::learn(std::uint32_t conflict, std::size_t& back_to) {
  Clause learned{0};
  std::size_t open = 0, at = trail_.size();
  std::uint32_t reason = conflict;
  Literal implied = 0;
  do {
    const Clause& literals = clauses_[reason].literals;
    for (std::size_t i = reason == conflict ? 0 : 1; i < literals.size(); ++i) {
      const Variable v = literals[i] / 2;
      if (seen_[v] || levels_[v] == 0) continue;
      seen_[v] = true;
      bump(v);
      if (levels_[v] == level()) {
        ++open;
      } else {
        learned.push_back(literals[i]);
      }
    }
    do implied = trail_[--at];
    while (!seen_[implied / 2]);
    seen_[implied / 2] = false;
    reason = reasons_[implied / 2];
  } while (--open > 0);
  learned[0] = implied ^ 1;
  for (std::size_t i = 1; i < learned.size(); ++i) {
    seen_[learned[i] / 2] = false;
    if (levels_[learned[i] / 2] > levels_[learned[1] / 2]) std::swap(learned[1], learned[i]);
  }
  back_to = learned.size() == 1 ? 0 : levels_[learned[1] / 2];
  return learned;
}

std::uint32_t ClauseSolver::store(Clause clause, bool learned) {
  const auto id = static_cast<std::uint32_t>(clauses_.size());
  clauses_.push_back({std::move(clause), learned});
  learned_ += learned;
  watch(id);
  return id;
}

void ClauseSolver::watch(std::uint32_t clause) {
  const Clause& literals = clauses_[clause].literals;
  watches_[literals[0]].push_back({clause, literals[1]});
  watches_[literals[1]].push_back({clause, literals[0]});
}

// At level 0, where no reason is asked for: the longer learned clauses go.
void ClauseSolver::forget_half() {
  std::vector<std::size_t> sizes;
  for (const Stored& stored : clauses_) {
    if (stored.learned) sizes.push_back(stored.literals.size());
  }
  const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
  std::nth_element(sizes.begin(), middle, sizes.end());
  const std::size_t most = *middle;
  clauses_.erase(
      std::remove_if(clauses_.begin(), clauses_.end(),
                     [most](const Stored& stored) { return stored.learned && stored.literals.size() > most; }),
      clauses_.end());
  learned_ = static_cast<std::size_t>(
      std::count_if(clauses_.begin(), clauses_.end(), [](const Stored& stored) { return stored.learned; }));
  most_learned_ += most_learned_ / 10;
  for (auto& watches : watches_) watches.clear();
  for (std::uint32_t id = 0; id < clauses_.size(); ++id) watch(id);
}

void ClauseSolver::bump(Variable v) {
  activities_[v] += bump_;
  if (activities_[v] <= kMostActivity) return;
  for (double& activity : activities_) activity /= kMostActivity;
  bump_ /= kMostActivity;
  refill_order();
}

bool ClauseSolver::decide() {
  while (!order_.empty()) {
    const Variable v = order_.top().second;
    order_.pop();
    if (values_[is_true(v)] != 0) continue;
    decisions_.push_back(trail_.size());
    assign(is_false(v), kNoClause);
    return true;
  }
  return false;
}

void ClauseSolver::refill_order() {
  std::vector<std::pair<double, Variable>> open;
  for (Variable v = 0; v < activities_.size(); ++v) {
    if (values_[is_true(v)] == 0) open.emplace_back(activities_[v], v);
  }
  order_ = decltype(order_)({}, std::move(open));
}

}  // namespace petricore
