"""The journal in one SQLite file: the embedded default. Several processes may share it.

Write-ahead log, one transaction for each batch; with `synchronous="FULL"` a committed batch survives a power cut, with
"NORMAL" the death of the process. The loop's thread reads through a connection of its own, and sees what is committed.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any, Literal

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
from petricore.runtime.journal.store import Batch, Change, Header, Record, Refusal, Row, Snapshot

__all__ = ["SqliteStore"]

_SCHEMA = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS petricore (schema INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, agent TEXT NOT NULL,
    started_version TEXT NOT NULL, user TEXT, created REAL NOT NULL, forked_from TEXT, forked_at INTEGER,
    last INTEGER NOT NULL, first INTEGER NOT NULL DEFAULT 1, version TEXT NOT NULL, status TEXT NOT NULL, wake REAL,
    owner TEXT, fence INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS sessions_due ON sessions (status, wake);
CREATE TABLE IF NOT EXISTS events (
    session INTEGER NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (session, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS snapshots (
    session INTEGER NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (session, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    session INTEGER NOT NULL, key TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (session, key)
);
CREATE TABLE IF NOT EXISTS nets (version TEXT PRIMARY KEY, description TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS runtimes (owner TEXT PRIMARY KEY, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL, text TEXT NOT NULL
);
"""

_ROW = "id, agent, started_version, user, created, forked_from, forked_at, last, version, status, wake, owner, fence"
_DUE = "(status = 'live' OR (status = 'parked' AND wake <= ?))"
_FREE = (
    "(owner IS NULL OR (owner != ? AND"
    " NOT EXISTS (SELECT 1 FROM runtimes r WHERE r.owner = sessions.owner AND r.until > ?)))"
)


class SqliteStore:
    """Sessions in an SQLite file.

    Args:
        path: of the file; it is made when it is not there.
        synchronous: what a commit waits for: "FULL" (the disk) or "NORMAL" (the operating system).
        patience: seconds for which another process's transaction is waited for.

    Raises:
        JournalError: the file cannot be opened, is no such database, or is of another schema.
    """

    def __init__(
        self, path: str, *, synchronous: Literal["FULL", "NORMAL"] = "FULL", patience: float = 5.0
    ) -> None:
        if synchronous not in ("FULL", "NORMAL"):
            raise JournalError(f"synchronous is 'FULL' or 'NORMAL', not {synchronous!r}", unsure=False)
        self.path = path
        self._patience = patience
        self._synchronous = synchronous
        self._numbers: dict[str, int] = {}
        """Row numbers of sessions by id."""
        self._lock = Lock()
        self._reading = Lock()
        with _named(path):
            self._writer = self._connected()
            self._prepare()
            self._reader = self._connected()

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=self._patience,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        return connection

    def _prepare(self) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        for statement in _TABLES.split(";"):
            self._writer.execute(statement)
        found = self._writer.execute("SELECT schema FROM petricore").fetchone()
        if found is None:
            self._writer.execute("INSERT INTO petricore VALUES (?)", (_SCHEMA,))
        self._writer.execute("COMMIT")
        if found is not None and found[0] != _SCHEMA:
            raise JournalError(f"journal {self.path!r} is of schema {found[0]}, not {_SCHEMA}", unsure=False)

    # -- writing

    def write(self, batch: Batch) -> dict[str, Refusal]:
        """Apply the batch in one transaction."""
        refusals: dict[str, Refusal] = {}
        with self._transaction() as do:
            events: list[tuple[int, int, str, str, int]] = []
            for change in batch.changes:
                refusal = self._refusal(do, change, batch.owner)
                if refusal is None:
                    self._apply(do, change, batch.owner, events)
                elif refusal != "done":
                    refusals[change.session_id] = refusal
            do.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)", events)
        return refusals

    def _refusal(self, do: sqlite3.Cursor, change: Change, owner: str) -> Refusal | Literal["done"] | None:
        found = do.execute(
            "SELECT number, last, fence, owner FROM sessions WHERE id = ?", (change.session_id,)
        ).fetchone()
        if found is None:
            return judge(change, owner, None, lambda: False)
        number, *standing = found
        self._numbers[change.session_id] = number
        return judge(change, owner, Standing(*standing), lambda: self._same(do, number, change))

    def _same(self, do: sqlite3.Cursor, number: int, change: Change) -> bool:
        found = do.execute("SELECT text FROM events WHERE session = ? ORDER BY number", (number,)).fetchall()
        return [text for (text,) in found] == [record.text for record in change.records]

    def _apply(
        self, do: sqlite3.Cursor, change: Change, owner: str, events: list[tuple[int, int, str, str, int]]
    ) -> None:
        last = change.after + len(change.records)
        if change.created is not None:
            self._numbers[change.session_id] = self._insert(do, change, change.created, owner)
        else:
            do.execute(
                "UPDATE sessions SET last = ?, version = coalesce(?, version), status = ?, wake = ?,"
                " owner = CASE WHEN ? THEN NULL ELSE owner END WHERE id = ?",
                (last, change.version, change.status, change.wake, change.release, change.session_id),
            )
        number = self._numbers[change.session_id]
        events.extend(
            (number, record.number, record.kind, record.text, zlib.crc32(record.text.encode()))
            for record in change.records
        )
        if change.snapshot is not None:
            at, data = change.snapshot
            do.execute(
                "DELETE FROM snapshots WHERE session = ?1 AND number <"
                " (SELECT max(number) FROM snapshots WHERE session = ?1)",
                (number,),
            )
            packed = zlib.compress(data, 1)
            do.execute(
                "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)",
                (number, at, packed, zlib.crc32(packed)),
            )
        if change.files:
            do.executemany(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?)",
                [(number, key, content) for key, content in change.files],
            )

    @staticmethod
    def _insert(do: sqlite3.Cursor, change: Change, header: Header, owner: str) -> int:
        do.execute(
            "INSERT INTO sessions (id, agent, started_version, user, created, forked_from, forked_at, last, version,"
            " status, wake, owner, fence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
        )
        number = do.lastrowid
        assert number is not None
        return number

    # -- reading

    def row(self, session_id: str) -> Row | None:
        """The session, or None."""
        found = self._read(f"SELECT {_ROW} FROM sessions WHERE id = ?", session_id)
        return row_of(found[0]) if found else None

    def rows(self) -> Sequence[Row]:
        """All sessions, oldest first."""
        return [row_of(one) for one in self._read(f"SELECT {_ROW} FROM sessions ORDER BY number")]

    def ids(self) -> Sequence[str]:
        """The ids of all sessions, oldest first."""
        return [one for (one,) in self._read("SELECT id FROM sessions ORDER BY number")]

    def records(self, session_id: str, after: int = 0, limit: int | None = None) -> Sequence[Record]:
        """Records numbered above `after`, checked."""
        found = self._read("SELECT number, first, last FROM sessions WHERE id = ?", session_id)
        if not found:
            raise SessionNotFoundError(f"no session {session_id!r}", session_id=session_id)
        ((session, first, last),) = found
        wanted = wanted_records(session_id, first, last, after, limit)
        rows = self._read(
            # as bytes: damaged ones may be no text at all
            "SELECT number, CAST(kind AS BLOB), CAST(text AS BLOB), crc FROM events"
            " WHERE session = ? AND number > ? AND number <= ? ORDER BY number",
            session,
            after,
            after + wanted,
        )
        decoded = ((number, kind.decode(errors="replace"), text, crc) for number, kind, text, crc in rows)
        return checked_records(session_id, after, wanted, decoded)

    def snapshot(self, session_id: str, before: int | None = None) -> Snapshot | None:
        """The newest snapshot, or the newest not after event `before`."""
        found = self._read(
            "SELECT p.number, p.data, p.crc FROM snapshots p JOIN sessions s ON s.number = p.session"
            " WHERE s.id = ? AND p.number <= ? ORDER BY p.number DESC LIMIT 1",
            session_id,
            2**62 if before is None else before,
        )
        return checked_snapshot(session_id, *found[0]) if found else None

    def file(self, session_id: str, key: str) -> bytes | None:
        """A kept file."""
        found = self._read(
            "SELECT f.content FROM files f JOIN sessions s ON s.number = f.session WHERE s.id = ? AND f.key = ?",
            session_id,
            key,
        )
        return found[0][0] if found else None

    def keep_net(self, version: str, description: str) -> None:
        """Keep the description of a version."""
        if self.net(version) is None:
            with self._transaction() as do:
                do.execute("INSERT OR IGNORE INTO nets VALUES (?, ?)", (version, description))

    def net(self, version: str) -> str | None:
        """The description of a version."""
        found = self._read("SELECT description FROM nets WHERE version = ?", version)
        return found[0][0] if found else None

    def compact(self, session_id: str, before: int) -> int:
        """Forget the records numbered up to `before`."""
        require_cover(session_id, self.snapshot(session_id), before)
        with self._transaction() as do:
            (number,) = do.execute("SELECT number FROM sessions WHERE id = ?", (session_id,)).fetchone()
            do.execute("DELETE FROM events WHERE session = ? AND number <= ?", (number, before))
            gone = do.rowcount
            do.execute("UPDATE sessions SET first = max(first, ?) WHERE number = ?", (before + 1, number))
        return gone

    def remove(self, session_id: str) -> None:
        """Forget a closed session."""
        with self._transaction() as do:
            found = do.execute("SELECT number, status FROM sessions WHERE id = ?", (session_id,)).fetchone()
            if found is None:
                raise SessionNotFoundError(f"no session {session_id!r}", session_id=session_id)
            if found[1] != "closed":
                raise JournalError(f"session {session_id!r} is not closed, and stays", unsure=False)
            for table in ("events", "snapshots", "files"):
                do.execute(f"DELETE FROM {table} WHERE session = ?", (found[0],))
            do.execute("DELETE FROM sessions WHERE number = ?", (found[0],))

    # -- ownership

    def renew(self, owner: str, until: float) -> bool:
        """Prolong a lease."""
        with self._transaction() as do:
            known = do.execute("SELECT 1 FROM runtimes WHERE owner = ?", (owner,)).fetchone() is not None
            owns = (
                do.execute("SELECT 1 FROM sessions WHERE owner = ? LIMIT 1", (owner,)).fetchone() is not None
            )
            do.execute("INSERT OR REPLACE INTO runtimes VALUES (?, ?)", (owner, until))
        return known or not owns

    def acquire(
        self, owner: str, agents: Sequence[str], now: float, limit: int, session_id: str | None = None
    ) -> list[Row]:
        """Take over sessions that have no living owner."""
        if session_id is not None:
            which, arguments = f"id = ? AND status != 'closed' AND {_FREE}", [session_id, owner, now]
        elif agents:
            which = f"agent IN ({', '.join('?' * len(agents))}) AND {_DUE} AND {_FREE}"
            arguments = [*agents, now, owner, now]
        else:
            return []
        if not self._read(f"SELECT 1 FROM sessions WHERE {which} LIMIT 1", *arguments):
            return []  # nothing to take: no write lock for that
        with self._transaction() as do:
            found = do.execute(
                f"UPDATE sessions SET owner = ?, fence = fence + 1 WHERE number IN (SELECT number FROM sessions"
                f" WHERE {which} ORDER BY coalesce(wake, 0) LIMIT ?) RETURNING {_ROW}",
                (owner, *arguments, limit),
            ).fetchall()
        return [row_of(one) for one in found]

    def next_wake(self, agents: Sequence[str]) -> float | None:
        """The earliest `wake` of parked sessions."""
        if not agents:
            return None
        ((wake,),) = self._read(
            "SELECT min(wake) FROM sessions WHERE status = 'parked' AND owner IS NULL AND wake IS NOT NULL"
            f" AND agent IN ({', '.join('?' * len(agents))})",
            *agents,
        )
        return None if wake is None else float(wake)

    def owners(self) -> Sequence[str]:
        """The runtimes whose leases have not ended."""
        return [one for (one,) in self._read("SELECT owner FROM runtimes")]

    def retire(self, owner: str) -> None:
        """The runtime ends."""
        with self._transaction() as do:
            do.execute("DELETE FROM runtimes WHERE owner = ?", (owner,))
            do.execute("UPDATE sessions SET owner = NULL WHERE owner = ?", (owner,))

    # -- messages

    def post(self, session_id: str, text: str) -> bool:
        """Leave a message for the session."""
        with self._transaction() as do:
            do.execute(
                "INSERT INTO messages (session, text) SELECT ?1, ?2"
                " WHERE EXISTS (SELECT 1 FROM sessions WHERE id = ?1)",
                (session_id, text),
            )
            return do.rowcount == 1

    def inbox(self) -> list[tuple[int, str, str]]:
        """All messages."""
        return self._read("SELECT number, session, text FROM messages ORDER BY number")

    def discard(self, messages: Sequence[int]) -> None:
        """Messages have been taken up."""
        with self._transaction() as do:
            do.executemany("DELETE FROM messages WHERE number = ?", [(number,) for number in messages])

    def close(self) -> None:
        """Close the connections."""
        with self._lock, self._reading:
            self._reader.close()
            self._writer.close()

    # -- connections

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        """All that is done in it, or nothing. SQLite says for certain which."""
        with self._lock, _named(self.path):
            cursor = self._writer.cursor()
            try:
                cursor.execute("BEGIN IMMEDIATE")
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    if self._writer.in_transaction:
                        cursor.execute("ROLLBACK")
                raise
            finally:
                with suppress(sqlite3.Error):
                    cursor.close()

    def _read(self, statement: str, *arguments: Any) -> list[Any]:
        with self._reading, _named(self.path):
            return self._reader.execute(statement, arguments).fetchall()


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Errors of SQLite as the journal's."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise JournalError(f"journal {path!r}: {error}", unsure=False) from error
