#include "fleet_ready.hpp"

namespace petricore::fleet {

void ReadyLines::admit(std::uint32_t account) {
  const auto wanted = (std::size_t{account} + 1) * rings_.size();
  if (fifos_.size() < wanted) fifos_.resize(wanted);
}

void ReadyLines::push(const Pair& pair) {
  auto slot = free_entry_;
  if (slot != kNone) {
    free_entry_ = entries_[slot].next;
  } else {
    slot = static_cast<std::uint32_t>(entries_.size());
    entries_.emplace_back();
  }
  entries_[slot] = {pair.age, pair.session, pair.transition, kNone};
  auto& own = fifo(pair.line, pair.account);
  (own.first == kNone ? own.first : entries_[own.last].next) = slot;
  own.last = slot;
  if (!own.in_ring) join_ring(pair.line, pair.account, own);
}

void ReadyLines::join_ring(std::uint32_t line, std::uint32_t account, Fifo& own) {
  auto& ring = rings_[line];
  (ring.first == kNone ? ring.first : fifo(line, ring.last).next) = account;
  ring.last = account;
  own.next = kNone;
  own.in_ring = true;
}

bool ReadyLines::pop(Pair& pair) {
  for (pair.line = 0; pair.line < rings_.size(); ++pair.line) {
    auto& ring = rings_[pair.line];
    while (ring.first != kNone) {
      pair.account = ring.first;
      auto& own = fifo(pair.line, pair.account);
      if (!woken_.empty() && pop_woken(own, pair)) return true;
      if (const auto slot = own.first; slot != kNone) {
        auto& entry = entries_[slot];
        pair.age = entry.age;
        pair.session = entry.session;
        pair.transition = entry.transition;
        own.first = entry.next;
        entry.next = free_entry_;
        free_entry_ = slot;
        return true;
      }
      own.in_ring = false;
      ring.first = own.next;
    }
  }
  return false;
}

// The oldest woken pair of this line and account, if it is older than the first of their FIFO.
bool ReadyLines::pop_woken(const Fifo& own, Pair& pair) {
  const auto here = [&](auto it) { return it->line == pair.line && it->account == pair.account; };
  auto woken = woken_.begin();
  if (!here(woken)) woken = woken_.lower_bound({pair.line, pair.account, 0, 0, 0});
  if (woken == woken_.end() || !here(woken)) return false;
  if (own.first != kNone && entries_[own.first].age < woken->age) return false;
  pair = *woken;
  woken_.erase(woken);
  return true;
}

void ReadyLines::wake(std::size_t resource) {
  if (waits_[resource].empty()) return;
  const auto& head = waits_[resource].head();
  if (!woken_.insert(head).second) return;
  auto& own = fifo(head.line, head.account);
  if (!own.in_ring) join_ring(head.line, head.account, own);
}

void ReadyLines::leave(std::size_t resource, const Pair& pair) {
  auto& line = waits_[resource];
  const bool head = line.head().age == pair.age;
  line.leave(pair);
  --waiting_;
  if (head) wake(resource);
}

void ReadyLines::requeue(std::size_t resource, const Pair& pair) {
  auto& line = waits_[resource];
  if (!line.empty() && line.requeue(pair, drawn_)) wake(resource);
}

}  // namespace petricore::fleet
