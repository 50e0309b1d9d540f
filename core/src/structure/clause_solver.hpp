// Finds truth values that satisfy clauses, again and again while clauses are added.
//
// Conflict-driven clause learning: J. P. Marques-Silva and K. A. Sakallah, "GRASP: a search algorithm for propositional
// satisfiability", 1999 (10.1109/12.769433); watched literals and activities: M. W. Moskewicz et al., "Chaff:
// engineering an efficient SAT solver", 2001 (10.1145/378239.379017).
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "petricore/stop.hpp"

namespace petricore {

class ClauseSolver {
 public:
  using Variable = std::uint32_t;
  using Literal = std::uint32_t;  // 2 v: v is true, 2 v + 1: v is false
  using Clause = std::vector<Literal>;

  enum class Answer { kModel, kNone, kStopped };

  static constexpr Literal is_true(Variable v) noexcept { return 2 * v; }
  static constexpr Literal is_false(Variable v) noexcept { return 2 * v + 1; }

  explicit ClauseSolver(std::size_t variables);

  // Demands that a literal of the clause holds; without any, there is no model. No literal may stand in it twice.
  // If the last model breaks it, the search goes on from there.
  void add(Clause clause);

  // A model of all clauses, which prefers false. Exponential in the worst case; `stop` is told the number of conflicts.
  Answer solve(const Stop& stop);

  // REQUIRES: the last call of anything else was solve(), and it found a model.
  bool operator[](Variable v) const noexcept { return values_[is_true(v)] == kTrue; }

 private:
  static constexpr std::int8_t kTrue = 1, kFalse = -1;
  static constexpr std::uint32_t kNoClause = ~0u;

  struct Stored {
    Clause literals;  // the first two are watched; of a reason, the first is what it implies
    bool learned;
  };
  struct Watch {
    std::uint32_t clause;
    Literal other;  // another literal of it: if that is true, the clause needs no look
  };

  std::size_t level() const noexcept { return decisions_.size(); }
  void assign(Literal literal, std::uint32_t reason);
  void undo(std::size_t level);
  std::uint32_t propagate();
  Clause learn(std::uint32_t conflict, std::size_t& back_to);
  void resume_without(Clause clause);
  void watch(std::uint32_t clause);
  std::uint32_t store(Clause clause, bool learned);
  void forget_half();
  void bump(Variable v);
  bool decide();
  void refill_order();

  std::vector<Stored> clauses_;
  std::vector<std::vector<Watch>> watches_;  // by literal: looked at when it becomes false
  std::vector<std::int8_t> values_;          // by literal; 0: open
  std::vector<std::uint32_t> reasons_, levels_;
  std::vector<Literal> trail_;
  std::vector<std::size_t> decisions_;  // where each level starts in the trail
  std::size_t propagated_ = 0;
  std::vector<double> activities_;
  double bump_ = 1.0;
  // Every open variable is in it, perhaps more than once and with old activities, beside some that are not open.
  std::priority_queue<std::pair<double, Variable>> order_;
  std::vector<bool> seen_;
  std::size_t learned_ = 0, most_learned_ = 20'000;
  bool impossible_ = false;
};

}  // namespace petricore
