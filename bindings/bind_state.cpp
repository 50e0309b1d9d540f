#include <algorithm>
#include <mutex>

#include "engine.hpp"
#include "module.hpp"
#include "numpy.hpp"
#include "petricore/rng.hpp"
#include "petricore/state.hpp"

namespace py = pybind11;
using namespace petricore;

namespace {

// run() releases the GIL, so another Python thread may call in: the mutex makes that wait instead of corrupt.
// It is always taken without the GIL, and the GIL never while it is held.
class CoreState {
 public:
  CoreState(const CoreEngine& engine, std::span<const Count> marking)
      : state_(engine.net, engine.firing_tables(), marking) {}

  std::span<const Count> marking() const noexcept { return state_.marking(); }

  std::vector<std::int32_t> enabled() const {
    std::vector<std::int32_t> sorted;
    {
      const py::gil_scoped_release unlocked;
      const std::lock_guard lock(mutex_);
      sorted.assign(state_.enabled().begin(), state_.enabled().end());
    }
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  }

  std::vector<Count> snapshot() const {
    const py::gil_scoped_release unlocked;
    const std::lock_guard lock(mutex_);
    const auto counts = state_.marking();
    return {counts.begin(), counts.end()};
  }

  bool is_enabled(std::size_t transition) const {
    const py::gil_scoped_release unlocked;
    const std::lock_guard lock(mutex_);
    return state_.is_enabled(transition);
  }

  void fire(std::size_t transition) {
    const py::gil_scoped_release unlocked;
    const std::lock_guard lock(mutex_);
    state_.fire(transition);
  }

  // In slices of some 50 ms, so that Ctrl-C is heard.
  std::uint64_t run(std::uint64_t steps, std::uint64_t seed) {
    constexpr std::uint64_t kSlice = std::uint64_t{1} << 20;
    Rng rng(seed);
    for (std::uint64_t fired = 0; fired < steps;) {
      const std::uint64_t slice = std::min(kSlice, steps - fired);
      std::uint64_t done;
      {
        const py::gil_scoped_release unlocked;
        const std::lock_guard lock(mutex_);
        done = state_.run(slice, rng);
      }
      fired += done;
      if (done < slice) return fired;
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    }
    return steps;
  }

 private:
  mutable std::mutex mutex_;
  State state_;
};

}  // namespace

void bind_state(py::module_& m) {
  using py::arg;
  py::class_<CoreState>(m, "State")
      .def(py::init([](const CoreEngine& engine, const InArray<Count>& marking) {
             return std::make_unique<CoreState>(engine, view(marking));
           }),
           arg("engine"), arg("marking").noconvert(), py::keep_alive<1, 2>())
      .def_property_readonly(
          "marking",
          [](const py::object& self) { return read_only_view(self.cast<const CoreState&>().marking(), self); })
      .def_property_readonly("enabled", [](const CoreState& state) { return to_numpy(state.enabled()); })
      .def("snapshot", [](const CoreState& state) { return to_numpy(state.snapshot()); })
      .def("is_enabled", &CoreState::is_enabled, arg("transition"))
      .def("fire", &CoreState::fire, arg("transition"))
      .def("run", &CoreState::run, arg("steps"), arg("seed"));
}
