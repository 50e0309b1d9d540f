"""The portfolio behind `Engine.check`: methods in order of cost, each of which decides a query or passes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from petricore.analysis.formula import Formula, Temporal
from petricore.analysis.verdict import Verdict

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["Budget", "Method", "Problem", "Stage", "first_answer"]


_OPEN = 60.0
"""What a turn takes that is to leave time for others, where there is no deadline to share."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A question to a method.

    `formula`, in negation normal form, asked at the initial marking. For reachability it is `Temporal("EF", p)` with a
    state formula p: methods answer "is a marking with p reachable".
    """

    engine: Engine
    formula: Formula

    @property
    def goal(self) -> Formula | None:
        """The state formula p if `formula` is EF p, else None."""
        match self.formula:
            case Temporal("EF", operand) if operand.is_state:
                return operand
            case _:
                return None


@dataclass(frozen=True, slots=True)
class Budget:
    """What a method may spend: until `deadline` (of `time.monotonic`, None: no limit), states, bytes, threads."""

    deadline: float | None = None
    states: int | None = None
    memory: int | None = None
    threads: int | None = None
    progress: Callable[[int], object] | bool | None = None

    @property
    def seconds(self) -> float | None:
        """Time left, at least 0."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    @property
    def spent(self) -> bool:
        """Whether the time is over."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def part(self, seconds: float, *, states: int | None = None) -> Budget:
        """A budget within this one of at most so much time and so many states."""
        end = None if seconds == math.inf else time.monotonic() + seconds
        fewer = [n for n in (self.states, states) if n is not None]
        return replace(
            self,
            deadline=min((at for at in (self.deadline, end) if at is not None), default=None),
            states=min(fewer, default=None),
        )


Method: TypeAlias = Callable[[Problem, Budget], "Verdict | None"]
"""Decides the problem within the budget, or says None, or a verdict that holds None and says why."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A turn of a method: at most so much time and so many states of what is left."""

    method: Method
    seconds: float = math.inf
    states: int | None = None
    share: float = 1.0
    """At most this part of the time that is left; without a deadline, `_OPEN` seconds if it is below 1."""

    def budget(self, whole: Budget) -> Budget:
        """What this turn may spend of the whole."""
        left = whole.seconds
        if left is None:
            left = math.inf if self.share == 1.0 else _OPEN / self.share
        return whole.part(min(self.seconds, left * self.share), states=self.states)


def first_answer(problem: Problem, budget: Budget, stages: Iterable[Stage]) -> Verdict:
    """The first certain verdict of the stages in turn; else one that holds None, with the last reason given."""
    undecided = Verdict(None, None, "no method that applies could decide it")
    for stage in stages:
        if budget.spent:
            reason = undecided.reason if undecided.method else "the time limit was reached"
            return replace(undecided, reason=reason)
        try:
            verdict = stage.method(problem, stage.budget(budget))
        except MemoryError:
            # What it was building is gone by now, and another method may need less.
            verdict = Verdict(None, None, "the memory of the process ran out", stage.method.__name__)
        if verdict is None:
            continue
        if verdict.holds is not None:
            return verdict
        if verdict.states >= undecided.states:
            undecided = verdict
    return undecided
