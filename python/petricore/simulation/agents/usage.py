"""What a simulation says of each resource and each transition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petricore.simulation.agents.timeline import Timeline

__all__ = ["Bottleneck", "ResourceUse", "TransitionUse"]


@dataclass(frozen=True, slots=True, eq=False)
class ResourceUse:
    """A resource over the whole simulation. Times in seconds."""

    name: str
    capacity: int
    window: float | None
    """Of a limit: seconds in which `capacity` firings may begin. None: a pool."""
    firings: int
    """Firings that needed it."""
    waits: NDArray[np.float64]
    """How long each of them waited for it (a firing that needs several waits for the last one to come); 0 where not."""
    held: Timeline
    """Units in use; of a limit, those not yet back."""
    queue: Timeline
    """Firings that wait for it."""

    @property
    def utilisation(self) -> float:
        """The mean share of it in use."""
        return self.held.mean / self.capacity

    @property
    def waiting(self) -> float:
        """Seconds waited for it, added up."""
        return float(self.waits.sum())

    @property
    def mean_wait(self) -> float:
        """Mean seconds a firing waited for it."""
        return float(self.waits.mean()) if self.waits.size else 0.0


@dataclass(frozen=True, slots=True)
class TransitionUse:
    """A transition over the whole simulation: counts, and seconds added up over its firings."""

    name: str
    firings: int
    attempts: int
    failures: int
    """Firings that failed, timed out or were rejected for good."""
    cut: int
    busy: float
    waiting: float
    people: float
    pauses: float
    """Delays and backoff."""
    cost: float


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """What most of the sessions' time went into, on their critical paths."""

    kind: str
    """"resource" (waiting for it), "action" (running it), "person" or "pause" (delays and backoff)."""
    name: str
    seconds: float
    """Mean seconds of a session."""
    share: float
    """Of the mean makespan."""

    def __str__(self) -> str:
        what = {
            "resource": "waiting for",
            "action": "running",
            "person": "people who confirm",
            "pause": "pauses of",
        }
        return f"{what[self.kind]} {self.name}: {self.seconds:.4g} s a session, {self.share:.0%} of its time"
