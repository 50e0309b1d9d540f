#include "store.hpp"

#include <algorithm>
#include <cstring>

namespace petricore::explore {

namespace {

constexpr std::uint64_t kMostStates = (std::uint64_t{1} << 32) - 2;

}  // namespace

Store::Store(Layout first_layout, const SearchOptions& options)
    : layout(std::move(first_layout)),
      max_states(std::min(std::max<std::uint64_t>(options.max_states, 1), kMostStates)),
      max_bytes(options.max_bytes),
      has_edges(options.edges),
      threads(options.order == SearchOrder::kBreadthFirst && options.reduction == Reduction::kNone ? options.threads
                                                                                                   : 1) {
  const std::uint64_t by_memory = max_bytes / (layout.words() * sizeof(Word)) + 1;
  states = GrowingArray<Word>(std::min(max_states, by_memory) * layout.words());
  table = IndexTable(std::min(max_bytes, max_states * 16 + 4096));
  if (has_edges) {
    offsets = GrowingArray<std::int64_t>(std::min(max_states, max_bytes / sizeof(std::int64_t)) + 2);
    targets = GrowingArray<std::uint32_t>(max_bytes / sizeof(std::uint32_t));
    transitions = GrowingArray<std::int32_t>(max_bytes / sizeof(std::int32_t));
    offsets.push_back(0);
  }
}

std::uint32_t Store::find(const Word* packed, Word hash) const noexcept {
  const std::size_t words = layout.words();
  return table.find(hash, [&](std::uint32_t i) { return std::memcmp(state(i), packed, words * sizeof(Word)) == 0; })
      .index;
}

std::size_t Store::bytes() const noexcept {
  std::size_t bytes = size * layout.words() * sizeof(Word) + deadlocks.capacity() * sizeof(std::uint32_t) +
                      stack.capacity() * sizeof(std::uint32_t) + table.bytes();
  if (has_edges) bytes += offsets.size() * sizeof(std::int64_t) + targets.size() * 2 * sizeof(std::uint32_t);
  return bytes;
}

bool Store::clear_larger(std::size_t largest) noexcept {
  const std::size_t capacity = table.next_capacity(table.bytes() + spare_bytes());
  if (capacity == table.capacity() && table.tight() && table.full(0)) return false;
  table.reset(capacity, 2 * largest, capacity == table.capacity());
  return true;
}

bool Store::grow(std::size_t largest) noexcept {
  if (!clear_larger(largest)) return false;
  fill(0, size);
  table.added(size);
  return !table.full(largest);
}

void Store::fill(std::size_t first, std::size_t last) noexcept {
  // Hashes are computed a few markings ahead, so that the slots are there when they are written.
  constexpr std::size_t kAhead = 32;
  Word ahead[kAhead];
  const std::size_t words = layout.words();
  for (std::size_t i = first; i < last + kAhead; ++i) {
    Word& hash = ahead[i % kAhead];
    if (i >= first + kAhead) table.add_shared(hash, static_cast<std::uint32_t>(i - kAhead));
    if (i >= last) continue;
    hash = hash_words(state(i), words);
    table.prefetch(hash);
  }
}

bool Store::repack(Layout wider) {
  const std::size_t words = wider.words();
  if (size * (words + layout.words()) * sizeof(Word) > max_bytes) return false;
  const std::uint64_t by_memory = max_bytes / (words * sizeof(Word)) + 1;
  GrowingArray<Word> packed(std::min(max_states, by_memory) * words);
  if (packed.capacity() / words < size) return false;
  std::vector<Count> marking(layout.places());
  for (std::size_t i = 0; i < size; ++i) {
    layout.decode(state(i), marking.data());
    wider.encode(marking.data(), packed.data() + i * words);
  }
  states = std::move(packed);
  layout = std::move(wider);
  table.reset(table.capacity(), 2 * size, table.tight());
  fill(0, size);
  table.added(size);
  return true;
}

}  // namespace petricore::explore
