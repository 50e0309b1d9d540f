#include "elimination.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <queue>
#include <tuple>

namespace petricore {

namespace {

__extension__ using Wide = __int128;

template <class Value>
Value gcd(Value a, Value b) {
  while (b != 0) a = std::exchange(b, a % b);
  return a;
}

// One computation with checked integers of one width.
//
// Invariants between columns:
// 1. The rows alive are the extreme rays of {x >= 0 : x is orthogonal to the columns done}, each without a common
//    divisor, and no row's support holds another's.
// 2. rest = flow^T A, without the entries that are 0.
template <class Value>
class Elimination {
 public:
  Elimination(const std::vector<Generator>& generators, std::size_t columns, const SemiflowOptions& options)
      : options_(options), columns_(columns) {
    const std::size_t unknowns = generators.empty() ? 0 : std::size_t{generators.back().index} + 1;
    holders_.resize(unknowns);
    stamps_.resize(unknowns, 0);
    for (const Generator& generator : generators) {
      Row row;
      row.flow.push_back({generator.index, 1});
      row.rest.reserve(generator.entries.size());
      for (const MatrixEntry& entry : generator.entries) row.rest.push_back({entry.column, entry.value});
      add(std::move(row));
    }
  }

  SemiflowEnd run() {
    if (alive_ > options_.max_rows) return SemiflowEnd::kRowLimit;
    queue_touched();
    while (const std::optional<std::uint32_t> column = next_column()) {
      const SemiflowEnd end = eliminate(*column);
      if (end != SemiflowEnd::kComplete) return end;
      queue_touched();
    }
    return SemiflowEnd::kComplete;
  }

  // The rows that are done. False: a weight does not fit 63 bits; that row is left out.
  bool collect(std::vector<std::vector<SemiflowTerm>>& out) const {
    bool fits = true;
    for (const Row& row : rows_) {
      if (row.flow.empty() || !row.rest.empty()) continue;
      std::vector<SemiflowTerm> terms;
      terms.reserve(row.flow.size());
      for (const Term& term : row.flow) {
        if (term.value > std::numeric_limits<std::int64_t>::max()) break;
        terms.push_back({term.index, static_cast<std::int64_t>(term.value)});
      }
      if (terms.size() == row.flow.size()) {
        out.push_back(std::move(terms));
      } else {
        fits = false;
      }
    }
    return fits;
  }

 private:
  struct Term {
    std::uint32_t index;
    Value value;
  };
  using Terms = std::vector<Term>;

  struct Row {
    Terms flow, rest;  // by ascending index; a dead row has neither
  };

  struct Column {
    std::vector<std::uint32_t> rows;  // dead ones among them
    std::int64_t plus = 0, minus = 0;
    std::int64_t weight = 0;  // size of the flows of its rows: of columns that cost as many rows, take the short ones
    bool touched = false;

    // How many rows more there may be after it; columns that only remove rows come first.
    std::int64_t growth() const {
      return plus == 0 || minus == 0 ? std::numeric_limits<std::int64_t>::min() : plus * minus - plus - minus;
    }
  };

  using Candidate = std::tuple<std::int64_t, std::int64_t, std::uint32_t>;  // growth, weight, column

  void add(Row row) {
    const auto id = static_cast<std::uint32_t>(rows_.size());
    for (const Term& term : row.flow) holders_[term.index].push_back(id);
    for (const Term& term : row.rest) {
      Column& column = columns_[term.index];
      column.rows.push_back(id);
      count(term.index, term.value, row.flow.size(), 1);
    }
    rows_.push_back(std::move(row));
    ++alive_;
  }

  void remove(std::uint32_t id) {
    Row& row = rows_[id];
    for (const Term& term : row.rest) count(term.index, term.value, row.flow.size(), -1);
    row = Row();
    --alive_;
  }

  void count(std::uint32_t index, Value value, std::size_t size, std::int64_t sign) {
    Column& column = columns_[index];
    (value > 0 ? column.plus : column.minus) += sign;
    column.weight += sign * static_cast<std::int64_t>(size);
    if (!column.touched) touched_.push_back(index);
    column.touched = true;
  }

  void queue_touched() {
    for (const std::uint32_t index : touched_) {
      Column& column = columns_[index];
      column.touched = false;
      if (column.plus + column.minus > 0) queue_.emplace(column.growth(), column.weight, index);
    }
    touched_.clear();
  }

  std::optional<std::uint32_t> next_column() {
    while (!queue_.empty()) {
      const auto [growth, weight, index] = queue_.top();
      queue_.pop();
      const Column& column = columns_[index];
      if (column.plus + column.minus > 0 && column.growth() == growth && column.weight == weight) return index;
    }
    return std::nullopt;
  }

  static Value entry_of(const Row& row, std::uint32_t column) {
    const auto found = std::lower_bound(row.rest.begin(), row.rest.end(), column,
                                        [](const Term& term, std::uint32_t index) { return term.index < index; });
    return found != row.rest.end() && found->index == column ? found->value : Value{0};
  }

  SemiflowEnd eliminate(std::uint32_t index) {
    std::vector<std::pair<std::uint32_t, Value>> plus, minus;
    for (const std::uint32_t id : columns_[index].rows) {
      const Value value = entry_of(rows_[id], index);
      if (value > 0) plus.emplace_back(id, value);
      if (value < 0) minus.emplace_back(id, -value);
    }
    ++done_;
    std::vector<Row> made;
    const std::size_t kept = alive_ - plus.size() - minus.size();
    for (const auto& [up, up_value] : plus) {
      for (const auto& [down, down_value] : minus) {
        if (stopped()) return SemiflowEnd::kStopped;
        if (!is_extreme(up, down)) continue;
        if (kept + made.size() >= options_.max_rows) return SemiflowEnd::kRowLimit;
        const Value divisor = gcd(up_value, down_value);
        if (!combine(rows_[up], down_value / divisor, rows_[down], up_value / divisor, made.emplace_back())) {
          return SemiflowEnd::kOverflow;
        }
      }
    }
    for (const auto& [id, value] : plus) remove(id);
    for (const auto& [id, value] : minus) remove(id);
    columns_[index].rows = {};
    for (Row& row : made) add(std::move(row));
    return SemiflowEnd::kComplete;
  }

  // Whether the two rays are adjacent: no third one's support is within the union of theirs.
  bool is_extreme(std::uint32_t first, std::uint32_t second) {
    const Terms &a = rows_[first].flow, &b = rows_[second].flow;
    // Stamped with 2 * now if only in a, 2 * now + 1 if in b; everything older is outside.
    now_ += 2;
    for (const Term& term : a) stamps_[term.index] = now_;
    std::size_t common = 0;
    for (const Term& term : b) {
      common += stamps_[term.index] == now_;
      stamps_[term.index] = now_ + 1;
    }
    const std::size_t size = a.size() + b.size() - common;
    if (size > done_ + 1) return false;  // it would span more than a ray
    // A third support is not within either alone, so it meets what b adds to a and what a adds to b.
    const bool search_a = a.size() <= b.size();
    const Terms& searched = search_a ? a : b;
    if (!search_a) {
      for (const Term& term : b) stamps_[term.index] = now_;
      for (const Term& term : a) stamps_[term.index] = now_ + 1;
    }
    for (const Term& term : searched) {
      if (stamps_[term.index] != now_) continue;
      auto& holders = holders_[term.index];
      for (std::size_t i = 0; i < holders.size();) {
        const Row& row = rows_[holders[i]];
        if (row.flow.empty()) {
          holders[i] = holders.back();
          holders.pop_back();
          continue;
        }
        work_ += 8;
        if (holders[i] != first && holders[i] != second && within(row.flow, size)) return false;
        ++i;
      }
    }
    return true;
  }

  bool within(const Terms& flow, std::size_t size) const {
    return flow.size() <= size &&
           std::all_of(flow.begin(), flow.end(), [this](const Term& term) { return stamps_[term.index] >= now_; });
  }

  bool combine(const Row& a, Value times_a, const Row& b, Value times_b, Row& out) {
    work_ += a.flow.size() + b.flow.size() + a.rest.size() + b.rest.size();
    if (!combine(a.flow, times_a, b.flow, times_b, out.flow)) return false;
    if (!combine(a.rest, times_a, b.rest, times_b, out.rest)) return false;
    Value divisor = 0;
    for (const Term& term : out.flow) {
      divisor = gcd(term.value, divisor);
      if (divisor == 1) return true;
    }
    for (Term& term : out.flow) term.value /= divisor;
    for (Term& term : out.rest) term.value /= divisor;  // a sum of multiples of the flow's weights
    return true;
  }

  static bool combine(const Terms& a, Value times_a, const Terms& b, Value times_b, Terms& out) {
    out.reserve(a.size() + b.size());
    auto i = a.begin(), j = b.begin();
    while (i != a.end() || j != b.end()) {
      const std::uint32_t index = std::min(i == a.end() ? ~0u : i->index, j == b.end() ? ~0u : j->index);
      Value left = 0, right = 0, sum = 0;
      if (i != a.end() && i->index == index && __builtin_mul_overflow(i++->value, times_a, &left)) return false;
      if (j != b.end() && j->index == index && __builtin_mul_overflow(j++->value, times_b, &right)) return false;
      if (__builtin_add_overflow(left, right, &sum)) return false;
      if (sum != 0) out.push_back({index, sum});
    }
    return true;
  }

  bool stopped() {
    if (++work_ < 20'000) return false;
    work_ = 0;
    return options_.stop && options_.stop(alive_);
  }

  const SemiflowOptions& options_;
  std::vector<Row> rows_;
  std::vector<Column> columns_;
  std::vector<std::vector<std::uint32_t>> holders_;  // rows by a member of their support, dead ones among them
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue_;  // stale candidates among them
  std::vector<std::uint32_t> touched_;
  std::vector<std::uint64_t> stamps_;
  std::uint64_t now_ = 0;
  std::size_t alive_ = 0, done_ = 0, work_ = 0;
};

template <class Value>
Semiflows solve(const std::vector<Generator>& generators, std::size_t columns, const SemiflowOptions& options) {
  Elimination<Value> elimination(generators, columns, options);
  Semiflows result;
  result.end = elimination.run();
  std::vector<std::vector<SemiflowTerm>> rows;
  if (!elimination.collect(rows)) result.end = SemiflowEnd::kOverflow;
  std::sort(rows.begin(), rows.end());
  result.rows = Csr<SemiflowTerm>::from_rows(rows);
  return result;
}

}  // namespace

Semiflows extreme_rays(const std::vector<Generator>& generators, std::size_t columns, const SemiflowOptions& options) {
  Semiflows result = solve<std::int64_t>(generators, columns, options);
  if (result.end == SemiflowEnd::kOverflow) result = solve<Wide>(generators, columns, options);
  return result;
}

}  // namespace petricore
