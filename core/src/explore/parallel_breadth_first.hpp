// Breadth first on several threads, with the numbers that one thread gives.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <thread>
#include <vector>

#include "explorer.hpp"
#include "spin_barrier.hpp"

namespace petricore::explore {

// The markings to expand are taken in chunks, and a chunk in one slice for each of n threads:
//
//   1. Thread k expands slice k and files each successor under the shard of its hash.
//   2. Thread s looks up all successors of shard s, slice by slice, so in the order in which one thread would. What is
//      new goes into its table under a provisional index: store.size + the position of the successor in the chunk.
//   3. Thread k goes through slice k and gives what is new its number: how many new ones there are before is known now.
//   4. Thread k writes the edges of slice k, if they are kept.
//
// Between the phases (and one that makes room in the tables) all wait for all. In each phase every datum is written by
// one thread only; what they decide between phases each of them computes from the same data, so nobody has to tell.
//
// Where the search ends (a limit, a goal, a deadlock looked for), exactness matters more than speed: the chunk is
// forgotten, and one thread goes on alone.
template <class Successors>
class ParallelBreadthFirst {
 public:
  ParallelBreadthFirst(Store& store, const Successors& successors, const SearchOptions& options)
      : store_(store),
        successors_(successors),
        options_(options),
        words_(successors.words()),
        threads_(store.tables.size()),
        slices_(threads_),
        barrier_(threads_) {
    for (Slice& slice : slices_) {
      for (auto* lists : {&slice.filed, &slice.looked_up, &slice.slots}) lists->resize(threads_);
      slice.counts.resize(threads_);
      slice.news.resize(threads_);
    }
  }

  Pause run() {
    std::vector<std::jthread> helpers;
    for (std::size_t k = 1; k < threads_; ++k) {
      helpers.emplace_back([this, k] {
        for (barrier_.arrive_and_wait(); !done_; barrier_.arrive_and_wait()) work(k);
      });
    }
    Pause pause{};
    while (true) {
      if (store_.expanded == store_.size) {
        store_.end = SearchEnd::kComplete;
        pause = {.ended = true};
        break;
      }
      if (options_.stop && options_.stop(store_.size)) {
        store_.end = SearchEnd::kStopped;
        pause = {.ended = true};
        break;
      }
      start_chunk();
      barrier_.arrive_and_wait();
      work(0);
      if (std::ranges::any_of(given_up_, [](const auto& flag) { return flag.load(); })) {
        pause = {.ended = false, .alone = true};
        break;
      }
      if (finish_chunk(pause)) break;
    }
    done_ = true;
    barrier_.arrive_and_wait();
    return pause;
  }

 private:
  static constexpr std::size_t kWords = Successors::kWords;
  static constexpr std::size_t kTarget = std::size_t{1} << 14;  // successors in a slice: they stay in the cache
  static constexpr std::size_t kNoMarking = std::numeric_limits<std::size_t>::max();

  // A slice, and its successors by position.
  struct Slice {
    std::size_t first = 0, last = 0;  // the markings to expand
    std::size_t size = 0;             // successors
    std::vector<Word> states, hashes;
    std::vector<std::uint32_t> fired;
    std::vector<std::uint32_t> found;    // the index, provisional if it is not below store.size
    std::vector<std::uint32_t> numbers;  // of a new one
    // By shard, in the order filed: apart, so that two threads never write to one cache line. What was looked up, and
    // the slots of what is new.
    std::vector<std::vector<std::uint32_t>> filed, looked_up, slots;
    std::vector<std::size_t> counts;    // by shard: how many are filed
    std::vector<std::size_t> news;      // by shard: how many are new
    std::vector<std::uint32_t> starts;  // the first successor of each marking, and their number at the end
    std::vector<std::uint32_t> deadlocks;
    std::size_t overflow_at = kNoMarking;  // the first marking with a successor that does not fit,
    std::uint32_t overflowed = 0;          // and the transition

    void reserve(std::size_t capacity, std::size_t words) {
      states.resize(capacity * words);
      for (auto* column : {&fired, &found, &numbers}) column->resize(capacity);
      for (auto* lists : {&filed, &looked_up, &slots}) {
        for (auto& list : *lists) list.resize(capacity);
      }
      hashes.resize(capacity);
    }
  };

  void start_chunk() {
    spare_bytes_ = store_.spare_bytes();
    const std::size_t left = store_.size - store_.expanded;
    const std::size_t each = std::min(slice_size_, (left + threads_ - 1) / threads_);
    for (std::size_t k = 0; k < threads_; ++k) {
      slices_[k].first = std::min(store_.size, store_.expanded + k * each);
      slices_[k].last = std::min(store_.size, slices_[k].first + each);
    }
  }

  // The phases, as thread k. Each ends for all when one of them gives up in it.
  void work(std::size_t k) {
    run_phase(0, [&] { expand(slices_[k]); }) && run_phase(1, [&] { make_room(k); }) &&
        run_phase(2, [&] { look_up(k); }) && run_phase(3, [&] { number(k); }) && run_phase(4, [&] { write_edges(k); });
  }

  template <class Phase>
  bool run_phase(std::size_t i, const Phase& phase) noexcept {
    try {
      phase();
    } catch (const std::bad_alloc&) {
      given_up_[i] = true;
    }
    barrier_.arrive_and_wait();
    return !given_up_[i];  // nobody is in this phase any more
  }

  void expand(Slice& slice) {
    slice.size = 0;
    slice.starts.clear();
    slice.deadlocks.clear();
    std::ranges::fill(slice.counts, 0);
    slice.overflow_at = kNoMarking;
    for (std::size_t i = slice.first; i < slice.last; ++i) {
      const std::size_t before = slice.size;
      slice.starts.push_back(static_cast<std::uint32_t>(before));
      const bool whole =
          successors_(store_.state(i), slice.overflowed, [&](const Word* state, Word hash, std::uint32_t transition) {
            const std::size_t words = kWords == 0 ? words_ : kWords;
            if (slice.size == slice.hashes.size()) [[unlikely]]
              slice.reserve(2 * slice.size + kTarget, words);
            const std::size_t position = slice.size++;
            for (std::size_t w = 0; w < words; ++w) slice.states[position * words + w] = state[w];
            slice.hashes[position] = hash;
            slice.fired[position] = transition;
            const std::size_t shard = store_.shard(hash).table;
            slice.filed[shard][slice.counts[shard]++] = static_cast<std::uint32_t>(position);
            return true;
          });
      if (!whole) {
        slice.overflow_at = i;
        break;
      }
      if (slice.size == before) slice.deadlocks.push_back(static_cast<std::uint32_t>(i));
    }
    slice.starts.push_back(static_cast<std::uint32_t>(slice.size));
    if (options_.end_at_deadlock && !slice.deadlocks.empty()) given_up_[0] = true;
  }

  // The first marking that is not expanded in this chunk: the one that overflowed, or the end.
  std::size_t cut() const {
    std::size_t cut = slices_.back().last;
    for (const Slice& slice : slices_) cut = std::min(cut, slice.overflow_at);
    return cut;
  }
  // How many successors of a slice count.
  std::size_t entries(const Slice& slice, std::size_t cut) const {
    const std::size_t markings = std::min(cut, slice.last) - std::min(cut, slice.first);
    return slice.starts[std::min(markings, slice.starts.size() - 1)];
  }

  // Where slices begin, in positions of the chunk; and how many there are in all.
  std::vector<std::size_t> bases() const {
    std::vector<std::size_t> bases(1, 0);
    const std::size_t cut = this->cut();
    for (const Slice& slice : slices_) bases.push_back(bases.back() + entries(slice, cut));
    return bases;
  }

  // Makes room for all successors, as if all were new. To find out what exactly does not fit is left to one thread.
  void make_room(std::size_t shard) {
    const std::size_t beyond = store_.size + bases().back();
    std::size_t mine = 0;
    for (const Slice& slice : slices_) mine += slice.counts[shard];
    IndexTable& table = store_.tables[shard];
    bool room = beyond <= store_.max_states && (beyond + 1) * words_ <= store_.states.capacity() && spare_bytes_ > 0;
    while (room && (table.full(beyond) || table.room() < mine)) {
      const std::size_t before = table.capacity();
      room = store_.grow(shard, beyond, spare_bytes_) && table.capacity() > before;
    }
    if (!room) given_up_[1] = true;
  }

  void look_up(std::size_t shard) {
    constexpr std::size_t kAhead = 16;
    const std::vector<std::size_t> bases = this->bases();
    IndexTable& table = store_.tables[shard];
    const auto state_at = [&](std::size_t index) -> const Word* {
      if (index < store_.size) return store_.states.data() + index * words_;
      const std::size_t position = index - store_.size;
      std::size_t k = 0;
      while (position >= bases[k + 1]) ++k;
      return slices_[k].states.data() + (position - bases[k]) * words_;
    };
    for (std::size_t k = 0; k < threads_; ++k) {
      Slice& slice = slices_[k];
      const std::size_t count = bases[k + 1] - bases[k];
      const std::uint32_t* filed = slice.filed[shard].data();
      std::uint32_t* looked_up = slice.looked_up[shard].data();
      const std::size_t last = slice.counts[shard];
      const auto hash_of = [&](std::size_t i) { return store_.shard(slice.hashes[filed[i]]).hash; };
      std::size_t news = 0;
      std::array<std::uint32_t, kAhead> guesses = {};
      for (std::size_t i = 0; i < std::min(last, 2 * kAhead); ++i) table.prefetch(hash_of(i));
      for (std::size_t i = 0; i < last && filed[i] < count; ++i) {
        if (i + 2 * kAhead < last) table.prefetch(hash_of(i + 2 * kAhead));
        const std::uint32_t guess = guesses[i % kAhead];
        if (i + kAhead < last) {
          const std::uint32_t likely = table.likely(hash_of(i + kAhead));
          guesses[i % kAhead] = likely < store_.size ? likely : 0;
          __builtin_prefetch(store_.states.data() + std::size_t{guesses[i % kAhead]} * words_);
        }
        const std::uint32_t position = filed[i];
        const Word* state = slice.states.data() + position * words_;
        if (equal_words<kWords>(store_.states.data() + std::size_t{guess} * words_, state, words_)) {
          looked_up[i] = guess;
          continue;
        }
        const Word hash = hash_of(i);
        const IndexTable::Place place =
            table.find(hash, [&](std::uint32_t index) { return equal_words<kWords>(state_at(index), state, words_); });
        looked_up[i] = place.index;
        if (place.index != IndexTable::kNone) continue;
        looked_up[i] = static_cast<std::uint32_t>(store_.size + bases[k] + position);
        table.put(place.slot, hash, looked_up[i]);
        slice.slots[shard][i] = static_cast<std::uint32_t>(place.slot);
        ++news;
      }
      slice.news[shard] = news;
    }
  }

  void number(std::size_t k) {
    const std::vector<std::size_t> bases = this->bases();
    const std::size_t base = store_.size + bases[k], count = bases[k + 1] - bases[k];
    std::size_t next = store_.size;
    for (std::size_t j = 0; j < k; ++j) {
      for (const std::size_t news : slices_[j].news) next += news;
    }
    Slice& slice = slices_[k];
    std::vector<std::size_t> next_filed(threads_, 0);
    for (std::size_t position = 0; position < count; ++position) {
      const std::size_t shard = store_.shard(slice.hashes[position]).table;
      const std::size_t at = next_filed[shard]++;
      slice.found[position] = slice.looked_up[shard][at];
      if (slice.found[position] != base + position) continue;
      const Word* state = slice.states.data() + position * words_;
      std::copy_n(state, words_, store_.states.data() + next * words_);
      const auto number = static_cast<std::uint32_t>(next);
      store_.tables[shard].renumber(slice.slots[shard][at], number);
      slice.numbers[position] = number;
      if (options_.goal != nullptr && holds(*options_.goal, store_.layout, state)) given_up_[3] = true;
      ++next;
    }
  }

  void write_edges(std::size_t k) {
    if (!store_.has_edges) return;
    const std::vector<std::size_t> bases = this->bases();
    const std::size_t at = store_.firings + bases[k], cut = this->cut();
    const Slice& slice = slices_[k];
    const std::size_t count = bases[k + 1] - bases[k];
    for (std::size_t position = 0; position < count; ++position) {
      std::uint32_t index = slice.found[position];
      if (index >= store_.size) {
        const std::size_t position_of_new = index - store_.size;
        std::size_t owner = 0;
        while (position_of_new >= bases[owner + 1]) ++owner;
        index = slices_[owner].numbers[position_of_new - bases[owner]];
      }
      store_.targets.data()[at + position] = index;
      store_.transitions.data()[at + position] = static_cast<std::int32_t>(slice.fired[position]);
    }
    const std::size_t markings = std::min(cut, slice.last) - std::min(cut, slice.first);
    for (std::size_t i = 1; i <= markings; ++i) {
      store_.offsets.data()[slice.first + i] = static_cast<std::int64_t>(at + slice.starts[i]);
    }
  }

  // Takes the chunk over. True: `pause` says why to leave.
  bool finish_chunk(Pause& pause) {
    const std::size_t cut = this->cut();
    std::size_t successors = 0, news = 0;
    for (const Slice& slice : slices_) {
      successors += entries(slice, cut);
      for (const std::size_t count : slice.news) news += count;
      for (const std::uint32_t i : slice.deadlocks) {
        if (i < cut) store_.deadlocks.push_back(i);
      }
    }
    const std::size_t markings = cut - store_.expanded;
    store_.firings += successors;
    store_.size += news;
    store_.expanded = cut;
    if (store_.has_edges) {
      store_.offsets.resize(cut + 1);
      store_.targets.resize(store_.firings);
      store_.transitions.resize(store_.firings);
    }
    slice_size_ = std::clamp<std::size_t>(kTarget * (markings + 1) / (successors + 1), 16, kTarget);
    for (const Slice& slice : slices_) {
      if (slice.overflow_at == cut) {
        pause = {.ended = false, .marking = cut, .overflowed = slice.overflowed};
        return true;
      }
    }
    return false;
  }

  Store& store_;
  const Successors& successors_;
  const SearchOptions& options_;
  std::size_t words_, threads_, slice_size_ = 256;
  std::size_t spare_bytes_ = 0;  // when the chunk began
  std::vector<Slice> slices_;
  SpinBarrier barrier_;
  std::array<std::atomic<bool>, 5> given_up_ = {};  // by phase
  bool done_ = false;                               // written between barriers
};

}  // namespace petricore::explore
