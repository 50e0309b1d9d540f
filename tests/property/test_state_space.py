"""State spaces are those that plain exploration of the definition gives, for all arc kinds and in every mode."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from petricore import Net, NetError
from tests.property.nets import nets
from tests.property.oracle import Marking, Oracle

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


@st.composite
def small_nets(draw: st.DrawFn) -> Net:
    if draw(st.booleans()):
        return draw(nets(weights=1, tokens=2, max_transitions=7))
    return draw(nets(max_transitions=6, weights=3, tokens=4))


@given(small_nets(), st.sampled_from(["breadth", "depth"]), st.sampled_from([1, 2]))
def test_a_state_space_is_that_of_the_definition(net: Net, order: str, threads: int) -> None:
    markings, edges, whole = _explore(net)
    space = net.compile().state_space(limit=_LIMIT, order=order, threads=threads)
    assert space.complete == whole
    if not whole:
        assert len(space) == _LIMIT
        return
    assert {tuple(m) for m in space.markings().tolist()} == set(markings)
    assert space.expanded == len(space)
    assert space.firings == len(edges)
    assert np.array_equal(space.bounds, np.max(markings, axis=0))
    assert space.most_tokens == max(sum(m) for m in markings)
    fired = {t for _, t, _ in edges}
    assert space.dead_transitions == tuple(t for i, t in enumerate(net.transitions) if i not in fired)
    sources = {source for source, _, _ in edges}
    assert {tuple(space.marking(i)) for i in space.deadlocks} == {
        m for i, m in enumerate(markings) if i not in sources
    }


@given(small_nets(), st.booleans())
def test_edges_connect_the_markings_that_firings_connect(net: Net, kept: bool) -> None:
    space = net.compile().state_space(limit=_LIMIT, edges=kept)
    markings, edges, whole = _explore(net)
    offsets, targets, transitions = space.edges
    assert len(offsets) == space.expanded + 1
    found = {
        (tuple(space.marking(i)), int(transitions[k]), tuple(space.marking(int(targets[k]))))
        for i in range(space.expanded)
        for k in range(offsets[i], offsets[i + 1])
    }
    expected = {(markings[i], t, markings[j]) for i, t, j in edges}
    assert found == expected if whole else len(found) > 0 or space.expanded == 0


@given(small_nets(), st.sampled_from(["breadth", "depth"]))
def test_paths_lead_to_their_markings_and_breadth_first_are_shortest(net: Net, order: str) -> None:
    engine = net.compile()
    space = engine.state_space(limit=60, order=order)
    distance = {0: 0}
    offsets, targets, _ = space.edges if order == "breadth" else ([0], [], [])
    for i in range(space.expanded if order == "breadth" else 0):
        for k in range(offsets[i], offsets[i + 1]):
            distance.setdefault(int(targets[k]), distance[i] + 1)
    for i in range(len(space)):
        state = engine.state()
        path = space.path(i)
        for transition in path:
            state.fire(transition)
        assert np.array_equal(state.marking, space.marking(i))
        assert space.index(state.marking) == i
        if i in distance:
            assert len(path) == distance[i]


@given(small_nets())
def test_a_partial_space_is_the_beginning_of_the_whole(net: Net) -> None:
    engine = net.compile()
    whole = engine.state_space(limit=_LIMIT)
    part = engine.state_space(limit=max(1, len(whole) // 2))
    assert np.array_equal(part.markings(), whole.markings(0, len(part)))
    assert part.complete == (len(part) == len(whole) and whole.complete)
    assert part.expanded <= len(part)


@settings(deadline=None)
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


@given(small_nets(), st.sampled_from(["breadth", "depth"]))
def test_stubborn_sets_keep_every_deadlock(net: Net, order: str) -> None:
    engine = net.compile()
    whole = engine.state_space(limit=_LIMIT)
    if not whole.complete:
        return
    reduced = engine.state_space(reduction="stubborn", order=order)
    assert reduced.complete
    assert reduced.reduced
    assert len(reduced) <= len(whole)
    assert {tuple(reduced.marking(i)) for i in reduced.deadlocks} == {
        tuple(whole.marking(i)) for i in whole.deadlocks
    }
