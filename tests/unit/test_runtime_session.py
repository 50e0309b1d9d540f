"""Sessions: events for any number of readers, people, cancelling, rest, and the journal as the source of truth."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from petricore import (
    Agent,
    AtLeast,
    Context,
    FiringNotFoundError,
    Gather,
    ManualClock,
    NetError,
    Read,
    Runtime,
    SessionNotFoundError,
    TokenTypeError,
    Weight,
)
from petricore.runtime import MemoryJournal, Session
from petricore.runtime.events import (
    Cancelled,
    Closed,
    Completed,
    Edited,
    Event,
    Put,
    Quiescent,
    Rejected,
    Waiting,
)
from petricore.runtime.fold import Fold
from petricore.runtime.journal.memory import Log, MemoryLog


class Job(BaseModel):
    n: int


class Done(BaseModel):
    n: int


def on_a_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(_within(test(*args, **kwargs)))

    return run


async def _within(test: Awaitable[None]) -> None:
    async with asyncio.timeout(60):
        await test


def simple() -> Agent:
    agent = Agent("simple")

    @agent.transition
    async def work(job: Job) -> Done:
        return Done(n=job.n)

    return agent


def confirming() -> Agent:
    agent = Agent("confirming")

    @agent.transition(confirm=True)
    async def work(job: Job) -> Done:
        return Done(n=job.n)

    return agent


def blocking() -> tuple[Agent, asyncio.Event, list[str]]:
    agent = Agent("blocking")
    release = asyncio.Event()
    story: list[str] = []

    @agent.transition
    async def work(job: Job) -> Done:
        story.append("begun")
        try:
            await release.wait()
        except asyncio.CancelledError:
            story.append("cancelled")
            raise
        return Done(n=job.n)

    return agent, release, story


@on_a_loop
async def test_a_session_runs_without_an_audience_and_tells_later() -> None:
    async with Runtime() as runtime:
        session = await runtime.start(simple(), user="ann")
        await session.put(Job(n=1))
        await session.quiescent()
        assert await session.tokens(Done) == [Done(n=1)]
        assert session.marking == {"Job": 0, "Done": 1}
        kinds = [event.kind for event in session.history()]
        assert kinds == ["started", "put", "claimed", "completed", "quiescent"]


@on_a_loop
async def test_any_number_of_readers_see_every_event_and_resume_by_number() -> None:
    async with Runtime() as runtime:
        session = await runtime.start(simple())

        async def read(after: int) -> list[int]:
            return [event.number async for event in session.events(after)]

        readers = [asyncio.create_task(read(after)) for after in (0, 0, 3)]
        for n in range(5):
            await session.put(Job(n=n))
            await session.quiescent()
        await session.cancel()
        last = session.history()[-1].number
        assert await asyncio.gather(*readers) == [
            list(range(1, last + 1)),
            list(range(1, last + 1)),
            list(range(4, last + 1)),
        ]
        assert await read(last - 1) == [last]


@on_a_loop
async def test_a_slow_session_holds_up_no_other() -> None:
    agent, release, _ = blocking()
    async with Runtime() as runtime:
        slow = await runtime.start(agent)
        await slow.put(Job(n=1))
        others = [await runtime.start(simple()) for _ in range(3)]
        for other in others:
            await other.put(Job(n=2))
            await other.quiescent()
            assert await other.tokens(Done) == [Done(n=2)]
        assert [one.transition for one in slow.running] == ["work"]
        assert await slow.tokens(Done) == []
        release.set()
        await slow.quiescent()
        assert await slow.tokens(Done) == [Done(n=1)]


@on_a_loop
async def test_sessions_of_one_agent_share_no_token() -> None:
    agent = Agent("pairs")

    @agent.transition
    async def pair(jobs: Annotated[list[Job], Weight(2)]) -> Done:
        return Done(n=jobs[0].n * 100 + jobs[1].n)

    async with Runtime() as runtime:
        sessions = [await runtime.start(agent) for _ in range(50)]
        for round_ in range(2):
            for i, session in enumerate(sessions):
                await session.put(Job(n=i))
            if round_ == 0:
                for session in sessions:
                    await session.quiescent()
                    assert session.marking == {"Job": 1, "Done": 0}
        for i, session in enumerate(sessions):
            await session.quiescent()
            assert await session.tokens(Done) == [Done(n=101 * i)]


@on_a_loop
async def test_concurrency_is_shared_by_all_sessions() -> None:
    agent = Agent("shared")
    clock = ManualClock(autojump=True)
    running = most = 0

    @agent.transition(concurrency=2)
    async def work(job: Job) -> Done:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await clock.sleep(1)
        running -= 1
        return Done(n=job.n)

    async with Runtime(clock=clock) as runtime:
        sessions = [await runtime.start(agent) for _ in range(6)]
        for session in sessions:
            await session.put(Job(n=1))
        for session in sessions:
            await session.quiescent()
            assert len(await session.tokens(Done)) == 1
    assert most == 2
    assert clock.time() == 3


@on_a_loop
async def test_a_waiting_firing_is_approved_rejected_or_edited() -> None:
    async with Runtime() as runtime:
        session = await runtime.start(confirming())
        await session.put(Job(n=1), Job(n=2), Job(n=3))
        await session.settled()
        one, two, three = [pending.firing_id for pending in session.waiting]
        await session.approve(one)
        await session.reject(two, reason="too small")
        await session.edit(three, job=Job(n=30))
        assert [pending.arguments for pending in session.waiting] == [{"job": Job(n=30)}]
        await session.approve(three)
        await session.quiescent()
        assert sorted(done.n for done in await session.tokens(Done)) == [1, 30]
        assert await session.tokens(Job) == [Job(n=2)]
        (failure,) = session.failures
        assert (failure.kind, failure.error) == ("rejected", "too small")
        kinds = {type(event) for event in session.history()}
        assert {Waiting, Rejected, Edited} <= kinds


@on_a_loop
async def test_deciding_what_does_not_wait_is_a_named_error() -> None:
    async with Runtime() as runtime:
        session = await runtime.start(confirming())
        await session.put(Job(n=1))
        await session.settled()
        (pending,) = session.waiting
        with pytest.raises(NetError, match="'other' is no input"):
            await session.edit(pending.firing_id, other=1)
        with pytest.raises(TokenTypeError, match="takes Job, not Done"):
            await session.edit(pending.firing_id, job=Done(n=1))
        await session.approve(pending.firing_id)
        with pytest.raises(FiringNotFoundError, match=pending.firing_id):
            await session.approve(pending.firing_id)
        with pytest.raises(KeyError):
            await session.reject("nobody")
        with pytest.raises(FiringNotFoundError, match="'nobody'"):
            await session.cancel("nobody")
        with pytest.raises(FiringNotFoundError, match="'nothing'"):
            await session.answer("nothing", 1)


@on_a_loop
async def test_a_question_is_answered_by_its_request() -> None:
    agent = Agent("asks")

    @agent.transition
    async def work(job: Job, ctx: Context) -> Done:
        return Done(n=await ctx.ask("How many?", int))

    async with Runtime() as runtime:
        session = await runtime.start(agent)
        await session.put(Job(n=1))
        await session.settled()
        (pending,) = session.waiting
        assert (pending.question, pending.type, session.running) == ("How many?", int, [])
        assert pending.request_id is not None
        with pytest.raises(TokenTypeError, match="asks for int"):
            await session.answer(pending.request_id, "many")
        await session.answer(pending.request_id, "12")
        await session.quiescent()
        assert await session.tokens(Done) == [Done(n=12)]


@on_a_loop
async def test_a_cancelled_firing_keeps_its_tokens_in_the_failure() -> None:
    agent, _, story = blocking()
    async with Runtime() as runtime:
        session = await runtime.start(agent)
        await session.put(Job(n=1))
        while not session.running or not story:
            await asyncio.sleep(0)
        await session.cancel(session.running[0].firing_id)
        await session.quiescent()
        assert story == ["begun", "cancelled"]
        (failure,) = session.failures
        assert (failure.kind, failure.tokens) == ("cancelled", {"job": Job(n=1)})
        assert any(isinstance(event, Cancelled) for event in session.history())


@on_a_loop
async def test_a_cancelled_session_has_its_tokens_back_and_fires_no_more() -> None:
    agent, _, story = blocking()
    async with Runtime() as runtime:
        session = await runtime.start(agent)
        await session.put(Job(n=1), Job(n=2))
        while len(story) < 2:
            await asyncio.sleep(0)
        await session.cancel()
        await session.cancel()
        assert await session.tokens(Job) == [Job(n=1), Job(n=2)]
        assert session.marking == {"Job": 2, "Done": 0}
        assert session.running == []
        assert isinstance(session.history()[-1], Closed)
        with pytest.raises(NetError, match="is closed"):
            await session.put(Job(n=3))
        while story.count("cancelled") < 2:
            await asyncio.sleep(0)
        assert isinstance(session.history()[-1], Closed)
        await session.quiescent()


@on_a_loop
async def test_a_waiting_firing_can_be_cancelled() -> None:
    async with Runtime() as runtime:
        session = await runtime.start(confirming())
        await session.put(Job(n=1))
        await session.settled()
        await session.cancel(session.waiting[0].firing_id)
        await session.quiescent()
        assert session.waiting == []
        assert session.failures[0].tokens == {"job": Job(n=1)}


@on_a_loop
async def test_quiescence_that_does_not_come_says_what_is_under_way() -> None:
    clock = ManualClock(autojump=True)
    async with Runtime(clock=clock) as runtime:
        session = await runtime.start(confirming())
        await session.put(Job(n=1))
        with pytest.raises(TimeoutError, match="not at rest after 5 s; under way: work"):
            await session.quiescent(timeout=5)
        assert not any(isinstance(event, Quiescent) and event.number > 2 for event in session.history())


@on_a_loop
async def test_all_puts_of_a_call_or_none() -> None:
    async with Runtime() as runtime:
        session = await runtime.start(simple())
        with pytest.raises(TokenTypeError):
            await session.put(Job(n=1), "text")
        assert session.marking == {"Job": 0, "Done": 0}
        assert not any(isinstance(event, Put) for event in session.history())


@on_a_loop
async def test_the_end_of_the_runtime_ends_actions_and_readers() -> None:
    agent, _, story = blocking()
    async with Runtime() as runtime:
        session = await runtime.start(agent)
        await session.put(Job(n=1))
        while not story:
            await asyncio.sleep(0)
        reader = asyncio.create_task(_read_all(session))
        await asyncio.sleep(0)
    assert story == ["begun", "cancelled"]
    assert (await reader)[-1].kind == "claimed"


async def _read_all(session: Session) -> list[Event]:
    return [event async for event in session.events()]


@on_a_loop
async def test_sessions_are_found_by_id() -> None:
    async with Runtime() as runtime:
        session = await runtime.start(simple(), session_id="mine")
        assert runtime.sessions() == ["mine"]
        assert await runtime.resume("mine") is session
        with pytest.raises(SessionNotFoundError, match="'yours'"):
            await runtime.resume("yours")
        with pytest.raises(KeyError):
            await runtime.resume("yours")
        with pytest.raises(NetError, match="'mine' exists already"):
            await runtime.start(simple(), session_id="mine")


@on_a_loop
async def test_a_runtime_is_used_in_async_with_and_once() -> None:
    runtime = Runtime()
    with pytest.raises(RuntimeError, match="new"):
        await runtime.start(simple())
    async with runtime:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        await runtime.start(simple())
    with pytest.raises(NetError, match="lease is a number of seconds"):
        Runtime(lease=0)
    with pytest.raises(NetError, match="'mysql://host/db': there are"):
        Runtime("mysql://host/db")


@on_a_loop
async def test_a_gather_that_waits_says_for_whom() -> None:
    agent = Agent("gathers")

    @agent.transition
    async def split(job: Job) -> list[Done]:
        return [Done(n=n) for n in range(job.n)]

    @agent.transition(where={"done": lambda done: done.n == 1}, confirm=True)
    async def check(done: Done) -> float:
        return 1.0

    @agent.transition(where={"done": lambda done: done.n != 1})
    async def pass_(done: Done) -> float:
        return 0.0

    @agent.transition
    async def join(all_: Annotated[list[float], Gather()]) -> str:
        return f"{sum(all_)} of {len(all_)}"

    async with Runtime() as runtime:
        session = await runtime.start(agent)
        await session.put(Job(n=3))
        await session.settled()
        (status,) = session.gathers()
        assert (status.place, status.members) == ("float", (0.0, 0.0))
        assert [one.firing_id for one in session.waiting] == list(status.firings) or status.blockers
        await session.approve(session.waiting[0].firing_id)
        await session.quiescent()
        assert await session.tokens(str) == ["1.0 of 3"]


# -- the journal


def busy_agent() -> Agent:
    agent = Agent("busy")

    @agent.transition
    async def split(job: Job) -> list[Done]:
        if job.n % 7 == 3:
            raise ValueError("three")
        return [Done(n=job.n + i) for i in range(job.n % 4)]

    @agent.transition(on_error="errors", where={"done": lambda done: done.n % 2 == 0})
    async def even(done: Done) -> int | None:
        if done.n % 5 == 0:
            raise ValueError("five")
        await asyncio.sleep(0)
        return done.n if done.n % 3 else None

    @agent.transition(on_error="release", where={"done": lambda done: done.n % 2 == 1})
    def odd(done: Done, limit: Annotated[float, Read()]) -> str:
        if done.n > limit:
            raise ValueError("above the limit")
        return str(done.n)

    @agent.transition(confirm=True)
    async def pairs(some: Annotated[list[int], AtLeast(2)]) -> bytes:
        return bytes(len(some))

    return agent


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 30), max_size=12), st.lists(st.booleans(), max_size=6))
def test_the_fold_of_the_journal_is_the_marking_of_the_fleet(
    numbers: list[int], decisions: list[bool]
) -> None:
    async def run() -> None:
        journal = MemoryJournal()
        async with Runtime(journal) as runtime:
            session = await runtime.start(busy_agent())
            await session.put(9.5, *[Job(n=n) for n in numbers])
            await session.settled()
            for decision in decisions:
                if not session.waiting:
                    break
                firing_id = session.waiting[0].firing_id
                await (session.approve(firing_id) if decision else session.reject(firing_id))
                await session.settled()
            check(session)
            await session.cancel()
            check(session)
            ends = {event.firing_id for event in session.history() if isinstance(event, Completed)}
            assert len(ends) == sum(isinstance(event, Completed) for event in session.history())

    asyncio.run(run())


def check(session: Session) -> None:
    """The fold of the journal says the same as the fleet, at the end, and never loses a token on the way."""
    events = session.history()
    fold = Fold(events)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert fold.marking() == {place: n for place, n in session.marking.items() if n}
    for place in session.marking:
        assert [token.value for token in fold.tokens(place)] == session.peek(place)
    under_way = {*(one.firing_id for one in session.running), *(one.firing_id for one in session.waiting)}
    assert set(fold.held) == under_way
    assert session.marking_at(len(events)) == fold.marking()
    assert session.marking_at(1) == {}


@on_a_loop
async def test_a_journal_that_fails_stops_the_runtime_and_whoever_waits_is_told() -> None:
    class FullLog(MemoryLog):
        def append(self, event: Event, encoded: None) -> None:
            if event.kind == "completed":
                raise OSError("disk full")
            super().append(event, encoded)

    class FullJournal(MemoryJournal):
        def create(self, session_id: str) -> Log:
            return FullLog()

    async with Runtime(FullJournal()) as runtime:
        session = await runtime.start(simple())
        reader = asyncio.create_task(_read_all(session))
        await session.put(Job(n=1))
        with pytest.raises(OSError, match="disk full"):
            await session.quiescent()
        with pytest.raises(OSError, match="disk full"):
            await reader


# -- threads


@on_a_loop
async def test_sync_actions_block_no_other_and_the_pool_has_the_size_it_was_given() -> None:
    agent = Agent("threads")
    both = threading.Barrier(2)

    @agent.transition
    def work(job: Job) -> Done:
        both.wait(60)
        return Done(n=job.n)

    async with Runtime(threads=2) as runtime:
        session = await runtime.start(agent)
        await session.put(Job(n=1), Job(n=2))
        await session.quiescent()
        assert sorted(done.n for done in await session.tokens(Done)) == [1, 2]
