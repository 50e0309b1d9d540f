"""When sessions begin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from petricore.errors import NetError
from petricore.simulation.agents.draws import draw_of
from petricore.simulation.agents.streams import Stream

__all__ = ["arrival_times"]

_STREAM = -2


def arrival_times(arrivals: Any, sessions: int | None, seed: int) -> list[float]:
    """The times, in seconds, at which sessions 0, 1, ... begin.

    `arrivals` is None (all at 0), a rate per second (a Poisson process), a distribution of the times between them, or
    the times themselves. Raises `NetError` for anything else.
    """
    if sessions is not None and (isinstance(sessions, bool) or not isinstance(sessions, int) or sessions < 1):
        raise NetError(f"sessions is an integer of at least 1, not {sessions!r}")
    count = 1000 if sessions is None else sessions
    if arrivals is None:
        return [0.0] * count
    if isinstance(arrivals, (int, float)) and not isinstance(arrivals, bool):
        if not 0 < arrivals < math.inf:
            raise NetError(f"arrivals: a rate is a number of sessions per second above 0, not {arrivals!r}")
        return _added_up(
            [-math.log(Stream(seed, _STREAM, one).positive()) / arrivals for one in range(count)]
        )
    if isinstance(arrivals, Sequence) or hasattr(arrivals, "tolist"):
        return _times(arrivals, sessions)
    between = draw_of("arrivals: the time between sessions", arrivals)
    return _added_up([between(Stream(seed, _STREAM, one)) for one in range(count)])


def _times(arrivals: Any, sessions: int | None) -> list[float]:
    times = arrivals.tolist() if hasattr(arrivals, "tolist") else list(arrivals)
    if not times or (sessions is not None and len(times) != sessions):
        raise NetError(f"arrivals lists {len(times)} times for {sessions or 'no'} sessions")
    for one in times:
        if isinstance(one, bool) or not isinstance(one, (int, float)) or not 0 <= one < math.inf:
            raise NetError(f"arrivals: a time is a number of seconds from 0 on, not {one!r}")
    return [float(one) for one in times]


def _added_up(gaps: list[float]) -> list[float]:
    times: list[float] = []
    now = 0.0
    for gap in gaps:
        now += gap
        times.append(now)
    return times
