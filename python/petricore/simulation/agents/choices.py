"""What an action returns, drawn instead of computed: which alternative of a union, how many elements of a list."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from petricore.agent.declaration import Both, Many, Nothing, One, OneOf, Output, TransitionSpec
from petricore.agent.places import type_name
from petricore.agent.routing import output_places
from petricore.errors import NetError
from petricore.simulation.agents.draws import Draw, draw_of
from petricore.simulation.agents.given import probability, real
from petricore.simulation.agents.streams import Stream

__all__ = ["Produce", "Product", "chooses", "compile_product", "label_of", "shares"]


class Product:
    """Tokens on their way out of a firing: parallel lists, and the places to which lists were emitted.

    `ends[i]` is how many of the tokens there are up to and with element i of the lists.
    """

    __slots__ = ("ends", "members", "opened", "places")

    def __init__(self) -> None:
        self.places: list[int] = []
        self.members: list[bool] = []
        self.ends: list[int] = []
        self.opened: list[int] = []


Produce = Callable[[Stream, Product], None]


def label_of(key: Any) -> str:
    """The label that a key of a mapping stands for: a name as it is, a type by its name."""
    if key is None or key is type(None):
        return "None"
    return key if isinstance(key, str) else type_name(key)


def compile_product(
    spec: TransitionSpec,
    index: Mapping[str, int],
    outcomes: Mapping[Any, Any] | None,
    emits: Any,
    assumptions: list[str],
) -> Produce:
    """The function that draws what a firing of `spec` puts. What nobody said is added to `assumptions`.

    Raises:
        NetError: a probability or a length is wrong, or is given for what the action does not return.
    """
    compiler = _Compiler(spec.name, index, outcomes, emits, assumptions)
    produce = compiler.compile(spec.output, member=False)
    compiler.check_all_used(spec.output)
    return produce


def shares(where: str, alternatives: list[set[str]], given: Mapping[str, Any], *, rest: bool) -> list[float]:
    """Probabilities of the alternatives, each known by some labels; those not named share equally what is left.

    With `rest`, what is left when all are named is not missed. Raises `NetError` for numbers that cannot be.
    """
    found: list[float | None] = []
    for labels in alternatives:
        named = [label for label in given if label in labels]
        if len(named) > 1:
            raise NetError(f"{where}: {' and '.join(map(repr, named))} are the same alternative")
        number = given[named[0]] if named else None
        if named:
            number = probability(f"{where}: {named[0]!r}", number)
        found.append(number)
    total = math.fsum(number for number in found if number is not None)
    unnamed = found.count(None)
    if total > 1 + 1e-9 or (not unnamed and not rest and total < 1 - 1e-9):
        raise NetError(f"{where}: the probabilities add up to {total:g}, not to 1")
    left = max(1.0 - total, 0.0)
    return [left / unnamed if number is None else number for number in found]


def chooses(output: Output) -> bool:
    """Whether firings may differ in what they put, or put lists."""
    return any(True for kind in (OneOf, Many) for _ in _of_kind(output, kind))


class _Compiler:
    def __init__(
        self,
        name: str,
        index: Mapping[str, int],
        outcomes: Mapping[Any, Any] | None,
        emits: Any,
        assumptions: list[str],
    ) -> None:
        self.name = name
        self.index = index
        self.assumptions = assumptions
        if outcomes is not None and not isinstance(outcomes, Mapping):
            raise NetError(
                f"outcomes: transition {name!r} gets probabilities by alternative, not {outcomes!r}"
            )
        self.outcomes = {label_of(key): value for key, value in (outcomes or {}).items()}
        by_list = isinstance(emits, Mapping) and any(real(key) is None for key in emits)
        self.lengths: dict[str, Any] = (
            {label_of(key): value for key, value in emits.items()} if by_list else {}
        )
        self.length = None if by_list else emits
        self.given_emits = emits is not None

    def compile(self, output: Output, *, member: bool) -> Produce:
        match output:
            case One(place):
                return _one(self.index[place.name], member=member)
            case Many(element):
                opened = [self.index[place.name] for place in output_places(element)]
                return _many(self._length(element), self.compile(element, member=True), opened)
            case Both(parts):
                return _both([self.compile(part, member=member) for part in parts])
            case OneOf(alternatives):
                return _one_of(
                    self._shares(alternatives), [self.compile(one, member=member) for one in alternatives]
                )
        return lambda _stream, _product: None

    def _shares(self, alternatives: tuple[Output, ...]) -> list[float]:
        labels = [_labels(one) for one in alternatives]
        found = shares(f"outcomes: transition {self.name!r}", labels, self.outcomes, rest=False)
        unnamed = [i for i, one in enumerate(labels) if not one & self.outcomes.keys()]
        if unnamed and found[unnamed[0]] > 0:
            names = [_describe(alternatives[i]) for i in unnamed]
            what = f"{' or '.join(names)}, each" if len(names) > 1 else names[0]
            self.assumptions.append(f"{self.name} returns {what} with probability {found[unnamed[0]]:.3g}")
        return found

    def _length(self, element: Output) -> Draw:
        labels = _labels(element)
        value = next((self.lengths[label] for label in self.lengths if label in labels), self.length)
        if value is None:
            self.assumptions.append(f"{self.name} emits lists of 1 {_describe(element)}")
            value = 1
        return draw_of(f"emits: transition {self.name!r}", value, counts=True)

    def check_all_used(self, output: Output) -> None:
        choices = list(_of_kind(output, OneOf))
        known = [label for one in choices for label in map(_describe, one.alternatives)]
        labels = {
            label for one in choices for alternative in one.alternatives for label in _labels(alternative)
        }
        for label in self.outcomes:
            if label not in labels:
                what = f"its alternatives are {', '.join(known)}" if known else "it returns no union"
                raise NetError(f"outcomes: transition {self.name!r} does not choose {label!r}; {what}")
        lists = list(_of_kind(output, Many))
        if self.given_emits and not lists:
            raise NetError(f"emits: transition {self.name!r} returns no list")
        labels = {label for one in lists for label in _labels(one.element)}
        for label in self.lengths:
            if label not in labels:
                known = [_describe(one.element) for one in lists]
                raise NetError(
                    f"emits: transition {self.name!r} emits no {label!r}; it emits {', '.join(known)}"
                )


def _of_kind(output: Output, kind: type) -> Iterator[Any]:
    if isinstance(output, kind):
        yield output
    match output:
        case Many(element):
            yield from _of_kind(element, kind)
        case Both(parts) | OneOf(parts):
            for part in parts:
                yield from _of_kind(part, kind)


def _labels(output: Output) -> set[str]:
    match output:
        case One(place):
            return {place.name, type_name(place.type)}
        case Nothing():
            return {"None"}
        case Many(element):
            return {f"list[{label}]" for label in _labels(element)} | {_describe(output)}
    return {_describe(output)}


def _describe(output: Output) -> str:
    match output:
        case One(place):
            return place.name
        case Many(element):
            return f"list[{_describe(element)}]"
        case Both(parts):
            return f"tuple[{', '.join(map(_describe, parts))}]"
        case OneOf(alternatives):
            return " | ".join(map(_describe, alternatives))
    return "None"


def _one(place: int, *, member: bool) -> Produce:
    def produce(_: Stream, product: Product) -> None:
        product.places.append(place)
        product.members.append(member)

    return produce


def _many(length: Draw, element: Produce, opened: list[int]) -> Produce:
    def produce(stream: Stream, product: Product) -> None:
        product.opened.extend(opened)
        for _ in range(int(length(stream))):
            element(stream, product)
            product.ends.append(len(product.places))

    return produce


def _both(parts: list[Produce]) -> Produce:
    def produce(stream: Stream, product: Product) -> None:
        for part in parts:
            part(stream, product)

    return produce


def _one_of(probabilities: list[float], alternatives: list[Produce]) -> Produce:
    likely = [(share, one) for share, one in zip(probabilities, alternatives, strict=True) if share > 0]

    def produce(stream: Stream, product: Product) -> None:
        u = stream.random()
        chosen = likely[-1][1]
        for share, one in likely:
            if u < share:
                chosen = one
                break
            u -= share
        chosen(stream, product)

    return produce
