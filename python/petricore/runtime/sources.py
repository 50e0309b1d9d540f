"""The sources of a session: the timers that put a tick for each due time of a transition with `every`.

What a source goes on from is in the journal: when the session began, and the last tick that was put. So whoever takes
the session up computes which due times have passed meanwhile, and the source's policy says what becomes of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from petricore.agent.schedule import Every, Schedule, Tick

if TYPE_CHECKING:
    from petricore.runtime.clock import Timer
    from petricore.runtime.events import Token
    from petricore.runtime.session import Session

__all__ = ["Sources"]

_AT_ONCE = 1000
"""Ticks put in one event; the loop runs before the next."""

_LONGEST_WAIT = 3600.0
"""Seconds after which a timer looks at the clock again: the system's may have been set."""


class _Source:
    __slots__ = ("due", "every", "last", "name", "number", "place", "schedule", "timer")

    def __init__(self, name: str, number: int, place: str, every: Every, begun: float) -> None:
        self.name = name
        self.number = number
        self.place = place
        self.every = every
        self.schedule: Schedule = every.schedule(begun)
        self.last = Tick(begun, 0)
        self.due = math.inf
        self.timer: Timer | None = None


class Sources:
    """All sources of one session. On the loop's thread."""

    def __init__(self, session: Session, begun: float) -> None:
        plan = session.dispatcher.plan
        self._session = session
        self._clock = session.dispatcher.runtime.clock
        self.begun = begun
        self._sources = [
            _Source(one.spec.name, one.tick_place, plan.names[one.tick_place], one.spec.options.every, begun)
            for one in plan.transitions
            if one.tick_place is not None and one.spec.options.every is not None
        ]
        self._by_place = {one.place: one for one in self._sources}

    def notice(self, tokens: Iterable[Token]) -> None:
        """Tokens were put, as the journal tells: go on from the ticks among them."""
        for token in tokens:
            source = self._by_place.get(token.place)
            if source is not None and token.value.number > source.last.number:
                source.last = token.value

    def start(self) -> None:
        """Obey the due times that have passed, and set the timers."""
        for source in self._sources:
            self._obey(source)

    def stop(self) -> None:
        """Put no tick any more."""
        for source in self._sources:
            source.due = math.inf
            if source.timer is not None:
                source.timer.cancel()
                source.timer = None

    @property
    def wake(self) -> float | None:
        """The next due time, in seconds since the epoch."""
        due = min((source.due for source in self._sources), default=math.inf)
        return None if due == math.inf else due

    def _obey(self, source: _Source) -> None:
        session = self._session
        source.timer = None
        if session.closed or session.parked or session.dispatcher.stopped:
            return
        now = self._clock.time()
        ticks = source.every.due(source.last, now, source.schedule, limit=_AT_ONCE)
        if ticks:
            source.last = ticks[-1]
            session.dispatcher.put(session, [source.number] * len(ticks), list(ticks), f"every:{source.name}")
        source.due = source.every.following(source.last, now, source.schedule)
        if source.due < math.inf:
            delay = min(max(source.due - now, 0.0), _LONGEST_WAIT)
            source.timer = self._clock.call_later(delay, partial(self._ring, source))
        else:
            session.dispatcher.touch(session)

    def _ring(self, source: _Source) -> None:
        try:
            self._obey(source)
        except Exception as broken:
            self._session.dispatcher.runtime.crash(broken)

    # -- snapshots

    def save(self) -> dict[str, Any]:
        """What a snapshot keeps."""
        return {
            "begun": self.begun,
            "last": {one.place: [one.last.due, one.last.number] for one in self._sources},
        }

    def load(self, saved: dict[str, list[Any]]) -> None:
        """Go on from the last ticks that a snapshot keeps."""
        for place, (due, number) in saved.items():
            if place in self._by_place:
                self._by_place[place].last = Tick(due, number)
