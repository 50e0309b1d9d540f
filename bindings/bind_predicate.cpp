#include "module.hpp"
#include "numpy.hpp"
#include "petricore/predicate.hpp"

namespace py = pybind11;
using namespace petricore;

namespace {

std::unique_ptr<Predicate> make_predicate(std::size_t places, const InArray<std::uint32_t>& offsets,
                                          const InArray<std::uint32_t>& term_places,
                                          const InArray<std::int64_t>& weights, const InArray<std::int64_t>& constants,
                                          const InArray<std::uint32_t>& on_true,
                                          const InArray<std::uint32_t>& on_false) {
  const auto rows = view(offsets);
  bool sound = !rows.empty() && rows.front() == 0 && std::cmp_equal(rows.back(), term_places.size()) &&
               term_places.size() == weights.size() && constants.size() == on_true.size() &&
               constants.size() == on_false.size();
  for (std::size_t i = 1; sound && i < rows.size(); ++i) sound = rows[i - 1] <= rows[i];
  if (!sound) throw std::invalid_argument("the tables of a predicate do not fit each other");
  std::vector<Predicate::Term> terms;
  for (py::ssize_t i = 0; i < weights.size(); ++i) terms.push_back({term_places.at(i), weights.at(i)});
  std::vector<Predicate::Atom> atoms;
  for (py::ssize_t i = 0; i < constants.size(); ++i) atoms.push_back({constants.at(i), on_true.at(i), on_false.at(i)});
  return std::make_unique<Predicate>(places, Csr<Predicate::Term>({rows.begin(), rows.end()}, std::move(terms)),
                                     std::move(atoms));
}

bool holds(const Predicate& predicate, const InArray<Count>& marking) {
  if (std::cmp_not_equal(marking.size(), predicate.places()))
    throw std::invalid_argument("the marking has another size");
  return predicate.holds(marking.data());
}

}  // namespace

void bind_predicate(py::module_& m) {
  using py::arg;
  py::class_<Predicate>(m, "Predicate")
      .def(py::init(&make_predicate), arg("places"), arg("offsets").noconvert(), arg("term_places").noconvert(),
           arg("weights").noconvert(), arg("constants").noconvert(), arg("on_true").noconvert(),
           arg("on_false").noconvert())
      .def("holds", &holds, arg("marking").noconvert());
}
