"""Joins are exact: whatever fails, is filtered away, branches off or comes late, and however requests interleave."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from petricore import Agent, Failure, From, Gather, ManualClock, Runtime
from petricore.agent import Result

Fate = Literal["pass", "drop", "fail", "repair", "branch", "retry"]


@dataclass
class Leaf:
    """One inner member: its name, and what becomes of it."""

    name: str
    fate: Fate
    delay: int


@dataclass
class Item:
    """One outer member, which opens a group of its own."""

    name: str
    fate: Fate
    delay: int
    leaves: list[Leaf] = field(default_factory=list)


@dataclass
class Request:
    items: list[Item]


@dataclass
class Detour:
    item: Item


@dataclass
class Ready:
    item: Item


class Score(BaseModel):
    name: str


class ItemTotal(BaseModel):
    names: list[str]


class Total(BaseModel):
    parts: list[list[str]]


FATES = st.sampled_from(["pass", "pass", "pass", "drop", "fail", "repair", "branch", "retry"])
DELAYS = st.integers(0, 3)


@st.composite
def requests(draw: st.DrawFn) -> list[Request]:
    made = []
    for r in range(draw(st.integers(1, 3))):
        items = []
        for i in range(draw(st.integers(0, 4))):
            leaves = [Leaf(f"{r}.{i}.{k}", draw(FATES), draw(DELAYS)) for k in range(draw(st.integers(0, 3)))]
            items.append(Item(f"{r}.{i}", draw(FATES), draw(DELAYS), leaves))
        made.append(Request(items))
    return made


def survives(fate: Fate) -> bool:
    return fate not in ("drop", "fail")


def expected(made: list[Request]) -> Counter[Any]:
    """What the totals must be, by plain recursion."""
    return Counter(
        canonical(
            [
                [leaf.name for leaf in item.leaves if survives(leaf.fate)]
                for item in request.items
                if survives(item.fate)
            ]
        )
        for request in made
    )


def canonical(parts: list[list[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted(tuple(sorted(part)) for part in parts))


def nested(clock: ManualClock, least: int = 0) -> Agent:
    """Scatter, triage with failures, filters and a branch that comes back late; a group within each member."""
    agent = Agent("nested")
    tried: set[str] = set()

    async def live(name: str, fate: Fate, delay: int) -> None:
        await clock.sleep(delay)
        if fate in ("fail", "repair") or (fate == "retry" and name not in tried):
            tried.add(name)
            raise ValueError(name)

    @agent.transition
    async def split(request: Request) -> list[Item]:
        return request.items

    @agent.transition(retries=1, on_error="item errors")
    async def triage(item: Item) -> Ready | Detour | None:
        await live(item.name, item.fate, item.delay)
        if item.fate == "drop":
            return None
        return Detour(item) if item.fate == "branch" else Ready(item)

    @agent.transition(delay=2)
    async def handle(detour: Detour) -> Ready:
        return Ready(detour.item)

    @agent.transition(delay=5)
    async def repair_item(failure: Annotated[Failure, From("item errors")]) -> Ready | None:
        item = failure.tokens["item"]
        return Ready(item) if item.fate == "repair" else None

    @agent.transition(executor="inline")
    def fan(ready: Ready) -> list[Leaf]:
        return ready.item.leaves

    @agent.transition(retries=1, on_error="leaf errors")
    async def score(leaf: Leaf) -> Score | None:
        await live(leaf.name, leaf.fate, leaf.delay)
        return None if leaf.fate == "drop" else Score(name=leaf.name)

    @agent.transition(delay=5)
    async def repair_leaf(failure: Annotated[Failure, From("leaf errors")]) -> Score | None:
        leaf = failure.tokens["leaf"]
        return Score(name=leaf.name) if leaf.fate == "repair" else None

    @agent.transition
    async def collect(scores: Annotated[list[Score], Gather()]) -> ItemTotal:
        return ItemTotal(names=[score.name for score in scores])

    @agent.transition
    async def total(totals: Annotated[list[ItemTotal], Gather(min=least)]) -> Total:
        return Total(parts=[one.names for one in totals])

    return agent


@settings(max_examples=300, deadline=None, derandomize=True)
@given(requests())
def test_interleaved_requests_are_gathered_exactly(made: list[Request]) -> None:
    clock = ManualClock(autojump=True)
    result = nested(clock).run(*made, clock=clock)
    assert Counter(canonical(total.parts) for total in result[Total]) == expected(made)
    nothing_is_left(result, made)


def nothing_is_left(result: Result, made: list[Request]) -> None:
    """Nothing stands about but the totals, and every firing that failed is on record with the token it held."""
    broken = {item.name for request in made for item in request.items if item.fate in ("fail", "repair")}
    broken |= {
        leaf.name
        for request in made
        for item in request.items
        if survives(item.fate)
        for leaf in item.leaves
        if leaf.fate in ("fail", "repair")
    }
    assert {next(iter(failure.tokens.values())).name for failure in result.failures} == broken
    assert {place for place, count in result.marking.items() if count} == {"Total"}
    assert result.gathers == []


def test_a_failure_that_may_still_be_repaired_is_waited_for_and_the_gather_says_so() -> None:
    clock = ManualClock(autojump=True)
    agent = nested(clock)

    @agent.transition(confirm=True, priority=1)
    async def give_up(failure: Annotated[Failure, From("item errors")]) -> None: ...

    made = Request([Item("a", "pass", 0), Item("b", "fail", 0)])
    waiting = agent.run(made, clock=clock)
    assert waiting[Total] == []
    assert {place.place for place in waiting.gathers} == {"ItemTotal"}
    assert waiting.waiting[0].firing_id in waiting.gathers[0].firings
    given_up = agent.run(made, clock=clock, confirm=True)
    assert [total.parts for total in given_up[Total]] == [[[]]]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(requests())
def test_a_gather_with_a_minimum_does_not_fire_below_it(made: list[Request]) -> None:
    clock = ManualClock(autojump=True)
    result = nested(clock, least=1).run(*made, clock=clock)
    wanted = expected(made)
    del wanted[()]
    assert Counter(canonical(total.parts) for total in result[Total]) == wanted


@settings(max_examples=50, deadline=None, derandomize=True)
@given(requests(), st.lists(st.integers(0, 6), min_size=3, max_size=3))
def test_requests_that_come_at_different_times_do_not_mix(made: list[Request], times: list[int]) -> None:
    async def run() -> None:
        clock = ManualClock(autojump=True)
        async with Runtime(clock=clock) as runtime:
            session = await runtime.start(nested(clock))
            for request, pause in zip(made, times, strict=False):
                await session.put(request)
                await clock.sleep(pause)
            await session.quiescent()
            totals = await session.tokens(Total)
            assert Counter(canonical(total.parts) for total in totals) == expected(made)

    asyncio.run(run())


class Start(BaseModel):
    names: list[str]


class Member(BaseModel):
    name: str


class Kept(BaseModel):
    name: str


class Bundle(BaseModel):
    names: list[str]


def gathering(**options: Any) -> Agent:
    agent = Agent("gathering")

    @agent.transition
    async def open_group(start: Start) -> list[Member]:
        return [Member(name=name) for name in start.names]

    @agent.transition
    async def keep(member: Member) -> Kept:
        if member.name.startswith("!"):
            raise ValueError(member.name)
        return Kept(name=member.name)

    @agent.transition(**options)
    async def bundle(all_: Annotated[list[Kept], Gather()]) -> Bundle:
        return Bundle(names=sorted(kept.name for kept in all_))

    return agent


def test_an_empty_list_fires_its_gather_once_with_nothing() -> None:
    assert gathering().run(Start(names=[]))[Bundle] == [Bundle(names=[])]


def test_a_group_whose_members_all_failed_fires_its_gather_with_nothing() -> None:
    result = gathering().run(Start(names=["!a", "!b"]))
    assert result[Bundle] == [Bundle(names=[])]
    assert [failure.tokens["member"].name for failure in result.failures] == ["!a", "!b"]


def test_a_rejected_gather_gives_its_members_back_and_does_not_ask_again() -> None:
    result = gathering(confirm=True).run(Start(names=["a", "b"]), confirm=False)
    assert result[Bundle] == []
    assert sorted(kept.name for kept in result[Kept]) == ["a", "b"]
    assert [failure.kind for failure in result.failures] == ["rejected"]


def test_an_approved_gather_fires_once() -> None:
    result = gathering(confirm=True).run(Start(names=["a", "b"]), Start(names=[]), confirm=True)
    assert sorted(bundle.names for bundle in result[Bundle]) == [[], ["a", "b"]]


def test_a_generator_holds_its_group_open_until_it_ends() -> None:
    from collections.abc import AsyncIterator

    agent = Agent("stream")
    clock = ManualClock(autojump=True)

    @agent.transition
    async def stream(start: Start) -> AsyncIterator[Member]:
        for name in start.names:
            await clock.sleep(1)
            yield Member(name=name)
        await clock.sleep(5)

    @agent.transition
    async def bundle(all_: Annotated[list[Member], Gather()]) -> Bundle:
        return Bundle(names=[member.name for member in all_])

    result = agent.run(Start(names=["a", "b"]), Start(names=[]), Start(names=["c"]), clock=clock)
    assert sorted(one.names for one in result[Bundle]) == [[], ["a", "b"], ["c"]]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=30))
def test_a_join_by_key_pairs_equal_keys_in_order_of_arrival(puts: list[tuple[bool, int]]) -> None:
    @dataclass
    class Left:
        key: int
        n: int

    @dataclass
    class Right:
        key: int
        n: int

    agent = Agent("pairs")

    @agent.transition(match="key")
    async def pair(left: Left, right: Right) -> dict[str, int]:
        assert left.key == right.key
        return {"key": left.key, "left": left.n, "right": right.n}

    tokens = [Left(key, n) if is_left else Right(key, n) for n, (is_left, key) in enumerate(puts)]
    result = agent.run(*tokens)
    queues: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for n, (is_left, key) in enumerate(puts):
        queues[key][0 if is_left else 1].append(n)
    pairs = [
        (key, left, right)
        for key, (lefts, rights) in queues.items()
        for left, right in zip(lefts, rights, strict=False)
    ]
    assert Counter((one["key"], one["left"], one["right"]) for one in result[dict[str, int]]) == Counter(
        pairs
    )
    assert len(result[Left]) + len(result[Right]) + 2 * len(pairs) == len(puts)


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_the_size_of_a_group_does_not_matter(size: int) -> None:
    names = [str(n) for n in range(size)]
    assert gathering().run(Start(names=names))[Bundle] == [Bundle(names=sorted(names))]
