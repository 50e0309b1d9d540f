"""The journal: an append-only log of events for each session, the only source of truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from petricore.errors import NetError, SessionNotFoundError
from petricore.runtime.events import Event

__all__ = ["Journal", "Log", "MemoryJournal"]


class Log(Protocol):
    """The events of one session.

    `append` takes event number `len(log) + 1`, all of it or (when it raises) nothing: a claim, a completion
    with its outputs, a failure with what it gives back are one event each, so no crash can split one.
    """

    def append(self, event: Event) -> None:
        """Store the next event. It is as durable as the journal promises when this returns."""

    def read(self, after: int = 0, limit: int | None = None) -> Sequence[Event]:
        """Events numbered above `after`, in order, at most `limit`."""

    def __len__(self) -> int:
        """The number of the last event."""


class Journal(Protocol):
    """Logs by session id."""

    def create(self, session_id: str) -> Log:
        """An empty log. Raises `NetError` if the session exists."""

    def log(self, session_id: str) -> Log:
        """The log of a session. Raises `SessionNotFoundError`."""

    def sessions(self) -> Sequence[str]:
        """All session ids, oldest first."""

    async def close(self) -> None:
        """Free what the journal holds."""


class MemoryLog:
    """Events in a list, by reference."""

    __slots__ = ("_events", "append")

    def __init__(self) -> None:
        self._events: list[Event] = []
        self.append = self._events.append

    def read(self, after: int = 0, limit: int | None = None) -> Sequence[Event]:
        """Events numbered above `after`."""
        return self._events[after : None if limit is None else after + limit]

    def __len__(self) -> int:
        return len(self._events)


class MemoryJournal:
    """Logs that live as long as the process."""

    def __init__(self) -> None:
        self._logs: dict[str, MemoryLog] = {}

    def create(self, session_id: str) -> Log:
        """An empty log."""
        if session_id in self._logs:
            raise NetError(f"session {session_id!r} exists already")
        log = self._logs[session_id] = MemoryLog()
        return log

    def log(self, session_id: str) -> Log:
        """The log of a session."""
        try:
            return self._logs[session_id]
        except KeyError:
            raise SessionNotFoundError(f"no session {session_id!r}", session_id=session_id) from None

    def sessions(self) -> Sequence[str]:
        """All session ids, oldest first."""
        return list(self._logs)

    async def close(self) -> None:
        """Nothing to free."""
