// Who is served next: the ready lines, one a priority, and the wait lines, one a resource.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <tuple>
#include <vector>

#include "fleet_net.hpp"

namespace petricore::fleet {

// An enabled (session, transition) since `age`; the claim order is (line, age). Ages are unique over all pairs.
struct Pair {
  std::uint32_t line;
  std::uint64_t age;
  std::uint32_t session, transition;

  bool operator<(const Pair& other) const noexcept { return std::tie(line, age) < std::tie(other.line, other.age); }
};

// A new pair joins the back of its ready line; a pair whose age is no longer current is stale and skipped by the
// caller. A pair that lacks a resource waits in that resource's line. When the line's head might be served (tokens
// came back, or it just became the head), it is woken: it stands in the ready lines again, at its old age.
class ReadyLines {
 public:
  ReadyLines(std::size_t priorities, std::size_t resources) : fifos_(priorities), waits_(resources) {}

  void push(const Pair& pair) { fifos_[pair.line].push_back(pair); }

  // The first entry in claim order, stale or not; false when there is none.
  bool pop(Pair& pair);

  // Whether somebody who comes before this pair waits for the resource.
  bool behind(std::size_t resource, const Pair& pair) const {
    const auto& line = waits_[resource];
    return !line.empty() && *line.begin() < pair;
  }
  void wait(std::size_t resource, const Pair& pair) { waiting_ += waits_[resource].insert(pair).second; }
  // The pair leaves the line; if it was the head, the next one is woken.
  void leave(std::size_t resource, const Pair& pair);
  void wake(std::size_t resource) {
    if (!waits_[resource].empty()) woken_.insert(*waits_[resource].begin());
  }
  // A pair leaves the ready lines because it is no longer enabled (stale entries of the FIFOs stay).
  void unwake(const Pair& pair) { woken_.erase(pair); }
  // Pairs that wait and were not woken.
  std::size_t stalled() const noexcept { return waiting_ - woken_.size(); }

 private:
  std::vector<std::deque<Pair>> fifos_;
  std::set<Pair> woken_;
  std::vector<std::set<Pair>> waits_;
  std::size_t waiting_ = 0;
};

}  // namespace petricore::fleet
