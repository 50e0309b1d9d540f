"""When a source fires: `Every`, the schedules it stands for, and the `Tick` that each due time is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice, takewhile
from typing import Literal, Protocol, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from petricore.agent.cron import Cron
from petricore.errors import NetError

__all__ = ["Bounded", "Every", "Interval", "Missed", "Schedule", "Tick"]

Missed = Literal["skip", "once", "all"]

_GRACE = 60.0
"""Seconds for which a due time is late, and not missed."""

_SECONDS = {
    "s": 1.0, "sec": 1.0, "second": 1.0,
    "m": 60.0, "min": 60.0, "minute": 60.0,
    "h": 3600.0, "hr": 3600.0, "hour": 3600.0,
    "d": 86400.0, "day": 86400.0,
    "w": 604800.0, "week": 604800.0,
}  # fmt: skip
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")
_ISO = re.compile(
    r"p(?:(\d+)w)?(?:(\d+)d)?(?:t(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?)?", re.IGNORECASE | re.ASCII
)


@dataclass(frozen=True, slots=True)
class Tick:
    """A due time of a source: `due` in seconds since the epoch, and its `number` from 1.

    Due times that were missed and skipped are counted, so a gap in the numbers says how many.
    """

    due: float
    number: int


class Schedule(Protocol):
    """Due times, in seconds since the epoch."""

    def next(self, after: float) -> float:
        """The first due time after `after`; infinity when there is none any more."""

    def times(self, after: float) -> Iterator[float]:
        """The due times after `after`, ascending."""

    def missed(self, last: float, now: float) -> int:
        """How many due times there are after `last` and not after `now`."""

    def newest(self, last: float, now: float) -> float | None:
        """The last of those that `missed` counts."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Due at `anchor + k * seconds` for k from 1 (`first=0`: the anchor itself is due, too)."""

    seconds: float
    anchor: float
    first: int = 1

    def next(self, after: float) -> float:
        """The first due time after `after`."""
        k = max(math.floor((after - self.anchor) / self.seconds) - 1, self.first)
        while (due := self.anchor + k * self.seconds) <= after:
            k += 1
        return due

    def times(self, after: float) -> Iterator[float]:
        """The due times after `after`, without end."""
        while True:
            after = self.next(after)
            yield after

    def missed(self, last: float, now: float) -> int:
        """How many due times there are after `last` and not after `now`; O(1)."""
        return max(self._until(now) - self._until(last), 0)

    def newest(self, last: float, now: float) -> float | None:
        """The last of those that `missed` counts; O(1)."""
        k = self._until(now) + self.first - 1
        return self.anchor + k * self.seconds if self.missed(last, now) else None

    def _until(self, at: float) -> int:
        """How many due times there are not after `at`."""
        return max(round((self.next(at) - self.anchor) / self.seconds) - self.first, 0)


@dataclass(frozen=True, slots=True)
class Bounded:
    """The due times of another schedule from `start` on."""

    cron: Cron
    start: float

    def next(self, after: float) -> float:
        """The first due time after `after`."""
        return next(self.times(after), math.inf)

    def times(self, after: float) -> Iterator[float]:
        """The due times after `after`, ascending."""
        return self.cron.times(max(after, math.nextafter(self.start, -math.inf)))

    def missed(self, last: float, now: float) -> int:
        """How many due times there are after `last` and not after `now`; O(that many), some microseconds each."""
        return sum(1 for _ in self._between(last, now))

    def newest(self, last: float, now: float) -> float | None:
        """The last of those that `missed` counts, at the same cost."""
        newest = None
        for newest in self._between(last, now):  # noqa: B007 - the last one is meant
            pass
        return newest

    def _between(self, last: float, now: float) -> Iterator[float]:
        return takewhile(lambda due: due <= now, self.times(last))


@dataclass(frozen=True, slots=True)
class Every:
    """When a transition without token inputs fires: `every=Every("0 9 * * mon-fri", zone="Europe/Berlin")`.

    Args:
        when: a cron expression of five fields (or `@daily` and its kin), or an interval: seconds, a timedelta,
            "every 5 minutes", "90s", "1h 30min", or of ISO 8601, "PT5M".
        zone: the time zone of a cron expression, by its IANA name (default: UTC).
        missed: what becomes of due times that passed while no runtime had the session: "once" makes one firing of
            them (the default), "all" makes one firing of each, "skip" forgets them. To "skip", a due time is missed
            when a minute has passed since, or half the time to the next one.
        start: no due time before; for an interval the first one. A datetime with a zone, or seconds since the
            epoch. Default: an interval counts from the begin of the session, whose first tick comes one interval later.
        times: none after the due time of that number (default: no end).

    Raises:
        NetError: what is wrong, and its value.
    """

    when: str | float | timedelta
    zone: str | None = None
    missed: Missed = "once"
    start: float | datetime | None = None
    times: int | None = None

    def __post_init__(self) -> None:
        if self.missed not in get_args(Missed):
            raise NetError(f"every: missed is 'skip', 'once' or 'all', not {self.missed!r}")
        if self.times is not None and (
            isinstance(self.times, bool) or not isinstance(self.times, int) or self.times < 1
        ):
            raise NetError(f"every: times is an integer of at least 1, not {self.times!r}")
        if self.interval is not None and self.zone is not None:
            raise NetError(f"every: the interval {self.when!r} has no time zone, but zone={self.zone!r}")
        _epoch(self.start)
        self.schedule(0.0)

    @property
    def interval(self) -> float | None:
        """Seconds between due times; None for a cron expression."""
        return _interval(self.when)

    def schedule(self, begun: float) -> Schedule:
        """The due times for a session that began at `begun`."""
        start = _epoch(self.start)
        seconds = self.interval
        if seconds is not None:
            return Interval(seconds, begun) if start is None else Interval(seconds, start, first=0)
        assert isinstance(self.when, str)
        return Bounded(Cron(self.when, _zone(self.zone)), begun if start is None else start)

    def due(self, last: Tick, now: float, schedule: Schedule, *, limit: int) -> list[Tick]:
        """The ticks to put at `now`, at most `limit`; `last` is the last one put, or `Tick(begun, 0)`."""
        if self.missed == "all":
            if self.times is not None:
                limit = min(limit, max(self.times - last.number, 0))
            passed = takewhile(lambda due: due <= now, islice(schedule.times(last.due), limit))
            return [Tick(due, number) for number, due in enumerate(passed, last.number + 1)]
        newest = None if self._spent(last) else schedule.newest(last.due, now)
        if newest is None:
            return []
        if self.missed == "skip" and now - newest > min(_GRACE, (schedule.next(newest) - newest) / 2):
            return []
        return [Tick(newest, last.number + schedule.missed(last.due, now))]

    def following(self, last: Tick, now: float, schedule: Schedule) -> float:
        """When to look next, after `due` was obeyed at `now`; infinity: never."""
        if self._spent(last):
            return math.inf
        return schedule.next(last.due if self.missed == "all" else max(last.due, now))

    def _spent(self, last: Tick) -> bool:
        return self.times is not None and last.number >= self.times


def _interval(when: object) -> float | None:
    if isinstance(when, timedelta):
        seconds = when.total_seconds()
    elif isinstance(when, (int, float)) and not isinstance(when, bool):
        seconds = float(when)
    elif isinstance(when, str):
        text = when.strip().lower()
        named = text.startswith("every ")
        if text.startswith("@every "):
            named, text = True, text[1:]
        body = text[6:].strip() if named else text
        read = _iso(body) if body.startswith("p") else _spelled(body, bare=named)
        if read is None:
            if named:
                raise NetError(
                    f"every: {when!r} is no interval; it is like 'every 5 minutes' or 'every 1h 30min'"
                )
            return None
        seconds = read
    else:
        raise NetError(f"every: a cron expression, seconds or a timedelta, not {when!r}")
    if not (math.isfinite(seconds) and seconds > 0):
        raise NetError(f"every: an interval is a number of seconds above 0, not {when!r}")
    return seconds


def _iso(text: str) -> float | None:
    match = _ISO.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    return sum(
        float(part) * unit
        for part, unit in zip(match.groups(), (604800.0, 86400.0, 3600.0, 60.0, 1.0), strict=True)
        if part
    )


def _spelled(text: str, *, bare: bool) -> float | None:
    """`5 minutes`, `1h 30min`; with `bare` also `minute`."""
    if bare and (unit := _unit(text)) is not None:
        return unit
    seconds, at = 0.0, 0
    text = text.replace(",", " ").replace(" and ", " ")
    while at < len(text):
        match = _PART.match(text, at)
        unit = None if match is None else _unit(match[2])
        if match is None or unit is None:
            return None
        seconds += float(match[1]) * unit
        at = match.end()
        while at < len(text) and text[at] == " ":
            at += 1
    return seconds if text else None


def _unit(name: str) -> float | None:
    return _SECONDS.get(name) or _SECONDS.get(name.removesuffix("s"))


def _zone(name: str | None) -> tzinfo:
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise NetError(f"every: no time zone {name!r} is known here (tzdata has the IANA names)") from None


def _epoch(start: object) -> float | None:
    if start is None:
        return None
    if isinstance(start, datetime):
        if start.tzinfo is None:
            raise NetError(f"every: start={start!r} has no time zone")
        return start.timestamp()
    if isinstance(start, bool) or not isinstance(start, (int, float)) or not math.isfinite(start):
        raise NetError(
            f"every: start is a datetime with a time zone or seconds since the epoch, not {start!r}"
        )
    return float(start)
