// Successors of markings of a few words, where every transition is tested on all of them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "layout.hpp"

namespace petricore::explore {

// Transitions filed under a place that each of them needs, so that only those of marked places are looked at.
struct Buckets {
  std::vector<std::uint32_t> order;         // (T) rows by bucket
  std::vector<std::uint32_t> offsets;       // (P + 2,): bucket p; bucket P holds what needs no place
  std::vector<Word> flags, guards;          // (W,) the bit that says a place with a bucket is marked
  std::vector<Word> ones;                   // (W,) 1 in each counter
  std::vector<std::uint32_t> place_of_bit;  // (64 W,)

  // Few transitions are all looked at: the order is theirs, and there is only bucket P.
  Buckets(const Net& net, const Layout& layout, const std::vector<std::uint32_t>& rows);
};

// The transitions that fit a layout: one that needs more tokens than a field can hold is never enabled in it.
std::vector<std::uint32_t> rows_of(const Net& net, const Layout& layout);

// Whether all links of a net are lower bounds and constant changes, which is what this file knows.
bool is_dense(const Net& net, const Layout& layout);

// One transition on packed markings of W words.
template <std::size_t W, bool kCounters, bool kFlags>
struct DenseRow;

template <std::size_t W>
struct DenseRow<W, true, false> {
  std::array<Word, W> counters, delta;
};
template <std::size_t W>
struct DenseRow<W, false, true> {
  std::array<Word, W> flags, gained, delta;
};
template <std::size_t W>
struct DenseRow<W, true, true> {
  std::array<Word, W> counters, flags, gained, delta;
};

// REQUIRES: is_dense(net, layout), and W, kCounters and kFlags are those of the layout.
template <std::size_t W, bool kCounters, bool kFlags>
class DenseSuccessors {
 public:
  using State = std::array<Word, W>;
  static constexpr std::size_t kWords = W;

  DenseSuccessors(const Net& net, const Layout& layout) : rows_(rows_of(net, layout)), buckets_(net, layout, rows_) {
    for (std::size_t i = 0; i < W; ++i) {
      guards_[i] = layout.guards()[i];
      ones_[i] = buckets_.ones[i];
    }
    rows_ = buckets_.order;
    for (const std::uint32_t t : rows_) table_.push_back(row(net, layout, t));
  }

  std::size_t words() const noexcept { return W; }

  // Calls emit(successor, hash, transition) for each enabled transition, until it returns false. Returns false if emit
  // did, or if a successor does not fit the layout: `overflowed` is then its transition.
  template <class Emit>
  bool operator()(const Word* at, std::uint32_t& overflowed, const Emit& emit) const {
    State state;
    for (std::size_t i = 0; i < W; ++i) state[i] = at[i];
    State guarded{};
    if constexpr (kCounters) {
      for (std::size_t i = 0; i < W; ++i) guarded[i] = state[i] | guards_[i];
    }
    if (buckets_.offsets.size() > 2) {
      for (std::size_t i = 0; i < W; ++i) {
        Word marked = 0;
        if constexpr (kFlags) marked |= state[i] & buckets_.flags[i];
        if constexpr (kCounters) marked |= (guarded[i] - ones_[i]) & buckets_.guards[i];
        for (; marked != 0; marked &= marked - 1) {
          const auto bit = static_cast<std::size_t>(std::countr_zero(marked));
          if (!scan(buckets_.place_of_bit[64 * i + bit], state, guarded, overflowed, emit)) return false;
        }
      }
    }
    return scan(buckets_.offsets.size() - 2, state, guarded, overflowed, emit);
  }

 private:
  using Row = DenseRow<W, kCounters, kFlags>;

  template <class Emit>
  bool scan(std::size_t bucket, const State& state, const State& guarded, std::uint32_t& overflowed,
            const Emit& emit) const {
    const std::uint32_t last = buckets_.offsets[bucket + 1];
    for (std::uint32_t r = buckets_.offsets[bucket]; r < last; ++r) {
      const Row& row = table_[r];
      Word missing = 0;
      for (std::size_t i = 0; i < W; ++i) {
        if constexpr (kCounters) missing |= ~(guarded[i] - row.counters[i]) & guards_[i];
        if constexpr (kFlags) missing |= ~state[i] & row.flags[i];
      }
      if (missing != 0) continue;
      State next;
      Word beyond = 0, hash = 0;
      for (std::size_t i = 0; i < W; ++i) {
        next[i] = state[i] + row.delta[i];
        if constexpr (kCounters) beyond |= next[i] & guards_[i];
        if constexpr (kFlags) beyond |= state[i] & row.gained[i];
        hash ^= hash_word(next[i], i);
      }
      if (beyond != 0) [[unlikely]] {
        overflowed = rows_[r];
        return false;
      }
      if (!emit(next.data(), hash, rows_[r])) return false;
    }
    return true;
  }

  static Row row(const Net& net, const Layout& layout, std::uint32_t t) {
    Row row{};
    for (const Link& link : net.links(t)) {
      const Layout::Field& field = layout.field(link.place);
      row.delta[field.word] += static_cast<Word>(std::int64_t{link.delta()}) << field.shift;
      if (field.flag) {
        if constexpr (kFlags) {
          if (link.least > 0) row.flags[field.word] |= field.mask();
          if (link.delta() > 0) row.gained[field.word] |= field.mask();
        }
      } else {
        if constexpr (kCounters) row.counters[field.word] |= field.place_value(link.least);
      }
    }
    return row;
  }

  std::vector<std::uint32_t> rows_;  // the transition of each row
  std::vector<Row> table_;
  Buckets buckets_;
  State guards_{}, ones_{};
};

}  // namespace petricore::explore
