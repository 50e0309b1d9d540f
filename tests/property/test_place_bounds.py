"""Bounds of places against all reachable markings, found by the definition."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petricore import Net
from tests.property.examples import examples
from tests.property.nets import nets
from tests.property.oracle import Marking, Oracle

KINDS = ("reads", "inhibitors", "resets", "capacities")


def reachable(net: Net, most: int = 300) -> set[Marking]:
    """At most so many of the reachable markings."""
    oracle = Oracle(net)
    seen = {oracle.initial}
    queue = [oracle.initial]
    for m in queue:
        for t in range(len(oracle.transitions)):
            after = oracle.fire(m, t)
            if after is not None and after not in seen and len(seen) < most:
                seen.add(after)
                queue.append(after)
    return seen


@pytest.mark.parametrize("seconds", [math.inf, 0.0])
@examples(200)
@given(
    net=nets(kinds=KINDS, weights=3) | nets(kinds=(), weights=1) | nets(kinds=(), weights=2), data=st.data()
)
def test_no_reachable_marking_exceeds_a_place_bound(seconds: float, net: Net, data: st.DataObject) -> None:
    bounds = net.compile()._core.place_bounds(seconds)
    assert bounds.shape == (len(net.places),)
    for marking in reachable(net):
        assert all(count <= bound for count, bound in zip(marking, bounds.tolist(), strict=True))


def test_a_ring_is_bounded_by_its_tokens() -> None:
    net = Net("ring")
    for i in range(5):
        net.add_place(f"p{i}", 3 if i == 0 else 0)
    for i in range(5):
        net.add_transition(f"t{i}", {f"p{i}": 1}, {f"p{(i + 1) % 5}": 1})
    assert net.compile()._core.place_bounds(1.0).tolist() == [3] * 5


def test_a_sum_that_only_falls_bounds_its_places() -> None:
    net = Net("drain")
    net.add_place("a", 7)
    net.add_place("b")
    net.add_transition("move", {"a": 2}, {"b": 3})
    net.add_transition("drain", {"b": 2}, {"a": 1})
    net.add_transition("lose", {"a": 1})
    assert net.compile()._core.place_bounds(1.0).tolist() == [7, 10]


def test_a_place_that_grows_without_bound_has_none() -> None:
    net = Net("source")
    net.add_place("p")
    net.add_transition("t", {}, {"p": 1})
    assert net.compile()._core.place_bounds(1.0).tolist() == [2**31 - 1]
