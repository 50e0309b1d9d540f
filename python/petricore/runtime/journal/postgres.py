"""The journal in PostgreSQL: several runtimes on several machines share the sessions.

A batch is a handful of statements over arrays, whatever the number of sessions in it. Rows of sessions are locked in
one order, so that two runtimes cannot wait for each other. Whether a commit whose connection broke has happened is
found out when the batch is written again.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event as Flag
from threading import Lock, Thread
from typing import Any

import psycopg
from psycopg import sql

from petricore.errors import JournalError, SessionNotFoundError
from petricore.runtime.journal.checks import (
    Standing,
    checked_records,
    checked_snapshot,
    judge,
    require_cover,
    row_of,
    wanted_records,
)
from petricore.runtime.journal.store import Batch, Change, Record, Refusal, Row, Snapshot

__all__ = ["PostgresStore"]

_SCHEMA = 1
_CHANNEL = "petricore"
_STALL = 5
"""Seconds after which the server ends a transaction whose client has stopped in the midst of it."""
_TABLES = """
CREATE SCHEMA IF NOT EXISTS petricore;
CREATE TABLE IF NOT EXISTS petricore.schema (schema integer NOT NULL);
CREATE TABLE IF NOT EXISTS petricore.sessions (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL UNIQUE, agent text NOT NULL,
    started_version text NOT NULL, "user" text, created double precision NOT NULL, forked_from text, forked_at bigint,
    last bigint NOT NULL, first bigint NOT NULL DEFAULT 1, version text NOT NULL, status text NOT NULL,
    wake double precision, owner text, fence bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS sessions_due ON petricore.sessions (wake) WHERE status <> 'closed';
CREATE INDEX IF NOT EXISTS sessions_owner ON petricore.sessions (owner) WHERE owner IS NOT NULL;
CREATE TABLE IF NOT EXISTS petricore.events (
    session bigint NOT NULL, number bigint NOT NULL, kind text NOT NULL, text text NOT NULL, crc bigint NOT NULL,
    PRIMARY KEY (session, number)
);
CREATE TABLE IF NOT EXISTS petricore.snapshots (
    session bigint NOT NULL, number bigint NOT NULL, data bytea NOT NULL, crc bigint NOT NULL,
    PRIMARY KEY (session, number)
);
CREATE TABLE IF NOT EXISTS petricore.files (
    session bigint NOT NULL, key text NOT NULL, content bytea NOT NULL, PRIMARY KEY (session, key)
);
CREATE TABLE IF NOT EXISTS petricore.nets (version text PRIMARY KEY, description text NOT NULL);
CREATE TABLE IF NOT EXISTS petricore.runtimes (owner text PRIMARY KEY, until double precision NOT NULL);
CREATE TABLE IF NOT EXISTS petricore.messages (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, session text NOT NULL, text text NOT NULL
);
"""

_ROW = 'id, agent, started_version, "user", created, forked_from, forked_at, last, version, status, wake, owner, fence'
_FREE = (
    "(s.owner IS NULL OR (s.owner <> %(owner)s AND"
    " NOT EXISTS (SELECT 1 FROM petricore.runtimes r WHERE r.owner = s.owner AND r.until > %(now)s)))"
)


class PostgresStore:
    """Sessions in a PostgreSQL database, in its schema `petricore`.

    Raises:
        JournalError: the server cannot be reached, or the journal there is of another schema.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._lock = Lock()
        self._reading = Lock()
        self._closed = False
        self._writer: psycopg.Connection[Any] | None = None
        self._reader: psycopg.Connection[Any] | None = None
        self._listener: _Listener | None = None
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        with self._transaction() as do:
            # two runtimes that come up at once would both create what is not there
            do.execute("SELECT pg_advisory_xact_lock(7021960117)")
            do.execute(_TABLES)
            found = do.execute("SELECT schema FROM petricore.schema").fetchone()
            if found is None:
                do.execute("INSERT INTO petricore.schema VALUES (%s)", (_SCHEMA,))
            elif found[0] != _SCHEMA:
                raise JournalError(
                    f"the journal in PostgreSQL is of schema {found[0]}, not {_SCHEMA}", unsure=False
                )

    # -- writing

    def write(self, batch: Batch) -> dict[str, Refusal]:
        """Apply the batch in one transaction."""
        with self._transaction() as do:
            refusals, fitting, numbers = self._judge(do, batch)
            self._create(
                do, [change for change in fitting if change.created is not None], batch.owner, numbers
            )
            self._update(do, [change for change in fitting if change.created is None], numbers)
            self._append(do, fitting, numbers)
        return refusals

    def _judge(
        self, do: psycopg.Cursor[Any], batch: Batch
    ) -> tuple[dict[str, Refusal], list[Change], dict[str, int]]:
        """Which changes are refused, which are still to do, and the rows of their sessions, which stay locked."""
        ids = [change.session_id for change in batch.changes]
        found = do.execute(
            "SELECT id, number, last, fence, owner FROM petricore.sessions WHERE id = ANY(%s)"
            " ORDER BY number FOR UPDATE",
            (ids,),
        ).fetchall()
        numbers = {row[0]: row[1] for row in found}
        known = {row[0]: Standing(*row[2:]) for row in found}
        refusals: dict[str, Refusal] = {}
        fitting: list[Change] = []
        for change in batch.changes:
            session = change.session_id
            begun = partial(self._same, do, numbers.get(session, 0), change)
            refusal = judge(change, batch.owner, known.get(session), begun)
            if refusal is None:
                fitting.append(change)
            elif refusal != "done":
                refusals[session] = refusal
        return refusals, fitting, numbers

    @staticmethod
    def _same(do: psycopg.Cursor[Any], number: int, change: Change) -> bool:
        found = do.execute(
            "SELECT text FROM petricore.events WHERE session = %s ORDER BY number", (number,)
        ).fetchall()
        return [text for (text,) in found] == [record.text for record in change.records]

    @staticmethod
    def _create(do: psycopg.Cursor[Any], changes: list[Change], owner: str, numbers: dict[str, int]) -> None:
        for change in changes:
            header = change.created
            assert header is not None
            found = do.execute(
                f"INSERT INTO petricore.sessions ({_ROW}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " RETURNING number",
                (
                    header.session_id,
                    header.agent,
                    header.version,
                    header.user,
                    header.created,
                    *(header.forked_from or (None, None)),
                    len(change.records),
                    header.version,
                    change.status,
                    change.wake,
                    None if change.release else owner,
                    change.fence,
                ),
            ).fetchone()
            assert found is not None
            numbers[change.session_id] = found[0]

    @staticmethod
    def _update(do: psycopg.Cursor[Any], changes: list[Change], numbers: dict[str, int]) -> None:
        if not changes:
            return
        do.execute(
            "UPDATE petricore.sessions s SET last = u.last, version = coalesce(u.version, s.version),"
            " status = u.status, wake = u.wake, owner = CASE WHEN u.release THEN NULL ELSE s.owner END"
            " FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::float8[], %s::bool[])"
            " AS u(number, last, version, status, wake, release) WHERE s.number = u.number",
            (
                [numbers[change.session_id] for change in changes],
                [change.after + len(change.records) for change in changes],
                [change.version for change in changes],
                [change.status for change in changes],
                [change.wake for change in changes],
                [change.release for change in changes],
            ),
        )

    @staticmethod
    def _append(do: psycopg.Cursor[Any], changes: list[Change], numbers: dict[str, int]) -> None:
        events = [
            (
                numbers[change.session_id],
                record.number,
                record.kind,
                record.text,
                zlib.crc32(record.text.encode()),
            )
            for change in changes
            for record in change.records
        ]
        if events:
            columns = [list(column) for column in zip(*events, strict=True)]
            do.execute(
                "INSERT INTO petricore.events"
                " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::bigint[])",
                columns,
            )
        for change in changes:
            number = numbers[change.session_id]
            if change.snapshot is not None:
                data = zlib.compress(change.snapshot.data, 1)
                do.execute(
                    "DELETE FROM petricore.snapshots p WHERE session = %(s)s AND number <"
                    " (SELECT max(number) FROM petricore.snapshots WHERE session = %(s)s)",
                    {"s": number},
                )
                do.execute(
                    "INSERT INTO petricore.snapshots VALUES (%s, %s, %s, %s) ON CONFLICT (session, number)"
                    " DO UPDATE SET data = excluded.data, crc = excluded.crc",
                    (number, change.snapshot.number, data, zlib.crc32(data)),
                )
            for key, content in change.files:
                do.execute(
                    "INSERT INTO petricore.files VALUES (%s, %s, %s) ON CONFLICT (session, key)"
                    " DO UPDATE SET content = excluded.content",
                    (number, key, content),
                )

    # -- reading

    def row(self, session_id: str) -> Row | None:
        """The session, or None."""
        found = self._read(f"SELECT {_ROW} FROM petricore.sessions WHERE id = %s", session_id)
        return row_of(found[0]) if found else None

    def rows(self) -> Sequence[Row]:
        """All sessions, oldest first."""
        return [row_of(one) for one in self._read(f"SELECT {_ROW} FROM petricore.sessions ORDER BY number")]

    def ids(self) -> Sequence[str]:
        """The ids of all sessions, oldest first."""
        return [one for (one,) in self._read("SELECT id FROM petricore.sessions ORDER BY number")]

    def records(self, session_id: str, after: int = 0, limit: int | None = None) -> Sequence[Record]:
        """Records numbered above `after`, checked."""
        found = self._read("SELECT number, first, last FROM petricore.sessions WHERE id = %s", session_id)
        if not found:
            raise SessionNotFoundError(f"no session {session_id!r}", session_id=session_id)
        ((session, first, last),) = found
        wanted = wanted_records(session_id, first, last, after, limit)
        rows = self._read(
            "SELECT number, kind, text, crc FROM petricore.events WHERE session = %s AND number > %s AND number <= %s"
            " ORDER BY number",
            session,
            after,
            after + wanted,
        )
        encoded = ((number, kind, text.encode(), crc) for number, kind, text, crc in rows)
        return checked_records(session_id, after, wanted, encoded)

    def snapshot(self, session_id: str, before: int | None = None) -> Snapshot | None:
        """The newest snapshot, or the newest not after event `before`."""
        found = self._read(
            "SELECT p.number, p.data, p.crc FROM petricore.snapshots p"
            " JOIN petricore.sessions s ON s.number = p.session"
            " WHERE s.id = %s AND p.number <= %s ORDER BY p.number DESC LIMIT 1",
            session_id,
            2**62 if before is None else before,
        )
        return checked_snapshot(session_id, *found[0]) if found else None

    def file(self, session_id: str, key: str) -> bytes | None:
        """A kept file."""
        found = self._read(
            "SELECT f.content FROM petricore.files f JOIN petricore.sessions s ON s.number = f.session"
            " WHERE s.id = %s AND f.key = %s",
            session_id,
            key,
        )
        return bytes(found[0][0]) if found else None

    def keep_net(self, version: str, description: str) -> None:
        """Keep the description of a version."""
        if self.net(version) is None:
            with self._transaction() as do:
                do.execute(
                    "INSERT INTO petricore.nets VALUES (%s, %s) ON CONFLICT DO NOTHING",
                    (version, description),
                )

    def net(self, version: str) -> str | None:
        """The description of a version."""
        found = self._read("SELECT description FROM petricore.nets WHERE version = %s", version)
        return str(found[0][0]) if found else None

    def compact(self, session_id: str, before: int) -> int:
        """Forget the records numbered up to `before`."""
        require_cover(session_id, self.snapshot(session_id), before)
        with self._transaction() as do:
            number = self._locked(do, session_id)[0]
            do.execute("DELETE FROM petricore.events WHERE session = %s AND number <= %s", (number, before))
            gone = do.rowcount
            do.execute(
                "UPDATE petricore.sessions SET first = greatest(first, %s) WHERE number = %s",
                (before + 1, number),
            )
        return gone

    def remove(self, session_id: str) -> None:
        """Forget a closed session."""
        with self._transaction() as do:
            number, status = self._locked(do, session_id)
            if status != "closed":
                raise JournalError(f"session {session_id!r} is not closed, and stays", unsure=False)
            for table in ("events", "snapshots", "files"):
                do.execute(
                    sql.SQL("DELETE FROM petricore.{} WHERE session = %s").format(sql.Identifier(table)),
                    (number,),
                )
            do.execute("DELETE FROM petricore.sessions WHERE number = %s", (number,))

    @staticmethod
    def _locked(do: psycopg.Cursor[Any], session_id: str) -> tuple[int, str]:
        found = do.execute(
            "SELECT number, status FROM petricore.sessions WHERE id = %s FOR UPDATE", (session_id,)
        ).fetchone()
        if found is None:
            raise SessionNotFoundError(f"no session {session_id!r}", session_id=session_id)
        return found[0], found[1]

    # -- ownership

    def renew(self, owner: str, until: float) -> bool:
        """Prolong a lease."""
        with self._transaction() as do:
            known = (
                do.execute("SELECT 1 FROM petricore.runtimes WHERE owner = %s", (owner,)).fetchone()
                is not None
            )
            owns = do.execute(
                "SELECT 1 FROM petricore.sessions WHERE owner = %s LIMIT 1", (owner,)
            ).fetchone()
            do.execute(
                "INSERT INTO petricore.runtimes VALUES (%s, %s)"
                " ON CONFLICT (owner) DO UPDATE SET until = excluded.until",
                (owner, until),
            )
        return known or owns is None

    def acquire(
        self, owner: str, agents: Sequence[str], now: float, limit: int, session_id: str | None = None
    ) -> list[Row]:
        """Take over sessions that have no living owner."""
        if session_id is not None:
            which = f"s.id = %(id)s AND s.status <> 'closed' AND {_FREE}"
        elif agents:
            which = (
                "s.agent = ANY(%(agents)s) AND (s.status = 'live' OR (s.status = 'parked' AND s.wake <= %(now)s))"
                f" AND {_FREE}"
            )
        else:
            return []
        with self._transaction() as do:
            found = do.execute(
                "UPDATE petricore.sessions SET owner = %(owner)s, fence = fence + 1 WHERE number IN"
                f" (SELECT s.number FROM petricore.sessions s WHERE {which} ORDER BY coalesce(s.wake, 0), s.number"
                f" LIMIT %(limit)s FOR UPDATE SKIP LOCKED) RETURNING {_ROW}",
                {"owner": owner, "id": session_id, "agents": list(agents), "now": now, "limit": limit},
            ).fetchall()
        return [row_of(one) for one in found]

    def next_wake(self, agents: Sequence[str]) -> float | None:
        """The earliest `wake` of parked sessions."""
        ((wake,),) = self._read(
            "SELECT min(wake) FROM petricore.sessions WHERE status = 'parked' AND owner IS NULL AND agent = ANY(%s)",
            list(agents),
        )
        return None if wake is None else float(wake)

    def owners(self) -> Sequence[str]:
        """The runtimes whose leases have not ended."""
        return [one for (one,) in self._read("SELECT owner FROM petricore.runtimes")]

    def retire(self, owner: str) -> None:
        """The runtime ends."""
        with self._transaction() as do:
            do.execute("DELETE FROM petricore.runtimes WHERE owner = %s", (owner,))
            do.execute("UPDATE petricore.sessions SET owner = NULL WHERE owner = %s", (owner,))
            do.execute("SELECT pg_notify(%s, '')", (_CHANNEL,))

    # -- messages

    def post(self, session_id: str, text: str) -> bool:
        """Leave a message for the session, and notify whoever listens."""
        with self._transaction() as do:
            do.execute(
                "INSERT INTO petricore.messages (session, text) SELECT %(id)s::text, %(text)s::text"
                " WHERE EXISTS (SELECT 1 FROM petricore.sessions WHERE id = %(id)s)",
                {"id": session_id, "text": text},
            )
            posted = do.rowcount == 1
            do.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, session_id))
        return posted

    def inbox(self) -> list[tuple[int, str, str]]:
        """All messages."""
        return self._read("SELECT number, session, text FROM petricore.messages ORDER BY number")

    def discard(self, messages: Sequence[int]) -> None:
        """Messages have been taken up."""
        with self._transaction() as do:
            do.execute("DELETE FROM petricore.messages WHERE number = ANY(%s)", (list(messages),))

    def listen(self, callback: Callable[[str], object]) -> None:
        """Call back, on a thread of the store's own, when another process posts for a session (its id) or gives
        sessions up ("")."""
        self._listener = _Listener(self._dsn, callback)

    def close(self) -> None:
        """Close the connections."""
        if self._listener is not None:
            self._listener.stop()
        with self._lock, self._reading:
            self._closed = True
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()

    # -- connections

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor[Any]]:
        """All that is done in it, or nothing; a connection that breaks in the commit leaves that open."""
        with self._lock:
            committing = False
            try:
                if self._writer is None or self._writer.closed:
                    self._writer = self._connected()
                    # A process that is paused within a transaction must not keep its sessions from others.
                    self._writer.execute(f"SET idle_in_transaction_session_timeout = '{_STALL}s'")
                    self._writer.commit()
                with self._writer.cursor() as cursor:
                    yield cursor
                committing = True
                self._writer.commit()
            except psycopg.Error as error:
                raise JournalError(f"PostgreSQL: {_text(error)}", unsure=committing) from error
            except BaseException:
                if self._writer is not None:
                    with suppress(psycopg.Error):
                        self._writer.rollback()
                raise
            finally:
                self._discard_broken()

    def _connected(self, *, autocommit: bool = False) -> psycopg.Connection[Any]:
        if self._closed:  # a thread that comes too late must not leave a connection behind
            raise JournalError("PostgreSQL: this journal is closed", unsure=False)
        return psycopg.connect(self._dsn, autocommit=autocommit)

    def _discard_broken(self) -> None:
        if (
            self._writer is not None
            and self._writer.info.transaction_status != psycopg.pq.TransactionStatus.IDLE
        ):
            with suppress(psycopg.Error):
                self._writer.close()
            self._writer = None

    def _read(self, statement: str, *arguments: Any) -> list[Any]:
        with self._reading:
            for attempt in (1, 2):  # a connection that broke meanwhile is made anew, once
                try:
                    if self._reader is None or self._reader.closed:
                        self._reader = self._connected(autocommit=True)
                    return self._reader.execute(statement, arguments).fetchall()
                except psycopg.Error as error:
                    broken = self._reader is None or self._reader.closed
                    if attempt == 2 or not broken:
                        raise JournalError(f"PostgreSQL: {_text(error)}", unsure=False) from error
        raise AssertionError


class _Listener:
    """A connection that waits for notifications, on a thread; made anew when it breaks."""

    def __init__(self, dsn: str, callback: Callable[[str], object]) -> None:
        self._dsn = dsn
        self._callback = callback
        self._stopped = Flag()
        self._thread = Thread(target=self._run, name="petricore-listen", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with psycopg.connect(self._dsn, autocommit=True) as connection:
                    connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(_CHANNEL)))
                    while not self._stopped.is_set():
                        for note in connection.notifies(timeout=0.2):
                            self._callback(note.payload)
            except psycopg.Error:
                self._stopped.wait(0.5)


def _text(error: psycopg.Error) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
