"""Enabled transitions of whole batches, from and to numpy arrays with one row per marking, on one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

import petricore as pc
from benchmarks import baseline, nets
from benchmarks.method import OURS, Contender, Figure, compare, per_cpu_second


def figures(quick: bool) -> Iterator[Figure]:
    """Checks, that is (marking, transition) pairs, per CPU second."""
    for net in (nets.scattered(), *nets.contest()):
        for batch in (256,) if quick else (256, 4096):
            engine = net.compile()
            rows = nets.visited(engine, batch)
            asked: dict[str, Callable[[], object]] = {OURS: _bulk(engine, rows)}
            if not quick:
                asked |= {
                    "numpy": _numpy(engine, rows, convert=True),
                    "numpy, arrays place-major already": _numpy(engine, rows, convert=False),
                    "scipy CSR": _scipy(engine, rows),
                    "limit: a copy of the same bytes": _copy(engine, rows),
                }
            checks = batch * len(engine.transitions)
            contenders = {name: per_cpu_second(_repeat(ask, checks, quick)) for name, ask in asked.items()}
            if not quick and batch == 4096 and baseline.rate("bulk", net, 1) is not None:
                contenders["limit: hand-tuned, bytes in place-major, nothing converted"] = _baseline(
                    net, repetitions=max(2, 10**9 // checks)
                )
            case = f"{net.name}, {batch} markings"
            yield Figure("bulk enabled", case, "checks/s", compare(contenders, rounds=1 if quick else 5))


def _baseline(net: pc.Net, repetitions: int) -> Contender:
    return lambda: baseline.rate("bulk", net, repetitions) or float("nan")


def _repeat(ask: Callable[[], object], checks: int, quick: bool) -> Callable[[], int]:
    """Long enough for the clock, also for what is slow."""
    times = 1 if quick else max(1, 20_000_000 // checks)

    def work() -> int:
        for _ in range(times):
            ask()
        return times * checks

    return work


def _bulk(engine: pc.Engine, rows: npt.NDArray[np.int32]) -> Callable[[], object]:
    out = np.empty((len(rows), len(engine.transitions)), np.bool_)
    return lambda: engine.enabled(rows, out, threads=1)


def _copy(engine: pc.Engine, rows: npt.NDArray[np.int32]) -> Callable[[], object]:
    """What reading the markings and writing the answers costs when nothing is computed: the limit of this interface."""
    into = np.empty_like(rows)
    answers = np.ones((len(rows), len(engine.transitions)), np.bool_)
    out = np.empty_like(answers)

    def ask() -> None:
        np.copyto(into, rows)
        np.copyto(out, answers)

    return ask


def _numpy(engine: pc.Engine, rows: npt.NDArray[np.int32], convert: bool) -> Callable[[], object]:
    """A vector comparison per arc, over columns; `convert` counts the way from rows and back to rows."""
    arcs = [
        [(p, engine.pre[p, t]) for p in np.flatnonzero(engine.pre[:, t])]
        for t in range(len(engine.transitions))
    ]
    ready = np.ascontiguousarray(rows.T)
    holds = np.ones((len(arcs), len(rows)), np.bool_)
    one = np.empty(len(rows), np.bool_)

    def ask() -> npt.NDArray[np.bool_]:
        columns = np.ascontiguousarray(rows.T) if convert else ready
        for row, ((place, weight), *others) in zip(holds, arcs, strict=True):
            np.greater_equal(columns[place], weight, out=row)
            for p, w in others:
                np.greater_equal(columns[p], w, out=one)
                np.logical_and(row, one, out=row)
        return np.ascontiguousarray(holds.T) if convert else holds

    assert np.array_equal(ask() if convert else ask().T, engine.enabled(rows))
    return ask


def _scipy(engine: pc.Engine, rows: npt.NDArray[np.int32]) -> Callable[[], object]:
    """t is enabled iff none of its arcs finds too little: unmet arcs are summed by a sparse product."""
    from scipy.sparse import csr_array

    transitions, places = np.nonzero(engine.pre.T)
    weights = engine.pre[places, transitions]
    members = csr_array((np.ones(len(places), np.int32), (transitions, np.arange(len(places)))))

    def ask() -> object:
        return (members @ (rows[:, places] < weights).T.astype(np.int32)).T == 0

    return ask
