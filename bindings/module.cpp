// petricore._core: one bind_* per concept.
#include "module.hpp"

namespace py = pybind11;

PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
  m.doc() = "The compiled core of petricore.";
  bind_errors(m);
  bind_engine(m);
  bind_state(m);
  bind_fleet(m);
  bind_predicate(m);
  bind_state_space(m);
  bind_state_graph(m);
  bind_coverability(m);
  bind_structure(m);
  bind_walk(m);
  bind_reduce(m);
  bind_simulate(m);
}
