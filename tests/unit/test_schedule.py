"""Cron expressions, intervals and what becomes of missed due times."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from petricore.agent.cron import Cron
from petricore.agent.schedule import Every, Interval, Tick
from petricore.errors import NetError

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: object = UTC) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()  # type: ignore[arg-type]


def due(cron: Cron, after: float, n: int) -> list[str]:
    found = []
    for _ in range(n):
        after = cron.next(after)
        found.append(datetime.fromtimestamp(after, cron.zone).isoformat())
    return found


@pytest.mark.parametrize(
    ("expression", "first"),
    [
        ("* * * * *", "2026-11-23T10:01:00+00:00"),
        ("*/15 * * * *", "2026-11-23T10:15:00+00:00"),
        ("5-10/5,50 * * * *", "2026-11-23T10:05:00+00:00"),
        ("0 9 * * mon-fri", "2026-11-24T09:00:00+00:00"),
        ("0 9 * * Fri-Mon", "2026-11-27T09:00:00+00:00"),
        ("0 0 1 JAN *", "2027-01-01T00:00:00+00:00"),
        ("0 0 29 2 *", "2028-02-29T00:00:00+00:00"),
        ("0 0 * * 7", "2026-11-29T00:00:00+00:00"),
        ("@weekly", "2026-11-29T00:00:00+00:00"),
        ("@hourly", "2026-11-23T11:00:00+00:00"),
        ("0 0 13 * fri", "2026-11-27T00:00:00+00:00"),
        ("0 0 */2 * wed", "2026-11-25T00:00:00+00:00"),
    ],
)
def test_a_cron_expression_is_next_due(expression: str, first: str) -> None:
    assert due(Cron(expression), at("2026-11-23T10:00:00"), 1) == [first]


def test_a_time_of_day_in_a_gap_is_due_when_the_gap_ends() -> None:
    assert due(Cron("30 2 * * *", BERLIN), at("2026-03-28T12:00:00"), 2) == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]


def test_several_times_of_a_gap_are_due_once() -> None:
    assert due(Cron("*/10 2,4 * * *", BERLIN), at("2026-03-29T00:00:00"), 2) == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T04:00:00+02:00",
    ]


def test_a_time_of_day_that_comes_twice_is_due_the_first_time_only() -> None:
    assert due(Cron("30 2 * * *", BERLIN), at("2026-10-24T12:00:00"), 2) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]


def test_an_expression_of_all_hours_goes_by_the_time_that_passes() -> None:
    assert due(Cron("30 * * * *", BERLIN), at("2026-10-25T01:30:00", BERLIN), 3) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
        "2026-10-25T03:30:00+01:00",
    ]
    assert due(Cron("30 * * * *", BERLIN), at("2026-03-29T01:30:00", BERLIN), 1) == [
        "2026-03-29T03:30:00+02:00"
    ]


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("* * * *", "4 field"),
        ("* * * * * *", "6 field"),
        ("60 * * * *", "'60' is no minute"),
        ("* * 0 * *", "'0' is no day of month"),
        ("* * * foo *", "'foo' is no month"),
        ("*/0 * * * *", "step"),
        ("30-10 * * * *", "backwards"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 L * *", "'L' is no day of month"),
        ("1--2 * * * *", "'1--2' is no minute"),
        ("@reboot", "@hourly"),
    ],
)
def test_a_wrong_cron_expression_says_what_is_wrong(expression: str, says: str) -> None:
    with pytest.raises(NetError, match=says):
        Cron(expression)


def test_there_is_nothing_due_after_the_year_9999() -> None:
    assert Cron("@yearly").next(datetime(9999, 6, 1, tzinfo=UTC).timestamp()) == math.inf


@pytest.mark.parametrize(
    ("when", "seconds"),
    [
        (30, 30.0),
        (0.5, 0.5),
        (timedelta(minutes=2), 120.0),
        ("every 5 minutes", 300.0),
        ("every minute", 60.0),
        ("Every 1 hour and 30 minutes", 5400.0),
        ("90s", 90.0),
        ("1h 30min", 5400.0),
        ("PT5M", 300.0),
        ("P1DT12H", 129600.0),
        ("@every 10s", 10.0),
        ("@daily", None),
        ("*/5 * * * *", None),
    ],
)
def test_an_interval_is_read(when: str | float | timedelta, seconds: float | None) -> None:
    assert Every(when).interval == seconds


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"when": 0}, "above 0"),
        ({"when": True}, "not True"),
        ({"when": "every now and then"}, "no interval"),
        ({"when": "PT"}, "1 field"),
        ({"when": 5, "zone": "Europe/Berlin"}, "no time zone"),
        ({"when": "@daily", "zone": "Europe/Atlantis"}, "'Europe/Atlantis'"),
        ({"when": 5, "missed": "some"}, "'some'"),
        ({"when": 5, "times": 0}, "not 0"),
        ({"when": 5, "start": datetime(2026, 1, 1)}, "no time zone"),
        ({"when": 5, "start": "now"}, "'now'"),
    ],
)
def test_a_wrong_every_says_what_is_wrong(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(NetError, match=says):
        Every(**arguments)  # type: ignore[arg-type]


def test_an_interval_counts_from_the_begin_of_the_session_or_from_its_start() -> None:
    assert Every(60).schedule(1000.0).next(1000.0) == 1060.0
    assert Every(60, start=2000).schedule(1000.0).next(1000.0) == 2000.0
    assert Every("@hourly", start=3600).schedule(1000.0).next(0.0) == 3600.0


def test_missed_due_times_are_skipped_made_up_once_or_all() -> None:
    last = Tick(60.0, 6)  # due at 70, 80, 90

    def ticks(missed: str, now: float) -> list[Tick]:
        every = Every(10, missed=missed)  # type: ignore[arg-type]
        return every.due(last, now, every.schedule(0.0), limit=100)

    assert ticks("skip", now=96.0) == []
    assert ticks("once", now=96.0) == [Tick(90.0, 9)]
    assert ticks("all", now=96.0) == [Tick(70.0, 7), Tick(80.0, 8), Tick(90.0, 9)]


def test_a_due_time_that_is_late_by_less_than_half_the_way_to_the_next_is_not_missed() -> None:
    every = Every(10, missed="skip")
    assert every.due(Tick(60.0, 6), 75.0, every.schedule(0.0), limit=100) == [Tick(70.0, 7)]
    daily = Every("@daily", missed="skip")
    assert daily.due(Tick(0.0, 0), 86460.0, daily.schedule(0.0), limit=100) == [Tick(86400.0, 1)]
    assert daily.due(Tick(0.0, 0), 86461.0, daily.schedule(0.0), limit=100) == []


def test_the_last_due_time_is_the_one_of_that_number() -> None:
    every = Every(10, missed="all", times=2)
    schedule = every.schedule(0.0)
    assert every.due(Tick(0.0, 0), 100.0, schedule, limit=100) == [Tick(10.0, 1), Tick(20.0, 2)]
    assert every.following(Tick(20.0, 2), 100.0, schedule) == math.inf


def test_a_long_interval_of_absence_is_counted_at_once() -> None:
    interval = Interval(0.1, 0.0)
    assert interval.missed(0.0, 1e9) == 10_000_000_000
