"""`Engine.check` agrees with brute force on random small nets, for each kind of query and in every way."""

from __future__ import annotations

import math
from collections.abc import Callable

from hypothesis import assume, given
from hypothesis import strategies as st

from petricore import Net
from petricore.analysis.formula import (
    Bound,
    Bounded,
    Deadlock,
    Fireable,
    Formula,
    Live,
    OneSafe,
    QuasiLive,
    Stable,
    Temporal,
    merge_terms,
)
from petricore.analysis.slicing import sliced
from petricore.analysis.verdict import Verdict
from petricore.analysis.witness import marking_after
from tests.property.formulas import Graph, ctl_formulas, state_formulas
from tests.property.naive_coverability import TooLargeError, naive_coverability
from tests.property.nets import nets
from tests.property.ways import WAYS

MOST = 80
SMALL = {"max_places": 4, "max_transitions": 4, "weights": 2, "tokens": 3}


def _graph(data: st.DataObject) -> Graph:
    graph = Graph.explore(data.draw(nets(**SMALL)), most=MOST)  # type: ignore[arg-type]
    assume(graph is not None)
    assert graph is not None
    return graph


def _index(graph: Graph, verdict: Verdict) -> int:
    """The marking at the end of the witness."""
    assert verdict.witness is not None
    after = marking_after(graph.net.compile(), verdict.witness)
    return graph.markings.index(tuple(int(count) for count in after))


@given(st.data())
def test_reachability_agrees_with_brute_force(data: st.DataObject) -> None:
    graph = _graph(data)
    goal = data.draw(state_formulas(graph.net))
    truth = graph.truth(goal)
    for way in WAYS:
        found = way.check(graph.net, Temporal("EF", goal))
        assert found.holds == any(truth), way
        if found.holds and found.method != "structure":
            assert truth[_index(graph, found)], way
        always = way.check(graph.net, Temporal("AG", goal))
        assert always.holds == all(truth), way
        if not always.holds and always.method != "structure":
            assert not truth[_index(graph, always)], way


@given(st.data())
def test_deadlock_agrees_with_brute_force(data: st.DataObject) -> None:
    graph = _graph(data)
    for way in WAYS:
        found = way.check(graph.net, "deadlock")
        assert found.holds == any(not row for row in graph.successors), way
        if found.holds and found.method != "structure":
            assert not graph.successors[_index(graph, found)], way


@given(st.data())
def test_bounds_agree_with_brute_force(data: st.DataObject) -> None:
    graph = _graph(data)
    places = list(graph.net.places)
    terms = merge_terms(
        data.draw(st.lists(st.tuples(st.sampled_from(places), st.integers(-2, 3)), min_size=1, max_size=3))
    )
    values = [sum(weight * m[places.index(place)] for place, weight in terms) for m in graph.markings]
    for way in WAYS:
        found = way.check(graph.net, Bound(terms))
        assert found.holds is True, way
        assert found.bound == max(values), way
        if found.witness is not None:
            assert values[_index(graph, found)] == max(values), way


def _one_safe(graph: Graph) -> bool:
    return all(count <= 1 for m in graph.markings for count in m)


def _stable(graph: Graph) -> bool:
    return any(len(set(column)) == 1 for column in zip(*graph.markings, strict=True))


def _quasi_live(graph: Graph) -> bool:
    return all(any(graph.truth(Fireable(t))) for t in graph.net.transitions)


def _live(graph: Graph) -> bool:
    return all(all(graph.truth(Temporal("EF", Fireable(t)))) for t in graph.net.transitions)


PROPERTIES: tuple[tuple[Formula, Callable[[Graph], bool]], ...] = (
    (OneSafe(), _one_safe),
    (Stable(), _stable),
    (QuasiLive(), _quasi_live),
    (Live(), _live),
    (Bounded(), lambda _: True),  # all that is explored is
)


@given(st.data())
def test_properties_of_the_net_agree_with_brute_force(data: st.DataObject) -> None:
    graph = _graph(data)
    for query, truth in PROPERTIES:
        expected = truth(graph)
        for way in WAYS:
            found = way.check(graph.net, query)
            assert found.holds == expected, (query, way)
            if found.witness is not None:
                _index(graph, found)


@given(net=nets(kinds=["reads"], weights=3, tokens=3), data=st.data())
def test_boundedness_agrees_with_the_tree_of_the_textbook(net: Net, data: st.DataObject) -> None:
    try:
        tree = naive_coverability(net, most=300)
    except (TooLargeError, RecursionError):
        assume(False)
    unbounded = {place for i, place in enumerate(net.places) if any(m[i] == math.inf for m in tree)}
    place = data.draw(st.sampled_from(list(net.places)))
    for way in WAYS:
        assert way.check(net, Bounded()).holds == (not unbounded), way
        found = way.check(net, Bounded((place,)))
        assert found.holds == (place not in unbounded), way
        if found.witness is not None:
            marking_after(net.compile(), found.witness)


@given(st.data())
def test_liveness_of_one_transition_agrees_with_brute_force(data: st.DataObject) -> None:
    graph = _graph(data)
    assume(graph.net.transitions)
    name = data.draw(st.sampled_from(list(graph.net.transitions)))
    fireable = graph.truth(Fireable(name))
    live = all(graph.truth(Temporal("EF", Fireable(name))))
    for way in WAYS:
        assert way.check(graph.net, QuasiLive(name)).holds == any(fireable), way
        assert way.check(graph.net, Live(name)).holds == live, way


@given(st.data())
def test_ctl_agrees_with_brute_force(data: st.DataObject) -> None:
    graph = _graph(data)
    formula = data.draw(ctl_formulas(graph.net))
    expected = graph.truth(formula)[0]
    for way in WAYS:
        assert way.check(graph.net, formula).holds == expected, way


@given(st.data())
def test_a_limit_gives_the_right_verdict_or_none(data: st.DataObject) -> None:
    graph = _graph(data)
    queries = [
        Temporal("EF", Deadlock()),
        OneSafe(),
        Stable(),
        Live(),
        QuasiLive(),
        Bound(((next(iter(graph.net.places)), 1),)),
        data.draw(ctl_formulas(graph.net)),
    ]
    query = data.draw(st.sampled_from(queries))
    limit = data.draw(st.integers(1, 10))
    without = graph.net.compile().check(query)
    for way in WAYS:
        with_limit = way.check(graph.net, query, limit=limit)
        assert with_limit.states <= limit * 20, way
        assert with_limit.reason, way
        if with_limit.holds is not None:
            assert with_limit.holds == without.holds, way
            assert with_limit.bound == without.bound, way


@given(st.data())
def test_a_slice_keeps_what_its_formula_says(data: st.DataObject) -> None:
    graph = _graph(data)
    formula = data.draw(ctl_formulas(graph.net, operators=("EF", "AG"), quantifiers=("E",)))
    part = sliced(graph.net.compile(), formula).net()
    assert set(part.places) <= set(graph.net.places)
    assert set(part.transitions) <= set(graph.net.transitions)
    small = Graph.explore(part, most=MOST)
    assert small is not None
    assert len(small.markings) <= len(graph.markings)
    assert small.truth(formula)[0] == graph.truth(formula)[0]
