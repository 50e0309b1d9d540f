"""Sessions go on where a process left them: what is in the journal is all that a runtime needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import wraps
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from petricore import (
    Agent,
    Context,
    Failure,
    Gather,
    ManualClock,
    NetError,
    Read,
    RetryPolicy,
    Runtime,
    SessionLostError,
    SessionNotFoundError,
    VersionError,
)
from petricore.runtime.journal.memory_store import MemoryStore


class Job(BaseModel):
    """In."""

    n: int


class Part(BaseModel):
    """Between."""

    n: int


class Done(BaseModel):
    """Out."""

    n: int


class Rule(BaseModel):
    """Looked at, and left."""

    text: str


def on_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))

    return run


class Crash:
    """A runtime that is given up as a killed process gives it up: nothing is written any more."""

    def __init__(self, store: MemoryStore, *agents: Agent, **options: Any) -> None:
        self.store = _Door(store)
        options.setdefault("owner", "first")
        self.runtime = Runtime(self.store, agents=agents, **options)

    async def __aenter__(self) -> Runtime:
        return await self.runtime.__aenter__()

    async def __aexit__(self, *error: object) -> None:
        self.store.shut = True
        await self.runtime.__aexit__(None, None, None)


class _Door:
    """A store behind a door that a crash shuts."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.shut = False

    def write(self, batch: Any) -> Any:
        return {} if self.shut else self._store.write(batch)

    def retire(self, owner: str) -> None:
        if not self.shut:
            self._store.retire(owner)

    def close(self) -> None:
        """The store outlives the process."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def chain(calls: list[str]) -> Agent:
    agent = Agent("chain")

    @agent.transition
    async def first(job: Job, ctx: Context) -> Part:
        calls.append(f"first {ctx.firing_id} {ctx.attempt}")
        return Part(n=job.n)

    @agent.transition(confirm=True)
    async def second(part: Part, ctx: Context) -> Done:
        calls.append(f"second {ctx.firing_id} {ctx.attempt}")
        return Done(n=part.n + 1)

    return agent


@on_a_loop
async def test_a_session_goes_on_in_another_runtime_after_a_crash() -> None:
    store, calls = MemoryStore(), list[str]()
    async with Crash(store, chain(calls)) as runtime:
        session = await runtime.start(chain(calls), "s", user="ann")
        await session.put(Job(n=1), Job(n=2))
        await session.settled()
        assert [one.transition for one in session.waiting] == ["second", "second"]
        (first, _) = session.waiting
    agent = chain(calls)
    async with Runtime(store, agents=[agent], owner="first") as runtime:
        assert runtime.sessions() == ["s"]
        session = await runtime.resume("s")
        assert session.user == "ann"
        assert session.waiting[0].firing_id == first.firing_id
        for one in session.waiting:
            await session.approve(one.firing_id, by="ann")
        await session.quiescent()
        assert await session.tokens(Done) == [Done(n=2), Done(n=3)]
        assert [event.number for event in session.history()] == list(range(1, len(session.history()) + 1))
    assert calls == ["first s/1 1", "first s/2 1", "second s/3 1", "second s/4 1"]


@on_a_loop
async def test_an_action_that_was_under_way_runs_again_under_the_same_id() -> None:
    store, calls = MemoryStore(), list[tuple[str, int]]()
    agent = Agent("again")
    held = asyncio.Event()

    @agent.transition
    async def work(job: Job, ctx: Context) -> Done:
        calls.append((ctx.firing_id, ctx.attempt))
        if len(calls) == 1:
            held.set()
            await asyncio.Event().wait()
        return Done(n=job.n)

    async with Crash(store, agent) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        await held.wait()
    async with Runtime(store, agents=[agent], owner="first") as runtime:
        session = await runtime.resume("s")
        await session.quiescent()
        assert await session.tokens(Done) == [Done(n=1)]
        assert [event.kind for event in session.history()] == [
            "started",
            "quiescent",
            "put",
            "claimed",
            "resumed",
            "completed",
            "quiescent",
        ]
    assert calls == [("s/1", 1), ("s/1", 2)]


@on_a_loop
async def test_at_most_once_fails_an_interrupted_firing_by_its_policy() -> None:
    store, calls = MemoryStore(), list[int]()
    agent = Agent("once")
    agent.place("lost", Failure)
    held = asyncio.Event()

    @agent.transition(delivery="at_most_once", on_error="lost")
    async def work(job: Job, ctx: Context) -> Done:
        calls.append(ctx.attempt)
        held.set()
        await asyncio.Event().wait()
        return Done(n=job.n)

    async with Crash(store, agent) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        await held.wait()
    async with Runtime(store, agents=[agent], owner="first") as runtime:
        session = await runtime.resume("s")
        await session.quiescent()
        (failure,) = await session.tokens("lost")
        assert failure.kind == "interrupted"
        assert failure.tokens == {"job": Job(n=1)}
    assert calls == [1]


@on_a_loop
async def test_an_action_that_kills_its_process_every_time_fails_in_the_end() -> None:
    store, calls = MemoryStore(), list[int]()
    agent = Agent("killer")

    @agent.transition
    async def work(job: Job, ctx: Context) -> Done:
        calls.append(ctx.attempt)
        await asyncio.Event().wait()
        return Done(n=job.n)

    async with Crash(store, agent) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        while len(calls) < 1:
            await asyncio.sleep(0.001)
    for life in (2, 3):
        async with Crash(store, agent, max_interruptions=2) as runtime:
            while len(calls) < life:
                await asyncio.sleep(0.001)
    async with Crash(store, agent, max_interruptions=2) as runtime:
        session = await runtime.resume("s")
        await session.quiescent()
    assert [failure.kind for failure in session.failures] == ["interrupted"]
    assert len(calls) == 3


@on_a_loop
async def test_delays_and_backoffs_keep_to_the_clock_over_a_crash() -> None:
    store, clock = MemoryStore(), ManualClock(1000.0)
    agent, begun = Agent("later"), list[float]()

    @agent.transition(delay=100, retries=RetryPolicy(initial_interval=50, max_attempts=2, jitter=False))
    async def work(job: Job, ctx: Context) -> Done:
        begun.append(clock.time())
        if ctx.attempt == 1:
            raise ValueError("no")
        return Done(n=job.n)

    async def until(runtime: Runtime, time: float) -> None:
        while clock.time() < time:
            clock.advance(1)
            for _ in range(20):
                await asyncio.sleep(0.0001)

    async with Crash(store, agent, clock=clock) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        await until(runtime, 1060)
    async with Crash(store, agent, clock=clock) as runtime:
        await until(runtime, 1120)
    assert begun == [pytest.approx(1100, abs=1)]
    async with Runtime(store, agents=[agent], owner="first", clock=clock) as runtime:
        await until(runtime, 1160)
        session = await runtime.resume("s")
        await session.quiescent()
        assert await session.tokens(Done) == [Done(n=1)]
    assert begun[1] == pytest.approx(1150, abs=2)


@on_a_loop
@pytest.mark.parametrize("snapshot_every", [1, 3, 1000])
async def test_groups_generators_and_reads_survive(snapshot_every: int) -> None:
    store = MemoryStore()
    agent = Agent("groups")
    stopped, run = asyncio.Event(), [False]

    @agent.transition
    def split(job: Job) -> Iterator[Part]:
        for i in range(job.n):
            yield Part(n=i)

    @agent.transition
    async def look(part: Part, rule: Annotated[Rule, Read()]) -> Done:
        if part.n == 2 and not run[0]:
            stopped.set()
            await asyncio.Event().wait()
        return Done(n=part.n + len(rule.text))

    @agent.transition
    def gather(all_done: Annotated[list[Done], Gather()]) -> Job | None:
        return Job(n=-sum(one.n for one in all_done))

    @agent.transition(where={"job": lambda job: job.n < 0}, priority=1, confirm=True)
    def end(job: Job) -> None: ...

    async with Crash(store, agent, snapshot_every=snapshot_every) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Rule(text="abc"))
        await session.put(Job(n=4))
        await stopped.wait()
        await asyncio.sleep(0.05)
    run[0] = True
    async with Runtime(store, agents=[agent], owner="first", snapshot_every=snapshot_every) as runtime:
        session = await runtime.resume("s")
        await session.settled()
        (waiting,) = session.waiting
        assert waiting.arguments == {"job": Job(n=-(0 + 1 + 2 + 3 + 4 * 3))}
        assert await session.tokens(Rule) == [Rule(text="abc")]


@on_a_loop
async def test_what_was_remembered_and_answered_is_known_again() -> None:
    store = MemoryStore()
    agent, asked = Agent("asks"), list[str]()
    again = asyncio.Event()

    @agent.transition
    async def work(job: Job, ctx: Context) -> Done:
        ctx.remember("seen", [*ctx.recall("seen", []), ctx.attempt])
        colour = await ctx.ask("which colour?")
        asked.append(colour)
        if not again.is_set():
            await asyncio.Event().wait()
        return Done(n=len(colour) + await ctx.ask("how many?", int))

    async with Crash(store, agent) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        await session.settled()
        await session.answer(session.waiting[0].request_id or "", "red", by="bob")
        while not asked:
            await asyncio.sleep(0.001)
    again.set()
    async with Runtime(store, agents=[agent], owner="first") as runtime:
        session = await runtime.resume("s")
        await session.settled()
        assert [one.question for one in session.waiting] == ["how many?"]
        await session.answer(session.waiting[0].request_id or "", 4)
        await session.quiescent()
        assert await session.tokens(Done) == [Done(n=7)]
        assert session.memory == {"seen": [1, 2]}
    assert asked == ["red", "red"]


@on_a_loop
async def test_what_cannot_be_kept_is_not_remembered_in_any_kind_of_action() -> None:
    agent = Agent("forgets")

    @agent.transition
    async def inline(job: Job, ctx: Context) -> Done:
        ctx.remember("thing", object())
        return Done(n=job.n)

    @agent.transition
    def on_a_thread(part: Part, ctx: Context) -> Done:
        ctx.remember("thing", object())
        return Done(n=part.n)

    async with Runtime(MemoryStore(), agents=[agent]) as runtime:
        session = await runtime.start(agent)
        await session.put(Job(n=1), Part(n=2))
        await session.quiescent()
        assert session.memory == {}
        assert sorted(failure.transition for failure in session.failures) == ["inline", "on_a_thread"]
        assert all("TokenTypeError" in failure.error for failure in session.failures)


@on_a_loop
async def test_idle_sessions_leave_the_memory_and_come_back_when_asked() -> None:
    store, calls, clock = MemoryStore(), list[str](), ManualClock(0.0)
    agent = chain(calls)
    async with Runtime(store, agents=[agent], clock=clock, idle_after=10) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        await session.settled()
        for _ in range(40):
            clock.advance(1)
            await asyncio.sleep(0.002)
        assert session.parked
        assert runtime.in_memory() == []
        (waiting,) = session.waiting
        assert not session.parked
        await session.approve(waiting.firing_id)
        await session.quiescent()
        assert await session.tokens(Done) == [Done(n=2)]
        assert await runtime.resume("s") is session


@on_a_loop
async def test_a_session_of_a_living_runtime_is_not_taken_and_a_dead_ones_is() -> None:
    store, calls, clock = MemoryStore(), list[str](), ManualClock(0.0)
    agent = chain(calls)
    async with (
        Runtime(store, agents=[agent], owner="one", clock=clock, lease=30) as one,
        Runtime(store, agents=[agent], owner="two", clock=clock, lease=30) as two,
    ):
        session = await one.start(agent, "s")
        await session.put(Job(n=1))
        await session.settled()
        with pytest.raises(SessionLostError, match="'one'"):
            await two.resume("s")
        store.renew("one", clock.time() - 1)  # as if it had not renewed its lease
        taken = await two.resume("s")
        await taken.approve(taken.waiting[0].firing_id)
        await taken.quiescent()
        with pytest.raises(SessionLostError, match="taken session 's' over"):
            await session.put(Job(n=2))
        assert await taken.tokens(Done) == [Done(n=2)]
        assert session.closed


@on_a_loop
async def test_what_cannot_be_resumed_says_why() -> None:
    store, calls = MemoryStore(), list[str]()
    async with Runtime(store) as runtime:
        session = await runtime.start(chain(calls), "s")
        await session.put(Job(n=1))
        await session.settled()
        with pytest.raises(NetError, match="exists already"):
            await runtime.start(chain(calls), "s")
    async with Runtime(store) as runtime:
        with pytest.raises(SessionNotFoundError, match="'other'"):
            await runtime.resume("other")
        with pytest.raises(NetError, match="agent 'chain', which is not known"):
            await runtime.resume("s")
        with pytest.raises(NetError, match="'s' exists already"):
            await runtime.start(Agent("empty"), "s")
    changed = chain(calls)

    @changed.transition
    async def third(done: Done) -> None: ...

    async with Runtime(store, agents=[changed]) as runtime:
        with pytest.raises(VersionError, match="runs version"):
            await runtime.resume("s")


@on_a_loop
async def test_draining_lets_actions_end_and_claims_nothing_more() -> None:
    store = MemoryStore()
    agent, gate = Agent("drains"), asyncio.Event()
    begun = list[int]()

    @agent.transition(concurrency=1)
    async def work(job: Job) -> Done:
        begun.append(job.n)
        await gate.wait()
        return Done(n=job.n)

    async with Runtime(store, agents=[agent]) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1), Job(n=2))
        while not begun:
            await asyncio.sleep(0)
        drained = asyncio.create_task(runtime.drain())
        await asyncio.sleep(0)
        gate.set()
        assert await drained
    assert begun == [1]
    async with Runtime(store, agents=[agent]) as runtime:
        session = await runtime.resume("s")
        await session.quiescent()
        assert await session.tokens(Done) == [Done(n=1), Done(n=2)]


@on_a_loop
async def test_no_more_actions_run_at_once_than_allowed() -> None:
    agent, running, most = Agent("many"), [0], [0]

    @agent.transition
    async def work(job: Job) -> Done:
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0)
        running[0] -= 1
        return Done(n=job.n)

    async with Runtime(max_firings=7) as runtime:
        session = await runtime.start(agent)
        await session.put(*(Job(n=i) for i in range(100)))
        await session.quiescent()
        assert len(await session.tokens(Done)) == 100
    assert most == [7]
