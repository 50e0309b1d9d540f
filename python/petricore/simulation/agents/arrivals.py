"""When sessions begin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from petricore.errors import NetError
from petricore.simulation.agents.draws import draw_of
from petricore.simulation.agents.given import counted, real
from petricore.simulation.agents.streams import Stream

__all__ = ["arrival_times"]

_STREAM = -2
_SESSIONS = 1000
_MOST = 2**31 - 1


def arrival_times(arrivals: Any, sessions: int | None, seed: int) -> list[float]:
    """The times, in seconds, at which sessions 0, 1, ... begin.

    `arrivals` is None (all at 0), a rate per second (a Poisson process), a distribution of the times between them, or
    the times themselves. Raises `NetError` for anything else.
    """
    if sessions is not None:
        sessions = counted(sessions, 1, _MOST, "sessions is an integer of at least 1")
    count = sessions or _SESSIONS
    if arrivals is None:
        return [0.0] * count
    if isinstance(arrivals, Real):
        rate = real(arrivals)
        if rate is None or not rate > 0:
            raise NetError(f"arrivals: a rate is a number of sessions per second above 0, not {arrivals!r}")
        return _added_up([-math.log(Stream(seed, _STREAM, one).positive()) / rate for one in range(count)])
    if isinstance(arrivals, Sequence) or hasattr(arrivals, "tolist"):
        return _times(arrivals, sessions)
    between = draw_of("arrivals: the time between sessions", arrivals)
    return _added_up([between(Stream(seed, _STREAM, one)) for one in range(count)])


def _times(arrivals: Any, sessions: int | None) -> list[float]:
    times = arrivals.tolist() if hasattr(arrivals, "tolist") else list(arrivals)
    if not times or (sessions is not None and len(times) != sessions):
        raise NetError(f"arrivals lists {len(times)} times for {sessions or 'no'} sessions")
    checked = [real(one) for one in times]
    for one, given in zip(checked, times, strict=True):
        if one is None or one < 0:
            raise NetError(f"arrivals: a time is a number of seconds from 0 on, not {given!r}")
    return [one for one in checked if one is not None]


def _added_up(gaps: list[float]) -> list[float]:
    times: list[float] = []
    now = 0.0
    for gap in gaps:
        now += gap
        times.append(now)
    return times
