"""Hypothesis strategies: random nets whose transitions take time in every way."""

from __future__ import annotations

import math
from collections.abc import Iterable

from hypothesis import strategies as st

import petricore as pc
from tests.property.nets import nets

__all__ = ["timed_nets"]

EXPONENTIAL = ("constant", "servers", "mass action", "expression")


def _delays() -> st.SearchStrategy[pc.Delay]:
    return st.sampled_from(
        [
            pc.Deterministic(0.5),
            pc.Uniform(0.1, 1.0),
            pc.Erlang(2, 3.0),
            pc.Lognormal(-1.0, 0.5),
            pc.Weibull(2.0, 0.7),
            pc.Triangular(0.1, 1.0, 0.3),
            pc.Empirical([0.2, 0.3, 0.9]),
        ]
    )


@st.composite
def timed_nets(draw: st.DrawFn, *, timings: Iterable[str] = EXPONENTIAL, **options: object) -> pc.Net:
    """A net of `nets(**options)` with timings of these kinds: those above, "immediate", "general"."""
    plain = draw(nets(**options))  # type: ignore[arg-type]
    timings = sorted(timings)
    net = pc.Net("timed")
    for place in plain.places.values():
        net.add_place(place.name, place.tokens, place.capacity)
    for one in plain.transitions.values():
        rate: float | str | pc.MassAction | None = None
        servers: int | float = 1
        delay: pc.Delay | None = None
        weight: float | None = None
        memory = "enabling"
        factor = draw(st.sampled_from([0.3, 1.0, 2.5]))
        match draw(st.sampled_from(timings)):
            case "constant":
                rate = factor
            case "servers":
                rate, servers = factor, draw(st.sampled_from([2, 5, math.inf] if one.inputs else [2, 5]))
            case "mass action":
                rate = pc.MassAction(factor)
            case "expression":
                rate = f"{factor} * (1 + p0 / 2)"
            case "immediate":
                weight = factor
            case _:
                delay, servers = (
                    draw(_delays()),
                    draw(st.sampled_from([1, 2, math.inf] if one.inputs else [1, 2])),
                )
                memory = draw(st.sampled_from(["enabling", "age"]))
        net.add_transition(
            one.name, one.inputs, one.outputs, reads=one.reads, inhibitors=one.inhibitors, resets=one.resets,
            priority=one.priority, rate=rate, servers=servers, delay=delay, weight=weight, memory=memory,
        )  # fmt: skip
    return net
