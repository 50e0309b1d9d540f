"""How long a session took, read off its events."""

from __future__ import annotations

from petricore.runtime.events import Approved, Ended, Event, Waiting

__all__ = ["Stopwatch"]


class Stopwatch:
    """`elapsed` counts from the first event to the last, less the time that people took to decide."""

    def __init__(self) -> None:
        self._asked: dict[str, float] = {}
        self._waited = 0.0
        self._first = 0.0
        self._last = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds so far."""
        return self._last - self._first - self._waited

    def notice(self, event: Event) -> None:
        """Take the next event into account."""
        self._first = self._first or event.time
        self._last = event.time
        match event:
            case Waiting(firing_id=firing):
                self._asked[firing] = event.time
            case Approved(firing_id=firing) | Ended(firing_id=firing):
                self._waited += event.time - self._asked.pop(firing, event.time)
