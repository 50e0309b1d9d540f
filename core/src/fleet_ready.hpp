// Who is served next: the ready lines, one a priority, and the wait lines, one a resource.
//
// Within a priority, accounts are served round robin: J. Nagle, On packet switches with infinite storage, RFC 970, 1985
// and IEEE Trans. Commun. 35(4), 1987, doi:10.1109/TCOM.1987.1096782. A claim is a packet of size one, and for those
// round robin is what fair queueing with virtual clocks comes to: between two claims of an account that has something
// ready, each other account gets at most one, whenever it came and however little it had before.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "fleet_net.hpp"
#include "fleet_wait_line.hpp"

namespace petricore::fleet {

// A new pair joins the back of the FIFO of its priority and account; a pair whose age is no longer current is stale and
// skipped by the caller. A pair that lacks a resource waits in that resource's line. When the line's head might be
// served (tokens came back, or it just became the head), it is woken: it is ready again, at its old age. An account
// joins the ring of a priority when one of its pairs becomes ready, and leaves it when its turn comes and none is.
class ReadyLines {
 public:
  ReadyLines(std::size_t priorities, std::size_t resources) : rings_(priorities), waits_(resources) {}

  // Pairs of the accounts up to this one may be pushed.
  void admit(std::uint32_t account);

  void push(const Pair& pair);
  // The first entry in claim order, stale or not; false when there is none.
  bool pop(Pair& pair);
  // The pair that was popped last is served: its account goes to the end of the ring.
  void served(const Pair& pair) {
    auto& ring = rings_[pair.line];
    if (ring.first == ring.last) return;
    auto& own = fifo(pair.line, pair.account);
    ring.first = own.next;
    fifo(pair.line, ring.last).next = pair.account;
    ring.last = pair.account;
    own.next = kNone;
  }

  // The turn of a pair that waits for the resource, which it may take along to another line.
  Turn turn(std::size_t resource, const Pair& pair) const { return waits_[resource].turn(pair); }
  // Whether somebody who comes before this pair, with this turn or none, waits for the resource.
  bool behind(std::size_t resource, const Pair& pair, Turn turn) const { return waits_[resource].behind(pair, turn); }
  void wait(std::size_t resource, const Pair& pair, Turn turn) {
    waits_[resource].join(pair, turn, drawn_);
    ++waiting_;
  }
  // The pair leaves the line; if it was the head, the next one is woken.
  void leave(std::size_t resource, const Pair& pair);
  // The pair's account has used its turn in the line, if it stands there; a new head is woken.
  void requeue(std::size_t resource, const Pair& pair);
  void wake(std::size_t resource);
  // A pair leaves the ready lines because it is no longer enabled (stale entries of the FIFOs stay).
  void unwake(const Pair& pair) { woken_.erase(pair); }
  // Pairs that wait and were not woken.
  std::size_t stalled() const noexcept { return waiting_ - woken_.size(); }

 private:
  struct Entry {
    std::uint64_t age;
    std::uint32_t session, transition;
    std::uint32_t next;  // of its FIFO, or of the free entries
  };
  struct Fifo {
    std::uint32_t first = kNone, last = kNone;  // entries
    std::uint32_t next = kNone;                 // account of the ring
    bool in_ring = false;
  };
  struct Ring {
    std::uint32_t first = kNone, last = kNone;  // accounts
  };

  Fifo& fifo(std::uint32_t line, std::uint32_t account) { return fifos_[account * rings_.size() + line]; }
  void join_ring(std::uint32_t line, std::uint32_t account, Fifo& own);
  bool pop_woken(const Fifo& own, Pair& pair);

  std::vector<Entry> entries_;
  std::uint32_t free_entry_ = kNone;
  std::vector<Fifo> fifos_;  // by account and line
  std::vector<Ring> rings_;  // by line
  std::set<Pair> woken_;
  std::vector<WaitLine> waits_;
  std::size_t waiting_ = 0;
  Turn drawn_ = 0;
};

}  // namespace petricore::fleet
