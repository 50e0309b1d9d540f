#include "engine.hpp"
#include "interrupt.hpp"
#include "module.hpp"
#include "numpy.hpp"
#include "petricore/walk.hpp"

namespace py = pybind11;
using namespace petricore;

namespace {

// Runs a search of walks without the GIL, and raises what a signal handler or `progress` raised meanwhile.
template <class Search>
auto interruptible(Search search, const CoreEngine& engine, std::uint64_t steps, std::uint64_t seed,
                   std::span<const std::int64_t> parikh, py::object progress, double seconds) {
  if (!parikh.empty() && parikh.size() != engine.net.transitions())
    throw std::invalid_argument("the counts of firings have another size");
  Interrupt interrupt(std::move(progress), seconds);
  const WalkOptions options{steps, seed, parikh, interrupt.stop()};
  auto result = [&] {
    const py::gil_scoped_release unlocked;
    return search(engine.firing_tables(), options);
  }();
  interrupt.rethrow();
  return result;
}

py::tuple walk(const CoreEngine& engine, const Predicate* goal, std::uint64_t steps, std::uint64_t seed,
               const InArray<std::int64_t>& parikh, py::object progress, double seconds) {
  if (goal != nullptr && goal->places() != engine.net.places())
    throw std::invalid_argument("the goal is about another number of places");
  Walked result = interruptible([&](const FiringTables& tables,
                                    const WalkOptions& options) { return walk_to(engine.net, tables, goal, options); },
                                engine, steps, seed, view(parikh), std::move(progress), seconds);
  return py::make_tuple(result.found, to_numpy(std::move(result.trace)), result.steps, result.walks);
}

py::tuple climbed(const CoreEngine& engine, const InArray<std::uint32_t>& places, const InArray<std::int64_t>& weights,
                  std::int64_t target, std::uint64_t steps, std::uint64_t seed, py::object progress, double seconds) {
  constexpr std::uint64_t kMostWeight = std::uint64_t{1} << 32;
  if (places.size() != weights.size()) throw std::invalid_argument("places and weights differ in length");
  std::vector<Predicate::Term> terms;
  std::uint64_t total = 0;
  for (py::ssize_t i = 0; i < places.size(); ++i) {
    const std::int64_t weight = weights.at(i);
    const std::uint64_t size = weight < 0 ? -static_cast<std::uint64_t>(weight) : static_cast<std::uint64_t>(weight);
    if (places.at(i) >= engine.net.places()) throw std::invalid_argument("a place is out of range");
    if (size > kMostWeight || (total += size) > kMostWeight) throw std::invalid_argument("the weights are too large");
    terms.push_back({places.at(i), weight});
  }
  Climbed result =
      interruptible([&](const FiringTables& tables,
                        const WalkOptions& options) { return climb(engine.net, tables, terms, target, options); },
                    engine, steps, seed, {}, std::move(progress), seconds);
  return py::make_tuple(result.best, to_numpy(std::move(result.trace)), result.steps);
}

py::array_t<std::uint8_t> seen(const CoreEngine& engine, std::uint64_t steps, std::uint64_t seed, py::object progress,
                               double seconds) {
  return to_numpy(interruptible(
      [&](const FiringTables& tables, const WalkOptions& options) { return seen_enabled(engine.net, tables, options); },
      engine, steps, seed, {}, std::move(progress), seconds));
}

}  // namespace

void bind_walk(py::module_& m) {
  using py::arg;
  m.def("walk", &walk, arg("engine"), arg("goal").none(true), arg("steps"), arg("seed"), arg("parikh").noconvert(),
        arg("progress"), arg("seconds"));
  m.def("climb", &climbed, arg("engine"), arg("places").noconvert(), arg("weights").noconvert(), arg("target"),
        arg("steps"), arg("seed"), arg("progress"), arg("seconds"));
  m.def("seen_enabled", &seen, arg("engine"), arg("steps"), arg("seed"), arg("progress"), arg("seconds"));
}
