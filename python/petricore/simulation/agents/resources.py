"""Resources that all sessions share: pools, and limits on how often."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from petricore.agent.compile import Plan
from petricore.agent.declaration import Mode
from petricore.errors import NetError
from petricore.simulation.agents.given import counted, real

__all__ = ["RateLimit", "Resource", "lay_out"]

_MOST = 2**31 - 1
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `firings` in any window of `per` seconds: `RateLimit(10, per=1.0)`."""

    firings: int
    per: float = 1.0

    def __post_init__(self) -> None:
        firings = counted(self.firings, 1, _MOST, "RateLimit: firings is an integer of at least 1")
        per = real(self.per)
        if per is None or not per > 0:
            raise NetError(f"RateLimit: per is a number of seconds above 0, not {self.per!r}")
        object.__setattr__(self, "firings", firings)
        object.__setattr__(self, "per", per)

    @classmethod
    def parse(cls, text: str) -> RateLimit:
        """The limit of a text like "10/s", "100/min", "5/h" or "10/2.5s". Raises `NetError` for another."""
        match = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+(?:\.\d+)?)?\s*(s|min|h)\s*", text)
        if match is None:
            raise NetError(f"a rate limit is like '10/s', '100/min' or '10/2.5s', not {text!r}")
        return cls(int(match[1]), float(match[2] or 1) * _UNITS[match[3]])


@dataclass(slots=True)
class Resource:
    """A shared place of the fleet. `window`: seconds after which a token comes back by itself (None: a pool)."""

    name: str
    place: int
    capacity: int
    window: float | None


def lay_out(
    plan: Plan, given: Mapping[str, Any], needs: Mapping[str, Any]
) -> tuple[list[Resource], list[list[tuple[int, int]]], dict[str, Any]]:
    """The resources of a plan and those `given`, which of them each transition needs, and the fleet's arguments.

    `given` names pools (an integer) and limits (`RateLimit`), or a declared one ("concurrency of fetch", "rate of
    fetch") to try another size of it. A resource is held as the runtime holds those of `concurrency` and
    `rate_limit`: a pool from the claim of a firing to its end, a limit for its window from the claim on.

    Raises:
        NetError: a size is no integer above 0; a need names no resource or exceeds it; nobody needs a resource.
    """
    resources = {
        plan.names[place]: Resource(plan.names[place], place, size,
                                    plan.rates[place].seconds if place in plan.rates else None)
        for place, size in plan.resources.items()
    }  # fmt: skip
    arguments = dict(plan.fleet_arguments)
    inputs, outputs = list(arguments["inputs"]), list(arguments["outputs"])
    declared = set(resources)
    for name, size in given.items():
        if any(one.spec.name == name for one in plan.transitions):
            raise NetError(f"resources: {name!r} is a transition; give the resource another name")
        _give(resources, name, size, next_place=len(plan.index) + len(resources))
    by_transition = _declared_needs(plan, resources, inputs)
    index = {one.spec.name: number for number, one in enumerate(plan.transitions)}
    order = {name: number for number, name in enumerate(resources)}
    for transition, wanted in needs.items():
        if transition not in index:
            raise NetError(
                f"needs: there is no transition {transition!r}; there are {', '.join(map(repr, index))}"
            )
        number = index[transition]
        for name, amount in _wanted(transition, wanted):
            if name not in resources or name in declared:
                free = ", ".join(repr(one) for one in resources if one not in declared) or "none"
                raise NetError(
                    f"needs: transition {transition!r} needs {name!r}, which is no resource given ({free})"
                )
            resource = resources[name]
            if amount > resource.capacity:
                raise NetError(
                    f"needs: transition {transition!r} needs {amount} of {name!r}, of which there are only "
                    f"{resource.capacity}"
                )
            inputs.append((number, resource.place, Mode.TAKE.value, amount, -1, -1))
            if resource.window is None:
                outputs.append((number, resource.place, amount))
            by_transition[number].append((order[name], amount))
    needed = {number for needed in by_transition for number, _ in needed}
    for name in given:
        if order[name] not in needed:
            raise NetError(
                f"resources: no transition needs {name!r}; say which with needs={{'transition': {{{name!r}: 1}}}}"
            )
    arguments.update(
        inputs=inputs,
        outputs=outputs,
        places=len(plan.index) + len(resources),
        resources={one.place: one.capacity for one in resources.values()},
    )
    return list(resources.values()), by_transition, arguments


def _give(resources: dict[str, Resource], name: str, size: Any, next_place: int) -> None:
    window = None
    known = resources.get(name)
    if isinstance(size, RateLimit):
        size, window = size.firings, size.per
    elif known is not None and known.window is not None:
        raise NetError(f"resources: {name!r} is a limit: give RateLimit({size!r}, per={known.window:g})")
    size = counted(size, 1, _MOST, f"resources: {name!r} is an integer of at least 1 or a RateLimit")
    if known is None:
        resources[name] = Resource(name, next_place, size, window)
        return
    if known.window is None and window is not None:
        raise NetError(f"resources: {name!r} is a pool, not a limit: give an integer")
    known.capacity, known.window = size, window


def _declared_needs(
    plan: Plan, resources: Mapping[str, Resource], inputs: Iterable[tuple[int, ...]]
) -> list[list[tuple[int, int]]]:
    by_place = {one.place: number for number, one in enumerate(resources.values())}
    needs: list[list[tuple[int, int]]] = [[] for _ in plan.transitions]
    for transition, place, _, weight, _, _ in inputs:
        if place in by_place:
            needs[transition].append((by_place[place], weight))
    return needs


def _wanted(transition: str, wanted: Any) -> Iterable[tuple[str, int]]:
    if isinstance(wanted, str):
        return [(wanted, 1)]
    if not isinstance(wanted, Mapping):
        raise NetError(
            f"needs: transition {transition!r} needs a resource's name or {{name: amount}}, not {wanted!r}"
        )
    return [
        (name, counted(amount, 1, _MOST, f"needs: {transition!r} needs an integer of {name!r} of at least 1"))
        for name, amount in wanted.items()
    ]
