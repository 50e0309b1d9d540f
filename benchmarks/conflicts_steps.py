"""Conflicts, maximal steps and firing of whole batches. No peer offers these; plain Python does them pair by pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

import petricore as pc
from benchmarks import nets
from benchmarks.method import OURS, Contender, Figure, compare, per_cpu_second


def figures(quick: bool) -> Iterator[Figure]:
    """Markings per CPU second, on one thread."""
    batch = 64 if quick else 1024
    for net in (nets.scattered(), *nets.contest()):
        engine = net.compile()
        rows = nets.visited(engine, batch)
        steps = engine.step(rows)
        python = Pairs(engine)
        few = rows[: 2 if len(engine.places) > 100 else 50]
        rounds = 1 if quick else 5

        def bulk(work: Callable[[], object], count: int = batch) -> Contender:
            def run() -> int:
                work()
                return count

            return per_cpu_second(run)

        for name, ours, theirs in (
            ("conflicts", lambda e=engine, r=rows: e.conflicts(r, threads=1), python.conflicts),
            ("maximal step", lambda e=engine, r=rows: e.step(r, threads=1), python.step),
            ("fire a step", lambda e=engine, r=rows, s=steps: e.fire(r, s, threads=1), python.fire),
        ):
            contenders = {OURS: bulk(ours)}
            if not quick:
                contenders["numpy, marking by marking"] = bulk(
                    lambda f=few, one=theirs: [one(row) for row in f], len(few)
                )
            yield Figure(name, net.name, "markings/s", compare(contenders, rounds))


class Pairs:
    """The plain way, for nets of input and output arcs."""

    def __init__(self, engine: pc.Engine) -> None:
        self.pre, self.incidence = engine.pre, engine.incidence
        shares = (self.pre > 0).astype(np.float32)
        self.neighbours = (shares.T @ shares) > 0

    def conflicts(self, marking: npt.NDArray[np.int32]) -> list[tuple[int, int]]:
        enabled = np.flatnonzero((self.pre <= marking[:, None]).all(axis=0))
        found = []
        for i, t in enumerate(enabled):
            others = enabled[i + 1 :][self.neighbours[t, enabled[i + 1 :]]]
            short = (self.pre[:, [t]] + self.pre[:, others] > marking[:, None]).any(axis=0)
            found += [(int(t), int(u)) for u in others[short]]
        return found

    def step(self, marking: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        left = marking.copy()
        counts = np.zeros(self.pre.shape[1], np.int32)
        for t in np.flatnonzero((self.pre <= marking[:, None]).all(axis=0)):
            needs = np.flatnonzero(self.pre[:, t])
            counts[t] = (left[needs] // self.pre[needs, t]).min()
            left[needs] -= counts[t] * self.pre[needs, t]
        return counts

    def fire(self, marking: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        counts = self.step(marking)
        after: npt.NDArray[np.int32] = marking + self.incidence @ counts
        return after
