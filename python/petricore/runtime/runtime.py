"""`Runtime`: one event loop that drives all sessions of all agents."""

from __future__ import annotations

import asyncio
from random import Random
from types import TracebackType
from typing import Self
from uuid import uuid4

from petricore.agent.agent import Agent
from petricore.errors import NetError, SessionNotFoundError
from petricore.runtime.clock import Clock, SystemClock
from petricore.runtime.dispatcher import Dispatcher
from petricore.runtime.journal import Journal, MemoryJournal
from petricore.runtime.session import Session
from petricore.runtimes.base import Executor
from petricore.runtimes.inline import InlineExecutor
from petricore.runtimes.thread import ThreadExecutor

__all__ = ["Runtime"]


class Runtime:
    """Runs sessions of agents while it is open: `async with Runtime() as runtime: ...`.

    Args:
        journal: where events go: ":memory:", or an object with the `Journal` protocol.
        clock: time; a `ManualClock` in tests.
        threads: the most sync actions that run at once (default: processors + 4, at most 32).
        seed: of the jitter between attempts.

    Raises:
        NetError: the journal is of a kind that is not available.
    """

    def __init__(
        self,
        journal: str | Journal = ":memory:",
        *,
        clock: Clock | None = None,
        threads: int | None = None,
        seed: int | None = None,
    ) -> None:
        if isinstance(journal, str):
            if journal != ":memory:":
                raise NetError(
                    f"journal {journal!r} is not available; there is ':memory:', or an object of your own"
                )
            journal = MemoryJournal()
        self.journal: Journal = journal
        self.clock: Clock = clock or SystemClock()
        self.random = Random(seed)
        self.executors: dict[str, Executor] = {}
        self._threads = threads
        self._dispatchers: dict[Agent, Dispatcher] = {}
        self._sessions: dict[str, Session] = {}
        self._due: list[Dispatcher] = []
        self._scheduled = False
        self._state = "new"
        self.crashed: Exception | None = None
        """What broke the runtime itself; whoever waits for a session then gets it raised."""

    async def __aenter__(self) -> Self:
        if self._state != "new":
            raise RuntimeError(f"this Runtime is {self._state}; make another one")
        self._state = "open"
        self._loop = asyncio.get_running_loop()
        self._inline = InlineExecutor(self._turns)
        self.executors = {"inline": self._inline, "thread": ThreadExecutor(self._threads)}
        self.clock.attach(self._busy)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._state = "closed"
        for dispatcher in self._dispatchers.values():
            dispatcher.shut()
        for executor in self.executors.values():
            await executor.drain()
        for session in self._sessions.values():
            session.end_readers()
        self.clock.detach(self._busy)
        await self.journal.close()

    async def start(self, agent: Agent, session_id: str | None = None, user: str | None = None) -> Session:
        """Open a session of `agent`, with an id of its own unless one is given.

        Raises:
            NetError: the session exists; the agent cannot be compiled.
            RuntimeError: the runtime is not open.
        """
        if self._state != "open":
            raise RuntimeError(f"this Runtime is {self._state}; use it in `async with`")
        dispatcher = self._dispatcher(agent)
        session_id = session_id or uuid4().hex
        log = self.journal.create(session_id)
        number = int(dispatcher.fleet.open(1)[0])
        session = Session(dispatcher, number, session_id, log, self.clock, user)
        dispatcher.sessions[number] = self._sessions[session_id] = session
        dispatcher.touch(session)
        return session

    def sessions(self) -> list[str]:
        """The ids of all sessions in the journal, oldest first."""
        return list(self.journal.sessions())

    async def resume(self, session_id: str) -> Session:
        """The session of that id. Raises `SessionNotFoundError`, a `KeyError`."""
        try:
            return self._sessions[session_id]
        except KeyError:
            raise SessionNotFoundError(f"no session {session_id!r}", session_id=session_id) from None

    def _dispatcher(self, agent: Agent) -> Dispatcher:
        dispatcher = self._dispatchers.get(agent)
        if dispatcher is None:
            dispatcher = self._dispatchers[agent] = Dispatcher(self, agent.name, agent.plan())
        return dispatcher

    # -- turns: what the dispatchers and executors call

    def schedule(self, dispatcher: Dispatcher) -> None:
        """Give the dispatcher a turn: when the inline executor runs empty, or in the loop's next pass."""
        self._due.append(dispatcher)
        if not (self._scheduled or self._inline.active):
            self._scheduled = True
            self._loop.call_soon(self._turns)

    def _turns(self) -> None:
        self._scheduled = False
        due, self._due = self._due, []
        for dispatcher in due:
            try:
                dispatcher.turn()
            except Exception as broken:
                self.crash(broken)
        if self._due and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._turns)
        self.clock.idle()

    def crash(self, error: Exception) -> None:
        """Stop: the runtime itself (its journal, a listener) failed, so what it holds may not be what is journaled."""
        if self.crashed is None:
            self.crashed = error
        for dispatcher in self._dispatchers.values():
            dispatcher.shut()
        for session in self._sessions.values():
            session.wake_all()

    def _busy(self) -> int:
        return len(self._due) + sum(executor.load for executor in self.executors.values())

    def __repr__(self) -> str:
        return f"<Runtime {self._state}: {len(self._sessions)} sessions>"
