"""What a first user of the durable runtime has broken, and breaks no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from petricore import (
    Agent,
    Context,
    JournalCorruptError,
    NetError,
    RetryPolicy,
    Runtime,
    SessionNotFoundError,
)
from petricore.runtime.events import Completed
from petricore.runtime.journal.memory_store import MemoryStore
from petricore.runtime.journal.store import Snapshot, Store

from .test_resume import Crash, Done, Job, on_a_loop

ODD_NAMES = ["", "a\0", "\udc80", "x" * 600, 5]


def confirmed() -> Agent:
    agent = Agent("confirmed")

    @agent.transition(confirm=True)
    async def work(job: Job) -> Done:
        return Done(n=job.n)

    return agent


@on_a_loop
async def test_whoever_waits_for_rest_is_told_of_what_is_durable(store: Store) -> None:
    agent = confirmed()
    async with Runtime(store, agents=[agent]) as runtime:
        session = await runtime.start(agent)
        for wait in (session.quiescent, session.settled, lambda: session.tokens(Done)):
            await session.put(Job(n=1))
            await session.settled()
            done = sum(isinstance(event, Completed) for event in session.history())
            await session.approve(session.waiting[0].firing_id)
            while not any(one.n for one in session.peek(Done)[done:]):
                await asyncio.sleep(0)
            await wait()
            assert sum(isinstance(event, Completed) for event in session.history()) == done + 1


@pytest.mark.parametrize("fails", [0, 1, 2])
@on_a_loop
async def test_each_attempt_that_a_crash_ends_counts(fails: int) -> None:
    store, attempts = MemoryStore(), []
    agent = Agent("flaky")

    @agent.transition(retries=RetryPolicy(initial_interval=0.001, max_attempts=20))
    async def work(job: Job, ctx: Context) -> None:
        attempts.append(ctx.attempt)
        if ctx.attempt <= fails:
            raise ValueError(ctx.attempt)
        await asyncio.sleep(60)

    async with Crash(store, agent) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        while len(attempts) <= fails:
            await asyncio.sleep(0.002)
    for _ in range(3):
        before = len(attempts)
        async with Crash(store, agent) as runtime:
            await runtime.resume("s")
            while len(attempts) == before:
                await asyncio.sleep(0.002)
    # the first that follows a failure may be told twice: whether it had begun is not in the journal
    later = attempts[fails:]
    assert later in ([fails + 1 + n for n in range(4)], [fails + 1, *(fails + 1 + n for n in range(3))])


@on_a_loop
async def test_a_fork_does_not_run_a_generator_again_that_has_put_something(store: Store) -> None:
    agent = Agent("counts")
    go_on = asyncio.Event()

    @agent.transition
    async def count(job: Job) -> AsyncIterator[Done]:
        for n in range(4):
            if n == 2:
                await go_on.wait()
            yield Done(n=n)

    async with Runtime(store, agents=[agent]) as runtime:
        session = await runtime.start(agent)
        await session.put(Job(n=1))
        while len(session.peek(Done)) < 2:
            await asyncio.sleep(0.001)
        fork = await session.fork()
        go_on.set()
        await session.quiescent(10)
        await fork.quiescent(10)
        assert [one.n for one in await session.tokens(Done)] == [0, 1, 2, 3]
        assert [one.n for one in await fork.tokens(Done)] == [0, 1]
        assert [one.kind for one in fork.failures] == ["interrupted"]


@on_a_loop
async def test_a_key_that_is_no_text_is_refused_where_it_is_remembered(store: Store) -> None:
    agent = Agent("remembers")
    refused: list[object] = []

    @agent.transition
    async def work(job: Job, ctx: Context) -> None:
        for key in (("page", 1), 7, ""):
            try:
                await ctx.remember(key, 1)  # type: ignore[arg-type]
            except NetError:
                refused.append(key)

    async with Runtime(store, agents=[agent]) as runtime:
        session = await runtime.start(agent)
        await session.put(Job(n=1))
        await session.quiescent()
    assert refused == [("page", 1), 7, ""]


@pytest.mark.parametrize("name", ODD_NAMES)
@on_a_loop
async def test_a_name_that_is_none_harms_nobody(store: Store, name: Any) -> None:
    agent = confirmed()
    async with Runtime(store, agents=[agent]) as runtime:
        bystander = await runtime.start(agent)
        with pytest.raises(NetError):
            await runtime.start(agent, name)
        with pytest.raises(NetError):
            await bystander.fork(session_id=name)
        with pytest.raises(SessionNotFoundError):
            await runtime.resume(name)
        with pytest.raises(NetError):
            Agent(name)
        await bystander.put(Job(n=1))


@on_a_loop
async def test_what_is_no_text_ends_nothing(store: Store) -> None:
    agent = confirmed()
    async with Runtime(store, agents=[agent]) as runtime:
        session = await runtime.start(agent)
        await session.put(Job(n=1))
        await session.settled()
        firing = session.waiting[0].firing_id
        for refused in (
            session.cancel(reason=ValueError()),  # type: ignore[arg-type]
            session.cancel(by=object()),  # type: ignore[arg-type]
            session.cancel(firing, siblings_of=firing),
            session.put(Job(n=2), by=5),  # type: ignore[arg-type]
            session.approve(firing, by=5),  # type: ignore[arg-type]
            session.reject(firing, by="\0"),
            session.fork(at=True),
            session.fork(at=2.5),  # type: ignore[arg-type]
        ):
            with pytest.raises(NetError):
                await refused
        for number in (-1, 2.5, float("nan"), True):
            with pytest.raises(NetError):
                session.history(after=number)  # type: ignore[arg-type]
            with pytest.raises(NetError):
                session.marking_at(number)  # type: ignore[arg-type]
        assert session.marking == {"Job": 0, "Done": 0}
        await session.approve(firing)
        await session.quiescent()
        assert session.marking == {"Job": 0, "Done": 1}


@on_a_loop
async def test_an_input_named_by_cannot_be_taken_for_who_edits() -> None:
    agent = Agent("by")

    @agent.transition(confirm=True)
    async def work(by: Job) -> None: ...

    async with Runtime() as runtime:
        session = await runtime.start(agent)
        await session.put(Job(n=1))
        await session.settled()
        with pytest.raises(NetError, match="'by'"):
            await session.edit(session.waiting[0].firing_id, by=Job(n=2))  # type: ignore[arg-type]


@on_a_loop
async def test_nobody_is_asked_what_nobody_can_answer() -> None:
    agent = Agent("asks")

    class Plain:
        pass

    @agent.transition
    async def work(job: Job, ctx: Context) -> None:
        await ctx.ask("q", Plain, deadline=60, default=Plain())

    async with Runtime() as runtime:
        session = await runtime.start(agent)
        await session.put(Job(n=1))
        await session.quiescent(10)
        assert "no schema" in session.failures[0].error


def test_an_asynchronous_predicate_is_refused() -> None:
    agent = Agent("guards")

    async def always(job: Job) -> bool:
        return True

    with pytest.raises(NetError, match="asynchronous"):

        @agent.transition(where={"job": always})
        async def work(job: Job) -> None: ...


@pytest.mark.parametrize(
    "options",
    [
        {"journal_patience": -1},
        {"journal_patience": float("nan")},
        {"max_interruptions": -1},
        {"lease": float("inf")},
        {"lease": "30"},
        {"max_firings": 1.5},
        {"agents": [5]},
        {"agents": Agent("one")},
    ],
)
def test_an_option_of_the_runtime_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(NetError, match=next(iter(options))):
        Runtime(**options)


@on_a_loop
async def test_a_draining_runtime_says_so(tmp_path: Path) -> None:
    agent = confirmed()
    async with Runtime(tmp_path / "j.db", agents=[agent]) as runtime:
        session = await runtime.start(agent)
        await runtime.drain()
        with pytest.raises(RuntimeError, match="draining"):
            await runtime.start(agent)
        await session.put(Job(n=1))
        with pytest.raises(TimeoutError, match="draining"):
            await session.quiescent(0.05)
    await runtime.__aexit__(None, None, None)


@on_a_loop
async def test_a_snapshot_that_is_none_is_told_as_what_it_is() -> None:
    store, agent = MemoryStore(), confirmed()
    async with Runtime(store, agents=[agent], snapshot_every=1) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        await session.settled()
    kept = store._find("s").snapshots
    kept[-1] = Snapshot(kept[-1].number, b'{"format": 99}')
    async with Runtime(store, agents=[agent]) as runtime:
        for _ in range(2):
            with pytest.raises(JournalCorruptError, match="format 99"):
                await runtime.resume("s")
