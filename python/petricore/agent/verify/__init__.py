"""Proofs about an agent before it runs: see `Agent.verify` and docs/verification.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from petricore.agent.places import type_name
from petricore.agent.verify.report import Finding, Report
from petricore.errors import NetError

if TYPE_CHECKING:
    from petricore.agent.agent import Agent

__all__ = ["Finding", "Report", "verify"]

_LIMIT = 200_000


def verify(
    agent: Agent,
    inputs: Mapping[Any, int],
    *,
    limit: int | None = None,
    timeout: float | None = None,
    complete: Iterable[Any] = (),
    decided: Iterable[Any] = (),
    strict: bool = False,
) -> Report:
    """See `Agent.verify`."""
    from petricore.agent.verify.abstraction import abstract
    from petricore.agent.verify.exploration import Budget
    from petricore.agent.verify.properties import Checks

    tokens: dict[str, int] = {}
    ticks = {one.tick.place.name for one in agent.transitions.values() if one.tick is not None}
    for key, count in inputs.items():
        place = _place(agent, "inputs", key)
        if not (agent.places[place].expose or place in ticks):
            raise NetError(f"inputs: place {place!r} is not exposed: only firings put into it")
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count < 2**31:
            raise NetError(f"inputs: {place!r} gets a number of tokens from 0 on, not {count!r}")
        tokens[place] = tokens.get(place, 0) + count
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise NetError(f"limit is a number of markings from 1 on, not {limit!r}")
    if timeout is not None and not (isinstance(timeout, (int, float)) and timeout > 0):
        raise NetError(f"timeout is a number of seconds above 0, not {timeout!r}")
    done = frozenset(_place(agent, "complete", one) for one in complete)
    trusted = frozenset(
        one if isinstance(one, str) and one in agent.transitions else _place(agent, "decided", one)
        for one in decided
    )
    abstraction = abstract(agent, tokens, decided=trusted)
    budget = Budget(limit or _LIMIT, None if timeout is None else monotonic() + timeout)
    checks = Checks(abstraction, done, budget)
    findings = tuple(checks.findings())
    longest = abstraction.longest if abstraction.lists else None
    return Report(agent.name, tokens, findings, checks.states, longest, strict)


def _place(agent: Agent, argument: str, key: Any) -> str:
    """The place that a type or a name stands for."""
    name = key if isinstance(key, str) else type_name(key)
    place = agent.places.get(name)
    if place is None or (not isinstance(key, str) and place.type != key):
        known = ", ".join(map(repr, agent.places))
        raise NetError(f"{argument}: agent {agent.name!r} has no place {name!r}; its places are {known}")
    return name
