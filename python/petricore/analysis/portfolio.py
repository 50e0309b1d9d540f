"""The portfolio behind `Engine.check`: methods in order of cost, each of which decides a query or passes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from petricore.analysis.formula import Formula
from petricore.analysis.verdict import Verdict

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["Budget", "Method", "Problem"]


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
        from petricore.analysis.formula import Temporal

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
        end = time.monotonic() + seconds
        fewer = [n for n in (self.states, states) if n is not None]
        return replace(
            self,
            deadline=end if self.deadline is None else min(self.deadline, end),
            states=min(fewer, default=None),
        )


Method: TypeAlias = Callable[[Problem, Budget], "Verdict | None"]
"""Decides the problem within the budget, or says None."""
