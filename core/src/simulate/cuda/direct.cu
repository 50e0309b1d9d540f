// The direct method on a GPU: a thread per replica, and the next replica as soon as one has ended. A library of its
// own, loaded when a simulation asks for it, so that the core neither links nor needs CUDA.
//
// Compiled by nvcc for the GPU and by any C++ compiler for the stand-in of device.hpp.
#include <algorithm>
#include <initializer_list>

#include "simulate/cuda/device.hpp"
#include "simulate/cuda/replica.hpp"

namespace petricore::cuda {
namespace {

constexpr std::uint64_t kBudget = 4096;  // events per thread and launch: some milliseconds
constexpr unsigned kThreadsPerBlock = 128;

// What the threads of all launches count.
struct Counters {
  std::uint64_t next_row, events, running;
};

struct Launch {
  DirectCall call;  // with pointers to memory of the device
  State state;
  Counters* counters;
};

PETRICORE_BOTH void run_one(const Launch& launch, std::uint64_t thread) {
#if defined(__CUDA_ARCH__) || !defined(__CUDACC__)
  Counters* counters = launch.counters;
  const std::uint64_t fired = run_thread(launch.call, launch.state, thread, kBudget,
                                         [counters] { return device::add(&counters->next_row, 1); });
  if (fired > 0) device::add(&counters->events, fired);
  if (launch.state.row[thread] != kNoRow) device::add(&counters->running, 1);
#endif
}

#if defined(__CUDACC__)

__global__ void __launch_bounds__(kThreadsPerBlock) direct_kernel(const Launch launch) {
  const std::uint64_t thread = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (thread < launch.state.threads) run_one(launch, thread);
}

const char* run_all(const Launch& launch) {
  const auto blocks = static_cast<unsigned>((launch.state.threads + kThreadsPerBlock - 1) / kThreadsPerBlock);
  direct_kernel<<<blocks, kThreadsPerBlock>>>(launch);
  if (const char* wrong = device::text_of(cudaGetLastError())) return wrong;
  return device::text_of(cudaDeviceSynchronize());
}

#else

const char* run_all(const Launch& launch) {
  for (std::uint64_t thread = 0; thread < launch.state.threads; ++thread) run_one(launch, thread);
  return nullptr;
}

#endif

// Memory of the device, given back at the end; the first thing that goes wrong is kept, and all after it is skipped.
class Memory {
 public:
  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() {
    for (std::size_t i = 0; i < used_; ++i) device::release(taken_[i]);
  }

  const char* wrong() const { return wrong_; }
  void note(const char* wrong) {
    if (wrong_ == nullptr) wrong_ = wrong;
  }

  // Null for nothing.
  template <class T>
  T* take(std::uint64_t count) {
    if (wrong_ != nullptr || count == 0) return nullptr;
    void* memory = nullptr;
    note(device::allocate(&memory, count * sizeof(T)));
    if (wrong_ != nullptr) return nullptr;
    taken_[used_++] = memory;
    note(device::clear(memory, count * sizeof(T)));
    return static_cast<T*>(memory);
  }

  template <class T>
  const T* copy_in(const T* from, std::uint64_t count) {
    T* memory = from == nullptr ? nullptr : take<T>(count);
    if (memory != nullptr) note(device::upload(memory, from, count * sizeof(T)));
    return memory;
  }

  template <class T>
  void copy_out(T* to, const T* from, std::uint64_t count) {
    if (wrong_ == nullptr && from != nullptr) note(device::download(to, from, count * sizeof(T)));
  }

 private:
  static constexpr std::size_t kMost = 48;  // more than run() takes
  void* taken_[kMost] = {};
  std::size_t used_ = 0;
  const char* wrong_ = nullptr;
};

bulk::Program copy_in(Memory& memory, const DirectCall& call) {
  bulk::Program program = call.program;
  program.rows = memory.copy_in(program.rows, call.sizes.rows);
  program.immediates = memory.copy_in(program.immediates, call.sizes.immediates);
  program.least = memory.copy_in(program.least, call.sizes.least);
  program.most = memory.copy_in(program.most, call.sizes.most);
  program.degrees = memory.copy_in(program.degrees, call.sizes.degrees);
  program.reactants = memory.copy_in(program.reactants, call.sizes.reactants);
  program.effects = memory.copy_in(program.effects, call.sizes.effects);
  program.code = memory.copy_in(program.code, call.sizes.code);
  program.atoms = memory.copy_in(program.atoms, call.sizes.atoms);
  program.terms = memory.copy_in(program.terms, call.sizes.terms);
  program.watch = memory.copy_in(program.watch, call.sizes.watch);
  program.grid = memory.copy_in(program.grid, program.grid_size);
  return program;
}

State make_state(Memory& memory, const bulk::Program& program, std::uint64_t threads) {
  State state{};
  state.threads = threads;
  state.marking = memory.take<double>(program.places * threads);
  state.sums = memory.take<double>(program.transitions * threads);
  state.registers = memory.take<double>(program.registers * threads);
  state.gathered = memory.take<double>(program.watches * threads);
  if (program.count_firings) state.firings = memory.take<std::int64_t>(program.transitions * threads);
  state.time = memory.take<double>(threads);
  state.events = memory.take<std::uint64_t>(threads);
  state.row = memory.take<std::uint64_t>(threads);
  state.streak = memory.take<std::uint64_t>(threads);
  state.grid_next = memory.take<std::uint32_t>(threads);
  return state;
}

// kNoRow in every thread: all of its bits are ones.
void empty_rows(Memory& memory, const State& state) {
  constexpr std::uint64_t kPiece = 256;
  std::uint64_t none[kPiece];
  std::fill_n(none, kPiece, kNoRow);
  for (std::uint64_t first = 0; first < state.threads && memory.wrong() == nullptr; first += kPiece) {
    const std::uint64_t count = std::min(kPiece, state.threads - first);
    memory.note(device::upload(state.row + first, none, count * sizeof(std::uint64_t)));
  }
}

const char* run(const DirectCall& host) {
  std::size_t free = 0;
  std::uint64_t threads = 0;
  if (const char* wrong = device::free_bytes(free)) return wrong;
  if (const char* wrong = device::full_load(threads)) return wrong;
  const bulk::Program& shape = host.program;
  const std::uint64_t each =
      8 * (shape.places + 2 * std::uint64_t{shape.transitions} + shape.registers + shape.watches + 8);
  threads = std::max<std::uint64_t>(1, std::min({threads, host.rows, free / 4 / each}));

  Memory memory;
  Launch launch{host, {}, nullptr};
  DirectCall& call = launch.call;
  call.program = copy_in(memory, host);
  call.initial = memory.copy_in(host.initial, shape.places * (host.one_initial ? 1 : host.replicas));
  call.rates = memory.copy_in(host.rates, host.points * shape.transitions);
  call.final = memory.take<std::int32_t>(host.rows * shape.places);
  call.times = memory.take<double>(host.rows);
  call.events = memory.take<std::uint64_t>(host.rows);
  if (host.firings != nullptr) call.firings = memory.take<std::int64_t>(host.rows * shape.transitions);
  call.ends = memory.take<std::uint8_t>(host.rows);
  call.gathered = memory.take<double>(host.rows * shape.watches);
  call.grid = memory.take<std::int32_t>(host.rows * shape.grid_size * shape.places);
  launch.state = make_state(memory, shape, threads);
  launch.counters = memory.take<Counters>(1);
  if (memory.wrong() == nullptr) empty_rows(memory, launch.state);

  for (Counters counters{}; memory.wrong() == nullptr;) {
    counters.running = 0;
    memory.note(device::upload(launch.counters, &counters, sizeof(counters)));
    if (memory.wrong() == nullptr) memory.note(run_all(launch));
    if (memory.wrong() == nullptr) memory.note(device::download(&counters, launch.counters, sizeof(counters)));
    if (counters.running == 0 && counters.next_row >= host.rows) break;
    if (host.stop != nullptr && host.stop(host.context, counters.events)) return nullptr;
  }
  memory.copy_out(host.final, call.final, host.rows * shape.places);
  memory.copy_out(host.times, call.times, host.rows);
  memory.copy_out(host.events, call.events, host.rows);
  memory.copy_out(host.firings, call.firings, host.rows * shape.transitions);
  memory.copy_out(host.ends, call.ends, host.rows);
  memory.copy_out(host.gathered, call.gathered, host.rows * shape.watches);
  memory.copy_out(host.grid, call.grid, host.rows * shape.grid_size * shape.places);
  return memory.wrong();
}

}  // namespace
}  // namespace petricore::cuda

extern "C" {
__attribute__((visibility("default"))) const char* petricore_cuda_probe() { return petricore::cuda::device::probe(); }
__attribute__((visibility("default"))) const char* petricore_cuda_direct(const petricore::cuda::DirectCall* call) {
  return petricore::cuda::run(*call);
}
}
