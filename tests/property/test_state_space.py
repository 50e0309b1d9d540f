"""State spaces are those that plain exploration of the definition gives, for all arc kinds and in every mode."""

from __future__ import annotations

from collections import deque
from itertools import product
from typing import Literal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from petricore import Net, NetError, StateSpace
from tests.property.nets import nets
from tests.property.oracle import Marking, Oracle
from tests.property.ways import threads_at_once

ORDERS: list[tuple[Literal["breadth", "depth"], int]] = [("breadth", 1), ("breadth", 2), ("depth", 1)]
_LIMIT = 400


def _explore(net: Net) -> tuple[list[Marking], list[tuple[int, int, int]], bool]:
    """Markings breadth first, edges (source, transition, target), and whether that is all within _LIMIT markings."""
    oracle = Oracle(net)
    found = {oracle.initial: 0}
    queue = deque([oracle.initial])
    edges = []
    while queue:
        m = queue.popleft()
        for t in range(len(oracle.transitions)):
            after = oracle.fire(m, t)
            if after is None:
                continue
            if after not in found:
                if len(found) == _LIMIT:
                    return list(found), edges, False
                found[after] = len(found)
                queue.append(after)
            edges.append((found[m], t, found[after]))
    return list(found), edges, True


def _deadlocks(markings: list[Marking], edges: list[tuple[int, int, int]]) -> set[Marking]:
    sources = {source for source, _, _ in edges}
    return {m for i, m in enumerate(markings) if i not in sources}


@st.composite
def small_nets(draw: st.DrawFn) -> Net:
    if draw(st.booleans()):
        return draw(nets(weights=1, tokens=2, max_transitions=7))
    return draw(nets(max_transitions=6, weights=3, tokens=4))


@given(small_nets())
def test_a_state_space_is_that_of_the_definition(net: Net) -> None:
    markings, edges, whole = _explore(net)
    assume(whole)
    fired = {t for _, t, _ in edges}
    for order, threads in ORDERS:
        with threads_at_once():
            space = net.compile().state_space(limit=_LIMIT, order=order, threads=threads)
        assert space.complete
        assert {tuple(m) for m in space.markings().tolist()} == set(markings)
        assert space.expanded == len(space)
        assert space.firings == len(edges)
        assert np.array_equal(space.bounds, np.max(markings, axis=0))
        assert space.most_tokens == max(sum(m) for m in markings)
        assert space.dead_transitions == tuple(t for i, t in enumerate(net.transitions) if i not in fired)
        assert {tuple(space.marking(i)) for i in space.deadlocks} == _deadlocks(markings, edges)


@given(small_nets())
def test_edges_connect_the_markings_that_firings_connect(net: Net) -> None:
    markings, edges, whole = _explore(net)
    assume(whole)
    expected = {(markings[i], t, markings[j]) for i, t, j in edges}
    for kept, threads in product((True, False), (1, 2)):
        with threads_at_once():
            space = net.compile().state_space(edges=kept, threads=threads)
        offsets, targets, transitions = space.edges
        assert len(offsets) == space.expanded + 1
        rows = [tuple(m) for m in space.markings().tolist()]
        assert expected == {
            (rows[i], int(transitions[k]), rows[targets[k]])
            for i in range(space.expanded)
            for k in range(offsets[i], offsets[i + 1])
        }


@given(small_nets())
def test_paths_lead_to_their_markings_and_breadth_first_are_shortest(net: Net) -> None:
    for order, threads in ORDERS:
        with threads_at_once():
            space = net.compile().state_space(limit=60, order=order, threads=threads)
        distance = _distances(space) if order == "breadth" else {}
        for i in range(len(space)):
            state = space._engine.state()
            path = space.path(i)
            for transition in path:
                state.fire(transition)
            assert np.array_equal(state.marking, space.marking(i))
            assert space.index(state.marking) == i
            if i in distance:
                assert len(path) == distance[i]


def _distances(space: StateSpace) -> dict[int, int]:
    """How many firings the markings are away, those found while marking by marking is expanded."""
    distance = {0: 0}
    for i in range(space.expanded):
        for k in range(space.edges.offsets[i], space.edges.offsets[i + 1]):
            distance.setdefault(int(space.edges.targets[k]), distance[i] + 1)
    return distance


@given(small_nets(), st.data())
def test_a_partial_space_is_the_beginning_of_the_whole(net: Net, data: st.DataObject) -> None:
    engine = net.compile()
    whole = engine.state_space(limit=_LIMIT)
    limit = data.draw(st.integers(1, len(whole)))
    for threads in (1, 2):
        with threads_at_once():
            part = engine.state_space(limit=limit, threads=threads)
        assert len(part) == limit
        assert np.array_equal(part.markings(), whole.markings(0, limit))
        assert part.complete == (limit == len(whole) and whole.complete)
        assert part.expanded <= len(part)


@given(st.integers(1, 6), st.integers(1, 40))
def test_wide_markings_are_explored_like_narrow_ones(pairs: int, tokens: int) -> None:
    """Independent two-place cycles: the number of states is known, and fields widen as the tokens move."""
    net = Net("cycles")
    expected = 1
    for i in range(pairs):
        held = tokens if i == 0 else 1
        expected *= held + 1
        net.add_place(f"a{i}", held)
        net.add_place(f"b{i}")
        net.add_transition(f"go{i}", [f"a{i}"], [f"b{i}"])
        net.add_transition(f"back{i}", [f"b{i}"], [f"a{i}"])
    for i in range(120):  # places that never change make the markings several words wide
        net.add_place(f"idle{i}", i % 3)
    space = net.compile().state_space()
    assert len(space) == expected
    assert space.complete


def test_what_is_no_limit_is_refused() -> None:
    net = Net("one")
    net.add_place("p")
    engine = net.compile()
    with pytest.raises(NetError, match="limit is a positive integer, not 0"):
        engine.state_space(limit=0)
    with pytest.raises(NetError, match="reduction is 'none' or 'stubborn', not 'some'"):
        engine.state_space(reduction="some")  # type: ignore[arg-type]
    with pytest.raises(NetError, match="timeout is a number of seconds, not 'x'"):
        engine.state_space(timeout="x")  # type: ignore[arg-type]
    with pytest.raises(NetError, match="not in the state space"):
        engine.state_space().index([5])
    with pytest.raises(IndexError, match="state 1 of a space of 1"):
        engine.state_space().marking(1)


@given(small_nets())
def test_stubborn_sets_keep_every_deadlock(net: Net) -> None:
    markings, edges, whole = _explore(net)
    assume(whole)
    for order, threads in ORDERS:
        reduced = net.compile().state_space(reduction="stubborn", order=order, threads=threads)
        assert reduced.complete
        assert reduced.reduced
        assert {tuple(m) for m in reduced.markings().tolist()} <= set(markings)
        assert {tuple(reduced.marking(i)) for i in reduced.deadlocks} == _deadlocks(markings, edges)
