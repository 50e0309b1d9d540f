"""Ten thousand worlds: each seed draws an interleaving, faults and crashes, and must come to the same end."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from random import Random
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from petricore import Agent, Context, Failure, Gather, ManualClock, RetryPolicy, Runtime
from petricore.runtime.events import Event
from petricore.runtime.fold import Fold
from petricore.runtime.journal.memory_store import MemoryStore
from petricore.runtime.journal.schema import EventCodec
from petricore.runtime.session import Session

from .seeded_world import FaultyStore, Writes, live

SEEDS = int(os.environ.get("PETRICORE_SEEDS", "500"))
SESSIONS = 3


class Order(BaseModel):
    """In."""

    n: int


class Line(BaseModel):
    """A part of an order."""

    n: int


class Checked(BaseModel):
    """A part that was looked at."""

    n: int


class Total(BaseModel):
    """All parts."""

    n: int


class Letter(BaseModel):
    """Written by a generator."""

    n: int


class Charged(BaseModel):
    """Done at most once."""

    n: int


class World:
    """What lives on between the lives of the process: the store, and what the actions did outside."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.store = MemoryStore()
        self.ledger: Counter[tuple[str, str]] = Counter()
        self.alive = 0
        """The life that can still do something outside."""

    def events(self, session_id: str) -> list[Event]:
        """The journal of a session."""
        codec = EventCodec(build(self, -1).plan())
        return [codec.decode(record) for record in self.store.records(session_id)]

    def enter(self, life: int, action: str, context: Context) -> None:
        """An action happened, unless its process is gone already."""
        if life == self.alive:
            self.ledger[action, context.firing_id] += 1


def build(world: World, life: int) -> Agent:
    """The agent of one life."""
    agent = Agent("world")
    agent.place("uncharged", Failure)

    @agent.transition
    async def split(order: Order, ctx: Context) -> list[Line]:
        world.enter(life, "split", ctx)
        return [Line(n=i) for i in range(order.n)]

    @agent.transition(retries=RetryPolicy(initial_interval=1, max_attempts=100))
    async def check(line: Line, ctx: Context) -> Checked:
        world.enter(life, "check", ctx)
        for _ in range(world.random.randrange(3)):
            await asyncio.sleep(0)
        if world.random.random() < 0.2:
            raise ValueError("drawn")
        return Checked(n=line.n)

    @agent.transition(executor="inline")
    def add_up(parts: Annotated[list[Checked], Gather()], ctx: Context) -> Total:
        world.enter(life, "add_up", ctx)
        return Total(n=len(parts))

    @agent.transition(confirm=True, delay=5, executor="inline")
    def write(total: Total, ctx: Context) -> Letter:
        world.enter(life, "write", ctx)
        return Letter(n=total.n)

    @agent.transition(delivery="at_most_once", on_error="uncharged")
    async def charge(letter: Letter, ctx: Context) -> Charged:
        world.enter(life, "charge", ctx)
        await asyncio.sleep(0)
        return Charged(n=letter.n)

    return agent


async def drive(world: World, life: int, store: FaultyStore, loop: Any) -> None:
    """One life: bring about what is not there yet, approve what waits, and end when all is at rest."""
    agent = build(world, life)
    clock = ManualClock(1000.0 * (life + 1), autojump=True)
    runtime = Runtime(
        store,  # type: ignore[arg-type]
        agents=[agent],
        clock=clock,
        seed=world.random.randrange(2**32),
        owner="world",
        idle_after=world.random.choice([0.5, 50]),
        snapshot_every=world.random.choice([1, 4, 1000]),
        max_interruptions=10**6,
        writer=Writes(loop, world.random),
    )
    async with runtime:
        await asyncio.gather(*(one_session(world, runtime, agent, f"s{i}", i) for i in range(SESSIONS)))


async def one_session(world: World, runtime: Runtime, agent: Agent, name: str, n: int) -> None:
    """Bring one session to its end."""
    session: Session
    if name in runtime.sessions():
        session = await runtime.resume(name)
    else:
        session = await runtime.start(agent, name)
    if not any(event.kind == "put" for event in session.history()):
        await session.put(Order(n=n), Order(n=n + 2))
    while True:
        await session.settled()
        if not session.waiting:
            return
        for pending in session.waiting:
            await session.approve(pending.firing_id, by="somebody")


def run_world(seed: int) -> World:
    """All lives of one world."""
    world = World(seed)
    for life in range(world.random.randrange(1, 5)):
        world.alive = life
        store = FaultyStore(world.store, world.random, fault_rate=world.random.choice([0, 0.1]))
        crash_after = world.random.randrange(1, 400)

        def gone(store: FaultyStore = store) -> None:
            store.dead = True
            world.alive = -1

        if live(
            lambda loop, life=life, store=store: drive(world, life, store, loop),
            world.random,
            crash_after,
            gone,
        ):  # type: ignore[misc]
            return world
    world.alive = 10
    store = FaultyStore(world.store, world.random, fault_rate=0)
    assert live(lambda loop: drive(world, 10, store, loop), world.random, None, lambda: None)
    return world


def check_world(world: World) -> None:
    """The end is the same whatever happened on the way."""
    for i in range(SESSIONS):
        events = world.events(f"s{i}")
        fold = Fold(events)
        assert not fold.held
        marking = fold.marking()
        charged = marking.pop("Charged", 0) + marking.pop("uncharged", 0)
        assert marking == {}
        assert charged == 2
        assert [event.number for event in events] == list(range(1, len(events) + 1))


BLOCKS = [range(start, min(start + 100, SEEDS)) for start in range(0, SEEDS, 100)]
"""One test each, so that a failure names its hundred."""


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.start}-{block.stop - 1}")
def test_every_world_comes_to_the_same_end(block: range) -> None:
    for seed in block:
        try:
            check_world(run_world(seed))
        except BaseException as error:
            error.add_note(f"seed {seed}: run_world({seed}) repeats it")
            raise


def test_a_seed_repeats_its_world_exactly() -> None:
    first, second = run_world(7), run_world(7)
    assert first.ledger == second.ledger
    assert [r.text for r in first.store.records("s1")] == [r.text for r in second.store.records("s1")]
