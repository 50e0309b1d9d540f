"""Sync actions on threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from os import cpu_count
from typing import Any

from petricore.runtimes.base import Job, Kind

__all__ = ["ThreadExecutor"]


class ThreadExecutor:
    """Runs functions and generators in a pool of threads.

    A thread cannot be killed: a job that is cancelled while it runs ends at once as far as the executor is
    concerned, and what its thread still returns, yields or raises is dropped. It keeps its thread until it
    returns.
    """

    capabilities = frozenset({Kind.FUNCTION, Kind.GENERATOR})
    obeys = frozenset({"secrets"})
    remote = False

    def __init__(self, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise ValueError(f"a thread executor needs at least 1 thread, not {threads}")
        self.threads = threads or min(32, (cpu_count() or 1) + 4)
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="petricore")
        self._jobs: dict[Job, Future[Any]] = {}
        self._emissions: set[Future[None]] = set()  # what threads wait for
        self._drained = False

    @property
    def load(self) -> int:
        """Jobs submitted and not done."""
        return len(self._jobs)

    def submit(self, job: Job) -> None:
        """Queue a job for the next free thread."""
        future = self._jobs[job] = self._pool.submit(job.context.run, self._run, job)
        future.add_done_callback(lambda ended: self._post(self._end, job, ended))

    def cancel(self, job: Job) -> None:
        """End the job: unqueue it, or stop listening to its thread."""
        future = self._jobs.pop(job, None)
        if future is not None:
            future.cancel()
            job.done(None, asyncio.CancelledError())

    async def drain(self) -> None:
        """Cancel all jobs. Threads that still run are left to return by themselves."""
        for job in list(self._jobs):
            self.cancel(job)
        self._drained = True
        for received in list(self._emissions):
            received.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, job: Job) -> Any:
        if job.timed:
            self._post(self._start, job)
        if job.kind is Kind.FUNCTION:
            return job.action(**job.arguments)
        for value in job.action(**job.arguments):
            received: Future[None] = Future()
            self._emissions.add(received)
            # looked at after the add, and set before the others are cancelled: no thread waits for ever
            if self._drained or not self._post(self._emit, job, value, received):
                break
            try:
                received.result()  # what the receiver raises ends the generator; its pace is the generator's
            finally:
                self._emissions.discard(received)
        return None

    def _post(self, callback: Callable[..., None], *arguments: Any) -> bool:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:  # the loop is closed: nobody is left to tell
            return False
        return True

    def _start(self, job: Job) -> None:
        if job in self._jobs:
            job.started()

    def _emit(self, job: Job, value: Any, received: Future[None]) -> None:
        if not received.set_running_or_notify_cancel():
            return
        try:
            if job not in self._jobs:
                raise asyncio.CancelledError
            job.emit(value)
        except BaseException as error:
            received.set_exception(error)
        else:
            received.set_result(None)

    def _end(self, job: Job, ended: Future[Any]) -> None:
        if self._jobs.get(job) is not ended:
            return
        del self._jobs[job]
        error = ended.exception()
        job.done(None if error is not None else ended.result(), error)
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise error  # ends the loop, as it does from an action on the loop
