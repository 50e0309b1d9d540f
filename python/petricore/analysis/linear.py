"""The state equation of a net as linear inequalities, linear programs over it, and exact proofs from inexact solvers.

Variables z: how often each transition fires (x), and for each place that some transition resets, how many tokens
resets and the inputs of those transitions took away altogether (v). Every reachable marking is

    m = m0 + sum over t of x_t * delta_t - v,    x >= 0, v >= 0, m >= 0,

where delta_t at a place that t resets is what t puts there. Reads, inhibitors and priorities only forbid firings, so
leaving them out keeps every reachable marking; capacities are kept as m <= capacity.

HiGHS works on floats, so its answers are hints. What is claimed rests on multipliers (Farkas' lemma) that are made
rational and checked with Python integers; multipliers that fail the check prove nothing.

Murata: Petri nets: properties, analysis and applications (1989), 10.1109/5.24143.
Huangfu, Hall: Parallelizing the dual revised simplex method (2018), 10.1007/s12532-017-0130-5 (HiGHS).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from petricore.analysis.facts import facts_of
from petricore.analysis.formula import Terms

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["Infeasible", "Point", "Relaxation", "Row"]

_DENOMINATORS = (1, 2, 12, 840, 10_000, 1_000_000)
_ZERO = 1e-7
_MOST_WEIGHT = 2**40  # beyond, floats are no hint any more


class Row(NamedTuple):
    """sum(coefficients[j] * z_j) <= bound."""

    coefficients: dict[int, int]
    bound: int


@dataclass(frozen=True, slots=True)
class Point:
    """A solution of the rows, up to the solver's precision."""

    firings: npt.NDArray[np.float64]
    """x, (T,): how often each transition fires."""
    marking: npt.NDArray[np.float64]
    """(P,)."""


@dataclass(frozen=True, slots=True)
class Infeasible:
    """No marking satisfies the rows: `proven` if that was checked in exact arithmetic."""

    proven: bool


class Relaxation:
    """The rows that every reachable marking of an engine satisfies. Built in O(arcs); not thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.places = engine.places
        self.transitions = engine.transitions
        self.initial = [place.tokens for place in engine._places.values()]
        facts = facts_of(engine)
        self.alive = [name not in facts.dead for name in self.transitions]
        """Dead transitions have no variable: they never fire."""
        self._changes = self._place_rows()
        self.base = [self.at_least(((place, 1),), 0) for place in self.places]
        for name, place in engine._places.items():
            if place.capacity is not None:
                self.base.append(self.at_most(((name, 1),), place.capacity))
        self._known = set[frozenset[str]]()
        self._matrix: Any = None

    @property
    def width(self) -> int:
        """The number of variables."""
        return len(self.transitions) + len(self._vanish)

    def _place_rows(self) -> dict[str, dict[int, int]]:
        rows: dict[str, dict[int, int]] = {place: {} for place in self.places}
        reset: dict[str, None] = {}
        for column, (name, transition) in enumerate(self.engine._transitions.items()):
            if not self.alive[column]:
                continue
            assert name == self.transitions[column]
            reset.update(dict.fromkeys(transition.resets))
            for place in {**transition.inputs, **transition.outputs}:
                delta = transition.outputs.get(place, 0)
                if place not in transition.resets:
                    delta -= transition.inputs.get(place, 0)
                if delta != 0:
                    rows[place][column] = delta
        self._vanish = list(reset)
        for i, place in enumerate(self._vanish):
            rows[place][len(self.transitions) + i] = -1
        return rows

    # Rows

    def at_most(self, terms: Terms, constant: int, firings: Iterable[tuple[int, int]] = ()) -> Row:
        """sum(weight * m(place)) + sum(weight * x_t) <= constant."""
        row: dict[int, int] = {}
        for place, weight in terms:
            constant -= weight * self.initial[self.engine._place_index[place]]
            for column, delta in self._changes[place].items():
                row[column] = row.get(column, 0) + weight * delta
        for column, weight in firings:
            row[column] = row.get(column, 0) + weight
        return Row({column: weight for column, weight in row.items() if weight}, constant)

    def at_least(self, terms: Terms, constant: int, firings: Iterable[tuple[int, int]] = ()) -> Row:
        """sum(weight * m(place)) + sum(weight * x_t) >= constant."""
        negative = tuple((place, -weight) for place, weight in terms)
        return self.at_most(negative, -constant, [(column, -weight) for column, weight in firings])

    def add_trap(self, trap: frozenset[str]) -> bool:
        """A row that holds of every reachable marking: the trap, marked initially, stays so. False: known already."""
        if trap in self._known:
            return False
        self._known.add(trap)
        self.base.append(self.at_least(tuple((place, 1) for place in sorted(trap)), 1))
        return True

    # Linear programs

    def find(self, rows: Sequence[Row], seconds: float) -> Point | Infeasible | None:
        """A point that satisfies the rows, with few firings; or that there is none; None: the solver gave up.

        The base rows hold at m0, so only `rows` get slack variables: the least sum of slacks is above 0 iff the rows
        contradict the net, and the multipliers of that minimum are the proof.
        """
        for row in rows:
            if not row.coefficients and row.bound < 0:
                return Infeasible(True)
        import scipy.sparse as sp

        matrix, bounds = self._system(rows)
        slack = sp.vstack(
            [sp.csr_matrix((len(self.base), len(rows))), -sp.identity(len(rows), format="csr")], format="csr"
        )
        cost = np.concatenate([np.zeros(self.width), np.ones(len(rows))])
        if rows:
            result = _minimise(cost, sp.hstack([matrix, slack], format="csr"), bounds, seconds)
            if result is None:
                return None
            if result.fun > _ZERO:
                return Infeasible(self.contradicts(rows, -result.ineqlin.marginals))
        few = np.concatenate([np.ones(len(self.transitions)), np.zeros(len(self._vanish))])
        shortest = _minimise(few, matrix, bounds, seconds)
        if shortest is not None:
            return self._point(shortest.x)
        return self._point(result.x[: self.width]) if rows else None

    def largest(self, terms: Terms, seconds: float) -> tuple[int, Point] | None:
        """A proven upper bound of the sum over all reachable markings, and a point where floats attain it.

        None: no bound was found, which is not to say that there is none.
        """
        goal = self.at_most(terms, 0)  # sum(m) = goal.coefficients * z - goal.bound
        cost = np.zeros(self.width)
        for column, weight in goal.coefficients.items():
            cost[column] = -weight
        matrix, bounds = self._system(())
        result = _minimise(cost, matrix, bounds, seconds)
        if result is None:
            return None
        best: Fraction | None = None
        for scale, multipliers in _rationalised(-result.ineqlin.marginals, ones=True):
            columns, total = self._combined(self.base, multipliers)
            reach = goal.coefficients.keys() | columns.keys()
            if all(columns.get(j, 0) >= scale * goal.coefficients.get(j, 0) for j in reach):
                bound = Fraction(total, scale) - goal.bound
                if best is None or bound < best:
                    best = bound
        return None if best is None else (math.floor(best), self._point(result.x))

    def contradicts(self, rows: Sequence[Row], multipliers: npt.NDArray[np.float64]) -> bool:
        """Whether the multipliers, made rational, prove that base and rows have no common solution z >= 0.

        Nonnegative multipliers whose combination of the left sides has no negative coefficient (so it is never
        negative), while that of the right sides is negative.
        """
        system = [*self.base, *rows]
        for _, integers in _rationalised(multipliers):
            columns, total = self._combined(system, integers)
            if total < 0 and all(weight >= 0 for weight in columns.values()):
                return True
        return False

    @staticmethod
    def _combined(system: Sequence[Row], multipliers: dict[int, int]) -> tuple[dict[int, int], int]:
        columns: dict[int, int] = {}
        total = 0
        for i, factor in multipliers.items():
            total += factor * system[i].bound
            for column, weight in system[i].coefficients.items():
                columns[column] = columns.get(column, 0) + factor * weight
        return columns, total

    def _system(self, rows: Sequence[Row]) -> tuple[Any, npt.NDArray[np.float64]]:
        import scipy.sparse as sp

        if self._matrix is None or self._matrix.shape[0] != len(self.base):
            self._matrix = self._sparse(self.base)
        matrix = sp.vstack([self._matrix, self._sparse(rows)], format="csr") if rows else self._matrix
        return matrix, np.array([float(row.bound) for row in (*self.base, *rows)], np.float64)

    def _sparse(self, rows: Sequence[Row]) -> Any:
        import scipy.sparse as sp

        offsets = np.cumsum([0, *(len(row.coefficients) for row in rows)])
        columns = [column for row in rows for column in row.coefficients]
        weights = np.array([float(w) for row in rows for w in row.coefficients.values()], np.float64)
        return sp.csr_matrix((weights, columns, offsets), shape=(len(rows), self.width))

    def _point(self, z: npt.NDArray[np.float64]) -> Point:
        marking = np.array(self.initial, np.float64)
        for i, place in enumerate(self.places):
            marking[i] += sum(delta * z[column] for column, delta in self._changes[place].items())
        return Point(z[: len(self.transitions)], marking)


def _minimise(
    cost: npt.NDArray[np.float64], matrix: Any, bounds: npt.NDArray[np.float64], seconds: float
) -> Any:
    """The result of HiGHS, or None if it found no optimum in the time."""
    from scipy.optimize import linprog

    if (
        seconds <= 0
        or 0 in matrix.shape
        or abs(matrix).max() > _MOST_WEIGHT
        or abs(bounds).max() > _MOST_WEIGHT
    ):
        return None
    options = {} if seconds == math.inf else {"time_limit": seconds}
    result = linprog(cost, A_ub=matrix, b_ub=bounds, method="highs", options=options)
    return result if result.status == 0 else None


def _rationalised(
    values: npt.NDArray[np.float64], *, ones: bool = False
) -> Iterable[tuple[int, dict[int, int]]]:
    """Guesses of the rational numbers behind floats: pairs of a common denominator and numerators, none negative.

    Vertices of small integer systems have small denominators, often once the smallest number is made 1 (not if
    `ones`, where the scale itself matters).
    """
    largest = float(values.max(initial=0.0))
    support = np.flatnonzero(values > 1e-9 * max(1.0, largest))
    if not len(support):
        if ones:
            yield 1, {}
        return
    scales = [1.0] if ones else [1.0, float(values[support].min())]
    for unit in scales:
        for limit in _DENOMINATORS:
            parts = {int(i): Fraction(float(values[i] / unit)).limit_denominator(limit) for i in support}
            common = math.lcm(*(part.denominator for part in parts.values()))
            if common.bit_length() > 2000:
                break
            yield common, {i: int(part * common) for i, part in parts.items()}
