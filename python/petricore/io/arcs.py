"""The arcs of a net as one sequence: what every drawing and graph format walks through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from petricore.net import Net

__all__ = ["Arc", "ArcKind", "arcs_of"]

ArcKind = Literal["input", "output", "read", "inhibitor", "reset"]


class Arc(NamedTuple):
    """One arc; only an output leads from the transition to the place. A reset has the weight 1."""

    kind: ArcKind
    place: str
    transition: str
    weight: int


def arcs_of(net: Net) -> Iterator[Arc]:
    """All arcs, transition by transition in the net's order."""
    for transition in net.transitions.values():
        name = transition.name
        for place, weight in transition.inputs.items():
            yield Arc("input", place, name, weight)
        for place, weight in transition.outputs.items():
            yield Arc("output", place, name, weight)
        for place, weight in transition.reads.items():
            yield Arc("read", place, name, weight)
        for place, weight in transition.inhibitors.items():
            yield Arc("inhibitor", place, name, weight)
        for place in transition.resets:
            yield Arc("reset", place, name, 1)
