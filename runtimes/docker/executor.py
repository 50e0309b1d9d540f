"""Actions in containers: each firing where nobody else's can be seen, at about the cost of a fork.

A container holds one resident worker, which forks for every firing. Containers are kept for the firings of one
session (or agent, or not at all: `reuse`), and spare ones are made ready ahead of need, since the engine needs a third
of a second to start one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from petricore.runtimes.attempt import Attempt, describe_exit
from petricore.runtimes.base import Kind, RemoteJob, Requirements
from petricore.runtimes.docker.container import Command, Container
from petricore.runtimes.docker.engine import Engine, Started
from petricore.runtimes.docker.owner import new_owner
from petricore.runtimes.docker.proxy import Proxy

from petricore.errors import (
    ExecutorError,
    MemoryLimitError,
    NetError,
    WorkerDiedError,
)

__all__ = ["DockerExecutor"]

_STARTS = 4
"""Containers that are started at once: the engine does not get faster with more."""


class DockerExecutor:
    """Runs every kind of action in containers.

    Args:
        slots: the most containers at once.
        image: for transitions that name none.
        spares: containers that are kept ready, for each requirement that has been seen, while there are free slots.
        idle_after: seconds after which a container that nobody used is removed.
        url: of the engine; what the environment says (DOCKER_HOST) unless given.
        runtime: of the engine, like "runsc"; its default unless named.
        pull: whether images that the engine does not have are looked for in their registry.
        body_limit: bytes of the largest result.
        output_limit: bytes that a firing may print.

    Raises:
        NetError: a number is out of range.
    """

    capabilities = frozenset(Kind)
    obeys = frozenset(
        {"image", "command", "cpu", "memory", "gpu", "network", "volumes", "env", "secrets", "reuse"}
    )
    remote = True

    def __init__(
        self,
        *,
        slots: int = 8,
        image: Any = None,
        spares: int = 1,
        idle_after: float = 60.0,
        url: str | None = None,
        runtime: str | None = None,
        pull: bool = True,
        body_limit: int = 1 << 28,
        output_limit: int = 1 << 24,
    ) -> None:
        if slots < 1 or spares < 0 or not idle_after >= 0:
            raise NetError(f"DockerExecutor: slots={slots!r}, spares={spares!r}, idle_after={idle_after!r}")
        self._slots = slots
        self._image = image
        self._spares = spares
        self._idle_after = idle_after
        self._limits = body_limit, output_limit
        self._engine = Engine(new_owner(), url, runtime, pull=pull)
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(_STARTS, thread_name_prefix="petricore-docker")
        self._queue: deque[RemoteJob] = deque()
        self._idle: list[Container | Command] = []
        self._busy: dict[RemoteJob, Container | Command] = {}
        self._starting: dict[Requirements, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._reaper: asyncio.TimerHandle | None = None
        self._draining = False
        self._cleaned = False

    @property
    def load(self) -> int:
        """Jobs submitted and not done."""
        return len(self._queue) + len(self._busy)

    def submit(self, job: RemoteJob) -> None:
        """Queue a job for a container."""
        self._queue.append(job)
        self._assign()

    def expect(self, requirements: Requirements) -> None:
        """A firing with these requirements may be next: have a container ready for it, if there is room for one."""
        requirements = self._with_image(requirements)
        if self._draining or not self._spares or requirements.image is None or self._count() >= self._slots:
            return
        ready = any(one.requirements == requirements for one in self._idle)
        if not ready and not self._starting.get(requirements):
            self._start(requirements)

    def cancel(self, job: RemoteJob) -> None:
        """Take the job from the queue, or have its worker kill it."""
        container = self._busy.get(job)
        if container is not None:
            container.cancel()
        elif job in self._queue:
            self._queue.remove(job)
            job.done(None, asyncio.CancelledError())

    async def drain(self) -> None:
        """End all jobs and remove all containers."""
        self._draining = True
        if self._reaper is not None:
            self._reaper.cancel()
        while self._queue:
            self.cancel(self._queue[0])
        for job, container in list(self._busy.items()):
            self._discard(container)
            job.done(None, asyncio.CancelledError())
        self._busy.clear()
        for container in self._idle:
            self._discard(container)
        self._idle.clear()
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._cleaned:
            with suppress(ExecutorError):  # an engine that is away keeps what the next host removes
                for container_id in await self._blocking(self._engine.owned):
                    await self._blocking(self._engine.remove, container_id)
        self._threads.shutdown(wait=True)
        self._engine.close()

    # -- which job goes where

    def _assign(self) -> None:
        """Give jobs to containers: to one that is there for it, else the oldest job gets a new one."""
        if self._draining:
            return
        for job in list(self._queue) if self._idle else ():
            container = self._fitting(job)
            if container is not None:
                self._queue.remove(job)
                self._begin(container, job)
                if not self._idle:
                    break
        coming = dict(self._starting)
        for job in self._queue:
            requirements = self._required(job)
            if coming.get(requirements, 0):
                coming[requirements] -= 1  # one that is being started is for it
            elif self._room():
                self._start(requirements)
            else:
                break
        self._refill()

    def _fitting(self, job: RemoteJob) -> Container | Command | None:
        """A container that is there for the job: its scope's, or a spare one."""
        requirements, scope = self._required(job), _scope(job)
        spare = None
        for container in self._idle:
            if container.requirements == requirements:
                if container.scope == scope and scope is not None:
                    self._idle.remove(container)
                    return container
                if container.scope is None:
                    spare = container
        if spare is not None:
            self._idle.remove(spare)
        return spare

    def _room(self) -> bool:
        """Whether one more may be started; an idle one that is somebody's makes room."""
        if self._count() < self._slots:
            return True
        if self._idle:
            oldest = min(self._idle, key=lambda one: one.idle_since)
            self._idle.remove(oldest)
            self._discard(oldest)
            return True
        return False

    def _count(self) -> int:
        return len(self._idle) + len(self._busy) + sum(self._starting.values())

    def _refill(self) -> None:
        """Have spare containers ready for what was asked for lately."""
        for requirements in {one.requirements for one in self._busy.values()}:
            ready = sum(1 for one in self._idle if one.scope is None and one.requirements == requirements)
            for _ in range(self._spares - ready - self._starting.get(requirements, 0)):
                if self._count() < self._slots:
                    self._start(requirements)

    def _required(self, job: RemoteJob) -> Requirements:
        """What the job's container is started for."""
        return self._with_image(job.requirements)

    def _with_image(self, requirements: Requirements) -> Requirements:
        return replace(requirements, image=self._image) if requirements.image is None else requirements

    # -- the life of a container

    def _start(self, requirements: Requirements) -> None:
        self._starting[requirements] = self._starting.get(requirements, 0) + 1
        self._keep(self._started(requirements))

    async def _started(self, requirements: Requirements) -> None:
        error: Exception | None = None
        started: Started | None = None
        proxy = Proxy(requirements.network) if requirements.network else None
        try:
            if requirements.image is None:
                raise NetError("no image is named: transition(image=...) or DockerExecutor(image=...)")
            if not self._cleaned:
                self._cleaned = True
                await self._remove_left_behind()
            if proxy is not None:
                await proxy.open()
            way_out = None if proxy is None else str(proxy.folder)
            started = await self._blocking(self._engine.start, requirements, way_out)
        except Exception as failed:
            error = failed
        finally:
            self._starting[requirements] -= 1
            if not self._starting[requirements]:
                del self._starting[requirements]
        if started is not None:
            container: Container | Command = (
                Container(started, requirements, self._limits, self._ended, self._lost, proxy)
                if requirements.command is None
                else Command(started, requirements, self._limits, self._lost, proxy)
            )
            if self._draining:
                self._discard(container)
                return
            self._rest(container)
        else:
            assert error is not None
            if proxy is not None:
                proxy.close()
            while self._engine.orphans:
                self._keep(self._removed(self._engine.orphans.pop()))
            self._refuse(requirements, error)
        self._assign()

    def _refuse(self, requirements: Requirements, error: Exception) -> None:
        """No container can be had: the jobs that wait for one fail, each by its retry policy."""
        for job in [one for one in self._queue if self._required(one) == requirements]:
            self._queue.remove(job)
            job.done(None, error)

    def _begin(self, container: Container | Command, job: RemoteJob) -> None:
        container.scope = _scope(job) or ()
        self._busy[job] = container
        try:
            container.begin(job)
        except Exception as error:  # its arguments cannot be told, or its code not found
            del self._busy[job]
            self._rest(container)
            job.done(None, error)
            return
        if job.timed:
            job.started()

    def _ended(self, container: Container, attempt: Attempt) -> None:
        """A job has ended, and its container is as good as before."""
        del self._busy[attempt.job]
        value, error = attempt.outcome
        if container.cancelled and error is not None:
            error = asyncio.CancelledError()
        if isinstance(error, MemoryLimitError):
            error.limit = container.requirements.memory
        if attempt.job.requirements.reuse == "never":
            self._discard(container)
        else:
            self._rest(container)
        attempt.job.done(value, error)
        self._assign()

    def _lost(self, container: Container | Command, error: Exception | None) -> None:
        """A container has ended, or sent what no worker sends."""
        job = container.job
        if container in self._idle:
            self._idle.remove(container)
        if job is None:
            self._discard(container)
            return
        self._keep(self._bury(container, job, error))

    async def _bury(self, container: Container | Command, job: RemoteJob, error: Exception | None) -> None:
        """Find out why, and tell the job."""
        container.close()
        value: Any = None
        raised: BaseException | None = error
        if container.cancelled:
            raised = asyncio.CancelledError()
        elif error is None:
            try:
                code, out_of_memory = await self._blocking(self._engine.ended, container.id)
                if isinstance(container, Command) and not out_of_memory:
                    value = container.outcome(code)
                else:
                    raised = _exit(code, container.requirements.memory or 0 if out_of_memory else None)
            except Exception as wrong:
                raised = wrong
        if self._busy.pop(job, None) is not None:
            job.done(value, raised)
        await self._removed(container.id)
        self._assign()

    def _rest(self, container: Container | Command) -> None:
        container.idle_since = self._loop.time()
        self._idle.append(container)
        if self._reaper is None:
            self._reaper = self._loop.call_later(self._idle_after, self._reap)

    def _reap(self) -> None:
        """Remove what has been idle for long."""
        self._reaper = None
        now = self._loop.time()
        for container in list(self._idle):
            if container.idle_since + self._idle_after <= now:
                self._idle.remove(container)
                self._discard(container)
        if self._idle:
            due = min(one.idle_since for one in self._idle) + self._idle_after
            self._reaper = self._loop.call_at(due, self._reap)

    def _discard(self, container: Container | Command) -> None:
        container.close()
        self._keep(self._removed(container.id))

    async def _removed(self, container_id: str) -> None:
        """Remove it, however long the engine is away."""
        while not await self._blocking(self._engine.remove, container_id):
            if self._draining:
                return
            await asyncio.sleep(0.5)

    async def _remove_left_behind(self) -> None:
        """Remove what a host has left that did not live to do it."""
        for container_id in await self._blocking(self._engine.left_behind):
            self._keep(self._removed(container_id))

    # -- work on threads

    async def _blocking(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await self._loop.run_in_executor(self._threads, partial(function, *arguments))

    def _keep(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _scope(job: RemoteJob) -> tuple[str, ...] | None:
    """Whose firings share a container with this one; None: nobody's."""
    match job.requirements.reuse:
        case "never":
            return None
        case "agent":
            return job.scope[:1]
    return job.scope


def _exit(code: int | None, limit: int | None) -> BaseException:
    if limit is not None:
        return MemoryLimitError("the container was killed: it took more memory than it may", limit=limit)
    return WorkerDiedError(
        f"the container of the action ended: {describe_exit(code, None)}", exit_code=code, signal=None
    )
