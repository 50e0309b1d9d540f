"""Coverability against the textbook's tree, against all reachable markings, and against the token game."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from petricore import Net
from petricore.analysis.coverability import OMEGA, Coverability
from tests.property.naive_coverability import TooLargeError, naive_coverability
from tests.property.nets import nets
from tests.property.oracle import Marking, Oracle

EVERY_KIND = ("reads", "inhibitors", "resets", "capacities", "priorities")


def reachable(net: Net, most: int = 2000) -> set[Marking] | None:
    """All reachable markings by trying everything; None if there are more than `most`."""
    oracle = Oracle(net)
    found = {oracle.initial}
    frontier = [oracle.initial]
    while frontier:
        at = frontier.pop()
        for t in range(len(oracle.transitions)):
            after = oracle.fire(at, t)
            if after is not None and after not in found:
                found.add(after)
                frontier.append(after)
        if len(found) > most:
            return None
    return found


def maximal(markings: set[Marking]) -> set[Marking]:
    def below(a: Marking, b: Marking) -> bool:
        return a != b and all(x <= y for x, y in zip(a, b, strict=True))

    return {m for m in markings if not any(below(m, other) for other in markings)}


def as_set(found: Coverability) -> set[tuple[float, ...]]:
    rows = [tuple(math.inf if n == OMEGA else n for n in row) for row in found.markings.tolist()]
    assert len(set(rows)) == len(rows)
    return set(rows)


@given(nets(kinds=["reads"], weights=3, tokens=3))
def test_the_coverability_set_is_that_of_the_textbook(net: Net) -> None:
    try:
        expected = naive_coverability(net)
    except (TooLargeError, RecursionError):
        assume(False)
    found = net.compile().coverability()
    assert found.complete
    assert found.exact
    assert as_set(found) == expected
    unbounded = {p for i, p in enumerate(net.places) if any(m[i] == math.inf for m in expected)}
    assert set(found.unbounded_places) == unbounded
    assert found.bounded == (not unbounded)


@given(nets(kinds=EVERY_KIND, weights=3, tokens=4))
def test_bounded_nets_have_the_bounds_of_an_exhaustive_search(net: Net) -> None:
    markings = reachable(net)
    assume(markings is not None)
    assert markings is not None
    found = net.compile().coverability()
    assert found.unbounded_places == ()
    assert found.witnesses == ()
    if found.exact:
        assert found.bounded
        assert as_set(found) == maximal(markings)
        assert found.bounds.tolist() == np.max(list(markings), axis=0).tolist()
        oracle = Oracle(net)
        fired = np.any([oracle.enabled(m) for m in markings], axis=0)
        names = np.array(list(net.transitions), object)
        assert found.dead_transitions == tuple(names[~fired] if len(names) else [])


@given(nets(kinds=EVERY_KIND, weights=3, tokens=4), st.data())
def test_what_is_reached_is_within_the_bounds_and_covered(net: Net, data: st.DataObject) -> None:
    engine = net.compile()
    found = engine.coverability()
    assert found.complete
    oracle = Oracle(net)
    at = oracle.initial
    for _ in range(30):
        assert found.covers(at) is not False
        assert (np.array(at) <= found.bounds).all()
        enabled = [t for t, on in enumerate(oracle.enabled(at)) if on]
        if not enabled:
            break
        t = data.draw(st.sampled_from(enabled))
        assert oracle.transitions[t].name not in found.dead_transitions
        after = oracle.fire(at, t)
        assert after is not None
        at = after


@given(nets(kinds=EVERY_KIND, weights=3, tokens=4))
def test_witnesses_of_unboundedness_replay_and_grow(net: Net) -> None:
    found = net.compile().coverability()
    oracle = Oracle(net)
    if found.exact and found.unbounded_places:
        assert found.witnesses
    later = [found.witness(place) for place in net.places]
    for witness in {*found.witnesses, *later} - {None}:
        assert witness is not None
        assert set(witness.grows) <= set(found.unbounded_places)
        at = fired(oracle, oracle.initial, witness.stem)
        for _ in range(5):
            after = fired(oracle, at, witness.cycle)
            for i, place in enumerate(oracle.places):
                assert after[i] >= at[i] + (place in witness.grows)
            at = after


@given(nets(kinds=EVERY_KIND, weights=3, tokens=4), st.integers(1, 6))
def test_a_part_of_the_tree_claims_nothing_that_the_whole_denies(net: Net, limit: int) -> None:
    engine = net.compile()
    part, whole = engine.coverability(limit=limit), engine.coverability()
    assert part.complete or part.nodes == limit
    assert set(part.unbounded_places) <= set(whole.unbounded_places)
    assert set(part.dead_transitions) <= set(whole.dead_transitions)
    assert (part.bounds >= whole.bounds).all()
    assert part.bounded is None or part.bounded == whole.bounded
    for m in whole.markings:
        sample = np.minimum(m, 20)
        assert part.covers(sample) in (None, whole.covers(sample))


def fired(oracle: Oracle, at: Marking, names: tuple[str, ...]) -> Marking:
    index = {t.name: i for i, t in enumerate(oracle.transitions)}
    for name in names:
        after = oracle.fire(at, index[name])
        assert after is not None, f"{name} is not enabled at {at}"
        at = after
    return at


@given(nets(kinds=EVERY_KIND, weights=3, tokens=4), st.integers(0, 40))
def test_paths_cover_what_is_covered(net: Net, many: int) -> None:
    engine = net.compile()
    found = engine.coverability()
    assume(found.exact)
    oracle = Oracle(net)
    for marking in found.markings[:8]:
        wanted = np.minimum(marking, many)
        path = found.path(wanted)
        assert path is not None
        assert (np.array(fired(oracle, oracle.initial, path)) >= wanted).all()
    for t, name in enumerate(net.transitions):
        path = found.path_enabling(name)
        assert (path is None) == (name in found.dead_transitions)
        if path is not None:
            assert oracle.fire(fired(oracle, oracle.initial, path), t) is not None
