"""A stream to a worker on the event loop: frames out, frames in, and one call when it is over."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from petricore.runtimes.frames import Frame

from petricore.errors import OutputLimitError, WorkerProtocolError

__all__ = ["Link"]

_CHUNK = 1 << 18
_TURN = 1 << 22
"""Bytes that are read before other callbacks of the loop run."""


class Reader(Protocol):
    """Cuts frames out of a stream: `FrameReader`, or what keeps the stream for itself."""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes."""


class Link:
    """A connected stream socket, which it owns.

    Args:
        stream: non-blocking from here on.
        reader: cuts what arrives into frames.
        on_frame: called with each frame.
        on_end: called once: with None at the end of the stream, or with what is wrong with it. Not after `close`.
        unwrap: takes what arrives apart before the reader gets it.
    """

    def __init__(
        self,
        stream: socket.socket,
        reader: Reader,
        on_frame: Callable[[Frame], None],
        on_end: Callable[[Exception | None], None],
        unwrap: Callable[[bytes], bytes] = bytes,
    ) -> None:
        stream.setblocking(False)
        self._stream = stream
        self._reader = reader
        self._on_frame = on_frame
        self._on_end = on_end
        self._unwrap = unwrap
        self._pending: list[memoryview] = []
        self._loop = asyncio.get_running_loop()
        self._open = True
        self._last = False
        self._loop.add_reader(stream, self._readable)

    def send(self, data: bytes) -> None:
        """Send, now or when there is room. Nothing happens on a link that is over."""
        if not self._open:
            return
        view = memoryview(data)
        if not self._pending:
            view = self._sent(view)
            if not self._open or not view:
                return
            self._loop.add_writer(self._stream, self._writable)
        self._pending.append(view)

    def send_end(self) -> None:
        """Send nothing more after what was sent."""
        self._last = True
        if self._open and not self._pending:
            self._finish_sending()

    def _finish_sending(self) -> None:
        with suppress(OSError):
            self._stream.shutdown(socket.SHUT_WR)

    def _sent(self, view: memoryview) -> memoryview:
        while view:
            try:
                view = view[self._stream.send(view) :]
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                return view[:0]  # its end is read, with all that was written before it
        return view

    def _writable(self) -> None:
        while self._pending:
            rest = self._sent(self._pending[0])
            if rest:
                self._pending[0] = rest
                return
            self._pending.pop(0)
        self._loop.remove_writer(self._stream)
        if self._last:
            self._finish_sending()

    def _readable(self) -> None:
        budget = _TURN
        while self._open and budget > 0:
            try:
                data = self._stream.recv(_CHUNK)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                data = b""
            if not data:
                self._end(None)
                return
            budget -= len(data)
            self._take(data)

    def _take(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(self._unwrap(data)):
                if not self._open:
                    return
                self._on_frame(frame)
        except (WorkerProtocolError, OutputLimitError) as error:
            self._end(error)

    def finish(self) -> None:
        """Take what has arrived already; the other side sends nothing more."""
        self._readable()

    def _end(self, error: Exception | None) -> None:
        if self._open:
            self.close()
            self._on_end(error)

    def close(self) -> None:
        """Let go of the stream."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._stream)
            self._loop.remove_writer(self._stream)
            self._pending.clear()
            self._stream.close()
