"""Semiflows, siphons, traps and Commoner's theorem against definitions, by trying everything."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain, combinations
from math import gcd, lcm

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from petricore import Net
from petricore.analysis.exact_semiflows import exact_semiflows
from petricore.analysis.structure import commoner, greatest_siphon, greatest_trap
from tests.property.examples import examples
from tests.property.nets import nets
from tests.property.oracle import Marking, Oracle

KINDS = ("reads", "inhibitors", "resets", "capacities")
any_net = nets(kinds=KINDS, max_places=6, max_transitions=6) | nets(
    kinds=(), weights=2, max_places=8, max_transitions=4
)


def subsets(items: list[str]) -> list[frozenset[str]]:
    """All but the empty one, smaller ones first."""
    sizes = range(1, len(items) + 1)
    return [frozenset(c) for c in chain.from_iterable(combinations(items, size) for size in sizes)]


def null_space(matrix: list[list[int]]) -> list[list[Fraction]]:
    """A basis of the x with matrix x = 0, by exact elimination."""
    rows = [[Fraction(value) for value in row] for row in matrix]
    columns = len(rows[0])
    pivots: list[int] = []
    for column in range(columns):
        pivot = next((r for r in range(len(pivots), len(rows)) if rows[r][column]), None)
        if pivot is None:
            continue
        at = len(pivots)
        rows[at], rows[pivot] = rows[pivot], rows[at]
        rows[at] = [value / rows[at][column] for value in rows[at]]
        for r in range(len(rows)):
            if r != at and rows[r][column]:
                rows[r] = [a - rows[r][column] * b for a, b in zip(rows[r], rows[at], strict=True)]
        pivots.append(column)
    basis = []
    for free in set(range(columns)) - set(pivots):
        vector = [Fraction(int(i == free)) for i in range(columns)]
        for r, column in enumerate(pivots):
            vector[column] = -rows[r][free]
        basis.append(vector)
    return basis


def minimal_semiflows(matrix: list[list[int]], unknowns: list[int], size: int) -> set[tuple[int, ...]]:
    """Every support by itself: that of a minimal semiflow has one solution, and it is positive."""
    if not matrix:
        return {tuple(int(i == j) for i in range(size)) for j in unknowns}
    found = set()
    for support in chain.from_iterable(combinations(unknowns, n) for n in range(1, len(unknowns) + 1)):
        basis = null_space([[row[i] for i in support] for row in matrix])
        if len(basis) != 1:
            continue
        vector = basis[0]
        if vector[0] < 0:
            vector = [-value for value in vector]
        if not all(value > 0 for value in vector):
            continue
        scale = lcm(*(value.denominator for value in vector))
        weights = [int(value * scale) for value in vector]
        divisor = gcd(*weights)
        row = [0] * size
        for i, weight in zip(support, weights, strict=True):
            row[i] = weight // divisor
        found.add(tuple(row))
    return found


@examples(300)
@given(any_net)
def test_invariants_are_all_semiflows_of_minimal_support(net: Net) -> None:
    engine = net.compile()
    effect = engine.incidence.tolist()
    resets = engine.matrix("resets")
    assert isinstance(resets, np.ndarray)
    free_places = [p for p in range(len(engine.places)) if not resets[p].any()]
    free_transitions = [t for t in range(len(engine.transitions)) if not resets[:, t].any()]
    by_transition = engine.incidence.T.tolist()
    places = engine.place_invariants()
    transitions = engine.transition_invariants()
    assert places.dtype == transitions.dtype == np.int64
    assert places.shape[1:] == (len(engine.places),)
    assert transitions.shape[1:] == (len(engine.transitions),)
    expected = minimal_semiflows(by_transition, free_places, len(engine.places))
    assert sorted(map(tuple, places.tolist())) == sorted(expected)
    expected = minimal_semiflows(effect, free_transitions, len(engine.transitions))
    assert sorted(map(tuple, transitions.tolist())) == sorted(expected)


@examples(300)
@given(nets(kinds=KINDS, weights=3), st.data())
def test_no_firing_changes_a_place_invariant(net: Net, data: st.DataObject) -> None:
    engine = net.compile()
    oracle = Oracle(net)
    invariants = engine.place_invariants()
    m = oracle.initial
    for _ in range(20):
        successors = [
            after for t in range(len(oracle.transitions)) if (after := oracle.fire(m, t)) is not None
        ]
        if not successors:
            break
        after = data.draw(st.sampled_from(successors))
        assert (invariants @ np.array(m) == invariants @ np.array(after)).all()
        m = after


def stays_empty(net: Net, places: frozenset[str]) -> bool:
    """Siphon, by the definition: what puts into it needs a token of it."""
    return all(
        not places & t.outputs.keys() or bool(places & (t.inputs.keys() | t.reads.keys()))
        for t in net.transitions.values()
    )


def stays_marked(net: Net, places: frozenset[str]) -> bool:
    """Trap, by firing: what takes from it leaves a token in it that it put or only read."""
    for t in net.transitions.values():
        if not places & (t.inputs.keys() | set(t.resets)):
            continue
        read_only = {p for p, weight in t.reads.items() if weight > t.inputs.get(p, 0) and p not in t.resets}
        if not places & (t.outputs.keys() | read_only):
            return False
    return True


@examples(300)
@given(any_net)
def test_siphons_and_traps_are_all_minimal_ones(net: Net) -> None:
    engine = net.compile()
    for found, is_one in ((engine.siphons(), stays_empty), (engine.traps(), stays_marked)):
        sets = [s for s in subsets(list(engine.places)) if is_one(net, s)]
        minimal = [s for s in sets if not any(other < s for other in sets)]
        assert len(found) == len(minimal)
        assert {frozenset(names) for names in found} == set(minimal)
        assert all(list(names) == [p for p in engine.places if p in names] for names in found)


@examples(500)
@given(any_net, st.data())
def test_the_greatest_siphon_and_trap_hold_all_others(net: Net, data: st.DataObject) -> None:
    engine = net.compile()
    within = data.draw(st.sets(st.sampled_from(engine.places)))
    for greatest, is_one in ((greatest_siphon, stays_empty), (greatest_trap, stays_marked)):
        union = frozenset().union(*(s for s in subsets(sorted(within)) if is_one(net, s)))
        assert frozenset(greatest(engine, within)) == union


@examples(300)
@given(nets(kinds=KINDS, weights=2, tokens=2), st.data())
def test_empty_siphons_stay_empty_and_marked_traps_stay_marked(net: Net, data: st.DataObject) -> None:
    engine, oracle = net.compile(), Oracle(net)
    siphons, traps = engine.siphons(), engine.traps()
    m = oracle.initial
    for _ in range(20):
        successors = [
            after for t in range(len(oracle.transitions)) if (after := oracle.fire(m, t)) is not None
        ]
        if not successors:
            break
        after = data.draw(st.sampled_from(successors))
        tokens = dict(zip(engine.places, m, strict=True)), dict(zip(engine.places, after, strict=True))
        for names in siphons:
            assert any(tokens[0][p] for p in names) or not any(tokens[1][p] for p in names)
        for names in traps:
            assert any(tokens[1][p] for p in names) or not any(tokens[0][p] for p in names)
        m = after


def graph_of(net: Net, most: int = 400) -> dict[Marking, list[Marking | None]] | None:
    """The reachability graph, a successor or None by transition; None if it is too large."""
    oracle = Oracle(net)
    graph: dict[Marking, list[Marking | None]] = {}
    queue = [oracle.initial]
    while queue:
        m = queue.pop()
        if m in graph:
            continue
        if len(graph) == most:
            return None
        graph[m] = [oracle.fire(m, t) for t in range(len(oracle.transitions))]
        queue.extend(after for after in graph[m] if after is not None)
    return graph


def is_live(graph: dict[Marking, list[Marking | None]], transitions: int) -> bool:
    backwards: dict[Marking, list[Marking]] = {m: [] for m in graph}
    for m, successors in graph.items():
        for after in successors:
            if after is not None:
                backwards[after].append(m)
    for t in range(transitions):
        queue = [m for m in graph if graph[m][t] is not None]
        seen = set(queue)
        while queue:
            for m in backwards[queue.pop()]:
                if m not in seen:
                    seen.add(m)
                    queue.append(m)
        if len(seen) < len(graph):
            return False
    return True


@st.composite
def bounded_nets(draw: st.DrawFn) -> Net:
    """Ordinary nets whose transitions put as many tokens as they take, often of free choice."""
    places = [f"p{i}" for i in range(draw(st.integers(1, 6)))]
    net = Net("tokens")
    for place in places:
        net.add_place(place, draw(st.integers(0, 1)))
    some = st.lists(st.sampled_from(places), unique=True, min_size=1, max_size=2)
    clusters = draw(st.lists(some, min_size=1, max_size=4))
    for i in range(draw(st.integers(1, 6))):
        inputs = draw(st.sampled_from(clusters))
        size = min(len(inputs), len(places))
        outputs = draw(st.lists(st.sampled_from(places), unique=True, min_size=0, max_size=size))
        net.add_transition(f"t{i}", dict.fromkeys(inputs, 1), dict.fromkeys(outputs, 1))
    return net


@examples(500)
@given(bounded_nets() | nets(kinds=KINDS, weights=1, tokens=1) | nets(kinds=KINDS, weights=2, tokens=2))
def test_commoner_says_what_the_reachable_markings_say(net: Net) -> None:
    engine = net.compile()
    verdict = commoner(engine)
    connected = {p for t in net.transitions.values() for p in (*t.inputs, *t.reads)}
    marked = {name for name, place in net.places.items() if place.tokens}
    if verdict.siphon is not None:
        assert not marked & set(greatest_trap(engine, verdict.siphon))
        assert verdict.siphon in engine.siphons()
    expected = all(
        marked & set(greatest_trap(engine, s))
        for s in subsets(list(net.places))
        if stays_empty(net, s) and s & connected
    )
    assert verdict.holds is expected
    assert (verdict.siphon is None) is expected
    if verdict.live is None and verdict.deadlock_free is None:
        return
    graph = graph_of(net)
    assume(graph is not None)
    assert graph is not None
    if verdict.live is not None:
        assert verdict.live == is_live(graph, len(net.transitions))
    if verdict.deadlock_free is not None:
        dead = any(all(after is None for after in successors) for successors in graph.values())
        assert verdict.deadlock_free is not dead


@examples(300)
@given(nets(kinds=(), weights=1, tokens=1) | bounded_nets())
def test_choice_classes_are_those_of_the_definitions(net: Net) -> None:
    classes = net.compile().classification
    into = {(p, t.name) for t in net.transitions.values() for p in t.inputs}
    out = {(t.name, p) for t in net.transitions.values() for p in t.outputs}
    post = {p: {t for q, t in into if q == p} for p in net.places}
    pre = {t: {p for p, u in into if u == t} for t in net.transitions}
    pairs = [(p, q) for p in post for q in post]
    assert classes.plain
    assert classes.ordinary
    assert classes.free_choice == all(post[p] == {t} or pre[t] == {p} for p, t in into)
    assert classes.extended_free_choice == all(not post[p] & post[q] or post[p] == post[q] for p, q in pairs)
    assert classes.asymmetric_choice == all(
        not post[p] & post[q] or post[p] <= post[q] or post[p] >= post[q] for p, q in pairs
    )
    assert classes.state_machine == all(
        len(pre[t]) == 1 and len([p for u, p in out if u == t]) == 1 for t in net.transitions
    )
    assert classes.marked_graph == all(
        len(post[p]) == 1 and len([t for t, q in out if q == p]) == 1 for p in net.places
    )
    assert classes.pure == (not any((p, t) in into for t, p in out))


@given(any_net, st.sampled_from(["places", "transitions"]))
def test_integers_of_any_size_give_the_semiflows_that_the_core_gives(net: Net, of: str) -> None:
    engine = net.compile()
    assert of in ("places", "transitions")
    found = exact_semiflows(engine, of, limit=10_000, seconds=60.0)  # type: ignore[arg-type]
    core = engine.place_invariants() if of == "places" else engine.transition_invariants()
    assert {frozenset(row.items()) for row in found} == {
        frozenset((i, weight) for i, weight in enumerate(row) if weight) for row in core.tolist()
    }
