// Breadth first on several threads, with the numbers that one thread gives.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "explorer.hpp"
#include "spin_barrier.hpp"

namespace petricore::explore {

// The markings to expand are taken in chunks, and a chunk in batches, which threads fetch one by one:
//
//   1. A thread expands a batch and looks its successors up in the table that all share. One that is not there becomes
//      a *candidate* of the batch, put under a provisional index: store.size + its place among the candidates of the
//      chunk. Where a candidate of a later batch is found, this batch takes its slot over: it becomes its *heir*.
//   2. What is left are the candidates one thread would have found first, and how many there are before each batch is
//      known: they get their numbers, and their markings go where they stay.
//   3. Edges are written, if they are kept.
//
// Between the phases all wait for all. Nine of ten successors are found in phase 1, at the price of one thread; only
// the new ones are touched twice.
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
        threads_(store.threads),
        batches_(kMostBatches),
        candidates_(kMostBatches * kCandidates * successors.words()),
        fates_(kMostBatches * kCandidates),
        runs_(threads_),
        barrier_(threads_) {
    for (std::size_t k = 0; k < threads_; ++k) workers_.emplace_back(k, words_);
  }

  Pause run() {
    std::vector<std::jthread> helpers;
    for (std::size_t k = 1; k < threads_; ++k) {
      helpers.emplace_back([this, k] {
        for (barrier_.arrive_and_wait(); !done_; barrier_.arrive_and_wait()) work(k);
      });
    }
    Pause pause{};
    while (next_chunk(pause)) {
      barrier_.arrive_and_wait();
      work(0);
      if (!finish_chunk(pause)) break;
    }
    done_ = true;
    barrier_.arrive_and_wait();
    helpers.clear();
    if (forgotten_) refill();
    return pause;
  }

 private:
  static constexpr std::size_t kWords = Successors::kWords;
  static constexpr std::size_t kBatch = 256;  // markings, at most
  // Of a batch, at most. Not a power of two: those of many batches would share a few sets of the cache.
  static constexpr std::size_t kCandidates = 4096 + 520;
  static constexpr std::size_t kMostBatches = 64;  // in a chunk
  static constexpr std::uint32_t kNone = IndexTable::kNone;

  // One per batch, on lines of its own.
  struct alignas(128) Batch {
    std::size_t first = 0, last = 0;  // the markings to expand
    std::size_t worker = 0;
    std::uint32_t candidates = 0;               // kCandidates * the batch + 0, 1, ...
    std::atomic<std::uint32_t> superseded = 0;  // how many of them have heirs
    std::uint64_t firings = 0;
    std::vector<std::uint32_t> deadlocks;
    std::size_t overflow_at = kNowhere;  // the marking with a successor that does not fit,
    std::uint32_t overflowed = 0;        // and the transition
    std::vector<std::uint32_t> starts;   // only for edges: the first successor of each marking,
    std::vector<std::uint32_t> targets;  // the index of each, provisional if it is not below store.size,
    std::vector<std::uint32_t> fired;    // and its transition
  };
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

  // A thread's own: successors to look up.
  struct alignas(128) Worker {
    Worker(std::size_t number, std::size_t words) : k(number), buffer(words) {}
    std::size_t k;
    Buffer<kWords> buffer;
  };

  // The batches that a thread takes first.
  struct alignas(128) Run {
    std::atomic<std::size_t> next = 0;
    std::size_t end = 0;
  };

  // A candidate, beside its marking.
  struct Fate {
    std::size_t slot;
    std::uint32_t heir;  // the index that took the slot over, or kNone
    std::uint32_t number;
  };

  // ---- One thread, between chunks.

  // False: `pause` says why to leave.
  bool next_chunk(Pause& pause) {
    if (store_.expanded == store_.size) return leave(pause, SearchEnd::kComplete);
    if (options_.stop && options_.stop(store_.size)) return leave(pause, SearchEnd::kStopped);
    started_ = std::chrono::steady_clock::now();
    base_ = store_.size;
    first_ = {0, base_};
    markings_ = {store_.states.data(), candidates_.data()};
    const std::size_t least = std::min(most_batches_, threads_);
    refilling_ = forgotten_;
    if (store_.table.full(base_ + kMostBatches * kCandidates) || store_.table.room() < least * kCandidates) {
      if (!store_.clear_larger(base_ + kMostBatches * kCandidates)) return go_alone(pause);
      refilling_ = true;
    } else if (forgotten_) {
      store_.table.reset(store_.table.capacity(), 2 * base_ + kMostBatches * kCandidates, store_.table.tight());
    }
    forgotten_ = false;
    const std::size_t taken = refilling_ ? base_ : 0;
    if (refilling_) store_.table.added(base_);
    if (store_.table.full(base_ + kMostBatches * kCandidates) || store_.table.room() < least * kCandidates) {
      forgotten_ = taken > 0;
      return go_alone(pause);
    }
    const std::size_t left = store_.size - store_.expanded;
    const std::size_t each = std::clamp<std::size_t>(left / (4 * threads_), 1, batch_size_);
    batch_count_ = std::min({most_batches_, store_.table.room() / kCandidates, (left + each - 1) / each});
    for (std::size_t b = 0; b < batch_count_; ++b) {
      Batch& batch = batches_[b];
      batch.first = store_.expanded + std::min(left, b * each);
      batch.last = store_.expanded + std::min(left, (b + 1) * each);
      batch.candidates = batch.superseded = 0;
      batch.firings = 0;
      batch.overflow_at = kNowhere;
      for (auto* list : {&batch.deadlocks, &batch.starts, &batch.targets, &batch.fired}) list->clear();
    }
    for (std::size_t k = 0; k < threads_; ++k) {
      runs_[k].next = batch_count_ * k / threads_;
      runs_[k].end = batch_count_ * (k + 1) / threads_;
    }
    overflow_batch_ = kNowhere;
    crowded_ = given_up_ = false;
    return true;
  }

  bool leave(Pause& pause, SearchEnd end) {
    store_.end = end;
    pause = {.ended = true};
    return false;
  }
  bool go_alone(Pause& pause) {
    pause = {.ended = false, .alone = true};
    return false;
  }

  void refill() {
    store_.table.reset(store_.table.capacity(), 2 * store_.size, store_.table.tight());
    store_.fill(0, store_.size);
    store_.table.added(store_.size);
  }

  // Takes the chunk over. False: `pause` says why to leave.
  bool finish_chunk(Pause& pause) {
    forgotten_ = crowded_ || given_up_ || overflowing_;
    if (given_up_ || (crowded_ && batch_size_ == 1)) return go_alone(pause);
    if (crowded_) {
      batch_size_ /= 2;
      return true;
    }
    if (overflowing_) {
      const Batch* batch = overflow();
      pause = {.ended = false, .marking = batch->overflow_at, .overflowed = batch->overflowed};
      return false;
    }
    for (std::size_t b = 0; b < batch_count_; ++b) {
      const Batch& batch = batches_[b];
      store_.firings += batch.firings;
      store_.deadlocks.insert(store_.deadlocks.end(), batch.deadlocks.begin(), batch.deadlocks.end());
    }
    store_.size += news_;
    store_.states.resize(store_.size * words_);
    store_.table.added(news_);
    store_.expanded = batches_[batch_count_ - 1].last;
    if (store_.has_edges) {
      store_.offsets.resize(store_.expanded + 1);
      store_.targets.resize(store_.firings);
      store_.transitions.resize(store_.firings);
    }
    // As many batches as take some milliseconds, so that to stop does not take long.
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    if (seconds > 0.01) most_batches_ = std::max(most_batches_ / 2, threads_);
    if (seconds < 0.004) most_batches_ = std::min(most_batches_ * 2, kMostBatches);
    return true;
  }

  // The batch with the first marking that has a successor that does not fit. All batches before it are whole.
  const Batch* overflow() const {
    for (std::size_t b = 0; b < batch_count_; ++b) {
      if (batches_[b].overflow_at != kNowhere) return &batches_[b];
    }
    return nullptr;
  }

  // ---- All threads.

  void work(std::size_t k) {
    if (refilling_) {
      const std::size_t size = base_;
      store_.fill(size * k / threads_, size * (k + 1) / threads_);
      barrier_.arrive_and_wait();
    }
    try {
      expand(workers_[k]);
    } catch (const std::bad_alloc&) {
      given_up_ = true;
    }
    barrier_.arrive_and_wait();
    if (k == 0) count();
    barrier_.arrive_and_wait();
    if (crowded_ || given_up_ || overflowing_) return;
    for (std::size_t b = 0; b < batch_count_; ++b) {
      if (batches_[b].worker == k) number(b);
    }
    barrier_.arrive_and_wait();
    if (!store_.has_edges || given_up_) return;
    for (std::size_t b = k; b < batch_count_; b += threads_) write_edges(b);
    barrier_.arrive_and_wait();
  }

  // Whether nobody has found a reason to forget the chunk. What is before a successor that does not fit must be whole.
  bool worthwhile() const noexcept { return !crowded_ && !given_up_; }

  // The next batch for thread k: of its own run, or else of another's. Neighbours in the queue have many successors in
  // common, and two threads that find them at the same time wait for each other.
  std::size_t fetch(std::size_t k) noexcept {
    for (std::size_t j = 0; j < threads_; ++j) {
      Run& run = runs_[(k + j) % threads_];
      for (std::size_t b = run.next++; b < run.end; b = run.next++) {
        if (b <= overflow_batch_) return b;
      }
    }
    return batch_count_;
  }

  void expand(Worker& worker) {
    for (std::size_t b = fetch(worker.k); b < batch_count_ && worthwhile(); b = fetch(worker.k)) {
      batches_[b].worker = worker.k;
      expand(b, worker.buffer);
    }
  }

  void expand(std::size_t b, Buffer<kWords>& buffer) {
    Batch& batch = batches_[b];
    for (std::size_t i = batch.first; i < batch.last && worthwhile(); ++i) {
      const std::uint64_t before = batch.firings + buffer.size();
      if (store_.has_edges) batch.starts.push_back(static_cast<std::uint32_t>(before));
      const bool whole =
          successors_(store_.state(i), batch.overflowed, [&](const Word* state, Word hash, std::uint32_t transition) {
            if (buffer.is_full()) look_up(b, buffer);
            buffer.push(state, hash, transition);
            store_.table.prefetch(hash);
            return true;
          });
      if (!whole) {
        batch.overflow_at = i;
        for (std::size_t first = overflow_batch_; b < first && !overflow_batch_.compare_exchange_weak(first, b);) {
        }
        break;
      }
      if (batch.firings + buffer.size() == before) {
        batch.deadlocks.push_back(static_cast<std::uint32_t>(i));
        if (options_.end_at_deadlock) given_up_ = true;
      }
    }
    look_up(b, buffer);
  }

  // Whether an index is provisional cannot be predicted, so nothing branches on it.
  const Word* state_at(std::uint32_t index) const noexcept {
    const std::size_t provisional = index >= base_ ? 1 : 0;
    return markings_[provisional] + (index - first_[provisional]) * (kWords == 0 ? words_ : kWords);
  }

  // Looks up what is in the buffer, and empties it.
  void look_up(std::size_t b, Buffer<kWords>& buffer) {
    Batch& batch = batches_[b];
    const std::size_t size = buffer.size();
    if (store_.has_edges) {
      batch.targets.resize(batch.firings + size);
      batch.fired.resize(batch.firings + size);
    }
    const auto at = [this](std::uint32_t i) { return state_at(i); };
    Guesses<kWords, decltype(at)> guesses(store_.table, buffer, settled_below(b), at);
    for (std::size_t i = 0; i < size; ++i) {
      std::uint32_t index = guesses.next();
      if (!equal_words<kWords>(state_at(index), buffer.state(i), words_)) {
        index = settle(b, buffer.state(i), buffer.hash(i));
        if (index == kNone) break;
      }
      if (store_.has_edges) {
        batch.targets[batch.firings + i] = index;
        batch.fired[batch.firings + i] = buffer.fired(i);
      }
    }
    batch.firings += size;
    buffer.truncate(0);
  }

  // Below it are the indices that batch b takes as they are: not those of candidates of later batches.
  std::uint32_t settled_below(std::size_t b) const noexcept {
    return static_cast<std::uint32_t>(base_ + (b + 1) * kCandidates);
  }

  // The index of a successor of batch b; a candidate if it is new, or known from later batches only. kNone: there is no
  // room for one.
  std::uint32_t settle(std::size_t b, const Word* state, Word hash) noexcept {
    Batch& batch = batches_[b];
    const std::size_t first = b * kCandidates;
    const auto is = [&](std::uint32_t known) { return equal_words<kWords>(state_at(known), state, words_); };
    while (true) {
      const IndexTable::Place place = store_.table.find(hash, is);
      const bool is_new = place.index == kNone;
      if (!is_new && place.index < settled_below(b)) return place.index;
      if (batch.candidates == kCandidates) {
        crowded_ = true;
        return kNone;
      }
      const std::size_t at = first + batch.candidates;
      const auto index = static_cast<std::uint32_t>(base_ + at);
      copy_words<kWords>(state, candidates_.data() + at * words_, words_);
      fates_.data()[at] = {place.slot, kNone, 0};
      if (is_new ? store_.table.try_put(place.slot, hash, index)
                 : store_.table.try_renumber(place.slot, place.index, index)) {
        ++batch.candidates;
        if (!is_new) {
          fates_.data()[place.index - base_].heir = index;
          ++batches_[(place.index - base_) / kCandidates].superseded;
        }
        return index;
      }
    }
  }

  // One thread: what the chunk adds, and whether there is room for it.
  void count() {
    news_ = 0;
    std::uint64_t firings = store_.firings;
    overflowing_ = overflow() != nullptr;
    for (std::size_t b = 0; b < batch_count_; ++b) {
      numbers_from_[b] = base_ + news_;
      edges_from_[b] = firings;
      news_ += batches_[b].candidates - batches_[b].superseded;
      firings += batches_[b].firings;
    }
    const std::size_t size = base_ + news_;
    const std::size_t edge_bytes =
        store_.has_edges ? (firings - store_.firings) * (sizeof(std::uint32_t) + sizeof(std::int32_t)) : 0;
    if (size > store_.max_states || size * words_ > store_.states.capacity() ||
        store_.bytes() + news_ * words_ * sizeof(Word) + edge_bytes >= store_.max_bytes) {
      given_up_ = true;
    }
    if (!store_.has_room_for_edges(batches_[batch_count_ - 1].last, firings)) given_up_ = true;
  }

  void number(std::size_t b) {
    constexpr std::size_t kAhead = 8;
    const std::size_t first = b * kCandidates, last = first + batches_[b].candidates;
    std::size_t next = numbers_from_[b];
    for (std::size_t at = first; at < last; ++at) {
      if (at + kAhead < last) store_.table.prefetch_slot(fates_.data()[at + kAhead].slot);
      Fate& fate = fates_.data()[at];
      if (fate.heir != kNone) continue;
      const Word* state = candidates_.data() + at * words_;
      copy_words<kWords>(state, store_.states.data() + next * words_, words_);
      fate.number = static_cast<std::uint32_t>(next++);
      store_.table.renumber(fate.slot, fate.number);
      if (options_.goal != nullptr && holds(*options_.goal, store_.layout, state)) given_up_ = true;
    }
  }

  void write_edges(std::size_t b) {
    const Batch& batch = batches_[b];
    const std::size_t from = edges_from_[b];
    for (std::size_t i = 0; i < batch.firings; ++i) {
      std::uint32_t index = batch.targets[i];
      if (index >= base_) {
        const Fate* end = fates_.data() + (index - base_);
        while (end->heir != kNone) end = fates_.data() + (end->heir - base_);
        index = end->number;
      }
      store_.targets.data()[from + i] = index;
      store_.transitions.data()[from + i] = static_cast<std::int32_t>(batch.fired[i]);
    }
    for (std::size_t i = batch.first; i < batch.last; ++i) {
      const std::size_t end = i + 1 < batch.last ? batch.starts[i + 1 - batch.first] : batch.firings;
      store_.offsets.data()[i + 1] = static_cast<std::int64_t>(from + end);
    }
  }

  Store& store_;
  const Successors& successors_;
  const SearchOptions& options_;
  std::size_t words_, threads_;
  std::vector<Batch> batches_;
  std::vector<Worker> workers_;    // by thread
  GrowingArray<Word> candidates_;  // their markings; few of them are ever touched
  GrowingArray<Fate> fates_;
  std::vector<Run> runs_;  // by thread
  SpinBarrier barrier_;

  // Written by one thread while the others wait.
  std::chrono::steady_clock::time_point started_;
  std::size_t base_ = 0;  // store.size when the chunk began
  // For the indices of markings, and for provisional ones: the first of them, and where its marking lies.
  std::array<std::size_t, 2> first_{};
  std::array<const Word*, 2> markings_{};
  std::size_t batch_count_ = 0, batch_size_ = kBatch, most_batches_ = kMostBatches;
  std::size_t news_ = 0;
  std::array<std::size_t, kMostBatches> numbers_from_{};
  std::array<std::uint64_t, kMostBatches> edges_from_{};
  bool refilling_ = false;  // the table is empty: to be filled before the chunk
  bool forgotten_ = false;  // the table holds candidates of a chunk that was given up
  bool overflowing_ = false;
  bool done_ = false;

  // Written by any thread in a phase, read after it (or earlier, to save work).
  std::atomic<std::size_t> overflow_batch_ = kNowhere;  // the first one known to have a successor that does not fit
  std::atomic<bool> crowded_ = false;                   // a batch has too many candidates
  std::atomic<bool> given_up_ = false;                  // what comes next is for one thread
};

}  // namespace petricore::explore
