"""Group commit: what all sessions appended in one pass of the loop is one transaction of a `Store`.

Events are encoded on the loop's thread and written on a thread of their own, one batch after the other; while a batch
is being written the loop goes on and collects the next. What must not happen before an event is durable (starting an
action, telling a reader) waits in `after_commit`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import Any, Protocol

from petricore.errors import JournalError
from petricore.runtime.clock import Clock
from petricore.runtime.events import Event
from petricore.runtime.journal.store import (
    Batch,
    Change,
    Header,
    Record,
    Refusal,
    Row,
    Snapshot,
    Status,
    Store,
)

__all__ = ["DurableJournal", "DurableLog", "EventEncoder", "Standing", "Writer"]

_TAIL = 64
"""Events kept as objects for readers that follow closely."""

Writer = Callable[[Callable[[], Any]], "Future[Any]"]
"""Runs a blocking call elsewhere, one after the other."""


class EventEncoder(Protocol):
    """What a log needs of `EventCodec`."""

    def encode(self, event: Event) -> Record:
        """The event as it is kept."""

    def decode(self, record: Record) -> Event:
        """The event that was kept."""


class Standing(Protocol):
    """What a log needs to know of its session when a batch is made."""

    def standing(self) -> tuple[Status, float | None]:
        """Its status, and when it must be taken up if it is parked."""

    def save(self) -> bytes:
        """Its state after the last event that was appended."""

    def lost(self, reason: Refusal) -> None:
        """What was appended is refused: another runtime owns it now, or the id was in use."""


class DurableLog:
    """The events of one session that this runtime owns. All methods on the loop's thread."""

    __slots__ = (
        "_callbacks",
        "_codec",
        "_count",
        "_created",
        "_files",
        "_flying",
        "_journal",
        "_records",
        "_release",
        "_snapshot_due",
        "_snapshot_number",
        "_tail",
        "_version",
        "durable",
        "fence",
        "owner_lost",
        "session",
        "session_id",
    )

    def __init__(
        self, journal: DurableJournal, session_id: str, codec: EventEncoder, last: int, fence: int
    ) -> None:
        self._journal = journal
        self._codec = codec
        self._count = self.durable = last
        self.session_id = session_id
        self.fence = fence
        self.session: Standing | None = None
        self.owner_lost = False
        self._records: list[Record] = []
        self._tail: deque[Event] = deque(maxlen=_TAIL)
        self._callbacks: list[Callable[[], object]] = []
        self._flying: list[Callable[[], object]] | None = None
        self._created: Header | None = None
        self._version: str | None = None
        self._files: list[tuple[str, bytes]] = []
        self._release = False
        self._snapshot_due = False
        self._snapshot_number = 0

    def encode(self, event: Event) -> Record:
        """The event as it is kept. Raises `TokenTypeError` for a value that would not come back equal."""
        return self._codec.encode(event)

    def append(self, event: Event, encoded: Record) -> None:
        """Take the next event; it is written with the next batch."""
        self._records.append(encoded)
        self._tail.append(event)
        self._count += 1
        self._journal.changed(self)

    def after_commit(self, callback: Callable[[], object]) -> None:
        """Call back once all that was appended is durable: at once if it is."""
        if self._records or self._files or self._release:
            self._callbacks.append(callback)
        elif self._flying is not None:
            self._flying.append(callback)
        else:
            callback()

    def decode(self, record: Record) -> Event:
        """The event that was kept."""
        return self._codec.decode(record)

    def snapshot(self) -> Snapshot | None:
        """The newest one that is kept."""
        return self._journal.store.snapshot(self.session_id)

    def keep_file(self, key: str, content: bytes) -> None:
        """Keep a file, durable together with what is appended next."""
        self._files.append((key, content))
        self._journal.changed(self)

    def file(self, key: str) -> bytes | None:
        """A kept file, also one that is not durable yet."""
        for name, content in reversed(self._files):
            if name == key:
                return content
        return self._journal.store.file(self.session_id, key)

    def migrate(self, version: str, codec: EventEncoder) -> None:
        """The session runs another version from the next commit on, which also writes a snapshot: what was journaled
        before is of another net."""
        self._version = version
        self._codec = codec
        self._snapshot_due = True
        self._journal.changed(self)

    def park(self) -> None:
        """Write a snapshot and give the session up, with the next commit."""
        self._release = self._snapshot_due = True
        self._journal.changed(self)

    def read(self, after: int = 0, limit: int | None = None) -> Sequence[Event]:
        """Durable events numbered above `after`."""
        until = self.durable if limit is None else min(self.durable, after + limit)
        if after >= until:
            return []
        if self._tail and self._tail[0].number <= after + 1:
            return [event for event in self._tail if after < event.number <= until]
        records = self._journal.store.records(self.session_id, after, until - after)
        return [self._codec.decode(record) for record in records]

    def __len__(self) -> int:
        return self._count

    # -- what the journal calls

    def change(self) -> Change:
        """All that was appended since the last batch."""
        assert self.session is not None
        status, wake = self.session.standing()
        records, self._records = self._records, []
        files, self._files = self._files, []
        self._flying, self._callbacks = self._callbacks, []
        snapshot = None
        due = self._snapshot_due or self._count - self._snapshot_number >= self._journal.snapshot_every
        if due and status != "closed":  # a closed session has no state but its history
            snapshot = Snapshot(self._count, self.session.save())
            self._snapshot_due, self._snapshot_number = False, self._count
        change = Change(
            self.session_id,
            self.fence,
            self._count - len(records),
            records,
            status,
            wake,
            self._version,
            self._created,
            snapshot,
            self._release,
            files,
        )
        self._created = self._version = None
        self._release = False
        return change

    def written(self, change: Change, refusal: Refusal | None) -> None:
        """The outcome of a change."""
        callbacks, self._flying = self._flying or [], None
        if refusal is None:
            self.durable = change.after + len(change.records)
            for callback in callbacks:
                callback()
            return
        self.refuse(refusal)

    def refuse(self, refusal: Refusal) -> None:
        """Drop what is not written: the session is not this runtime's."""
        self._records.clear()
        self._files.clear()
        self._callbacks.clear()
        self.owner_lost = True
        if self.session is not None:
            self.session.lost(refusal)

    @property
    def dirty(self) -> bool:
        """Whether there is something to write."""
        return bool(self._records or self._files or self._release or self._version)

    def begin(self, header: Header) -> None:
        """The session is created with the first batch."""
        self._created = header

    def covered(self, number: int) -> None:
        """There is a snapshot after event `number`."""
        self._snapshot_number = number


class DurableJournal:
    """Writes the logs of all sessions of one runtime to a store.

    Args:
        store: where they are kept.
        owner: the id of this runtime.
        snapshot_every: events of a session between two snapshots of it.
        patience: seconds for which a batch that failed is tried again; then the journal is broken.
        writer: runs the writes; a thread of its own unless given.
    """

    def __init__(
        self,
        store: Store,
        owner: str,
        clock: Clock,
        *,
        snapshot_every: int = 1000,
        patience: float = 10.0,
        writer: Writer | None = None,
    ) -> None:
        self.store = store
        self.owner = owner
        self.snapshot_every = snapshot_every
        self._clock = clock
        self._patience = patience
        self._pool = None if writer else ThreadPoolExecutor(1, thread_name_prefix="petricore-journal")
        self._writer: Writer = writer or self._pool.submit  # type: ignore[union-attr]
        self._loop = asyncio.get_running_loop()
        self._dirty: dict[DurableLog, None] = {}
        self._scheduled = False
        self._writing = False
        self._waiting = False
        self._failing_since: float | None = None
        self._idle: list[asyncio.Future[None]] = []
        self.broken: Exception | None = None
        self.on_broken: Callable[[Exception], object] = _ignore
        self.on_commit: Callable[[float], object] = _ignore
        """Called with the seconds of each batch that was written, from its first try on."""
        self._begun = 0.0

    def create(self, header: Header, codec: EventEncoder) -> DurableLog:
        """A log for a new session. Raises nothing for an id in use: the first commit is refused then."""
        log = DurableLog(self, header.session_id, codec, 0, 1)
        log.begin(header)
        return log

    def take(self, row: Row, codec: EventEncoder) -> DurableLog:
        """The log of a session that was acquired."""
        return DurableLog(self, row.header.session_id, codec, row.last, row.fence)

    @property
    def pending(self) -> int:
        """Whether anything is being written or about to be (0 or 1); not while a failed batch waits for its time."""
        return int((self._writing or bool(self._dirty)) and not self._waiting)

    def changed(self, log: DurableLog) -> None:
        """The log has something to write."""
        self._dirty[log] = None
        if not (self._scheduled or self._writing):
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def call(self, work: Callable[[], Any], then: Callable[[Any], object]) -> None:
        """Run a call of the store on the writer's thread, between batches; `then` gets its result on the loop.

        A `JournalError` is dropped: whoever calls this calls it again in time.
        """
        self._writer(work).add_done_callback(lambda done: self._post(self._called, done, then))

    def _called(self, done: Future[Any], then: Callable[[Any], object]) -> None:
        error = done.exception()
        if error is None:
            then(done.result())
        elif not isinstance(error, JournalError):
            self._break(error)

    def _flush(self) -> None:
        self._scheduled = False
        if self._writing or self.broken is not None:
            return
        logs = [log for log in self._dirty if log.dirty and not log.owner_lost]
        self._dirty.clear()
        if not logs:
            self._wake_idle()
            return
        self._writing = True
        self._begun = perf_counter()
        try:
            changes = [log.change() for log in logs]
        except Exception as error:
            self._break(error)
            return
        self._write(Batch(self.owner, changes), logs)

    def _write(self, batch: Batch, logs: list[DurableLog]) -> None:
        self._waiting = False
        self._writer(lambda: self.store.write(batch)).add_done_callback(
            lambda done: self._post(self._written, batch, logs, done)
        )

    def _post(self, callback: Callable[..., object], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:  # the loop is closed: nobody is left to tell
            return

    def _written(self, batch: Batch, logs: list[DurableLog], done: Future[dict[str, Refusal]]) -> None:
        error = done.exception()
        if error is not None:
            self._failed(batch, logs, error)
            return
        self._failing_since = None
        self._writing = False
        self.on_commit(perf_counter() - self._begun)
        refusals = done.result()
        for log, change in zip(logs, batch.changes, strict=True):
            log.written(change, refusals.get(change.session_id))
        if self._dirty:
            self._flush()
        else:
            self._wake_idle()

    def _failed(self, batch: Batch, logs: list[DurableLog], error: BaseException) -> None:
        """Try the same batch again for a while: a change that did happen is recognised by the store."""
        now = self._clock.time()
        if self._failing_since is None:
            self._failing_since = now
        elapsed = now - self._failing_since
        if isinstance(error, JournalError) and elapsed < self._patience and self.broken is None:
            self._waiting = True
            self._clock.call_later(max(0.05, min(elapsed, 1.0)), lambda: self._write(batch, logs))
            return
        self._break(error)

    def _break(self, error: BaseException) -> None:
        if self.broken is None:
            self.broken = error if isinstance(error, Exception) else JournalError(str(error), unsure=True)
            self._writing = False
            self.on_broken(self.broken)
            self._wake_idle()

    async def flushed(self) -> None:
        """Return when everything that was appended is durable. Raises what broke the journal."""
        while (self._writing or self._dirty) and self.broken is None:
            idle: asyncio.Future[None] = self._loop.create_future()
            self._idle.append(idle)
            await idle
        if self.broken is not None:
            raise self.broken

    def _wake_idle(self) -> None:
        self._clock.idle()
        for idle in self._idle:
            if not idle.done():
                idle.set_result(None)
        self._idle.clear()

    async def close(self) -> None:
        """Write what is left and free the store."""
        try:
            if self.broken is None:
                await self.flushed()
                await asyncio.wrap_future(self._writer(lambda: self.store.retire(self.owner)))
        except JournalError:
            pass  # the lease runs out by itself
        finally:
            if self._pool is not None:
                self._pool.shutdown(wait=True)
            self.store.close()


def _ignore(what: object) -> None:
    del what
