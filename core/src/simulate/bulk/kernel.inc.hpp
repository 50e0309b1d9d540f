// Included once per instruction set with PETRICORE_SIMD set to the name of the level.
//
// The direct method (see direct.cpp) for kLanes replicas at once. Each round every lane computes all its propensities,
// their running sums and its own random numbers, finds the transition whose part of the sum its threshold lies in, and
// applies it under a mask. Sums, thresholds and times are computed by the very operations of the scalar method in the
// very same order, and no file of this folder may contract a product and a sum, so the bits are the same.
//
// No function of another namespace is called from here: an inline function shared with other files could be emitted
// with this file's instruction set and then be linked into theirs.
#include "simulate/bulk/arithmetic.inc.hpp"
#include "simulate/bulk/kernel.hpp"

namespace petricore::bulk::PETRICORE_SIMD {
namespace {

// Masks and numbers of all lanes.
using Masks = Mask[kVectors];
using Reals = Real[kVectors];

// Above this many transitions it is cheaper to apply each lane's firing by itself than every transition to all lanes.
inline constexpr std::uint32_t kMostMasked = 12;

template <class Body>
[[gnu::always_inline]] inline void each(const Body& body) {
#pragma GCC unroll 16
  for (std::size_t v = 0; v < kVectors; ++v) body(v);
}

inline const double* column(const Block& block, std::uint32_t place) { return block.marking + place * kLanes; }

std::uint32_t bits_of(const Masks& masks) {
  std::uint32_t bits = 0;
  for (std::size_t v = 0; v < kVectors; ++v) bits |= bits_of(masks[v]) << (v * kWidth);
  return bits;
}

// Whether a transition may fire.
inline void find_enabled(const Program& program, const Row& row, const Block& block, Masks& enabled) {
  each([&](std::size_t v) { enabled[v] = all_lanes(); });
  for (std::uint32_t i = row.least; i < row.least_end; ++i) {
    const double* counts = column(block, program.least[i].place);
    const Real bound = splat(program.least[i].bound);
    each([&](std::size_t v) { enabled[v] = both(enabled[v], at_most(bound, real(counts, v))); });
  }
  for (std::uint32_t i = row.most; i < row.most_end; ++i) {
    const double* counts = column(block, program.most[i].place);
    const Real bound = splat(program.most[i].bound);
    each([&](std::size_t v) { enabled[v] = both(enabled[v], at_most(real(counts, v), bound)); });
  }
}

// How often it could fire at once. Where it is disabled the result means nothing.
inline void find_degree(const Program& program, const Row& row, const Block& block, Reals& degree) {
  each([&](std::size_t v) { degree[v] = splat(row.servers); });
  for (std::uint32_t i = row.degree; i < row.degree_end; ++i) {
    const DegreeTerm& term = program.degrees[i];
    const double* counts = column(block, term.place);
    if (term.divisor == 1) {
      each([&](std::size_t v) {
        const Real bound = (real(counts, v) - term.anchor) * term.sign + term.bonus;
        degree[v] = smaller(degree[v], bound);
      });
    } else {
      each([&](std::size_t v) {
        const Real bound = floor_of_small((real(counts, v) - term.anchor) * term.sign / term.divisor) + term.bonus;
        degree[v] = smaller(degree[v], bound);
      });
    }
  }
}

// The rate of each lane before it is masked by what is enabled.
inline void find_rate(const Program& program, const Row& row, const double* own, const Block& block, Reals& rate) {
  if (own != nullptr) {
    each([&](std::size_t v) { rate[v] = real(own, v); });
  } else {
    each([&](std::size_t v) { rate[v] = splat(row.rate); });
  }
  switch (row.law) {
    case Law::kSingle:
    case Law::kImmediate:
      break;
    case Law::kServers: {
      Reals degree;
      find_degree(program, row, block, degree);
      each([&](std::size_t v) { rate[v] = rate[v] * degree[v]; });
      break;
    }
    case Law::kMassAction:
      for (std::uint32_t i = row.reactant; i < row.reactant_end; ++i) {
        const double* counts = column(block, program.reactants[i].place);
        const std::uint32_t weight = program.reactants[i].weight;
        if (weight == 1) {
          each([&](std::size_t v) { rate[v] = rate[v] * real(counts, v); });
        } else {
          each([&](std::size_t v) { rate[v] = rate[v] * combinations(real(counts, v), weight); });
        }
      }
      break;
    case Law::kExpression: {
      const double* value = evaluate(program.code + row.code, row.code_end - row.code, block.marking, block.registers);
      each([&](std::size_t v) { rate[v] = rate[v] * real(value, v); });
      break;
    }
  }
}

// Which lanes a formula holds in.
void find_holding(const Program& program, const Formula& formula, const Block& block, Masks& holds) {
  Mask reached[kMostAtoms + 2][kVectors];
  const std::uint32_t size = formula.atom_end - formula.atom;
  for (std::uint32_t i = 0; i < size + 2; ++i) {
    each([&](std::size_t v) { reached[i][v] = i == 0 ? all_lanes() : no_lane(); });
  }
  for (std::uint32_t i = 0; i < size; ++i) {
    const Atom& atom = program.atoms[formula.atom + i];
    Reals sum;
    each([&](std::size_t v) { sum[v] = Real{}; });
    for (std::uint32_t k = atom.term; k < atom.term_end; ++k) {
      const double* counts = column(block, program.terms[k].place);
      const double weight = program.terms[k].weight;
      each([&](std::size_t v) { sum[v] = sum[v] + real(counts, v) * weight; });
    }
    each([&](std::size_t v) {
      const Mask yes = at_most(sum[v], splat(atom.constant));
      reached[atom.on_true][v] = either(reached[atom.on_true][v], both(reached[i][v], yes));
      reached[atom.on_false][v] = either(reached[atom.on_false][v], without(reached[i][v], yes));
    });
  }
  each([&](std::size_t v) { holds[v] = reached[size][v]; });
}

// What the marking of this round adds to what is watched. `step` holds the time at which each lane leaves it.
void watch(const Program& program, Block& block, const Masks& fires) {
  for (std::uint32_t w = 0; w < program.watches; ++w) {
    const Watch& watch = program.watch[w];
    double* gathered = block.observed + w * kLanes;
    Masks holds;
    const double* value = nullptr;
    if (watch.formula.atom_end > watch.formula.atom) find_holding(program, watch.formula, block, holds);
    if (watch.code_end > watch.code) {
      value = evaluate(program.code + watch.code, watch.code_end - watch.code, block.marking, block.registers);
    }
    each([&](std::size_t v) {
      Real& into = real(gathered, v);
      const Real now = real(block.time, v), next = real(block.step, v);
      const Real from = larger(now, splat(program.warmup));
      const Mask counted = both(fires[v], less(from, next));
      switch (watch.gauge) {
        case Gauge::kTimeAverage:
          into = choose(counted, into + real(value, v) * (next - from), into);
          break;
        case Gauge::kTimeIn:
          into = choose(both(counted, holds[v]), into + (next - from), into);
          break;
        case Gauge::kMaximum:
          into = choose(at_most(real(value, v), into), into, real(value, v));
          break;
        case Gauge::kMinimum:
          into = choose(at_most(into, real(value, v)), into, real(value, v));
          break;
        case Gauge::kFirstPassage:
          into = choose(both(holds[v], less(now, into)), now, into);
          break;
        case Gauge::kThroughput: {
          const double* sums = block.sums + watch.transition * kLanes;
          const Real threshold = real(block.draw, v);
          Mask fired = less(threshold, real(sums, v));
          if (watch.transition > 0) fired = without(fired, less(threshold, real(sums - kLanes, v)));
          into = add_where(both(fired, at_most(splat(program.warmup), next)), into, splat(1.0));
          break;
        }
      }
    });
  }
}

// Fires in each lane the transition its threshold lies in, every transition in all lanes that chose it.
inline void fire_masked(const Program& program, Block& block) {
  Masks before;
  each([&](std::size_t v) { before[v] = no_lane(); });
  for (std::uint32_t t = 0; t < program.transitions; ++t) {
    const Row& row = program.rows[t];
    const double* sums = block.sums + t * kLanes;
    Masks chosen;
    each([&](std::size_t v) {
      const Mask beyond = less(real(block.draw, v), real(sums, v));
      chosen[v] = without(beyond, before[v]);
      before[v] = beyond;
    });
    for (std::uint32_t i = row.effect; i < row.effect_end; ++i) {
      const Effect& effect = program.effects[i];
      double* counts = block.marking + effect.place * kLanes;
      const Real change = splat(effect.change);
      if (effect.keep != 0) {
        each([&](std::size_t v) { real(counts, v) = add_where(chosen[v], real(counts, v), change); });
      } else {
        each([&](std::size_t v) { real(counts, v) = choose(chosen[v], change, real(counts, v)); });
      }
    }
    if (program.count_firings) {
      std::uint64_t* firings = block.firings + t * kLanes;
      each([&](std::size_t v) { word(firings, v) = add_where(chosen[v], word(firings, v), splat(std::uint64_t{1})); });
    }
  }
}

// The same, lane by lane: the transitions whose running sum is not beyond the threshold are counted.
inline void fire_each(const Program& program, Block& block) {
  Reals below;
  each([&](std::size_t v) { below[v] = Real{}; });
  for (std::uint32_t t = 0; t < program.transitions; ++t) {
    const double* sums = block.sums + t * kLanes;
    each([&](std::size_t v) {
      below[v] = add_where(at_most(real(sums, v), real(block.draw, v)), below[v], splat(1.0));
    });
  }
  alignas(64) double chosen[kLanes];
  each([&](std::size_t v) { real(chosen, v) = below[v]; });
  for (std::size_t l = 0; l < kLanes; ++l) {
    const auto t = static_cast<std::uint32_t>(chosen[l]);
    if (t >= program.transitions) continue;  // this lane does not fire
    const Row& row = program.rows[t];
    for (std::uint32_t i = row.effect; i < row.effect_end; ++i) {
      const Effect& effect = program.effects[i];
      double& count = block.marking[effect.place * kLanes + l];
      count = count * effect.keep + effect.change;
    }
    if (program.count_firings) ++block.firings[t * kLanes + l];
  }
}

std::uint32_t lanes_beyond_guard(const Program& program, const Block& block) {
  Masks beyond;
  each([&](std::size_t v) { beyond[v] = no_lane(); });
  for (std::uint32_t p = 0; p < program.places; ++p) {
    each([&](std::size_t v) { beyond[v] = either(beyond[v], less(splat(block.guard), real(column(block, p), v))); });
  }
  return bits_of(beyond);
}

Stopped run(const Program& program, Block& block, std::uint64_t rounds) {
  constexpr double kInfinity = __builtin_inf();
  const Real until = splat(program.until);
  const bool has_condition = program.end_when.atom_end > program.end_when.atom;
  Stopped stopped;
  Masks active;
  each([&](std::size_t v) { active[v] = nonzero(word(block.active, v)); });
  const std::uint32_t active_bits = bits_of(active);

  while (rounds-- > 0) {
    Masks open;  // neither ended by its condition nor by its limit
    each([&](std::size_t v) { open[v] = active[v]; });
    if (has_condition) {
      Masks holds;
      find_holding(program, program.end_when, block, holds);
      stopped.condition = bits_of(holds) & active_bits;
      each([&](std::size_t v) { open[v] = without(open[v], holds[v]); });
    }
    {
      Masks limit;
      each([&](std::size_t v) {
        limit[v] = both(open[v], at_least(word(block.events, v), splat(program.most_events)));
        open[v] = without(open[v], limit[v]);
      });
      stopped.limit = bits_of(limit);
    }

    // The highest priority of an enabled immediate transition.
    Reals priority;
    Masks vanishing;
    each([&](std::size_t v) {
      priority[v] = splat(-kInfinity);
      vanishing[v] = no_lane();
    });
    if (program.immediate_count > 0) {
      for (std::uint32_t i = 0; i < program.immediate_count; ++i) {
        const Row& row = program.rows[program.immediates[i]];
        Masks enabled;
        find_enabled(program, row, block, enabled);
        each([&](std::size_t v) {
          priority[v] = choose(enabled[v], larger(priority[v], splat(row.priority)), priority[v]);
        });
      }
      each([&](std::size_t v) { vanishing[v] = less(splat(-kInfinity), priority[v]); });
    }

    Reals sum;
    Masks bad;
    each([&](std::size_t v) {
      sum[v] = Real{};
      bad[v] = no_lane();
    });
    for (std::uint32_t t = 0; t < program.transitions; ++t) {
      const Row& row = program.rows[t];
      double* sums = block.sums + t * kLanes;
      Masks enabled;
      Reals rate;
      find_enabled(program, row, block, enabled);
      find_rate(program, row, block.rates == nullptr ? nullptr : block.rates + t * kLanes, block, rate);
      if (row.law == Law::kImmediate) {
        each([&](std::size_t v) { enabled[v] = both(enabled[v], equal(priority[v], splat(row.priority))); });
      } else {
        if (row.law == Law::kExpression || program.immediate_count > 0) {
          each([&](std::size_t v) {
            const Mask good = both(at_most(Real{}, rate[v]), less(rate[v], splat(kInfinity)));
            bad[v] = either(bad[v], without(enabled[v], good));
            enabled[v] = without(enabled[v], vanishing[v]);
          });
        }
      }
      each([&](std::size_t v) {
        sum[v] = sum[v] + where(enabled[v], rate[v]);
        real(sums, v) = sum[v];
      });
    }

    Numbers drawn[kVectors];
    for (std::size_t v = 0; v < kVectors; v += kDrawn) {
      draw(program.seed, &word(block.replica, v), &word(block.events, v), drawn + v);
    }
    Masks fires, dead, late;
    each([&](std::size_t v) {
      const Real total = sum[v];
      Real wait = -natural_log(drawn[v].open) / total;
      if (program.immediate_count > 0) wait = where(without(all_lanes(), vanishing[v]), wait);
      const Real next = real(block.time, v) + wait;
      const Real threshold = drawn[v].below * total;
      // A bad rate counts even where the replica has ended. A threshold that is not below the sum is of one so small
      // that it has few bits; a time that is not finite is of one too.
      bad[v] = both(active[v], either(bad[v], without(all_lanes(), less(total, splat(kInfinity)))));
      dead[v] = without(both(open[v], equal(total, Real{})), bad[v]);
      const Mask sound = both(less(threshold, total), less(next, splat(kInfinity)));
      bad[v] = either(bad[v], without(open[v], either(dead[v], sound)));
      late[v] = without(both(open[v], less(until, next)), either(bad[v], dead[v]));
      fires[v] = without(open[v], either(either(dead[v], late[v]), bad[v]));
      real(block.step, v) = next;
      real(block.draw, v) = choose(fires[v], threshold, splat(kInfinity));
    });
    stopped.dead = bits_of(dead);
    stopped.time = bits_of(late);
    stopped.odd = bits_of(bad);

    if (program.watches > 0) watch(program, block, fires);
    if (program.grid_size > 0) {
      Masks crossing;
      each([&](std::size_t v) { crossing[v] = both(fires[v], less(real(block.next_grid, v), real(block.step, v))); });
      for (std::uint32_t rest = bits_of(crossing); rest != 0; rest &= rest - 1) {
        const auto lane = static_cast<std::size_t>(__builtin_ctz(rest));
        block.write_grid(block.context, lane, block.step[lane]);
      }
    }

    if (program.transitions <= kMostMasked) {
      fire_masked(program, block);
    } else {
      fire_each(program, block);
    }
    each([&](std::size_t v) {
      real(block.time, v) = choose(fires[v], real(block.step, v), real(block.time, v));
      word(block.events, v) = add_where(fires[v], word(block.events, v), splat(std::uint64_t{1}));
    });
    if (program.immediate_count > 0) {
      Masks tired;
      each([&](std::size_t v) {
        Word& streak = word(block.streak, v);
        streak = where(vanishing[v], streak + splat(std::uint64_t{1}));
        tired[v] = both(fires[v], at_least(streak, splat(kLongStreak)));
      });
      stopped.odd |= bits_of(tired);
    }
    if (++block.rounds >= kGuardRounds) {
      block.rounds = 0;
      stopped.odd |= lanes_beyond_guard(program, block) & active_bits;
    }
    if (stopped.any() != 0) break;
  }
  return stopped;
}

}  // namespace

extern const Kernel kKernel;
const Kernel kKernel{PETRICORE_SIMD_NAME,
                     kWidth == 8   ? 12
                     : kWidth == 4 ? 16
                                   : 32,
                     kWidth == 8   ? 768
                     : kWidth == 4 ? 192
                                   : 12,
                     run};

}  // namespace petricore::bulk::PETRICORE_SIMD
