// What is told about a replica while it runs.
#pragma once

#include <algorithm>
#include <limits>
#include <new>
#include <vector>

#include "simulate/job.hpp"

namespace petricore {

// One per thread; a replica after the other. kPlain: only counts of firings are asked for, and nothing else costs
// anything. Never allocates per event but for Record::kEvents.
template <bool kPlain>
class Recorder {
 public:
  explicit Recorder(Job& job) : job_(job), firings_(job.transitions) {
    if constexpr (kPlain) return;
    std::size_t registers = 0;
    for (const Observable& observable : job.options.observables) {
      if (observable.expression) registers = std::max(registers, observable.expression->instructions().size());
    }
    registers_.resize(registers);
    values_.resize(job.options.observables.size());
    totals_.resize(values_.size());
  }

  // Starts a replica. True: it ends at once, since end_when holds.
  bool begin(std::size_t row, const Count* marking) {
    row_ = row;
    if (job_.options.count_firings) std::ranges::fill(firings_, 0);
    if constexpr (kPlain) return false;
    time_ = 0;
    next_grid_ = 0;
    recorded_ = 0;
    if (job_.options.record == Record::kEvents) events_ = &job_.events[row / job_.chunk];
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const Observable& observable = job_.options.observables[i];
      totals_[i] = observable.measure == Observable::Measure::kFirstPassage ? kNever : 0;
      values_[i] = value(observable, marking);
      note(i, observable);
      if (extreme(observable)) totals_[i] = values_[i];
    }
    return job_.options.end_when != nullptr && job_.options.end_when->holds(marking);
  }

  // Time passes, with the marking as it is.
  void advance(double to, const Count* marking) {
    if constexpr (kPlain) return;
    for (const auto& grid = job_.options.grid; next_grid_ < grid.size() && grid[next_grid_] < to; ++next_grid_)
      copy_to_grid(marking);
    const double from = std::max(time_, job_.options.warmup);
    if (to > from) {
      for (std::size_t i = 0; i < values_.size(); ++i) {
        if (integrates(job_.options.observables[i])) totals_[i] += values_[i] * (to - from);
      }
    }
    time_ = to;
  }

  // t fires `times` times, now.
  void count(std::uint32_t t, std::int64_t times = 1) {
    firings_[t] += times;
    if constexpr (kPlain) return;
    if (job_.options.record == Record::kEvents) record(t, static_cast<std::size_t>(times));
    if (time_ < job_.options.warmup) return;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const Observable& observable = job_.options.observables[i];
      if (observable.measure == Observable::Measure::kThroughput && observable.transition == t)
        totals_[i] += static_cast<double>(times);
    }
  }

  // The marking is the one after t (or kSeveral) fired. True: end_when holds.
  bool changed(std::uint32_t t, const Count* marking) {
    if constexpr (kPlain) return false;
    if (t == kSeveral) {
      for (std::size_t i = 0; i < values_.size(); ++i) revalue(i, marking);
    } else {
      for (const std::uint32_t i : job_.observables[t]) revalue(i, marking);
    }
    return job_.options.end_when != nullptr && (t == kSeveral || job_.ends[t] != 0) &&
           job_.options.end_when->holds(marking);
  }

  // A dead marking stays for ever: up to `until`, if that is finite.
  void end(double time, std::uint64_t events, ReplicaEnd end, const Count* marking) {
    SimulationResult& result = job_.result;
    result.times[row_] = time;
    result.events[row_] = events;
    result.ends[row_] = end;
    if (job_.options.count_firings)
      std::ranges::copy(firings_, result.firings.begin() + static_cast<std::ptrdiff_t>(row_ * job_.transitions));
    if constexpr (kPlain) return;
    const bool stays = end == ReplicaEnd::kDead && job_.options.until < kNever;
    advance(stays ? job_.options.until : time, marking);
    for (; next_grid_ < job_.options.grid.size(); ++next_grid_) copy_to_grid(marking);
    for (std::size_t i = 0; i < values_.size(); ++i)
      result.observed[row_ * values_.size() + i] = observed(i, job_.options.observables[i]);
    if (job_.options.record == Record::kEvents) result.offsets[row_ + 1] = recorded_;
  }

 private:
  using Measure = Observable::Measure;
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  static bool integrates(const Observable& observable) {
    return observable.measure == Measure::kTimeAverage || observable.measure == Measure::kTimeIn;
  }
  static bool extreme(const Observable& observable) {
    return observable.measure == Measure::kMaximum || observable.measure == Measure::kMinimum;
  }

  double value(const Observable& observable, const Count* marking) {
    if (observable.predicate) return observable.predicate->holds(marking) ? 1 : 0;
    return observable.expression ? observable.expression->evaluate(marking, registers_.data()) : 0;
  }

  void revalue(std::size_t i, const Count* marking) {
    const Observable& observable = job_.options.observables[i];
    values_[i] = value(observable, marking);
    note(i, observable);
  }

  void note(std::size_t i, const Observable& observable) {
    double& total = totals_[i];
    if (observable.measure == Measure::kMaximum && !(values_[i] <= total)) total = values_[i];
    if (observable.measure == Measure::kMinimum && !(values_[i] >= total)) total = values_[i];
    if (observable.measure == Measure::kFirstPassage && values_[i] != 0 && total == kNever) total = time_;
  }

  double observed(std::size_t i, const Observable& observable) const {
    const double span = time_ - job_.options.warmup;
    switch (observable.measure) {
      case Measure::kFinal:
        return values_[i];
      case Measure::kTimeAverage:
      case Measure::kTimeIn:
      case Measure::kThroughput:
        return span > 0 ? totals_[i] / span : std::numeric_limits<double>::quiet_NaN();
      case Measure::kMaximum:
      case Measure::kMinimum:
      case Measure::kFirstPassage:
        break;
    }
    return totals_[i];
  }

  void record(std::uint32_t t, std::size_t times) {
    const std::size_t size = events_->times.size() + times, before = events_->times.capacity();
    if (size > before) {
      const std::size_t after = std::max({size, 2 * before, std::size_t{16}});
      if (job_.room.fetch_add(after - before) + (after - before) > job_.options.most_recorded) throw std::bad_alloc();
      events_->times.reserve(after);
      events_->transitions.reserve(after);
    }
    events_->times.resize(size, time_);
    events_->transitions.resize(size, static_cast<std::int32_t>(t));
    recorded_ += static_cast<std::int64_t>(times);
  }

  void copy_to_grid(const Count* marking) {
    Count* to = job_.result.grid.data() + (row_ * job_.options.grid.size() + next_grid_) * job_.places;
    std::copy(marking, marking + job_.places, to);
  }

  Job& job_;
  std::size_t row_ = 0;
  std::vector<std::int64_t> firings_;  // (T,), of no account if they are not counted
  double time_ = 0;
  std::size_t next_grid_ = 0;
  std::int64_t recorded_ = 0;
  Job::Events* events_ = nullptr;
  std::vector<double> registers_;
  std::vector<double> values_;  // of each observable, at the marking as it is
  std::vector<double> totals_;  // its integral, extreme, count or first time
};

}  // namespace petricore
