"""Schedules against brute force: look at every minute, and ask whether it is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from petricore.agent.cron import Cron
from petricore.agent.schedule import Interval

# Around changes of the clock: by one hour, by half an hour, by none, and at midnight.
ZONES = {
    "Europe/Berlin": ["2026-03-29", "2026-10-25", "2026-06-01"],
    "America/New_York": ["2026-03-08", "2026-11-01"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
    "Asia/Beirut": ["2026-03-29", "2026-10-25"],
    "UTC": ["2028-02-28"],
}


@st.composite
def fields(draw: st.DrawFn, low: int, high: int, *, narrow: bool = False) -> str:
    number = st.integers(low, high)

    def part() -> str:
        kind = draw(st.sampled_from("*nrs/" if not narrow else "nr"))
        if kind == "*":
            return "*"
        if kind == "/":
            return f"*/{draw(st.integers(1, high + 3))}"
        if kind == "n":
            return str(draw(number))
        first, last = sorted((draw(number), draw(number)))
        return f"{first}-{last}" + (f"/{draw(st.integers(1, 9))}" if kind == "s" else "")

    return ",".join(part() for _ in range(draw(st.integers(1, 2))))


@st.composite
def expressions(draw: st.DrawFn) -> str:
    hours = draw(st.one_of(st.sampled_from(["*", "1-3", "2", "0", "*/2"]), fields(0, 23)))
    return f"{draw(fields(0, 59))} {hours} {draw(fields(1, 31))} * {draw(fields(0, 7))}"


def matches(expression: str, wall: datetime) -> bool:
    parts = expression.split()
    values = (wall.minute, wall.hour, wall.day, wall.month, wall.isoweekday() % 7)
    hits = [
        any(_hit(one, value, *bounds) for one in part.split(","))
        for part, value, bounds in zip(
            parts, values, ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7)), strict=True
        )
    ]
    if wall.isoweekday() == 7:  # Sunday is 0 and 7
        hits[4] = hits[4] or any(_hit(one, 7, 0, 7) for one in parts[4].split(",") if "*" not in one)
    day = hits[2] and hits[4] if parts[2][0] == "*" or parts[4][0] == "*" else hits[2] or hits[4]
    return hits[0] and hits[1] and hits[3] and day


def _hit(text: str, value: int, low: int, high: int) -> bool:
    body, _, step = text.partition("/")
    first, _, last = body.partition("-")
    a = low if first == "*" else int(first)
    b = (high if step or first == "*" else a) if not last else int(last)
    return a <= value <= b and (value - a) % int(step or 1) == 0


def brute(expression: str, zone: ZoneInfo, begin: datetime, minutes: int) -> list[float]:
    flowing = all(matches(f"* {expression.split()[1]} * * *", begin.replace(hour=h)) for h in range(24))
    found: list[float] = []
    previous: datetime | None = None
    seen: set[datetime] = set()
    for minute in range(-240, minutes):
        moment = begin + timedelta(minutes=minute)
        wall = moment.astimezone(zone).replace(tzinfo=None, fold=0)
        is_due = matches(expression, wall) and (flowing or wall not in seen)
        if not flowing and previous is not None:
            skipped = previous + timedelta(minutes=1)
            while skipped < wall:
                is_due = is_due or matches(expression, skipped)
                skipped += timedelta(minutes=1)
        seen.add(wall)
        previous = wall
        if is_due and minute > 0:
            found.append(moment.timestamp())
    return found


@settings(max_examples=120, deadline=None)
@given(
    expressions(), st.sampled_from([(z, d) for z, days in ZONES.items() for d in days]), st.integers(0, 1500)
)
def test_cron_is_due_at_the_minutes_that_match(expression: str, where: tuple[str, str], offset: int) -> None:
    zone, day = ZoneInfo(where[0]), where[1]
    begin = (
        datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(minutes=900) + timedelta(minutes=offset)
    )
    try:
        cron = Cron(expression, zone)
    except ValueError:
        return  # a day that never comes
    expected = brute(expression, zone, begin, 36 * 60)
    found: list[float] = []
    end = begin.timestamp() + 36 * 3600
    at = begin.timestamp()
    while (at := cron.next(at)) < end and len(found) <= len(expected):
        found.append(at)
    assert found == expected


@given(
    st.floats(0.001, 1e5),
    st.floats(0, 2e9),
    st.integers(0, 1),
    st.lists(st.floats(0, 1e4), min_size=2, max_size=2),
)
def test_an_interval_counts_what_it_names(
    seconds: float, anchor: float, first: int, spans: list[float]
) -> None:
    interval = Interval(seconds, anchor, first)
    last = anchor + min(spans) * seconds / 10
    now = min(anchor + max(spans) * seconds / 10, last + 200 * seconds)
    count, newest, due = 0, None, interval.next(last)
    while due <= now:
        assert due > last
        count, newest, due = count + 1, due, interval.next(due)
    assert (interval.missed(last, now), interval.newest(last, now)) == (count, newest)
