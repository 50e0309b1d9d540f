"""Sources: transitions that fire when they are due, on a clock that nobody waits for."""

from __future__ import annotations

import asyncio
from typing import Annotated

import pytest
from pydantic import BaseModel

from petricore import Agent, Every, ManualClock, NetError, Read, Runtime, Tick
from petricore.runtime.events import Claimed, Put, Quiescent


class Reading(BaseModel):
    number: int


class Config(BaseModel):
    scale: int


def polling(every: Every | str | float) -> Agent:
    agent = Agent("polling")

    @agent.transition(every=every)
    async def poll(tick: Tick) -> Reading:
        return Reading(number=tick.number)

    return agent


def test_a_source_fires_so_many_times_and_the_run_comes_to_rest() -> None:
    clock = ManualClock(start=1000.0, autojump=True)
    result = polling(Every("every 5 minutes", times=3)).run(clock=clock)
    assert [one.number for one in result[Reading]] == [1, 2, 3]
    put = [event for event in result.events if isinstance(event, Put)]
    assert [event.time for event in put] == [1300.0, 1600.0, 1900.0]
    assert {event.by for event in put} == {"every:poll"}
    assert isinstance(result.events[-1], Quiescent)


def test_a_source_without_an_end_needs_a_timeout_to_be_run() -> None:
    with pytest.raises(NetError, match="'poll' is a source without an end"):
        polling("@hourly").run()
    with pytest.raises(TimeoutError):
        polling("@hourly").run(timeout=10, clock=ManualClock(autojump=True))


def test_a_cron_source_goes_by_the_wall_clock_of_its_zone() -> None:
    async def main() -> list[float]:
        clock = ManualClock(start=1_774_736_000.0, autojump=True)  # 28 March 2026, 23:13 in Berlin
        agent = polling(Every("30 2 * * *", zone="Europe/Berlin", times=2))
        async with Runtime(clock=clock) as runtime:
            session = await runtime.start(agent)
            await session.quiescent()
            return [event.time for event in session.history() if isinstance(event, Put)]

    assert asyncio.run(main()) == [
        1_774_746_000.0,
        1_774_830_600.0,
    ]  # 03:00 after the gap, 02:30 the next day


def test_an_action_need_not_take_the_tick() -> None:
    agent = Agent("plain")

    @agent.transition(every=Every(10, times=1))
    def make() -> Reading:
        return Reading(number=7)

    result = agent.run(clock=ManualClock(autojump=True))
    assert result[Reading] == [Reading(number=7)]
    assert result.tokens("every:make") == []


def test_a_tick_that_failed_lives_on_in_the_failure() -> None:
    agent = Agent("plain")

    @agent.transition(every=Every(10, times=1))
    async def make() -> Reading:
        raise ValueError("no")

    (failure,) = agent.run(clock=ManualClock(autojump=True)).failures
    assert failure.tokens == {"every": Tick(10.0, 1)}


def test_a_source_may_read_and_then_waits_for_what_it_reads() -> None:
    agent = Agent("reading")

    @agent.transition(every=Every(10, times=2))
    async def poll(tick: Tick, config: Annotated[Config, Read()]) -> Reading:
        return Reading(number=tick.number * config.scale)

    clock = ManualClock(autojump=True)
    assert [one.number for one in agent.run(Config(scale=5), clock=clock)[Reading]] == [5, 10]
    assert agent.run(clock=ManualClock(autojump=True)).tokens("every:poll") == [Tick(10.0, 1), Tick(20.0, 2)]


def test_a_clock_that_was_set_forward_is_obeyed_by_the_policy() -> None:
    async def numbers(missed: str) -> list[int]:
        clock = ManualClock()
        async with Runtime(clock=clock) as runtime:
            session = await runtime.start(polling(Every(10, missed=missed)))  # type: ignore[arg-type]
            clock._now = 96.0  # nothing rang at 10, 20, ... 90
            clock.advance(0)
            await session.put(place="Reading")
            while not session.peek(Reading) and missed != "skip":
                await asyncio.sleep(0)
            for _ in range(20):
                await asyncio.sleep(0)
            return [one.number for one in session.peek(Reading)]

    assert asyncio.run(numbers("once")) == [9]
    assert asyncio.run(numbers("all")) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert asyncio.run(numbers("skip")) == []


def test_a_cancelled_session_ticks_no_more() -> None:
    async def main() -> int:
        clock = ManualClock()
        async with Runtime(clock=clock) as runtime:
            session = await runtime.start(polling(10))
            clock.advance(25)
            await session.cancel()
            clock.advance(100)
            return sum(isinstance(event, Put) for event in session.history())

    assert asyncio.run(main()) == 2


def test_a_source_that_also_takes_tokens_is_refused() -> None:
    agent = Agent("wrong")
    with pytest.raises(NetError, match="a source, which takes no tokens, but 'reading' takes one"):

        @agent.transition(every=10)
        def digest(reading: Reading) -> None: ...

    with pytest.raises(NetError, match="only with every="):

        @agent.transition
        def tick(tick: Tick, reading: Reading) -> None: ...

    with pytest.raises(NetError, match="transition 'poll': cron '1 2 3' has 3 field"):

        @agent.transition(every="1 2 3")
        def poll() -> Reading: ...

    assert not agent.transitions


def test_an_included_source_keeps_its_ticks_apart() -> None:
    whole = Agent("whole")
    whole.include(polling(Every(10, times=1)), prefix="a.")
    whole.include(polling(Every(20, times=1)), prefix="b.")
    result = whole.run(clock=ManualClock(autojump=True))
    assert [event.transition for event in result.events if isinstance(event, Claimed)] == ["a.poll", "b.poll"]


def test_the_net_shows_a_source_without_inputs() -> None:
    net = polling("@daily").net()
    assert dict(net.transitions["poll"].inputs) == {}
    assert list(net.places) == ["Reading"]


def test_verify_takes_a_source_to_be_due_at_any_time_or_so_often_as_it_is_told() -> None:
    assert "every:poll can grow without bound" in str(polling("@daily").verify({}))
    assert polling("@daily").verify({"every:poll": 3}).ok
    assert polling(Every("@daily", times=3)).verify({}).ok


def test_simulate_refuses_a_source() -> None:
    with pytest.raises(NetError, match="'poll' is a source"):
        polling("@daily").simulate({})
