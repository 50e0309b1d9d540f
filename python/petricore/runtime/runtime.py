"""`Runtime`: one event loop that drives all sessions of all agents."""

from __future__ import annotations

import asyncio
import math
import signal
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast
from uuid import uuid4

from petricore.agent.agent import Agent
from petricore.errors import NetError, SessionNotFoundError
from petricore.runtime.clock import Clock, SystemClock
from petricore.runtime.dispatcher import Dispatcher
from petricore.runtime.journal import Journal, MemoryJournal
from petricore.runtime.owner import new_owner
from petricore.runtime.session import Session
from petricore.runtimes.base import Executor
from petricore.runtimes.inline import InlineExecutor
from petricore.runtimes.known import make_executor
from petricore.runtimes.thread import ThreadExecutor
from petricore.texts import check_name, check_text

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from petricore.runtime.journal.durable import Writer
    from petricore.runtime.journal.store import Store
    from petricore.runtime.keeper import Keeper
    from petricore.runtime.telemetry import Telemetry
    from petricore.runtime.versions import Migration

__all__ = ["Runtime"]

_PATIENCE = 1000
"""Commits after which a session is too busy to be looked at between two of them."""


class Runtime:
    """Runs sessions of agents while it is open: `async with Runtime("reviews.db") as runtime: ...`.

    With a durable journal, sessions that an earlier process left behind go on as soon as their agents are known, and
    idle ones leave the memory until something happens to them.

    Args:
        journal: where events go: ":memory:", the path of an SQLite file, "postgresql://...", a `Store`, or an object
            with the `Journal` protocol.
        agents: those whose sessions are resumed. An agent that is started is known too, and so are the agents that
            are module-level names of the program that runs (`__main__`).
        clock: time; a `ManualClock` in tests.
        threads: the most sync actions that run at once (default: processors + 4, at most 32).
        seed: of the jitter between attempts.
        owner: the id of this runtime among those that share a journal (default: a new one).
        lease: seconds after which the sessions of a runtime that gives no sign of life may be taken over.
        idle_after: seconds without an event after which a session that rests leaves the memory.
        max_firings: actions under way at once; what is enabled beyond that stays unclaimed.
        max_interruptions: how often a firing may be under way when its process dies, before it fails.
        snapshot_every: events of a session between two snapshots of it.
        journal_patience: seconds for which a write that failed is tried again, before the runtime gives up.
        writer: runs the journal's writes (default: a thread of its own).
        telemetry: report with OpenTelemetry: True (the global providers), a `TracerProvider` for the spans, or a
            `petricore.runtime.telemetry.Telemetry`. Needs `petricore[otel]`.
        executors: more executors, or others than the usual ones, by name: what makes them, called on the loop.
        secrets: values by name, for the transitions that declare `secrets=[name]`. They are in no event and no log.

    Raises:
        NetError: the journal is of a kind that is not available, or an option is out of range.
    """

    def __init__(
        self,
        journal: str | Path | Journal | Store = ":memory:",
        *,
        agents: Iterable[Agent] = (),
        clock: Clock | None = None,
        threads: int | None = None,
        seed: int | None = None,
        owner: str | None = None,
        lease: float = 30.0,
        idle_after: float = 60.0,
        max_firings: int = 10_000,
        max_interruptions: int = 3,
        snapshot_every: int = 1000,
        journal_patience: float = 10.0,
        writer: Writer | None = None,
        telemetry: Telemetry | TracerProvider | bool = False,
        executors: Mapping[str, Callable[[], Executor]] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        seconds = (
            ("lease", 0.1, lease),
            ("idle_after", 0.0, idle_after),
            ("journal_patience", 0.0, journal_patience),
        )
        for name, least, value in seconds:
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < math.inf:
                raise NetError(f"Runtime: {name} is a number of seconds from {least:g} on, not {value!r}")
        counts = (("max_firings", 1, max_firings), ("snapshot_every", 1, snapshot_every),
                  ("max_interruptions", 0, max_interruptions))  # fmt: skip
        for name, fewest, count in counts:
            if isinstance(count, bool) or not isinstance(count, int) or count < fewest:
                raise NetError(f"Runtime: {name} is a whole number from {fewest} on, not {count!r}")
        if isinstance(agents, Agent):
            raise NetError(f"Runtime: agents is a list of them, not one: [{agents!r}]")
        agents = list(agents)
        for one in agents:
            if not isinstance(one, Agent):
                raise NetError(f"Runtime: agents is a list of Agents, not of {one!r}")
        self.owner = owner or new_owner()
        self.clock: Clock = clock or SystemClock()
        self.random = Random(seed)
        self.executors: dict[str, Executor] = {}
        self.max_interruptions = max_interruptions
        self.dozing = 0
        """Actions under way that wait for an answer until a deadline."""
        self.running = 0
        """Attempts under way, over all sessions."""
        self.crashed: Exception | None = None
        """What broke the runtime itself; whoever waits for a session then gets it raised."""
        self._max_firings = max_firings
        self._starved: set[Dispatcher] = set()
        self._threads = threads
        self._dispatchers: dict[Agent, Dispatcher] = {}
        self._sessions: dict[str, Session] = {}
        self._due: list[Dispatcher] = []
        self._scheduled = False
        self._state = "new"
        self._draining = False
        self._journal, self._store = _opened(journal)
        self._keeper: Keeper | None = None
        self.durable = self._store is not None
        self._keeper_options = {"lease": lease, "idle_after": idle_after}
        self._journal_options = {
            "snapshot_every": snapshot_every,
            "patience": journal_patience,
            "writer": writer,
        }
        self._agents = agents
        self._makers = dict(executors or {})
        self.secrets = dict(secrets or {})
        self.telemetry = _reporting(telemetry)
        """What reports spans and metrics."""
        if self.telemetry is not None:
            self.telemetry.attach(self)

    async def __aenter__(self) -> Self:
        if self._state != "new":
            raise RuntimeError(f"this Runtime is {self._state}; make another one")
        self._state = "open"
        self._loop = asyncio.get_running_loop()
        self._inline = InlineExecutor(self._turns)
        self.executors = {"inline": self._inline, "thread": ThreadExecutor(self._threads)}
        for name, make in self._makers.items():
            self.executors[name] = make()
        self.clock.attach(self._busy)
        if self._store is not None:
            from petricore.runtime.keeper import Keeper

            self._keeper = Keeper(
                self, self._store, self._agents, self._journal_options, **self._keeper_options
            )
            if self.telemetry is not None:
                self._keeper.journal.on_commit = self.telemetry.committed
            await self._keeper.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._state == "closed":
            return
        self._state = "closed"
        for dispatcher in self._dispatchers.values():
            dispatcher.shut()
        for executor in self.executors.values():
            await executor.drain()
        for session in self._sessions.values():
            session.end_readers()
        self.clock.detach(self._busy)
        if self.telemetry is not None:
            self.telemetry.detach()
        if self._keeper is not None:
            await self._keeper.end()
        else:
            await self._journal.close()

    # -- sessions

    async def start(self, agent: Agent, session_id: str | None = None, user: str | None = None) -> Session:
        """Open a session of `agent`, with an id of its own unless one is given. Users of an agent are served in turn.

        Raises:
            NetError: the session exists; the agent cannot be compiled.
            RuntimeError: the runtime is not open, or draining.
        """
        check_text("user", user)
        session = self.open(agent, uuid4().hex if session_id is None else session_id, user)
        session.begin(user, session.dispatcher.version)
        await session.committed()
        return session

    def open(self, agent: Agent, session_id: str, user: str | None = None) -> Session:
        """A session without its first event. For the runtime's own parts."""
        check_name("a session's id", session_id)
        if self._draining:
            raise RuntimeError("this Runtime is draining, and starts nothing more")
        if self._state != "open":
            raise RuntimeError(f"this Runtime is {self._state}; use it in `async with`")
        return self.open_as(self.dispatcher(agent), session_id, user)

    def open_as(
        self,
        dispatcher: Dispatcher,
        session_id: str,
        user: str | None,
        forked_from: tuple[str, int] | None = None,
    ) -> Session:
        """An empty session of a dispatcher. For the runtime's own parts."""
        if session_id in self._sessions:
            raise NetError(f"session {session_id!r} exists already")
        if self._keeper is not None:
            session = self._keeper.create(dispatcher, session_id, user, forked_from)
        else:
            log = self._journal.create(session_id)
            session = Session(dispatcher, session_id, log, self.clock, user)
        dispatcher.empty(session)
        self._sessions[session_id] = session
        dispatcher.touch(session)
        return session

    def sessions(self) -> list[str]:
        """The ids of all sessions in the journal, oldest first."""
        return list(self._journal.sessions() if self._store is None else self._store.ids())

    async def resume(self, session_id: str) -> Session:
        """The session of that id, taken up from the journal if it is not in memory.

        Raises:
            SessionNotFoundError: a `KeyError`; there is no such session.
            SessionLostError: another runtime that is alive has it.
            VersionError: it runs another version of its agent, whose code is not here.
            NetError: its agent is not known here.
            JournalCorruptError: its record is damaged.
        """
        try:
            check_name("a session's id", session_id)
        except NetError as error:
            raise SessionNotFoundError(f"no session {session_id!r}: {error}", session_id=session_id) from None
        session = self._sessions.get(session_id)
        if session is not None:
            return session
        if self._keeper is None:
            raise SessionNotFoundError(f"no session {session_id!r}", session_id=session_id)
        await self._keeper.settled(session_id)
        return self._sessions.get(session_id) or self._keeper.take_up(session_id)

    async def migrate(self, session_id: str, migration: Migration) -> Session:
        """Let a session go on with another version of its agent; nothing is changed if that cannot be done.

        Firings under way are released and claimed anew by the new rules, tokens go where `migration` says. A session
        that runs that version already is only taken up. `petricore.runtime.compatibility` says beforehand what would
        happen.

        Raises:
            SessionNotFoundError: there is no such session.
            SessionLostError: another runtime that is alive has it.
            NetError: the migration names what the old version does not have; a token has no place in the new one;
                something is under way that must not be made twice; the
                session has ended; tokens would lose the list they are gathered in.
            TokenTypeError: a value is not of the new type, and is not converted.
        """
        from petricore.runtime.migrate import (
            check_migration,
            check_names,
            migrate_resident,
            migrate_stored,
            plain_events,
        )

        target = self.dispatcher(migration.agent)
        session = self._sessions.get(session_id)
        if session is None and self._keeper is not None:
            await self._keeper.settled(session_id)
            session = self._sessions.get(session_id)
        if session is None:
            if self._keeper is None:
                raise SessionNotFoundError(f"no session {session_id!r}", session_id=session_id)
            row, events = self._keeper.stored(session_id)
            if row.version == target.version:
                return await self.resume(session_id)
            check_names(self._keeper.description(row.version), migration)
            check_migration(self, session_id, events, migration)
            session, row = self._keeper.take_over(session_id, target)
            row, events = self._keeper.stored(session_id)
            migrate_stored(self, session, events, migration, row.version)
        elif session.dispatcher.version != target.version:
            check_names(session.dispatcher.description, migration)
            for _ in range(_PATIENCE):
                await session.committed()
                if session.log.durable == len(session.log):
                    break
            else:
                raise NetError(f"session {session_id!r} is too busy to be migrated; let it come to rest")
            if self._keeper is not None:
                _, events = self._keeper.stored(session_id)
            else:
                events = plain_events(session.log.read(), session.dispatcher.plan)
            check_migration(self, session_id, events, migration)
            migrate_resident(self, session, events, migration)
        await session.committed()
        return session

    def rewrite(self, session: Session, dispatcher: Dispatcher) -> None:
        """The session's next events are of another version of its agent."""
        if self._keeper is not None:
            self._keeper.rewrite(session, dispatcher)

    def unpark(self, session: Session) -> None:
        """Bring a session back into the memory, as the same object."""
        assert self._keeper is not None
        self._keeper.take_up(session.id)

    def in_memory(self) -> list[Session]:
        """The sessions that are in memory."""
        return list(self._sessions.values())

    def enlist(self, session: Session) -> None:
        """A session is in memory."""
        self._sessions[session.id] = session

    def dismiss(self, session: Session) -> None:
        """A session is in memory no more."""
        if self._sessions.get(session.id) is session:
            del self._sessions[session.id]
            if self.telemetry is not None:
                self.telemetry.forget(session.id)

    def executor(self, name: str) -> Executor:
        """The executor of that name, made when it is first asked for. Raises `NetError` if there is none."""
        if name not in self.executors:
            self.executors[name] = make_executor(name)
        return self.executors[name]

    def dispatcher(self, agent: Agent) -> Dispatcher:
        """What drives the sessions of an agent."""
        dispatcher = self._dispatchers.get(agent)
        if dispatcher is None:
            dispatcher = self._dispatchers[agent] = Dispatcher(self, agent.name, agent.plan())
            if self._keeper is not None:
                self._keeper.learn(agent)
        return dispatcher

    # -- ending

    async def drain(self, timeout: float | None = None) -> bool:
        """Claim nothing more, wait until the actions under way have ended (at most `timeout` seconds), and write
        everything. Returns whether all had ended; those that had not begin anew where the sessions are resumed."""
        self._draining = True
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True

        timer = None if timeout is None else self.clock.call_later(timeout, expire)
        while self.running and not expired and self.crashed is None:
            await self.clock.sleep(0.01)
        if timer is not None:
            timer.cancel()
        if self._keeper is not None:
            await self._keeper.journal.flushed()
        return self.running == 0

    async def serve(self, grace: float = 30.0) -> None:
        """Run until SIGTERM or SIGINT, then drain for at most `grace` seconds."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, stop.set)
        try:
            await stop.wait()
            await self.drain(grace)
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                with suppress(ValueError):
                    self._loop.remove_signal_handler(number)

    @property
    def draining(self) -> bool:
        """Whether it claims nothing more."""
        return self._draining

    # -- turns: what the dispatchers and executors call

    def schedule(self, dispatcher: Dispatcher) -> None:
        """Give the dispatcher a turn: when the inline executor runs empty, or in the loop's next pass."""
        self._due.append(dispatcher)
        if not (self._scheduled or self._inline.active):
            self._scheduled = True
            self._loop.call_soon(self._turns)

    def room(self, dispatcher: Dispatcher) -> int:
        """How many firings more may be under way. Without room, the dispatcher is woken when there is."""
        if self._draining:
            return 0
        room = self._max_firings - self.running
        if room <= 0:
            self._starved.add(dispatcher)
        return room

    @property
    def store(self) -> Store | None:
        """Where a durable journal is kept."""
        return self._store

    @property
    def starved(self) -> bool:
        """Whether something enabled waits for room."""
        return bool(self._starved)

    def ended(self) -> None:
        """An attempt has ended."""
        self.running -= 1
        if self._starved and not self._draining:
            starved, self._starved = self._starved, set()
            for dispatcher in starved:
                dispatcher.wake()

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
        writing = 0 if self._keeper is None else self._keeper.journal.pending
        load = sum(executor.load for executor in self.executors.values())
        return len(self._due) + writing + load - self.dozing

    def __repr__(self) -> str:
        return f"<Runtime {self._state}: {len(self._sessions)} sessions in memory>"


def _reporting(telemetry: Telemetry | TracerProvider | bool) -> Telemetry | None:
    if telemetry is False:
        return None
    try:
        from petricore.runtime.telemetry import Telemetry
    except ModuleNotFoundError as error:
        raise NetError(
            f"Runtime: telemetry needs the module {error.name!r}: pip install 'petricore[otel]'"
        ) from error
    if telemetry is True:
        return Telemetry()
    if isinstance(telemetry, Telemetry):
        return telemetry
    if not hasattr(telemetry, "get_tracer"):
        raise NetError(f"Runtime: telemetry is True, a TracerProvider or a Telemetry, not {telemetry!r}")
    return Telemetry(telemetry)


def _opened(journal: str | Path | Journal | Store) -> tuple[Journal, Store | None]:
    if isinstance(journal, Path) or (isinstance(journal, str) and journal != ":memory:"):
        from petricore.runtime.journal.open import open_store

        return MemoryJournal(), open_store(str(journal))
    if isinstance(journal, str):
        return MemoryJournal(), None
    if hasattr(journal, "write"):
        return MemoryJournal(), cast("Store", journal)
    return journal, None
