"""Agents: a chain of steps, a fan-out with its join, and sleeping side by side; wall time, journal in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

from benchmarks import peers
from benchmarks.method import OURS, Contender, Figure, compare, wall_seconds
from petricore import Agent, Gather


@dataclass(slots=True)
class Job:
    """How many steps or members there are."""

    n: int


@dataclass(slots=True)
class Item:
    """A member of the fan-out."""

    i: int


@dataclass(slots=True)
class Done:
    """A member that was worked on, or the end of the chain."""

    i: int


@dataclass(slots=True)
class Total:
    """The join."""

    n: int


chain = Agent("chain")
fan = Agent("fan")
naps = Agent("naps")


@chain.transition
async def step(job: Job) -> Job | Done:
    """One step down."""
    return Job(job.n - 1) if job.n > 1 else Done(0)


def _fan_out(agent: Agent, seconds: float) -> None:
    @agent.transition
    async def split(job: Job) -> list[Item]:
        return [Item(i) for i in range(job.n)]

    @agent.transition
    async def work(item: Item) -> Done:
        if seconds:
            await asyncio.sleep(seconds)
        return Done(item.i)

    @agent.transition
    async def join(done: Annotated[list[Done], Gather()]) -> Total:
        return Total(len(done))


_fan_out(fan, 0)
_fan_out(naps, 0.1)

_CASES = (
    ("chain", chain, 1000, "chain of 1000 steps"),
    ("fan", fan, 1000, "1000 no-ops and their join"),
    ("fan", fan, 4000, "4000 no-ops and their join"),
    ("sleep", naps, 200, "200 x 0.1 s of sleep"),
)
# Each script's contender, and the environment that it runs in (None: this one).
_SCRIPTS = {
    "asyncio alone": ("flow_asyncio", None),
    "pydantic-graph": ("flow_pydantic_graph", "pydantic-graph"),
    "LangGraph": ("flow_langgraph", "LangGraph"),
    "Burr": ("flow_burr", "Burr"),
}


def figures(quick: bool) -> Iterator[Figure]:
    """Wall seconds."""
    for kind, agent, size, case in _CASES:
        size = 20 if quick else size  # noqa: PLW2901
        contenders: dict[str, Contender] = {OURS: wall_seconds(_run(agent, size))}
        if not quick:
            contenders |= _others(kind, size)
        values = compare(contenders, rounds=1 if quick else 5)
        yield Figure("agent", case, "s", values, less=True)


def _others(kind: str, size: int) -> dict[str, Contender]:
    """Those that are installed and can do it at all."""
    return {
        name: _peer(script, peer, kind, size)
        for name, (script, peer) in _SCRIPTS.items()
        if peers.figure_of(script, peer, kind, 10) is not None
    }


def _peer(script: str, peer: str | None, kind: str, size: int) -> Contender:
    return lambda: peers.figure_of(script, peer, kind, size) or float("nan")


def _run(agent: Agent, size: int) -> Callable[[], object]:
    def run() -> None:
        result = agent.run(Job(size))
        assert not result.failures
        if agent is not chain:
            assert result[Total] == [Total(size)]

    return run
