// From the hash of a marking to its index.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

// ThreadSanitizer follows atomic loads only, not those of four entries at once.
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#define PETRICORE_COMPARE_BY_FOUR 1
#include <emmintrin.h>
#endif

#include "layout.hpp"
#include "region.hpp"

namespace petricore::explore {

// Buckets of 16 entries, one cache line, in use from the front; what finds its bucket full goes to the next. The low
// bits of an entry are 1 + the index, the rest is a tag of the hash, so that the marking itself is looked at almost
// only where it is the right one. All 16 are compared at once, without a branch for each: mispredictions, not misses,
// are what a probe costs otherwise. Buckets are proportional to the hash (Lemire 2019, 10.1145/3230636), so any number
// will do.
//
// The table holds nothing that the array of markings does not: it grows by forgetting everything and putting all in
// again, so old and new are never there together.
//
// Several threads may call find(), likely(), try_put() and try_renumber() at once. Entries are only ever added, each to
// the first free slot on its way, so two threads that add the same marking aim at the same slot, one of them fails, and
// finds the other's when it looks again.
class IndexTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  IndexTable() = default;
  // `bytes`: what it may grow to at most.
  explicit IndexTable(std::size_t bytes) : entries_(std::max(bytes / sizeof(std::uint32_t), kLeastCapacity)) {
    reset(kLeastCapacity);
  }

  struct Place {
    std::uint32_t index;  // kNone: not there
    std::size_t slot;     // where it is, or belongs
  };

  // equal(index): whether the marking with that index is the one looked for.
  template <class Equal>
  Place find(Word hash, const Equal& equal) const noexcept {
    const std::uint32_t tag = tag_of(hash);
    for (std::size_t bucket = bucket_of(hash);;) {
      std::uint32_t* entries = entries_.data() + bucket * kBucket;
      const Matches matches = compare(entries, tag);
      for (unsigned same = matches.tagged & ~matches.empty; same != 0; same &= same - 1) {
        const auto lane = static_cast<std::size_t>(std::countr_zero(same));
        const std::uint32_t index = index_at(bucket * kBucket + lane);
        if (equal(index)) return {index, bucket * kBucket + lane};
      }
      if (matches.empty != 0) {
        return {kNone, bucket * kBucket + static_cast<std::size_t>(std::countr_zero(matches.empty))};
      }
      if (++bucket == buckets_) bucket = 0;
    }
  }

  // The first index in the bucket of the hash with its tag, or kNone: nearly always the one find() would return.
  std::uint32_t likely(Word hash) const noexcept {
    const std::size_t first = bucket_of(hash) * kBucket;
    // An empty slot has the tag 0, and its index is kNone.
    const unsigned same = compare(entries_.data() + first, tag_of(hash)).tagged;
    return same == 0 ? kNone : index_at(first + static_cast<std::size_t>(std::countr_zero(same)));
  }

  // REQUIRES: `slot` came from find(hash, ...) and nothing was put since; !full(index).
  void put(std::size_t slot, Word hash, std::uint32_t index) noexcept {
    entries_.data()[slot] = tag_of(hash) | (index + 1);
    ++size_;
  }
  // As put, for a marking known not to be there.
  void add(Word hash, std::uint32_t index) noexcept {
    put(find(hash, [](std::uint32_t) { return false; }).slot, hash, index);
  }

  // As put, where other threads may have come first: false then, and nothing is changed. What the index stands for is
  // seen by whoever finds it. The caller counts, and tells added().
  bool try_put(std::size_t slot, Word hash, std::uint32_t index) noexcept {
    std::uint32_t free = 0;
    return entry(slot).compare_exchange_strong(free, tag_of(hash) | (index + 1), std::memory_order_acq_rel);
  }
  // Gives a slot another index if it still has the one that was found there.
  bool try_renumber(std::size_t slot, std::uint32_t from, std::uint32_t to) noexcept {
    std::uint32_t old = entry(slot).load(std::memory_order_relaxed);
    const std::uint32_t tag = old & ~index_mask_;
    return (old & index_mask_) == from + 1 &&
           entry(slot).compare_exchange_strong(old, tag | (to + 1), std::memory_order_acq_rel);
  }
  // As add, while other threads add other markings.
  void add_shared(Word hash, std::uint32_t index) noexcept {
    while (!try_put(find(hash, [](std::uint32_t) { return false; }).slot, hash, index)) {
    }
  }
  // Gives a slot that was put another index, which no other thread looks at meanwhile.
  void renumber(std::size_t slot, std::uint32_t index) noexcept {
    std::uint32_t& entry = entries_.data()[slot];
    entry = (entry & ~index_mask_) | (index + 1);
  }
  void added(std::size_t count) noexcept { size_ += count; }

  void prefetch(Word hash) const noexcept { __builtin_prefetch(entries_.data() + bucket_of(hash) * kBucket); }

  void prefetch_slot(std::size_t slot) const noexcept { __builtin_prefetch(entries_.data() + slot); }

  // Whether a marking with this index can no longer be put: the table has to grow first.
  bool full(std::size_t index) const noexcept { return size_ >= most_ || index >= index_mask_; }
  std::size_t room() const noexcept { return most_ > size_ ? most_ - size_ : 0; }
  bool tight() const noexcept { return tight_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t bytes() const noexcept { return capacity() * sizeof(std::uint32_t); }
  std::size_t capacity() const noexcept { return buckets_ * kBucket; }
  std::size_t most_capacity() const noexcept { return std::min<std::size_t>(entries_.capacity(), kMostCapacity); }

  // The capacity to grow to: much more while that is cheap, at most `bytes`. The same as now: it cannot grow.
  std::size_t next_capacity(std::size_t bytes) const noexcept {
    const std::size_t now = capacity();
    const std::size_t wanted = now < kLargeCapacity ? now * 4 : now * 2;
    const std::size_t granted = std::min({wanted, bytes / sizeof(std::uint32_t), most_capacity()}) / kBucket * kBucket;
    return granted < now + now / 8 ? now : granted;
  }

  // Empty again, with `capacity` slots, for indices below `indices` at least. `tight`: it cannot grow any more, so it
  // may be filled further.
  void reset(std::size_t capacity, std::uint64_t indices = 0, bool tight = false) noexcept;

  static constexpr std::size_t kLeastCapacity = std::size_t{1} << 10;

 private:
  static constexpr std::size_t kLargeCapacity = std::size_t{1} << 20;
  static constexpr std::size_t kMostCapacity = std::size_t{1} << 32;

  static constexpr std::size_t kBucket = 16;

  // Bit i tells of entry i of a bucket.
  struct Matches {
    unsigned tagged;  // has the tag; so does what is empty, if the tag is 0
    unsigned empty;
  };

  [[gnu::always_inline]] Matches compare(std::uint32_t* entries, std::uint32_t tag) const noexcept {
    unsigned tagged = 0, empty = 0;
#ifdef PETRICORE_COMPARE_BY_FOUR
    const __m128i zero = _mm_setzero_si128();
    const __m128i tags = _mm_set1_epi32(static_cast<int>(tag));
    const __m128i mask = _mm_set1_epi32(static_cast<int>(~index_mask_));
    __m128i tag_equal[4], unused[4];
    for (std::size_t i = 0; i < 4; ++i) {
      const __m128i four = _mm_load_si128(reinterpret_cast<const __m128i*>(entries) + i);
      tag_equal[i] = _mm_cmpeq_epi32(_mm_and_si128(four, mask), tags);
      unused[i] = _mm_cmpeq_epi32(four, zero);
    }
    const auto bits = [](const __m128i* lanes) {
      const __m128i low = _mm_packs_epi32(lanes[0], lanes[1]);
      const __m128i high = _mm_packs_epi32(lanes[2], lanes[3]);
      return static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
    };
    tagged = bits(tag_equal);
    empty = bits(unused);
#else
    for (std::size_t i = 0; i < kBucket; ++i) {
      const std::uint32_t entry = std::atomic_ref(entries[i]).load(std::memory_order_relaxed);
      tagged |= static_cast<unsigned>((entry & ~index_mask_) == tag) << i;
      empty |= static_cast<unsigned>(entry == 0) << i;
    }
#endif
    return {tagged, empty};
  }

  std::atomic_ref<std::uint32_t> entry(std::size_t slot) const noexcept {
    return std::atomic_ref<std::uint32_t>(entries_.data()[slot]);
  }
  // Acquires what was written before the index was put.
  std::uint32_t index_at(std::size_t slot) const noexcept {
    return (entry(slot).load(std::memory_order_acquire) & index_mask_) - 1;
  }
  std::size_t bucket_of(Word hash) const noexcept {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::size_t>((static_cast<Wide>(hash) * buckets_) >> 64);
  }
  std::uint32_t tag_of(Word hash) const noexcept { return static_cast<std::uint32_t>(hash) & ~index_mask_; }

  GrowingArray<std::uint32_t> entries_;
  std::size_t buckets_ = 0, size_ = 0, most_ = 0;
  std::uint32_t index_mask_ = 0;
  bool tight_ = false;
};

}  // namespace petricore::explore
