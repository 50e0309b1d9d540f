// The search loops, over any way to compute successors.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "petricore/state_space.hpp"
#include "store.hpp"

namespace petricore::explore {

// What a loop ended with, beside the ends of a search: a successor did not fit, so the layout has to be widened first.
struct Pause {
  bool ended;                    // store.end says why
  std::size_t marking = 0;       // else: the marking
  std::uint32_t overflowed = 0;  // and the transition whose successor does not fit; or
  bool together = false;         // there is enough to do for several threads; or
  bool alone = false;            // what comes next is for one thread
};

// Whether a predicate holds in a packed marking: only the places it looks at are unpacked.
inline bool holds(const Predicate& predicate, const Layout& layout, const Word* packed) noexcept {
  const std::span<const Predicate::Atom> atoms = predicate.atoms();
  std::size_t at = 0;
  while (at < atoms.size()) {
    std::int64_t sum = 0;
    for (const Predicate::Term& term : predicate.terms(at)) sum += term.weight * layout.count(packed, term.place);
    at = sum <= atoms[at].constant ? atoms[at].on_true : atoms[at].on_false;
  }
  return at == atoms.size();
}

template <std::size_t W>
void copy_words(const Word* from, Word* to, std::size_t words) noexcept {
  for (std::size_t i = 0; i < (W == 0 ? words : W); ++i) to[i] = from[i];
}

// Successors computed and not yet looked up. Tables of markings and their slots are fetched while more are computed.
// Aligned so that the buffers of two threads share no line (nor a pair of lines, which are fetched together).
template <std::size_t W>
class alignas(128) Buffer {
 public:
  static constexpr std::size_t kCapacity = std::size_t{1} << 12;

  explicit Buffer(std::size_t words)
      : words_(words), states_(kCapacity * words), hashes_(kCapacity), fired_(kCapacity) {}

  bool is_full() const noexcept { return size_ == kCapacity; }
  std::size_t size() const noexcept { return size_; }
  void truncate(std::size_t size) noexcept { size_ = size; }

  void push(const Word* state, Word hash, std::uint32_t transition) noexcept {
    copy_words<W>(state, states_.data() + size_ * (W == 0 ? words_ : W), words_);
    hashes_[size_] = hash;
    fired_[size_] = transition;
    ++size_;
  }
  const Word* state(std::size_t i) const noexcept { return states_.data() + i * (W == 0 ? words_ : W); }
  Word hash(std::size_t i) const noexcept { return hashes_[i]; }
  std::uint32_t fired(std::size_t i) const noexcept { return fired_[i]; }

 private:
  std::size_t words_, size_ = 0;
  std::vector<Word> states_, hashes_;
  std::vector<std::uint32_t> fired_;
};

template <std::size_t W>
bool equal_words(const Word* a, const Word* b, std::size_t words) noexcept {
  if constexpr (W == 0) {
    return std::memcmp(a, b, words * sizeof(Word)) == 0;
  } else {
    Word difference = 0;
    for (std::size_t i = 0; i < W; ++i) difference |= a[i] ^ b[i];
    return difference == 0;
  }
}

// Which markings the entries of a buffer most likely are, each some entries before it is compared, so that its words
// are there then. A guess is below `end`: 0 where the table has none.
template <std::size_t W, class StateAt>
class Guesses {
 public:
  Guesses(const IndexTable& table, const Buffer<W>& buffer, std::uint32_t end, const StateAt& state_at)
      : table_(table), buffer_(buffer), end_(end), state_at_(state_at) {
    for (std::size_t i = 0; i < std::min(buffer.size(), kAhead); ++i) guess(i);
  }

  // The guess of entry 0, 1, ...
  std::uint32_t next() noexcept {
    const std::size_t i = next_++;
    const std::uint32_t index = guesses_[i % kAhead];
    if (i + kAhead < buffer_.size()) guess(i + kAhead);
    return index;
  }

 private:
  static constexpr std::size_t kAhead = 16;

  void guess(std::size_t i) noexcept {
    const std::uint32_t index = table_.likely(buffer_.hash(i));
    guesses_[i % kAhead] = index < end_ ? index : 0;
    __builtin_prefetch(state_at_(guesses_[i % kAhead]));
  }

  const IndexTable& table_;
  const Buffer<W>& buffer_;
  std::uint32_t end_;
  const StateAt& state_at_;
  std::size_t next_ = 0;
  std::array<std::uint32_t, kAhead> guesses_;
};

// What the loops of one thread share: looking up and adding markings.
template <class Successors>
class Loop {
 public:
  static constexpr std::size_t kWords = Successors::kWords;

  Loop(Store& store, const Successors& successors, const SearchOptions& options)
      : buffer_(successors.words()),
        store_(store),
        successors_(successors),
        options_(options),
        words_(successors.words()) {}

 protected:
  static constexpr std::uint64_t kPollEvery = std::uint64_t{1} << 18;  // words looked at, or so: about a millisecond

  Pause end(SearchEnd reason) {
    store_.end = reason;
    return {true};
  }

  // Asks from time to time whether to go on. False: the search has ended.
  bool go_on(std::uint64_t work) {
    work_ += work;
    if (work_ < kPollEvery) return true;
    work_ = 0;
    if (!options_.stop || !options_.stop(store_.size)) return true;
    store_.end = SearchEnd::kStopped;
    return false;
  }

  // Looks up what is in the buffer and adds what is new, in order: found(i, index, whether it is new) for each entry i.
  // False: the search has ended at entry `ended_at_`.
  template <class Found>
  bool look_up_all(const Found& found) {
    const auto at = [this](std::size_t i) { return state_at(i); };
    Guesses<kWords, decltype(at)> guesses(store_.table, buffer_, IndexTable::kNone, at);
    for (std::size_t i = 0; i < buffer_.size(); ++i) {
      const Word* state = buffer_.state(i);
      const auto is = [&](std::uint32_t known) { return equal_words<kWords>(state_at(known), state, words_); };
      const std::uint32_t guess = guesses.next();
      if (is(guess)) {
        found(i, guess, false);
        continue;
      }
      IndexTable::Place place = store_.table.find(buffer_.hash(i), is);
      const bool is_new = place.index == IndexTable::kNone;
      if (is_new && !add(buffer_.hash(i), state, place)) {
        ended_at_ = i;
        return false;
      }
      found(i, place.index, is_new);
    }
    return true;
  }

  const Word* state_at(std::size_t i) const noexcept {
    return store_.states.data() + i * (kWords == 0 ? words_ : kWords);
  }

  // Adds a marking that is not there. False: the search has ended, since there is no room or it is the goal.
  bool add(Word hash, const Word* state, IndexTable::Place& place) {
    IndexTable& table = store_.table;
    const std::size_t index = store_.size;
    if (index >= store_.max_states || (index + 1) * words_ > store_.states.capacity()) {
      store_.end = index >= store_.max_states ? SearchEnd::kStateLimit : SearchEnd::kMemoryLimit;
      return false;
    }
    if (table.full(index)) {
      if (!store_.grow(index)) {
        store_.end = SearchEnd::kMemoryLimit;
        return false;
      }
      place = table.find(hash, [](std::uint32_t) { return false; });
    }
    copy_words<kWords>(state, store_.states.data() + index * words_, words_);
    table.put(place.slot, hash, static_cast<std::uint32_t>(index));
    place.index = static_cast<std::uint32_t>(index);
    store_.size = index + 1;
    if (options_.goal != nullptr && holds(*options_.goal, store_.layout, state)) {
      store_.end = SearchEnd::kGoal;
      store_.found = place.index;
      return false;
    }
    return true;
  }

  Buffer<kWords> buffer_;
  Store& store_;
  const Successors& successors_;
  const SearchOptions& options_;
  std::size_t words_;
  std::size_t ended_at_ = 0;  // where look_up_all() did
  std::uint64_t work_ = 0;
};

// One thread, breadth first: batches of markings are expanded into a buffer, then the buffer is looked up.
//
// Invariants between batches: markings below store.expanded have all their successors in the store, and their edges and
// firings are counted; the buffer is empty.
template <class Successors>
class BreadthFirst : Loop<Successors> {
  using Base = Loop<Successors>;
  using Base::buffer_, Base::options_, Base::store_, Base::successors_, Base::words_;

 public:
  using Base::Base;

  // `cost`: words looked at to expand one marking, roughly.
  Pause run(std::uint64_t cost) {
    while (store_.expanded < store_.size) {
      std::uint32_t overflowed = 0;
      const std::uint64_t firings = store_.firings;
      const std::size_t expanded = store_.expanded;
      const Step step = expand_batch(overflowed);
      if (step == Step::kEnded) return {true};
      if (step == Step::kOverflow) return {false, store_.expanded, overflowed};
      if (!this->go_on((store_.expanded - expanded) * cost + (store_.firings - firings) * words_)) return {true};
      if (store_.threads > 1 && store_.size - store_.expanded >= options_.parallel_from) {
        return {.ended = false, .together = true};
      }
    }
    return this->end(SearchEnd::kComplete);
  }

 private:
  static constexpr std::size_t kBatch = 256;

  enum class Step : std::uint8_t { kDone, kEnded, kOverflow };

  Step expand_batch(std::uint32_t& overflowed) {
    const std::size_t first = store_.expanded;
    const std::size_t last = std::min(store_.size, first + kBatch);
    starts_.clear();
    for (std::size_t i = first; i < last; ++i) {
      starts_.push_back(store_.firings + buffer_.size());
      bool ended = false;
      const bool whole = successors_(store_.state(i), overflowed, [&](const Word* state, Word hash, std::uint32_t t) {
        if (buffer_.is_full() && !flush(i)) {
          ended = true;
          return false;
        }
        buffer_.push(state, hash, t);
        store_.table.prefetch(hash);
        return true;
      });
      if (ended) return Step::kEnded;
      if (!whole) {
        // What it has put already is found again when it is expanded anew.
        if (!flush(i)) return Step::kEnded;
        finish(i);
        return Step::kOverflow;
      }
      if (store_.firings + buffer_.size() == starts_.back()) {
        store_.deadlocks.push_back(static_cast<std::uint32_t>(i));
        if (options_.end_at_deadlock) {
          if (!flush(i)) return Step::kEnded;
          finish(i + 1);
          store_.end = SearchEnd::kGoal;
          store_.found = static_cast<std::uint32_t>(i);
          return Step::kEnded;
        }
      }
    }
    if (!flush(last - 1)) return Step::kEnded;
    finish(last);
    return Step::kDone;
  }

  // Looks up what is in the buffer, the last of it from marking `source`. False: the search has ended.
  bool flush(std::size_t source) {
    if (!store_.has_room() || !store_.has_room_for_edges(source + 1, store_.firings + buffer_.size())) {
      store_.end = SearchEnd::kMemoryLimit;
      cut(source, 0);
      return false;
    }
    const std::uint64_t first = store_.firings;
    if (store_.has_edges) {
      store_.targets.resize(first + buffer_.size());
      store_.transitions.resize(first + buffer_.size());
    }
    const auto found = [&](std::size_t i, std::uint32_t index, bool) {
      if (!store_.has_edges) return;
      store_.targets.data()[first + i] = index;
      store_.transitions.data()[first + i] = static_cast<std::int32_t>(buffer_.fired(i));
    };
    if (!this->look_up_all(found)) {
      cut(source, this->ended_at_);
      return false;
    }
    store_.firings += buffer_.size();
    buffer_.truncate(0);
    return true;
  }

  // The search ends at position `i` of the buffer: expanded are the markings before the one that put it there.
  void cut(std::size_t source, std::size_t i) {
    const auto after = std::ranges::upper_bound(starts_, store_.firings + i);
    const std::size_t owner = store_.expanded + static_cast<std::size_t>(after - starts_.begin()) - 1;
    buffer_.truncate(0);
    finish(std::min(owner, source));
  }

  // Declares the markings before `expanded` expanded, and forgets what was counted of those beyond.
  void finish(std::size_t expanded) {
    const std::size_t first = store_.expanded;
    if (expanded - first < starts_.size()) store_.firings = starts_[expanded - first];
    if (store_.has_edges) {
      for (std::size_t i = first + 1; i < expanded; ++i) {
        store_.offsets.push_back(static_cast<std::int64_t>(starts_[i - first]));
      }
      if (expanded > first) store_.offsets.push_back(static_cast<std::int64_t>(store_.firings));
      store_.targets.resize(store_.firings);
      store_.transitions.resize(store_.firings);
    }
    while (!store_.deadlocks.empty() && store_.deadlocks.back() >= expanded) store_.deadlocks.pop_back();
    store_.expanded = expanded;
  }

  std::vector<std::uint64_t> starts_;  // firings before each marking of the batch
};

// One thread, depth first: the marking found last is expanded next.
template <class Successors>
class DepthFirst : Loop<Successors> {
  using Base = Loop<Successors>;
  using Base::buffer_, Base::options_, Base::store_, Base::successors_, Base::words_;

 public:
  using Base::Base;

  Pause run(std::uint64_t cost) {
    while (!store_.stack.empty()) {
      const std::uint32_t i = store_.stack.back();
      std::uint32_t overflowed = 0;
      std::uint64_t firings = 0;
      const std::size_t stacked = store_.stack.size();
      bool ended = false;
      const bool whole = successors_(store_.state(i), overflowed, [&](const Word* state, Word hash, std::uint32_t t) {
        if (buffer_.is_full() && !flush()) {
          ended = true;
          return false;
        }
        buffer_.push(state, hash, t);
        ++firings;
        return true;
      });
      if (ended || !flush()) return {true};
      if (!whole) return {false, i, overflowed};
      store_.stack.erase(store_.stack.begin() + static_cast<std::ptrdiff_t>(stacked) - 1);
      store_.firings += firings;
      ++store_.expanded;
      if (firings == 0) {
        store_.deadlocks.push_back(i);
        if (options_.end_at_deadlock) {
          store_.found = i;
          return this->end(SearchEnd::kGoal);
        }
      }
      if (!this->go_on(cost + firings * words_)) return {true};
    }
    return this->end(SearchEnd::kComplete);
  }

 private:
  bool flush() {
    if (!store_.has_room()) {
      store_.end = SearchEnd::kMemoryLimit;
      return false;
    }
    const auto found = [this](std::size_t, std::uint32_t index, bool is_new) {
      if (is_new) store_.stack.push_back(index);
    };
    if (!this->look_up_all(found)) return false;
    buffer_.truncate(0);
    return true;
  }
};

}  // namespace petricore::explore
