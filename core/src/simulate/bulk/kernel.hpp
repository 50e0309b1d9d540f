// The direct method over replicas side by side, chosen once per process by what the CPU can do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "simulate/bulk/program.hpp"

namespace petricore::bulk {

inline constexpr std::size_t kLanes = 32;

// Of a formula; one with more is left to the scalar method.
inline constexpr std::size_t kMostAtoms = 30;

// The replicas of one thread, lane-minor: lane l of place p is marking[p * kLanes + l]. Owned by the caller; every
// array is aligned to 64 bytes.
struct Block {
  double* marking;         // (P, kLanes)
  double* rates;           // (T, kLanes): the rate of each lane's own point; null: that of the row
  double* sums;            // (T, kLanes): the running sums of a round
  std::uint64_t* firings;  // (T, kLanes), if counted
  double* registers;       // (registers, kLanes)
  double* observed;        // (watches, kLanes): what each watch has gathered
  double* time;            // (kLanes,), as all below
  double* next_grid;       // the first grid time not yet written; infinite: none
  std::uint64_t* events;
  std::uint64_t* replica;  // whose numbers are drawn
  std::uint64_t* streak;   // immediate firings in a row
  std::uint64_t* active;   // all ones, or 0 for a lane without a replica
  double* step;            // what a round hands to its next phase: how long each lane waits,
  double* draw;            // and where its threshold lies
  double guard;            // see Lowered::guard()
  std::uint64_t rounds;    // since the last look
  // Writes the grid rows of a lane that are earlier than `time`, and sets next_grid. Called with the marking in force.
  void (*write_grid)(void* context, std::size_t lane, double time);
  void* context;
};

// What stopped each lane, as bits. A lane in none goes on.
struct Stopped {
  std::uint32_t condition = 0, limit = 0, dead = 0, time = 0;
  std::uint32_t odd = 0;  // something the lanes do not handle: the scalar method runs this replica from its start

  std::uint32_t any() const noexcept { return condition | limit | dead | time | odd; }
};

struct Kernel {
  const char* level;
  // With fewer replicas too many lanes are empty. And lanes compute all rates for each event, the scalar method only
  // those that change, so it wins beyond a number of transitions. Both measured, on rings of machines.
  std::size_t least_replicas, most_transitions;
  // Runs at most `rounds` events per lane, and returns as soon as a lane stops. A stopped lane has not fired.
  Stopped (*run)(const Program& program, Block& block, std::uint64_t rounds);
};

// The level in use, as simd::kernels().
const Kernel& kernel() noexcept;

// All that this machine can run, the baseline first.
std::vector<const Kernel*> kernels();

// What Expression::evaluate calls, one lane at a time.
double power_of(double base, double exponent) noexcept;
double exponential_of(double x) noexcept;
double logarithm_of(double x) noexcept;
double floor_of(double x) noexcept;

}  // namespace petricore::bulk
