"""Random sessions that are forked and migrated at random moments end as undisturbed ones do."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from petricore import Agent, From, Gather, ManualClock, RetryPolicy, Runtime, To
from petricore.runtime import Migration, Session
from petricore.runtime.events import Event
from petricore.runtime.fold import Fold
from petricore.runtime.journal.memory_store import MemoryStore
from petricore.runtime.lineage import Lineage
from petricore.runtime.replay import replay


class Job(BaseModel):
    n: int


class Part(BaseModel):
    n: int


class Mark(BaseModel):
    n: int


class NewPart(BaseModel):
    number: int


class Total(BaseModel):
    n: int


def old() -> Agent:
    agent = Agent("marks")
    agent.place("done", Mark)

    @agent.transition
    async def split(job: Job) -> list[Part]:
        return [Part(n=n) for n in range(job.n)]

    @agent.transition(confirm=True, on_error="release")
    async def mark(part: Part) -> Annotated[Mark, To("done")]:
        return Mark(n=part.n)

    @agent.transition(retries=RetryPolicy(max_attempts=2, jitter=False), concurrency=2)
    async def total(marks: Annotated[list[Mark], Gather(), From("done")]) -> Total:
        return Total(n=len(marks))

    return agent


def new() -> Agent:
    """The same with other names, another type, and one step more at the end of the alphabet."""
    agent = Agent("marks")
    agent.place("marked", Mark)

    @agent.transition
    async def split(job: Job) -> list[NewPart]:
        return [NewPart(number=n) for n in range(job.n)]

    @agent.transition(confirm=True, on_error="release")
    async def mark_anew(part: NewPart) -> Annotated[Mark, To("marked")]:
        return Mark(n=part.number)

    @agent.transition(concurrency=2)
    async def total(marks: Annotated[list[Mark], Gather(), From("marked")]) -> Total:
        return Total(n=len(marks))

    return agent


NAMES: dict[str, Any] = {
    "places": {"Part": "NewPart", "done": "marked"},
    "transitions": {"mark": "mark_anew"},
    "convert": {"Part": lambda plain: {"number": plain["n"]}},
}
JOBS = st.lists(st.integers(0, 3), min_size=1, max_size=4)
DECISIONS = st.lists(st.booleans(), max_size=12)


async def decide(session: Session, decisions: list[bool]) -> None:
    for decision in decisions:
        await session.settled()
        if not session.waiting:
            return
        # The part with the smallest number first, so that decisions do not hang on the order of asking.
        first = min(session.waiting, key=lambda one: int(one.firing_id.rpartition("/")[2]))
        await (session.approve(first.firing_id) if decision else session.reject(first.firing_id))


async def finish(session: Session) -> list[int]:
    await decide(session, [True] * 50)
    await session.quiescent()
    return sorted(one.n for one in await session.tokens(Total))


def consistent(session: Session, events: list[Event]) -> None:
    marking = {place: count for place, count in session.marking.items() if count}
    assert Fold(events).marking() == marking
    lineage = Lineage.of(events)
    free = [token for token in lineage.tokens.values() if token.consumer is None]
    assert len(free) == sum(marking.values())


@settings(max_examples=40, deadline=None)
@given(jobs=JOBS, before=DECISIONS, durable=st.booleans(), again=st.booleans())
def test_a_migrated_session_ends_as_an_undisturbed_one(
    jobs: list[int], before: list[bool], durable: bool, again: bool
) -> None:
    store = MemoryStore()

    async def runtime_with(agent: Agent, act: Any) -> Any:
        clock = ManualClock(start=50.0, autojump=True)
        async with Runtime(store if durable else ":memory:", agents=[agent], clock=clock, seed=3) as runtime:
            return await asyncio.wait_for(act(runtime), 20)

    async def undisturbed(runtime: Runtime) -> list[int]:
        session = await runtime.start(old(), "undisturbed")
        await session.put(*[Job(n=n) for n in jobs])
        await decide(session, before)
        return await finish(session)

    async def disturbed(runtime: Runtime) -> list[int] | None:
        session = await runtime.start(old(), "s")
        await session.put(*[Job(n=n) for n in jobs])
        await decide(session, before)
        await session.settled()
        migrated = await runtime.migrate("s", Migration(new(), **NAMES))
        if durable and again:
            return None
        ended = await finish(migrated)
        consistent(migrated, migrated.history())
        return ended

    async def resumed(runtime: Runtime) -> list[int]:
        session = await runtime.resume("s")
        ended = await finish(session)
        consistent(session, session.history())
        return ended

    expected = asyncio.run(runtime_with(old(), undisturbed))
    ended = asyncio.run(runtime_with(new(), disturbed))
    if ended is None:
        ended = asyncio.run(runtime_with(new(), resumed))
    assert ended == expected


@settings(max_examples=40, deadline=None)
@given(jobs=JOBS, before=DECISIONS, where=st.floats(0, 1))
def test_a_fork_anywhere_is_consistent_and_replays(jobs: list[int], before: list[bool], where: float) -> None:
    agent = old()

    async def run() -> None:
        clock = ManualClock(start=50.0, autojump=True)
        async with Runtime(MemoryStore(), clock=clock, seed=3) as runtime:
            session = await runtime.start(agent, "s")
            await session.put(*[Job(n=n) for n in jobs])
            await decide(session, before)
            await session.settled()
            await session.committed()
            events = session.history()
            fork = await session.fork(at=1 + round(where * (len(events) - 1)))
            await finish(fork)
            consistent(fork, fork.history())
            assert replay(fork.history(), agent) is None
            assert session.history() == events

    asyncio.run(asyncio.wait_for(run(), 30))
