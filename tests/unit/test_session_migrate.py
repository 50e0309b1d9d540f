"""Migrations: sessions go on with another version of their agent, in memory and in durable journals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from petricore import (
    Agent,
    From,
    Gather,
    ManualClock,
    NetError,
    Runtime,
    SessionNotFoundError,
    TokenTypeError,
)
from petricore.errors import SessionLostError, VersionError
from petricore.runtime import Migration, compatibility
from petricore.runtime.events import Event, Migrated, Moved, Released
from petricore.runtime.fold import Fold
from petricore.runtime.journal.memory_store import MemoryStore
from petricore.runtime.journal.store import Batch, Change, Header


class Job(BaseModel):
    n: int


class Part(BaseModel):
    n: int


class Checked(BaseModel):
    n: int


class Sum(BaseModel):
    n: int


class Letter(BaseModel):
    text: str


def first() -> Agent:
    """A confirmation holds each part up, so a list is half gathered."""
    agent = Agent("summing")

    @agent.transition
    async def split(job: Job) -> list[Part]:
        return [Part(n=n) for n in range(job.n)]

    @agent.transition(confirm=True)
    async def check(part: Part) -> Checked:
        return Checked(n=part.n)

    @agent.transition
    async def add(parts: Annotated[list[Checked], Gather()]) -> Sum:
        return Sum(n=sum(one.n for one in parts))

    return agent


def second() -> Agent:
    """With one transition more at the end, and one renamed that asks nobody any more."""
    agent = Agent("summing")

    @agent.transition
    async def split(job: Job) -> list[Part]:
        return [Part(n=n) for n in range(job.n)]

    @agent.transition
    async def inspect(part: Part) -> Checked:
        return Checked(n=part.n)

    @agent.transition
    async def add(parts: Annotated[list[Checked], Gather()]) -> Sum:
        return Sum(n=sum(one.n for one in parts))

    @agent.transition
    async def write(sum: Sum) -> Letter:
        return Letter(text=str(sum.n))

    return agent


def open_journal(kind: str, tmp_path: Path) -> Any:
    return {"memory": ":memory:", "store": MemoryStore(), "sqlite": str(tmp_path / "j.db")}[kind]


def drive(journal: Any, script: Callable[[Runtime], Awaitable[None]], *agents: Agent) -> None:
    async def run() -> None:
        clock = ManualClock(start=100.0, autojump=True)
        async with Runtime(journal, clock=clock, seed=1, agents=agents) as runtime:
            await asyncio.wait_for(script(runtime), 20)

    asyncio.run(run())


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


@pytest.mark.parametrize("journal", ["memory", "store", "sqlite"])
def test_a_list_that_is_half_gathered_stays_one_group(journal: str, tmp_path: Path) -> None:
    old, new = first(), second()

    async def script(runtime: Runtime) -> None:
        session = await runtime.start(old, "s")
        await session.put(Job(n=3), Job(n=2))
        await session.settled()
        await session.approve(session.waiting[0].firing_id)
        await session.settled()
        assert session.marking["Checked"] == 1
        same = await runtime.migrate("s", Migration(new, transitions={"check": "inspect"}))
        assert same is session
        await session.quiescent()
        assert sorted(one.text for one in await session.tokens(Letter)) == ["1", "3"]
        events = session.history()
        (migrated,) = [event for event in events if isinstance(event, Migrated)]
        assert migrated.before != migrated.after == session.dispatcher.version
        assert len([event for event in events if isinstance(event, Released)]) == 4
        assert {place: n for place, n in session.marking.items() if n} == {"Letter": 2}
        assert Fold(events).marking() == {"Letter": 2}

    drive(open_journal(journal, tmp_path), script)


@pytest.mark.parametrize("journal", ["store", "sqlite"])
def test_without_the_old_code_a_session_is_refused_until_it_is_migrated(journal: str, tmp_path: Path) -> None:
    kept = open_journal(journal, tmp_path)

    async def begin(runtime: Runtime) -> None:
        session = await runtime.start(first(), "s")
        await session.put(Job(n=2))
        await session.settled()
        await session.approve(session.waiting[0].firing_id)
        await session.settled()

    async def go_on(runtime: Runtime) -> None:
        with pytest.raises(VersionError, match="or migrate the session") as caught:
            await runtime.resume("s")
        assert caught.value.agent == "summing"
        old = json.loads(runtime._store.net(caught.value.expected))  # type: ignore[union-attr, arg-type]
        migration = Migration(second(), transitions={"check": "inspect"})
        verdict = compatibility(old, migration.agent, migration=migration)
        assert verdict.verdict == "compatible"
        assert verdict.transitions_added == ("write",)
        session = await runtime.migrate("s", migration)
        await session.quiescent()
        assert await session.tokens(Letter) == [Letter(text="1")]

    async def again(runtime: Runtime) -> None:
        session = await runtime.resume("s")
        assert await session.tokens(Letter) == [Letter(text="1")]
        assert "migrated" in kinds(session.history())
        await session.put(Job(n=4))
        await session.quiescent()
        assert [one.text for one in await session.tokens(Letter)] == ["1", "6"]

    drive(kept, begin)
    drive(kept, go_on, second())
    drive(kept, again, second())


@pytest.mark.parametrize("journal", ["memory", "store"])
def test_both_versions_run_side_by_side(journal: str, tmp_path: Path) -> None:
    kept = open_journal(journal, tmp_path)
    old, new = first(), second()

    async def script(runtime: Runtime) -> None:
        one, other = await runtime.start(old, "old"), await runtime.start(new, "new")
        for session in (one, other):
            await session.put(Job(n=1))
            await session.settled()
        assert len(one.waiting) == 1
        assert await other.tokens(Letter) == [Letter(text="0")]

    async def later(runtime: Runtime) -> None:
        assert len((await runtime.resume("old")).waiting) == 1
        assert (await runtime.resume("new")).marking["Letter"] == 1

    drive(kept, script)
    if journal == "store":
        drive(kept, later, second(), first())


def test_sessions_of_a_version_that_is_not_known_are_left_to_a_runtime_that_knows_it() -> None:
    store = MemoryStore()

    async def begin(runtime: Runtime) -> None:
        session = await runtime.start(first(), "s")
        await session.put(Job(n=1))
        runtime._store.write(  # type: ignore[union-attr]
            Batch("gone", [Change("x", 1, 0, [], "live", None, created=_header("x", "0123"))])
        )
        await session.settled()

    async def both(runtime: Runtime) -> None:
        with pytest.raises(VersionError):
            await runtime.resume("s")
        clock = runtime.clock
        async with Runtime(store, clock=clock, agents=[first()], owner="old") as other:
            session = await other.resume("s")
            await session.settled()
            await session.approve(session.waiting[0].firing_id)
            await session.quiescent()
            assert await session.tokens(Sum) == [Sum(n=0)]
            with pytest.raises(SessionLostError):
                await runtime.resume("s")
        row = store.row("x")
        assert row is not None
        assert row.owner is None

    drive(store, begin)
    drive(store, both, second())


def _header(session_id: str, version: str) -> Header:
    return Header(session_id, "summing", version, None, 0.0)


class Wide(BaseModel):
    n: int
    note: str


def holding(type_: Any, name: str = "box") -> Agent:
    agent = Agent("holding")
    agent.place(name, type_)

    async def take(held, job):  # type: ignore[no-untyped-def]
        return Sum(n=held.n)

    take.__annotations__ |= {"held": Annotated[type_, From(name)], "job": Job, "return": Sum}
    agent.transition(take)
    return agent


@pytest.mark.parametrize("journal", ["memory", "store", "sqlite"])
def test_values_are_converted_and_places_renamed(journal: str, tmp_path: Path) -> None:
    async def script(runtime: Runtime) -> None:
        session = await runtime.start(holding(Part), "s")
        await session.put(Part(n=1), Part(n=2), place="box")
        new = holding(Wide, "chest")
        with pytest.raises(NetError, match="token 1 stands in place 'box', which is not in the new version"):
            await runtime.migrate("s", Migration(new))
        with pytest.raises(TokenTypeError, match="token 1 of place 'box' is no Wide"):
            await runtime.migrate("s", Migration(new, places={"box": "chest"}))
        convert = {"box": lambda plain: Wide(n=plain["n"] * 10, note="was a part")}
        for field, wrong in (
            ("places", {"places": {"bocks": "chest"}}),
            ("convert", {"convert": {"Typo": int}}),
            ("transitions", {"transitions": {"tak": "take"}}),
        ):
            with pytest.raises(NetError, match=f"Migration: {field} names .* the old version has"):
                await runtime.migrate("s", Migration(new, **{"places": {"box": "chest"}, **wrong}))  # type: ignore[arg-type]
        await runtime.migrate("s", Migration(new, places={"box": "chest"}, convert=convert))
        assert session.marking["chest"] == 2
        (moved,) = [event for event in session.history() if isinstance(event, Moved)]
        assert moved.taken == (1, 2)
        assert [(one.id, one.place) for one in moved.tokens] == [(1, "chest"), (2, "chest")]
        await session.put(Job(n=0))
        await session.quiescent()
        assert await session.tokens(Sum) == [Sum(n=10)]
        lineage = session.lineage(4)
        assert lineage.tokens[1].value == Wide(n=10, note="was a part")

    drive(open_journal(journal, tmp_path), script)


@pytest.mark.parametrize("journal", ["memory", "store"])
def test_tokens_of_a_removed_place_are_dropped_only_when_that_is_said(journal: str, tmp_path: Path) -> None:
    async def script(runtime: Runtime) -> None:
        session = await runtime.start(holding(Part), "s")
        await session.put(Part(n=1), place="box")
        await session.put(Job(n=1), Job(n=2))
        await session.quiescent()
        await session.put(Part(n=5), place="box")
        await session.quiescent()
        new = Agent("holding")
        new.place("Job", Job)
        new.place("Sum", Sum)
        await session.put(Part(n=7), place="box")
        await runtime.migrate("s", Migration(new, places={"box": None}))
        assert session.marking == {"Job": 0, "Sum": 2}
        assert await session.tokens(Sum) == [Sum(n=1), Sum(n=5)]
        assert session.history()[-1].kind in ("moved", "quiescent")
        await session.put(Job(n=9))
        assert Fold(session.history()).marking() == {"Job": 1, "Sum": 2}

    drive(open_journal(journal, tmp_path), script)


def test_members_of_a_list_are_not_torn_apart_without_being_told() -> None:
    new = Agent("summing")

    @new.transition
    async def add(parts: Annotated[list[Part], Gather()], job: Job) -> Sum: ...

    async def script(runtime: Runtime) -> None:
        session = await runtime.start(first(), "s")
        await session.put(Job(n=2))
        await session.settled()
        before = session.history()
        with pytest.raises(NetError, match="may stand in a list that is being gathered"):
            await runtime.migrate("s", Migration(new))
        assert session.history() == before
        assert len(session.waiting) == 2
        await runtime.migrate("s", Migration(new, ungroup=True))
        assert session.marking["Part"] == 2

    drive(":memory:", script)


def test_what_must_not_be_made_twice_is_waited_for() -> None:
    agent = Agent("once")
    gate = asyncio.Event()

    @agent.transition(delivery="at_most_once")
    async def pay(job: Job) -> Sum:
        await gate.wait()
        return Sum(n=job.n)

    new = Agent("once")

    @new.transition(delivery="at_most_once", priority=1, name="pay")
    async def pay_first(job: Job) -> Sum:
        return Sum(n=job.n)

    async def script(runtime: Runtime) -> None:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        await asyncio.sleep(0)
        with pytest.raises(NetError, match="firing 's/1' is under way and must not run twice"):
            await runtime.migrate("s", Migration(new))
        gate.set()
        await session.quiescent()
        await runtime.migrate("s", Migration(new))
        await session.put(Job(n=2))
        await session.quiescent()
        assert await session.tokens(Sum) == [Sum(n=1), Sum(n=2)]

    drive(":memory:", script)


def test_running_actions_are_stopped_and_made_anew_by_the_new_code() -> None:
    old, new, calls = Agent("slow"), Agent("slow"), list[str]()

    @old.transition
    async def work(job: Job) -> Sum:
        calls.append("old")
        await asyncio.Event().wait()
        return Sum(n=0)

    @new.transition(name="work", priority=1)
    async def quick(job: Job) -> Sum:
        calls.append("new")
        return Sum(n=job.n)

    async def script(runtime: Runtime) -> None:
        session = await runtime.start(old, "s")
        await session.put(Job(n=3))
        while not calls:
            await asyncio.sleep(0)
        await runtime.migrate("s", Migration(new))
        await session.quiescent()
        assert await session.tokens(Sum) == [Sum(n=3)]
        assert calls == ["old", "new"]
        assert session.attempts == 0

    drive(":memory:", script)


def test_a_session_that_is_not_there_or_has_ended_is_refused() -> None:
    async def script(runtime: Runtime) -> None:
        with pytest.raises(SessionNotFoundError, match="no session 'gone'"):
            await runtime.migrate("gone", Migration(second()))
        session = await runtime.start(first(), "s")
        await session.cancel()
        with pytest.raises(NetError, match="session 's' has ended"):
            await runtime.migrate("s", Migration(second()))
        fresh = await runtime.start(first(), "same")
        assert await runtime.migrate("same", Migration(first())) is fresh

    drive(":memory:", script)
