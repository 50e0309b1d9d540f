"""Probabilities of rare events by splitting with fixed effort.

The way to the event is cut into levels. From the markings in which runs first reached a level, drawn at random, the
same number of new runs is started; the product of the shares that reach the next level is an unbiased estimate of the
probability. P. Glasserman, P. Heidelberger, P. Shahabuddin, T. Zajic: Multilevel splitting for estimating rare event
probabilities, Operations Research 47(4), 1999, doi:10.1287/opre.47.4.585. Whole estimates are repeated independently
for the interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from petricore.analysis.formula import And, Constant, Formula, Not, Or
from petricore.arguments import integer, positive
from petricore.errors import LimitReached, NetError
from petricore.simulation.marking_formula import holds, state_formula, values
from petricore.simulation.observables import Maximum
from petricore.simulation.segments import Estimate, Segments, interval, require_markovian, share

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["RareEvent", "rare_event"]

_Markings = npt.NDArray[np.int32]

_CLIMB = 0.2  # the share of runs that is to reach the next level
_MOST_LEVELS = 500
_EVENTS_PER_RUN = 10**8


@dataclass(frozen=True)
class RareEvent:
    """The probability of an event; made by `Engine.rare_event`."""

    probability: float
    low: float
    high: float
    """The confidence interval, cut at 0 and 1."""
    confidence: float
    thresholds: tuple[int, ...]
    """The levels between the start and the event."""
    estimates: npt.NDArray[np.float64]
    """(repeats,) the independent estimates, whose mean is the probability."""
    events: int
    seed: int


def rare_event(
    engine: Engine,
    formula: str | Formula,
    *,
    before: str | Formula,
    levels: str,
    thresholds: Sequence[int] | None = None,
    effort: int = 500,
    repeats: int = 40,
    confidence: float = 0.95,
    initial: object = None,
    seed: int | None = None,
    algorithm: str = "auto",
    threads: int = 0,
) -> RareEvent:
    """See `Engine.rare_event`."""
    from petricore.engine import seed_of
    from petricore.simulation.arguments import initial_of

    require_markovian(engine, "rare_event")
    wanted = state_formula(engine, "the formula", formula)
    ended = state_formula(engine, "before", before)
    if not isinstance(levels, str):
        raise NetError(f"levels is an expression over places such as 'a + 2*b', not {levels!r}")
    state_formula(
        engine, "levels", f"{levels} >= 0"
    )  # a weighted sum, or an error that says where it is none
    confident = share(confidence, "confidence")
    runs, times = positive(effort, "effort", 500), positive(repeats, "repeats", 40)
    if runs < 2 or times < 2:
        raise NetError(f"effort and repeats are at least 2, not {runs} and {times}")
    random_seed = seed_of(seed)
    start = np.asarray(initial_of(engine, initial, 1)).reshape(-1)
    start = engine.initial_marking if not start.size else start
    if holds(engine, And((ended, Not(wanted))), start[None, :])[0]:
        raise NetError(f"before, '{ended}', holds at the start: begin after that, with initial=")
    climb = _Climb(engine, Segments(engine, random_seed, algorithm, threads), wanted, ended, levels, runs)
    given = climb.find_thresholds(start) if thresholds is None else _thresholds(thresholds)
    estimates = climb.estimates(start, given, times)
    found: Estimate = interval(estimates, confident)
    return RareEvent(
        found.value,
        max(found.low, 0.0),
        min(found.high, 1.0),
        confident,
        tuple(given),
        estimates,
        climb.segments.events,
        random_seed,
    )


def _thresholds(given: Sequence[int]) -> list[int]:
    numbers = [integer(one) for one in given]
    if any(one is None for one in numbers):
        raise NetError(f"thresholds are integers, not {given!r}")
    ascending = [one for one in numbers if one is not None]
    if any(a >= b for a, b in pairwise(ascending)):
        raise NetError(f"thresholds ascend, unlike {given!r}")
    return ascending


class _Climb:
    def __init__(
        self, engine: Engine, segments: Segments, wanted: Formula, ended: Formula, levels: str, effort: int
    ) -> None:
        self._engine, self.segments = engine, segments
        self._wanted, self._ended = wanted, ended
        self._levels, self._effort = levels, effort
        self._random = np.random.Generator(np.random.Philox(key=segments.seed))

    def estimates(self, start: _Markings, thresholds: list[int], repeats: int) -> npt.NDArray[np.float64]:
        """Independent estimates (repeats,), all of them side by side."""
        effort = self._effort
        product = np.ones(repeats)
        entrances = [start[None, :]] * repeats
        for threshold in [*thresholds, None]:
            alive = np.flatnonzero(product > 0)
            if not len(alive):
                break
            drawn = [entrances[i][self._random.integers(len(entrances[i]), size=effort)] for i in alive]
            after, reached, _ = self._stage(np.concatenate(drawn), threshold)
            for k, i in enumerate(alive):
                rows = slice(k * effort, (k + 1) * effort)
                entrances[i] = after[rows][reached[rows]]
                product[i] *= len(entrances[i]) / effort
        return product

    def find_thresholds(self, start: _Markings) -> list[int]:
        """Levels that about a fifth of the runs reach from the one before."""
        thresholds: list[int] = []
        entrances = start[None, :]
        effort = max(self._effort, 500)
        while len(thresholds) < _MOST_LEVELS:
            rows = entrances[self._random.integers(len(entrances), size=effort)]
            _, reached, highest = self._stage(rows, None)
            if reached.mean() >= _CLIMB:
                return thresholds
            lowest = (
                thresholds[-1] if thresholds else int(values(self._engine, self._levels, start[None, :])[0])
            )
            threshold = max(int(np.quantile(highest, 1 - _CLIMB)), lowest + 1)
            after, reached, _ = self._stage(rows, threshold)
            if not reached.any():
                raise LimitReached(
                    f"of {effort:,} runs none brings {self._levels!r} from {lowest} to {threshold}: "
                    "give more effort, or other levels"
                )
            thresholds.append(threshold)
            entrances = after[reached]
        raise LimitReached(f"the event is not reached within {_MOST_LEVELS} levels of {self._levels!r}")

    def _stage(
        self, rows: _Markings, threshold: int | None
    ) -> tuple[_Markings, npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
        """Runs to the threshold (None: to the event): where they ended, which reached it, the highest levels seen."""
        engine = self._engine
        above: Formula = Constant(False)
        if threshold is not None:
            above = state_formula(engine, "levels", f"{self._levels} >= {threshold}")
        result = self.segments.run(
            rows,
            stop=Or((self._wanted, self._ended, above)),
            limit=_EVENTS_PER_RUN,
            observables={"highest": Maximum(self._levels)},
        )
        if (result.ends == "limit").any():
            raise LimitReached(
                f"a run goes on for {_EVENTS_PER_RUN:,} events: neither the event nor `before` comes"
            )
        after = np.asarray(result.final)
        goal = Or((self._wanted, And((above, Not(self._ended)))))
        return after, holds(engine, goal, after), np.asarray(result.observables["highest"])
