"""`Engine.check` agrees with brute force on random small nets, for each kind of query."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
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
from tests.property.nets import nets

MOST = 80
SMALL = {"max_places": 4, "max_transitions": 4, "weights": 2, "tokens": 3}


def _graph(data: st.DataObject) -> Graph:
    graph = Graph.explore(data.draw(nets(**SMALL)), most=MOST)  # type: ignore[arg-type]
    assume(graph is not None)
    assert graph is not None
    return graph


def _check(net: Net, query: Formula) -> Verdict:
    return net.compile().check(query)


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
    found = _check(graph.net, Temporal("EF", goal))
    assert found.holds == any(truth)
    if found.holds and found.method != "structure":
        assert truth[_index(graph, found)]
    always = _check(graph.net, Temporal("AG", goal))
    assert always.holds == all(truth)
    if not always.holds and always.method != "structure":
        assert not truth[_index(graph, always)]


@given(st.data())
def test_deadlock_agrees_with_brute_force(data: st.DataObject) -> None:
    graph = _graph(data)
    found = graph.net.compile().check("deadlock")
    assert found.holds == any(not row for row in graph.successors)
    if found.holds and found.method != "structure":
        assert not graph.successors[_index(graph, found)]


@given(st.data())
def test_bounds_agree_with_brute_force(data: st.DataObject) -> None:
    graph = _graph(data)
    places = list(graph.net.places)
    terms = merge_terms(
        data.draw(st.lists(st.tuples(st.sampled_from(places), st.integers(-2, 3)), min_size=1, max_size=3))
    )
    found = _check(graph.net, Bound(terms))
    values = [sum(weight * m[places.index(place)] for place, weight in terms) for m in graph.markings]
    assert found.holds is True
    assert found.bound == max(values)
    if found.witness is not None:
        assert values[_index(graph, found)] == max(values)


def _one_safe(graph: Graph) -> bool:
    return all(count <= 1 for m in graph.markings for count in m)


def _stable(graph: Graph) -> bool:
    return any(len(set(column)) == 1 for column in zip(*graph.markings, strict=True))


def _quasi_live(graph: Graph) -> bool:
    return all(any(graph.truth(Fireable(t))) for t in graph.net.transitions)


def _live(graph: Graph) -> bool:
    return all(all(graph.truth(Temporal("EF", Fireable(t)))) for t in graph.net.transitions)


@pytest.mark.parametrize(
    ("query", "truth"),
    [
        (OneSafe(), _one_safe),
        (Stable(), _stable),
        (QuasiLive(), _quasi_live),
        (Live(), _live),
        (Bounded(), lambda _: True),
    ],
    ids=str,
)
@given(st.data())
def test_a_property_of_the_net_agrees_with_brute_force(
    query: Formula, truth: Callable[[Graph], bool], data: st.DataObject
) -> None:
    graph = _graph(data)
    found = _check(graph.net, query)
    assert found.holds == truth(graph)
    if found.witness is not None:
        _index(graph, found)


@given(st.data())
def test_liveness_of_one_transition_agrees_with_brute_force(data: st.DataObject) -> None:
    graph = _graph(data)
    assume(graph.net.transitions)
    name = data.draw(st.sampled_from(list(graph.net.transitions)))
    fireable = graph.truth(Fireable(name))
    assert _check(graph.net, QuasiLive(name)).holds == any(fireable)
    live = all(graph.truth(Temporal("EF", Fireable(name))))
    assert _check(graph.net, Live(name)).holds == live


@given(st.data())
def test_ctl_agrees_with_brute_force(data: st.DataObject) -> None:
    graph = _graph(data)
    formula = data.draw(ctl_formulas(graph.net))
    assert _check(graph.net, formula).holds == graph.truth(formula)[0]


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
    engine = graph.net.compile()
    with_limit, without = engine.check(query, limit=limit), engine.check(query)
    assert with_limit.states <= limit * 20
    assert with_limit.reason
    if with_limit.holds is not None:
        assert with_limit.holds == without.holds
        assert with_limit.bound == without.bound
    assert np.array_equal(engine.initial_marking, engine.marking())


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
