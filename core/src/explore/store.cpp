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
  split(1);
  if (has_edges) {
    offsets = GrowingArray<std::int64_t>(std::min(max_states, max_bytes / sizeof(std::int64_t)) + 2);
    targets = GrowingArray<std::uint32_t>(max_bytes / sizeof(std::uint32_t));
    transitions = GrowingArray<std::int32_t>(max_bytes / sizeof(std::int32_t));
    offsets.push_back(0);
  }
}

std::uint32_t Store::find(const Word* packed, Word hash) const noexcept {
  const std::size_t words = layout.words();
  const auto [table, rest] = shard(hash);
  return tables[table]
      .find(rest, [&](std::uint32_t i) { return std::memcmp(state(i), packed, words * sizeof(Word)) == 0; })
      .index;
}

std::size_t Store::bytes() const noexcept {
  std::size_t bytes = size * layout.words() * sizeof(Word) + deadlocks.capacity() * sizeof(std::uint32_t) +
                      stack.capacity() * sizeof(std::uint32_t);
  for (const IndexTable& table : tables) bytes += table.bytes();
  if (has_edges) bytes += offsets.size() * sizeof(std::int64_t) + targets.size() * 2 * sizeof(std::uint32_t);
  return bytes;
}

bool Store::grow(std::size_t table, std::size_t largest, std::size_t spare) noexcept {
  IndexTable& entries = tables[table];
  const std::size_t capacity = entries.next_capacity(entries.bytes() + spare);
  if (capacity == entries.capacity() && entries.tight() && entries.full(0)) return false;
  entries.reset(capacity, 2 * largest, capacity == entries.capacity());
  fill(table);
  return !entries.full(largest);
}

void Store::split(std::size_t shards) {
  const std::size_t capacity = tables.empty() ? IndexTable::kLeastCapacity : tables[0].capacity() * tables.size();
  tables.clear();
  for (std::size_t i = 0; i < shards; ++i) {
    tables.emplace_back(std::min(max_bytes, max_states * 16 + 4096));
    tables[i].reset(std::clamp(capacity / shards, IndexTable::kLeastCapacity, tables[i].most_capacity()), 2 * size);
  }
  for (std::size_t i = 0; i < shards; ++i) fill(i);
}

void Store::fill(std::size_t table) noexcept {
  // Hashes are computed a few markings ahead, so that the slots are there when they are written.
  constexpr std::size_t kAhead = 32;
  Word ahead[kAhead];
  std::size_t waiting[kAhead];
  std::size_t queued = 0;
  const auto put = [&](std::size_t k) { tables[table].add(ahead[k], static_cast<std::uint32_t>(waiting[k])); };
  const std::size_t words = layout.words();
  for (std::size_t i = 0; i < size; ++i) {
    const Shard home = shard(hash_words(state(i), words));
    if (home.table != table) continue;
    const std::size_t k = queued % kAhead;
    if (queued >= kAhead) put(k);
    ahead[k] = home.hash;
    waiting[k] = i;
    tables[table].prefetch(home.hash);
    ++queued;
  }
  for (std::size_t i = queued < kAhead ? 0 : queued - kAhead; i < queued; ++i) put(i % kAhead);
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
  for (std::size_t table = 0; table < tables.size(); ++table) {
    tables[table].reset(tables[table].capacity(), 2 * size, tables[table].tight());
    fill(table);
  }
  return true;
}

}  // namespace petricore::explore
