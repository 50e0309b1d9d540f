"""The Fleet: putting, claiming and completing over 10,000 sessions, and what a million idle ones weigh."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.method import OURS, Figure, compare, per_cpu_second
from petricore._core import Fleet


def pipeline(stages: int = 3) -> Fleet:
    """place 0 -> transition 0 -> place 1 -> ..."""
    return Fleet(
        places=stages + 1,
        transitions=stages,
        inputs=[(t, t, 0, 1, -1, -1) for t in range(stages)],
        outputs=[(t, t + 1, 1) for t in range(stages)],
    )


def figures(quick: bool) -> Iterator[Figure]:
    """Firings per CPU second through the Python face, and bytes."""
    sessions = 100 if quick else 10_000
    rounds = 1 if quick else 5
    no_peer = "nobody else offers it"
    values = compare({OURS: per_cpu_second(_cycle(sessions))}, rounds)
    yield Figure(
        "fleet", f"put, 3 x (claim, complete) in {sessions} sessions", "firings/s", values, note=no_peer
    )
    values = compare({OURS: per_cpu_second(_claim(sessions))}, rounds)
    yield Figure("fleet", f"claim alone, {sessions} sessions", "claims/s", values, note=no_peer)

    fleet = pipeline()
    ids = fleet.open(1000 if quick else 1_000_000)
    for session in ids.tolist():
        fleet.put(session, 3)
    weights = {"idle session of 4 places": fleet.session_bytes, "token": fleet.token_bytes}
    for what, weight in weights.items():
        yield Figure("fleet", what, "bytes", {OURS: float(weight)}, less=True, note=no_peer)


def _cycle(sessions: int) -> Callable[[], int]:
    fleet = pipeline()
    ids = fleet.open(sessions).tolist()
    arrived = [np.array([place], np.int32) for place in range(4)]

    def work() -> int:
        for session in ids:
            fleet.put(session, 0)
        done = 0
        while len(claims := fleet.claim(4096)):
            for firing, transition in zip(claims.firings.tolist(), claims.transitions.tolist(), strict=True):
                fleet.complete(firing, arrived[transition + 1])
            done += len(claims)
        return done

    return work


def _claim(sessions: int) -> Callable[[], int]:
    fleet = pipeline(1)
    ids = fleet.open(sessions).tolist()
    per_round = 4

    def refill() -> None:
        for session in ids:
            fleet.put(session, 0, per_round)

    for _ in range(6):  # as many as there are rounds, and one more: claiming alone is measured
        refill()
    return lambda: len(fleet.claim(sessions * per_round))
