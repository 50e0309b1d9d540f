"""`match` without values: which tokens carry equal keys, told from where they come.

A token's *path* is the number of the input it descends from and, for each list it was an element of, its position
there. Tokens that join have the same path where they come out of the same lists, the same first number where they
do not, and any key where one of them is only read. The coarsest of these along a chain of joins holds for all.
"""

from __future__ import annotations

from enum import IntEnum

from petricore.agent.compile import Plan
from petricore.agent.declaration import Mode
from petricore.agent.routing import output_places

__all__ = ["Kinship", "Path", "kinships", "slot_key"]

Path = tuple[int, ...]


class Kinship(IntEnum):
    """Which tokens of a place carry the same key."""

    PATH = 0
    ORIGIN = 1
    ANY = 2


_MEANING = {
    Kinship.PATH: "tokens join that descend from the same input, through the same elements of lists",
    Kinship.ORIGIN: "tokens join that descend from the same input (the n-th of one place with the n-th of another)",
    Kinship.ANY: "every token finds its partner in what is read",
}


def slot_key(path: Path, kinship: Kinship) -> Path:
    """The part of the path that is the key."""
    if kinship is Kinship.PATH:
        return path
    return path[:1] if kinship is Kinship.ORIGIN else ()


def kinships(plan: Plan, assumptions: list[str]) -> list[list[Kinship]]:
    """For each place, the kinship of each of its key slots. Adds to `assumptions` what each `match` means."""
    lists = _lists(plan)
    joins: list[tuple[str, list[tuple[int, int]], Kinship]] = []
    for one in plan.transitions:
        keyed = [(place, slot, mode) for place, mode, _, _, slot in one.arcs if slot >= 0]
        if not keyed:
            continue
        kinship = Kinship.PATH if len({lists[place] for place, _, _ in keyed}) == 1 else Kinship.ORIGIN
        if any(mode is Mode.READ for _, _, mode in keyed):
            kinship = Kinship.ANY
        joins.append((one.spec.name, [(place, slot) for place, slot, _ in keyed], kinship))
    found = [[Kinship.PATH] * len(place.keys) for place in plan.places]
    changed = True
    while changed:
        changed = False
        for _, slots, kinship in joins:
            coarsest = max(kinship, *(found[place][slot] for place, slot in slots))
            for place, slot in slots:
                if found[place][slot] is not coarsest:
                    found[place][slot] = coarsest
                    changed = True
    for name, slots, _ in joins:
        place, slot = slots[0]
        assumptions.append(f"match of {name}: {_MEANING[found[place][slot]]}")
    return found


def _lists(plan: Plan) -> list[frozenset[int]]:
    """For each place, the transitions out of whose lists its tokens may come."""
    found: list[set[int]] = [set() for _ in plan.places]
    changed = True
    while changed:
        changed = False
        for number, one in enumerate(plan.transitions):
            consumed = [found[place] for place, mode, *_ in one.arcs if mode is not Mode.READ]
            come = set().union(*consumed)
            put_into = [plan.index[place.name] for place in output_places(one.spec.output)]
            if one.error_place is not None:
                put_into.append(one.error_place)
            for place in put_into:
                more = come | {number} if place in one.opened else come
                if not more <= found[place]:
                    found[place] |= more
                    changed = True
    return [frozenset(one) for one in found]
