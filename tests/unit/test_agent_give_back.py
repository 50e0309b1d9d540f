"""What is rejected or released goes back where it was, in its group, and is not taken by that transition again."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from petricore import Agent, Gather
from petricore._core import Fleet


class Start(BaseModel):
    pass


class Part(BaseModel):
    n: int


class Item(BaseModel):
    n: int


class Sum(BaseModel):
    members: list[int]


class Total(BaseModel):
    members: list[list[int]]


class Other(BaseModel):
    members: list[int]


@pytest.mark.parametrize("option", [{}, {"confirm": True}, {"on_error": "release"}])
def test_an_inner_gather_fires_once_whatever_its_options(option: dict[str, Any]) -> None:
    agent = Agent("nested")

    @agent.transition
    def split(start: Start) -> list[Part]:
        return [Part(n=1), Part(n=2)]

    @agent.transition
    def divide(part: Part) -> list[Item]:
        return [Item(n=10 * part.n + i) for i in range(2)]

    @agent.transition(**option)
    def add(items: Annotated[list[Item], Gather()]) -> Sum:
        return Sum(members=[item.n for item in items])

    @agent.transition
    def conclude(sums: Annotated[list[Sum], Gather()]) -> Total:
        return Total(members=[one.members for one in sums])

    result = agent.run(Start(), confirm=True, timeout=10)
    assert result[Total] == [Total(members=[[10, 11], [20, 21]])]
    assert result[Sum] == []


@pytest.mark.parametrize("option", [{"confirm": True}, {"on_error": "release"}])
@pytest.mark.parametrize("least", [0, 1])
def test_what_one_gather_gives_back_another_gets(option: dict[str, Any], least: int) -> None:
    agent = Agent("two gathers")

    @agent.transition
    def split(start: Start) -> list[Item]:
        return [Item(n=i) for i in range(3)]

    @agent.transition(priority=1, **option)
    def refused(items: Annotated[list[Item], Gather(min=least)]) -> Sum:
        raise ValueError("no")

    @agent.transition
    def second(items: Annotated[list[Item], Gather(min=least)]) -> Other:
        return Other(members=[item.n for item in items])

    result = agent.run(Start(), confirm=False, timeout=10)
    assert result[Other] == [Other(members=[0, 1, 2])]
    assert len(result.failures) == 1


def test_a_rejected_token_keeps_its_place_in_the_line() -> None:
    agent = Agent("line")

    @agent.transition(confirm=True, priority=1)
    def ask(item: Item) -> Sum:
        raise AssertionError("nobody agreed")

    result = agent.run(*(Item(n=i) for i in range(5)), confirm=False, timeout=10)
    assert result[Item] == [Item(n=i) for i in range(5)]
    assert len(result.failures) == 5


def test_refusing_takes_guard_bits_away_and_ends_the_gathering() -> None:
    split, gather, other = range(3)
    fleet = Fleet(
        places=4,
        transitions=3,
        inputs=[(split, 0, 0, 1, -1, -1), (gather, 1, 2, 0, 0, -1), (other, 1, 2, 0, -1, -1)],
        outputs=[(split, 1, 1), (gather, 2, 1), (other, 3, 1)],
        scatters=[(split, 1)],
        priorities=[0, 1, 0],
    )
    session = int(fleet.open()[0])
    fleet.put(session, 0)
    (opening,) = fleet.claim(9).firings.tolist()
    members = fleet.complete(opening, [1, 1], guards=[1, 1], members=[True, True], opened=[1]).tolist()
    claims = fleet.claim(1)
    assert claims.transitions.tolist() == [gather]
    fleet.refuse(int(claims.firings[0]), [(1, 1)])
    assert fleet.tokens(session, 1).tolist() == members
    claims = fleet.claim(9)
    assert claims.transitions.tolist() == [other]
    assert claims.tokens.tolist() == members
    with pytest.raises(KeyError):
        fleet.refuse(opening, [(1, 1)])
    with pytest.raises(ValueError, match="place 9 does not exist"):
        fleet.refuse(int(claims.firings[0]), [(9, 1)])


@pytest.mark.parametrize(
    "option", [{"where": {"item": lambda item: item.n != 1}}, {"confirm": True}, {"on_error": "release"}]
)
def test_a_gather_does_not_wait_for_a_token_that_no_transition_takes_any_more(option: dict[str, Any]) -> None:
    agent = Agent("filtered")

    @agent.transition
    def split(start: Start) -> list[Item]:
        return [Item(n=i) for i in range(3)]

    @agent.transition(**option)
    def keep(item: Item) -> Part:
        if item.n == 1:
            raise ValueError("not this one")
        return Part(n=item.n)

    @agent.transition
    def add(parts: Annotated[list[Part], Gather()]) -> Sum:
        return Sum(members=[part.n for part in parts])

    result = agent.run(Start(), confirm=lambda pending: pending.arguments["item"].n != 1, timeout=10)
    assert result[Sum] == [Sum(members=[0, 2])]
    assert result[Item] == [Item(n=1)]
