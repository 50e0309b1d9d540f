"""When a session has come to rest, and who waits for that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from petricore.runtime.events import Quiescent

if TYPE_CHECKING:
    from petricore.runtime.clock import Clock
    from petricore.runtime.session import Session

__all__ = ["Rest", "wake"]


class Rest:
    """The rest of one session."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for it."""
        return bool(self._waiters)

    def wake(self) -> None:
        """Let whoever waits look again."""
        wake(self._waiters)

    async def until(self, reached: Callable[[], bool], timeout: float | None) -> None:
        """Return when `reached` holds or the session is closed, and what led there is durable.

        Raises:
            TimeoutError: after `timeout` seconds.
            BaseException: what broke the session from outside of it.
        """
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True
            self.wake()

        session = self._session
        timer = None if timeout is None else self._clock.call_later(timeout, expire)
        try:
            if not session.resting:
                session.dispatcher.touch(session)
            while not (session.closed or reached()):
                if session.broken is not None:
                    break
                if expired:
                    raise TimeoutError(self.missing(timeout))
                await session.next(self._waiters)
            if session.broken is not None:
                error, session.broken = session.broken, None
                raise error
            if not session.closed:
                await session.committed()
        finally:
            if timer is not None:
                timer.cancel()

    def missing(self, timeout: float | None) -> str:
        """Why a wait of `timeout` seconds was too short."""
        session = self._session
        running = ", ".join(sorted({one.transition for one in session.firings.values()}))
        if not running and session.dispatcher.runtime.draining:
            running = "nothing, the runtime is draining and claims no more"
        elif not running:
            running = "nothing, a source is still to fire" if session.sources is not None else "nothing"
        return f"session {session.id!r} is not at rest after {timeout or 0:g} s; under way: {running}"

    def check(self) -> None:
        """Look whether the session has come to rest."""
        session = self._session
        if session.closed or session.resting or len(session.firings) > session.asking or self._moves():
            return
        dispatcher = session.dispatcher
        waits = dispatcher.refills or dispatcher.runtime.starved or not session.firings
        if waits and dispatcher.fleet.enabled(session.number).size:
            return
        if session.asking == 0:
            session.append(Quiescent)
        session.resting = True
        session.log.after_commit(self.wake)

    def _moves(self) -> bool:
        """Whether it moves on by itself though all its firings ask: by a source, a deadline, or a cancellation."""
        session = self._session
        sources = session.sources is not None and session.sources.wake is not None
        return bool(session.deadlines or session.stopping or sources)


def wake(waiters: list[asyncio.Future[None]]) -> None:
    """Wake all of them, once."""
    for woken in waiters:
        if not woken.done():
            woken.set_result(None)
    waiters.clear()
