#include "engine.hpp"
#include "interrupt.hpp"
#include "module.hpp"
#include "numpy.hpp"
#include "petricore/place_bounds.hpp"
#include "petricore/semiflows.hpp"

namespace py = pybind11;
using namespace petricore;

namespace {

const char* name_of(SemiflowEnd end) {
  switch (end) {
    case SemiflowEnd::kComplete:
      return "complete";
    case SemiflowEnd::kRowLimit:
      return "rows";
    case SemiflowEnd::kOverflow:
      return "overflow";
    case SemiflowEnd::kStopped:
      break;
  }
  return "time";  // the only other reason to stop is an exception, which is raised in place of a result
}

// (offsets (K + 1,), indices, weights, how it ended)
py::tuple semiflows(const CoreEngine& engine, bool of_places, std::size_t max_rows, double seconds) {
  Interrupt interrupt(py::none(), seconds);
  SemiflowOptions options{max_rows, interrupt.stop()};
  Semiflows found;
  std::vector<std::int64_t> offsets, weights;
  std::vector<std::uint32_t> indices;
  {
    const py::gil_scoped_release unlocked;
    found = of_places ? place_semiflows(engine.net, options) : transition_semiflows(engine.net, options);
    offsets.assign(found.rows.offsets().begin(), found.rows.offsets().end());
    for (const SemiflowTerm& term : found.rows.items()) {
      indices.push_back(term.index);
      weights.push_back(term.weight);
    }
  }
  interrupt.rethrow();
  return py::make_tuple(to_numpy(std::move(offsets)), to_numpy(std::move(indices)), to_numpy(std::move(weights)),
                        name_of(found.end));
}

py::array_t<Count> bounds(const CoreEngine& engine, double seconds) {
  Interrupt interrupt(py::none(), seconds);
  std::vector<Count> found;
  {
    const py::gil_scoped_release unlocked;
    found = place_bounds(engine.net, interrupt.stop());
  }
  interrupt.rethrow();
  return to_numpy(std::move(found));
}

}  // namespace

void bind_structure(py::module_& m) {
  using py::arg;
  // Functions of the engine: its class is bound elsewhere, and is given them as methods.
  py::object engine = m.attr("Engine");
  const auto method = [&](const char* name, auto function, auto... extra) {
    engine.attr(name) = py::cpp_function(function, py::name(name), py::is_method(engine), extra...);
  };
  method("semiflows", &semiflows, arg("of_places"), arg("max_rows"), arg("seconds"));
  method("place_bounds", &bounds, arg("seconds"));
}
