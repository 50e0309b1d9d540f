// What a replica tells in the end.
#pragma once

#include "petricore/simulate.hpp"
#include "simulate/bulk/lower.hpp"

namespace petricore::bulk {

// Completes a row of the result, whose final marking, events and time (of the last event) are there: how it ended, its
// time, and its observables from what each watch has gathered, as the recorder of the scalar method has them.
// `registers` has room for program().registers numbers.
void close(const Lowered& lowered, const SimulationOptions& options, Ending ending, const double* gathered,
           double* registers, std::uint64_t row, SimulationResult& result);

}  // namespace petricore::bulk
