// Successors of markings of any number of words and of nets with any arcs: a transition looks only at its own words.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dense.hpp"
#include "layout.hpp"
#include "petricore/csr.hpp"

namespace petricore::explore {

class SparseSuccessors {
 public:
  static constexpr std::size_t kWords = 0;  // known at run time only

  SparseSuccessors(const Net& net, const Layout& layout);

  std::size_t words() const noexcept { return words_; }

  // As DenseSuccessors.
  template <class Emit>
  bool operator()(const Word* at, std::uint32_t& overflowed, const Emit& emit) const {
    thread_local std::vector<Word> state, next;
    state.assign(at, at + words_);
    next = state;
    const Word hash = hash_words(at, words_);
    if (buckets_.offsets.size() > 2) {
      for (std::size_t i = 0; i < words_; ++i) {
        Word marked =
            (state[i] & buckets_.flags[i]) | (((state[i] | guards_[i]) - buckets_.ones[i]) & buckets_.guards[i]);
        for (; marked != 0; marked &= marked - 1) {
          const auto bit = static_cast<std::size_t>(std::countr_zero(marked));
          const std::size_t bucket = buckets_.place_of_bit[64 * i + bit];
          if (!scan(bucket, state.data(), next.data(), hash, overflowed, emit)) return false;
        }
      }
    }
    return scan(buckets_.offsets.size() - 2, state.data(), next.data(), hash, overflowed, emit);
  }

  // Calls emit for one transition, which is enabled at `at`.
  template <class Emit>
  bool fire(const Word* at, std::uint32_t transition, std::uint32_t& overflowed, const Emit& emit) const {
    thread_local std::vector<Word> next;
    next.assign(at, at + words_);
    return fire_row(row_of_[transition], at, next.data(), hash_words(at, words_), overflowed, emit);
  }

  // The enabled transitions, in the order of the calls to emit.
  void enabled(const Word* at, std::vector<std::uint32_t>& transitions) const {
    transitions.clear();
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      if (is_enabled(r, at)) transitions.push_back(rows_[r]);
    }
  }

 private:
  // What one transition asks of one word: lower bounds, and upper ones, which are rare.
  struct AtLeast {
    std::uint32_t word;
    Word flags, counters;  // flags to be set; the least values of counters
  };
  struct AtMost {
    std::uint32_t word;
    Word flags, counters, values;  // flags to be clear; the largest values of counters; the bits that hold values
  };
  // What it does to one word.
  struct Effect {
    std::uint32_t word;
    Word keep, delta;  // what is left of the word, then what is added
    Word gained;       // flags that must not be left set
  };

  bool is_enabled(std::size_t row, const Word* state) const noexcept {
    for (const AtLeast& bound : least_[row]) {
      const Word word = state[bound.word], guards = guards_[bound.word];
      if (((~word & bound.flags) | (~((word | guards) - bound.counters) & guards)) != 0) return false;
    }
    for (const AtMost& bound : most_[row]) {
      const Word word = state[bound.word], guards = guards_[bound.word];
      const Word room = (bound.counters | guards) - (word & bound.values);
      if (((word & bound.flags) | (~room & guards)) != 0) return false;
    }
    return true;
  }

  // REQUIRES: next equals state; it does so again afterwards.
  template <class Emit>
  bool fire_row(std::size_t row, const Word* state, Word* next, Word hash, std::uint32_t& overflowed,
                const Emit& emit) const {
    Word beyond = 0;
    for (const Effect& effect : effects_[row]) {
      const Word before = state[effect.word];
      const Word after = (before & effect.keep) + effect.delta;
      beyond |= (after & guards_[effect.word]) | (before & effect.keep & effect.gained);
      hash ^= hash_word(before, effect.word) ^ hash_word(after, effect.word);
      next[effect.word] = after;
    }
    bool more = false;
    if (beyond != 0) [[unlikely]] {
      overflowed = rows_[row];
    } else {
      more = emit(static_cast<const Word*>(next), hash, rows_[row]);
    }
    for (const Effect& effect : effects_[row]) next[effect.word] = state[effect.word];
    return more;
  }

  template <class Emit>
  bool scan(std::size_t bucket, const Word* state, Word* next, Word hash, std::uint32_t& overflowed,
            const Emit& emit) const {
    for (std::uint32_t r = buckets_.offsets[bucket]; r < buckets_.offsets[bucket + 1]; ++r) {
      if (is_enabled(r, state) && !fire_row(r, state, next, hash, overflowed, emit)) return false;
    }
    return true;
  }

  std::size_t words_;
  Buckets buckets_;
  std::vector<std::uint32_t> rows_;    // the transition of each row
  std::vector<std::uint32_t> row_of_;  // (T,)
  Csr<AtLeast> least_;                 // by row
  Csr<AtMost> most_;
  Csr<Effect> effects_;
  std::vector<Word> guards_;
};

}  // namespace petricore::explore
