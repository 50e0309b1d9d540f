"""Every way an action can return, counted: which places get how many tokens, and which lists open a group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from petricore.agent.declaration import Both, Many, Nothing, One, OneOf, Output
from petricore.agent.routing import output_places
from petricore.errors import NetError

__all__ = ["Outcome", "outcomes"]

_MOST = 400


@dataclass(frozen=True, slots=True)
class Outcome:
    """One result: `puts` counts tokens by (place, whether they are elements of a list)."""

    label: str
    puts: tuple[tuple[tuple[str, bool], int], ...] = ()
    opened: frozenset[str] = frozenset()
    """Places that a list went to, empty lists included."""


def outcomes(transition: str, output: Output, longest: int) -> list[Outcome]:
    """The results that `output` declares: one per branch of a union, lists with 0 to `longest` elements of each kind.

    Whether `longest` stands for exactly so many or for so many and more is the caller's reading.

    Raises:
        NetError: there are more than 400 of them.
    """
    found = list(_outcomes(transition, output, longest))
    return list({(one.puts, one.opened): one for one in reversed(found)}.values())[::-1]


def _outcomes(transition: str, output: Output, longest: int) -> Iterator[Outcome]:
    match output:
        case Nothing():
            yield Outcome("None")
        case One(place):
            yield Outcome(place.name, (((place.name, False), 1),))
        case Many(element):
            yield from _lists(transition, element, longest)
        case OneOf(alternatives):
            for one in alternatives:
                yield from _outcomes(transition, one, longest)
        case Both(parts):
            rows = [list(_outcomes(transition, part, longest)) for part in parts]
            _limit(transition, [len(row) for row in rows])
            for combination in product(*rows):
                yield _together(combination)


def _lists(transition: str, element: Output, longest: int) -> Iterator[Outcome]:
    """An element that is `None` adds nothing: such lists are as long as their other elements."""
    kinds = [one for one in _outcomes(transition, element, longest) if one.puts]
    opened = frozenset(place.name for place in output_places(element))
    _limit(transition, [longest + 1] * len(kinds))
    for counts in product(range(longest + 1), repeat=len(kinds)):
        puts: Counter[tuple[str, bool]] = Counter()
        for kind, count in zip(kinds, counts, strict=True):
            for (place, _), weight in kind.puts:
                puts[place, True] += weight * count
        parts = [f"{count} {kind.label}" for kind, count in zip(kinds, counts, strict=True) if count]
        yield Outcome(f"a list of {' and '.join(parts)}" if parts else "an empty list", _frozen(puts), opened)


def _together(parts: tuple[Outcome, ...]) -> Outcome:
    puts: Counter[tuple[str, bool]] = Counter()
    for part in parts:
        puts.update(dict(part.puts))
    opened = frozenset(place for part in parts for place in part.opened)
    return Outcome(" and ".join(part.label for part in parts), _frozen(puts), opened)


def _frozen(puts: Counter[tuple[str, bool]]) -> tuple[tuple[tuple[str, bool], int], ...]:
    return tuple(sorted((key, count) for key, count in puts.items() if count))


def _limit(transition: str, sizes: list[int]) -> None:
    number = 1
    for size in sizes:
        number *= size
    if number > _MOST:
        raise NetError(
            f"transition {transition!r} can return in {number} ways, which is more than verify tells apart ({_MOST})"
        )
