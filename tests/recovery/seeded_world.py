"""The whole runtime under one seeded scheduler: loop, clock, journal, people and crashes.

A `SeededLoop` runs the callbacks that are ready in an order drawn from its seed, so every interleaving that a program
must not depend on is drawn sooner or later, and a seed that fails fails again. Nothing sleeps: the clock jumps. The
journal's writes happen some passes later; they fail, or happen and say they failed. A crash stops the loop between any
two callbacks, and the next life begins from what the store holds.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from random import Random
from typing import Any

from petricore.errors import JournalError
from petricore.runtime.journal.memory_store import MemoryStore
from petricore.runtime.journal.store import Batch, Refusal

__all__ = ["Crashed", "FaultyStore", "SeededLoop", "Writes", "live"]


class Crashed(BaseException):
    """The process is gone."""


class SeededLoop(asyncio.SelectorEventLoop):
    """An event loop whose ready callbacks run in a drawn order, one a pass, until a drawn pass crashes it."""

    def __init__(self, random: Random, crash_after: int | None) -> None:
        super().__init__()
        self._random = random
        self.crash_after = crash_after
        self.passes = 0

    def _run_once(self) -> None:
        ready: Any = self._ready  # type: ignore[attr-defined]
        self.passes += 1
        if self.crash_after is not None and self.passes > self.crash_after:
            self.crash_after = None
            raise Crashed
        if len(ready) > 1:
            ready.rotate(-self._random.randrange(len(ready)))
            later = [ready.pop() for _ in range(len(ready) - 1)]
            super()._run_once()  # type: ignore[misc]
            ready.extend(reversed(later))
        else:
            super()._run_once()  # type: ignore[misc]


class FaultyStore:
    """A store whose writes fail as drawn, and which a dead process cannot reach."""

    def __init__(self, store: MemoryStore, random: Random, fault_rate: float) -> None:
        self._store = store
        self._random = random
        self._fault_rate = fault_rate
        self.dead = False

    def write(self, batch: Batch) -> dict[str, Refusal]:
        """Write, or fail before or after it."""
        if self.dead:
            raise JournalError("this process is gone", unsure=True)
        draw = self._random.random()
        if draw < self._fault_rate / 2:
            raise JournalError("drawn: nothing was written", unsure=False)
        refusals = self._store.write(batch)
        if draw < self._fault_rate:
            raise JournalError("drawn: the connection broke after the commit", unsure=True)
        return refusals

    def retire(self, owner: str) -> None:
        """Only a living process says goodbye."""
        if not self.dead:
            self._store.retire(owner)

    def close(self) -> None:
        """The store outlives the process."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Writes:
    """The journal's writer: each call happens some passes of the loop later, in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop, random: Random) -> None:
        self._loop = loop
        self._random = random
        self._queue: list[tuple[Callable[[], Any], Future[Any]]] = []
        self._waiting = False

    def __call__(self, work: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self._queue.append((work, future))
        if not self._waiting:
            self._waiting = True
            self._loop.call_soon(self._pass, self._random.randrange(3))
        return future

    def _pass(self, left: int) -> None:
        if left:
            self._loop.call_soon(self._pass, left - 1)
            return
        work, future = self._queue.pop(0)
        self._waiting = bool(self._queue)
        if self._waiting:
            self._loop.call_soon(self._pass, self._random.randrange(3))
        try:
            result = work()
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(result)


def live(
    life: Callable[[asyncio.AbstractEventLoop], Coroutine[Any, Any, None]],
    random: Random,
    crash_after: int | None,
    on_crash: Callable[[], None],
) -> bool:
    """Live one life of the process. Returns whether it came to its end, and was not crashed before."""
    loop = SeededLoop(random, crash_after)
    try:
        loop.run_until_complete(life(loop))
        return True
    except Crashed:
        on_crash()
        return False
    finally:
        _bury(loop)
        loop.close()


def _bury(loop: SeededLoop) -> None:
    """End what a dead process left in this one, without a word: its store is out of reach."""
    loop.crash_after = None
    loop.set_exception_handler(lambda _loop, _context: None)
    cancelled: set[asyncio.Task[Any]] = set()
    for _ in range(50):
        for task in asyncio.all_tasks(loop) - cancelled:  # the dying may begin new ones
            task.cancel()
            cancelled.add(task)
        loop.call_soon(loop.stop)
        loop.run_forever()
    for task in asyncio.all_tasks(loop) | cancelled:
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        coroutine = task.get_coro()
        if inspect.iscoroutine(coroutine) and inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
            coroutine.close()  # it never began, and need not be awaited
