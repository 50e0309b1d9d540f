// A hand-tuned random walk, free of everything a library must care for: plain nets, no overflow, no errors.
// Deficit counters and a swap-remove list. Prints firings per CPU second. Argument: how many firings.
#include <algorithm>
#include <cstdlib>

#include "net.hpp"

int main(int, char** argv) {
  const TextNet net = read_net();
  const long firings = std::atol(argv[1]);
  struct Change { int place, delta; };
  struct Watch { int transition, threshold; };
  std::vector<std::vector<Change>> changes(net.transitions);
  std::vector<std::vector<Watch>> watches(net.places);
  std::vector<int> marking = net.initial, deficit(net.transitions), enabled, position(net.transitions, -1);
  for (std::size_t t = 0; t < net.transitions; ++t) {
    auto& row = changes[t];
    for (auto [p, w] : net.inputs[t]) {
      row.push_back({p, -w});
      watches[p].push_back({static_cast<int>(t), w});
      deficit[t] += marking[p] < w;
    }
    for (auto [p, w] : net.outputs[t]) {
      auto same = std::find_if(row.begin(), row.end(), [p](const Change& c) { return c.place == p; });
      if (same == row.end()) row.push_back({p, w});
      else same->delta += w;
    }
    std::erase_if(row, [](const Change& c) { return c.delta == 0; });
    if (deficit[t] == 0) {
      position[t] = static_cast<int>(enabled.size());
      enabled.push_back(static_cast<int>(t));
    }
  }
  // Flat copies: one array each.
  std::vector<int> change_at(1, 0), watch_at(1, 0);
  std::vector<Change> flat_changes;
  std::vector<Watch> flat_watches;
  for (auto& row : changes) {
    flat_changes.insert(flat_changes.end(), row.begin(), row.end());
    change_at.push_back(static_cast<int>(flat_changes.size()));
  }
  for (auto& row : watches) {
    flat_watches.insert(flat_watches.end(), row.begin(), row.end());
    watch_at.push_back(static_cast<int>(flat_watches.size()));
  }
  enabled.resize(net.transitions);
  int live = static_cast<int>(std::count(deficit.begin(), deficit.end(), 0));

  std::uint64_t seed = 12345;
  const double start = cpu_seconds();
  long fired = 0;
  for (; fired < firings && live > 0; ++fired) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    const int t = enabled[((seed >> 33) * static_cast<std::uint64_t>(live)) >> 31];
    for (int i = change_at[t]; i < change_at[t + 1]; ++i) {
      const auto [p, delta] = flat_changes[i];
      const int before = marking[p], after = before + delta;
      marking[p] = after;
      for (int j = watch_at[p]; j < watch_at[p + 1]; ++j) {
        const auto [u, w] = flat_watches[j];
        if (before >= w && after < w) {
          if (deficit[u]++ == 0) {
            const int last = enabled[--live];
            enabled[position[u]] = last;
            position[last] = position[u];
          }
        } else if (before < w && after >= w && --deficit[u] == 0) {
          position[u] = live;
          enabled[live++] = u;
        }
      }
    }
  }
  std::cout << static_cast<double>(fired) / (cpu_seconds() - start) << "\n";
}
