"""Replay: histories of real sessions against changed agents, without running an action."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from petricore import Agent, AtLeast, Context, Gather, ManualClock, Read, RetryPolicy, Runtime
from petricore.runtime import Session
from petricore.runtime.events import Claimed, Completed, Event
from petricore.runtime.replay import Divergence, replay


class Job(BaseModel):
    n: int


class Part(BaseModel):
    n: int


class Style(BaseModel):
    n: int


class Sum(BaseModel):
    n: int


class Other(BaseModel):
    n: int


def build(
    *,
    admits: Callable[[Part], bool] | None = None,
    priority: int = 0,
    more: Callable[[Agent], None] | None = None,
    add: Any = Sum,
) -> Agent:
    agent = Agent("summing")

    @agent.transition
    async def split(job: Job) -> list[Part]:
        return [Part(n=n) for n in range(job.n)]

    async def total(parts, style):  # type: ignore[no-untyped-def]
        return Sum(n=sum(one.n for one in parts))

    total.__annotations__ |= {
        "parts": Annotated[list[Part], Gather()], "style": Annotated[Style, Read()], "return": add
    }  # fmt: skip
    where = {} if admits is None else {"parts": admits}
    agent.transition(where=where, priority=priority)(total)
    if more is not None:
        more(agent)
    return agent


def history(agent: Agent, script: Callable[[Session], Any]) -> list[Event]:
    async def run() -> list[Event]:
        async with Runtime(clock=ManualClock(autojump=True), seed=1) as runtime:
            session = await runtime.start(agent, "s")
            await script(session)
            await session.settled()
            return session.history()

    return asyncio.run(asyncio.wait_for(run(), 20))


async def _three(session: Session) -> None:
    await session.put(Style(n=0), Job(n=3), Job(n=2))


@pytest.fixture(scope="module")
def summed() -> list[Event]:
    return history(build(), _three)


def found(events: list[Event], agent: Agent) -> Divergence:
    divergence = replay(events, agent)
    assert divergence is not None
    return divergence


def test_unchanged_code_does_not_diverge(summed: list[Event]) -> None:
    assert replay(summed, build()) is None


def test_a_guard_that_says_otherwise_is_named(summed: list[Event]) -> None:
    divergence = found(summed, build(admits=lambda part: part.n < 2))
    assert divergence.kind == "tokens"
    assert divergence.expected == "total took Part #4, Part #5, Part #6, Style #1"
    assert divergence.actual == "total would take Part #4, Part #5, Style #1"


def test_a_guard_of_a_single_input_that_says_otherwise_is_named() -> None:
    def agent(limit: int) -> Agent:
        made = Agent("a")

        @made.transition(where={"job": lambda job: job.n < limit})
        async def take(job: Job) -> Sum:
            return Sum(n=job.n)

        return made

    async def script(session: Session) -> None:
        await session.put(Job(n=3))

    events = history(agent(5), script)
    assert replay(events, agent(4)) is None
    divergence = found(events, agent(3))
    assert (divergence.kind, divergence.expected) == ("guard", "take took Job #1")
    assert divergence.actual == "where['job'] of take does not admit Job #1"
    assert "What led to it:\n1. put: Job #1" in str(divergence)

    def broken() -> Agent:
        made = Agent("a")

        @made.transition(where={"job": lambda job: job.gone})
        async def take(job: Job) -> Sum: ...

        return made

    assert found(events, broken()).kind == "guard"


def test_a_removed_transition_is_named(summed: list[Event]) -> None:
    agent = Agent("summing")
    agent.place("Job", Job)
    agent.place("Style", Style)
    divergence = found(summed, agent)
    assert divergence.actual == "there is no transition 'split'"
    assert divergence.event is next(event for event in summed if isinstance(event, Claimed))


def test_a_transition_that_would_come_first_is_named(summed: list[Event]) -> None:
    def more(agent: Agent) -> None:
        @agent.transition(priority=5)
        async def greedy(job: Job) -> Other:
            return Other(n=1)

    divergence = found(summed, build(more=more))
    assert (divergence.kind, divergence.actual) == ("claim", "greedy would be claimed first")


def test_a_transition_that_would_go_on_after_the_rest_is_named(summed: list[Event]) -> None:
    def more(agent: Agent) -> None:
        @agent.transition(priority=-5)
        async def report(sum: Sum) -> Other:
            return Other(n=1)

    divergence = found(summed, build(more=more))
    assert (divergence.kind, divergence.actual) == ("rest", "report would be claimed")
    assert divergence.event is summed[-1]


def test_an_output_that_is_not_declared_any_more_is_named(summed: list[Event]) -> None:
    def more(agent: Agent) -> None:
        agent.place("Sum", Sum)

    divergence = found(summed, build(add=Other, more=more))
    assert divergence.kind == "output"
    assert divergence.actual == "it declares no Sum in what it returns"
    assert isinstance(divergence.event, Completed)


def test_a_token_whose_place_or_type_is_gone_is_named(summed: list[Event]) -> None:
    agent = Agent("summing")
    agent.place("Style", Other)
    divergence = found(summed, agent)
    assert (divergence.kind, divergence.event.kind) == ("put", "put")
    assert divergence.actual == "the place takes Other, and not that value"
    assert found(summed, Agent("empty")).actual == "there is no such place"


def rich(agent: Agent) -> None:
    @agent.transition(retries=RetryPolicy(max_attempts=3, jitter=False), on_error="release")
    async def flaky(other: Other, ctx: Context) -> Part:
        if other.n % 3 and ctx.attempt < other.n % 5:
            raise ValueError("again")
        return Part(n=other.n)

    @agent.transition(concurrency=1, rate_limit="3/s")
    async def stream(job: Annotated[list[Sum], AtLeast(2)]) -> AsyncIterator[Other]:
        for one in job:
            yield Other(n=one.n)

    @agent.transition(confirm=True)
    async def ask(style: Style) -> Sum:
        return Sum(n=style.n)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([Job, Other, Sum, Style]), st.integers(0, 4)), max_size=12),
       st.lists(st.booleans(), max_size=4))  # fmt: skip
def test_no_history_diverges_from_the_code_that_made_it(
    puts: list[tuple[type[BaseModel], int]], decisions: list[bool]
) -> None:
    async def script(session: Session) -> None:
        for type_, n in puts:
            await session.put(type_(n=n))
            if n == 2:
                await session.settled()
        for decision in decisions:
            await session.settled()
            if session.waiting:
                one = session.waiting[0].firing_id
                await (session.approve(one) if decision else session.reject(one))

    events = history(build(more=rich), script)
    divergence = replay(events, build(more=rich))
    assert divergence is None, str(divergence)
