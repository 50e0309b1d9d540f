"""`Agent.simulate`: checks what is asked, runs the loop, hands back what it found."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from petricore.analysis.progress import reporter
from petricore.errors import NetError
from petricore.simulation.agents.arrivals import arrival_times
from petricore.simulation.agents.given import counted, real
from petricore.simulation.agents.loop import Loop
from petricore.simulation.agents.model import compile_model
from petricore.simulation.agents.result import AgentSimulation

if TYPE_CHECKING:
    from petricore.agent.agent import Agent

__all__ = ["simulate"]

_LIMIT = 100_000


def simulate(
    agent: Agent,
    inputs: Mapping[Any, Any],
    *,
    sessions: int | None,
    durations: Any,
    costs: Any,
    resources: Mapping[str, Any] | None,
    needs: Mapping[str, Any] | None,
    arrivals: Any,
    outcomes: Mapping[Any, Any] | None,
    emits: Any,
    failure_rate: Any,
    confirmations: Any,
    until: float | None,
    seed: int | None,
    threads: int,
    limit: int | None,
    progress: Callable[[int], object] | bool | None,
) -> AgentSimulation:
    """See `Agent.simulate`."""
    if until is not None:
        time = real(until)
        if time is None or not time > 0:
            raise NetError(f"until is a number of seconds above 0, not {until!r}")
        until = time
    if seed is None:
        seed = secrets.randbits(63)
    seed = counted(seed, 0, 2**64 - 1, "seed is an integer from 0 to 2**64 - 1")
    if limit is not None:
        limit = counted(limit, 1, 2**63 - 1, "limit is a number of firings of a session from 1 on")
    model = compile_model(
        agent,
        inputs,
        durations=durations,
        costs=costs,
        resources=resources,
        needs=needs,
        outcomes=outcomes,
        emits=emits,
        failure_rate=failure_rate,
        confirmations=confirmations,
        threads=threads,
    )
    times = arrival_times(arrivals, sessions, seed)
    with reporter(progress, "sessions") as report:
        loop = Loop(model, times, seed=seed, until=until, limit=limit or _LIMIT, report=report)
        loop.run()
    return AgentSimulation(loop, seed, len(times))
