// A hand-tuned direct method, free of everything a library must care for: one replica after the other, no overflow, no
// errors, nothing recorded. Reads, after the net, one rate per transition (negative: mass action with that constant),
// and the end of a replica. Prints events per CPU second. Argument: how many events.
#include <cmath>
#include <cstdlib>

#include "net.hpp"

namespace {

std::uint64_t state[4] = {0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0x2545F4914F6CDD1D};

// xoshiro256+, in (0, 1].
double draw() {
  const std::uint64_t result = state[0] + state[3], t = state[1] << 17;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= t;
  state[3] = (state[3] << 45) | (state[3] >> 19);
  return static_cast<double>((result >> 11) + 1) * 0x1p-53;
}

}  // namespace

int main(int, char** argv) {
  const TextNet net = read_net();
  const std::size_t transitions = net.transitions;
  std::vector<double> rates(transitions);
  for (double& rate : rates) std::cin >> rate;
  double until = 0;
  std::cin >> until;
  std::vector<std::vector<std::pair<int, int>>> changes(transitions);
  std::vector<std::vector<int>> affected(transitions);
  for (std::size_t t = 0; t < transitions; ++t) {
    std::vector<int> delta(net.places, 0);
    for (auto [p, w] : net.inputs[t]) delta[p] -= w;
    for (auto [p, w] : net.outputs[t]) delta[p] += w;
    for (std::size_t p = 0; p < net.places; ++p) {
      if (delta[p] != 0) changes[t].push_back({static_cast<int>(p), delta[p]});
    }
    for (std::size_t u = 0; u < transitions; ++u) {
      bool reads = false;
      for (auto [p, w] : net.inputs[u]) reads |= delta[p] != 0;
      if (reads) affected[t].push_back(static_cast<int>(u));
    }
  }
  std::vector<int> marking;
  std::vector<double> propensities(transitions);
  const auto rate_of = [&](int t) {
    if (rates[t] < 0) {
      double product = -rates[t];
      for (auto [p, w] : net.inputs[t]) {
        product *= w == 1 ? marking[p] : 0.5 * marking[p] * (marking[p] - 1);
      }
      return product;
    }
    for (auto [p, w] : net.inputs[t]) {
      if (marking[p] < w) return 0.0;
    }
    return rates[t];
  };
  const long events = std::atol(argv[1]);
  long done = 0;
  const double start = cpu_seconds();
  while (done < events) {
    marking = net.initial;
    for (std::size_t t = 0; t < transitions; ++t) propensities[t] = rate_of(static_cast<int>(t));
    for (double time = 0;;) {
      double total = 0;
      for (const double propensity : propensities) total += propensity;
      if (total <= 0) break;
      time -= std::log(draw()) / total;
      if (time > until) break;
      double left = draw() * total;
      std::size_t t = 0;
      while (t + 1 < transitions && (left -= propensities[t]) > 0) ++t;
      for (auto [p, change] : changes[t]) marking[p] += change;
      for (const int u : affected[t]) propensities[u] = rate_of(u);
      ++done;
    }
  }
  std::cout << static_cast<double>(done) / (cpu_seconds() - start) << "\n";
}
