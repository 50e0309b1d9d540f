"""Runs of a Markovian net, cut into segments that go on where others ended."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from petricore.errors import NetError, PetriError

if TYPE_CHECKING:
    from petricore.engine import Engine
    from petricore.simulation.trajectories import Trajectories

__all__ = ["Estimate", "Segments", "interval", "require_markovian", "share"]


class Estimate(NamedTuple):
    """An estimate, and its confidence interval."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


class Segments:
    """Simulations with one seed, in which no random number is used twice. The same calls give the same results."""

    def __init__(self, engine: Engine, seed: int, algorithm: str, threads: int) -> None:
        self._engine, self._algorithm, self._threads = engine, algorithm, threads
        self.seed = seed
        self.events = 0
        self._next = 0

    def run(self, initial: npt.NDArray[np.int32], **options: Any) -> Trajectories:
        """From each of the markings (R, P)."""
        result = self._engine.simulate(
            initial=np.ascontiguousarray(initial),
            replicas=len(initial),
            first_replica=self._next,
            seed=self.seed,
            algorithm=self._algorithm,
            threads=self._threads,
            semantics="stochastic",
            **{"count_firings": False, **options},
        )
        self._next += len(initial)
        self.events += int(result.events.sum())
        return result


def require_markovian(engine: Engine, what: str) -> None:
    """Raise `NetError` naming a transition whose clock would be lost where a segment ends."""
    for transition in engine._transitions.values():
        if transition.delay is not None:
            raise NetError(
                f"{what} goes on from markings, which say nothing of how long transition {transition.name!r} "
                f"has been under way ({transition.delay!r}): every delay has to be exponential"
            )


def interval(samples: npt.NDArray[np.float64], confidence: float) -> Estimate:
    """The mean of independent samples (n,), n >= 2, and Student's interval."""
    mean = float(samples.mean())
    half = quantile(confidence, len(samples) - 1) * float(samples.std(ddof=1)) / math.sqrt(len(samples))
    return Estimate(mean, mean - half, mean + half)


def quantile(confidence: float, freedom: int) -> float:
    """How many standard errors the half-width of an interval is."""
    try:
        from scipy.special import stdtrit
    except ImportError:
        raise PetriError("confidence intervals need scipy: pip install 'petricore[analysis]'") from None
    return float(stdtrit(freedom, 0.5 + confidence / 2))


def share(value: object, what: str) -> float:
    """A checked number between 0 and 1, both excluded."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating)) or not 0 < value < 1:
        raise NetError(f"{what} is a number between 0 and 1, not {value!r}")
    return float(value)
