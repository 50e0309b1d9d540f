"""The keeper: what ties a runtime to a durable journal.

It takes sessions up from the store (those that were live when a process died, those whose timer is due, those that
are asked for), puts idle ones away, and renews the lease on which the runtime owns them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from petricore.agent.agent import Agent
from petricore.agent.compile import Plan
from petricore.errors import (
    JournalCorruptError,
    JournalError,
    NetError,
    SessionLostError,
    SessionNotFoundError,
    VersionError,
)
from petricore.runtime.inbox import Inbox
from petricore.runtime.journal.durable import DurableJournal, DurableLog
from petricore.runtime.journal.schema import EventCodec
from petricore.runtime.journal.store import Batch, Change, Header, Row, Store
from petricore.runtime.logs import logger
from petricore.runtime.owner import is_dead
from petricore.runtime.restore import restore_session
from petricore.runtime.session import Session

if TYPE_CHECKING:
    from petricore.runtime.clock import Timer
    from petricore.runtime.dispatcher import Dispatcher
    from petricore.runtime.events import Event
    from petricore.runtime.runtime import Runtime

__all__ = ["Keeper"]


def _kept(nothing: None) -> None:
    """A version's description is kept."""


_PATIENCE = 1.0
"""Seconds until a journal that could not be read is read again."""

_POLL = 0.5
"""Seconds between two looks for decisions, where the store cannot tell of them."""

_BATCH = 256
"""Sessions taken up in one go; the loop runs in between."""


class Keeper:
    """One for each runtime with a durable journal. All methods on the loop's thread."""

    def __init__(
        self,
        runtime: Runtime,
        store: Store,
        agents: Iterable[Agent],
        journal_options: dict[str, Any],
        *,
        lease: float,
        idle_after: float,
    ) -> None:
        self.runtime = runtime
        self.store = store
        self.clock = runtime.clock
        self.journal = DurableJournal(store, runtime.owner, runtime.clock, **journal_options)
        self.journal.on_broken = runtime.crash
        self.damaged: dict[str, Exception] = {}
        """Sessions that could not be taken up, and why. They are left alone."""
        self._lease = lease
        self._idle_after = idle_after
        self._agents: dict[str, list[Agent]] = {}
        """By name: versions of one agent may be known side by side, the first given first."""
        self._leaving: dict[str, asyncio.Future[None]] = {}
        self._timers: set[Timer] = set()
        self._wake_timer: Timer | None = None
        self._known: WeakValueDictionary[str, Session] = WeakValueDictionary()
        """Session objects that are in use, parked ones too."""
        self._given = list(agents)
        self._ended = False
        self._inbox = Inbox(runtime, store)
        self._reading: asyncio.Future[None] | None = None
        self._foreign = False
        """Sessions of versions that are not known here were seen."""

    async def begin(self) -> None:
        """Own a lease, and take up what a runtime that is gone has left."""
        for agent in [*self._main_agents(), *self._given]:
            self.learn(agent)
        for owner in [self.runtime.owner, *self.store.owners()]:
            if owner == self.runtime.owner or is_dead(owner):
                self.store.retire(owner)  # at once, not only when its lease has run out
        self.store.renew(self.runtime.owner, self.clock.time() + self._lease)
        self._every(self._lease / 3, self._renew)
        self._every(max(self._idle_after / 2, 0.05), self._sweep)
        listen = getattr(self.store, "listen", None)
        if listen is None:
            self._every(_POLL, self._read_inbox)
        else:  # told at once; looked at now and then for what a broken connection missed
            loop = asyncio.get_running_loop()
            listen(lambda _: loop.call_soon_threadsafe(self._read_inbox))
            self._every(self._lease / 3, self._read_inbox)
        await self._take_up_due()

    def _read_inbox(self) -> None:
        """Make what decisions other processes have left, unless that is under way."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._try_inbox())

    async def _try_inbox(self) -> None:
        try:
            await self._inbox.look()
        except JournalError as error:
            logger.warning("the journal cannot be asked for decisions: %s", error)

    async def end(self) -> None:
        """Write what is left and give everything up."""
        self._ended = True
        for timer in self._timers:
            timer.cancel()
        if self._wake_timer is not None:
            self._wake_timer.cancel()
        await self.journal.close()

    def learn(self, agent: Agent) -> None:
        """Sessions of this agent can be taken up."""
        versions = self._agents.setdefault(agent.name, [])
        if agent not in versions:
            versions.append(agent)

    @staticmethod
    def _main_agents() -> list[Agent]:
        main = sys.modules.get("__main__")
        return [value for value in vars(main).values() if isinstance(value, Agent)] if main else []

    def create(
        self,
        dispatcher: Dispatcher,
        session_id: str,
        user: str | None,
        forked_from: tuple[str, int] | None = None,
    ) -> Session:
        """A session whose first commit creates it."""
        now = self.clock.time()
        header = Header(session_id, dispatcher.agent, dispatcher.version, user, now, forked_from)
        return self._session(dispatcher, self.journal.create(header, self._codec(dispatcher)), user)

    def _codec(self, dispatcher: Dispatcher) -> EventCodec:
        codec = dispatcher.codec
        if codec is None:
            codec = dispatcher.codec = EventCodec(dispatcher.plan)
            description = json.dumps(dispatcher.description)
            self.journal.call(partial(self.store.keep_net, dispatcher.version, description), _kept)
        return codec

    def _session(self, dispatcher: Dispatcher, log: DurableLog, user: str | None) -> Session:
        session = Session(dispatcher, log.session_id, log, self.clock, user)
        log.session = self._known[session.id] = session
        return session

    # -- taking up

    def take_up(self, session_id: str) -> Session:
        """A session from the store. For what is raised see `Runtime.resume`."""
        row = self._acquire(session_id)
        try:
            return self._restored(row)
        except VersionError:
            self._leave_to_others([row])
            raise

    def _restored(self, row: Row) -> Session:
        """The session of an acquired row, as it was."""
        session = self._taken(row, self._dispatcher(row))
        self._restore(session)
        return session

    def _taken(self, row: Row, dispatcher: Dispatcher) -> Session:
        """The session of an acquired row; the object that somebody still holds, if there is one."""
        log = self.journal.take(row, self._codec(dispatcher))
        session = self._known.get(log.session_id)
        if session is None or not session.parked:
            return self._session(dispatcher, log, row.header.user)
        log.session, session.dispatcher, session.parked = session, dispatcher, False
        session.attach(log)
        return session

    def _acquire(self, session_id: str) -> Row:
        rows = self.store.acquire(self.runtime.owner, [], self.clock.time(), 1, session_id)
        if rows:
            return rows[0]
        row = self.store.row(session_id)
        if row is None:
            raise SessionNotFoundError(f"no session {session_id!r}", session_id=session_id)
        if row.status == "closed" or row.owner == self.runtime.owner:
            return row  # its own: it could not be taken up before
        raise SessionLostError(
            f"session {session_id!r} belongs to the runtime {row.owner!r}, which is alive",
            session_id=session_id,
        )

    def _dispatcher(self, row: Row) -> Dispatcher:
        versions = self._agents.get(row.header.agent)
        if versions is None:
            raise NetError(
                f"session {row.header.session_id!r} is of the agent {row.header.agent!r}, which is not known here;"
                f" known: {', '.join(map(repr, self._agents)) or 'none'}. Give it with Runtime(agents=[...])"
            )
        dispatchers = [self.runtime.dispatcher(agent) for agent in versions]
        for dispatcher in dispatchers:
            if row.version == dispatcher.version:
                return dispatcher
        known = ", ".join(one.version for one in dispatchers)
        raise VersionError(
            f"session {row.header.session_id!r} runs version {row.version} of the agent {row.header.agent!r};"
            f" here is {known}. Give the old code too, with Runtime(agents=[...]), or migrate the session",
            session_id=row.header.session_id,
            agent=row.header.agent,
            expected=row.version,
            actual=known,
        )

    def _restore(self, session: Session) -> None:
        session.forget_state()
        assert isinstance(session.log, DurableLog)
        self.runtime.enlist(session)
        try:
            restore_session(session, session.log)
        except BaseException:
            session.closed = True
            if getattr(session, "number", None) in session.dispatcher.sessions:
                session.dispatcher.forget(session)
            self.runtime.dismiss(session)
            raise

    async def _look_again(self) -> None:
        """Take up what is due, whatever state the journal is in: if it cannot be reached now, later."""
        try:
            await self._take_up_due()
        except JournalError as error:
            logger.warning("the journal cannot be asked for sessions that are due: %s", error)
            if not self._ended:
                self._wake_timer = self.clock.call_later(_PATIENCE, self._look)

    def description(self, version: str) -> dict[str, Any] | None:
        """What is kept of a version of an agent; None where nothing is."""
        kept = self.store.net(version)
        return None if kept is None else dict(json.loads(kept))

    def stored(self, session_id: str) -> tuple[Row, list[Event]]:
        """A session of the store as it is now, its events with plain values. Raises `SessionNotFoundError`."""
        row = self.store.row(session_id)
        if row is None:
            raise SessionNotFoundError(f"no session {session_id!r}", session_id=session_id)
        codec = EventCodec(Plan([], [], {}, {}, {}, {}, 0, []))
        return row, [codec.decode(record) for record in self.store.records(session_id)]

    def take_over(self, session_id: str, dispatcher: Dispatcher) -> tuple[Session, Row]:
        """A session of the store, acquired and without state, for a dispatcher of another version."""
        row = self._acquire(session_id)
        session = self._taken(row, dispatcher)
        session.closed = False
        self.damaged.pop(session_id, None)
        self.runtime.enlist(session)
        return session, row

    def rewrite(self, session: Session, dispatcher: Dispatcher) -> None:
        """The session's next events are of another version of its agent."""
        assert isinstance(session.log, DurableLog)
        session.log.migrate(dispatcher.version, self._codec(dispatcher))

    async def _take_up_due(self) -> None:
        foreign: list[Row] = []
        while self._agents and not self._ended:
            rows = self.store.acquire(self.runtime.owner, list(self._agents), self.clock.time(), _BATCH)
            for row in rows:
                try:
                    self._restored(row)
                except VersionError as error:
                    self.damaged[row.header.session_id] = error
                    foreign.append(row)
                except JournalCorruptError as error:
                    self.damaged[row.header.session_id] = error
            if len(rows) < _BATCH:
                break
            await asyncio.sleep(0)
        if foreign and not self._ended:
            self._leave_to_others(foreign)
        self._set_alarm()

    def _leave_to_others(self, rows: list[Row]) -> None:
        """Own sessions of other versions no longer: a runtime that has their code may be there."""
        self._foreign = True
        changes = [
            Change(row.header.session_id, row.fence, row.last, [], row.status, row.wake, release=True)
            for row in rows
            if row.status != "closed"
        ]
        for change in changes:
            self._leaving[change.session_id] = asyncio.get_running_loop().create_future()

        def release() -> None:
            with suppress(JournalError):  # they are looked at again
                self.store.write(Batch(self.runtime.owner, changes))

        def released(nothing: None) -> None:
            del nothing
            for change in changes:
                self._leaving.pop(change.session_id).set_result(None)

        self.journal.call(release, released)

    def _set_alarm(self) -> None:
        """Come back when the next parked session is due."""
        due = self.store.next_wake(list(self._agents))
        if self._wake_timer is not None:
            self._wake_timer.cancel()
            self._wake_timer = None
        if due is not None and not self._ended:
            # What is due and of another version stays due: no reason to look without pause.
            delay = max(_PATIENCE if self._foreign else 0.01, due - self.clock.time())
            self._wake_timer = self.clock.call_later(delay, self._look)

    def _look(self) -> None:
        self._looking = asyncio.ensure_future(self._look_again())

    # -- putting away

    def _sweep(self) -> None:
        """Park what has been at rest for a while."""
        now = self.clock.time()
        for session in self.runtime.in_memory():
            if now - session.active_at < self._idle_after or session.id in self._leaving:
                continue
            if session.closed:
                self.runtime.dismiss(session)
            elif session.idle(until=now + self._idle_after):
                self._park(session)

    def _park(self, session: Session) -> None:
        assert isinstance(session.log, DurableLog)
        self._leaving[session.id] = asyncio.get_running_loop().create_future()
        last = len(session.log)
        session.log.park()
        session.log.after_commit(partial(self._parked, session, last))

    def _parked(self, session: Session, last: int) -> None:
        self._leaving.pop(session.id).set_result(None)
        if len(session.log) > last:
            # Something happened while it was being given up: have it back, unless another runtime was faster.
            rows = self.store.acquire(self.runtime.owner, [], self.clock.time(), 1, session.id)
            assert isinstance(session.log, DurableLog)
            if rows:
                session.log.fence = rows[0].fence
            else:
                session.log.refuse("fenced")
            return
        session.parked = True
        session.dispatcher.forget(session)
        self.runtime.dismiss(session)
        self._set_alarm()

    async def settled(self, session_id: str) -> None:
        """Return when the session is not just being put away."""
        leaving = self._leaving.get(session_id)
        if leaving is not None:
            await leaving

    # -- the lease

    def _renew(self) -> None:
        until = self.clock.time() + self._lease
        self.journal.call(partial(self.store.renew, self.runtime.owner, until), self._renewed)

    def _renewed(self, alive: bool) -> None:
        if not alive:
            # Others may have taken sessions over; the fences of those tell with the next write.
            logger.warning("the lease of runtime %s had run out", self.runtime.owner)
        self._look()

    def _every(self, seconds: float, work: Any) -> None:
        timer: Timer

        def again() -> None:
            nonlocal timer
            self._timers.discard(timer)
            if not self._ended:
                timer = self.clock.call_later(seconds, again)
                self._timers.add(timer)
                work()

        timer = self.clock.call_later(seconds, again)
        self._timers.add(timer)
