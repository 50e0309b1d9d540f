#include "simulate/bulk/lower.hpp"

#include <algorithm>

namespace petricore::bulk {
namespace {

std::uint32_t size_of(const auto& table) { return static_cast<std::uint32_t>(table.size()); }

}  // namespace

Lowered::Lowered(const TimedNet& net, const SimulationOptions& options)
    : options_(options), places_(static_cast<std::uint32_t>(net.net().places())) {
  for (std::size_t t = 0; t < net.net().transitions(); ++t) add_row(net, t);
  if (options.end_when != nullptr) end_when_ = add(*options.end_when);
  for (std::uint32_t i = 0; i < options.observables.size(); ++i) {
    using Measure = Observable::Measure;
    const Observable& observable = options.observables[i];
    Watch watch{};
    watch.transition = observable.transition;
    if (observable.expression) registers_ = std::max(registers_, observable.expression->instructions().size());
    switch (observable.measure) {
      case Measure::kFinal:
        continue;
      case Measure::kTimeAverage:
        watch.gauge = Gauge::kTimeAverage;
        break;
      case Measure::kMaximum:
        watch.gauge = Gauge::kMaximum;
        break;
      case Measure::kMinimum:
        watch.gauge = Gauge::kMinimum;
        break;
      case Measure::kThroughput:
        watch.gauge = Gauge::kThroughput;
        break;
      case Measure::kFirstPassage:
        watch.gauge = Gauge::kFirstPassage;
        break;
      case Measure::kTimeIn:
        watch.gauge = Gauge::kTimeIn;
        break;
    }
    if (observable.expression) add(*observable.expression, watch.code, watch.code_end);
    if (observable.predicate) watch.formula = add(*observable.predicate);
    watches_.push_back(watch);
    watched_.push_back(i);
  }
}

cuda::TableSizes Lowered::sizes() const noexcept {
  return {size_of(rows_),    size_of(immediates_), size_of(least_),   size_of(most_),
          size_of(degrees_), size_of(reactants_),  size_of(effects_), size_of(code_),
          size_of(atoms_),   size_of(terms_),      size_of(watches_)};
}

Program Lowered::program() const noexcept {
  Program program{};
  program.places = places_;
  program.transitions = size_of(rows_);
  program.watches = size_of(watches_);
  program.registers = static_cast<std::uint32_t>(registers_);
  program.rows = rows_.data();
  program.immediates = immediates_.data();
  program.immediate_count = size_of(immediates_);
  program.least = least_.data();
  program.most = most_.data();
  program.degrees = degrees_.data();
  program.reactants = reactants_.data();
  program.effects = effects_.data();
  program.code = code_.data();
  program.atoms = atoms_.data();
  program.terms = terms_.data();
  program.watch = watches_.data();
  program.end_when = end_when_;
  program.count_firings = options_.count_firings;
  program.seed = options_.seed;
  program.until = options_.until;
  program.warmup = options_.warmup;
  program.most_events = std::min(options_.steps, options_.most_events);
  if (options_.record == Record::kGrid) {
    program.grid = options_.grid.data();
    program.grid_size = static_cast<std::uint32_t>(options_.grid.size());
  }
  return program;
}

double Lowered::guard() const noexcept {
  return static_cast<double>(kMaxTokens) - static_cast<double>(kGuardRounds) * largest_gain_;
}

// A sum is less than 2^53 in magnitude, so a constant beyond that decides the same when it is held there.
Formula Lowered::add(const Predicate& predicate) {
  constexpr std::int64_t kLargest = std::int64_t{1} << 53;
  Formula formula{size_of(atoms_), 0};
  for (std::size_t i = 0; i < predicate.atoms().size(); ++i) {
    const Predicate::Atom& from = predicate.atoms()[i];
    Atom atom{size_of(terms_), 0, from.on_true, from.on_false,
              static_cast<double>(std::clamp(from.constant, -kLargest, kLargest))};
    for (const Predicate::Term& term : predicate.terms(i)) {
      terms_.push_back({term.place, static_cast<double>(term.weight)});
    }
    atom.term_end = size_of(terms_);
    atoms_.push_back(atom);
  }
  formula.atom_end = size_of(atoms_);
  return formula;
}

void Lowered::add(const Expression& expression, std::uint32_t& first, std::uint32_t& last) {
  first = size_of(code_);
  for (const Expression::Instruction& step : expression.instructions()) {
    code_.push_back({static_cast<std::uint8_t>(step.op), step.a, step.b, step.c, step.constant});
  }
  last = size_of(code_);
  registers_ = std::max(registers_, expression.instructions().size());
}

void Lowered::add_row(const TimedNet& net, std::size_t t) {
  const TransitionTiming& timing = net.timing(t);
  Row row{};
  row.least = size_of(least_);
  row.most = size_of(most_);
  row.degree = size_of(degrees_);
  row.effect = size_of(effects_);
  row.reactant = size_of(reactants_);
  Count ceiling = timing.servers;
  for (const Link& link : net.net().links(t)) {
    const Count delta = link.delta();
    if (link.input > 0) reactants_.push_back({link.place, static_cast<std::uint32_t>(link.input)});
    if (link.least > 0) least_.push_back({link.place, static_cast<double>(link.least)});
    if (link.most < kMaxTokens) most_.push_back({link.place, static_cast<double>(link.most)});
    if (link.resets) {
      effects_.push_back({link.place, 0, static_cast<double>(link.output)});
      if (!link.admits(link.output)) ceiling = std::min<Count>(ceiling, 1);
    } else if (delta != 0) {
      effects_.push_back({link.place, 1, static_cast<double>(delta)});
      largest_gain_ = std::max(largest_gain_, static_cast<double>(delta));
    }
    // How often t could fire at once is bounded place by place, as in propensity.hpp.
    if (!link.resets && delta < 0) {
      degrees_.push_back({link.place, 1, static_cast<double>(link.least), -static_cast<double>(delta), 1});
    }
    if (link.input > 0 && (link.resets || link.output > 0)) {
      degrees_.push_back({link.place, 1, 0, static_cast<double>(link.input), 0});
    }
    if (!link.resets && delta > 0 && link.most < kMaxTokens) {
      degrees_.push_back({link.place, -1, static_cast<double>(link.most), static_cast<double>(delta), 1});
    }
  }
  row.least_end = size_of(least_);
  row.most_end = size_of(most_);
  row.degree_end = size_of(degrees_);
  row.effect_end = size_of(effects_);
  row.reactant_end = size_of(reactants_);
  row.servers = static_cast<double>(ceiling);
  row.rate = timing.rate;
  if (timing.timing == Timing::kImmediate) {
    row.law = Law::kImmediate;
    row.rate = timing.weight;
    row.priority = static_cast<double>(net.net().spec().priorities[t]);
    immediates_.push_back(static_cast<std::uint32_t>(t));
  } else if (timing.law == RateLaw::kMassAction) {
    row.law = Law::kMassAction;
  } else if (timing.law == RateLaw::kExpression) {
    row.law = Law::kExpression;
    add(net.spec().expressions[timing.expression], row.code, row.code_end);
  } else {
    row.law = ceiling == 1 ? Law::kSingle : Law::kServers;
  }
  rows_.push_back(row);
}

}  // namespace petricore::bulk
