"""Cron expressions: five fields, read as the manual of Vixie's cron has them, on the wall clock of a time zone.

Wall clocks jump. What an expression means then is decided here:

- An expression whose hour field admits all hours (`*/5 * * * *`, `0 * * * *`) goes by the time that passes: it is due
  at every minute whose wall time matches, so also in both passes of an hour that comes twice, and never in a gap.
- Any other names times of day: each is due once a day. A time in a gap is due at the moment the gap ends (several
  are due once then), and a time that comes twice is due the first time only.
"""

from __future__ import annotations

import math
import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo

from petricore.errors import NetError

__all__ = ["Cron"]

_MINUTE = 60.0
_HOP = 12 * 3600.0
"""No zone changes its offset twice within that time and ends where it was."""
_YEARS = 60
"""A day that does not come within so many years never comes (29 February on one weekday: 40, around 2100)."""

_NAMES = {
    "month": {"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
              "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12},
    "day of week": {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6},
}  # fmt: skip
_RANGES = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day of month": (1, 31),
    "month": (1, 12),
    "day of week": (0, 7),
}
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True)
class Cron:
    """`minute hour day-of-month month day-of-week` in a time zone, to the minute.

    A field is `*`, a number, a name (`jan`, `mon`), a range `a-b` (of weekdays also over the end: `fri-mon`), a step
    `*/n` or `a-b/n`, or a list of those. 0 and 7 are Sunday. Where both day fields are restricted, a day is due that
    matches either; a field that begins with `*` counts as no restriction there, so that both must match.
    `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly` are read too.

    Raises:
        NetError: the expression cannot be read, or names a day that never comes.
    """

    expression: str
    zone: tzinfo = UTC
    minutes: tuple[int, ...] = field(init=False, repr=False)
    hours: tuple[int, ...] = field(init=False, repr=False)
    days: frozenset[int] = field(init=False, repr=False)
    months: frozenset[int] = field(init=False, repr=False)
    weekdays: frozenset[int] = field(init=False, repr=False)
    either: bool = field(init=False, repr=False)
    """A day matches by one of its two fields."""

    def __post_init__(self) -> None:
        text = _MACROS.get(self.expression.strip().lower(), self.expression)
        if text.strip().startswith("@"):
            raise NetError(f"cron {self.expression!r}: the names are {', '.join(_MACROS)}")
        parts = text.split()
        if len(parts) != len(_RANGES):
            raise NetError(
                f"cron {self.expression!r} has {len(parts)} field(s), not 5: "
                "minute, hour, day of month, month, day of week"
            )
        sets = [_parse(self.expression, name, part) for name, part in zip(_RANGES, parts, strict=True)]
        minutes, hours, days, months, weekdays = sets
        put = object.__setattr__
        put(self, "minutes", tuple(sorted(minutes)))
        put(self, "hours", tuple(sorted(hours)))
        put(self, "days", frozenset(days))
        put(self, "months", frozenset(months))
        put(self, "weekdays", frozenset(day % 7 for day in weekdays))
        put(self, "either", not (parts[2].startswith("*") or parts[4].startswith("*")))
        if next(self._dates(date(2000, 1, 1)), None) is None:
            raise NetError(f"cron {self.expression!r} names a day that never comes")

    def next(self, after: float) -> float:
        """The first due time after `after`, both in seconds since the epoch; infinity past the year 9999."""
        return next(self.times(after), math.inf)

    def times(self, after: float) -> Iterator[float]:
        """The due times after `after`, ascending, until the year 9999."""
        times = self._times_flowing(after) if len(self.hours) == 24 else self._times_of_day(after)
        try:
            yield from times
        except (OverflowError, ValueError):  # beyond what datetime can say
            return

    def _times_of_day(self, after: float) -> Iterator[float]:
        # Due times grow with the wall times they stand for; several of a gap are one.
        for wall in self._walls(_wall(after, self.zone)):
            due = self._instant(wall)
            if due > after:
                yield due
                after = due

    def _times_flowing(self, after: float) -> Iterator[float]:
        at: float | None = math.nextafter(after, math.inf)
        while at is not None:
            offset = _offset(at, self.zone)
            last, at = at, None
            for wall in self._walls(_wall(last, self.zone)):
                due = wall.replace(tzinfo=UTC).timestamp() - offset
                if due < last:
                    continue
                at = _change(last, due, self.zone)
                if at is not None:
                    break
                yield due
                last = due

    def _instant(self, wall: datetime) -> float:
        """When the wall time is due: the first time it comes, or at the end of the gap it falls into."""
        first = wall.replace(tzinfo=self.zone).timestamp()
        if _wall(first, self.zone) == wall:
            return first
        before = wall.replace(tzinfo=self.zone, fold=1).timestamp()
        change = _change(before, first, self.zone)
        assert change is not None
        return change

    def _walls(self, start: datetime) -> Iterator[datetime]:
        """Matching wall times from `start` (floored to the minute) on, ascending."""
        start = start.replace(second=0, microsecond=0)
        for day in self._dates(start.date()):
            for hour in self.hours:
                for minute in self.minutes:
                    wall = datetime(day.year, day.month, day.day, hour, minute)
                    if wall >= start:
                        yield wall

    def _dates(self, start: date) -> Iterator[date]:
        year, month, first = start.year, start.month, start.day
        last = start.year + _YEARS
        while year <= last:
            if month in self.months:
                for day in range(first, monthrange(year, month)[1] + 1):
                    weekday = (date(year, month, day).weekday() + 1) % 7
                    matches = (day in self.days, weekday in self.weekdays)
                    if any(matches) if self.either else all(matches):
                        last = year + _YEARS
                        yield date(year, month, day)
            first = 1
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)

    def __str__(self) -> str:
        return f"{self.expression} ({self.zone})"


def _wall(at: float, zone: tzinfo) -> datetime:
    """The wall time at that moment, as a datetime without a zone."""
    return datetime.fromtimestamp(at, zone).replace(tzinfo=None, fold=0)


def _offset(at: float, zone: tzinfo) -> float:
    offset = datetime.fromtimestamp(at, zone).utcoffset() or timedelta()
    return offset.total_seconds()


def _change(after: float, until: float, zone: tzinfo) -> float | None:
    """The first moment in (after, until] at which the zone's offset is another, to the second."""
    low, offset = after, _offset(after, zone)
    while low < until:
        high = min(low + _HOP, until)
        if _offset(high, zone) == offset:
            low = high
            continue
        below, above = math.floor(low), math.ceil(high)
        while above - below > 1:
            middle = (below + above) // 2
            below, above = (middle, above) if _offset(middle, zone) == offset else (below, middle)
        return float(above)
    return None


def _parse(expression: str, name: str, text: str) -> set[int]:
    low, high = _RANGES[name]
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(\*|[0-9a-z]+)(?:-([0-9a-z]+))?(?:/(\d+))?", part, re.IGNORECASE | re.ASCII)
        if match is None or (match[1] == "*" and match[2]):
            raise NetError(f"cron {expression!r}: {part!r} is no {name}; it is like *, 5, 1-5, */10 or 1,15")
        step = 1 if match[3] is None else int(match[3])
        if step < 1:
            raise NetError(f"cron {expression!r}: the step of {part!r} is at least 1")
        if match[1] == "*":
            first, last = low, high - (name == "day of week")
        else:
            first = _number(expression, name, match[1])
            last = (
                first if match[2] is None and match[3] is None
                else high - (name == "day of week" and first < high) if match[2] is None
                else _number(expression, name, match[2])
            )  # fmt: skip
        if last < first and name == "day of week":
            last += 7
        if last < first:
            raise NetError(f"cron {expression!r}: the range {part!r} of the {name} runs backwards")
        found.update(one % 7 if name == "day of week" else one for one in range(first, last + 1, step))
    return found


def _number(expression: str, name: str, text: str) -> int:
    low, high = _RANGES[name]
    value = int(text) if text.isdigit() else _NAMES.get(name, {}).get(text.lower(), -1)
    if not low <= value <= high:
        raise NetError(f"cron {expression!r}: {text!r} is no {name}; it is from {low} to {high}")
    return value
