// The table of contents of the extension module.
#pragma once

#include <pybind11/pybind11.h>

void bind_errors(pybind11::module_& m);
void bind_engine(pybind11::module_& m);
void bind_state(pybind11::module_& m);
void bind_fleet(pybind11::module_& m);
void bind_predicate(pybind11::module_& m);
void bind_state_space(pybind11::module_& m);
void bind_state_graph(pybind11::module_& m);
void bind_coverability(pybind11::module_& m);
void bind_structure(pybind11::module_& m);
void bind_walk(pybind11::module_& m);
void bind_reduce(pybind11::module_& m);
void bind_simulate(pybind11::module_& m);
