"""What a durable journal writes, and the protocol of the backends that keep it.

A store is blocking and knows neither events nor nets: it keeps numbered records for each session, the newest snapshot,
files, and one row for each session that says who owns it. All that one turn of a runtime changed, over all its
sessions, is one `Batch` and one transaction.

OWNERSHIP. A session belongs to one runtime at a time. Each takeover raises the session's `fence`; a change that
carries an older fence is refused, so an owner that was taken for dead and comes back can write nothing. A runtime
lives as long as it renews its lease.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

__all__ = ["Batch", "Change", "Header", "Record", "Refusal", "Row", "Snapshot", "Status", "Store"]

Status = Literal["live", "parked", "closed"]
"""live: something fires or may fire at once; parked: nothing happens before `wake` or an event from outside."""

Refusal = Literal["exists", "fenced"]


class Record(NamedTuple):
    """An event as it is kept: its number in the session (from 1, without gaps), its kind, and its text (JSON)."""

    number: int
    kind: str
    text: str


class Snapshot(NamedTuple):
    """The state of a session after event `number`."""

    number: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """What never changes about a session."""

    session_id: str
    agent: str
    version: str
    """The hash of the agent's net the session was started with."""
    user: str | None
    created: float
    forked_from: tuple[str, int] | None = None
    """Session and event number this one branched off from; its first records are copies of that one's."""


@dataclass(frozen=True, slots=True)
class Row:
    """A session as its store lists it."""

    header: Header
    last: int
    """Number of its last event."""
    version: str
    """The version it runs now: the header's, unless it was migrated."""
    status: Status
    wake: float | None
    """When a parked session must be taken up (seconds since the epoch); None: only by an event from outside."""
    owner: str | None
    fence: int


@dataclass(slots=True)
class Change:
    """What one commit does to one session. Refused as a whole unless the session is at `after` with this fence."""

    session_id: str
    fence: int
    after: int
    """Number of the last event before this change."""
    records: list[Record]
    status: Status
    wake: float | None
    version: str | None = None
    """The version the session was migrated to."""
    created: Header | None = None
    """The session begins with this change (`after` is 0, `fence` is 1)."""
    snapshot: Snapshot | None = None
    release: bool = False
    """Give the session up: it has no owner after this change."""
    files: list[tuple[str, bytes]] = field(default_factory=list)
    """(key, content) of files to keep; keys are unique within the session, a later content replaces."""


@dataclass(slots=True)
class Batch:
    """All changes of one commit, at most one for each session."""

    owner: str
    changes: list[Change] = field(default_factory=list)


class Store(Protocol):
    """Where sessions are kept.

    THREADS: `write` and `renew` are called from one writer thread, everything else from the loop's thread, at the same
    time. ERRORS: `JournalError` when the store cannot do what was asked; nothing of it has happened then, or (a
    connection lost in the middle of a commit) `JournalError` with `.unsure` true: the caller asks again, and a change
    that did happen is recognised by its session being at the change's last number already with the same fence, and
    counts as done. Reading a damaged record raises `JournalCorruptError` with session and number.
    """

    def write(self, batch: Batch) -> dict[str, Refusal]:
        """Apply the batch in one transaction, durable on return. Returns the sessions whose change was refused."""

    def row(self, session_id: str) -> Row | None:
        """The session, or None."""

    def rows(self) -> Sequence[Row]:
        """All sessions, oldest first."""

    def ids(self) -> Sequence[str]:
        """The ids of all sessions, oldest first."""

    def records(self, session_id: str, after: int = 0, limit: int | None = None) -> Sequence[Record]:
        """Records numbered above `after`, in order; checked: no gap, every checksum right."""

    def snapshot(self, session_id: str, before: int | None = None) -> Snapshot | None:
        """The newest snapshot, or the newest not after event `before`."""

    def file(self, session_id: str, key: str) -> bytes | None:
        """A kept file."""

    def keep_net(self, version: str, description: str) -> None:
        """Keep the description (JSON) of a version of an agent's net, if it is not kept yet."""

    def net(self, version: str) -> str | None:
        """The description of a version, if it is kept."""

    def compact(self, session_id: str, before: int) -> int:
        """Forget the records numbered up to `before`, which a kept snapshot covers. Returns how many are gone.

        `records(after)` with `after` below that raises `JournalError` that says from where on there are records.
        """

    def remove(self, session_id: str) -> None:
        """Forget a closed session altogether."""

    # -- ownership

    def renew(self, owner: str, until: float) -> bool:
        """Enter the runtime `owner` as alive until then (seconds since the epoch), or prolong that.

        Returns whether its lease was alive without a break (True also the first time).
        """

    def acquire(
        self, owner: str, agents: Sequence[str], now: float, limit: int, session_id: str | None = None
    ) -> list[Row]:
        """Take over sessions that have no living owner, and raise their fences.

        Without `session_id`: sessions of `agents` that are live, or parked with `wake` at or before `now`, at most
        `limit`, those longest due first. With it: that session, whatever its status (an empty list when it is closed
        or somebody else's lease on it is alive). Two callers never get the same session, and none one that it owns.
        """

    def next_wake(self, agents: Sequence[str]) -> float | None:
        """The earliest `wake` of parked sessions of these agents."""

    def owners(self) -> Sequence[str]:
        """The runtimes whose leases have not ended by `retire`, run out or not."""

    def retire(self, owner: str) -> None:
        """The runtime ends: its lease ends, and the sessions it still owns have no owner."""

    def post(self, session_id: str, text: str) -> bool:
        """Leave a message (JSON) for the session, whoever owns it; notifies its owner where that is possible."""

    def inbox(self) -> list[tuple[int, str, str]]:
        """All messages, oldest first: (message number, session, text)."""

    def discard(self, messages: Sequence[int]) -> None:
        """Messages have been taken up."""

    def close(self) -> None:
        """Free what the store holds."""
