// petricore._core.Fleet, Claims, Waiting. Calls are short and the owner is single-threaded: the GIL stays held.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <map>
#include <tuple>

#include "module.hpp"
#include "petricore/fleet.hpp"

namespace py = pybind11;
using namespace petricore;

namespace {

template <class T>
py::array_t<T> array_of(const std::vector<T>& values) {
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

// An argument of integers, converted exactly or refused by name. None is empty. Lists and tuples of ints, which is
// what short calls pass, do not go through numpy.
template <class T>
class Integers {
 public:
  Integers(const char* name, const py::object& argument) : given_(!argument.is_none()) {
    if (!given_ || from_sequence(argument)) return;
    const auto any = py::array::ensure(argument);
    const char kind = any ? any.dtype().kind() : 'O';
    const bool integral = kind == 'i' || kind == 'u' || kind == 'b' || (any && any.size() == 0);
    if (!integral || any.ndim() == 0) refuse(name, "is no array of integers", argument);
    array_ = Array::ensure(any);
    // An array of the right type comes back as it is; a converted one must have kept every value.
    const bool kept =
        array_ && (array_.is(any) || py::bool_(py::module_::import("numpy").attr("array_equal")(any, array_)));
    if (!kept) refuse(name, "has a value out of range", argument);
    values_ = {array_.data(), static_cast<std::size_t>(array_.size())};
    shape_.assign(array_.shape(), array_.shape() + array_.ndim());
  }

  bool given() const { return given_; }
  std::size_t ndim() const { return shape_.size(); }
  std::size_t shape(std::size_t axis) const { return static_cast<std::size_t>(shape_[axis]); }
  std::span<const T> values() const { return values_; }

 private:
  using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;

  [[noreturn]] static void refuse(const char* name, const char* what, const py::object& argument) {
    PyErr_Clear();
    throw py::value_error(std::string(name) + " " + what + ": " + py::repr(argument).cast<std::string>());
  }

  bool from_sequence(const py::object& argument) {
    if (!PyList_Check(argument.ptr()) && !PyTuple_Check(argument.ptr())) return false;
    const auto items = py::reinterpret_borrow<py::sequence>(argument);
    list_.reserve(items.size());
    for (const auto item : items) {
      py::detail::make_caster<T> caster;
      if (!PyLong_Check(item.ptr()) || !caster.load(item, false)) return false;
      list_.push_back(static_cast<T>(caster));
    }
    values_ = list_;
    shape_ = {static_cast<py::ssize_t>(list_.size())};
    return true;
  }

  bool given_;
  Array array_;
  std::vector<T> list_;
  std::span<const T> values_;
  std::vector<py::ssize_t> shape_{0};
};

// The arguments of put, emit, complete and fail, kept alive while the Fleet looks at them.
class Arguments {
 public:
  Arguments(const py::object& places, const py::object& keys, const py::object& guards, const py::object& members,
            const py::object& opened)
      : places_("places", places),
        opened_("opened", opened),
        keys_("keys", keys),
        guards_("guards", guards),
        members_("members", members) {
    set(places_.values());
    if (places_.ndim() != 1 || opened_.ndim() != 1) throw py::value_error("places and opened are one-dimensional");
  }
  Arguments(std::int32_t place, std::int64_t n, const py::object& keys, const py::object& guards)
      : places_("places", py::none()),
        opened_("opened", py::none()),
        keys_("keys", keys),
        guards_("guards", guards),
        members_("members", py::none()) {
    if (n < 0) throw py::value_error("n: " + std::to_string(n) + " is negative");
    repeated_.assign(static_cast<std::size_t>(n), place);
    set(repeated_);
  }

  const Emission& emission() const { return emission_; }

 private:
  void set(std::span<const std::int32_t> places) {
    const auto n = places.size();
    const auto length = [&](const char* name, const auto& given) {
      if (given.given() && (given.ndim() != 1 || given.shape(0) != n))
        throw py::value_error(std::string(name) + ": one value a token is needed, for " + std::to_string(n) +
                              " tokens");
    };
    length("guards", guards_);
    length("members", members_);
    if (keys_.given() && (keys_.ndim() > 2 || keys_.shape(0) != n))
      throw py::value_error("keys: one row a token is needed, for " + std::to_string(n) + " tokens");
    emission_ = {places,           keys_.values(),    keys_.ndim() == 2 ? keys_.shape(1) : 1,
                 guards_.values(), members_.values(), opened_.values()};
  }

  Integers<std::int32_t> places_, opened_;
  Integers<std::int64_t> keys_;
  Integers<std::uint64_t> guards_;
  Integers<std::uint8_t> members_;
  std::vector<std::int32_t> repeated_;
  Emission emission_;
};

using InputTuple = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;
using ArcTuple = std::tuple<std::int64_t, std::int64_t, std::int64_t>;
using Amounts = std::map<std::int64_t, std::int64_t>;

std::unique_ptr<Fleet> make_fleet(std::int64_t places, std::int64_t transitions, const std::vector<InputTuple>& inputs,
                                  const std::vector<ArcTuple>& outputs,
                                  const std::vector<std::pair<std::int64_t, std::int64_t>>& scatters,
                                  const std::vector<ArcTuple>& inhibitors, const std::vector<std::int64_t>& priorities,
                                  const Amounts& resources, const Amounts& capacities) {
  FleetSpec spec;
  spec.places = places;
  spec.transitions = transitions;
  for (const auto& [t, p, mode, weight, guard, key_slot] : inputs)
    spec.inputs.push_back({t, p, mode, weight, guard, key_slot});
  for (const auto& [t, p, weight] : outputs) spec.outputs.push_back({t, p, weight});
  spec.scatters = scatters;
  for (const auto& [t, p, weight] : inhibitors) spec.inhibitors.push_back({t, p, weight});
  spec.priorities = priorities;
  spec.resources.assign(resources.begin(), resources.end());
  spec.capacities.assign(capacities.begin(), capacities.end());
  return std::make_unique<Fleet>(spec);
}

// The claims as Python objects: one pass here is several times cheaper than slicing seven arrays in Python.
py::list rows(const Claims& claims) {
  py::list result(claims.firings.size());
  for (std::size_t i = 0; i < claims.firings.size(); ++i) {
    const auto first = static_cast<std::size_t>(claims.arcs[i]), last = static_cast<std::size_t>(claims.arcs[i + 1]);
    py::list arcs(last - first);
    for (auto arc = first; arc < last; ++arc) {
      const auto begin = static_cast<std::size_t>(claims.offsets[arc]),
                 end = static_cast<std::size_t>(claims.offsets[arc + 1]);
      py::list tokens(end - begin);
      for (auto k = begin; k < end; ++k) tokens[k - begin] = py::int_(claims.tokens[k]);
      arcs[arc - first] = std::move(tokens);
    }
    result[i] = py::make_tuple(claims.firings[i], claims.sessions[i], claims.transitions[i], std::move(arcs));
  }
  return result;
}

void bind_results(py::module_& m) {
  const auto column = [](auto member) { return [member](const Claims& claims) { return array_of(claims.*member); }; };
  py::class_<Claims>(m, "Claims", "What one claim hands out, in claim order.")
      .def("__len__", [](const Claims& claims) { return claims.firings.size(); })
      .def("rows", &rows, "For each firing: (firing, session, transition, tokens of each arc).")
      .def_property_readonly("firings", column(&Claims::firings))
      .def_property_readonly("sessions", column(&Claims::sessions))
      .def_property_readonly("transitions", column(&Claims::transitions))
      .def_property_readonly("arcs", column(&Claims::arcs))
      .def_property_readonly("offsets", column(&Claims::offsets))
      .def_property_readonly("tokens", column(&Claims::tokens))
      .def_property_readonly("groups", column(&Claims::groups));
  py::class_<Waiting>(m, "Waiting", "An unfinished gathering, and whom it waits for.")
      .def_readonly("group", &Waiting::group)
      .def_readonly("place", &Waiting::place)
      .def_readonly("members", &Waiting::members)
      .def_readonly("blockers", &Waiting::blockers)
      .def_readonly("firings", &Waiting::firings)
      .def_readonly("gatherings", &Waiting::gatherings);
}

}  // namespace

void bind_fleet(py::module_& m) {
  py::register_local_exception_translator([](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const UnknownId& unknown) {
      py::set_error(PyExc_KeyError, unknown.what());
    }
  });
  m.attr("TAKE") = static_cast<int>(ArcMode::kTake);
  m.attr("DRAIN") = static_cast<int>(ArcMode::kDrain);
  m.attr("GATHER") = static_cast<int>(ArcMode::kGather);
  m.attr("READ") = static_cast<int>(ArcMode::kRead);
  bind_results(m);

  const auto none = py::none();
  using Ids = py::array_t<std::int64_t>;
  py::class_<Fleet>(m, "Fleet", "Many sessions of one net at token level; see docs/fleet.md. Single-threaded.")
      .def(py::init(&make_fleet), py::kw_only(), py::arg("places"), py::arg("transitions"), py::arg("inputs"),
           py::arg("outputs"), py::arg("scatters") = py::tuple(), py::arg("inhibitors") = py::tuple(),
           py::arg("priorities") = py::tuple(), py::arg("resources") = py::dict(), py::arg("capacities") = py::dict())
      .def(
          "open", [](Fleet& fleet, std::int64_t n, std::int64_t account) { return array_of(fleet.open(n, account)); },
          py::arg("n") = 1, py::arg("account") = 0)
      .def("close", &Fleet::close, py::arg("session"))
      .def(
          "put",
          [](Fleet& fleet, std::int64_t session, std::int32_t place, std::int64_t n, const py::object& keys,
             const py::object& guards) -> Ids {
            return array_of(fleet.put(session, Arguments(place, n, keys, guards).emission()));
          },
          py::arg("session"), py::arg("place"), py::arg("n") = 1, py::arg("keys") = none, py::arg("guards") = none)
      .def("claim", &Fleet::claim, py::arg("limit"))
      .def("claim_exactly", &Fleet::claim_exactly, py::arg("session"), py::arg("transition"), py::arg("tokens"))
      .def(
          "save",
          [](const Fleet& fleet, std::int64_t session) {
            const auto saved = fleet.save(session);
            return py::make_tuple(py::bytes(reinterpret_cast<const char*>(saved.data.data()), saved.data.size()),
                                  array_of(saved.tokens), array_of(saved.firings));
          },
          py::arg("session"))
      .def(
          "load",
          [](Fleet& fleet, const py::bytes& data, const py::object& keys, std::int64_t account) {
            const std::string_view bytes = data;
            const Integers<std::int64_t> rows("keys", keys);
            const auto slots = fleet.key_slots();
            if (!rows.values().empty() && !(rows.ndim() == 2 && rows.shape(1) == slots) &&
                !(rows.ndim() == 1 && slots < 2))
              throw py::value_error("keys: one row of " + std::to_string(slots) + " a token is needed");
            const auto loaded = fleet.load(std::as_bytes(std::span(bytes.data(), bytes.size())),
                                           rows.given() ? std::optional(rows.values()) : std::nullopt, account);
            return py::make_tuple(loaded.session, array_of(loaded.tokens), array_of(loaded.firings));
          },
          py::arg("data"), py::arg("keys") = none, py::arg("account") = 0)
      .def(
          "emit",
          [](Fleet& fleet, std::int64_t firing, const py::object& places, const py::object& keys,
             const py::object& guards, const py::object& members, const py::object& opened) -> Ids {
            return array_of(fleet.emit(firing, Arguments(places, keys, guards, members, opened).emission()));
          },
          py::arg("firing"), py::arg("places"), py::arg("keys") = none, py::arg("guards") = none,
          py::arg("members") = none, py::arg("opened") = py::tuple())
      .def(
          "complete",
          [](Fleet& fleet, std::int64_t firing, const py::object& places, const py::object& keys,
             const py::object& guards, const py::object& members, const py::object& opened) -> Ids {
            return array_of(fleet.complete(firing, Arguments(places, keys, guards, members, opened).emission()));
          },
          py::arg("firing"), py::arg("places") = py::tuple(), py::arg("keys") = none, py::arg("guards") = none,
          py::arg("members") = none, py::arg("opened") = py::tuple())
      .def(
          "fail",
          [](Fleet& fleet, std::int64_t firing, const py::object& places, const py::object& keys,
             const py::object& guards) -> Ids {
            return array_of(fleet.fail(firing, Arguments(places, keys, guards, py::none(), py::none()).emission()));
          },
          py::arg("firing"), py::arg("places") = py::tuple(), py::arg("keys") = none, py::arg("guards") = none)
      .def("release", &Fleet::release, py::arg("firing"))
      .def(
          "refuse",
          [](Fleet& fleet, std::int64_t firing, const std::vector<std::pair<std::uint32_t, std::uint64_t>>& bars) {
            fleet.refuse(firing, bars);
          },
          py::arg("firing"), py::arg("bars"))
      .def("drop", &Fleet::drop, py::arg("session"), py::arg("token"))
      .def("supply", &Fleet::supply, py::arg("place"), py::arg("n"))
      .def(
          "marking", [](const Fleet& fleet, std::int64_t session) { return array_of(fleet.marking(session)); },
          py::arg("session"))
      .def("resources",
           [](const Fleet& fleet) {
             py::dict all;
             for (const auto& [place, tokens] : fleet.resources()) all[py::int_(place)] = tokens;
             return all;
           })
      .def(
          "tokens",
          [](const Fleet& fleet, std::int64_t session, std::int64_t place) {
            return array_of(fleet.tokens(session, place));
          },
          py::arg("session"), py::arg("place"))
      .def(
          "firings", [](const Fleet& fleet, std::int64_t session) { return array_of(fleet.firings(session)); },
          py::arg("session"))
      .def(
          "enabled", [](const Fleet& fleet, std::int64_t session) { return array_of(fleet.enabled(session)); },
          py::arg("session"))
      .def("waiting", &Fleet::waiting, py::arg("session"))
      .def(
          "scope", [](const Fleet& fleet, std::int64_t token) { return array_of(fleet.scope(token)); },
          py::arg("token"))
      .def_property_readonly("places", &Fleet::places)
      .def_property_readonly("transitions", &Fleet::transitions)
      .def_property_readonly("pending", &Fleet::pending)
      .def_property_readonly("stalled", &Fleet::stalled)
      .def_property_readonly("sessions", &Fleet::sessions)
      .def_property_readonly("session_bytes", &Fleet::session_bytes)
      .def_property_readonly("token_bytes", &Fleet::token_bytes);
}
