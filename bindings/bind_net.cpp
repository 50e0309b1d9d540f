#include "module.hpp"

void bind_net(pybind11::module_& m) { (void)m; }
