"""Frames between a host and its workers, as the host reads them: what comes from a sandbox may be anything."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

from petricore.errors import WorkerProtocolError

__all__ = ["HEADER_LIMIT", "Frame", "FrameReader", "encode_frame"]

_LENGTHS = struct.Struct(">II")
HEADER_LIMIT = 1 << 16
"""Bytes."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A header, and a body that nobody has looked at yet."""

    header: dict[str, Any]
    body: bytes

    def data(self) -> Any:
        """The body. Raises `WorkerProtocolError` if it is no JSON, or nested too deeply."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise WorkerProtocolError(f"a worker sent what is no JSON: {_reason(error)}") from None


def encode_frame(header: dict[str, Any], body: bytes = b"") -> bytes:
    """The bytes of a frame."""
    head = json.dumps(header).encode()
    return _LENGTHS.pack(len(head), len(body)) + head + body


class FrameReader:
    """Cuts frames out of a stream. Costs O(bytes), whatever the pieces they arrive in.

    Args:
        limit: the most bytes of a body.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._wanted = _LENGTHS.size

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes.

        Raises:
            WorkerProtocolError: a frame is larger than allowed, or its header is none. The stream is of no use then.
        """
        self._buffer += data
        frames: list[Frame] = []
        while len(self._buffer) >= self._wanted:
            head, body = self._lengths()
            size = _LENGTHS.size + head + body
            if len(self._buffer) < size:
                self._wanted = size
                break
            header = bytes(self._buffer[_LENGTHS.size : _LENGTHS.size + head])
            frames.append(
                Frame(_header(header), bytes(memoryview(self._buffer)[_LENGTHS.size + head : size]))
            )
            del self._buffer[:size]
            self._wanted = _LENGTHS.size
        return frames

    def _lengths(self) -> tuple[int, int]:
        head, body = _LENGTHS.unpack_from(self._buffer)
        if head > HEADER_LIMIT or body > self._limit:
            raise WorkerProtocolError(
                f"a worker announced a frame of {head:,} + {body:,} bytes; "
                f"at most {HEADER_LIMIT:,} + {self._limit:,} are taken"
            )
        return head, body


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WorkerProtocolError(f"a worker sent a header that is no JSON: {_reason(error)}") from None
    if not isinstance(header, dict) or not isinstance(header.get("kind"), str):
        raise WorkerProtocolError(f"a worker sent a header without a kind: {text[:200]!r}")
    return header


def _reason(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
