"""No policy loses a token: each is in a place, in a failure, held, or was consumed by a firing that completed.

Random agents with random options run with actions that fail, hang, ask, and return what they must not, among people
who approve, reject, edit, cancel and forget to answer. What the journal tells must add up.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from typing import Annotated, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from petricore import (
    Agent,
    AtLeast,
    Confirm,
    Context,
    Every,
    FiringNotFoundError,
    Gather,
    ManualClock,
    RetryPolicy,
    Runtime,
    Tick,
    Weight,
)
from petricore.runtime import Session
from petricore.runtime.events import (
    Asked,
    Cancelled,
    Claimed,
    Closed,
    Completed,
    Edited,
    Emitted,
    Ended,
    Event,
    Failed,
    Put,
    Rejected,
    Unwinding,
    Waiting,
)
from petricore.runtime.fold import Fold
from petricore.runtime.journal.memory_store import MemoryStore
from tests.recovery.test_resume import Crash
from tests.recovery.test_resume_life import at_once


class A(BaseModel):
    n: int


class B(BaseModel):
    n: int


class C(BaseModel):
    n: int


class World:
    """One random agent, its actions and its people."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.numbers = 0
        self.agent = Agent("random", dead_letter=self.random.choice([None, "dead"]))
        self.compensated: set[str] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        kinds = [A, B, C]
        for i in range(self.random.randint(2, 5)):
            source = 0 if i == 0 else self.random.randrange(3)
            target = None if source == 2 or self.random.random() < 0.2 else kinds[source + 1]
            self.add(f"t{i}", kinds[source], target)
        if self.random.random() < 0.3:
            self.add_source()

    def fresh(self, kind: Any) -> Any:
        self.numbers += 1
        return kind(n=self.numbers)

    def add(self, name: str, source: Any, target: Any) -> None:
        random = self.random
        hint: Any = random.choice(
            [
                source,
                source,
                source,
                Annotated[list[source], Weight(2)],
                Annotated[list[source], AtLeast(2)],
                Annotated[list[source], Gather()],
            ]
        )
        many = target is not None and random.random() < 0.5
        result: Any = list[target] if many else target

        async def action(x: Any, ctx: Context) -> Any:
            await self.misbehave(ctx)
            if target is None:
                return None
            return [self.fresh(target) for _ in range(random.randint(0, 3))] if many else self.fresh(target)

        async def stream(x: Any, ctx: Context) -> Any:
            for _ in range(random.randint(0, 3)):
                yield self.fresh(target)
                await self.misbehave(ctx)

        chosen: Any = action
        if many and random.random() < 0.4:
            chosen = stream
            result = AsyncIterator[target]
        chosen.__name__ = name
        chosen.__annotations__ = {"x": hint, "ctx": Context, "return": result}
        self.agent.transition(**self.options(name))(chosen)

    def options(self, name: str) -> dict[str, Any]:
        random = self.random
        options: dict[str, Any] = {"on_error": random.choice(["fail", "release", "errors", "session"])}
        if random.random() < 0.5:
            options["retries"] = RetryPolicy(max_attempts=random.randint(1, 3))
        if random.random() < 0.7:
            options["timeout"] = 5.0
        if random.random() < 0.2:
            options["delay"] = 2.0
        if random.random() < 0.2:
            options["concurrency"] = 1
        if random.random() < 0.4:
            deadline = random.choice([None, 30.0])
            options["confirm"] = Confirm(
                deadline=deadline, otherwise=random.choice(["reject", "approve", "cancel"])
            )
        if random.random() < 0.4:
            self.compensated.add(name)
            options["compensate"] = self.undo
        return options

    async def undo(self, outputs: list[Any], ctx: Context) -> None:
        chance = self.random.random()
        if chance < 0.3:
            raise OSError("cannot be undone")
        if chance < 0.6:
            await ctx.ask("really?", bool, deadline=3, default=True)

    def add_source(self) -> None:
        async def tick(tick: Tick) -> A:
            if self.random.random() < 0.3:
                raise OSError("nothing there")
            return self.fresh(A)  # type: ignore[no-any-return]

        self.agent.transition(every=Every(10, times=3))(tick)

    async def misbehave(self, ctx: Context) -> None:
        match self.random.choice(["", "", "", "", "raise", "hang", "ask", "default", "wait"]):
            case "raise":
                raise ValueError("no")
            case "hang":
                await self.clock.sleep(6)
            case "wait":
                await self.clock.sleep(1)
            case "ask":
                await ctx.ask("how many?", int, deadline=3)
            case "default":
                await ctx.ask("how many?", int, deadline=3, default=7)

    # -- people

    def notice(self, event: Event) -> None:
        chance = self.random.random()
        if isinstance(event, Waiting) and chance < 0.7:
            self.soon(self.decide(event.firing_id, chance))
        elif isinstance(event, Asked) and chance < 0.4:
            self.soon(self.session.answer(event.request_id, 1))
        elif isinstance(event, Claimed) and chance < 0.08 and event.undoes is None:
            self.soon(self.session.cancel(event.firing_id, by="ada"))
        elif isinstance(event, Claimed) and chance < 0.12 and event.undoes is None:
            self.soon(self.session.cancel(siblings_of=event.firing_id))
        elif isinstance(event, Completed) and chance < 0.03:
            self.soon(self.session.cancel(reason="enough"))

    async def decide(self, firing_id: str, chance: float) -> None:
        if chance < 0.2:
            await self.session.reject(firing_id, by="ada")
            return
        waiting = next((one for one in self.session.waiting if one.firing_id == firing_id), None)
        if waiting is not None and chance < 0.4 and isinstance(waiting.arguments["x"], BaseModel):
            await self.session.edit(firing_id, x=self.fresh(type(waiting.arguments["x"])))
        await self.session.approve(firing_id, by="ada")

    def soon(self, work: Any) -> None:
        async def do() -> None:
            try:
                await work
            except FiringNotFoundError:
                return  # somebody or something else was faster

        task = asyncio.ensure_future(do())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        task.add_done_callback(lambda _: work.close())  # cancelled before it began

    # -- a run

    async def run(self) -> Session:
        self.clock = ManualClock(autojump=True)
        async with Runtime(clock=self.clock, seed=1) as runtime:
            await self.begin(runtime)
            await self.finish()
        return self.session

    async def begin(self, runtime: Runtime) -> None:
        self.session = await runtime.start(self.agent, "s")
        self.session.on_event = self.notice
        await self.session.put(*(self.fresh(A) for _ in range(self.random.randint(1, 6))))

    async def finish(self) -> None:
        """Have people decide until nothing moves any more."""
        session = self.session
        while not session.closed:
            await session.settled()
            while self.tasks:
                await asyncio.gather(*self.tasks)
            await session.settled()
            if self.tasks or session.closed:
                continue
            if not session.waiting:
                break
            for one in session.waiting:  # those who forgot are asked again
                if one.kind == "confirm":
                    self.soon(self.decide(one.firing_id, self.random.random()))
        await session.committed()
        if not session.closed:
            free = {place: count for place, count in session.marking.items() if count}
            assert free == Fold(session.history()).marking()

    async def run_through_crashes(self) -> list[Event]:
        """A session whose process dies after so many events, until one lives to the end."""
        self.clock = ManualClock(autojump=True)
        store = MemoryStore()
        options: dict[str, Any] = {"clock": self.clock, "seed": 1, "writer": at_once, "max_interruptions": 2}
        options["snapshot_every"] = self.random.choice([1, 3, 1000])
        for life in range(4):
            async with Crash(store, self.agent, **options) as runtime:
                crash = asyncio.ensure_future(self.die(self.random.randint(1, 30)))
                if life == 0:
                    living = asyncio.ensure_future(self.begin(runtime))
                else:
                    self.session = await runtime.resume("s")
                    self.session.on_event = self.notice
                    living = asyncio.ensure_future(self.finish())
                await asyncio.wait({crash, living}, return_when=asyncio.FIRST_COMPLETED)
                for task in (crash, living, *self.tasks):
                    task.cancel()
                await asyncio.gather(crash, living, *self.tasks, return_exceptions=True)
        async with Runtime(store, agents=[self.agent], owner="first", **options) as runtime:
            self.session = await runtime.resume("s")
            self.session.on_event = self.notice
            await self.finish()
            return self.session.history()

    async def die(self, passes: int) -> None:
        for _ in range(passes):
            await asyncio.sleep(0)


def check(world: World, events: list[Event]) -> None:
    """Where every token is that was ever put."""
    put: dict[int, Any] = {}
    consumed: set[int] = set()
    held: dict[str, tuple[int, ...]] = {}
    for event in events:
        tokens: tuple[Any, ...] = ()
        match event:
            case Put(tokens=tokens) | Emitted(outputs=tokens):
                pass
            case Claimed(firing_id=firing_id, taken=taken):
                held[firing_id] = taken
            case Edited(tokens=edited):
                put.update((token.id, token.value) for token in edited)
            case Ended(firing_id=firing_id, outputs=tokens):
                taken = held.pop(firing_id)
                back = {token.id for token in tokens} & set(taken)
                gone = [token for token in taken if token not in back]
                assert not back or not gone  # given back as a whole, or not at all
                if isinstance(event, (Failed, Rejected, Cancelled)):
                    kept = [one for given in event.failure.tokens.values()
                            for one in (given if isinstance(given, list) else [given])]  # fmt: skip
                    for token in taken:
                        assert put[token] in kept
                consumed.update(gone)
                tokens = tuple(token for token in tokens if token.id not in back)
        for token in tokens:
            assert token.id not in put
            put[token.id] = token.value
    fold = Fold(events)
    free = set(fold.free)
    assert free | consumed == set(put)
    assert not free & consumed
    assert not any(fold.held.values())
    ids = [event.number for event in events]
    assert ids == list(range(1, len(events) + 1))
    _check_undone(world, events)


def _check_undone(world: World, events: list[Event]) -> None:
    started = [event for event in events if isinstance(event, Unwinding)]
    names = {event.firing_id: event.transition for event in events if isinstance(event, Claimed)}
    done = [event.firing_id for event in events
            if isinstance(event, Completed) and names[event.firing_id] in world.compensated]  # fmt: skip
    undone = [event.undoes for event in events if isinstance(event, Claimed) and event.undoes]
    assert len(started) <= 1
    if any(isinstance(event, Closed) for event in events):
        assert undone == done[::-1]
        assert isinstance(events[-1], Closed)
    else:
        assert not undone


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_no_policy_loses_a_token(seed: int) -> None:
    world = World(seed)

    async def main() -> list[Event]:
        async with asyncio.timeout(30):
            session = await world.run()
        return session.history()

    check(world, asyncio.run(main()))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_no_crash_loses_a_token(seed: int) -> None:
    world = World(seed)

    async def main() -> list[Event]:
        async with asyncio.timeout(30):
            return await world.run_through_crashes()

    check(world, asyncio.run(main()))


def test_the_random_worlds_see_every_end_of_a_firing() -> None:
    kinds: Counter[str] = Counter()
    for seed in range(150):
        world = World(seed)
        session = asyncio.run(world.run())
        kinds.update(event.kind for event in session.history())
    wanted = {"completed", "failed", "rejected", "cancelled", "released", "retried", "emitted", "unwinding",
              "closed", "edited", "approved", "answered", "asked", "quiescent"}  # fmt: skip
    assert wanted <= set(kinds)
