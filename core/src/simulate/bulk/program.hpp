// A timed net flattened for kernels: plain arrays of plain numbers, read alike by the lanes of a CPU and of a GPU.
//
// All counts are doubles: an int32 is exact in one, a test or a change of it is too, and no lane converts anything.
#pragma once

#include <cstdint>

namespace petricore::bulk {

// Events of a replica between two looks for counts that come near the limit of a place.
inline constexpr std::uint64_t kGuardRounds = 256;

// What fired immediately so often in a row is left to the scalar method, which knows what a loop is.
inline constexpr std::uint64_t kLongStreak = 4096;

// count >= bound, or count <= bound.
struct Test {
  std::uint32_t place;
  double bound;
};

// An upper bound on the enabling degree, as simd::DegreeTerm: floor((sign * (count - anchor)) / divisor) + bonus.
struct DegreeTerm {
  std::uint32_t place;
  double sign, anchor, divisor, bonus;
};

// count choose weight, in mass action.
struct Reactant {
  std::uint32_t place;
  std::uint32_t weight;
};

// The count becomes keep * count + change: keep is 0 where the place is emptied, else 1.
struct Effect {
  std::uint32_t place;
  double keep, change;
};

enum class Law : std::uint8_t { kSingle, kServers, kMassAction, kExpression, kImmediate };

// Half-open ranges of the tables below.
struct Row {
  Law law;
  std::uint32_t least, least_end, most, most_end;
  std::uint32_t degree, degree_end;      // kServers
  std::uint32_t reactant, reactant_end;  // kMassAction
  std::uint32_t effect, effect_end;
  std::uint32_t code, code_end;  // kExpression
  double servers;                // kServers: the ceiling of the degree
  double priority;               // kImmediate
  double rate;                   // the weight, if kImmediate
};

// An instruction of petricore::Expression; op is Expression::Op.
struct Instruction {
  std::uint8_t op;
  std::uint32_t a, b, c;
  double constant;
};

// An atom of petricore::Predicate. The sums are exact in double (see suits()).
struct Atom {
  std::uint32_t term, term_end, on_true, on_false;
  double constant;
};
struct Term {
  std::uint32_t place;
  double weight;
};
// Atoms first .. end of `atoms`; their jumps count from `first`.
struct Formula {
  std::uint32_t atom, atom_end;
};

enum class Gauge : std::uint8_t { kTimeAverage, kMaximum, kMinimum, kThroughput, kFirstPassage, kTimeIn };

// An observable that has to be looked at while a replica runs.
struct Watch {
  Gauge gauge;
  std::uint32_t transition;      // kThroughput
  std::uint32_t code, code_end;  // the expression
  Formula formula;
};

// How a replica ended, or that the scalar method has to run it; kRunning while it runs.
enum class Ending : std::uint8_t { kRunning, kTime, kLimit, kDead, kCondition, kOdd };

struct Program {
  std::uint32_t places, transitions, watches, registers;
  const Row* rows;
  const std::uint32_t* immediates;  // the immediate transitions
  std::uint32_t immediate_count;
  const Test* least;
  const Test* most;
  const DegreeTerm* degrees;
  const Reactant* reactants;
  const Effect* effects;
  const Instruction* code;
  const Atom* atoms;
  const Term* terms;
  const Watch* watch;
  Formula end_when;  // empty: none
  bool count_firings;

  std::uint64_t seed;
  double until, warmup;
  std::uint64_t most_events;  // the lesser of `steps` and the limit on events
  const double* grid;
  std::uint32_t grid_size;
};

}  // namespace petricore::bulk
