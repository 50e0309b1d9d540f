#include "engine.hpp"
#include "interrupt.hpp"
#include "module.hpp"
#include "numpy.hpp"
#include "petricore/state_space.hpp"

namespace py = pybind11;
using namespace petricore;

namespace {

const char* name_of(SearchEnd end) {
  switch (end) {
    case SearchEnd::kComplete:
      return "complete";
    case SearchEnd::kGoal:
      return "goal";
    case SearchEnd::kStateLimit:
      return "states";
    case SearchEnd::kMemoryLimit:
      return "memory";
    case SearchEnd::kTokenOverflow:
      return "overflow";
    case SearchEnd::kStopped:
      break;
  }
  return "time";  // the only other reason to stop is an exception, which is raised in place of a result
}

Reduction reduction_of(const std::string& name) {
  if (name == "none") return Reduction::kNone;
  if (name == "deadlock") return Reduction::kDeadlock;
  if (name == "goal") return Reduction::kGoal;
  throw std::invalid_argument("reduction is none, deadlock or goal");
}

std::unique_ptr<StateSpace> make_space(const CoreEngine& engine, const Predicate* goal, bool end_at_deadlock,
                                       bool depth_first, const std::string& reduction, bool edges,
                                       std::uint64_t max_states, std::uint64_t max_bytes, unsigned threads,
                                       std::uint64_t parallel_from, const InArray<Count>& bounds, py::object progress,
                                       double seconds) {
  if (goal != nullptr && goal->places() != engine.net.places()) {
    throw std::invalid_argument("the goal is of another net");
  }
  if (bounds.size() != 0 && std::cmp_not_equal(bounds.size(), engine.net.places())) {
    throw std::invalid_argument("one bound is needed for each place");
  }
  SearchOptions options;
  options.order = depth_first ? SearchOrder::kDepthFirst : SearchOrder::kBreadthFirst;
  options.reduction = reduction_of(reduction);
  options.edges = edges;
  options.goal = goal;
  options.end_at_deadlock = end_at_deadlock;
  options.max_states = max_states;
  options.max_bytes = max_bytes;
  options.threads = threads;
  options.parallel_from = parallel_from;
  options.bounds = view(bounds);
  Interrupt interrupt(std::move(progress), seconds);
  options.stop = interrupt.stop();
  std::unique_ptr<StateSpace> space;
  {
    const py::gil_scoped_release unlocked;
    space = std::make_unique<StateSpace>(engine.net, options);
  }
  interrupt.rethrow();
  return space;
}

py::array_t<Count> markings(const StateSpace& space, std::size_t first, std::size_t last) {
  if (first > last || last > space.size()) throw std::out_of_range("there are no such markings");
  const std::size_t places = space.places();
  py::array_t<Count> rows({static_cast<py::ssize_t>(last - first), static_cast<py::ssize_t>(places)});
  Count* out = rows.mutable_data();
  const py::gil_scoped_release unlocked;
  for (std::size_t i = first; i < last; ++i) space.marking(i, out + (i - first) * places);
  return rows;
}

py::object evaluate(const StateSpace& space, const Predicate& predicate, unsigned threads, double seconds) {
  if (predicate.places() != space.places()) throw std::invalid_argument("the predicate is of another net");
  py::array_t<bool> out(static_cast<py::ssize_t>(space.size()));
  auto* flags = reinterpret_cast<std::uint8_t*>(out.mutable_data());
  Interrupt interrupt(py::none(), seconds);
  bool whole = false;
  {
    const py::gil_scoped_release unlocked;
    whole = space.evaluate(predicate, flags, threads, interrupt.stop());
  }
  interrupt.rethrow();
  if (!whole) return py::none();
  return std::move(out);
}

py::tuple bounds(const StateSpace& space, unsigned threads) {
  StateSpace::Bounds found;
  Interrupt interrupt;
  {
    const py::gil_scoped_release unlocked;
    found = space.bounds(threads, interrupt.stop());
  }
  interrupt.rethrow();
  return py::make_tuple(to_numpy(std::move(found.places)), found.together);
}

py::array_t<std::uint8_t> fireable(const StateSpace& space) {
  std::vector<std::uint8_t> seen;
  Interrupt interrupt;
  {
    const py::gil_scoped_release unlocked;
    seen = space.fireable(interrupt.stop());
  }
  interrupt.rethrow();
  return to_numpy(std::move(seen));
}

py::tuple edges(const py::object& self) {
  const auto& space = self.cast<const StateSpace&>();
  if (!space.edge_offsets().empty()) {
    return py::make_tuple(read_only_view(space.edge_offsets(), self), read_only_view(space.edge_targets(), self),
                          read_only_view(space.edge_transitions(), self));
  }
  Interrupt interrupt;
  StateSpace::Edges found;
  {
    const py::gil_scoped_release unlocked;
    found = space.edges(interrupt.stop());
  }
  interrupt.rethrow();
  return py::make_tuple(to_numpy(std::move(found.offsets)), to_numpy(std::move(found.targets)),
                        to_numpy(std::move(found.transitions)));
}

py::array_t<std::uint32_t> path(const StateSpace& space, std::size_t i) {
  if (i >= space.size()) throw std::out_of_range("there is no such marking");
  std::vector<std::uint32_t> transitions;
  Interrupt interrupt;
  {
    const py::gil_scoped_release unlocked;
    transitions = space.path(i, interrupt.stop());
  }
  interrupt.rethrow();
  return to_numpy(std::move(transitions));
}

}  // namespace

void bind_state_space(py::module_& m) {
  using py::arg;
  py::class_<StateSpace>(m, "StateSpace")
      .def(py::init(&make_space), arg("engine"), py::kw_only(), arg("goal") = nullptr, arg("end_at_deadlock") = false,
           arg("depth_first") = false, arg("reduction") = "none", arg("edges") = false, arg("max_states"),
           arg("max_bytes"), arg("threads") = 1, arg("parallel_from") = SearchOptions{}.parallel_from,
           arg("bounds").noconvert(), arg("progress") = py::none(), arg("seconds") = INFINITY, py::keep_alive<1, 2>())
      .def("__len__", &StateSpace::size)
      .def_property_readonly("end", [](const StateSpace& space) { return name_of(space.end()); })
      .def_property_readonly("expanded", &StateSpace::expanded)
      .def_property_readonly("firings", &StateSpace::firings)
      .def_property_readonly("found", &StateSpace::found)
      .def_property_readonly("overflowing_place", &StateSpace::overflowing_place)
      .def_property_readonly("bytes", &StateSpace::bytes)
      .def_property_readonly("words", &StateSpace::words)
      .def_property_readonly(
          "deadlocks",
          [](const py::object& self) { return read_only_view(self.cast<const StateSpace&>().deadlocks(), self); })
      .def("edges", &edges)
      .def("markings", &markings, arg("first"), arg("last"))
      .def(
          "find", [](const StateSpace& space, const InArray<Count>& marking) { return space.find(view(marking)); },
          arg("marking").noconvert())
      .def("bounds", &bounds, arg("threads") = 0)
      .def("fireable", &fireable)
      .def("evaluate", &evaluate, arg("predicate"), arg("threads") = 0, arg("seconds") = INFINITY)
      .def("path", &path, arg("marking"));
}
