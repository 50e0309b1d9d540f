"""The Fleet: putting, claiming and completing over 10,000 sessions, and what a million idle ones weigh."""

from __future__ import annotations

import resource
from collections import deque
from collections.abc import Callable, Iterator

from benchmarks.method import OURS, Figure, compare, per_cpu_second
from petricore._core import Fleet

_DEQUES = "plain Python deques, nothing checked"


def pipeline(stages: int = 3) -> Fleet:
    """place 0 -> transition 0 -> place 1 -> ..."""
    return Fleet(
        places=stages + 1,
        transitions=stages,
        inputs=[(t, t, 0, 1, -1, -1) for t in range(stages)],
        outputs=[(t, t + 1, 1) for t in range(stages)],
    )


def figures(quick: bool) -> Iterator[Figure]:
    """Firings per CPU second through the Python face, and resident bytes."""
    sessions = 100 if quick else 10_000
    rounds = 1 if quick else 5
    contenders = {OURS: per_cpu_second(_cycle(sessions))}
    if not quick:
        contenders[_DEQUES] = per_cpu_second(_deques(sessions))
    case = f"put, 3 x (claim, complete) in {sessions} sessions"
    yield Figure("fleet", case, "firings/s", compare(contenders, rounds))
    contenders = {OURS: per_cpu_second(_claim(sessions))}
    if not quick:
        contenders[_DEQUES] = per_cpu_second(_claim_deques(sessions))
    yield Figure("fleet", f"claim alone, {sessions} sessions", "claims/s", compare(contenders, rounds))
    yield from _weights(100_000 if quick else 1_000_000, quick)


def _weights(sessions: int, quick: bool) -> Iterator[Figure]:
    """What the process grows by for each session: empty, then with one token."""
    weighed = {OURS: _growth(pipeline(), sessions)}
    if not quick:
        weighed[_DEQUES] = _growth_of_deques(sessions // 10)
    for what, i in (("idle session of 4 places", 0), ("the same with one token", 1)):
        values = {name: bytes_each[i] for name, bytes_each in weighed.items()}
        yield Figure("fleet", f"{what}, at {sessions} sessions", "bytes", values, less=True)


def _growth(fleet: Fleet, sessions: int) -> tuple[float, float]:
    start = _resident()
    ids = fleet.open(sessions)
    opened = _resident()
    for session in ids.tolist():
        fleet.put(session, 3)
    return (opened - start) / sessions, (_resident() - start) / sessions


def _growth_of_deques(sessions: int) -> tuple[float, float]:
    start = _resident()
    opened = [[deque[int]() for _ in range(4)] for _ in range(sessions)]
    empty = _resident()
    for token, places in enumerate(opened):
        places[3].append(token)
    return (empty - start) / sessions, (_resident() - start) / sessions


def _resident() -> float:
    """Bytes of this process in memory."""
    with open("/proc/self/statm", encoding="ascii") as fields:
        return float(fields.read().split()[1]) * resource.getpagesize()


def _deques(sessions: int) -> Callable[[], int]:
    """The same pipeline in plain Python, with nothing checked, no ages, no ids that can be released."""
    places = [[deque[int]() for _ in range(4)] for _ in range(sessions)]
    ready: deque[tuple[int, int]] = deque()
    held: dict[int, tuple[int, int, int]] = {}

    def work() -> int:
        done = 0
        for session in range(sessions):
            places[session][0].append(session)
            ready.append((session, 0))
        while ready:
            for _ in range(min(len(ready), 4096)):
                session, t = ready.popleft()
                held[done] = (session, t, places[session][t].popleft())
                done += 1
            for session, t, token in held.values():
                places[session][t + 1].append(token)
                if t < 2:
                    ready.append((session, t + 1))
            held.clear()
        return done

    return work


def _claim_deques(sessions: int) -> Callable[[], int]:
    """Four from each session, taken only; there is enough for every round."""
    stock = [deque(range(4 * 6)) for _ in range(sessions)]
    return lambda: len([(session, place.popleft()) for session, place in enumerate(stock) for _ in range(4)])


def _cycle(sessions: int) -> Callable[[], int]:
    fleet = pipeline()
    ids = fleet.open(sessions).tolist()
    arrived = [(place,) for place in range(4)]  # short tuples, as the runtime passes them

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
