"""Step functions of model time: how many of something there are, made of intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Timeline", "timeline"]


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """From `times[i]` (seconds, ascending) to the next, or to `end`, there are `counts[i]`."""

    times: NDArray[np.float64]
    counts: NDArray[np.int64]
    end: float

    @property
    def mean(self) -> float:
        """The average over time, from the first of `times` to the end."""
        span = self.end - self.times[0]
        return float(np.dot(self._lasting, self.counts) / span) if span > 0 else 0.0

    @property
    def most(self) -> int:
        """The largest count that lasted."""
        lasting = self.counts[self._lasting > 0]
        return int(lasting.max()) if lasting.size else 0

    @property
    def _lasting(self) -> NDArray[np.float64]:
        return np.diff(np.append(self.times, self.end))

    def at(self, times: Any) -> NDArray[np.int64]:
        """The counts at some times; before the first they are 0."""
        found = np.searchsorted(self.times, np.asarray(times, np.float64), side="right") - 1
        return np.where(found < 0, 0, self.counts[np.maximum(found, 0)])

    def means(self, edges: Any) -> NDArray[np.float64]:
        """The averages between successive `edges` (ascending, within the timeline), shape (len(edges) - 1,)."""
        edges = np.asarray(edges, np.float64)
        integral = np.concatenate(([0.0], np.cumsum(self._lasting * self.counts)))
        area = np.interp(edges, np.append(self.times, self.end), integral)
        return np.asarray(np.diff(area) / np.diff(edges), np.float64)


def timeline(
    begins: NDArray[np.float64],
    ends: NDArray[np.float64],
    weights: NDArray[np.int64],
    horizon: tuple[float, float],
) -> Timeline:
    """The sum of `weights` over the intervals [begin, end) that hold a moment, within the horizon. O(n log n)."""
    first, last = horizon
    begins, ends = np.clip(begins, first, last), np.clip(ends, first, last)
    times = np.concatenate(([first], begins, ends))
    steps = np.concatenate(([0], weights, -weights))
    order = np.argsort(times, kind="stable")
    distinct, where = np.unique(times[order], return_index=True)
    counts = np.add.reduceat(steps[order], where).cumsum()
    return Timeline(distinct, counts.astype(np.int64), last)
