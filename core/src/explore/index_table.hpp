// From the hash of a marking to its index.
#pragma once

#include <bit>
#include <cstdint>

#include "layout.hpp"
#include "region.hpp"

namespace petricore::explore {

// Open addressing with linear probing over 32-bit entries: the low bits are 1 + the index, the rest a tag of the hash,
// so that a probe looks at the marking itself almost only where it is the right one. Slots are proportional to the hash
// (Lemire 2019, 10.1145/3230636), so any capacity will do.
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
    for (std::size_t slot = slot_of(hash);;) {
      const std::uint32_t entry = entries_.data()[slot];
      if (entry == 0) return {kNone, slot};
      if (((entry ^ tag) & ~index_mask_) == 0 && equal((entry & index_mask_) - 1)) {
        return {(entry & index_mask_) - 1, slot};
      }
      if (++slot == capacity_) slot = 0;
    }
  }

  // REQUIRES: `slot` came from find(hash, ...) and nothing was put since; !full(index).
  void put(std::size_t slot, Word hash, std::uint32_t index) noexcept {
    entries_.data()[slot] = tag_of(hash) | (index + 1);
    ++size_;
  }
  // As put, for a marking known not to be there.
  void add(Word hash, std::uint32_t index) noexcept {
    std::size_t slot = slot_of(hash);
    while (entries_.data()[slot] != 0) slot = slot + 1 == capacity_ ? 0 : slot + 1;
    put(slot, hash, index);
  }
  // Gives a slot that was put another index.
  void renumber(std::size_t slot, std::uint32_t index) noexcept {
    std::uint32_t& entry = entries_.data()[slot];
    entry = (entry & ~index_mask_) | (index + 1);
  }

  void prefetch(Word hash) const noexcept { __builtin_prefetch(entries_.data() + slot_of(hash)); }
  // The index in the first slot of the hash if its tag fits, for prefetching the marking; kNone otherwise.
  std::uint32_t likely(Word hash) const noexcept {
    const std::uint32_t entry = entries_.data()[slot_of(hash)];
    return entry != 0 && ((entry ^ tag_of(hash)) & ~index_mask_) == 0 ? (entry & index_mask_) - 1 : kNone;
  }

  // Whether a marking with this index can no longer be put: the table has to grow first.
  bool full(std::size_t index) const noexcept { return size_ >= most_ || index >= index_mask_; }
  bool tight() const noexcept { return tight_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t bytes() const noexcept { return capacity_ * sizeof(std::uint32_t); }
  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t most_capacity() const noexcept { return std::min<std::size_t>(entries_.capacity(), kMostCapacity); }

  // The capacity to grow to: much more while that is cheap, at most `bytes`. The same as now: it cannot grow.
  std::size_t next_capacity(std::size_t bytes) const noexcept {
    const std::size_t wanted = capacity_ < kLargeCapacity ? capacity_ * 4 : capacity_ * 2;
    const std::size_t granted = std::min({wanted, bytes / sizeof(std::uint32_t), most_capacity()});
    return granted < capacity_ + capacity_ / 8 ? capacity_ : granted;
  }

  // Empty again, with `capacity` slots, for indices below `indices` at least. `tight`: it cannot grow any more, so it
  // may be filled further.
  void reset(std::size_t capacity, std::uint64_t indices = 0, bool tight = false) noexcept;

  static constexpr std::size_t kLeastCapacity = std::size_t{1} << 10;

 private:
  static constexpr std::size_t kLargeCapacity = std::size_t{1} << 22;
  static constexpr std::size_t kMostCapacity = std::size_t{1} << 32;

  std::size_t slot_of(Word hash) const noexcept {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::size_t>((static_cast<Wide>(hash) * capacity_) >> 64);
  }
  std::uint32_t tag_of(Word hash) const noexcept { return static_cast<std::uint32_t>(hash) & ~index_mask_; }

  GrowingArray<std::uint32_t> entries_;
  std::size_t capacity_ = 0, size_ = 0, most_ = 0;
  std::uint32_t index_mask_ = 0;
  bool tight_ = false;
};

}  // namespace petricore::explore
