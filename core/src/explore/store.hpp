// All that a search has found.
#pragma once

#include <cstdint>
#include <vector>

#include "index_table.hpp"
#include "layout.hpp"
#include "petricore/state_space.hpp"
#include "region.hpp"

namespace petricore::explore {

struct Store {
  Layout layout;
  std::uint64_t max_states;
  std::uint64_t max_bytes;
  GrowingArray<Word> states;       // packed markings, one after the other
  std::vector<IndexTable> tables;  // one for each thread: which one a hash belongs to is its shard
  std::size_t size = 0;            // markings
  std::size_t expanded = 0;
  std::uint64_t firings = 0;
  std::vector<std::uint32_t> deadlocks;
  bool has_edges = false;
  GrowingArray<std::int64_t> offsets;
  GrowingArray<std::uint32_t> targets;
  GrowingArray<std::int32_t> transitions;
  std::vector<std::uint32_t> stack;  // depth first: found and not expanded
  unsigned threads;                  // that may share the work; 1 once it has to be done alone
  SearchEnd end = SearchEnd::kComplete;
  std::uint32_t found = StateSpace::kNone;
  std::size_t overflowing_place = 0;

  Store(Layout first_layout, const SearchOptions& options);

  const Word* state(std::size_t i) const noexcept { return states.data() + i * layout.words(); }

  // Which table a hash belongs to, and the hash to use in it.
  struct Shard {
    std::size_t table;
    Word hash;
  };
  Shard shard(Word hash) const noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(hash) * tables.size();
    return {static_cast<std::size_t>(product >> 64), static_cast<Word>(product)};
  }

  std::uint32_t find(const Word* packed, Word hash) const noexcept;

  std::size_t bytes() const noexcept;
  bool has_room() const noexcept { return bytes() < max_bytes; }

  // What each table may take beside what it has: all of them grow alike.
  std::size_t spare_bytes() const noexcept {
    const std::size_t used = bytes();
    return used < max_bytes ? (max_bytes - used) / tables.size() : 0;
  }

  // Puts all markings of a shard into its table again, with the next larger capacity, for indices up to `largest`, and
  // `spare` more bytes at most. False: there is no memory for it and it is full for good. Touches no other table.
  bool grow(std::size_t table, std::size_t largest, std::size_t spare) noexcept;

  // Divides the table among that many.
  void split(std::size_t shards);

  // Packs everything anew with another layout. Throws std::bad_alloc, and nothing is changed then; False: there is no
  // room for it within max_bytes.
  bool repack(Layout layout);

 private:
  void fill(std::size_t table) noexcept;
};

}  // namespace petricore::explore
