// The limit of an explicit breadth-first search: bounds of all places are given, the table has its final size from the
// start, nothing is checked, no edge or limit is kept. Packed markings, a guard bit above each counter, one array of
// markings that is the queue too, open addressing, the table fetched a batch ahead. Prints markings per CPU second.
// Argument: log2 of the table's size. Standard input: the net, then the bound of each place.
#include <array>
#include <bit>
#include <cstdlib>

#include "net.hpp"

namespace {

using Word = std::uint64_t;

template <std::size_t W>
double search(const TextNet& net, const std::vector<int>& bounds, std::size_t capacity) {
  using State = std::array<Word, W>;
  struct Row {
    State need{}, delta{};
  };
  std::vector<std::pair<std::size_t, unsigned>> at;  // word and shift of each place
  State guards{}, initial{};
  std::size_t word = 0;
  unsigned used = 0;
  for (std::size_t p = 0; p < net.places; ++p) {
    const unsigned bits = static_cast<unsigned>(std::bit_width(static_cast<unsigned>(bounds[p]))) + 1;
    if (used + bits > 64) {
      ++word;
      used = 0;
    }
    at.emplace_back(word, used);
    guards[word] |= Word{1} << (used + bits - 1);
    initial[word] |= static_cast<Word>(net.initial[p]) << used;
    used += bits;
  }
  std::vector<Row> rows(net.transitions);
  for (std::size_t t = 0; t < net.transitions; ++t) {
    for (const auto& [p, weight] : net.inputs[t]) {
      rows[t].need[at[p].first] += static_cast<Word>(weight) << at[p].second;
      rows[t].delta[at[p].first] -= static_cast<Word>(weight) << at[p].second;
    }
    for (const auto& [p, weight] : net.outputs[t]) {
      rows[t].delta[at[p].first] += static_cast<Word>(weight) << at[p].second;
    }
  }
  const auto hash = [](const State& state) {
    Word h = 0x9E3779B97F4A7C15U;
    for (const Word w : state) {
      const auto product = static_cast<unsigned __int128>(h ^ w) * 0xD1B54A32D192ED03U;
      h = static_cast<Word>(product) ^ static_cast<Word>(product >> 64);
    }
    return h;
  };
  const double start = cpu_seconds();
  std::vector<std::uint32_t> table(capacity, 0);
  std::vector<State> states;
  states.reserve(capacity / 2);
  const auto insert = [&](const State& state, Word h) {
    for (std::size_t slot = h & (capacity - 1);; slot = (slot + 1) & (capacity - 1)) {
      if (table[slot] == 0) {
        states.push_back(state);
        table[slot] = static_cast<std::uint32_t>(states.size());
        return;
      }
      if (states[table[slot] - 1] == state) return;
    }
  };
  insert(initial, hash(initial));
  std::vector<std::pair<State, Word>> batch;
  for (std::size_t head = 0; head < states.size();) {
    batch.clear();
    for (const std::size_t last = std::min(states.size(), head + 256); head < last; ++head) {
      const State state = states[head];
      for (const Row& row : rows) {
        Word missing = 0;
        for (std::size_t i = 0; i < W; ++i) missing |= ~((state[i] | guards[i]) - row.need[i]) & guards[i];
        if (missing != 0) continue;
        State next;
        for (std::size_t i = 0; i < W; ++i) next[i] = state[i] + row.delta[i];
        const Word h = hash(next);
        __builtin_prefetch(&table[h & (capacity - 1)]);
        batch.emplace_back(next, h);
      }
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (i + 16 < batch.size()) {
        const std::uint32_t entry = table[batch[i + 16].second & (capacity - 1)];
        if (entry != 0) __builtin_prefetch(&states[entry - 1]);
      }
      insert(batch[i].first, batch[i].second);
    }
  }
  return static_cast<double>(states.size()) / (cpu_seconds() - start);
}

}  // namespace

int main(int, char** argv) {
  const TextNet net = read_net();
  std::vector<int> bounds(net.places);
  std::size_t words = 1;
  unsigned used = 0;
  for (int& bound : bounds) {
    std::cin >> bound;
    const unsigned bits = static_cast<unsigned>(std::bit_width(static_cast<unsigned>(bound))) + 1;
    if (used + bits > 64) {
      ++words;
      used = 0;
    }
    used += bits;
  }
  const std::size_t capacity = std::size_t{1} << std::atoi(argv[1]);
  if (words == 1) std::cout << search<1>(net, bounds, capacity);
  else if (words == 2) std::cout << search<2>(net, bounds, capacity);
  else if (words <= 4) std::cout << search<4>(net, bounds, capacity);
  else if (words <= 8) std::cout << search<8>(net, bounds, capacity);
  else return 1;
}
