"""Users of one agent are served in turn, however many sessions each has."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from petricore import Agent, ManualClock, Runtime
from petricore.runtime import Migration
from petricore.runtime.accounts import Accounts
from petricore.runtime.journal.memory_store import MemoryStore
from tests.unit.test_runtime_session import on_a_loop

STEPS = 50
CROWD = 200


class Step(BaseModel):
    left: int


class Done(BaseModel):
    pass


def countdown(**options: Any) -> Agent:
    agent = Agent("countdown")

    @agent.transition(**options)
    async def step(step: Step) -> Step | Done:
        await asyncio.sleep(0)
        return Step(left=step.left - 1) if step.left > 1 else Done()

    return agent


async def firings_meanwhile(agent: Agent, crowd_user: str | None, user: str | None, **options: Any) -> int:
    """How many firings a crowd of busy sessions makes until one session has made its steps."""
    async with Runtime(**options) as runtime:
        crowd = [await runtime.start(agent, user=crowd_user) for _ in range(CROWD)]
        for one in crowd:
            await one.put(Step(left=10**9))
        session = await runtime.start(agent, user=user)
        before = sum(one.firing_count for one in crowd)
        await session.put(Step(left=STEPS))
        await session.quiescent()
        assert session.firing_count == STEPS
        return sum(one.firing_count for one in crowd) - before


@pytest.mark.parametrize("user", ["bob", None])
@pytest.mark.parametrize(
    ("agent", "options", "at_once"),
    [(countdown(), {"max_firings": 4}, 4), (countdown(concurrency=2), {}, 2)],
    ids=["max_firings", "concurrency"],
)
@on_a_loop
async def test_a_user_with_one_session_does_not_wait_for_the_crowd_of_another(
    user: str | None, agent: Agent, options: dict[str, Any], at_once: int
) -> None:
    firings = await firings_meanwhile(agent, "ann", user, **options)
    # A step waits for one claim of the crowd, and while it runs each other seat is taken anew, at most once before
    # it ends and once as it ends. As one user all sessions take turns: a step waits for the whole crowd.
    assert firings <= (STEPS + 1) * 2 * at_once
    assert await firings_meanwhile(agent, "ann", "ann", **options) >= (STEPS - 1) * (CROWD - at_once)


def accounted(runtime: Runtime, agent: Agent) -> Counter[str | None]:
    """How many sessions in memory each user has, who all have an account of their own."""
    dispatcher = runtime.dispatcher(agent)
    sessions = dispatcher.sessions.values()
    users = {one.user for one in sessions}
    accounts = {one.account for one in sessions}
    assert len({(one.user, one.account) for one in sessions}) == len(users) == len(accounts)
    assert len(dispatcher.accounts) == len(users)
    return Counter(one.user for one in sessions)


@on_a_loop
async def test_sessions_that_are_opened_forked_migrated_and_closed_have_the_account_of_their_user() -> None:
    old, new = countdown(), countdown(priority=1)
    async with Runtime() as runtime:
        ann = await runtime.start(old, user="ann")
        other = await runtime.start(old, user="bob")
        await runtime.start(old, user="ann")
        await runtime.start(old)
        assert accounted(runtime, old) == {"ann": 2, "bob": 1, None: 1}
        await ann.put(Step(left=2))
        await ann.quiescent()
        fork = await ann.fork()
        assert fork.account == ann.account
        assert accounted(runtime, old) == {"ann": 3, "bob": 1, None: 1}
        await runtime.migrate(other.id, Migration(new))
        assert runtime.dispatcher(new).sessions == {other.number: other}
        assert len(runtime.dispatcher(old).accounts) == 2
        for one in (ann, fork, other):
            await one.cancel()
        assert accounted(runtime, new) == {}
        assert accounted(runtime, old) == {"ann": 1, None: 1}


@pytest.mark.parametrize("snapshot_every", [1, 1000])
@on_a_loop
async def test_sessions_that_come_back_from_the_journal_have_the_account_of_their_user(
    snapshot_every: int,
) -> None:
    store, agent = MemoryStore(), countdown()
    options: dict[str, Any] = {"agents": [agent], "snapshot_every": snapshot_every, "idle_after": 10}
    async with Runtime(store, **options) as runtime:
        for user in ("ann", "bob", "ann", None, "cy"):
            session = await runtime.start(agent, user=user)
            await session.put(Step(left=2))
            await session.quiescent()
        expected = accounted(runtime, agent)
    clock = ManualClock(0.0)
    async with Runtime(store, **options, clock=clock) as runtime:
        for session_id in runtime.sessions():
            session = await runtime.resume(session_id)
        assert accounted(runtime, agent) == expected == {"ann": 2, "bob": 1, None: 1, "cy": 1}
        for _ in range(40):
            clock.advance(1)
            await asyncio.sleep(0.002)
        assert session.parked
        assert accounted(runtime, agent) == {}
        await session.put(Step(left=1))
        assert accounted(runtime, agent) == {"cy": 1}


@on_a_loop
async def test_a_session_that_is_undone_keeps_its_account() -> None:
    agent = Agent("undone")

    async def undo(job: Step) -> None:
        del job

    @agent.transition(compensate=undo)
    async def work(job: Step) -> Done:
        return Done()

    async with Runtime() as runtime:
        session = await runtime.start(agent, user="ann")
        await session.put(Step(left=1))
        await session.quiescent()
        await session.cancel()
        assert [event.kind for event in session.history()][-1] == "closed"
        assert accounted(runtime, agent) == {}


@given(st.integers(0, 2**32 - 1))
def test_accounts_are_told_apart_by_user_and_used_again(seed: int) -> None:
    random = Random(seed)
    accounts = Accounts()
    inside: list[tuple[str | None, int]] = []
    most = 0
    for _ in range(100):
        if inside and random.random() < 0.5:
            accounts.leave(inside.pop(random.randrange(len(inside)))[1])
        else:
            user = random.choice([None, "", "ann", "bob", "cy"])
            inside.append((user, accounts.enter(user)))
        users = dict(inside)
        most = max(most, len(users))
        assert len(set(inside)) == len(users) == len(set(users.values())) == len(accounts)
        assert all(account < most for account in users.values())
