"""Searches of the state space for a goal, as methods of the portfolio."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from petricore import _core
from petricore.analysis.facts import facts_of
from petricore.analysis.formula import And, Deadlock, Formula
from petricore.analysis.limits import MOST_STATES, memory_of, threads_of
from petricore.analysis.portfolio import Budget, Problem
from petricore.analysis.predicate import compile_predicate
from petricore.analysis.progress import reporter
from petricore.analysis.verdict import Verdict
from petricore.net import MAX_TOKENS

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["full_search", "reduced_search", "space_for", "why_partial"]


def space_for(
    engine: Engine,
    budget: Budget,
    *,
    goal: Formula | None = None,
    reduction: Literal["none", "deadlock", "goal"] = "none",
    depth_first: bool = False,
    edges: bool = False,
) -> _core.StateSpace:
    """Explore within the budget, up to the first marking of the goal."""
    seconds = budget.seconds
    threads = 1 if reduction != "none" or depth_first else threads_of(budget.threads)
    with reporter(budget.progress, "states") as report:
        return _core.StateSpace(
            engine._core,
            goal=None if goal is None else compile_predicate(engine, goal),
            depth_first=depth_first,
            reduction=reduction,
            edges=edges,
            max_states=min(budget.states or MOST_STATES, MOST_STATES),
            max_bytes=memory_of(budget.memory, threads),
            threads=threads,
            bounds=_proven_bounds(engine),
            progress=report,
            seconds=math.inf if seconds is None else seconds,
        )


def _proven_bounds(engine: Engine) -> npt.NDArray[np.int32]:
    highs = (facts_of(engine).bounds[place][1] for place in engine.places)
    return np.array([MAX_TOKENS if high is None else min(high, MAX_TOKENS) for high in highs], np.int32)


def why_partial(engine: Engine, space: _core.StateSpace) -> str:
    """Why the space is not complete."""
    if space.end == "overflow":
        place = engine.places[space.overflowing_place]
        return f"place {place!r} would exceed 2^31 - 1 tokens"
    kinds = {"states": "limit of states", "memory": "memory limit", "time": "time limit"}
    return f"the {kinds.get(space.end, space.end)} was reached with {len(space):,} states"


def full_search(problem: Problem, budget: Budget) -> Verdict | None:
    """All markings, breadth first, up to the goal: the witness is a shortest one."""
    return _search(problem, budget, "full search", "none")


def reduced_search(problem: Problem, budget: Budget) -> Verdict | None:
    """Only what stubborn sets leave, which keeps the goal reachable (Valmari 1991, 10.1007/3-540-53863-1_36)."""
    goal = problem.goal
    if goal is None:
        return None
    reduction: Literal["deadlock", "goal"] = "deadlock" if _implies_deadlock(goal) else "goal"
    return _search(problem, budget, "reduced search", reduction)


def _implies_deadlock(goal: Formula) -> bool:
    return isinstance(goal, Deadlock) or (isinstance(goal, And) and Deadlock() in goal.operands)


def _search(
    problem: Problem, budget: Budget, method: str, reduction: Literal["none", "deadlock", "goal"]
) -> Verdict | None:
    goal = problem.goal
    if goal is None:
        return None
    engine = problem.engine
    space = space_for(engine, budget, goal=goal, reduction=reduction, depth_first=reduction != "none")
    if space.end == "goal":
        witness = tuple(engine.transitions[t] for t in space.path(space.found))
        reason = f"reached after {len(witness)} firings"
        return Verdict(True, witness, reason, method, len(space))
    if space.end == "complete":
        of = "markings" if reduction == "none" else "markings that matter"
        return Verdict(
            False, None, f"none of the {len(space):,} reachable {of} satisfies it", method, len(space)
        )
    return Verdict(None, None, why_partial(engine, space), method, len(space))
