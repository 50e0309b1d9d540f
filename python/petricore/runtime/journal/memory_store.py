"""A store in memory: the twin of the durable ones, with the same tests. It outlives the runtimes that use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from threading import RLock
from typing import Literal

from petricore.errors import JournalError, SessionNotFoundError
from petricore.runtime.journal.checks import Standing, judge, require_cover, wanted_records
from petricore.runtime.journal.store import Batch, Change, Header, Record, Refusal, Row, Snapshot

__all__ = ["MemoryStore"]


@dataclass(slots=True)
class _Kept:
    row: Row
    records: list[Record] = field(default_factory=list)
    first: int = 1
    """Number of the first record that is still there."""
    snapshots: list[Snapshot] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)


class MemoryStore:
    """Sessions in dictionaries, under one lock."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._leases: dict[str, float] = {}
        self._nets: dict[str, str] = {}
        self._messages: dict[int, tuple[str, str]] = {}
        self._numbers = count(1)
        self._lock = RLock()

    def write(self, batch: Batch) -> dict[str, Refusal]:
        """Apply the batch."""
        with self._lock:
            refusals: dict[str, Refusal] = {}
            for change in batch.changes:
                refusal = self._refusal(change, batch.owner)
                if refusal is None:
                    self._apply(change, batch.owner)
                elif refusal != "done":
                    refusals[change.session_id] = refusal
            return refusals

    def _refusal(self, change: Change, owner: str) -> Refusal | Literal["done"] | None:
        kept = self._kept.get(change.session_id)
        if kept is None:
            return judge(change, owner, None, lambda: False)
        standing = Standing(kept.row.last, kept.row.fence, kept.row.owner)
        return judge(change, owner, standing, lambda: kept.records == change.records)

    def _apply(self, change: Change, owner: str) -> None:
        if change.created is not None:
            header: Header = change.created
            row = Row(header, 0, header.version, change.status, change.wake, owner, change.fence)
            self._kept[change.session_id] = _Kept(row)
        kept = self._kept[change.session_id]
        kept.records.extend(change.records)
        if change.snapshot is not None:
            kept.snapshots = [*kept.snapshots[-1:], change.snapshot]
        kept.files.update(change.files)
        kept.row = replace(
            kept.row,
            last=change.after + len(change.records),
            version=change.version or kept.row.version,
            status=change.status,
            wake=change.wake,
            owner=None if change.release else kept.row.owner,
        )

    def row(self, session_id: str) -> Row | None:
        """The session, or None."""
        kept = self._kept.get(session_id)
        return None if kept is None else kept.row

    def rows(self) -> Sequence[Row]:
        """All sessions, oldest first."""
        return [kept.row for kept in self._kept.values()]

    def ids(self) -> Sequence[str]:
        """The ids of all sessions, oldest first."""
        return list(self._kept)

    def records(self, session_id: str, after: int = 0, limit: int | None = None) -> Sequence[Record]:
        """Records numbered above `after`."""
        kept = self._find(session_id)
        wanted = wanted_records(session_id, kept.first, kept.row.last, after, limit)
        start = after + 1 - kept.first
        return kept.records[start : start + wanted]

    def snapshot(self, session_id: str, before: int | None = None) -> Snapshot | None:
        """The newest snapshot, or the newest not after event `before`."""
        fitting = [one for one in self._find(session_id).snapshots if before is None or one.number <= before]
        return fitting[-1] if fitting else None

    def file(self, session_id: str, key: str) -> bytes | None:
        """A kept file."""
        return self._find(session_id).files.get(key)

    def keep_net(self, version: str, description: str) -> None:
        """Keep the description of a version."""
        with self._lock:
            self._nets.setdefault(version, description)

    def net(self, version: str) -> str | None:
        """The description of a version."""
        return self._nets.get(version)

    def compact(self, session_id: str, before: int) -> int:
        """Forget the records numbered up to `before`."""
        with self._lock:
            kept = self._find(session_id)
            require_cover(session_id, self.snapshot(session_id), before)
            gone = max(0, before + 1 - kept.first)
            del kept.records[:gone]
            kept.first += gone
            return gone

    def remove(self, session_id: str) -> None:
        """Forget a closed session."""
        with self._lock:
            if self._find(session_id).row.status != "closed":
                raise JournalError(f"session {session_id!r} is not closed, and stays", unsure=False)
            del self._kept[session_id]

    # -- ownership

    def renew(self, owner: str, until: float) -> bool:
        """Prolong a lease."""
        with self._lock:
            alive = owner in self._leases or not any(kept.row.owner == owner for kept in self._kept.values())
            self._leases[owner] = until
            return alive

    def acquire(
        self, owner: str, agents: Sequence[str], now: float, limit: int, session_id: str | None = None
    ) -> list[Row]:
        """Take over sessions that have no living owner."""
        with self._lock:
            if session_id is not None:
                wanted = [self._kept[session_id]] if session_id in self._kept else []
                wanted = [kept for kept in wanted if kept.row.status != "closed"]
            else:
                wanted = [
                    kept
                    for kept in self._kept.values()
                    if kept.row.header.agent in agents and _due(kept.row, now)
                ]
                wanted.sort(key=lambda kept: kept.row.wake or 0.0)
            free = [kept for kept in wanted if not self._owned(kept.row, now) and kept.row.owner != owner][
                :limit
            ]
            for kept in free:
                kept.row = replace(kept.row, owner=owner, fence=kept.row.fence + 1)
            return [kept.row for kept in free]

    def _owned(self, row: Row, now: float) -> bool:
        return row.owner is not None and self._leases.get(row.owner, float("-inf")) > now

    def next_wake(self, agents: Sequence[str]) -> float | None:
        """The earliest `wake` of parked sessions."""
        rows = [
            kept.row for kept in self._kept.values() if kept.row.status == "parked" and kept.row.owner is None
        ]
        return min(
            (row.wake for row in rows if row.wake is not None and row.header.agent in agents), default=None
        )

    def owners(self) -> Sequence[str]:
        """The runtimes whose leases have not ended."""
        return list(self._leases)

    def retire(self, owner: str) -> None:
        """The runtime ends."""
        with self._lock:
            self._leases.pop(owner, None)
            for kept in self._kept.values():
                if kept.row.owner == owner:
                    kept.row = replace(kept.row, owner=None)

    # -- messages

    def post(self, session_id: str, text: str) -> bool:
        """Leave a message for the session."""
        with self._lock:
            if session_id not in self._kept:
                return False
            self._messages[next(self._numbers)] = (session_id, text)
            return True

    def inbox(self) -> list[tuple[int, str, str]]:
        """All messages."""
        with self._lock:
            return [(number, *message) for number, message in self._messages.items()]

    def discard(self, messages: Sequence[int]) -> None:
        """Messages have been taken up."""
        with self._lock:
            for number in messages:
                self._messages.pop(number, None)

    def close(self) -> None:
        """Nothing to free."""

    def _find(self, session_id: str) -> _Kept:
        try:
            return self._kept[session_id]
        except KeyError:
            raise SessionNotFoundError(f"no session {session_id!r}", session_id=session_id) from None


def _due(row: Row, now: float) -> bool:
    return row.status == "live" or (row.status == "parked" and row.wake is not None and row.wake <= now)
