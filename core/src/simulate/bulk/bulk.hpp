// The direct method for many replicas of a small net at once: the same bits as the scalar method, and many times
// faster.
#pragma once

#include <cstdint>
#include <vector>

#include "petricore/simulate.hpp"
#include "simulate/bulk/kernel.hpp"

namespace petricore::bulk {

// Why run() cannot run these options (a phrase), or an empty string.
const char* unsuited(const TimedNet& net, const SimulationOptions& options) noexcept;

// Whether it can, and would be faster than the scalar direct method.
bool suits(const TimedNet& net, const SimulationOptions& options) noexcept;

struct Outcome {
  // Rows left out, ascending: those in which something rare happened (a bad rate, counts near their limit, a long chain
  // of immediate firings). The scalar method is to run them from the start, and so with the result or the fault that
  // they have without lanes.
  std::vector<std::uint64_t> left_out;
  std::uint64_t events = 0;  // of the other rows
  bool stopped = false;      // by `stop`: the result means nothing
};

// Runs all replicas into `result`, whose arrays have their final sizes.
//
// A replica's result depends on nothing but its own numbers: not on its lane, its neighbours or the threads.
// REQUIRES: unsuited(net, options) is empty. Costs no allocation but per thread.
Outcome run(const TimedNet& net, const SimulationOptions& options, SimulationResult& result,
            const Kernel& kernel = bulk::kernel());

}  // namespace petricore::bulk
