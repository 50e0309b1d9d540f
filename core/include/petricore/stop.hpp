// How a long computation is told to end.
#pragma once

#include <cstdint>
#include <functional>

namespace petricore {

// Polled by long computations, about every 10 ms, from the thread that called them; true: end now, with what there is.
// `done` counts what the computation counts (states, rows, steps). Empty: never stop.
using Stop = std::function<bool(std::uint64_t done)>;

}  // namespace petricore
