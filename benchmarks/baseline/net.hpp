// The text that benchmarks/nets.py writes, read from standard input.
#pragma once

#include <cstdint>
#include <ctime>
#include <iostream>
#include <utility>
#include <vector>

struct TextNet {
  std::size_t places = 0, transitions = 0;
  std::vector<int> initial;
  std::vector<std::vector<std::pair<int, int>>> inputs, outputs;
};

inline TextNet read_net() {
  TextNet net;
  std::cin >> net.places >> net.transitions;
  net.initial.resize(net.places);
  for (int& tokens : net.initial) std::cin >> tokens;
  const auto read_arcs = [](auto& rows) {
    std::size_t count;
    std::cin >> count;
    auto& row = rows.emplace_back(count);
    for (auto& [place, weight] : row) std::cin >> place >> weight;
  };
  for (std::size_t t = 0; t < net.transitions; ++t) {
    read_arcs(net.inputs);
    read_arcs(net.outputs);
  }
  return net;
}

inline double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }
