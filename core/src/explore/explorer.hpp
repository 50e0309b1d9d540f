// The search loops, over any way to compute successors.
#pragma once

#include <algorithm>
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

// Successors computed and not yet looked up. Tables of markings and their slots are fetched while more are computed.
template <std::size_t W>
class Buffer {
 public:
  static constexpr std::size_t kCapacity = std::size_t{1} << 12;

  explicit Buffer(std::size_t words)
      : words_(words), states_(kCapacity * words), hashes_(kCapacity), fired_(kCapacity) {}

  bool is_full() const noexcept { return size_ == kCapacity; }
  std::size_t size() const noexcept { return size_; }
  void truncate(std::size_t size) noexcept { size_ = size; }

  void push(const Word* state, Word hash, std::uint32_t transition) noexcept {
    const std::size_t words = W == 0 ? words_ : W;
    Word* to = states_.data() + size_ * words;
    for (std::size_t i = 0; i < words; ++i) to[i] = state[i];
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

// What the loops of one thread share: looking up and adding markings.
template <class Successors>
class Loop {
 public:
  static constexpr std::size_t kWords = Successors::kWords;

  Loop(Store& store, const Successors& successors, const SearchOptions& options)
      : store_(store), successors_(successors), options_(options), words_(successors.words()), buffer_(words_) {}

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

  // Which marking entry i of the buffer most likely is, well before it is looked up, so that its words are there then.
  void guess(std::size_t i) noexcept {
    const std::uint32_t index = store_.tables[0].likely(buffer_.hash(i));
    guesses_[i] = index == IndexTable::kNone ? 0 : index;
    __builtin_prefetch(store_.states.data() + std::size_t{guesses_[i]} * words_);
  }

  // REQUIRES: guess(i) was called.
  IndexTable::Place look_up(std::size_t i) const noexcept {
    const Word* state = buffer_.state(i);
    const auto is = [&](std::uint32_t known) {
      return equal_words<kWords>(store_.states.data() + std::size_t{known} * words_, state, words_);
    };
    if (is(guesses_[i])) return {guesses_[i], 0};
    return store_.tables[0].find(buffer_.hash(i), is);
  }

  // Adds a marking that is not there. False: the search has ended, since there is no room or it is the goal.
  bool add(Word hash, const Word* state, IndexTable::Place& place) {
    IndexTable& table = store_.tables[0];
    const std::size_t index = store_.size;
    if (index >= store_.max_states || (index + 1) * words_ > store_.states.capacity()) {
      store_.end = index >= store_.max_states ? SearchEnd::kStateLimit : SearchEnd::kMemoryLimit;
      return false;
    }
    if (table.full(index)) {
      if (!store_.grow(0, index, store_.spare_bytes())) {
        store_.end = SearchEnd::kMemoryLimit;
        return false;
      }
      place = table.find(hash, [](std::uint32_t) { return false; });
    }
    Word* to = store_.states.data() + index * words_;
    for (std::size_t k = 0; k < words_; ++k) to[k] = state[k];
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

  Store& store_;
  const Successors& successors_;
  const SearchOptions& options_;
  std::size_t words_;
  Buffer<kWords> buffer_;
  std::vector<std::uint32_t> guesses_ = std::vector<std::uint32_t>(Buffer<kWords>::kCapacity);
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
      if (store_.threads > 1 && store_.size - store_.expanded >= options_.parallel_from)
        return {.ended = false, .together = true};
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
        store_.tables[0].prefetch(hash);
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
    constexpr std::size_t kAhead = 16;
    if (!store_.has_room()) {
      store_.end = SearchEnd::kMemoryLimit;
      cut(source, 0);
      return false;
    }
    const std::size_t size = buffer_.size();
    for (std::size_t i = 0; i < std::min(size, kAhead); ++i) this->guess(i);
    for (std::size_t i = 0; i < size; ++i) {
      if (i + kAhead < size) this->guess(i + kAhead);
      IndexTable::Place place = this->look_up(i);
      if (place.index == IndexTable::kNone && !this->add(buffer_.hash(i), buffer_.state(i), place)) {
        cut(source, i);
        return false;
      }
      if (store_.has_edges) {
        store_.targets.push_back(place.index);
        store_.transitions.push_back(static_cast<std::int32_t>(buffer_.fired(i)));
      }
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
    for (std::size_t k = 0; k < buffer_.size(); ++k) {
      this->guess(k);
      IndexTable::Place place = this->look_up(k);
      if (place.index != IndexTable::kNone) continue;
      if (!this->add(buffer_.hash(k), buffer_.state(k), place)) return false;
      store_.stack.push_back(place.index);
    }
    buffer_.truncate(0);
    return true;
  }
};

}  // namespace petricore::explore
