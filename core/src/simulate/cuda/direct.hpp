// What the core and the CUDA library, which is loaded at run time, say to each other: plain data, no C++ across it.
#pragma once

#include <cstdint>

#include "simulate/bulk/program.hpp"

namespace petricore::cuda {

// How many items each table of a Program has.
struct TableSizes {
  std::uint32_t rows, immediates, least, most, degrees, reactants, effects, code, atoms, terms, watch;
};

// A batch of replicas. All pointers are to memory of the host.
struct DirectCall {
  bulk::Program program;
  TableSizes sizes;
  std::uint64_t first_row, rows;  // of points * replicas
  std::uint64_t replicas, first_replica;
  const std::int32_t* initial;  // (P,) or (replicas, P)
  bool one_initial;
  const double* rates;  // (points, T), or null
  std::uint64_t points;
  double guard;
  // (rows, ...) each.
  std::int32_t* final;
  double* times;  // of the last event
  std::uint64_t* events;
  std::int64_t* firings;  // null: not counted
  std::uint8_t* ends;     // bulk::Ending
  double* gathered;       // (rows, watches): see bulk::Watch
  std::int32_t* grid;     // (rows, grid_size, P)
  // Asked between launches, with the events so far; true: end now.
  bool (*stop)(void* context, std::uint64_t events);
  void* context;
};

// Both return null, or what is wrong as a text that lives until the thread's next call.
using Probe = const char* (*)();
using Direct = const char* (*)(const DirectCall* call);
inline constexpr char kProbe[] = "petricore_cuda_probe";
inline constexpr char kDirect[] = "petricore_cuda_direct";

}  // namespace petricore::cuda
