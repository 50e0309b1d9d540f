#include "fleet_wait_line.hpp"

#include <iterator>

namespace petricore::fleet {

WaitLine::Seat* WaitLine::seat(const Pair& pair) const {
  if (empty()) return nullptr;
  auto* first = *order_.begin();  // mostly
  if (first->line == pair.line && first->account == pair.account) return first;
  const auto it = seats_.find(place(pair));
  return it == seats_.end() ? nullptr : const_cast<Seat*>(&it->second);
}

Turn WaitLine::turn(const Pair& pair) const {
  const auto* own = seat(pair);
  return own->pairs.begin()->age == pair.age ? own->turn : kNoTurn;
}

bool WaitLine::behind(const Pair& pair, Turn turn) const {
  if (empty()) return false;
  const auto* first = *order_.begin();
  if (first->line != pair.line) return first->line < pair.line;
  if (first->account == pair.account) return first->pairs.begin()->age < pair.age;
  if (turn >= first->turn) return true;
  // Behind an older pair of its own account it would lose its turn.
  const auto* own = seat(pair);
  return own != nullptr && own->pairs.begin()->age < pair.age;
}

void WaitLine::join(const Pair& pair, Turn turn, Turn& drawn) {
  auto* own = seat(pair);
  if (own == nullptr) {
    own = &seats_[place(pair)];
    own->line = pair.line;
    own->account = pair.account;
    own->turn = turn == kNoTurn ? ++drawn : turn;
    own->position = order_.insert(own).first;
  } else if (turn < own->turn && pair.age < own->pairs.begin()->age) {
    move(*own, turn);
  }
  own->pairs.insert(own->pairs.end(), pair);  // mostly the youngest
}

void WaitLine::leave(const Pair& pair) {
  auto* own = seat(pair);
  const auto first = own->pairs.begin();
  own->pairs.erase(first->age == pair.age ? first : own->pairs.find(pair));
  if (!own->pairs.empty()) return;
  order_.erase(own->position);
  seats_.erase(place(pair));
}

bool WaitLine::requeue(const Pair& pair, Turn& drawn) {
  auto* own = seat(pair);
  if (own == nullptr) return false;
  ++drawn;
  const auto next = std::next(own->position);
  if (next == order_.end() || (*next)->line != own->line) {
    own->turn = drawn;  // the last stays the last
    return false;
  }
  const bool first = own->position == order_.begin();
  move(*own, drawn);
  return first;
}

void WaitLine::move(Seat& seat, Turn turn) {
  auto node = order_.extract(seat.position);
  seat.turn = turn;
  seat.position = order_.insert(std::move(node)).position;
}

}  // namespace petricore::fleet
