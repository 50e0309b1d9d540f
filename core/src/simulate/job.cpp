#include "simulate/job.hpp"

#include <algorithm>

namespace petricore {
namespace {

bool meets(const std::vector<std::uint8_t>& looked_at, std::span<const Job::Effect> effects) {
  return std::ranges::any_of(effects, [&](const Job::Effect& effect) { return looked_at[effect.place] != 0; });
}

void look(std::vector<std::uint8_t>& looked_at, const Predicate& predicate) {
  for (std::size_t atom = 0; atom < predicate.atoms().size(); ++atom) {
    for (const Predicate::Term& term : predicate.terms(atom)) looked_at[term.place] = 1;
  }
}

}  // namespace

Job::Job(const TimedNet& timed_, const SimulationOptions& options_, SimulationResult& result_)
    : timed(timed_),
      options(options_),
      result(result_),
      places(timed.net().places()),
      transitions(timed.net().transitions()),
      rows(options.replicas *
           (options.rates.empty() ? 1 : options.rates.size() / std::max<std::size_t>(transitions, 1))),
      chunk(std::clamp<std::size_t>(rows / 1024, 1, 1024)),
      rates(transitions),
      ends(transitions, 0),
      plain(options.record == Record::kFinal && options.observables.empty() && options.end_when == nullptr) {
  std::vector<Effect> changed, restarted;
  std::vector<std::uint32_t> timed_row, immediate_row;
  for (std::size_t t = 0; t < transitions; ++t) {
    changed.clear();
    restarted.clear();
    for (const Link& link : timed.net().links(t)) {
      if (link.resets) {
        restarted.push_back({link.place, link.output});
      } else if (link.delta() != 0) {
        changed.push_back({link.place, link.delta()});
      }
    }
    effects.append(changed);
    restarts.append(restarted);
    timed_row.clear();
    immediate_row.clear();
    for (const std::uint32_t u : timed.affected(t)) {
      if (timed.timing(u).timing == Timing::kExponential) timed_row.push_back(u);
      if (timed.timing(u).timing == Timing::kImmediate) immediate_row.push_back(u);
    }
    exponential.append(timed_row);
    immediate.append(immediate_row);
    rates[t] = timed.timing(t).rate;
    plans.push_back(plan_of(timed, t));
  }
  if (plain) return;

  std::vector<std::vector<std::uint32_t>> observed(transitions);
  std::vector<std::uint8_t> looked_at;
  const auto changes = [&](std::size_t t) { return meets(looked_at, effects[t]) || meets(looked_at, restarts[t]); };
  for (std::uint32_t i = 0; i < options.observables.size(); ++i) {
    const Observable& observable = options.observables[i];
    looked_at.assign(places, 0);
    if (observable.expression) {
      for (const std::uint32_t place : observable.expression->places()) looked_at[place] = 1;
    }
    if (observable.predicate) look(looked_at, *observable.predicate);
    for (std::size_t t = 0; t < transitions; ++t) {
      if (changes(t)) observed[t].push_back(i);
    }
  }
  observables = Csr<std::uint32_t>::from_rows(observed);
  if (options.end_when != nullptr) {
    looked_at.assign(places, 0);
    look(looked_at, *options.end_when);
    for (std::size_t t = 0; t < transitions; ++t) ends[t] = changes(t);
  }
  if (options.record == Record::kEvents) events.resize((rows + chunk - 1) / chunk);
}

const Count* Job::initial_of(std::size_t row) const noexcept {
  if (options.initial.empty()) return timed.net().spec().initial.data();
  if (options.initial.size() == places) return options.initial.data();
  return options.initial.data() + row % options.replicas * places;
}

bool Ticker::look() {
  constexpr std::uint32_t kMostEvents = 1U << 20;
  control_.add(every_);
  const auto now = Clock::now();
  const auto passed = now - last_;
  last_ = now;
  if (passed < std::chrono::milliseconds(2) && every_ < kMostEvents) every_ *= 2;
  if (passed > std::chrono::milliseconds(8) && every_ > 1) every_ /= 2;
  left_ = every_;
  if (asks_) control_.ask();
  return !control_.matters(chunk_);
}

}  // namespace petricore
