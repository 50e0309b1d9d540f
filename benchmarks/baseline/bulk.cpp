// The limit of bulk enabling: markings already place-major and narrowed to bytes, answers left as bit masks, so nothing
// is converted. 4096 markings. Prints (marking, transition) checks per CPU second. Argument: how many repetitions.
#include <cstdlib>

#include "net.hpp"

int main(int, char** argv) {
  constexpr std::size_t kBatch = 4096, kBlock = 64;
  using Bytes = std::uint8_t __attribute__((vector_size(kBlock)));
  const TextNet net = read_net();
  const int repetitions = std::atoi(argv[1]);
  std::vector<Bytes> markings(kBatch / kBlock * net.places);
  std::uint64_t seed = 1;
  for (Bytes& block : markings) {
    for (std::size_t l = 0; l < kBlock; ++l) {
      seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
      block[l] = static_cast<std::uint8_t>((seed >> 40) % 8);
    }
  }
  std::vector<int> at(1, 0);
  std::vector<std::pair<int, int>> arcs;
  for (auto& row : net.inputs) {
    arcs.insert(arcs.end(), row.begin(), row.end());
    at.push_back(static_cast<int>(arcs.size()));
  }
  std::vector<Bytes> enabled(net.transitions);
  Bytes sum{};
  const double start = cpu_seconds();
  for (int r = 0; r < repetitions; ++r) {
    for (std::size_t b = 0; b < kBatch / kBlock; ++b) {
      const Bytes* block = &markings[b * net.places];
      for (std::size_t t = 0; t < net.transitions; ++t) {
        Bytes hold = Bytes{} + std::uint8_t{1};
        for (int i = at[t]; i < at[t + 1]; ++i) {
          hold &= (Bytes)(block[arcs[i].first] >= static_cast<std::uint8_t>(arcs[i].second));
        }
        enabled[t] = hold;
      }
      sum += enabled[b % net.transitions];
    }
  }
  const double seconds = cpu_seconds() - start;
  std::cerr << static_cast<int>(sum[0]) << "\n";  // so that the work is not dropped
  std::cout << static_cast<double>(kBatch) * static_cast<double>(net.transitions) * repetitions / seconds << "\n";
}
