"""An agent as it is simulated: its plan, with draws where the runtime has actions, values and people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from petricore.agent.compile import Plan, TransitionPlan
from petricore.agent.declaration import Mode, TransitionSpec, is_generator
from petricore.agent.options import RetryPolicy
from petricore.agent.places import type_name
from petricore.errors import NetError
from petricore.simulation.agents.admission import Admission, admissions
from petricore.simulation.agents.choices import Produce, Product, chooses, compile_product
from petricore.simulation.agents.costs import Cost
from petricore.simulation.agents.draws import Draw, draw_of
from petricore.simulation.agents.given import counted, probability
from petricore.simulation.agents.lineage import Kinship, kinships
from petricore.simulation.agents.people import Confirmation
from petricore.simulation.agents.resources import Resource, lay_out
from petricore.simulation.agents.streams import Stream

if TYPE_CHECKING:
    from petricore.agent.agent import Agent

__all__ = ["Behaviour", "Model", "compile_model"]

_ALL = "*"


@dataclass(slots=True)
class Behaviour:
    """A transition while it is simulated."""

    name: str
    number: int
    plan: TransitionPlan
    duration: Draw
    produce: Produce
    constant: list[int] | None
    """The places put into, where that is always the same and no list."""
    streams: bool
    """Its action is a generator: what it puts goes out while it runs."""
    failure_rate: float
    confirmation: Draw | None
    rejection: float
    per_firing: Draw
    per_attempt: Draw
    per_second: Draw
    held: float
    """Price of a second of a firing: what it holds of resources that cost."""
    retry: RetryPolicy | None
    run_timeout: float
    idle_timeout: float
    delay: float
    give_back: bool
    """A firing that failed for good gives its inputs back."""
    needs: list[tuple[int, int]]
    """(resource, amount), in the order in which they are claimed."""
    threaded: bool
    conditional: bool
    """It takes by group or is inhibited: when it became enabled is not told by its tokens."""
    keyed: bool
    """Its tokens have a lineage that somebody joins by."""


@dataclass(slots=True)
class Model:
    """All that is the same for every session."""

    agent: str
    plan: Plan
    fleet_arguments: dict[str, Any]
    behaviours: list[Behaviour]
    resources: list[Resource]
    threads: int
    inputs: list[tuple[int, Draw]]
    """(place, how many tokens)."""
    admissions: list[Admission | None]
    kinships: list[list[Kinship]]
    key_slots: int
    wanted: set[int]
    """Places from which a transition takes: tokens left there are stuck."""
    assumptions: list[str]


class _Given:
    """An argument that maps names of transitions to something, "*" to that of all others."""

    def __init__(self, argument: str, given: Any, known: Mapping[str, Any], what: str = "transition") -> None:
        if given is not None and not isinstance(given, Mapping):
            given = {_ALL: given}
        self.given: Mapping[str, Any] = given or {}
        for name in self.given:
            if name not in known and name != _ALL:
                raise NetError(
                    f"{argument}: there is no {what} {name!r}; there are {', '.join(map(repr, known))}"
                )

    def of(self, name: str) -> Any:
        return self.given.get(name, self.given.get(_ALL))


def compile_model(
    agent: Agent,
    inputs: Mapping[Any, Any],
    *,
    durations: Any,
    costs: Any,
    resources: Mapping[str, Any] | None,
    needs: Mapping[str, Any] | None,
    outcomes: Mapping[Any, Any] | None,
    emits: Mapping[str, Any] | None,
    failure_rate: Any,
    confirmations: Any,
    threads: int,
) -> Model:
    """Check what is given, draw up what is not, and say so in `assumptions`.

    Raises:
        NetError: a name is unknown, a number impossible; the message says which.
    """
    plan = agent.plan()
    for one in plan.transitions:
        if one.tick_place is not None:
            raise NetError(f"transition {one.spec.name!r} is a source (every=...), which simulate does not know: "
                           "declare what it puts as inputs and arrivals of an agent without it")  # fmt: skip
    for argument, given in (("resources", resources), ("needs", needs), ("outcomes", outcomes)):
        if given is not None and not isinstance(given, Mapping):
            raise NetError(f"{argument} is a mapping by name, not {given!r}")
    threads = counted(
        threads, 0, 2**31 - 1, "threads is a number of threads, or 0 for as many as there is work for"
    )
    assumptions: list[str] = []
    outcomes = outcomes or {}
    laid_out, by_transition, fleet_arguments = lay_out(plan, resources or {}, needs or {})
    admitted, of_places = admissions(plan, outcomes, assumptions)
    known = {one.spec.name: one for one in plan.transitions}
    arguments = _Arguments(
        _Given("durations", durations, known),
        _Given("costs", costs, {**known, **{one.name: one for one in laid_out}}, "transition or resource"),
        {key: value for key, value in outcomes.items() if key not in of_places},
        _Given("emits", {} if emits is None else emits, known),
        _Given("failure_rate", failure_rate, known),
        _Given("confirmations", confirmations, known),
    )
    for name in arguments.outcomes:
        if name not in known:
            raise NetError(f"outcomes: {name!r} is neither a transition nor a place")
    for name in arguments.confirmations.given:
        if name in known and not known[name].spec.options.confirm:
            raise NetError(f"confirmations: transition {name!r} asks nobody (it has no confirm=True)")
    assumptions += [f"on_error='session' of {name} is taken as 'fail': the session goes on"
                    for name, one in known.items() if one.spec.options.on_error == "session"]  # fmt: skip
    assumptions += [f"what fails in {name} is gone (no dead letter)"
                    for name, one in known.items() if one.spec.dead_letter is not None]  # fmt: skip
    assumptions += [f"people decide on {name} before its deadline" for name, one in known.items()
                    if one.spec.options.confirm and one.spec.options.confirm.deadline is not None]  # fmt: skip
    undecided: list[str] = []
    behaviours = [
        _behaviour(number, one, plan, arguments, laid_out, by_transition[number], assumptions, undecided)
        for number, one in enumerate(plan.transitions)
    ]
    if undecided:
        assumptions.insert(0, f"no duration is given for {', '.join(undecided)}: they take no time")
    if threads == 0 and any(one.threaded for one in behaviours):
        assumptions.append("sync actions find a thread at once (threads=0)")
    if not inputs and all(one.arcs for one in plan.transitions):
        assumptions.insert(0, "no inputs are given: nothing happens")
    found_kinships = kinships(plan, assumptions)
    return Model(
        agent.name,
        plan,
        fleet_arguments,
        behaviours,
        laid_out,
        threads,
        _inputs(plan, inputs),
        admitted,
        found_kinships,
        plan.key_slots,
        {place for one in plan.transitions for place, mode, *_ in one.arcs if mode is not Mode.READ},
        assumptions,
    )


@dataclass(slots=True)
class _Arguments:
    durations: _Given
    costs: _Given
    outcomes: Mapping[Any, Any]
    emits: _Given
    failure_rate: _Given
    confirmations: _Given


def _behaviour(
    number: int,
    one: TransitionPlan,
    plan: Plan,
    arguments: _Arguments,
    resources: list[Resource],
    needs: list[tuple[int, int]],
    assumptions: list[str],
    undecided: list[str],
) -> Behaviour:
    spec, options = one.spec, one.spec.options
    name = spec.name
    duration = arguments.durations.of(name)
    if duration is None:
        undecided.append(name)
        duration = 0.0
    emits = arguments.emits.given.get(name)
    if emits is None and _ALL in arguments.emits.given and one.opened:
        emits = arguments.emits.given[_ALL]
    produce = compile_product(spec, plan.index, arguments.outcomes.get(name), emits, assumptions)
    streams = is_generator(spec.action)
    rate = arguments.failure_rate.of(name)
    rate = 0.0 if rate is None else probability(f"failure_rate: transition {name!r}", rate)
    confirmation, rejection = _confirmation(spec, arguments.confirmations, assumptions)
    cost = _cost(arguments.costs.of(name))
    where = f"costs: transition {name!r}"
    timeout = options.timeout
    if rate > 0 and options.retry is not None and options.retry.retry_on is not Exception:
        assumptions.append(f"every failure of {name} is one that is retried")
    if streams:
        assumptions.append(f"{name} puts the elements of its list evenly over its duration")
    return Behaviour(
        name=name,
        number=number,
        plan=one,
        duration=draw_of(f"durations: transition {name!r}", duration),
        produce=produce,
        constant=_constant(spec, plan, produce),
        streams=streams,
        failure_rate=rate,
        confirmation=confirmation,
        rejection=rejection,
        per_firing=draw_of(f"{where}, per_firing", cost.per_firing),
        per_attempt=draw_of(f"{where}, per_attempt", cost.per_attempt),
        per_second=draw_of(f"{where}, per_second", cost.per_second),
        held=math.fsum(amount * _price(resources[which], arguments.costs.given.get(resources[which].name))
                       for which, amount in needs),
        retry=options.retry,
        run_timeout=math.inf if timeout is None or timeout.run_timeout is None else timeout.run_timeout,
        idle_timeout=math.inf if timeout is None or timeout.idle_timeout is None else timeout.idle_timeout,
        delay=options.delay,
        give_back=options.on_error == "release",
        needs=needs,
        threaded=options.executor == "thread",
        conditional=bool(spec.inhibitors) or any(mode is Mode.GATHER for _, mode, *_ in one.arcs),
        keyed=plan.key_slots > 0,
    )  # fmt: skip


def _constant(spec: TransitionSpec, plan: Plan, produce: Produce) -> list[int] | None:
    """What a transition puts that has neither choices nor lists, into places whose tokens carry no marks."""
    if plan.key_slots or chooses(spec.output):
        return None
    product = Product()
    produce(Stream(), product)
    return product.places if all(not plan.places[place].guards for place in product.places) else None


def _confirmation(spec: TransitionSpec, given: _Given, assumptions: list[str]) -> tuple[Draw | None, float]:
    if not spec.options.confirm:
        return None, 0.0
    value = given.of(spec.name)
    where = f"confirmations: transition {spec.name!r}"
    if value is None:
        assumptions.append(f"{spec.name} is confirmed at once, and never rejected")
        value = 0.0
    if not isinstance(value, Confirmation):
        value = Confirmation(value)
    return draw_of(where, value.seconds), probability(f"{where}, rejection", value.rejection)


def _cost(value: Any) -> Cost:
    if value is None:
        return Cost()
    return value if isinstance(value, Cost) else Cost(per_firing=value)


def _price(resource: Resource, value: Any) -> float:
    if value is None:
        return 0.0
    where = f"costs: resource {resource.name!r}"
    if not isinstance(value, Cost) or value.per_firing != 0 or value.per_attempt != 0:
        raise NetError(f"{where} has a price of its use: Cost(per_second=...), not {value!r}")
    if resource.window is not None:
        raise NetError(f"{where} is a limit, which nobody holds: give the price to the transitions")
    price = draw_of(f"{where}, per_second", value.per_second).constant
    if price is None:
        raise NetError(f"{where} has one price per second, not {value.per_second!r}")
    return price


def _inputs(plan: Plan, inputs: Mapping[Any, Any]) -> list[tuple[int, Draw]]:
    if not isinstance(inputs, Mapping):
        raise NetError(
            f"inputs says how many tokens of each type a session gets, like {{Url: 2}}, not {inputs!r}"
        )
    names = plan.names[: len(plan.places)]
    found: dict[int, Draw] = {}
    for key, count in inputs.items():
        name = key if isinstance(key, str) else type_name(key)
        number = plan.index.get(name)
        if number is None or (not isinstance(key, str) and plan.places[number].place.type != key):
            raise NetError(
                f"inputs: there is no place {name!r}; the places are {', '.join(map(repr, names))}"
            )
        if not plan.places[number].place.expose:
            raise NetError(f"inputs: place {name!r} is not exposed: only firings put into it")
        if number in found:
            raise NetError(f"inputs: place {name!r} stands there twice")
        found[number] = draw_of(f"inputs: place {name!r}", count, counts=True)
    return list(found.items())
