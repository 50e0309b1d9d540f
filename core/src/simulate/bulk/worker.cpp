#include "simulate/bulk/worker.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <new>

#include "simulate/bulk/close.hpp"

namespace petricore::bulk {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::uint64_t kEventsPerCall = std::uint64_t{1} << 16;

double start_of(Gauge gauge) {
  switch (gauge) {
    case Gauge::kMaximum:
      return -kInfinity;
    case Gauge::kMinimum:
    case Gauge::kFirstPassage:
      return kInfinity;
    default:
      return 0;
  }
}

}  // namespace

Worker::Worker(Job& job) : job_(job) {
  const Program& program = job.program;
  const std::size_t transitions = program.transitions;
  const bool sweep = !job.options.rates.empty();
  const std::size_t columns = program.places + transitions * (1 + (sweep ? 1 : 0) + (program.count_firings ? 1 : 0)) +
                              program.registers + program.watches + 8;
  const std::size_t bytes = columns * kLanes * sizeof(double);
  memory_.reset(static_cast<double*>(std::aligned_alloc(64, bytes)));
  if (memory_ == nullptr) throw std::bad_alloc();
  std::fill_n(memory_.get(), columns * kLanes, 0.0);
  double* next = memory_.get();
  const auto take = [&next](std::size_t count) {
    double* taken = next;
    next += count * kLanes;
    return taken;
  };
  const auto take_words = [&](std::size_t count) { return reinterpret_cast<std::uint64_t*>(take(count)); };
  block_.marking = take(program.places);
  block_.sums = take(transitions);
  block_.rates = sweep ? take(transitions) : nullptr;
  block_.firings = program.count_firings ? take_words(transitions) : nullptr;
  block_.registers = take(program.registers);
  block_.observed = take(program.watches);
  block_.time = take(1);
  block_.next_grid = take(1);
  block_.step = take(1);
  block_.draw = take(1);
  block_.events = take_words(1);
  block_.replica = take_words(1);
  block_.streak = take_words(1);
  block_.active = take_words(1);
  block_.guard = job.lowered.guard();
  block_.write_grid = [](void* context, std::size_t lane, double time) {
    static_cast<Worker*>(context)->write_grid(lane, time);
  };
  block_.context = this;
  registers_.resize(program.registers);
  gathered_.resize(program.watches);
  rounds_ = std::clamp<std::uint64_t>(kEventsPerCall / std::max<std::size_t>(transitions, 1), 64, 4096);
  for (std::size_t lane = 0; lane < kLanes; ++lane) refill(lane);
}

void Worker::refill(std::size_t lane) {
  const SimulationOptions& options = job_.options;
  const std::size_t places = job_.program.places;
  block_.active[lane] = 0;
  for (;;) {
    const std::uint64_t row = job_.next.fetch_add(1, std::memory_order_relaxed);
    if (row >= job_.rows) return;
    const std::uint64_t point = row / options.replicas, replica = row % options.replicas;
    const Count* initial = options.initial.empty()            ? job_.net.net().spec().initial.data()
                           : options.initial.size() == places ? options.initial.data()
                                                              : options.initial.data() + replica * places;
    if (std::any_of(initial, initial + places, [&](Count count) { return count > block_.guard; })) {
      left_out_.push_back(row);
      continue;
    }
    rows_[lane] = row;
    for (std::size_t p = 0; p < places; ++p) block_.marking[p * kLanes + lane] = initial[p];
    if (block_.rates != nullptr) {
      const double* rates = options.rates.data() + point * job_.program.transitions;
      for (std::size_t t = 0; t < job_.program.transitions; ++t) {
        const Row& of = job_.program.rows[t];
        block_.rates[t * kLanes + lane] = of.law == Law::kImmediate ? of.rate : rates[t];
      }
    }
    if (block_.firings != nullptr) {
      for (std::size_t t = 0; t < job_.program.transitions; ++t) block_.firings[t * kLanes + lane] = 0;
    }
    for (std::size_t w = 0; w < job_.program.watches; ++w) {
      block_.observed[w * kLanes + lane] = start_of(job_.program.watch[w].gauge);
    }
    block_.time[lane] = 0;
    block_.events[lane] = 0;
    block_.streak[lane] = 0;
    block_.replica[lane] = options.first_replica + replica;
    block_.active[lane] = ~std::uint64_t{0};
    block_.next_grid[lane] = job_.program.grid_size > 0 ? job_.program.grid[0] : kInfinity;
    grid_next_[lane] = 0;
    ++running_;
    return;
  }
}

bool Worker::advance() {
  if (running_ == 0) return false;
  const Stopped stopped = job_.kernel.run(job_.program, block_, rounds_);
  for (std::uint32_t rest = stopped.any(); rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::size_t>(std::countr_zero(rest));
    const auto is_in = [lane](std::uint32_t lanes) { return (lanes >> lane & 1) != 0; };
    --running_;
    if (is_in(stopped.odd)) {
      left_out_.push_back(rows_[lane]);
    } else if (is_in(stopped.condition)) {
      finish(lane, Ending::kCondition);
    } else if (is_in(stopped.limit)) {
      finish(lane, Ending::kLimit);
    } else if (is_in(stopped.dead)) {
      finish(lane, Ending::kDead);
    } else {
      finish(lane, Ending::kTime);
    }
    refill(lane);
  }
  return running_ > 0;
}

void Worker::finish(std::size_t lane, Ending ending) {
  SimulationResult& result = job_.result;
  const Program& program = job_.program;
  const std::uint64_t row = rows_[lane];
  Count* marking = result.final.data() + row * program.places;
  for (std::size_t p = 0; p < program.places; ++p) marking[p] = static_cast<Count>(block_.marking[p * kLanes + lane]);
  result.times[row] = block_.time[lane];
  result.events[row] = block_.events[lane];
  if (block_.firings != nullptr) {
    std::int64_t* firings = result.firings.data() + row * program.transitions;
    for (std::size_t t = 0; t < program.transitions; ++t) {
      firings[t] = static_cast<std::int64_t>(block_.firings[t * kLanes + lane]);
    }
  }
  for (std::size_t w = 0; w < program.watches; ++w) gathered_[w] = block_.observed[w * kLanes + lane];
  close(job_.lowered, job_.options, ending, gathered_.data(), registers_.data(), row, result);
  if (program.grid_size > 0) write_grid(lane, kInfinity);
  job_.events.fetch_add(block_.events[lane], std::memory_order_relaxed);
}

void Worker::write_grid(std::size_t lane, double time) {
  const Program& program = job_.program;
  std::uint64_t& g = grid_next_[lane];
  for (; g < program.grid_size && program.grid[g] < time; ++g) {
    Count* into = job_.result.grid.data() + (rows_[lane] * program.grid_size + g) * program.places;
    for (std::size_t p = 0; p < program.places; ++p) {
      into[p] = static_cast<Count>(block_.marking[p * kLanes + lane]);
    }
  }
  block_.next_grid[lane] = g < program.grid_size ? program.grid[g] : kInfinity;
}

}  // namespace petricore::bulk
