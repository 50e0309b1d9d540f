"""When a Markov chain first reaches a set of markings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from petricore.simulation.balance import DENSE, solve_sparse
from petricore.simulation.elimination import solve_open
from petricore.simulation.uniformisation import evolve
from petricore.simulation.vanishing import Tangible

if TYPE_CHECKING:
    from petricore.engine import Engine
    from petricore.simulation.timed_graph import TimedGraph

__all__ = ["FirstPassageTime", "first_passage"]

_Vector = npt.NDArray[np.float64]

_ERROR = 1e-12


class FirstPassageTime:
    """The time at which a formula first holds; infinite in runs in which it never does."""

    def __init__(
        self, rates: Any, start: _Vector, goal: npt.NDArray[np.bool_], lost: npt.NDArray[np.bool_]
    ) -> None:
        """The chain ends in both, which no rate leaves, and `lost` is left out of the time that passes."""
        self._rates, self._start, self._goal = rates, start, goal
        reached = _closure(rates, start > 0)
        hopeful = _closure(rates.T.tocsr(), goal)
        self._certain = not (reached & ~hopeful).any()
        self._open = np.flatnonzero(reached & hopeful & ~goal & ~lost)

    @cached_property
    def probability(self) -> float:
        """The probability that it is finite. Up to 600 states it has nearly all its digits, however small it is."""
        if self._certain:
            return 1.0
        return float(self._start[self._goal].sum()) + self._sum(self._reaching)

    @cached_property
    def mean(self) -> float:
        """In model time; infinite where the formula may never hold."""
        return self._sum(self._mean) if self._certain else float("inf")

    @cached_property
    def variance(self) -> float:
        """In model time squared; infinite where the formula may never hold."""
        if not self._certain:
            return float("inf")
        second = self._sum(self._solve(2 * self._mean))
        return max(second - self.mean**2, 0.0)

    def cdf(self, t: float | Sequence[float] | _Vector) -> Any:
        """The probability that the formula has held by time t: a float, or (G,) for ascending times. Exact to 1e-12.

        Raises:
            NetError: a time is negative or no number, or times do not ascend.
        """
        from petricore.simulation.chain import _times

        times = _times(t)
        at, before = self._start, 0.0
        result = np.empty(times.size)
        for i, time in enumerate(times.ravel()):
            at = evolve(self._rates, at, time - before, _ERROR / times.size)
            result[i], before = min(at[self._goal].sum(), 1.0), time
        return float(result[0]) if times.ndim == 0 else result

    @cached_property
    def _mean(self) -> _Vector:
        return self._solve(np.ones(len(self._open)))

    @cached_property
    def _reaching(self) -> _Vector:
        to_goal = self._rates[self._open, :][:, np.flatnonzero(self._goal)]
        return self._solve(np.asarray(to_goal.sum(axis=1)).ravel())

    def _sum(self, of_open: _Vector) -> float:
        return float(self._start[self._open] @ of_open)

    def _solve(self, right: _Vector) -> _Vector:
        """(diag(what leaves) - rates)^-1 right over the states from which the goal can be reached."""
        if not len(self._open):
            return right
        inner = self._rates[self._open, :][:, self._open]
        leaving = np.asarray(self._rates[self._open, :].sum(axis=1)).ravel()
        if len(self._open) <= DENSE:
            outside = np.ones(self._rates.shape[0], np.bool_)
            outside[self._open] = False
            exits = np.asarray(self._rates[self._open, :][:, np.flatnonzero(outside)].sum(axis=1)).ravel()
            return solve_open(inner.toarray(), exits, right[:, None])[:, 0]
        from scipy.sparse import diags_array

        return np.maximum(solve_sparse(diags_array(leaving) - inner, right), 0.0)

    def __repr__(self) -> str:
        return f"<FirstPassageTime: probability {self.probability:.6g}, mean {self.mean:.6g}>"


def first_passage(
    engine: Engine, graph: TimedGraph, goal: npt.NDArray[np.bool_], lost: npt.NDArray[np.bool_]
) -> FirstPassageTime:
    """The time to the markings `goal` of the graph, (N,), unless one of `lost` comes first.

    Vanishing markings among them are states here, at which the chain ends.

    Raises:
        NetError: immediate transitions fire for ever.
    """
    ends = goal | lost
    left = ~ends[graph.source]
    from_left = graph._replace(
        source=graph.source[left],
        target=graph.target[left],
        transition=graph.transition[left],
        value=graph.value[left],
    )
    chain = Tangible(engine, from_left, ~graph.vanishing | ends)
    return FirstPassageTime(chain.rates, chain.start, goal[chain.kept], lost[chain.kept])


def _closure(rates: Any, start: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """What can be reached from `start`."""
    reached = start.copy()
    frontier = np.flatnonzero(start)
    while len(frontier):
        after = np.unique(rates[frontier, :].indices)
        frontier = after[~reached[after]]
        reached[frontier] = True
    return reached
