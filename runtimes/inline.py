"""Actions on the event loop itself.

A job costs no task of its own. A worker task takes jobs from a queue and steps each one; an action that never
waits ends within its first step, and the worker goes on with the next. Only when an action waits does the
worker stay with it, and another worker takes over the queue. So every action sees a real
`asyncio.current_task()` that is its own for as long as it runs, and it runs in its own context variables, as
in a task of its own.
"""

from __future__ import annotations

import asyncio
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from time import monotonic
from typing import Any

from petricore.runtimes.base import Job, Kind

__all__ = ["InlineExecutor"]

_SLICE = 0.005
"""Seconds after which a worker lets other callbacks of the loop run."""


class InlineExecutor:
    """Runs every kind of action on the running loop. A sync one blocks the loop while it runs.

    `on_idle` is called when the queue has run empty, in the same pass of the loop: a scheduler that submits
    the next jobs there saves a pass per step of a chain.
    """

    capabilities = frozenset(Kind)
    obeys = frozenset({"secrets"})
    remote = False

    def __init__(self, on_idle: Callable[[], None] = lambda: None) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_idle = on_idle
        self._queue: deque[Job] = deque()
        self._waiting: dict[Job, asyncio.Task[None]] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._active = False  # a worker is stepping right now, or will look at the queue before it ends
        self._summoned = False  # a worker was created and has not begun
        self._base = Context()  # workers carry no variables of whoever happened to submit

    @property
    def active(self) -> bool:
        """Whether a worker is at the queue, so that `on_idle` will be called without further ado."""
        return self._active

    @property
    def load(self) -> int:
        """Jobs submitted and not done."""
        return len(self._queue) + len(self._waiting) + self._active

    def submit(self, job: Job) -> None:
        """Queue a job."""
        self._queue.append(job)
        if not self._active and not self._summoned:
            self._summon()

    def cancel(self, job: Job) -> None:
        """Cancel the task in which the job waits, or take it from the queue."""
        task = self._waiting.get(job)
        if task is not None:
            task.cancel()
        elif job in self._queue:
            self._queue.remove(job)
            job.done(None, asyncio.CancelledError())

    async def drain(self) -> None:
        """Cancel all jobs and wait until they have ended."""
        while self._queue:
            self.cancel(self._queue[0])
        for task in self._waiting.values():
            task.cancel()
        while self._workers:
            await asyncio.wait(self._workers)

    def _summon(self) -> None:
        self._summoned = True
        task = self._loop.create_task(self._work(), context=self._base.copy())
        self._workers.add(task)
        task.add_done_callback(self._workers.discard)

    async def _work(self) -> None:
        self._summoned = False
        if self._active:
            return
        self._active = True
        task = asyncio.current_task()
        assert task is not None
        queue = self._queue
        until = monotonic() + _SLICE
        while True:
            while queue:
                job = queue.popleft()
                error: BaseException | None
                try:
                    value = await self._step(job, task)
                    error = None
                except BaseException as raised:
                    value, error = None, raised
                if not self._active:  # the action waited, and the loop has run since
                    self._active = True
                    until = monotonic() + _SLICE
                job.done(value, error)
                if isinstance(error, (KeyboardInterrupt, SystemExit)):
                    self._leave()
                    raise error
                if task.cancelling():  # a cancelled task is not fit for other jobs
                    self._leave()
                    return
                if monotonic() > until:
                    self._active = False
                    await asyncio.sleep(0)
                    self._active = True
                    until = monotonic() + _SLICE
            self._on_idle()
            if not queue:
                self._active = False
                return

    def _leave(self) -> None:
        """Hand over to another worker, or to the scheduler if there is nothing to hand over."""
        self._active = False
        if not self._queue:
            self._on_idle()
        elif not self._summoned:
            self._summon()

    @types.coroutine
    def _step(self, job: Job, task: asyncio.Task[None]) -> Generator[Any, Any, Any]:
        kind = job.kind
        run = job.context.run
        if kind is Kind.FUNCTION:
            return run(job.action, **job.arguments)
        if kind is Kind.GENERATOR:
            return run(_exhaust, job)
        coroutine: Coroutine[Any, Any, Any] = (
            job.action(**job.arguments) if kind is Kind.COROUTINE else _exhaust_async(job)
        )
        try:
            future = run(coroutine.send, None)
        except StopIteration as stop:
            return stop.value
        self._waiting[job] = task
        self._leave()
        if job.timed:
            job.started()
        try:
            while True:
                try:
                    sent = yield future
                except BaseException as error:
                    future = run(coroutine.throw, error)
                else:
                    future = run(coroutine.send, sent)
        except StopIteration as stop:
            return stop.value
        finally:
            del self._waiting[job]


def _exhaust(job: Job) -> None:
    for value in job.action(**job.arguments):
        job.emit(value)


async def _exhaust_async(job: Job) -> None:
    generator = job.action(**job.arguments)
    try:
        async for value in generator:
            job.emit(value)
    finally:
        await generator.aclose()
