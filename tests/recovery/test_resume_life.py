"""Deadlines, due times, files and compensation go on where a process left them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, field_validator

from petricore import (
    Agent,
    Confirm,
    Context,
    Every,
    From,
    JournalCorruptError,
    ManualClock,
    RetryPolicy,
    Runtime,
    Tick,
)
from petricore.runtime import Session
from petricore.runtime.events import Approved, Asked, Claimed, Closed, Put, Rejected, Retried
from petricore.runtime.journal.memory_store import MemoryStore
from tests.recovery.test_resume import Crash, on_a_loop


class Job(BaseModel):
    n: int


class Part(BaseModel):
    n: int


class Done(BaseModel):
    n: int


async def passes(n: int = 50) -> None:
    """Let the loop run."""
    for _ in range(n):
        await asyncio.sleep(0)


def at_once(work: Any) -> Future[Any]:
    """Write without a thread, so that the loop's passes are all that is waited for."""
    done: Future[Any] = Future()
    try:
        done.set_result(work())
    except Exception as error:
        done.set_exception(error)
    return done


def polling(missed: Any, when: Any = 10) -> Agent:
    agent = Agent("polling")

    @agent.transition(every=Every(when, missed=missed))
    async def poll(tick: Tick) -> Done:
        return Done(n=tick.number)

    return agent


def of(session: Session, *kinds: type) -> list[Any]:
    return [event for event in session.history() if isinstance(event, kinds)]


@pytest.mark.parametrize(
    ("missed", "numbers"),
    [("skip", [1, 2, 10]), ("once", [1, 2, 9, 10]), ("all", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])],
)
@pytest.mark.parametrize("snapshot_every", [1, 1000])
@on_a_loop
async def test_due_times_missed_between_two_processes_are_computed_from_the_journal(
    missed: str, numbers: list[int], snapshot_every: int
) -> None:
    store, agent, clock = MemoryStore(), polling(missed), ManualClock()
    async with Crash(store, agent, writer=at_once, clock=clock, snapshot_every=snapshot_every) as runtime:
        session = await runtime.start(agent, "s")
        clock.advance(10)
        await passes()
        clock.advance(15)
        await passes()
        assert [one.n for one in session.peek(Done)] == [1, 2]
    clock.advance(71)  # nobody is there; 96 now
    async with Runtime(store, agents=[agent], writer=at_once, owner="first", clock=clock) as runtime:
        session = await runtime.resume("s")
        await passes()
        clock.advance(4)
        await passes()
        assert [one.n for one in session.peek(Done)] == numbers
        assert {event.by for event in of(session, Put)} == {"every:poll"}


@on_a_loop
async def test_a_parked_session_is_taken_up_when_its_source_is_due() -> None:
    store, agent, clock = MemoryStore(), polling("skip", "@daily"), ManualClock(start=1000.0)
    async with Runtime(store, agents=[agent], writer=at_once, clock=clock, idle_after=60) as runtime:
        session = await runtime.start(agent, "s")
        for _ in range(5):
            clock.advance(60)
            await passes(20)
        assert session.parked
        assert store.rows()[0].wake == 86400.0
        clock.advance(86400.0 - clock.time())
        await passes()
        assert [one.n for one in session.peek(Done)] == [1]
        assert of(session, Put)[0].time == 86400.0


@pytest.mark.parametrize("snapshot_every", [1, 1000])
@on_a_loop
async def test_the_deadline_of_a_confirmation_survives_the_process(snapshot_every: int) -> None:
    store, clock = MemoryStore(), ManualClock()
    agent = Agent("confirming")

    @agent.transition(confirm=Confirm("Sure?", deadline=100, otherwise="approve"))
    async def work(job: Job) -> Done:
        return Done(n=job.n)

    async with Crash(store, agent, writer=at_once, clock=clock, snapshot_every=snapshot_every) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        while not session.waiting:
            await passes(1)
        await session.committed()
        clock.advance(40)
    async with Runtime(store, agents=[agent], writer=at_once, owner="first", clock=clock) as runtime:
        session = await runtime.resume("s")
        (pending,) = session.waiting
        assert (pending.question, pending.deadline) == ("Sure?", 100.0)
        clock.advance(59)
        await passes(5)
        assert session.waiting
        clock.advance(1)
        await session.quiescent()
        assert session.peek(Done) == [Done(n=1)]
        assert of(session, Approved)[0].by == "deadline"


@on_a_loop
async def test_a_deadline_that_passed_meanwhile_decides_at_once() -> None:
    store, clock = MemoryStore(), ManualClock()
    agent = Agent("confirming")

    @agent.transition(confirm=Confirm(deadline=100))
    async def work(job: Job) -> Done:
        return Done(n=job.n)

    async with Crash(store, agent, writer=at_once, clock=clock) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        while not session.waiting:
            await passes(1)
        await session.committed()
    clock.advance(1000)
    async with Runtime(store, agents=[agent], writer=at_once, owner="first", clock=clock) as runtime:
        session = await runtime.resume("s")
        clock.advance(0)
        await session.quiescent()
        assert session.peek(Job) == [Job(n=1)]
        assert of(session, Rejected)[0].failure.error == "nobody decided within 100 s"


@pytest.mark.parametrize("snapshot_every", [1, 1000])
@on_a_loop
async def test_a_question_keeps_its_deadline_when_it_is_asked_again(snapshot_every: int) -> None:
    store, clock = MemoryStore(), ManualClock()
    agent = Agent("asking")

    @agent.transition
    async def work(job: Job, ctx: Context) -> Done:
        first = await ctx.ask("first?", int, deadline=100, default=1)
        return Done(n=first + await ctx.ask("second?", int, deadline=50, default=2))

    async with Crash(store, agent, writer=at_once, clock=clock, snapshot_every=snapshot_every) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        while not session.waiting:
            await passes(1)
        await session.answer(session.waiting[0].request_id or "", 10)
        while not session.waiting:
            await passes(1)
        await session.committed()
        clock.advance(20)
    async with Runtime(store, agents=[agent], writer=at_once, owner="first", clock=clock) as runtime:
        session = await runtime.resume("s")
        while not session.waiting:
            await passes(1)
        assert session.waiting[0].deadline == 50.0
        await session.committed()
        assert [event.deadline for event in of(session, Asked)] == [100.0, 50.0, 50.0]
        clock.advance(30)
        await session.quiescent()
        assert session.peek(Done) == [Done(n=12)]


@on_a_loop
async def test_the_delay_before_a_retry_survives_the_process() -> None:
    store, clock = MemoryStore(), ManualClock()
    agent, attempts = Agent("retrying"), list[float]()

    @agent.transition(retries=RetryPolicy(initial_interval=100, jitter=False, max_attempts=2))
    async def work(job: Job) -> Done:
        attempts.append(clock.time())
        if len(attempts) == 1:
            raise OSError("down")
        return Done(n=job.n)

    async with Crash(store, agent, writer=at_once, clock=clock) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        while not of(session, Retried):
            await passes(1)
        clock.advance(30)
    async with Runtime(store, agents=[agent], writer=at_once, owner="first", clock=clock) as runtime:
        session = await runtime.resume("s")
        clock.advance(69)
        await passes(5)
        clock.advance(1)
        await session.quiescent()
    assert attempts == [0.0, 100.0]


@pytest.mark.parametrize("snapshot_every", [1, 1000])
@pytest.mark.parametrize("crash_at", ["first", "second", "backoff"])
@on_a_loop
async def test_a_session_goes_on_being_undone(crash_at: str, snapshot_every: int) -> None:
    store, clock = MemoryStore(), ManualClock()
    agent, undone, stop = Agent("saga"), list[tuple[str, int]](), asyncio.Event()
    crashing = [crash_at]

    async def hold(where: str) -> None:
        if crashing == [where]:
            stop.set()
            await asyncio.Event().wait()

    async def undo_first(job: Job, outputs: list[Part]) -> None:
        await hold("first")
        undone.append(("first", job.n + outputs[0].n))

    async def undo_second(part: Part) -> None:
        await hold("second")
        if crashing == ["backoff"] and not stop.is_set():
            stop.set()
            raise OSError("down")
        undone.append(("second", part.n))

    @agent.transition(compensate=undo_first)
    async def first(job: Job) -> Part:
        return Part(n=job.n * 10)

    @agent.transition(compensate=undo_second, retries=RetryPolicy(initial_interval=50, jitter=False))
    async def second(part: Part) -> Done:
        return Done(n=part.n)

    @agent.transition(on_error="session")
    async def third(done: Done) -> None:
        raise ValueError("no")

    async with Crash(store, agent, writer=at_once, clock=clock, snapshot_every=snapshot_every) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        await stop.wait()
        await passes(10)
    crashing.clear()
    async with Runtime(store, agents=[agent], writer=at_once, owner="first", clock=clock) as runtime:
        session = await runtime.resume("s")
        for _ in range(5):
            await passes(10)
            clock.advance(10)
        await session.quiescent()
        await session.committed()
        closed = session.history()[-1]
        assert isinstance(closed, Closed)
        assert closed.reason == "third: ValueError: no"
        assert [event.undoes for event in of(session, Claimed)] == [None, None, None, "s/2", "s/1"]
        assert not session.waiting
        assert session.failures[0].transition == "third"
    assert undone == [("second", 10), ("first", 11)]
    async with Runtime(store, agents=[agent], writer=at_once, clock=clock) as runtime:
        session = await runtime.resume("s")
        assert session.closed
        assert sum(session.marking.values()) == 0


@on_a_loop
async def test_a_failed_resumption_may_end_the_session() -> None:
    store = MemoryStore()
    agent, held = Agent("poison"), asyncio.Event()

    @agent.transition(on_error="session", delivery="at_most_once")
    async def work(job: Job) -> Done:
        held.set()
        await asyncio.Event().wait()
        return Done(n=job.n)

    @agent.transition(confirm=True)
    async def other(part: Part) -> Done:
        return Done(n=part.n)

    async with Crash(store, agent, writer=at_once) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1), Job(n=2), Part(n=3))
        await held.wait()
        await session.committed()
    async with Runtime(store, agents=[agent], writer=at_once, owner="first") as runtime:
        session = await runtime.resume("s")
        await session.quiescent()
        await session.committed()
        assert session.closed
        assert session.failures[0].kind == "interrupted"
        assert session.marking == {"Job": 1, "Done": 0, "Part": 1}


@pytest.mark.parametrize("snapshot_every", [1, 1000])
@on_a_loop
async def test_files_and_memory_are_there_after_a_crash(snapshot_every: int) -> None:
    store = MemoryStore()
    agent = Agent("files")

    @agent.transition
    async def work(job: Job, ctx: Context) -> Done:
        ctx.send_file("out.txt", await ctx.get_file("in.txt") + b"!")
        ctx.remember("seen", job.n)
        return Done(n=ctx.recall("seen"))

    async with Crash(store, agent, writer=at_once, snapshot_every=snapshot_every) as runtime:
        session = await runtime.start(agent, "s")
        await session.send_file("in.txt", b"abc", by="ada")
        await session.put(Job(n=1))
        await session.quiescent()
        files = session.files()
    async with Runtime(store, agents=[agent], writer=at_once, owner="first") as runtime:
        session = await runtime.resume("s")
        assert session.files() == files
        assert session.get_file("out.txt") == b"abc!"
        assert session.memory == {"seen": 1}


@on_a_loop
async def test_a_dead_letter_gets_what_kills_its_process() -> None:
    store = MemoryStore()
    agent = Agent("poison", dead_letter="dead")

    @agent.transition(on_error="release")
    async def work(job: Job) -> Done:
        held.set()
        await asyncio.Event().wait()
        return Done(n=job.n)

    for life in range(4):
        held = asyncio.Event()
        async with Crash(store, agent, writer=at_once) as runtime:
            session = await runtime.resume("s") if life else await runtime.start(agent, "s")
            if not life:
                await session.put(Job(n=1))
            await held.wait()
            await session.committed()
    async with Runtime(store, agents=[agent], writer=at_once, owner="first") as runtime:
        session = await runtime.resume("s")
        await session.quiescent()
        (failure,) = await session.tokens("dead")
        assert (failure.kind, failure.tokens) == ("interrupted", {"job": Job(n=1)})


FORBIDDEN: set[int] = set()


class Item(BaseModel):
    """Its validator, which no schema tells of, changes its mind."""

    n: int

    @field_validator("n")
    @classmethod
    def allowed(cls, n: int) -> int:
        if n in FORBIDDEN:
            raise ValueError(f"{n} is not allowed any more")
        return n


def reading(dead: str | None) -> Agent:
    agent = Agent("typed", dead_letter=dead)
    agent.place("free", Item)
    agent.place("held", Item)

    @agent.transition(inhibit=["held"])
    async def look(item: Annotated[Item, From("free")]) -> None: ...

    @agent.transition(confirm=True)
    async def hold(item: Annotated[Item, From("held")]) -> None: ...

    return agent


@pytest.fixture
def forbidden() -> Iterator[set[int]]:
    yield FORBIDDEN
    FORBIDDEN.clear()


@pytest.mark.parametrize("snapshot_every", [1, 1000])
@on_a_loop
async def test_what_cannot_be_read_any_more_goes_to_the_dead_letter(
    forbidden: set[int], snapshot_every: int
) -> None:
    store, agent = MemoryStore(), reading("dead")
    async with Crash(store, agent, writer=at_once, snapshot_every=snapshot_every) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(*(Item(n=n) for n in range(4)), place="held")
        await session.settled()
        assert len(session.waiting) == 4
        await session.reject(session.waiting[1].firing_id)
        await session.settled()
    forbidden.update([1, 2, 3])
    for _ in range(2):  # and what stands there can be read the next time
        async with Runtime(store, agents=[agent], owner="first", writer=at_once) as runtime:
            session = await runtime.resume("s")
            await session.settled()
            dead = await session.tokens("dead")
            assert {failure.kind for failure in dead} == {"undecodable"}
            kept = [value for failure in dead for value in failure.tokens.values()]
            assert sorted(value.packed["n"] for value in kept) == [1, 2, 3]
            assert "is not allowed any more" in dead[0].error
            assert session.marking == {"dead": 3, "free": 0, "held": 0}
            assert [one.arguments for one in session.waiting] == [{"item": Item(n=0)}]


@on_a_loop
async def test_without_a_dead_letter_what_cannot_be_read_is_an_error(forbidden: set[int]) -> None:
    store, agent = MemoryStore(), reading(None)
    async with Crash(store, agent, writer=at_once) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Item(n=1), place="held")
        await session.settled()
    forbidden.add(1)
    async with Runtime(store, agents=[agent], owner="first", writer=at_once) as runtime:
        with pytest.raises(JournalCorruptError, match="1 is not allowed any more"):
            await runtime.resume("s")
