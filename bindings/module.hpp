// The table of contents of the extension module.
#pragma once

#include <pybind11/pybind11.h>

void bind_net(pybind11::module_& m);
