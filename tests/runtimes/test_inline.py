"""Executors keep their contract: one outcome a job, on the loop, whatever the action does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import Context, ContextVar, copy_context
from typing import Any

import pytest
from petricore.runtimes.base import Executor, Kind
from petricore.runtimes.inline import InlineExecutor
from petricore.runtimes.thread import ThreadExecutor


class RecordedJob:
    """A job that writes down what the executor tells it."""

    def __init__(self, kind: Kind, action: Callable[..., Any], **arguments: Any) -> None:
        self.kind = kind
        self.action = action
        self.arguments = arguments
        self.context: Context = copy_context()
        self.timed = True
        self.starts = 0
        self.emitted: list[Any] = []
        self.refuse: Exception | None = None
        self.outcomes: list[tuple[Any, BaseException | None]] = []
        self.ended = asyncio.Event()

    def started(self) -> None:
        self.starts += 1

    def emit(self, value: Any) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.emitted.append(value)

    def done(self, value: Any, error: BaseException | None) -> None:
        asyncio.get_running_loop()
        self.outcomes.append((value, error))
        self.ended.set()


def run(work: Any) -> None:
    async def within() -> None:
        async with asyncio.timeout(60):
            await work()

    asyncio.run(within())


async def add(a: int, b: int) -> int:
    return a + b


async def add_slowly(a: int, b: int) -> int:
    await asyncio.sleep(0)
    return a + b


def add_now(a: int, b: int) -> int:
    return a + b


async def count_async(n: int) -> AsyncIterator[int]:
    for i in range(n):
        await asyncio.sleep(0)
        yield i


def count(n: int) -> Iterator[int]:
    yield from range(n)


@pytest.mark.parametrize(
    ("executor", "kind", "action"),
    [
        (InlineExecutor, Kind.COROUTINE, add),
        (InlineExecutor, Kind.COROUTINE, add_slowly),
        (InlineExecutor, Kind.FUNCTION, add_now),
        (ThreadExecutor, Kind.FUNCTION, add_now),
    ],
)
def test_a_job_ends_once_with_its_value(executor: Callable[[], Executor], kind: Kind, action: Any) -> None:
    async def work() -> None:
        pool = executor()
        jobs = [RecordedJob(kind, action, a=i, b=1) for i in range(50)]
        for job in jobs:
            pool.submit(job)
        for job in jobs:
            await job.ended.wait()
        await pool.drain()
        assert [job.outcomes for job in jobs] == [[(i + 1, None)] for i in range(50)]
        assert pool.load == 0

    run(work)


@pytest.mark.parametrize(
    ("executor", "kind", "action"),
    [
        (InlineExecutor, Kind.ASYNC_GENERATOR, count_async),
        (InlineExecutor, Kind.GENERATOR, count),
        (ThreadExecutor, Kind.GENERATOR, count),
    ],
)
def test_a_generator_emits_and_then_ends(executor: Callable[[], Executor], kind: Kind, action: Any) -> None:
    async def work() -> None:
        pool = executor()
        job = RecordedJob(kind, action, n=3)
        pool.submit(job)
        await job.ended.wait()
        await pool.drain()
        assert (job.emitted, job.outcomes) == ([0, 1, 2], [(None, None)])

    run(work)


@pytest.mark.parametrize(
    ("executor", "kind", "action"),
    [
        (InlineExecutor, Kind.ASYNC_GENERATOR, count_async),
        (InlineExecutor, Kind.GENERATOR, count),
        (ThreadExecutor, Kind.GENERATOR, count),
    ],
)
def test_an_emission_that_is_refused_ends_the_generator(
    executor: Callable[[], Executor], kind: Kind, action: Any
) -> None:
    async def work() -> None:
        pool = executor()
        job = RecordedJob(kind, action, n=3)
        job.refuse = ValueError("no")
        pool.submit(job)
        await job.ended.wait()
        await pool.drain()
        assert job.outcomes == [(None, job.refuse)]

    run(work)


def test_an_exception_is_the_outcome_and_harms_no_other_job() -> None:
    async def fail(late: bool) -> None:
        if late:
            await asyncio.sleep(0)
        raise KeyError("broken")

    async def work() -> None:
        pool = InlineExecutor()
        jobs = [RecordedJob(Kind.COROUTINE, fail, late=late) for late in (False, True)]
        jobs.append(RecordedJob(Kind.COROUTINE, add, a=1, b=1))
        for job in jobs:
            pool.submit(job)
        for job in jobs:
            await job.ended.wait()
        await pool.drain()
        assert [type(job.outcomes[0][1]) for job in jobs] == [KeyError, KeyError, type(None)]

    run(work)


def test_a_job_that_waits_lets_the_others_go_on() -> None:
    async def work() -> None:
        gate = asyncio.Event()
        pool = InlineExecutor()
        waiting = [RecordedJob(Kind.COROUTINE, gate.wait) for _ in range(10)]
        quick = [RecordedJob(Kind.COROUTINE, add, a=1, b=1) for _ in range(10)]
        for pair in zip(waiting, quick, strict=True):
            for job in pair:
                pool.submit(job)
        for job in quick:
            await job.ended.wait()
        assert not any(job.outcomes for job in waiting)
        assert all(job.starts == 1 for job in waiting)
        gate.set()
        for job in waiting:
            await job.ended.wait()
        await pool.drain()

    run(work)


def test_cancelling_ends_a_waiting_job_and_cleans_up() -> None:
    cleaned = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    async def work() -> None:
        pool = InlineExecutor()
        job, other = RecordedJob(Kind.COROUTINE, wait), RecordedJob(Kind.COROUTINE, add_slowly, a=1, b=2)
        pool.submit(job)
        while not job.starts:
            await asyncio.sleep(0)
        pool.submit(other)
        pool.cancel(job)
        await job.ended.wait()
        await other.ended.wait()
        assert cleaned == [True]
        assert isinstance(job.outcomes[0][1], asyncio.CancelledError)
        assert other.outcomes == [(3, None)]
        await pool.drain()

    run(work)


def test_cancelling_a_queued_job_keeps_it_from_starting() -> None:
    async def work() -> None:
        pool = InlineExecutor()
        job = RecordedJob(Kind.COROUTINE, add, a=1, b=2)
        pool.submit(job)
        pool.cancel(job)
        assert isinstance(job.outcomes[0][1], asyncio.CancelledError)
        await pool.drain()
        assert len(job.outcomes) == 1

    run(work)


def test_cancelling_a_thread_drops_what_it_still_returns() -> None:
    async def work() -> None:
        gate = threading.Event()
        pool = ThreadExecutor(1)
        job = RecordedJob(Kind.FUNCTION, lambda: gate.wait(60))
        pool.submit(job)
        while not job.starts:
            await asyncio.sleep(0)
        pool.cancel(job)
        gate.set()
        follower = RecordedJob(Kind.FUNCTION, add_now, a=1, b=1)
        pool.submit(follower)
        await follower.ended.wait()
        await pool.drain()
        assert len(job.outcomes) == 1
        assert isinstance(job.outcomes[0][1], asyncio.CancelledError)

    run(work)


@pytest.mark.parametrize("executor", [InlineExecutor, ThreadExecutor])
def test_each_job_has_its_own_context_variables(executor: Callable[[], Executor]) -> None:
    variable: ContextVar[int] = ContextVar("variable", default=0)

    def bump() -> int:
        variable.set(variable.get() + 1)
        return variable.get()

    async def work() -> None:
        variable.set(10)
        pool = executor()
        jobs = [RecordedJob(Kind.FUNCTION, bump) for _ in range(5)]
        for job in jobs:
            pool.submit(job)
        for job in jobs:
            await job.ended.wait()
        await pool.drain()
        assert [job.outcomes[0][0] for job in jobs] == [11] * 5
        assert variable.get() == 10

    run(work)


def test_the_loop_breathes_while_jobs_that_never_wait_follow_each_other() -> None:
    async def work() -> None:
        stop = False

        def again() -> None:
            if not stop:
                pool.submit(RecordedJob(Kind.COROUTINE, add, a=1, b=1))

        pool = InlineExecutor(on_idle=again)
        again()
        for _ in range(20):
            await asyncio.sleep(0)  # would never return if the worker held on to the loop
        stop = True
        await pool.drain()

    run(work)


def test_a_generator_on_a_thread_is_let_go_when_the_executor_is_drained() -> None:
    ended = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            ended.set()

    async def work() -> None:
        pool = ThreadExecutor(1)
        job = RecordedJob(Kind.GENERATOR, endless)
        pool.submit(job)
        while not job.emitted:
            await asyncio.sleep(0)
        await pool.drain()
        assert len(job.outcomes) == 1

    run(work)
    assert ended.wait(60)


def test_a_thread_executor_needs_a_thread() -> None:
    async def work() -> None:
        with pytest.raises(ValueError, match="-1"):
            ThreadExecutor(-1)

    run(work)
