#include <algorithm>
#include <stdexcept>
#include <utility>

#include "engine.hpp"
#include "interrupt.hpp"
#include "module.hpp"
#include "numpy.hpp"
#include "petricore/place_bounds.hpp"
#include "petricore/semiflows.hpp"
#include "petricore/siphons.hpp"

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

// (K, columns), from the offsets (K + 1,), indices and weights of the rows.
py::array_t<std::int64_t> dense_rows(const InArray<std::int64_t>& offsets, const InArray<std::uint32_t>& indices,
                                     const InArray<std::int64_t>& weights, std::size_t columns) {
  const auto starts = view(offsets);
  const auto of = view(indices);
  const auto values = view(weights);
  if (starts.empty() || starts.front() != 0 || !std::ranges::is_sorted(starts) ||
      std::cmp_not_equal(starts.back(), of.size()) || of.size() != values.size() ||
      std::ranges::any_of(of, [&](std::uint32_t index) { return index >= columns; })) {
    throw std::invalid_argument("the offsets, indices and weights are those of no rows");
  }
  py::array_t<std::int64_t> rows = sparse_zeros<std::int64_t>(starts.size() - 1, columns);
  std::int64_t* out = rows.mutable_data();
  for (std::size_t row = 0; row + 1 < starts.size(); ++row, out += columns) {
    for (auto i = static_cast<std::size_t>(starts[row]); std::cmp_less(i, starts[row + 1]); ++i) out[of[i]] = values[i];
  }
  return rows;
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

PlaceSetKind kind_of(bool siphon) { return siphon ? PlaceSetKind::kSiphon : PlaceSetKind::kTrap; }

// (offsets (K + 1,), places, how it ended)
py::tuple sets(const CoreEngine& engine, bool siphons, std::size_t limit, double seconds) {
  Interrupt interrupt(py::none(), seconds);
  PlaceSets found;
  {
    const py::gil_scoped_release unlocked;
    found = minimal_sets(engine.net, kind_of(siphons), limit, interrupt.stop());
  }
  interrupt.rethrow();
  std::vector<std::int64_t> offsets(found.sets.offsets().begin(), found.sets.offsets().end());
  PlaceSet places(found.sets.items().begin(), found.sets.items().end());
  const char* end = found.end == PlaceSetEnd::kComplete ? "complete"
                    : found.end == PlaceSetEnd::kLimit  ? "limit"
                                                        : "time";
  return py::make_tuple(to_numpy(std::move(offsets)), to_numpy(std::move(places)), end);
}

py::array_t<std::uint32_t> greatest_set(const CoreEngine& engine, bool siphon, const InArray<std::uint32_t>& places) {
  PlaceSet within(places.data(), places.data() + places.size());
  for (std::size_t i = 0; i < within.size(); ++i) {
    if (within[i] >= engine.net.places() || (i > 0 && within[i - 1] >= within[i])) {
      throw std::invalid_argument("the places do not ascend, or are of another net");
    }
  }
  return to_numpy(greatest_within(engine.net, kind_of(siphon), within));
}

py::tuple uncontrolled_siphon(const CoreEngine& engine, double seconds) {
  Interrupt interrupt(py::none(), seconds);
  UncontrolledSiphon found;
  {
    const py::gil_scoped_release unlocked;
    found = find_uncontrolled_siphon(engine.net, interrupt.stop());
  }
  interrupt.rethrow();
  if (!found.siphon) return py::make_tuple(found.known, py::none());
  return py::make_tuple(found.known, to_numpy(std::move(*found.siphon)));
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
  method("minimal_sets", &sets, arg("siphons"), arg("limit"), arg("seconds"));
  method("greatest_set", &greatest_set, arg("siphon"), arg("places").noconvert());
  method("uncontrolled_siphon", &uncontrolled_siphon, arg("seconds"));
  m.def("dense_rows", &dense_rows, arg("offsets").noconvert(), arg("indices").noconvert(), arg("weights").noconvert(),
        arg("columns"));
}
