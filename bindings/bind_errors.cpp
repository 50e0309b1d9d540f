// Core errors become Python ones that carry indices as attributes; engine.py knows the names and words them.
#include "module.hpp"
#include "petricore/error.hpp"

namespace py = pybind11;

namespace {

PyObject* not_enabled = nullptr;
PyObject* token_overflow = nullptr;
PyObject* negative_tokens = nullptr;

PyObject* define(py::module_& m, const char* name) {
  const std::string path = std::string("petricore._core.") + name;
  PyObject* type = PyErr_NewException(path.c_str(), PyExc_Exception, nullptr);
  m.add_object(name, py::reinterpret_borrow<py::object>(type));
  return type;
}

void raise(PyObject* type, const char* what, const py::dict& fields) {
  const py::object error = py::reinterpret_borrow<py::object>(type)(what);
  for (const auto& [name, value] : fields) py::setattr(error, name, value);
  PyErr_SetObject(type, error.ptr());
}

}  // namespace

void bind_errors(py::module_& m) {
  not_enabled = define(m, "NotEnabled");
  token_overflow = define(m, "TokenOverflow");
  negative_tokens = define(m, "NegativeTokens");
  py::register_exception_translator([](std::exception_ptr pointer) {
    using namespace py::literals;
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const petricore::NotEnabled& e) {
      raise(not_enabled, e.what(),
            py::dict("marking"_a = e.marking, "transition"_a = e.transition, "place"_a = e.place, "needed"_a = e.needed,
                     "found"_a = e.found));
    } catch (const petricore::TokenOverflow& e) {
      raise(token_overflow, e.what(), py::dict("marking"_a = e.marking, "place"_a = e.place, "count"_a = e.count));
    } catch (const petricore::NegativeTokens& e) {
      raise(negative_tokens, e.what(), py::dict("marking"_a = e.marking, "place"_a = e.place, "count"_a = e.count));
    }
  });
}
