"""Forks: a session's history up to an event as the beginning of another session, in memory and in durable journals."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from petricore import Agent, Context, Gather, ManualClock, NetError, Runtime
from petricore.runtime import Session
from petricore.runtime.events import Claimed, Completed, Event, Put, Released, Started
from petricore.runtime.journal.memory_store import MemoryStore


class Job(BaseModel):
    n: int


class Part(BaseModel):
    n: int


class Checked(BaseModel):
    n: int


class Sum(BaseModel):
    n: int


def summing(calls: list[str] | None = None) -> Agent:
    agent = Agent("summing")

    @agent.transition
    async def split(job: Job) -> list[Part]:
        return [Part(n=n) for n in range(job.n)]

    @agent.transition
    async def check(part: Part, ctx: Context) -> Checked:
        if calls is not None:
            calls.append(ctx.firing_id)
        return Checked(n=part.n)

    @agent.transition
    async def add(parts: Annotated[list[Checked], Gather()]) -> Sum:
        return Sum(n=sum(one.n for one in parts))

    return agent


@pytest.fixture(params=["memory", "store", "sqlite"])
def journal(request: Any, tmp_path: Path) -> Any:
    return {"memory": ":memory:", "store": MemoryStore(), "sqlite": str(tmp_path / "j.db")}[request.param]


def drive(journal: Any, script: Callable[[Runtime], Awaitable[None]]) -> None:
    async def run() -> None:
        clock = ManualClock(start=100.0, autojump=True)
        async with Runtime(journal, clock=clock, seed=1) as runtime:
            await asyncio.wait_for(script(runtime), 20)

    asyncio.run(run())


def nth(events: list[Event], kind: type[Event], n: int) -> Event:
    return [event for event in events if isinstance(event, kind)][n]


def test_a_fork_in_the_middle_of_a_gather_waits_for_the_same_members(journal: Any) -> None:
    async def script(runtime: Runtime) -> None:
        session = await runtime.start(summing(), "s", user="ann")
        await session.put(Job(n=4))
        await session.quiescent()
        history = session.history()
        middle = nth(history, Completed, 2)  # split and two checks have ended
        fork = await session.fork(at=middle.number, session_id="f")
        await fork.quiescent()
        assert await fork.tokens(Sum) == [Sum(n=6)]
        assert fork.user == "ann"
        own = fork.history()
        assert [type(one) for one in own[: middle.number]] == [type(one) for one in history[: middle.number]]
        assert isinstance(own[0], Started)
        assert own[0].forked_from == ("s", middle.number)
        assert own[0].session_id == "f"
        assert own[1 : middle.number] == history[1 : middle.number]
        assert session.history() == history
        released = [one for one in own if isinstance(one, Released)]
        anew = [one for one in own[middle.number :] if isinstance(one, Claimed) and one.transition == "check"]
        assert len(anew) == len(released) == 2
        assert all(one.firing_id.startswith("f/") for one in anew)

    drive(journal, script)


def test_every_event_can_be_forked_at_and_ends_in_the_same_marking(journal: Any) -> None:
    async def script(runtime: Runtime) -> None:
        session = await runtime.start(summing(), "s")
        await session.put(Job(n=2))
        await session.quiescent()
        history = session.history()
        for at in range(nth(history, Put, 0).number, len(history) + 1):
            fork = await session.fork(at=at)
            await fork.quiescent()
            assert await fork.tokens(Sum) == [Sum(n=1)], at
            assert fork.marking == session.marking, at

    drive(journal, script)


def test_a_fork_asks_people_again_and_leaves_the_other_alone(journal: Any) -> None:
    agent = Agent("asking")

    @agent.transition(confirm=True)
    async def send(job: Job) -> Sum:
        return Sum(n=job.n)

    async def script(runtime: Runtime) -> None:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        await session.settled()
        fork = await session.fork()
        await fork.settled()
        assert [one.firing_id for one in session.waiting] == ["s/1"]
        (pending,) = fork.waiting
        assert pending.firing_id == f"{fork.id}/2"
        await fork.approve(pending.firing_id)
        await fork.quiescent()
        assert await fork.tokens(Sum) == [Sum(n=1)]
        assert await session.tokens(Sum) == []

    drive(journal, script)


def test_a_fork_remembers_and_has_the_files_of_its_past(journal: Any) -> None:
    agent = Agent("keeping")

    @agent.transition
    async def keep(job: Job, ctx: Context) -> Sum:
        await ctx.remember("n", job.n)
        await ctx.send_file("a.txt", b"text")
        return Sum(n=job.n)

    async def script(runtime: Runtime) -> None:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=3))
        await session.quiescent()
        fork = await session.fork()
        assert fork.memory == {"n": 3}
        assert fork.get_file("a.txt") == b"text"

    drive(journal, script)


def test_a_fork_does_not_undo_what_the_other_session_did(journal: Any) -> None:
    agent, undone = Agent("paying"), list[int]()

    async def refund(job: Job) -> None:
        undone.append(job.n)

    @agent.transition(compensate=refund)
    async def pay(job: Job) -> Sum:
        return Sum(n=job.n)

    async def script(runtime: Runtime) -> None:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        await session.quiescent()
        fork = await session.fork()
        await fork.put(Job(n=2))
        await fork.quiescent()
        await fork.cancel()
        assert undone == [2]
        await session.cancel()
        assert undone == [2, 1]

    drive(journal, script)


def test_a_durable_fork_is_resumed_by_another_runtime(tmp_path: Path) -> None:
    path = str(tmp_path / "j.db")
    agent = summing()

    async def first(runtime: Runtime) -> None:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=3))
        await session.quiescent()
        await session.fork(at=nth(session.history(), Put, 0).number, session_id="f")

    async def second(runtime: Runtime) -> None:
        runtime.dispatcher(agent)
        fork = await runtime.resume("f")
        await fork.quiescent()
        assert await fork.tokens(Sum) == [Sum(n=3)]
        assert runtime.sessions() == ["s", "f"]

    drive(path, first)
    drive(path, second)


def test_what_cannot_be_forked_is_said() -> None:
    async def script(runtime: Runtime) -> None:
        session = await runtime.start(summing(), "s")
        await session.put(Job(n=1))
        await session.quiescent()
        with pytest.raises(NetError, match="can be forked at events 1 to"):
            await session.fork(at=99)
        with pytest.raises(NetError, match="can be forked at events 1 to"):
            await session.fork(at=0)
        with pytest.raises(NetError, match="session 's' exists already"):
            await session.fork(session_id="s")
        await session.cancel()
        with pytest.raises(NetError, match="it had ended, before it: fork at most at"):
            await session.fork()
        fork: Session = await session.fork(at=len(session.history()) - 1)
        assert not fork.closed

    drive(":memory:", script)
