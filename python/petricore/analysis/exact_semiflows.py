"""Semiflows in integers of any size: what the core leaves when their weights outgrow 127 bits on the way."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Literal

from petricore.errors import LimitReached

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["exact_semiflows"]

_Row = tuple[dict[int, int], dict[int, int]]
"""What is left of the equations by column, and the weights by index; of the weights none is 0."""


def exact_semiflows(
    engine: Engine, of: Literal["places", "transitions"], limit: int, seconds: float
) -> list[dict[int, int]]:
    """The semiflows of minimal support, as weights by index.

    Equations are eliminated one by one, that with the fewest new combinations first, and only rows of minimal support
    are kept (Martinez, Silva 1982, 10.1007/978-3-642-68353-4_47).

    Raises:
        LimitReached: more than `limit` rows at once, or out of time.
    """
    deadline = time.monotonic() + seconds
    rows = _rows(engine, of)
    while columns := {column for left, _ in rows for column in left}:
        counts = {column: [0, 0] for column in columns}
        for left, _ in rows:
            for column, value in left.items():
                counts[column][value > 0] += 1
        # What has one sign only can but be dropped, and that comes first.
        column = min(columns, key=lambda c: (counts[c][0] * counts[c][1], c))
        rows = _eliminate(rows, column, limit, deadline)
    return [weights for _, weights in rows]


def _rows(engine: Engine, of: Literal["places", "transitions"]) -> list[_Row]:
    """A row for each place (its change by each transition) or transition; what resets touch has no weight."""
    by_place: list[dict[int, int]] = [{} for _ in engine.places]
    by_transition: list[dict[int, int]] = [{} for _ in engine.transitions]
    reset_places, resetting = set(), set()
    for t, transition in enumerate(engine._transitions.values()):
        for place in transition.resets:
            reset_places.add(engine._place_index[place])
            resetting.add(t)
        for place in {**transition.inputs, **transition.outputs}:
            change = transition.outputs.get(place, 0) - transition.inputs.get(place, 0)
            if change:
                p = engine._place_index[place]
                by_place[p][t] = change
                by_transition[t][p] = change
    table, left_out = (by_place, reset_places) if of == "places" else (by_transition, resetting)
    return [(row, {i: 1}) for i, row in enumerate(table) if i not in left_out]


def _eliminate(rows: list[_Row], column: int, limit: int, deadline: float) -> list[_Row]:
    kept = [row for row in rows if column not in row[0]]
    plus = [row for row in rows if row[0].get(column, 0) > 0]
    minus = [row for row in rows if row[0].get(column, 0) < 0]
    for a in plus:
        for b in minus:
            kept.append(_combined(a, b, column))
            if len(kept) > limit:
                raise LimitReached(f"the limit of {limit} rows ended the search for invariants")
        if time.monotonic() > deadline:
            raise LimitReached("the time limit ended the search for invariants")
    return _minimal(kept)


def _combined(a: _Row, b: _Row, column: int) -> _Row:
    """The smallest positive combination without the column."""
    times_a, times_b = -b[0][column], a[0][column]
    left = _sum(a[0], times_a, b[0], times_b)
    weights = _sum(a[1], times_a, b[1], times_b)
    common = math.gcd(*left.values(), *weights.values())
    return {c: v // common for c, v in left.items()}, {i: v // common for i, v in weights.items()}


def _sum(a: dict[int, int], times_a: int, b: dict[int, int], times_b: int) -> dict[int, int]:
    total = {i: value * times_a for i, value in a.items()}
    for i, value in b.items():
        total[i] = total.get(i, 0) + value * times_b
    return {i: value for i, value in total.items() if value}


def _minimal(rows: list[_Row]) -> list[_Row]:
    """The rows whose support holds that of no other; the first of equal ones."""
    masks: list[int] = []
    kept: list[_Row] = []
    for row in sorted(rows, key=lambda row: len(row[1])):
        mask = sum(1 << i for i in row[1])
        if all(known & ~mask for known in masks):
            masks.append(mask)
            kept.append(row)
    return kept
