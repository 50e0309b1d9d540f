"""From an agent's declarations to a `Plan`: its `Fleet`, and how tokens become parameters."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from petricore.agent.declaration import Mode, TransitionSpec
from petricore.agent.options import RateLimit
from petricore.agent.places import TypedPlace, type_name
from petricore.agent.routing import Route, compile_route, opened_places, output_places
from petricore.errors import NetError, TokenTypeError

__all__ = ["Argument", "Guard", "PlacePlan", "Plan", "TransitionPlan", "compile_plan"]

_GUARD_BITS = 64


@dataclass(frozen=True, slots=True)
class Guard:
    """A bit of the tokens of one place: whether a transition's input sees them."""

    transition: str
    parameter: str
    predicate: Callable[[Any], object] | None
    """None: true until a firing of the transition gave the token back for good."""


@dataclass(slots=True)
class PlacePlan:
    """A typed place with the guards and key fields of its tokens; bit and slot are positions."""

    place: TypedPlace
    guards: list[Guard] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def plain(self) -> bool:
        """Its tokens carry neither key nor guard bits."""
        return not (self.guards or self.keys)


@dataclass(frozen=True, slots=True)
class Argument:
    """How one parameter is cut out of the tokens of an arc (`stop` None: all of them)."""

    parameter: str
    arc: int
    start: int
    stop: int | None
    many: bool


@dataclass(slots=True)
class TransitionPlan:
    """A transition as the runtime needs it: its spec, its arcs by number, and the route of its results."""

    spec: TransitionSpec
    arguments: list[Argument]
    arcs: list[tuple[int, Mode, int, int, int]]
    """(place, mode, weight, guard, key slot), in claim order, resource places left out."""
    route: Route
    opened: list[int]
    barring: dict[int, int]
    """Place -> guard bits to clear when a firing gives its inputs back for good."""
    error_place: int | None
    rate_place: int | None = None
    tick_place: int | None = None
    """Where the ticks of a source arrive."""
    dead_place: int | None = None
    """Where a firing goes that failed for good and has neither an error place nor anybody else for its tokens."""


@dataclass(slots=True)
class Plan:
    """A compiled agent."""

    places: list[PlacePlan]
    transitions: list[TransitionPlan]
    index: dict[str, int]
    resources: dict[int, int]
    rates: dict[int, RateLimit]
    fleet_arguments: dict[str, Any]
    key_slots: int
    names: list[str]
    """Names of all places, resource places included, by number."""

    def entry(self, value: object, place: str | None) -> int:
        """The number of the place that `value` enters from outside.

        Raises:
            TokenTypeError: no exposed place takes the type, or the named one does not.
            NetError: the named place is unknown or not exposed; several places take the type.
        """
        if place is not None:
            return self._named_entry(value, place)
        by_name = self.index.get(type(value).__name__)
        if by_name is not None and self._enters(by_name, value):
            return by_name
        fitting = [i for i in range(len(self.places)) if self._enters(i, value)]
        exact = [i for i in fitting if self.places[i].place.type is type(value)]
        fitting = exact or fitting
        fitting = [i for i in fitting if not self.places[i].place.named] or fitting
        if len(fitting) == 1:
            return fitting[0]
        actual = type(value).__name__
        if fitting:
            names = ", ".join(repr(self.names[i]) for i in fitting)
            raise NetError(f"a {actual} may enter at {names}: name the place")
        closed = [repr(plan.place.name) for plan in self.places if plan.place.accepts(value)]
        reason = f"place {closed[0]} is not exposed" if closed else "no place takes it"
        raise TokenTypeError(
            f"cannot put {actual}: {reason}", transition=None, expected=self._entry_types(), actual=actual
        )

    def _enters(self, number: int, value: object) -> bool:
        place = self.places[number].place
        return place.expose and place.accepts(value)

    def _named_entry(self, value: object, name: str) -> int:
        number = self.index.get(name, len(self.places))
        if number >= len(self.places):
            raise NetError(
                f"unknown place {name!r}; the places are {', '.join(map(repr, self._place_names()))}"
            )
        place = self.places[number].place
        if not place.expose:
            raise NetError(f"place {name!r} is not exposed: only firings put into it")
        if not place.accepts(value):
            expected, actual = type_name(place.type), type(value).__name__
            raise TokenTypeError(
                f"place {name!r} takes {expected}, not {actual}",
                transition=None,
                expected=expected,
                actual=actual,
            )
        return number

    def _entry_types(self) -> str:
        return " | ".join(
            dict.fromkeys(type_name(plan.place.type) for plan in self.places if plan.place.expose)
        )

    def _place_names(self) -> list[str]:
        return self.names[: len(self.places)]


def compile_plan(agent: str, places: Iterable[TypedPlace], specs: Iterable[TransitionSpec]) -> Plan:
    """Number places and transitions, and lay out guards, keys and resources. Costs O(places + arcs).

    Raises:
        NetError: a place needs more than 64 guards.

    Warns:
        UserWarning: an input that nobody can ever produce, naming place and transition.
    """
    place_plans = [PlacePlan(place) for place in places]
    index = {plan.place.name: i for i, plan in enumerate(place_plans)}
    transitions = [_transition(spec, place_plans, index) for spec in specs]
    _warn_of_dry_inputs(agent, transitions)
    plan = Plan(
        place_plans,
        transitions,
        index,
        {},
        {},
        {},
        max((len(one.keys) for one in place_plans), default=0),
        [one.place.name for one in place_plans],
    )
    plan.fleet_arguments = _fleet_arguments(plan)
    return plan


def _transition(spec: TransitionSpec, places: list[PlacePlan], index: dict[str, int]) -> TransitionPlan:
    barred = spec.options.confirm is not None or spec.options.on_error == "release"
    arguments: list[Argument] = []
    arcs: list[tuple[int, Mode, int, int, int]] = []
    barring: dict[int, int] = {}
    taken: dict[int, int] = {}  # place -> arc, for inputs that share one
    for one in spec.inputs:
        number = index[one.place.name]
        shared = taken.get(number)
        if shared is not None:
            place, mode, weight, guard, slot = arcs[shared]
            arguments.append(Argument(one.parameter, shared, weight, weight + one.weight, one.many))
            arcs[shared] = (place, mode, weight + one.weight, guard, slot)
            continue
        bars = barred and one.mode is not Mode.READ
        guard = -1
        if bars or one.predicate is not None:
            guard = _guard(places[number], Guard(spec.name, one.parameter, one.predicate))
            if bars:
                barring[number] = barring.get(number, 0) | 1 << guard
        stop = one.weight if one.mode in (Mode.TAKE, Mode.READ) else None
        if not one.hidden:
            arguments.append(Argument(one.parameter, len(arcs), 0, stop, one.many))
        if one.mode is Mode.TAKE and one.match is None:
            taken[number] = len(arcs)
        arcs.append((number, one.mode, one.weight, guard, _slot(places[number], one.match)))
    return TransitionPlan(
        spec,
        arguments,
        arcs,
        compile_route(spec.name, spec.output, index),
        [index[place.name] for place in opened_places(spec.output)],
        barring,
        None if spec.error_place is None else index[spec.error_place.name],
        dead_place=None if spec.dead_letter is None else index[spec.dead_letter.name],
        tick_place=None if spec.tick is None else index[spec.tick.place.name],
    )


def _guard(place: PlacePlan, guard: Guard) -> int:
    if len(place.guards) == _GUARD_BITS:
        raise NetError(
            f"transition {guard.transition!r}, parameter {guard.parameter!r}: place {place.place.name!r} has "
            f"{_GUARD_BITS} guards already (where, confirm and on_error='release' need one each)"
        )
    place.guards.append(guard)
    return len(place.guards) - 1


def _slot(place: PlacePlan, match: str | None) -> int:
    if match is None:
        return -1
    if match not in place.keys:
        place.keys.append(match)
    return place.keys.index(match)


def _fleet_arguments(plan: Plan) -> dict[str, Any]:
    inputs: list[tuple[int, int, int, int, int, int]] = []
    outputs: dict[tuple[int, int], int] = {}
    scatters: list[tuple[int, int]] = []
    inhibitors: list[tuple[int, int, int]] = []
    for number, transition in enumerate(plan.transitions):
        spec = transition.spec
        inputs += [
            (number, place, mode.value, weight, guard, slot)
            for place, mode, weight, guard, slot in transition.arcs
        ]
        put_into = [plan.index[place.name] for place in output_places(spec.output)]
        if transition.error_place is not None:
            put_into.append(transition.error_place)
        if transition.dead_place is not None:
            put_into.append(transition.dead_place)
        outputs.update(((number, place), 1) for place in put_into)
        scatters += [(number, place) for place in transition.opened]
        inhibitors += [(number, plan.index[place.name], 1) for place in spec.inhibitors]
        if spec.options.concurrency is not None:
            place = _resource(plan, f"concurrency of {spec.name}", spec.options.concurrency)
            inputs.append((number, place, Mode.TAKE.value, 1, -1, -1))
            outputs[number, place] = 1
        if spec.options.rate_limit is not None:
            place = _resource(plan, f"rate of {spec.name}", spec.options.rate_limit.firings)
            inputs.append((number, place, Mode.TAKE.value, 1, -1, -1))
            transition.rate_place = place
            plan.rates[place] = spec.options.rate_limit
    return {
        "places": len(plan.names),
        "transitions": len(plan.transitions),
        "inputs": inputs,
        "outputs": [(transition, place, weight) for (transition, place), weight in outputs.items()],
        "scatters": scatters,
        "inhibitors": inhibitors,
        "priorities": [transition.spec.options.priority for transition in plan.transitions],
        "resources": plan.resources,
        "capacities": {},
    }


def _resource(plan: Plan, name: str, tokens: int) -> int:
    number = len(plan.names)
    plan.names.append(name)
    plan.resources[number] = tokens
    return number


def _warn_of_dry_inputs(agent: str, transitions: list[TransitionPlan]) -> None:
    produced = {place.name for one in transitions for place in output_places(one.spec.output)}
    produced |= {one.spec.error_place.name for one in transitions if one.spec.error_place is not None}
    produced |= {one.spec.dead_letter.name for one in transitions if one.spec.dead_letter is not None}
    for transition in transitions:
        for one in transition.spec.inputs:
            if not one.place.expose and one.place.name not in produced and one is not transition.spec.tick:
                warnings.warn(
                    f"agent {agent!r}: transition {transition.spec.name!r} can never fire: nothing puts into "
                    f"place {one.place.name!r} (parameter {one.parameter!r}), and it is not exposed",
                    UserWarning,
                    stacklevel=3,
                )
