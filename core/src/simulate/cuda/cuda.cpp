#include "simulate/cuda/cuda.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "simulate/bulk/bulk.hpp"
#include "simulate/bulk/close.hpp"

namespace petricore::cuda {
namespace {

constexpr std::uint64_t kBatchBytes = std::uint64_t{1} << 29;  // results held by the device at once

std::string library_path() {
  if (const char* path = std::getenv("PETRICORE_CUDA_LIBRARY")) return path;
  Dl_info self{};
  std::string here;
  if (dladdr(reinterpret_cast<const void*>(&library), &self) != 0 && self.dli_fname != nullptr) here = self.dli_fname;
  const std::size_t slash = here.rfind('/');
  return (slash == std::string::npos ? std::string() : here.substr(0, slash + 1)) + "libpetricore_cuda.so";
}

Library load() {
  const std::string path = library_path();
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();
    throw DeviceError("device 'cuda' needs the library " + path + ", which does not load (" +
                      (why == nullptr ? "no reason given" : why) + "): it is built where a CUDA compiler is found");
  }
  const Library found{reinterpret_cast<Probe>(dlsym(handle, kProbe)), reinterpret_cast<Direct>(dlsym(handle, kDirect))};
  if (found.probe == nullptr || found.direct == nullptr) {
    throw DeviceError("device 'cuda' needs the library " + path + ", which has no " + std::string(kProbe) + " or " +
                      kDirect);
  }
  if (const char* wrong = found.probe()) {
    throw DeviceError("device 'cuda' was asked for, and the library " + path + " finds none: " + wrong);
  }
  return found;
}

bool has_library_functions(const Expression& expression) noexcept {
  using Op = Expression::Op;
  return std::ranges::any_of(expression.instructions(), [](const Expression::Instruction& step) {
    return step.op == Op::kPower || step.op == Op::kExponential || step.op == Op::kLogarithm;
  });
}

struct Polled {
  const Stop& stop;
  std::uint64_t before;  // events of the batches before
  bool stopped = false;
};

}  // namespace

const Library& library() {
  static const Library loaded = load();
  return loaded;
}

const char* unsuited(const TimedNet& net, const SimulationOptions& options) noexcept {
  if (const char* why = bulk::unsuited(net, options); *why != 0) return why;
  const auto& expressions = net.spec().expressions;
  const auto& observables = options.observables;
  // The end of a replica is computed by the host, so kFinal may use anything.
  if (std::ranges::any_of(expressions, has_library_functions) ||
      std::ranges::any_of(observables, [](const Observable& observable) {
        return observable.measure != Observable::Measure::kFinal && observable.expression &&
               has_library_functions(*observable.expression);
      })) {
    return "an expression has a power, exp or log, whose last bit differs between devices";
  }
  return "";
}

bulk::Outcome run(const Library& library, const TimedNet& net, const SimulationOptions& options,
                  SimulationResult& result) {
  const bulk::Lowered lowered(net, options);
  const std::size_t places = net.net().places(), transitions = net.net().transitions();
  DirectCall call{};
  call.program = lowered.program();
  call.sizes = lowered.sizes();
  call.replicas = options.replicas;
  call.first_replica = options.first_replica;
  call.initial = options.initial.empty() ? net.net().spec().initial.data() : options.initial.data();
  call.one_initial = options.initial.size() <= places;
  call.points = options.rates.empty() ? 1 : options.rates.size() / transitions;
  call.rates = options.rates.empty() ? nullptr : options.rates.data();
  call.guard = lowered.guard();

  const std::uint64_t rows = result.ends.size();
  const bulk::Program& program = call.program;
  const std::uint64_t each = 4 * places * (1 + program.grid_size) + 8 * (transitions + program.watches) + 17;
  const std::uint64_t batch = std::clamp<std::uint64_t>(kBatchBytes / each, 1, std::max<std::uint64_t>(rows, 1));
  std::vector<double> gathered(batch * program.watches), registers(program.registers);
  std::vector<std::uint8_t> ends(batch);
  bulk::Outcome outcome;
  Polled polled{options.stop, 0};
  if (options.stop) {
    call.stop = [](void* context, std::uint64_t events) {
      auto& state = *static_cast<Polled*>(context);
      state.stopped = state.stop(state.before + events);
      return state.stopped;
    };
    call.context = &polled;
  }
  for (std::uint64_t first = 0; first < rows && !polled.stopped; first += batch) {
    call.first_row = first;
    call.rows = std::min(batch, rows - first);
    call.final = result.final.data() + first * places;
    call.times = result.times.data() + first;
    call.events = result.events.data() + first;
    call.firings = program.count_firings ? result.firings.data() + first * transitions : nullptr;
    call.ends = ends.data();
    call.gathered = gathered.data();
    call.grid = program.grid_size == 0 ? nullptr : result.grid.data() + first * program.grid_size * places;
    if (const char* wrong = library.direct(&call)) throw DeviceError(std::string("device 'cuda': ") + wrong);
    if (polled.stopped) break;
    for (std::uint64_t i = 0; i < call.rows; ++i) {
      const std::uint64_t row = first + i;
      const auto ending = static_cast<bulk::Ending>(ends[i]);
      if (ending == bulk::Ending::kOdd) {
        outcome.left_out.push_back(row);
        continue;
      }
      bulk::close(lowered, options, ending, gathered.data() + i * program.watches, registers.data(), row, result);
      polled.before += result.events[row];
    }
  }
  outcome.events = polled.before;
  outcome.stopped = polled.stopped;
  return outcome;
}

}  // namespace petricore::cuda
