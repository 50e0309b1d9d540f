"""Clocks: the system's, and a manual twin with which no test sleeps."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from itertools import count
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock", "Timer"]


_PATIENCE = 3
"""Passes of the loop that must find all asleep before an autojump."""


class Timer(Protocol):
    """A callback that waits for its time."""

    def cancel(self) -> None:
        """Never call it. Without effect when it was called already."""


class Clock(Protocol):
    """What the runtime knows of time. Used on the event loop's thread only."""

    def time(self) -> float:
        """Seconds since the epoch: the time of events."""

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` on the running loop after `delay` seconds."""

    async def sleep(self, delay: float) -> None:
        """Wait `delay` seconds."""

    def attach(self, busy: Callable[[], int]) -> None:
        """A runtime tells how to ask it for the number of actions under way (and turns due)."""

    def idle(self) -> None:
        """A runtime has nothing to start at this moment."""

    def detach(self, busy: Callable[[], int]) -> None:
        """That runtime has ended."""


class SystemClock:
    """The time of the operating system and the event loop."""

    time = staticmethod(time.time)

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` on the running loop after `delay` seconds."""
        return asyncio.get_running_loop().call_later(delay, callback)

    async def sleep(self, delay: float) -> None:
        """Wait `delay` seconds."""
        await asyncio.sleep(delay)

    def attach(self, busy: Callable[[], int]) -> None:
        """Nothing to do: this clock moves by itself."""

    def idle(self) -> None:
        """Nothing to do."""

    def detach(self, busy: Callable[[], int]) -> None:
        """Nothing to do."""


class _ManualTimer:
    __slots__ = ("callback", "due", "number")

    def __init__(self, due: float, number: int, callback: Callable[[], object]) -> None:
        self.due = due
        self.number = number
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None

    def __lt__(self, other: _ManualTimer) -> bool:
        return (self.due, self.number) < (other.due, other.number)


class ManualClock:
    """A clock that stands still until it is told to move.

    With `autojump` it moves to the next timer by itself whenever all the actions of the runtimes on it are
    asleep on it (or there are none). What else a program waits for (its own tasks, sockets) is not seen.
    """

    def __init__(self, start: float = 0.0, *, autojump: bool = False) -> None:
        self._now = start
        self._timers: list[_ManualTimer] = []
        self._numbers = count()
        self._busy: list[Callable[[], int]] = []
        self._sleepers = 0
        self._autojump = autojump
        self._patience = 0

    def time(self) -> float:
        """The seconds the clock shows."""
        return self._now

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` when the clock has moved on by `delay` seconds."""
        timer = _ManualTimer(self._now + max(delay, 0.0), next(self._numbers), callback)
        heapq.heappush(self._timers, timer)
        self._consider()
        return timer

    async def sleep(self, delay: float) -> None:
        """Wait until the clock has moved on by `delay` seconds."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self.call_later(delay, lambda: None if woken.done() else woken.set_result(None))
        self._sleepers += 1
        try:
            await woken
        finally:
            self._sleepers -= 1
            timer.cancel()

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`, and call on the way, in order, what falls due (also what that adds)."""
        if seconds < 0:
            raise ValueError(f"a clock does not go back: advance({seconds})")
        until = self._now + seconds
        while (timer := self._next()) is not None and timer.due <= until:
            self._fire(timer)
        self._now = until

    def attach(self, busy: Callable[[], int]) -> None:
        """Take the runtime's actions into account before a jump."""
        self._busy.append(busy)

    def idle(self) -> None:
        """Consider a jump."""
        self._consider()

    def detach(self, busy: Callable[[], int]) -> None:
        """Forget that runtime."""
        self._busy.remove(busy)

    def _next(self) -> _ManualTimer | None:
        while self._timers and self._timers[0].callback is None:
            heapq.heappop(self._timers)
        return self._timers[0] if self._timers else None

    def _fire(self, timer: _ManualTimer) -> None:
        heapq.heappop(self._timers)
        self._now = max(self._now, timer.due)
        callback, timer.callback = timer.callback, None
        if callback is not None:
            callback()

    def _consider(self) -> None:
        """Look, some passes of the loop from now, whether all is asleep."""
        if self._autojump and self._patience == 0 and self._timers:
            self._patience = _PATIENCE
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        timer = self._next()
        if timer is None or sum(busy() for busy in self._busy) > self._sleepers:
            self._patience = 0  # whoever is busy will come to rest, and then considers again
            return
        self._patience -= 1
        if self._patience:
            asyncio.get_running_loop().call_soon(self._look)
        else:
            self._fire(timer)
            self._consider()
