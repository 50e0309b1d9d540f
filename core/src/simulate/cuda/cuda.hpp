// Replicas on a CUDA device, through a library that is loaded when it is first asked for.
#pragma once

#include <cstdint>

#include "petricore/simulate.hpp"
#include "simulate/bulk/bulk.hpp"
#include "simulate/cuda/direct.hpp"

namespace petricore::cuda {

struct Library {
  Probe probe;
  Direct direct;
};

// Loads the library (once per process) and asks it for a device. It is looked for where the environment variable
// PETRICORE_CUDA_LIBRARY says, or else beside the file this code lives in. Throws DeviceError, which says what was
// looked for and what came back.
const Library& library();

// Why a device cannot run these options to the bit (a phrase), or an empty string.
const char* unsuited(const TimedNet& net, const SimulationOptions& options) noexcept;

// As bulk::run(), on the device of `library`. Throws DeviceError for what goes wrong there.
// REQUIRES: unsuited() is empty.
bulk::Outcome run(const Library& library, const TimedNet& net, const SimulationOptions& options,
                  SimulationResult& result);

}  // namespace petricore::cuda
