#include "engine.hpp"
#include "interrupt.hpp"
#include "module.hpp"
#include "numpy.hpp"
#include "petricore/coverability.hpp"

namespace py = pybind11;
using namespace petricore;

namespace {

const char* name_of(CoverabilityEnd end) {
  switch (end) {
    case CoverabilityEnd::kComplete:
      return "complete";
    case CoverabilityEnd::kNodes:
      return "limit";
    case CoverabilityEnd::kMemory:
      return "memory";
    case CoverabilityEnd::kOverflow:
      return "overflow";
    case CoverabilityEnd::kStopped:
      break;
  }
  return "timeout";  // what else stops it is raised
}

py::tuple coverability(const CoreEngine& engine, const InArray<std::uint8_t>& control, std::size_t nodes,
                       std::size_t bytes, double seconds, const py::object& progress) {
  if (std::cmp_not_equal(control.size(), engine.net.places())) {
    throw std::invalid_argument("one control flag per place is needed");
  }
  const auto flags = view(control);
  for (std::size_t p = 0; p < flags.size(); ++p) {
    if (flags[p] == 0 && engine.net.spec().capacities[p] != kUnbounded) {
      throw std::invalid_argument("a place with a capacity is a control place");
    }
  }
  Interrupt interrupt(progress, seconds);
  CoverabilityTree tree;
  {
    const py::gil_scoped_release unlocked;
    tree = cover(engine.net, flags, {nodes, bytes}, interrupt.stop());
  }
  interrupt.rethrow();
  const auto count = static_cast<py::ssize_t>(tree.parents.size());
  const auto pumps = static_cast<py::ssize_t>(tree.pumps.size() / 2);
  return py::make_tuple(to_numpy(std::move(tree.markings), {count, static_cast<py::ssize_t>(engine.net.places())}),
                        to_numpy(std::move(tree.parents)), to_numpy(std::move(tree.transitions)),
                        to_numpy(std::move(tree.maximal)), to_numpy(std::move(tree.pumps), {pumps, 2}),
                        to_numpy(std::move(tree.enabled_at)), name_of(tree.end));
}

}  // namespace

void bind_coverability(py::module_& m) {
  using py::arg;
  m.def("coverability", &coverability, arg("engine"), arg("control").noconvert(), arg("nodes"), arg("bytes"),
        arg("seconds"), arg("progress"));
}
