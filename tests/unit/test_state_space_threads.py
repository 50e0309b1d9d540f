"""A state space is the same, number by number, for any number of threads."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from petricore import Engine, Net, StateSpace


def _rings(*rings: tuple[int, int]) -> Engine:
    """Independent rings of `places` with `tokens` each: C(tokens + places - 1, places - 1) states a ring."""
    net = Net("rings")
    for r, (places, tokens) in enumerate(rings):
        for i in range(places):
            net.add_place(f"r{r}p{i}", tokens if i == 0 else 0)
        for i in range(places):
            net.add_transition(f"r{r}t{i}", [f"r{r}p{i}"], [f"r{r}p{(i + 1) % places}"])
    return net.compile()


RINGS = ((4, 6), (4, 6), (3, 6))
STATES = comb(9, 3) ** 2 * comb(8, 2)


@pytest.fixture(scope="module")
def one() -> StateSpace:
    return _rings(*RINGS).state_space(threads=1, edges=True)


@pytest.mark.parametrize("threads", [2, 3])
def test_several_threads_number_as_one_does(one: StateSpace, threads: int) -> None:
    space = _rings(*RINGS).state_space(threads=threads, edges=True)
    assert len(one) == len(space) == STATES
    assert space.complete
    assert space.firings == one.firings
    assert np.array_equal(space.markings(), one.markings())
    for ours, theirs in zip(space.edges, one.edges, strict=True):
        assert np.array_equal(ours, theirs)
    assert all(space.index(space.marking(i)) == i for i in range(0, STATES, 9973))


@pytest.mark.parametrize("limit", [STATES // 3, STATES - 1, STATES])
def test_several_threads_stop_at_a_limit_where_one_does(one: StateSpace, limit: int) -> None:
    engine = _rings(*RINGS)
    alone, together = (engine.state_space(limit=limit, threads=threads) for threads in (1, 2))
    assert len(alone) == len(together) == limit
    assert alone.expanded == together.expanded
    assert alone.firings == together.firings
    assert together.complete == (limit == STATES)
    assert np.array_equal(together.markings(), one.markings(0, limit))


def test_fields_widen_while_several_threads_explore() -> None:
    net = Net("counter beside a ring")
    for i in range(4):
        net.add_place(f"p{i}", 10 if i == 0 else 0)
        net.add_place(f"q{i}", 10 if i == 0 else 0)
    net.add_place("left", 150)
    net.add_place("count")
    for i in range(4):
        net.add_transition(f"t{i}", [f"p{i}"], [f"p{(i + 1) % 4}"])
    net.add_transition("u", ["q0"], ["q1"])
    net.add_transition("tick", ["left"], ["count"])
    engine = net.compile()
    alone, together = (engine.state_space(threads=threads) for threads in (1, 2))
    assert len(together) == comb(13, 3) * 11 * 151
    assert np.array_equal(alone.markings(), together.markings())


def test_a_memory_limit_holds_for_several_threads_too() -> None:
    for threads in (1, 2):
        space = _rings(*RINGS).state_space(threads=threads, memory=1_500_000)
        assert not space.complete
        assert "memory limit" in space.reason
        assert space.nbytes <= 1_650_000
        assert len(space) > 50_000
