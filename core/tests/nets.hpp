// Small nets for the tests, built from rows of arcs.
#pragma once

#include <vector>

#include "petricore/net.hpp"

namespace petricore::test {

struct TransitionSpec {
  std::vector<Arc> inputs, outputs, reads = {}, inhibitors = {}, resets = {};
  std::int32_t priority = 0;
};

inline NetSpec make_spec(std::vector<Count> initial, const std::vector<TransitionSpec>& transitions,
                         std::vector<Count> capacities = {}) {
  NetSpec spec;
  capacities.resize(initial.size(), kUnbounded);
  spec.initial = std::move(initial);
  spec.capacities = std::move(capacities);
  for (const auto& t : transitions) {
    spec.inputs.append(t.inputs);
    spec.outputs.append(t.outputs);
    spec.reads.append(t.reads);
    spec.inhibitors.append(t.inhibitors);
    spec.resets.append(t.resets);
    spec.priorities.push_back(t.priority);
    spec.rates.push_back(1.0);
  }
  return spec;
}

inline Net make_net(std::vector<Count> initial, const std::vector<TransitionSpec>& transitions,
                    std::vector<Count> capacities = {}) {
  return Net(make_spec(std::move(initial), transitions, std::move(capacities)));
}

// `size` places in a ring, each transition moving one token on; place 0 holds `tokens`.
inline Net make_ring(std::uint32_t size, Count tokens) {
  std::vector<Count> initial(size, 0);
  initial[0] = tokens;
  std::vector<TransitionSpec> transitions;
  for (std::uint32_t i = 0; i < size; ++i) transitions.push_back({{{i, 1}}, {{(i + 1) % size, 1}}});
  return make_net(std::move(initial), transitions);
}

}  // namespace petricore::test
