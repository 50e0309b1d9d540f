#include "engine.hpp"
#include "module.hpp"
#include "numpy.hpp"
#include "petricore/conflict.hpp"
#include "petricore/step.hpp"

namespace py = pybind11;
using namespace petricore;

namespace {

// Arcs of one kind, as (offsets (T + 1,), places, weights).
using ArcArrays = std::tuple<InArray<std::uint32_t>, InArray<std::uint32_t>, InArray<Count>>;

Csr<Arc> to_csr(const ArcArrays& arrays) {
  const auto offsets = view(std::get<0>(arrays));
  const auto places = view(std::get<1>(arrays));
  const auto weights = view(std::get<2>(arrays));
  bool sound =
      !offsets.empty() && offsets.front() == 0 && offsets.back() == places.size() && places.size() == weights.size();
  for (std::size_t i = 1; sound && i < offsets.size(); ++i) sound = offsets[i - 1] <= offsets[i];
  if (!sound) throw std::invalid_argument("arc offsets do not fit the arcs");
  std::vector<Arc> arcs(places.size());
  for (std::size_t i = 0; i < arcs.size(); ++i) arcs[i] = {places[i], weights[i]};
  return {{offsets.begin(), offsets.end()}, std::move(arcs)};
}

template <class T>
std::vector<T> to_vector(const InArray<T>& array) {
  const auto values = view(array);
  return {values.begin(), values.end()};
}

std::unique_ptr<CoreEngine> make_engine(const InArray<Count>& initial, const InArray<Count>& capacities,
                                        const ArcArrays& inputs, const ArcArrays& outputs, const ArcArrays& reads,
                                        const ArcArrays& inhibitors, const ArcArrays& resets,
                                        const InArray<std::int32_t>& priorities, const InArray<double>& rates) {
  NetSpec spec{to_vector(initial), to_vector(capacities), to_csr(inputs),        to_csr(outputs), to_csr(reads),
               to_csr(inhibitors), to_csr(resets),        to_vector(priorities), to_vector(rates)};
  const py::gil_scoped_release unlocked;
  return std::make_unique<CoreEngine>(std::move(spec));
}

using Rows = InArray<Count>;  // (batch, P) or (batch, T)

void enabled(const CoreEngine& engine, const Rows& markings, py::array_t<bool, py::array::c_style>& out,
             unsigned threads) {
  const auto batch = static_cast<std::size_t>(markings.shape(0));
  auto* flags = reinterpret_cast<std::uint8_t*>(out.mutable_data());
  const Count* rows = markings.data();
  const py::gil_scoped_release unlocked;
  engine.bulk.enabled(rows, batch, flags, threads);
}

py::array_t<Count> new_rows(const Rows& like, std::size_t columns) {
  return py::array_t<Count>({like.shape(0), static_cast<py::ssize_t>(columns)});
}

py::array_t<Count> enabling_degree(const CoreEngine& engine, const Rows& markings, unsigned threads) {
  auto out = new_rows(markings, engine.net.transitions());
  const auto batch = static_cast<std::size_t>(markings.shape(0));
  const Count* rows = markings.data();
  Count* degrees = out.mutable_data();
  const py::gil_scoped_release unlocked;
  engine.bulk.enabling_degree(rows, batch, degrees, threads);
  return out;
}

py::array_t<Count> fire(const CoreEngine& engine, const Rows& markings, const Rows& firings, unsigned threads) {
  auto out = new_rows(markings, engine.net.places());
  const auto batch = static_cast<std::size_t>(markings.shape(0));
  const Count* rows = markings.data();
  const Count* counts = firings.data();
  Count* after = out.mutable_data();
  const py::gil_scoped_release unlocked;
  fire_steps(engine.net, rows, counts, batch, after, threads);
  return out;
}

py::array_t<Count> step(const CoreEngine& engine, const Rows& markings, bool random, std::uint64_t seed,
                        unsigned threads) {
  auto out = new_rows(markings, engine.net.transitions());
  const auto batch = static_cast<std::size_t>(markings.shape(0));
  const Count* rows = markings.data();
  Count* counts = out.mutable_data();
  const py::gil_scoped_release unlocked;
  maximal_steps(engine.bulk, rows, batch, random ? StepPolicy::kRandom : StepPolicy::kFifo, seed, counts, threads);
  return out;
}

py::tuple conflicts(const CoreEngine& engine, const Rows& markings, unsigned threads) {
  const auto batch = static_cast<std::size_t>(markings.shape(0));
  const Count* rows = markings.data();
  Conflicts found;
  {
    const py::gil_scoped_release unlocked;
    found = find_conflicts(engine.bulk, rows, batch, threads);
  }
  auto* pairs = new std::vector<Conflict>(std::move(found.pairs));
  const py::capsule owner(pairs, [](void* vector) { delete static_cast<std::vector<Conflict>*>(vector); });
  static_assert(sizeof(Conflict) == 2 * sizeof(std::int32_t));
  py::array_t<std::int32_t> pair_array({static_cast<py::ssize_t>(pairs->size()), py::ssize_t{2}},
                                       reinterpret_cast<const std::int32_t*>(pairs->data()), owner);
  return py::make_tuple(to_numpy(std::move(found.offsets)), std::move(pair_array));
}

}  // namespace

void bind_engine(py::module_& m) {
  using py::arg;
  py::class_<CoreEngine>(m, "Engine")
      .def(py::init(&make_engine), arg("initial").noconvert(), arg("capacities").noconvert(), arg("inputs"),
           arg("outputs"), arg("reads"), arg("inhibitors"), arg("resets"), arg("priorities").noconvert(),
           arg("rates").noconvert())
      .def("enabled", &enabled, arg("markings").noconvert(), arg("out").noconvert(), arg("threads") = 0)
      .def("enabling_degree", &enabling_degree, arg("markings").noconvert(), arg("threads") = 0)
      .def("fire", &fire, arg("markings").noconvert(), arg("firings").noconvert(), arg("threads") = 0)
      .def("step", &step, arg("markings").noconvert(), arg("random"), arg("seed"), arg("threads") = 0)
      .def("conflicts", &conflicts, arg("markings").noconvert(), arg("threads") = 0);
  m.def("simd_level", &Bulk::simd_level);
}
