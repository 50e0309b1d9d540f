"""`Net`: the mutable builder of a place/transition net. `compile()` freezes it into an `Engine`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import index
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, SupportsIndex

from petricore.distributions import Delay
from petricore.errors import NetError
from petricore.timing import MassAction, checked

if TYPE_CHECKING:
    import networkx

    from petricore.engine import Engine
    from petricore.io.svg import Marking

__all__ = ["MAX_TOKENS", "Arcs", "Net", "Place", "Transition"]

MAX_TOKENS = 2**31 - 1
"""The largest token count, capacity and arc weight: counts are int32."""

Arcs = Mapping[str, SupportsIndex] | Iterable[str]
"""Arcs of one kind: place names with weights, or just names (weight 1 each)."""

_MOST_NODES_SHOWN = 400

_NO_ARCS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Place:
    """A place: its initial tokens and its capacity (None: bounded by `MAX_TOKENS` only)."""

    name: str
    tokens: int = 0
    capacity: int | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A transition, its arcs, each kind as a read-only mapping from place name to weight, and its timing.

    It is immediate if `weight` is a number, general if `delay` is a distribution, otherwise exponential with
    `rate`.
    """

    name: str
    inputs: Mapping[str, int] = field(default_factory=lambda: _NO_ARCS)
    outputs: Mapping[str, int] = field(default_factory=lambda: _NO_ARCS)
    reads: Mapping[str, int] = field(default_factory=lambda: _NO_ARCS)
    inhibitors: Mapping[str, int] = field(default_factory=lambda: _NO_ARCS)
    resets: tuple[str, ...] = ()
    priority: int = 0
    rate: float | str | MassAction = 1.0
    servers: int | float = 1
    delay: Delay | None = None
    weight: float | None = None
    memory: str = "enabling"

    def __reduce__(self) -> tuple[Any, ...]:
        arcs = (dict(self.inputs), dict(self.outputs), dict(self.reads), dict(self.inhibitors))
        timing = (self.rate, self.servers, self.delay, self.weight, self.memory)
        return Transition, (self.name, *arcs, self.resets, self.priority, *timing)


class Net:
    """A place/transition net under construction.

    Every call validates its arguments completely before it changes anything: a call that raises `NetError`
    leaves the net as it was. Places and transitions keep the order in which they were added; that order is
    the column order of all arrays of the compiled `Engine`.
    """

    def __init__(self, name: str = "net") -> None:
        self.name = _name("net", name)
        self._places: dict[str, Place] = {}
        self._transitions: dict[str, Transition] = {}

    @property
    def places(self) -> Mapping[str, Place]:
        """Places by name, in order of addition (a live read-only view)."""
        return MappingProxyType(self._places)

    @property
    def transitions(self) -> Mapping[str, Transition]:
        """Transitions by name, in order of addition (a live read-only view)."""
        return MappingProxyType(self._transitions)

    def add_place(self, name: str, tokens: SupportsIndex = 0, capacity: SupportsIndex | None = None) -> Place:
        """Add a place that initially holds `tokens` and never more than `capacity`.

        Raises:
            NetError: the name is taken, empty or no string; `tokens` is negative, above `capacity` or above
                `MAX_TOKENS`; `capacity` is below 1.
        """
        name = _name("place", name)
        if name in self._places:
            raise NetError(f"place {name!r} exists already")
        where = f"place {name!r}"
        count = _integer(where, "tokens", tokens, least=0)
        limit = None if capacity is None else _integer(where, "capacity", capacity, least=1)
        if limit is not None and count > limit:
            raise NetError(f"{where}: holds {count} tokens, above its capacity {limit}")
        place = self._places[name] = Place(name, count, limit)
        return place

    def add_transition(
        self,
        name: str,
        inputs: Arcs = (),
        outputs: Arcs = (),
        *,
        reads: Arcs = (),
        inhibitors: Arcs = (),
        resets: Iterable[str] = (),
        priority: SupportsIndex = 0,
        rate: float | str | MassAction | None = None,
        servers: SupportsIndex | float = 1,
        delay: Delay | None = None,
        weight: float | None = None,
        memory: str = "enabling",
    ) -> Transition:
        """Add a transition between places that exist already.

        Args:
            name: unique among the transitions.
            inputs: consumed on firing.
            outputs: produced on firing.
            reads: must be covered, each by itself; not consumed.
            inhibitors: the transition is disabled where a place holds at least the weight.
            resets: places emptied after the inputs are consumed and before the outputs are put.
            priority: higher wins a conflict; any int32.
            rate: exponential rate per unit of model time: a number, finite and above 0 (None: 1.0), an expression
                over the marking such as `"2 * a / (a + b)"`, or `MassAction(k)`.
            servers: how many firings may be under way at once, at most as many as the marking enables:
                an integer or `math.inf`; for a constant rate or a `delay`.
            delay: the distribution of the time a firing takes, instead of a rate (`Exponential(r)` is rate r).
            weight: makes the transition immediate: it fires before any time passes, by priority and then with a
                probability proportional to its weight, finite and above 0.
            memory: what a delay does when the transition is disabled before it is over: `"enabling"` forgets it,
                `"age"` goes on where it stood. Without effect on an exponential one, which has no memory.

        Raises:
            NetError: the name is taken, empty or no string; an arc names an unknown place, names one twice or
                has a weight below 1 or above `MAX_TOKENS`; priority or an option of the timing is out of range,
                or does not go with another; an expression is none, or names an unknown place.
        """
        name = _name("transition", name)
        if name in self._transitions:
            raise NetError(f"transition {name!r} exists already")
        where = f"transition {name!r}"
        transition = Transition(
            name,
            self._arcs(where, "input", inputs),
            self._arcs(where, "output", outputs),
            self._arcs(where, "read", reads),
            self._arcs(where, "inhibitor", inhibitors),
            tuple(self._arcs(where, "reset", resets)),
            _integer(where, "priority", priority, least=-MAX_TOKENS - 1),
            *checked(
                where,
                rate=rate,
                servers=servers,
                delay=delay,
                weight=weight,
                memory=memory,
                places=self._places,
            ),
        )
        self._transitions[name] = transition
        return transition

    def compile(self) -> Engine:
        """Freeze the net, as it stands now, into an immutable `Engine`. Costs O(places + arcs)."""
        from petricore.engine import Engine

        return Engine(self)

    def to_json(self, *, indent: int | None = None) -> str:
        """The net as JSON text, which `from_json` reads back exactly: see `petricore.io.json_format`."""
        from petricore.io.json_format import to_json

        return to_json(self, indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> Net:
        """The net that `to_json` wrote. Raises `NetError` naming the path in the document."""
        from petricore.io.json_format import from_json

        return from_json(text)

    def to_dot(self) -> str:
        """The net as a graph in Graphviz's DOT language: see `petricore.io.dot`."""
        from petricore.io.dot import to_dot

        return to_dot(self)

    def to_mermaid(self) -> str:
        """The net as a Mermaid flowchart: see `petricore.io.mermaid`."""
        from petricore.io.mermaid import to_mermaid

        return to_mermaid(self)

    def to_svg(self, marking: Marking | None = None) -> str:
        """The net as an SVG drawing, with the tokens of `marking` or else its own: `petricore.io.svg`."""
        from petricore.io.svg import to_svg

        return to_svg(self, marking)

    def to_networkx(self) -> networkx.MultiDiGraph[Any]:
        """The net as a networkx multigraph with typed nodes and arcs: see `petricore.io.networkx_graph`."""
        from petricore.io.networkx_graph import to_networkx

        return to_networkx(self)

    def to_pm4py(self) -> tuple[Any, Any, Any]:
        """The net for pm4py as `(net, initial_marking, final_marking)`: see `petricore.io.pm4py_net`.

        Raises `NetError` naming the arc or place that pm4py cannot express.
        """
        from petricore.io.pm4py_net import to_pm4py

        return to_pm4py(self)

    @classmethod
    def from_pm4py(cls, net: Any, initial_marking: Any = None) -> Net:
        """The net of a pm4py net and its marking: see `petricore.io.pm4py_net`."""
        from petricore.io.pm4py_net import from_pm4py

        return from_pm4py(net, initial_marking)

    def _repr_svg_(self) -> str | None:
        """The drawing that notebooks show; None for nets of more nodes than a reader could make out."""
        if len(self._places) + len(self._transitions) > _MOST_NODES_SHOWN:
            return None
        return self.to_svg()

    def _arcs(self, where: str, kind: str, arcs: Arcs) -> Mapping[str, int]:
        if isinstance(arcs, str):
            raise NetError(
                f"{where}: {kind} arcs are a mapping or a list of place names, not the string {arcs!r}"
            )
        weighted = isinstance(arcs, Mapping)
        if weighted and kind == "reset":
            raise NetError(f"{where}: a reset arc has no weight; give a list of place names")
        try:
            items: list[tuple[Any, Any]] = (
                list(arcs.items()) if isinstance(arcs, Mapping) else [(p, 1) for p in arcs]
            )
        except TypeError:
            raise NetError(
                f"{where}: {kind} arcs are a mapping or a list of place names, not {arcs!r}"
            ) from None
        if not items:
            return _NO_ARCS
        checked: dict[str, int] = {}
        for place, weight in items:
            if not isinstance(place, str) or place not in self._places:
                raise NetError(f"{where}: {kind} arc names the unknown place {place!r}")
            if place in checked:
                raise NetError(f"{where}: {kind} arcs name the place {place!r} twice")
            checked[place] = (
                _integer(f"{where}: {kind} arc on {place!r}", "weight", weight, least=1) if weighted else 1
            )
        return MappingProxyType(checked)

    def __repr__(self) -> str:
        return f"<Net {self.name!r}: {len(self._places)} places, {len(self._transitions)} transitions>"


def _name(kind: str, name: object) -> str:
    if not isinstance(name, str):
        raise NetError(f"a {kind}'s name is a string, not {name!r} ({type(name).__name__})")
    if not name:
        raise NetError(f"a {kind}'s name is empty")
    return name


def _integer(where: str, what: str, value: object, *, least: int) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        number = index(value)  # type: ignore[arg-type]  # whatever is no index is refused here
    except TypeError:
        raise NetError(f"{where}: {what} is an integer, not {value!r} ({type(value).__name__})") from None
    if not least <= number <= MAX_TOKENS:
        raise NetError(f"{where}: {what} is between {least} and {MAX_TOKENS}, not {number}")
    return number
