"""The rules that every store keeps, whatever it is made of: which change fits, and what a sound record is."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

from petricore.errors import JournalCorruptError, JournalError
from petricore.runtime.journal.store import Change, Header, Record, Refusal, Row, Snapshot

__all__ = [
    "Standing",
    "checked_records",
    "checked_snapshot",
    "judge",
    "require_cover",
    "row_of",
    "wanted_records",
]


class Standing(NamedTuple):
    """What a change is judged by: the session as the store has it."""

    last: int
    fence: int
    owner: str | None


def judge(
    change: Change, owner: str, standing: Standing | None, begun: Callable[[], bool]
) -> Refusal | Literal["done"] | None:
    """Whether a change is refused, was written before ("done"), or is still to do (None).

    `begun` tells whether the session has the records with which the change would create it: so it was written by this
    owner before, when the commit's outcome was not known.
    """
    last = change.after + len(change.records)
    if change.created is not None:
        if standing is None:
            return None
        return "done" if standing.last == last and standing.owner == owner and begun() else "exists"
    if standing is None or standing.fence != change.fence:
        return "fenced"
    if standing.last == change.after:
        return None
    return "done" if standing.last == last else "fenced"


def wanted_records(session_id: str, first: int, last: int, after: int, limit: int | None) -> int:
    """How many records there are to read above `after`. Raises `JournalError` if some were compacted away."""
    if after + 1 < first:
        raise JournalError(
            f"session {session_id!r}: records up to {first - 1} were compacted away; asked for those after {after}",
            unsure=False,
        )
    return max(0, last - after if limit is None else min(limit, last - after))


def checked_records(
    session_id: str, after: int, wanted: int, rows: Iterable[tuple[int, str, bytes, int]]
) -> list[Record]:
    """Records from rows of number, kind, text (UTF-8) and its CRC-32, in order.

    Raises:
        JournalCorruptError: one is missing among the `wanted` ones above `after`, or is not what was written.
    """
    records = []
    for number, kind, text, crc in rows:
        after += 1
        if number != after:
            raise _damaged(session_id, after, "is missing")
        if zlib.crc32(text) != crc:
            raise _damaged(session_id, number, "is not what was written: its checksum is wrong")
        records.append(Record(number, kind, text.decode()))
    if len(records) < wanted:
        raise _damaged(session_id, after + 1, "is missing")
    return records


def checked_snapshot(session_id: str, number: int, data: bytes, crc: int) -> Snapshot:
    """A snapshot from its compressed data. Raises `JournalCorruptError` if that is not what was written."""
    if zlib.crc32(data) != crc:
        raise _damaged(session_id, number, "has a snapshot that is not what was written")
    return Snapshot(number, zlib.decompress(data))


def require_cover(session_id: str, newest: Snapshot | None, before: int) -> None:
    """Raise `JournalError` unless the newest snapshot covers event `before`, so that compaction loses nothing."""
    if newest is None or before > newest.number:
        raise JournalError(
            f"session {session_id!r}: no snapshot covers event {before};"
            f" the newest covers {newest.number if newest else 0}",
            unsure=False,
        )


def row_of(columns: tuple[Any, ...]) -> Row:
    """A session from its columns, in the order in which the stores select them."""
    id_, agent, started, user, created, forked_from, forked_at, *now = columns
    origin = None if forked_from is None else (forked_from, forked_at)
    return Row(Header(id_, agent, started, user, created, origin), *now)


def _damaged(session_id: str, number: int, what: str) -> JournalCorruptError:
    return JournalCorruptError(
        f"session {session_id!r}: event {number} {what}", session_id=session_id, number=number, unsure=False
    )
