// Clocks that ring at absolute times, the next one first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace petricore {

// For each transition a list of clocks, oldest first: the first `running` of them run, those after are paused. The
// running ones of all transitions are in an indexed heap (Gibson and Bruck's, with any number of clocks for a
// transition; of four children each, which are side by side in memory). Clocks that ring at the same time do so in the
// order of their transitions' ranks, then of their age.
//
// Allocates only when more clocks exist at once than ever before. One thread at a time.
class Clocks {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  static constexpr std::uint32_t kMost = 1U << 26;  // four gigabytes

  // `ranks` (T,) orders transitions among clocks of the same time, the lowest first.
  explicit Clocks(std::vector<std::uint32_t> ranks) : ranks_(std::move(ranks)), lists_(ranks_.size()) {}

  void clear() noexcept {
    lists_.assign(lists_.size(), List{});
    heap_.clear();
    clocks_.clear();
    slots_.clear();
    free_ = kNone;
    born_ = 0;
  }

  bool empty() const noexcept { return heap_.empty(); }
  // The clock that rings next. REQUIRES: !empty().
  std::uint32_t next() const noexcept { return heap_.front().clock; }
  double time(std::uint32_t clock) const noexcept { return clocks_[clock].time; }
  std::uint32_t transition(std::uint32_t clock) const noexcept { return clocks_[clock].transition; }
  // Whether it was set to ring at the very time it was started.
  bool at_once(std::uint32_t clock) const noexcept { return clocks_[clock].at_once; }

  std::uint32_t running(std::uint32_t t) const noexcept { return lists_[t].running; }
  bool paused(std::uint32_t t) const noexcept { return lists_[t].last != lists_[t].newest; }
  // The newest that runs, or kNone.
  std::uint32_t newest(std::uint32_t t) const noexcept { return lists_[t].newest; }

  // A new clock, the newest. REQUIRES: none of t's is paused. Throws std::length_error.
  void start(std::uint32_t t, double now, double time) {
    const std::uint32_t clock = allocate(t);
    List& list = lists_[t];
    clocks_[clock] = {time, born_++, t, list.last, kNone, !(time > now)};
    (list.last == kNone ? list.first : clocks_[list.last].after) = clock;
    list.last = list.newest = clock;
    ++list.running;
    push(clock);
  }

  // REQUIRES: it runs.
  void move(std::uint32_t clock, double time) noexcept {
    clocks_[clock].time = time;
    heap_[slots_[clock]].time = time;
    sift(slots_[clock]);
  }

  // Whether it is the only one of its transition.
  bool is_alone(std::uint32_t clock) const noexcept {
    return clocks_[clock].before == kNone && clocks_[clock].after == kNone;
  }

  // As if removed and started again. REQUIRES: it runs and is alone.
  void restart(std::uint32_t clock, double now, double time) noexcept {
    clocks_[clock].born = born_++;
    clocks_[clock].at_once = !(time > now);
    move(clock, time);
  }

  // Stops the newest that runs; it keeps what is left. REQUIRES: one runs.
  void pause(std::uint32_t t, double now) noexcept {
    List& list = lists_[t];
    Clock& clock = clocks_[list.newest];
    pop(slots_[list.newest]);
    clock.time -= now;
    list.newest = clock.before;
    --list.running;
  }

  // The oldest that is paused goes on. REQUIRES: one is.
  void resume(std::uint32_t t, double now) {
    List& list = lists_[t];
    const std::uint32_t id = list.newest == kNone ? list.first : clocks_[list.newest].after;
    clocks_[id].at_once = !(clocks_[id].time > 0);
    clocks_[id].time += now;
    list.newest = id;
    ++list.running;
    push(id);
  }

  // REQUIRES: it runs.
  void remove(std::uint32_t id) noexcept {
    Clock& clock = clocks_[id];
    List& list = lists_[clock.transition];
    pop(slots_[id]);
    (clock.before == kNone ? list.first : clocks_[clock.before].after) = clock.after;
    (clock.after == kNone ? list.last : clocks_[clock.after].before) = clock.before;
    if (list.newest == id) list.newest = clock.before;
    --list.running;
    clock.after = free_;
    free_ = id;
  }

 private:
  struct Clock {
    double time;         // when it rings; what is left while it is paused
    std::uint64_t born;  // how many were started before it
    std::uint32_t transition, before, after;
    bool at_once;
  };
  struct List {
    std::uint32_t first = kNone, last = kNone, newest = kNone, running = 0;
  };
  struct Entry {
    double time;
    std::uint32_t clock;
  };

  std::uint32_t allocate(std::uint32_t t) {
    if (free_ != kNone) {
      const std::uint32_t clock = free_;
      free_ = clocks_[clock].after;
      return clock;
    }
    if (clocks_.size() >= kMost)
      throw std::length_error("transition " + std::to_string(t) + " needs another clock, beyond the most of " +
                              std::to_string(kMost) + " at once");
    clocks_.emplace_back();
    slots_.push_back(kNone);
    return static_cast<std::uint32_t>(clocks_.size() - 1);
  }

  bool before(const Entry& a, const Entry& b) const noexcept {
    if (a.time != b.time) return a.time < b.time;
    const Clock &first = clocks_[a.clock], &second = clocks_[b.clock];
    if (first.transition != second.transition) return ranks_[first.transition] < ranks_[second.transition];
    return first.born < second.born;
  }

  void place(std::size_t slot, const Entry& entry) noexcept {
    heap_[slot] = entry;
    slots_[entry.clock] = static_cast<std::uint32_t>(slot);
  }

  void push(std::uint32_t clock) {
    heap_.push_back({clocks_[clock].time, clock});
    sift_up(heap_.size() - 1);
  }

  void pop(std::size_t slot) noexcept {
    const Entry last = heap_.back();
    heap_.pop_back();
    if (slot == heap_.size()) return;
    place(slot, last);
    sift(slot);
  }

  void sift(std::size_t slot) noexcept {
    if (slot > 0 && before(heap_[slot], heap_[parent(slot)])) {
      sift_up(slot);
    } else {
      sift_down(slot);
    }
  }

  void sift_up(std::size_t slot) noexcept {
    const Entry entry = heap_[slot];
    for (; slot > 0 && before(entry, heap_[parent(slot)]); slot = parent(slot)) place(slot, heap_[parent(slot)]);
    place(slot, entry);
  }

  void sift_down(std::size_t slot) noexcept {
    const Entry entry = heap_[slot];
    for (std::size_t child; (child = kArity * slot + 1) < heap_.size(); slot = child) {
      const std::size_t end = std::min(child + kArity, heap_.size());
      for (std::size_t other = child + 1; other < end; ++other) {
        if (before(heap_[other], heap_[child])) child = other;
      }
      if (!before(heap_[child], entry)) break;
      place(slot, heap_[child]);
    }
    place(slot, entry);
  }

  static constexpr std::size_t kArity = 4;
  static std::size_t parent(std::size_t slot) noexcept { return (slot - 1) / kArity; }

  std::vector<std::uint32_t> ranks_;  // (T,)
  std::vector<List> lists_;           // (T,)
  std::vector<Clock> clocks_;
  std::vector<std::uint32_t> slots_;  // of clocks, in the heap
  std::vector<Entry> heap_;
  std::uint32_t free_ = kNone;  // a list through `after`
  std::uint64_t born_ = 0;
};

}  // namespace petricore
