"""Random walks as methods of the portfolio: they find witnesses, large sums, transitions that fire; no more.

Priorities and rates play no part. The same seed gives the same result as long as no time limit ends the walks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from petricore import _core
from petricore.analysis.formula import Deadlock, Formula, Terms
from petricore.analysis.portfolio import Budget, Problem
from petricore.analysis.predicate import compile_predicate
from petricore.analysis.progress import reporter
from petricore.analysis.verdict import Verdict

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["by_walk", "largest_seen", "seen_enabled", "walk_to"]

_STEPS = 1 << 62
"""As good as no limit: the time ends the walk."""
_UNTIMED_STEPS = 20_000_000
_NO_PLAN = np.zeros(0, np.int64)
_MOST_TARGET = 2**63 - 1


def _steps(budget: Budget) -> int:
    return _UNTIMED_STEPS if budget.seconds is None else _STEPS


def _seconds(budget: Budget) -> float:
    return math.inf if budget.seconds is None else budget.seconds


def walk_to(
    engine: Engine,
    goal: Formula,
    budget: Budget,
    *,
    steps: int | None = None,
    seed: int = 0,
    firings: npt.NDArray[np.int64] | None = None,
) -> tuple[tuple[str, ...] | None, int]:
    """A firing sequence to a marking where the state formula holds, or None; and how many firings were tried.

    Args:
        engine: the net.
        goal: a state formula. For `Deadlock()` alone the core asks only whether anything is enabled.
        budget: its time; its states play no part.
        steps: firings to try (None: as many as the time allows, 20 million without a time limit).
        seed: of the choices.
        firings: (T,), how often each transition fires in a solution of the state equation: preferred while they last.
    """
    target = None if isinstance(goal, Deadlock) else compile_predicate(engine, goal)
    plan = _NO_PLAN if firings is None else np.ascontiguousarray(firings, np.int64)
    with reporter(budget.progress, "firings") as report:
        found, trace, tried, _ = _core.walk(
            engine._core,
            target,
            _steps(budget) if steps is None else steps,
            seed,
            plan,
            report,
            _seconds(budget),
        )
    return (_names(engine, trace) if found else None), tried


def _names(engine: Engine, trace: npt.NDArray[np.uint32]) -> tuple[str, ...]:
    return tuple(engine.transitions[t] for t in trace.tolist())


def largest_seen(
    engine: Engine,
    terms: Terms,
    target: int | None,
    budget: Budget,
    *,
    steps: int | None = None,
    seed: int = 0,
) -> tuple[int, tuple[str, ...]]:
    """The largest sum(weight * m(place)) that walks met, and firings that lead there; they end at `target`.

    Raises:
        ValueError: the sizes of the weights add up to more than 2^32.
    """
    places = np.array([engine._place_index[place] for place, _ in terms], np.uint32)
    weights = np.array([weight for _, weight in terms], np.int64)
    most = _MOST_TARGET if target is None else max(-_MOST_TARGET, min(_MOST_TARGET, target))
    with reporter(budget.progress, "firings") as report:
        best, trace, _ = _core.climb(
            engine._core,
            places,
            weights,
            most,
            _steps(budget) if steps is None else steps,
            seed,
            report,
            _seconds(budget),
        )
    return best, _names(engine, trace)


def seen_enabled(
    engine: Engine, budget: Budget, *, steps: int | None = None, seed: int = 0
) -> npt.NDArray[np.bool_]:
    """(T,): which transitions walks saw enabled; they end when that is all of them."""
    with reporter(budget.progress, "firings") as report:
        seen = _core.seen_enabled(
            engine._core, _steps(budget) if steps is None else steps, seed, report, _seconds(budget)
        )
    return seen.astype(np.bool_)


def by_walk(problem: Problem, budget: Budget) -> Verdict | None:
    """A method of the portfolio: shows EF p by a witness."""
    goal = problem.goal
    if goal is None:
        return None
    witness, tried = walk_to(problem.engine, goal, budget)
    if witness is None:
        return None
    reason = f"a walk found it, {len(witness)} firings away, after {tried:,} firings"
    return Verdict(True, witness, reason, "walk")
