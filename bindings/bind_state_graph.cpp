#include <utility>

#include "interrupt.hpp"
#include "module.hpp"
#include "numpy.hpp"
#include "petricore/components.hpp"
#include "petricore/state_graph.hpp"

namespace py = pybind11;
using namespace petricore;

namespace {

using Set = InArray<std::uint64_t>;

std::unique_ptr<StateGraph> make_graph(std::size_t states, const InArray<std::int64_t>& offsets,
                                       const InArray<std::uint32_t>& targets, double seconds) {
  Interrupt interrupt(py::none(), seconds);
  std::unique_ptr<StateGraph> graph;
  {
    const py::gil_scoped_release unlocked;
    graph = std::make_unique<StateGraph>(states, view(offsets), view(targets), interrupt.stop());
  }
  interrupt.rethrow();
  return graph;
}

StateGraph::View checked(const StateGraph& graph, const Set& set) {
  if (graph.stopped()) throw std::logic_error("the graph was not built to its end");
  if (std::cmp_not_equal(set.size(), graph.words())) throw std::invalid_argument("the set is of another graph");
  return view(set);
}

// Calls without the GIL, up to the time limit.
template <class Compute>
auto timed(double seconds, Compute compute) {
  Interrupt interrupt(py::none(), seconds);
  const Stop stop = interrupt.stop();
  auto result = [&] {
    const py::gil_scoped_release unlocked;
    return compute(stop);
  }();
  interrupt.rethrow();
  return result;
}

py::object to_set(StateGraph::Words&& words) {
  if (words.empty()) return py::none();
  return to_numpy(std::move(words));
}

py::object some_next(const StateGraph& graph, const Set& operand, bool unknown, double seconds) {
  const auto set = checked(graph, operand);
  return to_set(timed(seconds, [&](const Stop& stop) { return graph.some_next(set, unknown, stop); }));
}

py::object some_until(const StateGraph& graph, const Set& left, const Set& right, bool unknown, double seconds) {
  const auto before = checked(graph, left), then = checked(graph, right);
  return to_set(timed(seconds, [&](const Stop& stop) { return graph.some_until(before, then, unknown, stop); }));
}

py::object every_until(const StateGraph& graph, const Set& left, const Set& right, bool unknown, double seconds) {
  const auto before = checked(graph, left), then = checked(graph, right);
  return to_set(timed(seconds, [&](const Stop& stop) { return graph.every_until(before, then, unknown, stop); }));
}

py::object route(const StateGraph& graph, std::size_t start, const Set& through, const Set& goals, double seconds) {
  const auto states = checked(graph, through), ends = checked(graph, goals);
  auto found = timed(seconds, [&](const Stop& stop) { return graph.route(start, states, ends, stop); });
  if (!found) return py::none();
  return to_numpy(std::move(*found));
}

py::object lasso(const StateGraph& graph, std::size_t start, const Set& within, double seconds) {
  const auto states = checked(graph, within);
  auto found = timed(seconds, [&](const Stop& stop) { return graph.lasso(start, states, stop); });
  if (!found) return py::none();
  return py::make_tuple(to_numpy(std::move(found->edges)), found->repeats_from);
}

py::object components_of(const StateGraph& graph, const InArray<std::int32_t>& transitions, std::size_t count,
                         double seconds) {
  if (graph.stopped()) throw std::logic_error("the graph was not built to its end");
  auto found = timed(seconds, [&](const Stop& stop) { return components(graph, view(transitions), count, stop); });
  if (found.stopped) return py::none();
  return py::make_tuple(to_numpy(std::move(found.of)), to_numpy(std::move(found.terminal)),
                        to_numpy(std::move(found.stuck_at)));
}

}  // namespace

void bind_state_graph(py::module_& m) {
  using py::arg;
  py::class_<StateGraph>(m, "StateGraph")
      .def(py::init(&make_graph), arg("states"), arg("offsets").noconvert(), arg("targets").noconvert(),
           arg("seconds") = INFINITY, py::keep_alive<1, 3>(), py::keep_alive<1, 4>())
      .def_property_readonly("stopped", &StateGraph::stopped)
      .def_property_readonly("states", &StateGraph::states)
      .def_property_readonly("expanded", &StateGraph::expanded)
      .def("some_next", &some_next, arg("operand").noconvert(), arg("unknown"), arg("seconds") = INFINITY)
      .def("some_until", &some_until, arg("left").noconvert(), arg("right").noconvert(), arg("unknown"),
           arg("seconds") = INFINITY)
      .def("every_until", &every_until, arg("left").noconvert(), arg("right").noconvert(), arg("unknown"),
           arg("seconds") = INFINITY)
      .def("route", &route, arg("start"), arg("through").noconvert(), arg("goals").noconvert(),
           arg("seconds") = INFINITY)
      .def("lasso", &lasso, arg("start"), arg("within").noconvert(), arg("seconds") = INFINITY)
      .def("components", &components_of, arg("transitions").noconvert(), arg("count"), arg("seconds") = INFINITY);
}
