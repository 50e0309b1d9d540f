// Places that disable nothing, for both goals: redundant places (Berthelot 1987, 10.1007/978-3-540-47919-2_13).
//
// Only free places go: what is visible, inhibits, is reset or has a capacity stays.
#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "reduce/working_net.hpp"

namespace petricore::reduction {
namespace {

// Nobody needs its tokens, or nobody lowers it and it holds enough from the start.
bool is_never_lacking(WorkingNet& net, std::uint32_t place) {
  std::int64_t most = 0;
  bool lowered = false;
  for (const std::uint32_t t : net.around(place)) {
    const WorkingArc& arc = *net.transitions[t].arc(place);
    most = std::max(most, arc.need);
    lowered = lowered || arc.change < 0;
    if (lowered && most > 0) return false;
  }
  return most == 0 || (!lowered && net.places[place].tokens >= most);
}

struct Column {
  std::uint32_t transition;
  std::int64_t need, change;
};

struct Row {
  std::vector<Column> columns;  // by ascending transition, also those that only read
  std::int64_t divisor = 0;     // of all changes
};

// Every change of p is a/b times that of q, with a and b their divisors: b m(p) - a m(q) never changes.
bool moves_alike(const Row& p, const Row& q) {
  const auto skip = [](const Row& row, std::size_t& i) {
    while (i < row.columns.size() && row.columns[i].change == 0) ++i;
    return i < row.columns.size();
  };
  for (std::size_t i = 0, j = 0;; ++i, ++j) {
    const bool more = skip(p, i);
    if (more != skip(q, j)) return false;
    if (!more) return true;
    if (p.columns[i].transition != q.columns[j].transition) return false;
    if (p.columns[i].change / p.divisor != q.columns[j].change / q.divisor) return false;
  }
}

// Whether q, where it suffices, has p suffice.
bool implies(const Row& q, std::int64_t q_tokens, const Row& p, std::int64_t p_tokens) {
  if (!moves_alike(p, q)) return false;
  const std::int64_t offset = p_tokens * q.divisor - q_tokens * p.divisor;
  std::size_t j = 0;
  for (const Column& column : p.columns) {
    if (column.need == 0) continue;
    while (j < q.columns.size() && q.columns[j].transition < column.transition) ++j;
    const bool both = j < q.columns.size() && q.columns[j].transition == column.transition;
    const std::int64_t need = both ? q.columns[j].need : 0;
    if (column.need * q.divisor > need * p.divisor + offset) return false;
  }
  return true;
}

std::uint64_t hash_of(const Row& row) {
  std::uint64_t hash = 0;
  for (const Column& column : row.columns) {
    if (column.change == 0) continue;
    hash = (hash ^ column.transition) * 0x9E3779B97F4A7C15U;
    hash = (hash ^ static_cast<std::uint64_t>(column.change / row.divisor)) * 0xC2B2AE3D27D4EB4FU;
    hash ^= hash >> 29U;
  }
  return hash;
}

constexpr std::size_t kMostCompared = 16;

}  // namespace

bool remove_idle_places(WorkingNet& net) {
  bool changed = false;
  for (std::uint32_t p = 0; p < net.places.size() && !net.stopped(); ++p) {
    if (!net.places[p].is_free() || !is_never_lacking(net, p)) continue;
    net.remove_place(p);
    net.count(ReductionRule::kNeverLacking);
    changed = true;
  }
  return changed;
}

bool remove_parallel_places(WorkingNet& net) {
  std::vector<Row> rows(net.places.size());
  for (std::uint32_t t = 0; t < net.transitions.size(); ++t) {
    if (!net.transitions[t].alive) continue;
    for (const WorkingArc& arc : net.transitions[t].arcs) {
      Row& row = rows[arc.place];
      row.columns.push_back({t, arc.need, arc.change});
      row.divisor = std::gcd(row.divisor, arc.change);
    }
  }
  bool changed = false;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> alike;
  for (std::uint32_t p = 0; p < net.places.size() && !net.stopped(); ++p) {
    if (!net.places[p].alive || net.places[p].special || rows[p].divisor == 0) continue;
    auto& group = alike[hash_of(rows[p])];
    bool implied = false;
    for (std::size_t i = 0; i < std::min(group.size(), kMostCompared) && !implied; ++i) {
      const std::uint32_t q = group[i];
      if (net.places[p].is_free() && implies(rows[q], net.places[q].tokens, rows[p], net.places[p].tokens)) {
        net.remove_place(p);
        implied = true;
      } else if (net.places[q].is_free() && implies(rows[p], net.places[p].tokens, rows[q], net.places[q].tokens)) {
        net.remove_place(q);
        group[i] = p;
        implied = true;
      }
    }
    if (implied) {
      net.count(ReductionRule::kParallelPlace);
      changed = true;
    } else {
      group.push_back(p);
    }
  }
  return changed;
}

}  // namespace petricore::reduction
