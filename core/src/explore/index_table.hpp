// From the hash of a marking to its index.
#pragma once

#include <bit>
#include <cstdint>

#ifdef __SSE2__
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
class IndexTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  IndexTable() = default;
  // `bytes`: what it may grow to at most.
  explicit IndexTable(std::size_t bytes) : entries_(std::max(bytes / sizeof(std::uint32_t), kLeastCapacity)) {
    reset(kLeastCapacity);
  }

  struct Place {
    std::uint32_t index;  // kNone: not there, and `slot` is where it belongs
    std::size_t slot;
  };

  // equal(index): whether the marking with that index is the one looked for.
  template <class Equal>
  Place find(Word hash, const Equal& equal) const noexcept {
    const std::uint32_t tag = tag_of(hash);
    for (std::size_t bucket = bucket_of(hash);;) {
      const std::uint32_t* entries = entries_.data() + bucket * kBucket;
      const Matches matches = compare(entries, tag);
      for (unsigned same = matches.same; same != 0; same &= same - 1) {
        const std::uint32_t index = (entries[std::countr_zero(same)] & index_mask_) - 1;
        if (equal(index)) return {index, 0};
      }
      if (matches.empty != 0) {
        return {kNone, bucket * kBucket + static_cast<std::size_t>(std::countr_zero(matches.empty))};
      }
      if (++bucket == buckets_) bucket = 0;
    }
  }

  // The first index in the bucket of the hash with its tag, or kNone: nearly always the one find() would return.
  std::uint32_t likely(Word hash) const noexcept {
    const std::uint32_t* entries = entries_.data() + bucket_of(hash) * kBucket;
    const unsigned same = compare(entries, tag_of(hash)).same;
    return same == 0 ? kNone : (entries[std::countr_zero(same)] & index_mask_) - 1;
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
  // Gives a slot that was put another index.
  void renumber(std::size_t slot, std::uint32_t index) noexcept {
    std::uint32_t& entry = entries_.data()[slot];
    entry = (entry & ~index_mask_) | (index + 1);
  }

  void prefetch(Word hash) const noexcept { __builtin_prefetch(entries_.data() + bucket_of(hash) * kBucket); }

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
    unsigned same;  // has the tag, and is in use
    unsigned empty;
  };

  [[gnu::always_inline]] Matches compare(const std::uint32_t* entries, std::uint32_t tag) const noexcept {
    unsigned same = 0, empty = 0;
#ifdef __SSE2__
    const __m128i zero = _mm_setzero_si128();
    const __m128i tags = _mm_set1_epi32(static_cast<int>(tag));
    const __m128i mask = _mm_set1_epi32(static_cast<int>(~index_mask_));
    __m128i tag_equal[4], unused[4];
    for (std::size_t i = 0; i < 4; ++i) {
      const __m128i four = _mm_load_si128(reinterpret_cast<const __m128i*>(entries) + i);
      tag_equal[i] = _mm_cmpeq_epi32(_mm_and_si128(_mm_xor_si128(four, tags), mask), zero);
      unused[i] = _mm_cmpeq_epi32(four, zero);
    }
    const auto bits = [](const __m128i* lanes) {
      const __m128i low = _mm_packs_epi32(lanes[0], lanes[1]);
      const __m128i high = _mm_packs_epi32(lanes[2], lanes[3]);
      return static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
    };
    same = bits(tag_equal);
    empty = bits(unused);
#else
    for (std::size_t i = 0; i < kBucket; ++i) {
      same |= static_cast<unsigned>(((entries[i] ^ tag) & ~index_mask_) == 0) << i;
      empty |= static_cast<unsigned>(entries[i] == 0) << i;
    }
#endif
    return {same & ~empty, empty};
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
