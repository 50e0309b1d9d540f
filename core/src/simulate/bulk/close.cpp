#include "simulate/bulk/close.hpp"

#include <algorithm>
#include <limits>

namespace petricore::bulk {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

ReplicaEnd told(Ending ending, const SimulationOptions& options) {
  switch (ending) {
    case Ending::kTime:
      return ReplicaEnd::kTime;
    case Ending::kLimit:
      return options.steps <= options.most_events ? ReplicaEnd::kSteps : ReplicaEnd::kEventLimit;
    case Ending::kDead:
      return ReplicaEnd::kDead;
    default:
      return ReplicaEnd::kCondition;
  }
}

}  // namespace

void close(const Lowered& lowered, const SimulationOptions& options, Ending ending, const double* gathered,
           double* registers, std::uint64_t row, SimulationResult& result) {
  const double last_event = result.times[row];
  if (ending == Ending::kTime) result.times[row] = options.until;
  result.ends[row] = told(ending, options);

  const auto observables = options.observables;
  if (observables.empty()) return;
  const Program program = lowered.program();
  const Count* marking = result.final.data() + row * program.places;
  double* into = result.observed.data() + row * observables.size();
  for (std::size_t i = 0; i < observables.size(); ++i) {
    if (observables[i].measure == Observable::Measure::kFinal) {
      into[i] = observables[i].expression->evaluate(marking, registers);
    }
  }
  // A dead marking stays for ever: up to `until`, if that is finite.
  const bool stays = ending == Ending::kDead && options.until < kNever;
  const double end = stays ? options.until : result.times[row];
  const double from = std::max(last_event, options.warmup);
  const double span = end - options.warmup;
  for (std::size_t w = 0; w < program.watches; ++w) {
    const std::uint32_t i = lowered.watched()[w];
    const Observable& observable = observables[i];
    double total = gathered[w];
    const double value = observable.expression ? observable.expression->evaluate(marking, registers) : 0;
    const bool holds = observable.predicate && observable.predicate->holds(marking);
    switch (program.watch[w].gauge) {
      case Gauge::kTimeAverage:
        if (end > from) total += value * (end - from);
        break;
      case Gauge::kTimeIn:
        if (end > from && holds) total += end - from;
        break;
      case Gauge::kMaximum:
        if (!(value <= total)) total = value;
        break;
      case Gauge::kMinimum:
        if (!(value >= total)) total = value;
        break;
      case Gauge::kFirstPassage:
        if (holds && total == kNever) total = last_event;
        break;
      case Gauge::kThroughput:
        break;
    }
    switch (program.watch[w].gauge) {
      case Gauge::kTimeAverage:
      case Gauge::kTimeIn:
      case Gauge::kThroughput:
        into[i] = span > 0 ? total / span : std::numeric_limits<double>::quiet_NaN();
        break;
      default:
        into[i] = total;
    }
  }
}

}  // namespace petricore::bulk
