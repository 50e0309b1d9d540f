"""Actions in processes of their own: a pool of resident workers on this machine.

Nothing is shared with the host but the code. A process that is cancelled is killed with all that it started, and
another takes its place when there is work for it. This is no sandbox: an action sees the files and the network that
the host sees.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from petricore.runtimes.attempt import Attempt, describe_exit
from petricore.runtimes.base import Kind, RemoteJob, Requirements
from petricore.runtimes.code import locate
from petricore.runtimes.frames import Frame, FrameReader
from petricore.runtimes.link import Link
from petricore.runtimes.worker import PROTOCOL

from petricore.errors import WorkerDiedError, WorkerProtocolError

__all__ = ["ProcessExecutor"]

_WORKER = str(Path(__file__).with_name("worker.py"))
_BODY_LIMIT = 1 << 31


class ProcessExecutor:
    """Runs every kind of action in a pool of processes.

    Args:
        processes: the most of them at once (default: one per processor).

    Raises:
        ValueError: there are fewer than one.
    """

    capabilities = frozenset(Kind)
    obeys = frozenset({"memory", "env", "secrets"})
    remote = True

    def __init__(self, processes: int | None = None) -> None:
        if processes is not None and processes < 1:
            raise ValueError(f"a process executor needs at least 1 process, not {processes}")
        self.processes = processes or os.cpu_count() or 1
        self._loop = asyncio.get_running_loop()
        self._queue: deque[RemoteJob] = deque()
        self._idle: list[_Worker] = []
        self._busy: dict[RemoteJob, _Worker] = {}
        self._dying = 0
        self._drained: asyncio.Event | None = None

    @property
    def load(self) -> int:
        """Jobs submitted and not done."""
        return len(self._queue) + len(self._busy)

    def submit(self, job: RemoteJob) -> None:
        """Queue a job for the next free process."""
        self._queue.append(job)
        self._assign()

    def cancel(self, job: RemoteJob) -> None:
        """Take the job from the queue, or kill its process."""
        worker = self._busy.get(job)
        if worker is not None:
            worker.cancelled = True
            worker.kill()
        elif job in self._queue:
            self._queue.remove(job)
            job.done(None, asyncio.CancelledError())

    async def drain(self) -> None:
        """Kill all processes and wait until they have ended."""
        self._drained = asyncio.Event()
        while self._queue:
            self.cancel(self._queue[0])
        for job in list(self._busy):
            self.cancel(job)
        for worker in self._idle:
            worker.kill()
        while self._idle or self._busy or self._dying:
            self._drained.clear()
            await self._drained.wait()

    def _assign(self) -> None:
        """Give jobs to processes, oldest first, while there are some of both."""
        while self._queue:
            shape = _shape(self._queue[0].requirements)
            worker = next((one for one in reversed(self._idle) if one.shape == shape), None)
            if worker is not None:
                self._idle.remove(worker)
            elif len(self._idle) + len(self._busy) + self._dying < self.processes:
                worker = _Worker(shape, self._ended)
            else:
                if self._idle:  # one that was made for other requirements makes room
                    self._dying += 1
                    self._idle.pop(0).kill()
                return
            job = self._queue.popleft()
            self._busy[job] = worker
            try:
                worker.begin(job)
            except Exception as error:  # its arguments cannot be told, or its code not found
                self._free(worker, job)
                job.done(None, error)
                continue
            if job.timed:
                job.started()

    def _free(self, worker: _Worker, job: RemoteJob) -> None:
        del self._busy[job]
        self._idle.append(worker)

    def _ended(self, worker: _Worker, error: BaseException | None, *, dead: bool) -> None:
        """A process has ended its job, or has ended itself."""
        attempt, worker.attempt = worker.attempt, None
        if not dead:
            assert attempt is not None
            self._free(worker, attempt.job)
        elif attempt is not None:
            del self._busy[attempt.job]
        elif worker in self._idle:
            self._idle.remove(worker)
        else:
            self._dying -= 1
        if attempt is not None:
            value, raised = attempt.outcome if error is None else (None, error)
            attempt.job.done(value, raised)
        if self._drained is not None:
            self._drained.set()
        else:
            self._assign()


class _Worker:
    """A process that runs one action after another.

    Args:
        shape: what of the requirements it was made for.
        ended: called when its job has ended, and when it has.
    """

    def __init__(self, shape: tuple[object, ...], ended: Callable[..., None]) -> None:
        self.shape = shape
        self.attempt: Attempt | None = None
        self.cancelled = False
        self._ended = ended
        self._broken: Exception | None = None
        self._memory, env = shape
        self._loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", _WORKER],
                stdin=theirs,
                stdout=theirs,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **dict(env)},  # type: ignore[call-overload]
                start_new_session=True,  # so that it is killed with all that it starts
            )
        self._link = Link(ours, FrameReader(_BODY_LIMIT), self._take, self._over)
        # Not the end of the stream but the end of the process counts: something it started may hold the stream open.
        self._descriptor = os.pidfd_open(self._process.pid)
        self._loop.add_reader(self._descriptor, self._exited)

    def begin(self, job: RemoteJob) -> None:
        """Order it to run the job. Raises what is wrong with the job."""
        limits = {"memory": self._memory} if self._memory is not None else {}
        attempt = Attempt(job, locate(job.action), self._link.send, limits)
        attempt.begin()
        self.attempt = attempt

    def kill(self) -> None:
        """End it, and all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _take(self, frame: Frame) -> None:
        if frame.header["kind"] == "hello":
            if frame.header.get("protocol") != PROTOCOL:
                raise WorkerProtocolError(
                    f"a worker speaks protocol {frame.header.get('protocol')!r}, not {PROTOCOL}"
                )
        elif self.attempt is None:
            raise WorkerProtocolError(f"a worker speaks though nobody asked: {frame.header}")
        elif self.attempt.take(frame):
            self._ended(self, None, dead=False)

    def _over(self, error: Exception | None) -> None:
        """Nothing comes from it any more; it ends, or is ended."""
        self._broken = error
        self.kill()

    def _exited(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        self._link.finish()
        self._link.close()
        code = self._process.wait()
        self.kill()  # what it had started
        self._ended(self, self._reason(code), dead=True)

    def _reason(self, code: int) -> BaseException:
        if self.cancelled:
            return asyncio.CancelledError()
        if self._broken is not None:
            return self._broken
        exit_code, number = (code, None) if code >= 0 else (None, -code)
        return WorkerDiedError(
            f"the process of the action ended: {describe_exit(exit_code, number)}",
            exit_code=exit_code,
            signal=number,
        )


def _shape(requirements: Requirements) -> tuple[object, ...]:
    return requirements.memory, requirements.env
