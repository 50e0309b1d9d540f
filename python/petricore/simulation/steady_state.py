"""Long-run averages by simulation, with confidence intervals.

Batch means: a few chains run side by side, each cut into batches. How much of their beginning is left out is decided by
the rule that makes the standard error of what is kept smallest: K. P. White: An effective truncation heuristic for bias
reduction in simulation output, Simulation 69(6), 1997, doi:10.1177/003754979706900601. The rest of each chain is cut
into eight batches, whose averages are nearly independent once they are long enough: B. Schmeiser: Batch size effects
in the analysis of simulation output, Operations Research 30(3), 1982, doi:10.1287/opre.30.3.556.

Regeneration: the times between returns to one marking are independent and alike, so the long-run average is a ratio of
two means over them: M. A. Crane, D. L. Iglehart: Simulating stable stochastic systems, I: General multiserver queues,
Journal of the ACM 21(1), 1974.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from petricore.analysis.formula import And, Compare, Formula
from petricore.arguments import one_of, positive
from petricore.errors import LimitReached, NetError
from petricore.simulation.observables import Observable, Throughput, TimeAverage, TimeIn
from petricore.simulation.segments import Estimate, Segments, interval, quantile, require_markovian, share
from petricore.simulation.timed_graph import marking_text

if TYPE_CHECKING:
    from petricore.engine import Engine
    from petricore.simulation.trajectories import Trajectories

__all__ = ["SteadyState", "steady_state"]

_Matrix = npt.NDArray[np.float64]

_CHAINS = 8
_MACRO = 8  # batches of each chain after the cut
_BATCH_EVENTS = 200
_FIRST_BATCHES = 64
_MOST_CORRELATION = 0.3
_FIRST_CYCLES = 1000
_MOST_CYCLES_AT_ONCE = 100_000


@dataclass(frozen=True)
class SteadyState:
    """Long-run averages and their confidence intervals; made by `Engine.steady_state`."""

    estimates: Mapping[str, Estimate]
    """By name of the observable."""
    confidence: float
    method: str
    seed: int
    warmup: float
    """Model time that was left out at the beginning of each chain; 0 for regeneration."""
    samples: int
    """How many batches, or returns to the marking, the intervals rest on."""
    events: int
    """How many events were simulated in all."""
    precise: bool
    """Whether the precision that was asked for is reached; if not, `limit` ended the simulation before."""

    def __getitem__(self, name: str) -> Estimate:
        return self.estimates[name]


def steady_state(
    engine: Engine,
    observables: Mapping[str, Observable],
    *,
    precision: float = 0.01,
    confidence: float = 0.95,
    method: str = "batch_means",
    regeneration: npt.ArrayLike | Mapping[str, int] | None = None,
    limit: int | None = None,
    seed: int | None = None,
    algorithm: str = "auto",
    threads: int = 0,
) -> SteadyState:
    """See `Engine.steady_state`."""
    from petricore.engine import seed_of

    one_of(method, "method", ("batch_means", "regeneration"))
    require_markovian(engine, "steady_state")
    if not isinstance(observables, Mapping) or not observables:
        raise NetError(
            f"observables is a mapping from names to measures such as TimeAverage('a'), not {observables!r}"
        )
    for name, one in observables.items():
        if not isinstance(one, (TimeAverage, Throughput, TimeIn)):
            raise NetError(
                f"observable {name!r} is a TimeAverage, Throughput or TimeIn in the long run, not {one!r}"
            )
    if regeneration is not None and method != "regeneration":
        raise NetError(f"a marking to return to goes with method='regeneration', not {method!r}")
    request = _Request(
        engine,
        dict(observables),
        share(precision, "precision"),
        share(confidence, "confidence"),
        positive(limit, "limit", 10**9),
    )
    segments = Segments(engine, seed_of(seed), algorithm, threads)
    if method == "batch_means":
        return _batch_means(request, segments)
    return _regeneration(request, segments, regeneration)


@dataclass(frozen=True)
class _Request:
    engine: Engine
    observables: dict[str, Observable]
    precision: float
    confidence: float
    limit: int

    def observed(self, result: Trajectories) -> _Matrix:
        """(R, observables)."""
        return np.stack([result.observables[name] for name in self.observables], axis=1)

    def is_precise(self, estimates: list[Estimate]) -> bool:
        return all(one.half_width <= self.precision * abs(one.value) for one in estimates)

    def result(
        self,
        method: str,
        segments: Segments,
        estimates: list[Estimate],
        warmup: float,
        samples: int,
        precise: bool,
    ) -> SteadyState:
        named = dict(zip(self.observables, estimates, strict=True))
        return SteadyState(
            named, self.confidence, method, segments.seed, warmup, samples, segments.events, precise
        )

    def refuse_dead(self, result: Trajectories) -> None:
        dead = result.ends == "dead"
        if dead.any():
            where = marking_text(self.engine, result.final[int(np.argmax(dead))])
            raise NetError(f"the net comes to rest at {where}: there is no long run to simulate")


# Batch means


def _batch_means(request: _Request, segments: Segments) -> SteadyState:
    at = np.repeat(request.engine.initial_marking[None, :], _CHAINS, axis=0)
    pilot = segments.run(at, steps=_BATCH_EVENTS)
    request.refuse_dead(pilot)
    length = float(pilot.end_times.mean())
    if length == 0:
        raise NetError(f"no time passes in the first {_BATCH_EVENTS} events")
    at = np.asarray(pilot.final)
    batches: list[_Matrix] = []  # of (chains, observables)
    target = _FIRST_BATCHES
    while True:
        while len(batches) < target and segments.events < request.limit:
            result = segments.run(at, until=length, observables=request.observables)
            request.refuse_dead(result)
            at = np.asarray(result.final)
            batches.append(request.observed(result))
        if len(batches) < 2 * _MACRO:
            raise LimitReached(
                f"{segments.events:,} events are not enough for batches: the limit is {request.limit:,}"
            )
        series = np.stack(batches)
        cut = _cut(series)
        means, correlation = _macro_batches(series[cut:])
        estimates = [interval(column, request.confidence) for column in means.T]
        precise = request.is_precise(estimates) and correlation <= _MOST_CORRELATION
        if precise or segments.events >= request.limit:
            warmup = cut * length
            return request.result("batch_means", segments, estimates, warmup, len(means), precise)
        if len(batches) >= 1024:  # longer batches instead of more
            batches = list(series[: len(series) // 2 * 2].reshape(-1, 2, *series.shape[1:]).mean(axis=1))
            length *= 2
        target = 2 * len(batches)


def _cut(series: _Matrix) -> int:
    """How many of the first batches, at most half, are left out: the most that the rule says for any observable."""
    together = series.mean(axis=1)
    n = len(together)
    kept = n - np.arange(n // 2)
    tail_sum = np.cumsum(together[::-1], axis=0)[::-1][: n // 2]
    tail_squares = np.cumsum(together[::-1] ** 2, axis=0)[::-1][: n // 2]
    spread = tail_squares - tail_sum**2 / kept[:, None]
    return int(np.argmin(spread / (kept**2)[:, None], axis=0).max())


def _macro_batches(series: _Matrix) -> tuple[_Matrix, float]:
    """Averages of eight batches of each chain, (8 * chains, observables), and the largest correlation of neighbours."""
    size = len(series) // _MACRO
    kept = series[len(series) - size * _MACRO :]
    means = kept.reshape(_MACRO, size, *series.shape[1:]).mean(axis=1)
    off = means - means.mean(axis=(0, 1))
    square = (off**2).sum(axis=(0, 1))
    product = (off[1:] * off[:-1]).sum(axis=(0, 1))
    correlation = np.divide(product, square, out=np.zeros_like(product), where=square > 0)
    return means.reshape(-1, series.shape[2]), float(correlation.max(initial=0.0))


# Regeneration


def _regeneration(
    request: _Request, segments: Segments, given: npt.ArrayLike | Mapping[str, int] | None
) -> SteadyState:
    engine = request.engine
    marking = _return_marking(request, segments, given)
    home = And(
        tuple(
            part
            for place, count in zip(engine.places, marking.tolist(), strict=True)
            for part in (Compare(((place, 1),), count), Compare(((place, -1),), -count))
        )
    )
    lengths, rewards = np.empty(0), np.empty((0, len(request.observables)))
    cycles = _FIRST_CYCLES
    while True:
        time, reward = _cycles(request, segments, marking, home, min(cycles, _MOST_CYCLES_AT_ONCE))
        lengths, rewards = np.concatenate([lengths, time]), np.concatenate([rewards, reward])
        estimates = [_ratio(column, lengths, request.confidence) for column in rewards.T]
        precise = request.is_precise(estimates)
        if precise or segments.events >= request.limit:
            return request.result("regeneration", segments, estimates, 0.0, len(lengths), precise)
        cycles = len(lengths)


def _return_marking(
    request: _Request, segments: Segments, given: npt.ArrayLike | Mapping[str, int] | None
) -> npt.NDArray[np.int32]:
    """The marking given, or one of those at the end of many runs that is seen there most often."""
    engine = request.engine
    if given is not None:
        marking = engine.marking(given) if isinstance(given, Mapping) else engine._rows(given)[0][0]
        immediate = [
            name
            for name, on in zip(engine.transitions, engine.enabled(marking), strict=True)
            if on and engine._transitions[name].weight is not None
        ]
        if immediate:
            raise NetError(f"no time passes in the marking to return to: it enables {immediate[0]!r}")
        return np.asarray(marking, np.int32)
    start = np.repeat(engine.initial_marking[None, :], 100, axis=0)
    first = segments.run(start, steps=5 * _BATCH_EVENTS)
    request.refuse_dead(first)
    spent = float(first.end_times.mean())
    found = segments.run(np.asarray(first.final), until=spent)
    request.refuse_dead(found)
    rows, counts = np.unique(found.final, axis=0, return_counts=True)
    return np.asarray(rows[np.argmax(counts)], np.int32)


def _cycles(
    request: _Request, segments: Segments, marking: npt.NDArray[np.int32], home: Formula, count: int
) -> tuple[npt.NDArray[np.float64], _Matrix]:
    """Lengths (n,) of cycles, and the integrals of the observables over them (n, observables).

    A cycle is the stay in the marking, and then what follows until it comes back.
    """
    engine = request.engine
    options: dict[str, Any] = {"observables": request.observables, "count_firings": True}
    stay = segments.run(np.repeat(marking[None, :], count, axis=0), steps=1, **options)
    request.refuse_dead(stay)
    rest = segments.run(np.asarray(stay.final), stop=home, limit=request.limit, **options)
    request.refuse_dead(rest)
    if (rest.ends == "limit").any():
        raise LimitReached(
            f"{marking_text(engine, marking)} does not come back within {request.limit:,} events"
        )
    time, reward = np.zeros(count), np.zeros((count, len(request.observables)))
    for part in (stay, rest):
        passed = np.asarray(part.end_times)
        time += passed
        for i, (name, one) in enumerate(request.observables.items()):
            if isinstance(one, Throughput):  # a part may take no time, but not without firings
                reward[:, i] += part.firings[:, engine._index_of(one.transition)]
            else:
                reward[:, i] += np.where(passed > 0, part.observables[name], 0.0) * passed
    return time, reward


def _ratio(reward: npt.NDArray[np.float64], time: npt.NDArray[np.float64], confidence: float) -> Estimate:
    n = len(time)
    value = float(reward.sum() / time.sum())
    spread = math.sqrt(float(((reward - value * time) ** 2).sum()) / (n - 1))
    half = quantile(confidence, n - 1) * spread / (float(time.mean()) * math.sqrt(n))
    return Estimate(value, value - half, value + half)
