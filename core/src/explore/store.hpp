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
  GrowingArray<Word> states;  // packed markings, one after the other
  IndexTable table;
  std::size_t size = 0;  // markings
  std::size_t expanded = 0;
  std::uint64_t firings = 0;
  std::vector<std::uint32_t> deadlocks;
  bool has_edges = false;
  GrowingArray<std::int64_t> offsets;
  GrowingArray<std::uint32_t> targets;
  GrowingArray<std::int32_t> transitions;
  std::vector<std::uint32_t> stack;  // depth first: found and not expanded
  unsigned threads;                  // that may share the work; 1 once it has to be done alone
  bool together = false;             // they do
  SearchEnd end = SearchEnd::kComplete;
  std::uint32_t found = StateSpace::kNone;
  std::size_t overflowing_place = 0;

  Store(Layout first_layout, const SearchOptions& options);

  const Word* state(std::size_t i) const noexcept { return states.data() + i * layout.words(); }

  std::uint32_t find(const Word* packed, Word hash) const noexcept;

  std::size_t bytes() const noexcept;
  bool has_room() const noexcept { return bytes() < max_bytes; }

  // Whether that many markings' offsets and that many edges can be kept: less address space may have been granted than
  // was asked for.
  bool has_room_for_edges(std::size_t markings, std::uint64_t edges) const noexcept {
    return !has_edges ||
           (markings < offsets.capacity() && edges <= targets.capacity() && edges <= transitions.capacity());
  }

  // What the table may take beside what it has.
  std::size_t spare_bytes() const noexcept {
    const std::size_t used = bytes();
    return used < max_bytes ? max_bytes - used : 0;
  }

  // Empties the table, and gives it the next larger capacity and room for indices up to `largest`. False: there is no
  // memory for that and it is full for good; nothing is changed then.
  bool clear_larger(std::size_t largest) noexcept;
  // Puts the markings from `first` to before `last` into the table. Several threads may do so, each with its own.
  void fill(std::size_t first, std::size_t last) noexcept;
  // Puts all of them into a larger table. False: as above, or it is full even so.
  bool grow(std::size_t largest) noexcept;

  // Packs everything anew with another layout. Throws std::bad_alloc, and nothing is changed then; False: there is no
  // room for it within max_bytes.
  bool repack(Layout layout);
};

}  // namespace petricore::explore
