"""A container with a forking worker in it: one firing at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from petricore.runtimes.attempt import Attempt
from petricore.runtimes.base import RemoteJob, Requirements
from petricore.runtimes.code import locate, sources_of
from petricore.runtimes.docker.engine import Started
from petricore.runtimes.docker.proxy import Proxy
from petricore.runtimes.frames import Frame, FrameReader, encode_frame
from petricore.runtimes.link import Link
from petricore.runtimes.worker import PROTOCOL

from petricore.errors import OutputLimitError, WorkerDiedError, WorkerProtocolError

__all__ = ["Command", "Container"]

_PATIENCE = 2.0
"""Seconds for which a worker may take to end an action that is cancelled."""
_HEADER = 8
_STDERR = 2


class Container:
    """One container, from when it has started.

    Args:
        started: it.
        requirements: what it was started for.
        limits: bytes of a frame's body, and of what is printed in a firing.
        ended: called with (container, error) when its job has ended; error None: `attempt.outcome` has the outcome.
        lost: called with (container, error) when it is of no use any more. Not after `close`.
        proxy: its way out, which it owns.
    """

    def __init__(
        self,
        started: Started,
        requirements: Requirements,
        limits: tuple[int, int],
        ended: Callable[[Container, Attempt], None],
        lost: Callable[[Container, Exception | None], None],
        proxy: Proxy | None,
    ) -> None:
        self.id = started.container
        self.requirements = requirements
        self.scope: tuple[str, ...] | None = None
        """Whose firings it runs; None until the first."""
        self.attempt: Attempt | None = None
        self.cancelled = False
        self.idle_since = 0.0
        self._started = started
        self._proxy = proxy
        self._ended = ended
        self._lost = lost
        self._installed: set[str] = set()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._output_limit = limits[1]
        self._printed = 0
        self._streams = _Streams(self._output)
        self._link = Link(
            started.stream,
            FrameReader(limits[0]),
            self._take,
            lambda error: lost(self, error),
            self._streams.feed,
        )

    @property
    def job(self) -> RemoteJob | None:
        """The job under way."""
        return None if self.attempt is None else self.attempt.job

    def begin(self, job: RemoteJob) -> None:
        """Have it run the job. Raises what is wrong with the job; nothing has happened then."""
        code = locate(job.action)
        sources = sources_of(code)
        attempt = Attempt(job, code.by_name(), self._link.send)
        if sources.key not in self._installed:
            header = {"kind": "code", "folder": f"/work/.code/{sources.key}"}
            self._link.send(encode_frame(header, sources.encoded()))
            self._installed.add(sources.key)
        attempt.begin()
        self.attempt, self.cancelled, self._printed = attempt, False, 0

    def cancel(self) -> None:
        """End the job under way, and if the worker does not do that, the container."""
        if self.attempt is not None and not self.cancelled:
            self.cancelled = True
            self.attempt.cancel()
            self._timer = self._loop.call_later(_PATIENCE, self._lost, self, None)

    def close(self) -> None:
        """Let go of its streams."""
        if self._timer is not None:
            self._timer.cancel()
        self._link.close()
        self._started.close()
        if self._proxy is not None:
            self._proxy.close()

    def _take(self, frame: Frame) -> None:
        if frame.header["kind"] == "hello":
            if frame.header.get("protocol") != PROTOCOL:
                raise WorkerProtocolError(
                    f"a worker speaks protocol {frame.header.get('protocol')!r}, not {PROTOCOL}"
                )
            return
        attempt = self.attempt
        if attempt is None:
            raise WorkerProtocolError(f"a worker speaks though nobody asked: {frame.header}")
        if attempt.take(frame):
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self.attempt = None
            self._ended(self, attempt)

    def _output(self, data: bytes) -> None:
        """Something was printed."""
        self._printed += len(data)
        _check_output(self._printed, self._output_limit)
        if self.attempt is not None:
            self.attempt.job.log(data.decode(errors="replace"))


class Command:
    """A container that runs one program once: it gets the arguments on standard input and prints the result.

    Args: as for `Container`; it is always lost in the end, and has its outcome then.
    """

    def __init__(
        self,
        started: Started,
        requirements: Requirements,
        limits: tuple[int, int],
        lost: Callable[[Command, Exception | None], None],
        proxy: Proxy | None,
    ) -> None:
        self.id = started.container
        self.requirements = requirements
        self.scope: tuple[str, ...] | None = None
        self.job: RemoteJob | None = None
        self.cancelled = False
        self.idle_since = 0.0
        self._started = started
        self._proxy = proxy
        self._lost = lost
        self._limits = limits
        self._printed = bytearray()
        self._told = 0
        self._streams = _Streams(self._log)
        self._link = Link(started.stream, self, _ignore, lambda error: lost(self, error), self._streams.feed)

    def begin(self, job: RemoteJob) -> None:
        """Give the program its input."""
        self._link.send(job.plain())
        self._link.send_end()
        self.job = job

    def cancel(self) -> None:
        """End it."""
        self.cancelled = True
        self._lost(self, None)

    def outcome(self, code: int | None) -> Any:
        """What it printed, as the declared type. Raises what is wrong with it, or with how it ended."""
        assert self.job is not None
        if code != 0:
            raise WorkerDiedError(
                f"{self.requirements.command} ended with exit code {code}", exit_code=code, signal=None
            )
        return self.job.parsed(bytes(self._printed))

    def close(self) -> None:
        """Let go of its streams."""
        self._link.close()
        self._started.close()
        if self._proxy is not None:
            self._proxy.close()

    def feed(self, data: bytes) -> list[Frame]:
        """Keep what it prints. Raises `OutputLimitError` beyond what a result may be."""
        self._printed += data
        _check_output(len(self._printed), self._limits[0])
        return []

    def _log(self, data: bytes) -> None:
        self._told += len(data)
        _check_output(self._told, self._limits[1])
        if self.job is not None:
            self.job.log(data.decode(errors="replace"))


def _check_output(size: int, limit: int) -> None:
    if size > limit:
        raise OutputLimitError(f"the action printed more than {limit:,} bytes", limit=limit)


def _ignore(frame: Frame) -> None:
    del frame


class _Streams:
    """Takes the engine's stream apart: frames from standard output, the rest to whoever reads it."""

    def __init__(self, printed: Callable[[bytes], Any]) -> None:
        self._printed = printed
        self._buffer = bytearray()
        self._left = 0
        self._to_error = False

    def feed(self, data: bytes) -> bytes:
        """What of it is standard output. Raises what `printed` raises."""
        self._buffer += data
        output = bytearray()
        at = 0
        while at < len(self._buffer):
            if self._left == 0:
                if len(self._buffer) - at < _HEADER:
                    break
                self._to_error = self._buffer[at] == _STDERR
                self._left = int.from_bytes(self._buffer[at + 4 : at + 8], "big")
                at += _HEADER
                continue
            piece = memoryview(self._buffer)[at : at + self._left]
            if self._to_error:
                self._printed(bytes(piece))
            else:
                output += piece
            at += len(piece)
            self._left -= len(piece)
            piece.release()
        del self._buffer[:at]
        return bytes(output)
