#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>

#include "engine.hpp"
#include "interrupt.hpp"
#include "module.hpp"
#include "numpy.hpp"
#include "petricore/simulate.hpp"

namespace py = pybind11;
using namespace petricore;

namespace {

PyObject* expression_error = nullptr;
PyObject* simulation_fault = nullptr;

using Names = std::vector<std::string>;

// An expression that means nothing, and what it was given for.
struct BadExpression : std::runtime_error {
  BadExpression(const char* what, std::string text_, std::size_t position_)
      : std::runtime_error(what), text(std::move(text_)), position(position_) {}

  std::string text;
  std::size_t position;  // in characters
  std::int64_t transition = -1, observable = -1;
};

std::unordered_map<std::string_view, std::uint32_t> index_of(const Names& names) {
  std::unordered_map<std::string_view, std::uint32_t> index;
  for (std::uint32_t i = 0; i < names.size(); ++i) index.emplace(names[i], i);
  return index;
}

Expression parse(const std::string& text, const std::unordered_map<std::string_view, std::uint32_t>& index) {
  try {
    return Expression::parse(text, [&](std::string_view name) {
      const auto found = index.find(name);
      return found == index.end() ? Expression::kUnknownName : found->second;
    });
  } catch (const ExpressionError& error) {
    const auto is_first_byte = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(error.position, text.size()));
    throw BadExpression(error.what(), text, static_cast<std::size_t>(std::count_if(text.begin(), end, is_first_byte)));
  }
}

// An expression that Python evaluates for many markings.
struct CoreExpression {
  CoreExpression(const std::string& text, const Names& names)
      : expression(parse(text, index_of(names))), places(names.size()) {}

  py::array_t<double> evaluate(const InArray<Count>& markings) const {
    if (markings.ndim() != 2 || std::cmp_not_equal(markings.shape(1), places))
      throw std::invalid_argument("the markings have another shape");
    const auto rows = static_cast<std::size_t>(markings.shape(0));
    py::array_t<double> out(static_cast<py::ssize_t>(rows));
    const Count* marking = markings.data();
    double* values = out.mutable_data();
    const py::gil_scoped_release unlocked;
    std::vector<double> registers(expression.instructions().size());
    for (std::size_t i = 0; i < rows; ++i) values[i] = expression.evaluate(marking + i * places, registers.data());
    return out;
  }

  Expression expression;
  std::size_t places;
};

// A timed net with the names that its expressions, and those of observables, may use.
struct CoreTimedNet {
  CoreTimedNet(const CoreEngine& engine, TimingSpec spec, Names names_)
      : timed(engine.net, std::move(spec)), names(std::move(names_)) {}

  TimedNet timed;
  Names names;
};

using DelayTuple = std::tuple<int, double, double, double, InArray<double>>;

template <class Enum>
Enum code(std::uint8_t value, Enum last, const char* what) {
  if (value > static_cast<std::uint8_t>(last)) throw std::invalid_argument(std::string("there is no such ") + what);
  return static_cast<Enum>(value);
}

std::unique_ptr<CoreTimedNet> make_timed(const CoreEngine& engine, const InArray<std::uint8_t>& timing,
                                         const InArray<std::uint8_t>& law, const InArray<std::uint8_t>& memory,
                                         const InArray<Count>& servers, const InArray<double>& rates,
                                         const InArray<double>& weights,
                                         const std::vector<std::optional<DelayTuple>>& delays,
                                         const std::vector<std::optional<std::string>>& expressions, Names names) {
  const std::size_t transitions = engine.net.transitions();
  for (const auto size : {timing.size(), law.size(), memory.size(), servers.size(), rates.size(), weights.size(),
                          static_cast<py::ssize_t>(delays.size()), static_cast<py::ssize_t>(expressions.size())}) {
    if (std::cmp_not_equal(size, transitions)) throw std::invalid_argument("one timing per transition is needed");
  }
  if (names.size() != engine.net.places()) throw std::invalid_argument("one name per place is needed");
  const auto index = index_of(names);
  TimingSpec spec;
  for (std::size_t t = 0; t < transitions; ++t) {
    const auto i = static_cast<py::ssize_t>(t);
    TransitionTiming row;
    row.timing = code(timing.at(i), Timing::kImmediate, "timing");
    row.law = code(law.at(i), RateLaw::kExpression, "rate law");
    row.memory = code(memory.at(i), Memory::kAge, "memory");
    row.servers = servers.at(i);
    row.rate = rates.at(i);
    row.weight = weights.at(i);
    if (delays[t]) {
      const auto& [family, a, b, c, samples] = *delays[t];
      const auto values = view(samples);
      row.delay = static_cast<std::uint32_t>(spec.delays.size());
      spec.delays.push_back(
          {code(static_cast<std::uint8_t>(std::clamp(family, 0, 255)), Family::kEmpirical, "family of delays"),
           a,
           b,
           c,
           {values.begin(), values.end()}});
    } else if (row.timing == Timing::kGeneral) {
      throw std::invalid_argument("transition " + std::to_string(t) + " lacks its delay");
    }
    if (expressions[t]) {
      row.expression = static_cast<std::uint32_t>(spec.expressions.size());
      try {
        spec.expressions.push_back(parse(*expressions[t], index));
      } catch (BadExpression& error) {
        error.transition = static_cast<std::int64_t>(t);
        throw;
      }
    } else if (row.law == RateLaw::kExpression) {
      throw std::invalid_argument("transition " + std::to_string(t) + " lacks its expression");
    }
    spec.transitions.push_back(row);
  }
  const py::gil_scoped_release unlocked;
  return std::make_unique<CoreTimedNet>(engine, std::move(spec), std::move(names));
}

template <std::size_t N>
std::size_t position_in(const std::array<const char*, N>& names, const std::string& name, const char* what) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) return i;
  }
  throw std::invalid_argument(std::string("there is no ") + what + " '" + name + "'");
}

// In the order of the enums.
constexpr std::array<const char*, 7> kAlgorithms = {"direct",       "next_reaction", "rejection",   "tau_leaping",
                                                    "event_driven", "token_game",    "maximal_step"};
constexpr std::array<const char*, 2> kDevices = {"cpu", "cuda"};
constexpr std::array<const char*, 3> kRecords = {"final", "grid", "events"};
constexpr std::array<const char*, 7> kMeasures = {"final",      "time_average",  "maximum", "minimum",
                                                  "throughput", "first_passage", "time_in"};

Algorithm algorithm_of(const std::string& name) {
  return static_cast<Algorithm>(position_in(kAlgorithms, name, "algorithm"));
}

using ObservableTuple = std::tuple<std::string, std::optional<std::string>, const Predicate*, std::int64_t>;

std::vector<Observable> observables_of(const std::vector<ObservableTuple>& tuples, const Names& names) {
  const auto index = index_of(names);
  std::vector<Observable> observables;
  for (const auto& [measure, expression, predicate, transition] : tuples) {
    Observable observable{static_cast<Observable::Measure>(position_in(kMeasures, measure, "measure")), {}, {}, 0};
    if (expression) {
      try {
        observable.expression = parse(*expression, index);
      } catch (BadExpression& error) {
        error.observable = static_cast<std::int64_t>(observables.size());
        throw;
      }
    }
    if (predicate != nullptr) observable.predicate = *predicate;
    if (transition < 0 || transition > kMaxTokens) throw std::invalid_argument("a transition is out of range");
    observable.transition = static_cast<std::uint32_t>(transition);
    observables.push_back(std::move(observable));
  }
  return observables;
}

py::dict to_dict(SimulationResult&& result, const CoreTimedNet& net, const SimulationOptions& options) {
  const auto rows = static_cast<py::ssize_t>(result.times.size());
  const auto places = static_cast<py::ssize_t>(net.timed.net().places());
  const auto transitions = static_cast<py::ssize_t>(net.timed.net().transitions());
  const auto size = [](const auto& span) { return static_cast<py::ssize_t>(span.size()); };
  py::dict out;
  out["final"] = to_numpy(std::move(result.final), {rows, places});
  out["times"] = to_numpy(std::move(result.times));
  out["events"] = to_numpy(std::move(result.events));
  if (options.count_firings) out["firings"] = to_numpy(std::move(result.firings), {rows, transitions});
  py::array_t<std::uint8_t> ends(rows);
  std::ranges::transform(result.ends, ends.mutable_data(),
                         [](ReplicaEnd end) { return static_cast<std::uint8_t>(end); });
  out["ends"] = std::move(ends);
  out["observed"] = to_numpy(std::move(result.observed), {rows, size(options.observables)});
  if (options.record == Record::kGrid)
    out["grid"] = to_numpy(std::move(result.grid), {rows, size(options.grid), places});
  if (options.record == Record::kEvents) {
    out["offsets"] = to_numpy(std::move(result.offsets));
    out["event_times"] = to_numpy(std::move(result.event_times));
    out["event_transitions"] = to_numpy(std::move(result.event_transitions));
  }
  return out;
}

py::dict simulate_net(const CoreTimedNet& net, const std::string& algorithm, std::uint64_t replicas,
                      std::uint64_t first_replica, std::uint64_t seed, double until, std::uint64_t steps,
                      std::uint64_t most_events, double warmup, double tolerance, const Predicate* end_when,
                      const std::string& record, const InArray<double>& grid, const InArray<Count>& initial,
                      const InArray<double>& rates, const std::vector<ObservableTuple>& observables, bool count_firings,
                      std::uint64_t most_recorded, unsigned threads, py::object progress, const std::string& device) {
  const std::vector<Observable> measured = observables_of(observables, net.names);
  SimulationOptions options;
  options.algorithm = algorithm_of(algorithm);
  options.replicas = replicas;
  options.first_replica = first_replica;
  options.seed = seed;
  options.until = until;
  options.steps = steps;
  options.most_events = most_events;
  options.warmup = warmup;
  options.tolerance = tolerance;
  options.end_when = end_when;
  options.record = static_cast<Record>(position_in(kRecords, record, "record"));
  options.grid = view(grid);
  options.initial = view(initial);
  options.rates = view(rates);
  options.observables = measured;
  options.count_firings = count_firings;
  options.most_recorded = most_recorded;
  options.threads = threads;
  options.device = static_cast<Device>(position_in(kDevices, device, "device"));
  Interrupt interrupt(std::move(progress));
  options.stop = interrupt.stop();
  SimulationResult result;
  {
    const py::gil_scoped_release unlocked;
    result = simulate(net.timed, options);
  }
  interrupt.rethrow();
  return to_dict(std::move(result), net, options);
}

const char* name_of(SimulationFault::Kind kind) {
  switch (kind) {
    case SimulationFault::Kind::kBadRate:
      return "rate";
    case SimulationFault::Kind::kTokenOverflow:
      return "overflow";
    case SimulationFault::Kind::kImmediateLoop:
      break;
  }
  return "loop";
}

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

void bind_simulation_errors(py::module_& m) {
  expression_error = define(m, "ExpressionError");
  simulation_fault = define(m, "SimulationFault");
  py::register_exception<DeviceError>(m, "DeviceError");
  py::register_exception_translator([](std::exception_ptr pointer) {
    using namespace py::literals;
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const BadExpression& e) {
      raise(expression_error, e.what(),
            py::dict("text"_a = e.text, "position"_a = e.position, "transition"_a = e.transition,
                     "observable"_a = e.observable));
    } catch (const SimulationFault& e) {
      raise(simulation_fault, e.what(),
            py::dict("kind"_a = name_of(e.kind), "replica"_a = e.replica, "time"_a = e.time, "index"_a = e.index,
                     "value"_a = e.value, "loop"_a = py::cast(e.loop)));
    }
  });
}

}  // namespace

void bind_simulate(py::module_& m) {
  using py::arg;
  bind_simulation_errors(m);
  py::class_<CoreExpression>(m, "Expression")
      .def(py::init<const std::string&, const Names&>(), arg("text"), arg("place_names"))
      .def("evaluate", &CoreExpression::evaluate, arg("markings").noconvert())
      .def_property_readonly("places", [](const CoreExpression& self) {
        const auto places = self.expression.places();
        return to_numpy(std::vector<std::uint32_t>(places.begin(), places.end()));
      });
  py::class_<CoreTimedNet>(m, "TimedNet")
      .def(py::init(&make_timed), arg("engine"), arg("timing").noconvert(), arg("law").noconvert(),
           arg("memory").noconvert(), arg("servers").noconvert(), arg("rates").noconvert(), arg("weights").noconvert(),
           arg("delays"), arg("expressions"), arg("place_names"), py::keep_alive<1, 2>());
  m.def("simulate", &simulate_net, arg("timed"), py::kw_only(), arg("algorithm"), arg("replicas"), arg("first_replica"),
        arg("seed"), arg("until"), arg("steps"), arg("most_events"), arg("warmup"), arg("tolerance"),
        arg("end_when").none(true), arg("record"), arg("grid").noconvert(), arg("initial").noconvert(),
        arg("rates").noconvert(), arg("observables"), arg("count_firings"), arg("most_recorded"), arg("threads"),
        arg("progress"), arg("device"));
  // Why an algorithm cannot run a net; empty: it can.
  m.def(
      "unsupported",
      [](const std::string& algorithm, const CoreTimedNet& net) {
        return unsupported(algorithm_of(algorithm), net.timed);
      },
      arg("algorithm"), arg("timed"));
}
