"""Conflicts, maximal steps and firing of whole batches. No peer offers these, so numpy does them marking by marking."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

import petricore as pc
from benchmarks import nets
from benchmarks.method import OURS, Figure, compare, per_cpu_second

_BRUTE_FORCE = "numpy, marking by marking (no peer has it)"


def figures(quick: bool) -> Iterator[Figure]:
    """Markings per CPU second, on one thread."""
    for net in (nets.scattered(), *nets.contest()):
        engine = net.compile()
        for name, (ours, theirs) in _questions(engine, batch=64 if quick else 1024).items():
            contenders = {OURS: per_cpu_second(ours)}
            if not quick:
                contenders[_BRUTE_FORCE] = per_cpu_second(theirs)
            yield Figure(name, net.name, "markings/s", compare(contenders, rounds=1 if quick else 5))


_Work = Callable[[], int]


def _questions(engine: pc.Engine, batch: int) -> dict[str, tuple[_Work, _Work]]:
    """Each operation on the whole batch by petricore, and on its first markings by brute force."""
    rows = nets.visited(engine, batch)
    steps = engine.step(rows)
    plain = BruteForce(engine)
    few = 2 if len(engine.places) > 100 else 50
    assert np.array_equal(steps[:few], [plain.step(row) for row in rows[:few]])

    def ours(ask: Callable[[], object]) -> _Work:
        repetitions = max(1, 4_000_000 // (batch * len(engine.transitions)))

        def work() -> int:
            for _ in range(repetitions):
                ask()
            return repetitions * batch

        return work

    def theirs(ask: Callable[[int], object]) -> _Work:
        return lambda: len([ask(i) for i in range(few)])

    return {
        "conflicts": (
            ours(lambda: engine.conflicts(rows, threads=1)),
            theirs(lambda i: plain.conflicts(rows[i])),
        ),
        "maximal step": (
            ours(lambda: engine.step(rows, threads=1)),
            theirs(lambda i: plain.step(rows[i])),
        ),
        "fire a step": (
            ours(lambda: engine.fire(rows, steps, threads=1)),
            theirs(lambda i: plain.fire(rows[i], steps[i])),
        ),
    }


class BruteForce:
    """The plain way with numpy, for nets of input and output arcs only."""

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

    def fire(self, marking: npt.NDArray[np.int32], counts: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        if (self.pre @ counts > marking).any():
            raise ValueError("the step is not enabled")
        after: npt.NDArray[np.int32] = marking + self.incidence @ counts
        return after
