// The line at one resource: who lacks it, and who of these is served next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <tuple>
#include <unordered_map>

namespace petricore::fleet {

// An enabled (session, transition) since `age`, with the line of its priority and its session's account. Ages are
// unique over all pairs.
struct Pair {
  std::uint32_t line, account;
  std::uint64_t age;
  std::uint32_t session, transition;

  bool operator<(const Pair& other) const noexcept {
    return std::tie(line, account, age) < std::tie(other.line, other.account, other.age);
  }
};

using Turn = std::uint64_t;
inline constexpr Turn kNoTurn = std::numeric_limits<Turn>::max();

// The order is (priority, turn of the account, age). An account has one turn for each priority, a number that it draws
// when its first pair joins; drawing another when it was served takes it to the end: round robin, as in
// fleet_ready.hpp. The turn belongs to the account's oldest pair, which takes it along to the line of another
// resource. So a pair that needs several resources comes to stand before all others in every line, whoever joins.
class WaitLine {
 public:
  bool empty() const noexcept { return order_.empty(); }
  const Pair& head() const { return *(*order_.begin())->pairs.begin(); }

  // The account's turn if this pair, which stands here, is its oldest, else none.
  Turn turn(const Pair& pair) const;
  // Whether the pair stands behind the head, or would if it joined with this turn or none.
  bool behind(const Pair& pair, Turn turn) const;
  // `drawn` counts the turns of all lines.
  void join(const Pair& pair, Turn turn, Turn& drawn);
  void leave(const Pair& pair);
  // The pair's account, if it stands here, goes to the end of its priority. Returns whether there is a new head.
  bool requeue(const Pair& pair, Turn& drawn);

 private:
  struct Seat;
  struct InTurn {
    bool operator()(const Seat* a, const Seat* b) const noexcept {
      return std::tie(a->line, a->turn) < std::tie(b->line, b->turn);
    }
  };
  struct Older {
    bool operator()(const Pair& a, const Pair& b) const noexcept { return a.age < b.age; }
  };
  struct Seat {
    std::uint32_t line, account;
    Turn turn;
    std::set<Pair, Older> pairs;
    std::set<Seat*, InTurn>::iterator position;
  };

  static std::uint64_t place(const Pair& pair) noexcept { return std::uint64_t{pair.line} << 32 | pair.account; }
  // The seat of the pair's account, or null.
  Seat* seat(const Pair& pair) const;
  void move(Seat& seat, Turn turn);

  std::unordered_map<std::uint64_t, Seat> seats_;  // by place
  std::set<Seat*, InTurn> order_;
};

}  // namespace petricore::fleet
