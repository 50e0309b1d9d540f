"""Files of a session: kept beside its journal, named by events, found by name."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from hashlib import sha256

from petricore.errors import JournalError
from petricore.runtime.events import Sent
from petricore.texts import check_text

__all__ = ["File", "check_content", "describe_file"]


@dataclass(frozen=True, slots=True)
class File:
    """A file that a session keeps. Of several with one name, the last counts; content is kept by its SHA-256."""

    name: str
    media_type: str
    size: int
    """In bytes."""
    sha256: str
    sent: float
    """Seconds since the epoch."""
    by: str | None
    """Who handed it in, from outside."""
    firing_id: str | None
    """The firing whose action kept it."""

    @classmethod
    def of(cls, event: Sent) -> File:
        """The file that an event tells of."""
        return cls(
            event.name, event.media_type, event.size, event.sha256, event.time, event.by, event.firing_id
        )


FILE_LIMIT = 1 << 29
"""Bytes."""


def describe_file(name: object, content: object, media_type: str | None) -> tuple[str, int, str]:
    """The media type (guessed from the name if None), size and SHA-256 of a file.

    Raises:
        TypeError: the name is no text, or the content no bytes.
        ValueError: the name is empty, or the content is larger than 512 MiB, which is more than every store takes.
    """
    if not isinstance(name, str):
        raise TypeError(f"a file's name is a string, not {name!r}")
    if not name:
        raise ValueError("a file's name is not empty")
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise TypeError(f"the content of file {name!r} is bytes, not {type(content).__name__}")
    if len(content) > FILE_LIMIT:
        raise ValueError(
            f"file {name!r} has {len(content):,} bytes; a session keeps files of up to {FILE_LIMIT:,}"
        )
    check_text("media_type", media_type)
    check_text("a file's name", name)
    guessed = media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return guessed, len(content), sha256(content).hexdigest()


def check_content(session_id: str, file: File, content: bytes) -> None:
    """Raise `JournalError` if a file's content is not what its event tells of."""
    found = sha256(content).hexdigest()
    if found != file.sha256:
        raise JournalError(
            f"session {session_id!r}: file {file.name!r} is not what was kept: SHA-256 {found}, not {file.sha256}",
            unsure=False,
        )
