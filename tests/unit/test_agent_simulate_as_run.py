"""A simulated agent does what the agent does: the same claims in the same order at the same times.

Every action sleeps so long on a manual clock; what it returns is what the simulation is told that it returns.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from petricore import Agent, AtLeast, Failure, From, Gather, ManualClock, Read, RetryPolicy, Runtime, Weight
from petricore.runtime.events import Claimed, Ended, Event, Retried


class Job(BaseModel):
    n: int = 0


class Part(BaseModel):
    n: int = 0


class Piece(BaseModel):
    n: int = 0


class Whole(BaseModel):
    n: int = 0


class Done(BaseModel):
    n: int = 0


class Config(BaseModel):
    n: int = 0


SECONDS = {
    "split": 1.0, "work": 2.0, "fast": 0.0, "join": 1.5, "finish": 0.5, "shatter": 0.25, "collect": 0.75,
    "stream": 4.0, "urgent": 3.0, "calm": 3.0, "retry": 1.0, "slow": 9.0, "excuse": 1.0, "batch": 2.0, "drain": 1.0,
}  # fmt: skip
Make = Callable[[ManualClock], Agent]


def chain(clock: ManualClock) -> Agent:
    agent = Agent("chain")

    @agent.transition
    async def fast(job: Job) -> Part:
        return Part()

    @agent.transition
    async def work(part: Part) -> Whole:
        await clock.sleep(SECONDS["work"])
        return Whole()

    @agent.transition(delay=5.0)
    async def finish(whole: Whole) -> Done:
        await clock.sleep(SECONDS["finish"])
        return Done()

    return agent


def fork_join(clock: ManualClock) -> Agent:
    agent = Agent("fork-join")

    @agent.transition
    async def split(job: Job) -> list[Part]:
        await clock.sleep(SECONDS["split"])
        return [Part() for _ in range(7)]

    @agent.transition(concurrency=3)
    async def work(part: Part) -> Piece:
        await clock.sleep(SECONDS["work"])
        return Piece()

    @agent.transition
    async def join(pieces: Annotated[list[Piece], Gather()]) -> Whole:
        await clock.sleep(SECONDS["join"])
        return Whole()

    return agent


def nested(clock: ManualClock) -> Agent:
    agent = Agent("nested")

    @agent.transition
    async def split(job: Job) -> list[Part]:
        await clock.sleep(SECONDS["split"])
        return [Part() for _ in range(3)]

    @agent.transition(rate_limit=(2, 1.0))
    async def shatter(part: Part) -> list[Piece]:
        await clock.sleep(SECONDS["shatter"])
        return [Piece(), Piece()]

    @agent.transition(concurrency=2)
    async def collect(pieces: Annotated[list[Piece], Gather()]) -> Whole:
        await clock.sleep(SECONDS["collect"])
        return Whole()

    @agent.transition
    async def join(wholes: Annotated[list[Whole], Gather()]) -> Done:
        await clock.sleep(SECONDS["join"])
        return Done()

    return agent


def streaming(clock: ManualClock) -> Agent:
    agent = Agent("streaming")

    @agent.transition
    async def stream(job: Job) -> AsyncIterator[Part]:
        for _ in range(4):
            await clock.sleep(SECONDS["stream"] / 4)
            yield Part()

    @agent.transition(concurrency=1)
    async def work(part: Part) -> Piece:
        await clock.sleep(SECONDS["work"])
        return Piece()

    @agent.transition
    async def join(pieces: Annotated[list[Piece], Gather()]) -> Whole:
        await clock.sleep(SECONDS["join"])
        return Whole()

    return agent


def priorities(clock: ManualClock) -> Agent:
    agent = Agent("priorities")

    @agent.transition
    async def split(job: Job) -> tuple[Part, Piece]:
        await clock.sleep(SECONDS["split"])
        return Part(), Piece()

    @agent.transition(concurrency=1)
    async def calm(part: Part, config: Annotated[Config, Read()]) -> Whole:
        await clock.sleep(SECONDS["calm"])
        return Whole()

    @agent.transition(concurrency=1, priority=3)
    async def urgent(piece: Piece) -> Whole:
        await clock.sleep(SECONDS["urgent"])
        return Whole()

    @agent.transition
    async def batch(wholes: Annotated[list[Whole], Weight(3)]) -> None:
        await clock.sleep(SECONDS["batch"])

    return agent


def failing(clock: ManualClock) -> Agent:
    agent = Agent("failing")
    policy = RetryPolicy(initial_interval=2.0, max_attempts=3, jitter=False)

    @agent.transition(retries=policy, on_error="broken")
    async def retry(job: Job) -> Whole:
        await clock.sleep(SECONDS["retry"])
        raise ValueError("no")

    @agent.transition(retries=policy, timeout=2.5)
    async def slow(part: Part) -> Whole:
        await clock.sleep(SECONDS["slow"])
        return Whole()

    @agent.transition
    async def excuse(failure: Annotated[Failure, From("broken")]) -> Done:
        await clock.sleep(SECONDS["excuse"])
        return Done()

    @agent.transition(inhibit=[Job])
    async def drain(pieces: Annotated[list[Piece], AtLeast(2)]) -> None:
        await clock.sleep(SECONDS["drain"])

    return agent


def happened(events: list[Event]) -> tuple[list[tuple[float, str]], list[tuple[float, str]], int]:
    claims = [(one.time, one.transition) for one in events if isinstance(one, Claimed)]
    ends = [(one.time, one.transition) for one in events if isinstance(one, Ended)]
    return claims, sorted(ends), sum(isinstance(one, Retried) for one in events)


@pytest.mark.parametrize(
    ("make", "tokens", "told"),
    [
        (chain, [Job()] * 3, {}),
        (fork_join, [Job()] * 2, {"emits": {"split": 7}}),
        (nested, [Job()], {"emits": {"split": 3, "shatter": 2}}),
        (streaming, [Job()] * 2, {"emits": {"stream": 4}}),
        (priorities, [Config(), *[Job()] * 3], {}),
        (failing, [Job(), Part(), Piece(), Piece(), Piece()], {"failure_rate": {"retry": 1.0}}),
    ],
)
def test_a_simulation_claims_what_a_run_claims_when_it_claims_it(
    make: Make, tokens: list[BaseModel], told: dict[str, Any]
) -> None:
    clock = ManualClock(autojump=True)
    agent = make(clock)
    ran = agent.run(*tokens, clock=clock)
    inputs: dict[Any, int] = {}
    for token in tokens:
        inputs[type(token)] = inputs.get(type(token), 0) + 1
    durations = {name: SECONDS[name] for name in agent.transitions}
    result = agent.simulate(inputs, sessions=1, durations=durations, seed=0, **told)
    claims, ends, retries = happened(list(ran.events))
    rows = result.to_pandas("firings")
    assert list(zip(rows.claimed, rows.transition, strict=True)) == claims
    assert sorted(zip(rows.ended, rows.transition, strict=True)) == ends
    assert int((rows.attempts - 1).sum()) == retries
    assert float(result.makespan[0]) == max(time for time, _ in ends)
    assert dict(result.left[0]) == {place: count for place, count in ran.marking.items() if count}
    assert int(result.failures[0]) == len(ran.failures)
    assert sum(result.critical_path.values()) == pytest.approx(float(result.makespan[0]))


def test_a_simulated_person_takes_as_long_as_a_real_one() -> None:
    clock = ManualClock(autojump=True)
    agent = Agent("asks")

    @agent.transition(confirm=True, concurrency=1)
    async def work(job: Job) -> Done:
        await clock.sleep(2.0)
        return Done()

    async def confirm(_: object) -> bool:
        await clock.sleep(10.0)
        return True

    ran = agent.run(Job(), Job(), confirm=confirm, clock=clock)
    result = agent.simulate({Job: 2}, sessions=1, durations=2.0, confirmations=10.0, seed=0)
    claims, ends, _ = happened(list(ran.events))
    rows = result.to_pandas("firings")
    assert list(zip(rows.claimed, rows.transition, strict=True)) == claims
    assert sorted(zip(rows.ended, rows.transition, strict=True)) == ends
    assert result.people.tolist() == [20.0]


@pytest.mark.parametrize("make", [chain, fork_join, nested, streaming])
def test_sessions_that_share_resources_are_simulated_as_they_run(make: Make) -> None:
    async def run(clock: ManualClock, agent: Agent) -> list[tuple[float, int, str]]:
        async with Runtime(clock=clock) as runtime:
            sessions = [await runtime.start(agent) for _ in range(4)]
            claims: list[tuple[float, int, str]] = []

            def listener(number: int) -> Callable[[Event], None]:
                def listen(event: Event) -> None:
                    if isinstance(event, Claimed):
                        claims.append((event.time, number, event.transition))

                return listen

            for number, session in enumerate(sessions):
                session.on_event = listener(number)
                await session.put(Job(), Job())
            for session in sessions:
                await session.quiescent()
            return claims

    clock = ManualClock(autojump=True)
    agent = make(clock)
    claims = asyncio.run(run(clock, agent))
    told = {name: {"split": 7 if make is fork_join else 3, "shatter": 2, "stream": 4}[name]
            for name in agent.transitions if name in ("split", "shatter", "stream")}  # fmt: skip
    result = agent.simulate(
        {Job: 2},
        sessions=4,
        durations={name: SECONDS[name] for name in agent.transitions},
        emits=told,
        seed=0,
    )
    rows = result.to_pandas("firings")
    assert list(zip(rows.claimed, rows.session, rows.transition, strict=True)) == claims
