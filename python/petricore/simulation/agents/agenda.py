"""What is to happen, in order of time and then of age, and the time it is."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

__all__ = ["Agenda", "Call"]

Call = Callable[[Any], None]


class Agenda:
    """Calls that are due. `now` is the time of the one made last, in seconds of the model."""

    def __init__(self) -> None:
        self.now = 0.0
        self.turn = 0
        """How many calls were made."""
        self._heap: list[tuple[float, int, Call, Any]] = []
        self._ages = count()

    def at(self, due: float, call: Call, what: Any) -> None:
        """Call `call(what)` when it is `due`."""
        heapq.heappush(self._heap, (due, next(self._ages), call, what))

    def after(self, delay: float, call: Call, what: Any) -> None:
        """Call `call(what)` in `delay` seconds."""
        self.at(self.now + delay, call, what)

    def next(self, until: float) -> bool:
        """Make the next call; False when there is none up to `until`."""
        if not self._heap or self._heap[0][0] > until:
            return False
        self.now, _, call, what = heapq.heappop(self._heap)
        self.turn += 1
        call(what)
        return True

    def next_alike(self, call: Call) -> bool:
        """Make the next call if it is one of `call`, due now."""
        if not self._heap or self._heap[0][0] != self.now or self._heap[0][2] != call:
            return False
        call(heapq.heappop(self._heap)[3])
        return True
