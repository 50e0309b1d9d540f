"""What the runtime asks of a journal, and the journal that lives as long as the process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from petricore.errors import NetError, SessionNotFoundError
from petricore.runtime.events import Event

__all__ = ["Journal", "Log", "MemoryJournal"]


class Log(Protocol):
    """The events of one session.

    An event is encoded before what it tells is done, and appended after: what cannot be kept exactly is refused
    while nothing has changed yet. A claim, a completion with its outputs, a failure with what it gives back are one
    event each, so no crash can split one.
    """

    def encode(self, event: Event) -> Any:
        """The event as `append` takes it. Raises `TokenTypeError` for a value that would not come back equal."""

    def append(self, event: Event, encoded: Any) -> None:
        """Take event number `len(log) + 1`. It is durable when `after_commit` calls back."""

    def after_commit(self, callback: Callable[[], object]) -> None:
        """Call back, on the loop's thread, once all that was appended is durable: at once if it is.

        Never called if the session is lost to another runtime or the journal breaks.
        """

    def read(self, after: int = 0, limit: int | None = None) -> Sequence[Event]:
        """Events numbered above `after`, in order, at most `limit`, only durable ones."""

    def keep_file(self, key: str, content: bytes) -> None:
        """Keep a file, durable together with what is appended next."""

    def file(self, key: str) -> bytes | None:
        """A kept file."""

    @property
    def durable(self) -> int:
        """The number of the last event that is durable."""

    def __len__(self) -> int:
        """The number of the last event."""


class Journal(Protocol):
    """Logs by session id, for sessions that end with the process."""

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

    __slots__ = ("_events", "_files")

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._files: dict[str, bytes] = {}

    def encode(self, event: Event) -> None:
        """Nothing to do: any value is kept as it is."""

    def append(self, event: Event, encoded: None) -> None:  # noqa: ARG002
        """Take the next event."""
        self._events.append(event)

    def after_commit(self, callback: Callable[[], object]) -> None:
        """Call back at once."""
        callback()

    def read(self, after: int = 0, limit: int | None = None) -> Sequence[Event]:
        """Events numbered above `after`."""
        return self._events[after : None if limit is None else after + limit]

    def keep_file(self, key: str, content: bytes) -> None:
        """Keep a file."""
        self._files[key] = content

    def file(self, key: str) -> bytes | None:
        """A kept file."""
        return self._files.get(key)

    @property
    def durable(self) -> int:
        """The number of the last event."""
        return len(self._events)

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
