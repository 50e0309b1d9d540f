"""CTL on an explicit, maybe partial, graph: in which markings a formula certainly holds.

Clarke, Emerson, Sistla (1986), 10.1145/5397.5399, with backward propagation along edges. Of a partial graph the
markings that were not expanded are unknown: a formula is labelled only where it holds however the graph goes on (the
certain half of a three-valued labelling: Bruns, Godefroid 1999, 10.1007/3-540-48683-6_25).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from petricore import _core
from petricore.analysis.formula import And, Formula, Not, Or, Temporal, Until
from petricore.analysis.predicate import compile_predicate
from petricore.analysis.rewrite import negation_normal_form

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["Labelling"]

_Set: TypeAlias = npt.NDArray[np.bool_]


class Labelling:
    """Labels of the markings of one space. Costs O(edges) memory, and O(edges) time for each temporal operator."""

    def __init__(self, engine: Engine, space: _core.StateSpace) -> None:
        self._engine = engine
        self._space = space
        size = len(space)
        offsets, targets, _ = space.edges()
        self._expanded = np.arange(size) < len(offsets) - 1
        self._degrees = np.zeros(size, np.int64)
        self._degrees[: len(offsets) - 1] = np.diff(offsets)
        self._stuck = self._expanded & (self._degrees == 0)
        # Edges by target, for going backwards.
        order = np.argsort(targets, kind="stable")
        self._sources = np.repeat(np.arange(size, dtype=np.uint32), self._degrees)[order]
        self._before = np.zeros(size + 1, np.int64)
        np.cumsum(np.bincount(targets, minlength=size), out=self._before[1:])

    def certain(self, formula: Formula) -> _Set:
        """Where the formula (in negation normal form) certainly holds, bool (N,)."""
        if formula.is_state:
            return self._space.evaluate(compile_predicate(self._engine, formula))
        match formula:
            case And(operands):
                return _every([self.certain(part) for part in operands])
            case Or(operands):
                return ~_every([~self.certain(part) for part in operands])
            case Until("E", left, right):
                return self._some_until(self.certain(left), self.certain(right))
            case Until("A", left, right):
                return self._all_until(self.certain(left), self.certain(right))
            case Not(Until(quantifier, left, right)):
                return self._no_until(quantifier, left, right)
            case Temporal(operator, operand):
                return self._temporal(operator, self.certain(operand))
            case _:
                raise AssertionError(f"no formula in negation normal form: {formula!r}")

    def _no_until(self, quantifier: str, left: Formula, right: Formula) -> _Set:
        """By the complement: where the until may hold, if what is unknown is taken to hold."""
        maybe_left = ~self.certain(negation_normal_form(left, negate=True))
        maybe_right = ~self.certain(negation_normal_form(right, negate=True))
        maybe_right |= maybe_left & ~self._expanded
        if quantifier == "E":
            return ~self._some_until(maybe_left, maybe_right)
        return ~self._all_until(maybe_left, maybe_right)

    def _temporal(self, operator: str, inner: _Set) -> _Set:
        everywhere = np.ones(len(inner), np.bool_)
        match operator:
            case "EX":
                return self._preceding(inner) > 0
            case "AX":
                into: _Set = self._preceding(inner) == self._degrees
                return self._expanded & into
            case "EF":
                return self._some_until(everywhere, inner)
            case "AF":
                return self._all_until(everywhere, inner)
            case "EG":
                return ~self._all_until(everywhere, ~inner | ~self._expanded)
            case _:
                return ~self._some_until(everywhere, ~inner | ~self._expanded)

    def _preceding(self, inner: _Set) -> npt.NDArray[np.int64]:
        """How many edges of each marking lead into the set."""
        into = np.repeat(inner, np.diff(self._before))
        return np.bincount(self._sources[into], minlength=len(inner))

    def _sources_of(self, markings: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
        """The sources of all edges into these markings, with repetition."""
        first, lengths = self._before[markings], self._before[markings + 1] - self._before[markings]
        starts = np.repeat(first - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
        found: npt.NDArray[np.uint32] = self._sources[starts + np.arange(len(starts))]
        return found

    def _some_until(self, left: _Set, right: _Set) -> _Set:
        found = right.copy()
        frontier = np.flatnonzero(found)
        while len(frontier):
            sources = self._sources_of(frontier)
            sources = np.unique(sources[left[sources] & ~found[sources]])
            found[sources] = True
            frontier = sources.astype(np.int64)
        return found

    def _all_until(self, left: _Set, right: _Set) -> _Set:
        """A marking that is not expanded has no degree to count down, and one that is stuck has no successor."""
        found = right.copy()
        waiting = self._degrees.copy()
        frontier = np.flatnonzero(found)
        while len(frontier):
            sources, counts = np.unique(self._sources_of(frontier), return_counts=True)
            waiting[sources] -= counts
            sources = sources[(waiting[sources] == 0) & left[sources] & ~found[sources]]
            found[sources] = True
            frontier = sources.astype(np.int64)
        return found


def _every(sets: list[_Set]) -> _Set:
    common = sets[0].copy()
    for members in sets[1:]:
        common &= members
    return common
