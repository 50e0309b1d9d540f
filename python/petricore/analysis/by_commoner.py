"""What siphons and traps prove, as a method of the portfolio: no marking is looked at but the initial one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from petricore.analysis.formula import And, Deadlock
from petricore.analysis.portfolio import Budget, Problem
from petricore.analysis.structure import commoner
from petricore.analysis.verdict import Verdict

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["by_commoner", "live_by_commoner"]

_SECONDS = 0.5  # it is decided at once or, being co-NP-complete, not soon


def by_commoner(problem: Problem, budget: Budget) -> Verdict | None:
    """No deadlock is reachable if each siphon holds a marked trap; else this says nothing."""
    goal = problem.goal
    if not (goal == Deadlock() or (isinstance(goal, And) and Deadlock() in goal.operands)):
        return None
    found = commoner(problem.engine, timeout=_part(budget))
    return Verdict(False, None, found.reason, "siphons and traps") if found.deadlock_free else None


def live_by_commoner(engine: Engine, budget: Budget) -> Verdict | None:
    """Every transition is live if each siphon holds a marked trap, in a net of asymmetric choice."""
    found = commoner(engine, timeout=_part(budget))
    return Verdict(True, None, found.reason, "siphons and traps") if found.live else None


def _part(budget: Budget) -> float:
    return _SECONDS if budget.seconds is None else min(_SECONDS, budget.seconds / 5)
