"""Hypothesis strategies: random nets with every kind of arc, and markings for them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from petricore import Net


def _arcs(draw: st.DrawFn, places: list[str], *, most: int, weights: int) -> dict[str, int]:
    chosen = draw(st.lists(st.sampled_from(places), unique=True, max_size=most))
    return {place: draw(st.integers(1, weights)) for place in chosen}


@st.composite
def nets(
    draw: st.DrawFn,
    *,
    max_places: int = 5,
    max_transitions: int = 5,
    weights: int = 5,
    tokens: int = 6,
    kinds: Iterable[str] = ("reads", "inhibitors", "resets", "capacities", "priorities"),
) -> Net:
    """A net of up to max_places x max_transitions with the arc kinds named."""
    kinds = set(kinds)
    net = Net("random")
    for i in range(draw(st.integers(1, max_places))):
        capacity = draw(st.none() | st.integers(1, tokens + weights)) if "capacities" in kinds else None
        count = draw(st.integers(0, tokens if capacity is None else min(tokens, capacity)))
        net.add_place(f"p{i}", count, capacity=capacity)
    places = list(net.places)
    for i in range(draw(st.integers(0, max_transitions))):
        net.add_transition(
            f"t{i}",
            _arcs(draw, places, most=3, weights=weights),
            _arcs(draw, places, most=3, weights=weights),
            reads=_arcs(draw, places, most=2, weights=weights) if "reads" in kinds else {},
            inhibitors=_arcs(draw, places, most=2, weights=weights) if "inhibitors" in kinds else {},
            resets=list(_arcs(draw, places, most=1, weights=1)) if "resets" in kinds else [],
            priority=draw(st.integers(-1, 1)) if "priorities" in kinds else 0,
        )
    return net


@st.composite
def nets_with_markings(
    draw: st.DrawFn, *, batch: int = 4, tokens: int = 8, **options: object
) -> tuple[Net, npt.NDArray[np.int32]]:
    """A net and a batch of markings (1..batch, P)."""
    net = draw(nets(**options))  # type: ignore[arg-type]
    rows = draw(
        st.lists(
            st.lists(st.integers(0, tokens), min_size=len(net.places), max_size=len(net.places)),
            min_size=1,
            max_size=batch,
        )
    )
    return net, np.array(rows, np.int32)
