#include "engine.hpp"
#include "interrupt.hpp"
#include "module.hpp"
#include "numpy.hpp"
#include "petricore/reduce.hpp"

namespace py = pybind11;
using namespace petricore;

namespace {

py::tuple arcs(const Csr<Arc>& table) {
  std::vector<std::uint32_t> offsets(table.offsets().begin(), table.offsets().end()), places;
  std::vector<Count> weights;
  for (const Arc& arc : table.items()) {
    places.push_back(arc.place);
    weights.push_back(arc.weight);
  }
  return py::make_tuple(to_numpy(std::move(offsets)), to_numpy(std::move(places)), to_numpy(std::move(weights)));
}

py::dict rules(const Reduction& reduction) {
  py::dict counts;
  for (std::size_t i = 0; i < kReductionRules; ++i) {
    if (reduction.applied[i] == 0) continue;
    const std::string_view name = name_of(static_cast<ReductionRule>(i));
    counts[py::str(name.data(), name.size())] = reduction.applied[i];
  }
  return counts;
}

// Per transition, the transitions of the whole net that it stands for, where they are few; else nothing.
py::list stories(const Reduction& reduction) {
  constexpr std::uint64_t kMostShown = 4;
  py::list all;
  for (const std::uint32_t story : reduction.stories_of) {
    std::vector<std::uint32_t> path;
    if (reduction.stories.length(story) <= kMostShown) {
      reduction.stories.append_to(path, story);
    }
    all.append(to_numpy(std::move(path)));
  }
  return all;
}

std::unique_ptr<Reduction> reduce_engine(const CoreEngine& engine, bool deadlock,
                                         const InArray<std::uint32_t>& visible_places,
                                         const InArray<std::uint32_t>& visible_transitions, double seconds) {
  Interrupt interrupt(py::none(), seconds);
  const auto places = view(visible_places);
  const auto transitions = view(visible_transitions);
  const ReductionOptions options{deadlock ? ReductionGoal::kDeadlock : ReductionGoal::kReachability,
                                 {places.begin(), places.end()},
                                 {transitions.begin(), transitions.end()},
                                 interrupt.stop()};
  std::unique_ptr<Reduction> reduction;
  {
    const py::gil_scoped_release unlocked;
    reduction = std::make_unique<Reduction>(reduce(engine.net, options));
  }
  interrupt.rethrow();
  return reduction;
}

py::array_t<std::uint32_t> lift(const Reduction& reduction, const CoreEngine& engine,
                                const InArray<std::uint32_t>& path) {
  const auto firings = view(path);
  std::vector<std::uint32_t> lifted;
  {
    const py::gil_scoped_release unlocked;
    lifted = reduction.lift(engine.net, firings);
  }
  return to_numpy(std::move(lifted));
}

}  // namespace

void bind_reduce(py::module_& m) {
  using py::arg;
  py::class_<Reduction>(m, "Reduction")
      .def_property_readonly("initial", [](const Reduction& r) { return to_numpy(std::vector<Count>(r.net.initial)); })
      .def_property_readonly("places",
                             [](const Reduction& r) { return to_numpy(std::vector<std::uint32_t>(r.places)); })
      .def_property_readonly("inputs", [](const Reduction& r) { return arcs(r.net.inputs); })
      .def_property_readonly("outputs", [](const Reduction& r) { return arcs(r.net.outputs); })
      .def_property_readonly("reads", [](const Reduction& r) { return arcs(r.net.reads); })
      .def_property_readonly("inhibitors", [](const Reduction& r) { return arcs(r.net.inhibitors); })
      .def_property_readonly("resets", [](const Reduction& r) { return arcs(r.net.resets); })
      .def_property_readonly("stories", &stories)
      .def_property_readonly("rules", &rules)
      .def_property_readonly("complete", [](const Reduction& r) { return r.complete; })
      .def("lift", &lift, arg("engine"), arg("path").noconvert());
  m.def("reduce", &reduce_engine, arg("engine"), arg("deadlock"), arg("visible_places").noconvert(),
        arg("visible_transitions").noconvert(), arg("seconds"));
}
