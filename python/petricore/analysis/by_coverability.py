"""Reachability of a state formula in nets that may be unbounded, by the coverability set: a method of the portfolio.

"No" if no marking below an element of the set satisfies the formula, which is exact for formulas that ask for at least
so many tokens, and also sound where inhibitor or reset arcs were ignored. "Yes" if a path to what the formula demands
at least ends where it holds, which is looked at.
"""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from petricore.analysis.coverability import OMEGA, Coverability, coverability
from petricore.analysis.facts import facts_of
from petricore.analysis.formula import And, Compare, Constant, Fireable, Formula, Not, Or
from petricore.analysis.portfolio import Budget, Problem
from petricore.analysis.predicate import compile_predicate
from petricore.analysis.verdict import Verdict
from petricore.analysis.witness import marking_after
from petricore.net import MAX_TOKENS

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["by_coverability"]

_TRIED = 16
"""Elements of the set to which a path is looked for."""


def by_coverability(problem: Problem, budget: Budget) -> Verdict | None:
    """See the module. Passes where the arcs alone bound every place: a search is then the better method."""
    goal, engine = problem.goal, problem.engine
    if goal is None or all(high is not None for _, high in facts_of(engine).bounds.values()):
        return None
    cover = coverability(
        engine, limit=budget.states, memory=budget.memory, timeout=budget.seconds, progress=budget.progress
    )
    question = _Question(engine, cover)
    rows = np.flatnonzero(question.possible(goal))
    if cover.complete and not len(rows):
        reason = f"no marking below one of the {len(cover):,} of the coverability set satisfies it"
        return Verdict(False, None, reason, "coverability", cover.nodes)
    if cover.exact:
        predicate = compile_predicate(engine, goal)
        for row in rows[:_TRIED]:
            path = cover.path(question.demand(goal, int(row)))
            if path is not None and predicate.holds(marking_after(engine, path)):
                return Verdict(True, path, f"reached after {len(path)} firings", "coverability", cover.nodes)
    reason = "a coverability set cannot tell" if cover.complete else cover.reason
    return Verdict(None, None, reason, "coverability", cover.nodes)


class _Question:
    def __init__(self, engine: Engine, cover: Coverability) -> None:
        self._engine = engine
        # As floats, omega is infinite; counts are exact.
        self._markings = np.where(cover.markings == OMEGA, np.inf, cover.markings.astype(np.float64))

    def possible(self, formula: Formula) -> npt.NDArray[np.bool_]:
        """For each element of the set, False only if no marking below it satisfies the formula."""
        size = len(self._markings)
        match formula:
            case Constant(value):
                return np.full(size, value)
            case And(operands):
                return reduce(and_, map(self.possible, operands), np.full(size, True))
            case Or(operands):
                return reduce(or_, map(self.possible, operands), np.full(size, False))
            case Compare(terms, constant):
                return np.asarray(-self._most(tuple((p, -weight) for p, weight in terms)) <= constant)
            case Not(Compare(terms, constant)):
                return np.asarray(self._most(terms) > constant)
            case Fireable(name):
                return np.asarray((self._least(name) <= self._markings).all(axis=1))
            case _:
                return np.ones(size, np.bool_)

    def demand(self, formula: Formula, row: int) -> npt.NDArray[np.int64]:
        """Counts, (P,), at most those of an element for which the formula is possible, as high as it asks."""
        wanted = np.zeros(len(self._engine.places), np.int64)
        match formula:
            case And(operands):
                for operand in operands:
                    np.maximum(wanted, self.demand(operand, row), out=wanted)
            case Or(operands):
                for operand in operands:
                    if self.possible(operand)[row]:
                        return self.demand(operand, row)
            case Compare(terms, constant):
                self._raise(wanted, tuple((p, -w) for p, w in terms), -constant, row)
            case Not(Compare(terms, constant)):
                self._raise(wanted, terms, constant + 1, row)
            case Fireable(name):
                wanted = self._least(name)
        return wanted

    def _most(self, terms: tuple[tuple[str, int], ...]) -> npt.NDArray[np.float64]:
        """The largest value of the sum below each element."""
        total = np.zeros(len(self._markings))
        if sum(abs(weight) for _, weight in terms) * MAX_TOKENS >= 2**53:
            return np.full(len(self._markings), np.inf)  # floats would round
        for place, weight in terms:
            if weight > 0:
                total += weight * self._markings[:, self._engine._place_index[place]]
        return total

    def _raise(
        self, wanted: npt.NDArray[np.int64], terms: tuple[tuple[str, int], ...], least: int, row: int
    ) -> None:
        """Ask for enough tokens that the sum is at least `least`, if places of negative weight hold none."""
        for place, weight in terms:
            if weight <= 0 or least <= 0:
                continue
            p = self._engine._place_index[place]
            count = int(min(-(-least // weight), self._markings[row, p], MAX_TOKENS))
            wanted[p] = max(wanted[p], count)
            least -= weight * count

    def _least(self, transition: str) -> npt.NDArray[np.int64]:
        wanted = np.zeros(len(self._engine.places), np.int64)
        arcs = self._engine._transitions[transition]
        for place, weight in (*arcs.inputs.items(), *arcs.reads.items()):
            p = self._engine._place_index[place]
            wanted[p] = max(wanted[p], weight)
        return wanted
