"""Reachability on a structurally reduced net, as a method of the portfolio."""

from __future__ import annotations

from dataclasses import replace

from petricore.analysis.formula import Deadlock, Formula, Temporal, places_of, subformulas
from petricore.analysis.portfolio import Budget, Problem
from petricore.analysis.predicate import expanded
from petricore.analysis.reduction import Reduction, reduce
from petricore.analysis.searching import reduced_search
from petricore.analysis.verdict import Verdict

__all__ = ["by_reduction"]

_SHARE = 0.2  # of the time, for reducing
_WORTH = 0.9  # a net that keeps more of its places and transitions is left to the search of the whole one


def by_reduction(problem: Problem, budget: Budget) -> Verdict | None:
    """The stubborn search of the net that the structural reductions leave; its witness is lifted to the whole net.

    None: the goal mixes deadlocks with counts, which no reduction keeps, or the net hardly becomes smaller.
    """
    goal = problem.goal
    if goal is None:
        return None
    engine = problem.engine
    kept: Formula
    seconds = None if budget.seconds is None else budget.seconds * _SHARE
    if goal == Deadlock():
        kept = goal
        smaller = reduce(engine, "deadlock", timeout=seconds)
    elif any(isinstance(part, Deadlock) for part in subformulas(goal)):
        return None
    else:
        kept = expanded(engine, goal)  # in counts alone: transitions may be replaced by others
        smaller = reduce(engine, "reachability", places_of(kept), timeout=seconds)
    if _size(smaller) > _WORTH * (len(engine.places) + len(engine.transitions)):
        return None
    verdict = reduced_search(Problem(smaller.engine, Temporal("EF", kept)), budget)
    if verdict is None:
        return None
    lifted = None if verdict.witness is None else smaller.lift(verdict.witness)
    return replace(verdict, witness=lifted, method="structural reduction")


def _size(smaller: Reduction) -> int:
    return len(smaller.engine.places) + len(smaller.engine.transitions)
