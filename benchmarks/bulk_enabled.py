"""Enabled transitions of whole batches, from and to numpy, on one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

import petricore as pc
from benchmarks import baseline, nets
from benchmarks.method import OURS, Contender, Figure, compare, per_cpu_second


def figures(quick: bool) -> Iterator[Figure]:
    """Checks, that is (marking, transition) pairs, per CPU second."""
    some = [nets.scattered(), *nets.contest()]
    for net in some:
        for batch in (256,) if quick else (256, 4096):
            engine = net.compile()
            rows = nets.visited(engine, batch)
            contenders: dict[str, Contender] = {
                OURS: per_cpu_second(_repeat(_bulk(engine, rows), engine, batch, quick))
            }
            if not quick:
                contenders["numpy, place-major"] = per_cpu_second(
                    _repeat(_numpy(engine, rows), engine, batch, quick)
                )
                contenders["scipy CSR"] = per_cpu_second(_repeat(_scipy(engine, rows), engine, batch, quick))
                contenders["a copy of the same bytes"] = per_cpu_second(
                    _repeat(_copy(engine, rows), engine, batch, quick)
                )
                if batch == 4096 and baseline.rate("bulk", net, 1) is not None:
                    repetitions = max(2, 10**9 // (batch * len(engine.transitions)))
                    contenders["hand-tuned, bytes in and out place-major"] = _baseline(net, repetitions)
            case = f"{net.name}, {batch} markings"
            yield Figure("bulk enabled", case, "checks/s", compare(contenders, rounds=1 if quick else 5))


def _baseline(net: pc.Net, repetitions: int) -> Contender:
    return lambda: baseline.rate("bulk", net, repetitions) or float("nan")


def _repeat(ask: Callable[[], object], engine: pc.Engine, batch: int, quick: bool) -> Callable[[], int]:
    """About 10^8 checks for what is fast; slower contenders are stopped by their own count of one."""
    checks = batch * len(engine.transitions)
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


def _numpy(engine: pc.Engine, rows: npt.NDArray[np.int32]) -> Callable[[], object]:
    columns = np.ascontiguousarray(rows.T)
    arcs = [
        [(p, engine.pre[p, t]) for p in np.flatnonzero(engine.pre[:, t])]
        for t in range(len(engine.transitions))
    ]
    out = np.empty((len(arcs), len(rows)), np.bool_)

    def ask() -> None:
        for t, row in enumerate(arcs):
            np.logical_and.reduce([columns[p] >= weight for p, weight in row], out=out[t])

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
