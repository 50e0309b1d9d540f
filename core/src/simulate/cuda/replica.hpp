// The direct method for one replica, one event at a time: the twin of bulk/kernel.inc.hpp for devices on which a lane
// is a thread. The same source is compiled for the GPU and, as a stand-in for tests, for the CPU; the operations and
// their order are those of the scalar method, so the bits are the same (no product is contracted with a sum).
#pragma once

#include <cstdint>
#include <limits>

#include "petricore/expression.hpp"
#include "petricore/philox.hpp"
#include "simulate/cuda/direct.hpp"
#include "simulate/natural_log.hpp"

#if defined(__CUDACC__)
#define PETRICORE_BOTH __host__ __device__ inline
#else
#define PETRICORE_BOTH inline
#endif

namespace petricore::cuda {

using bulk::Ending;

// All threads' replicas, thread-minor, so that neighbouring threads read neighbouring numbers.
struct State {
  std::uint64_t threads;
  double* marking;        // (P, threads)
  double* sums;           // (T, threads)
  double* registers;      // (registers, threads)
  double* gathered;       // (watches, threads)
  std::int64_t* firings;  // (T, threads), or null
  double* time;           // (threads,), as all below
  std::uint64_t* events;
  std::uint64_t* row;  // of the batch; kNoRow: none
  std::uint64_t* streak;
  std::uint32_t* grid_next;
};
inline constexpr std::uint64_t kNoRow = ~std::uint64_t{0};

// One thread's view of a column.
template <class T>
struct Column {
  T* first;
  std::uint64_t stride;
  PETRICORE_BOTH T& operator[](std::uint64_t i) const { return first[i * stride]; }
};

struct Replica {
  const DirectCall& call;
  const bulk::Program& program;
  Column<double> marking, sums, registers, gathered;
  Column<std::int64_t> firings;
  double time;
  std::uint64_t events, row, streak;
  std::uint32_t grid_next;
  const double* rates;    // of the point, or null
  std::uint64_t numbers;  // whose numbers are drawn

  PETRICORE_BOTH Replica(const DirectCall& the_call, const State& state, std::uint64_t thread)
      : call(the_call),
        program(the_call.program),
        marking{state.marking + thread, state.threads},
        sums{state.sums + thread, state.threads},
        registers{state.registers + thread, state.threads},
        gathered{state.gathered + thread, state.threads},
        firings{state.firings == nullptr ? nullptr : state.firings + thread, state.threads} {
    time = state.time[thread];
    events = state.events[thread];
    row = state.row[thread];
    streak = state.streak[thread];
    grid_next = state.grid_next[thread];
    if (row != kNoRow) aim();
  }

  PETRICORE_BOTH void save(const State& state, std::uint64_t thread) const {
    state.time[thread] = time;
    state.events[thread] = events;
    state.row[thread] = row;
    state.streak[thread] = streak;
    state.grid_next[thread] = grid_next;
  }

  PETRICORE_BOTH void aim() {
    const std::uint64_t all = call.first_row + row;
    numbers = call.first_replica + all % call.replicas;
    rates = call.rates == nullptr ? nullptr : call.rates + all / call.replicas * program.transitions;
  }

  // Starts a row; false if the scalar method has to run it.
  PETRICORE_BOTH bool start(std::uint64_t new_row) {
    row = new_row;
    aim();
    const std::uint64_t replica = (call.first_row + row) % call.replicas;
    const std::int32_t* initial = call.initial + (call.one_initial ? 0 : replica * program.places);
    bool admitted = true;
    for (std::uint32_t p = 0; p < program.places; ++p) {
      marking[p] = initial[p];
      admitted = admitted && marking[p] <= call.guard;
    }
    if (firings.first != nullptr) {
      for (std::uint32_t t = 0; t < program.transitions; ++t) firings[t] = 0;
    }
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    for (std::uint32_t w = 0; w < program.watches; ++w) {
      const bulk::Gauge gauge = program.watch[w].gauge;
      gathered[w] = gauge == bulk::Gauge::kMaximum                                          ? -kInfinity
                    : gauge == bulk::Gauge::kMinimum || gauge == bulk::Gauge::kFirstPassage ? kInfinity
                                                                                            : 0;
    }
    time = 0;
    events = 0;
    streak = 0;
    grid_next = 0;
    return admitted;
  }

  PETRICORE_BOTH void finish(Ending ending) {
    for (std::uint32_t p = 0; p < program.places; ++p) {
      call.final[row * program.places + p] = static_cast<std::int32_t>(marking[p]);
    }
    call.times[row] = time;
    call.events[row] = events;
    call.ends[row] = static_cast<std::uint8_t>(ending);
    if (firings.first != nullptr) {
      for (std::uint32_t t = 0; t < program.transitions; ++t) call.firings[row * program.transitions + t] = firings[t];
    }
    for (std::uint32_t w = 0; w < program.watches; ++w) call.gathered[row * program.watches + w] = gathered[w];
    write_grid(std::numeric_limits<double>::infinity());
    row = kNoRow;
  }

  PETRICORE_BOTH void write_grid(double until) {
    for (; grid_next < program.grid_size && program.grid[grid_next] < until; ++grid_next) {
      std::int32_t* into = call.grid + (row * program.grid_size + grid_next) * program.places;
      for (std::uint32_t p = 0; p < program.places; ++p) into[p] = static_cast<std::int32_t>(marking[p]);
    }
  }

  PETRICORE_BOTH bool is_enabled(const bulk::Row& transition) const {
    bool enabled = true;
    for (std::uint32_t i = transition.least; i < transition.least_end; ++i) {
      enabled = enabled && program.least[i].bound <= marking[program.least[i].place];
    }
    for (std::uint32_t i = transition.most; i < transition.most_end; ++i) {
      enabled = enabled && marking[program.most[i].place] <= program.most[i].bound;
    }
    return enabled;
  }

  // Of an enabled transition.
  PETRICORE_BOTH double rate_of(const bulk::Row& transition, double rate) const {
    switch (transition.law) {
      case bulk::Law::kServers: {
        double degree = transition.servers;
        for (std::uint32_t i = transition.degree; i < transition.degree_end; ++i) {
          const bulk::DegreeTerm& term = program.degrees[i];
          const double room = (marking[term.place] - term.anchor) * term.sign;
          // Both fit int64, and the quotient of int32 values is exact in its integer part.
          const double bound = static_cast<double>(static_cast<std::int64_t>(room / term.divisor)) + term.bonus;
          degree = bound < degree ? bound : degree;
        }
        return rate * degree;
      }
      case bulk::Law::kMassAction:
        for (std::uint32_t i = transition.reactant; i < transition.reactant_end; ++i) {
          const double count = marking[program.reactants[i].place];
          double ways = count;
          for (std::uint32_t k = 1; k < program.reactants[i].weight; ++k) {
            ways = ways * (count - static_cast<double>(k)) / static_cast<double>(k + 1);
          }
          rate = rate * ways;
        }
        return rate;
      case bulk::Law::kExpression:
        return rate * evaluate(transition.code, transition.code_end);
      default:
        return rate;
    }
  }

  PETRICORE_BOTH double evaluate(std::uint32_t code, std::uint32_t code_end) const {
    using Op = Expression::Op;
    double last = 0;
    for (std::uint32_t i = code; i < code_end; ++i) {
      const bulk::Instruction& step = program.code[i];
      const auto op = static_cast<Op>(step.op);
      if (op == Op::kConstant) {
        last = step.constant;
      } else if (op == Op::kTokens) {
        last = marking[step.a];
      } else {
        last = apply(op, registers[step.a], registers[step.b], registers[step.c]);
      }
      registers[i - code] = last;
    }
    return last;
  }

  // Powers, exponentials and logarithms are the C library's, so a device has none with its bits: see suits().
  PETRICORE_BOTH static double apply(Expression::Op op, double a, double b, double c) {
    using Op = Expression::Op;
    switch (op) {
      case Op::kAdd:
        return a + b;
      case Op::kSubtract:
        return a - b;
      case Op::kMultiply:
        return a * b;
      case Op::kDivide:
        return a / b;
      case Op::kNegate:
        return -a;
      case Op::kMinimum:
        return a < b || a != a ? a : b;
      case Op::kMaximum:
        return b < a || a != a ? a : b;
      case Op::kSquareRoot:
        return __builtin_sqrt(a);
      case Op::kFloor:
        return __builtin_floor(a);
      case Op::kAbsolute:
        return __builtin_fabs(a);
      case Op::kLess:
        return a < b ? 1 : 0;
      case Op::kLessEqual:
        return a <= b ? 1 : 0;
      case Op::kEqual:
        return a == b ? 1 : 0;
      case Op::kAnd:
        return a != 0 && b != 0 ? 1 : 0;
      case Op::kOr:
        return a != 0 || b != 0 ? 1 : 0;
      case Op::kNot:
        return a == 0 ? 1 : 0;
      case Op::kSelect:
        return a != 0 ? b : c;
      default:
        return 0;
    }
  }

  PETRICORE_BOTH bool holds(const bulk::Formula& formula) const {
    const std::uint32_t size = formula.atom_end - formula.atom;
    std::uint32_t at = 0;
    while (at < size) {
      const bulk::Atom& atom = program.atoms[formula.atom + at];
      double sum = 0;
      for (std::uint32_t i = atom.term; i < atom.term_end; ++i) {
        sum = sum + marking[program.terms[i].place] * program.terms[i].weight;
      }
      at = sum <= atom.constant ? atom.on_true : atom.on_false;
    }
    return at == size;
  }

  // What the marking in force until `next` adds to what is watched.
  PETRICORE_BOTH void watch(std::uint32_t fired, double next) const {
    const double from = time < program.warmup ? program.warmup : time;
    for (std::uint32_t w = 0; w < program.watches; ++w) {
      const bulk::Watch& watch = program.watch[w];
      double& into = gathered[w];
      switch (watch.gauge) {
        case bulk::Gauge::kTimeAverage:
          if (from < next) into = into + evaluate(watch.code, watch.code_end) * (next - from);
          break;
        case bulk::Gauge::kTimeIn:
          if (from < next && holds(watch.formula)) into = into + (next - from);
          break;
        case bulk::Gauge::kMaximum: {
          const double value = evaluate(watch.code, watch.code_end);
          if (!(value <= into)) into = value;
          break;
        }
        case bulk::Gauge::kMinimum: {
          const double value = evaluate(watch.code, watch.code_end);
          if (!(into <= value)) into = value;
          break;
        }
        case bulk::Gauge::kFirstPassage:
          if (time < into && holds(watch.formula)) into = time;
          break;
        case bulk::Gauge::kThroughput:
          if (fired == watch.transition && program.warmup <= next) into = into + 1;
          break;
      }
    }
  }

  PETRICORE_BOTH Ending step() {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const bool condition = program.end_when.atom < program.end_when.atom_end && holds(program.end_when);

    double priority = -kInfinity;
    for (std::uint32_t i = 0; i < program.immediate_count; ++i) {
      const bulk::Row& transition = program.rows[program.immediates[i]];
      if (priority < transition.priority && is_enabled(transition)) priority = transition.priority;
    }
    const bool vanishing = -kInfinity < priority;

    double total = 0;
    bool bad = false;
    for (std::uint32_t t = 0; t < program.transitions; ++t) {
      const bulk::Row& transition = program.rows[t];
      if (is_enabled(transition)) {
        if (transition.law == bulk::Law::kImmediate) {
          if (transition.priority == priority) total = total + transition.rate;
        } else {
          const double rate = rate_of(transition, rates == nullptr ? transition.rate : rates[t]);
          bad = bad || !(0 <= rate && rate < kInfinity);
          if (!vanishing) total = total + rate;
        }
      }
      sums[t] = total;
    }
    // A bad rate counts even where the replica has ended.
    if (bad || !(total < kInfinity)) return Ending::kOdd;
    if (condition) return Ending::kCondition;
    if (events >= program.most_events) return Ending::kLimit;
    if (total == 0) return Ending::kDead;

    const PhiloxBlock block = block_of(program.seed, numbers, events);
    const double wait = vanishing ? 0 : -natural_log(open_unit(block)) / total;
    const double threshold = unit(block) * total;
    const double next = time + wait;
    if (!(threshold < total && next < kInfinity)) return Ending::kOdd;
    if (program.until < next) return Ending::kTime;

    std::uint32_t fired = 0;
    while (!(threshold < sums[fired])) ++fired;
    watch(fired, next);
    write_grid(next);
    const bulk::Row& transition = program.rows[fired];
    for (std::uint32_t i = transition.effect; i < transition.effect_end; ++i) {
      const bulk::Effect& effect = program.effects[i];
      marking[effect.place] = marking[effect.place] * effect.keep + effect.change;
    }
    if (firings.first != nullptr) ++firings[fired];
    time = next;
    ++events;
    streak = vanishing ? streak + 1 : 0;
    if (streak >= bulk::kLongStreak) return Ending::kOdd;
    if (events % bulk::kGuardRounds == 0) {
      for (std::uint32_t p = 0; p < program.places; ++p) {
        if (call.guard < marking[p]) return Ending::kOdd;
      }
    }
    return Ending::kRunning;
  }
};

// What a thread does in one launch: at most `budget` events, of one row after the other, which `take` hands out.
template <class Take>
PETRICORE_BOTH std::uint64_t run_thread(const DirectCall& call, const State& state, std::uint64_t thread,
                                        std::uint64_t budget, const Take& take) {
  Replica replica(call, state, thread);
  std::uint64_t fired = 0;
  for (std::uint64_t i = 0; i < budget; ++i) {
    Ending ending = Ending::kRunning;
    if (replica.row == kNoRow) {
      const std::uint64_t row = take();
      if (row >= call.rows) break;
      if (!replica.start(row)) ending = Ending::kOdd;
    }
    if (ending == Ending::kRunning) {
      const std::uint64_t before = replica.events;
      ending = replica.step();
      fired += replica.events - before;
    }
    if (ending != Ending::kRunning) replica.finish(ending);
  }
  replica.save(state, thread);
  return fired;
}

}  // namespace petricore::cuda
