"""What walks find is there: each trace replays to the goal, with arcs of every kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from petricore import Net, _core
from petricore.analysis.formula import Deadlock, Formula, compare, merge_terms
from petricore.analysis.portfolio import Budget
from petricore.analysis.walk import largest_seen, seen_enabled, walk_to
from petricore.analysis.witness import marking_after, verified
from tests.property.formulas import Graph, state_formulas
from tests.property.nets import nets

STEPS = 2_000
SMALL = {"max_places": 4, "max_transitions": 4, "weights": 2, "tokens": 3}


def _graph(data: st.DataObject) -> Graph:
    graph = Graph.explore(data.draw(nets(**SMALL)), most=80)  # type: ignore[arg-type]
    assume(graph is not None)
    assert graph is not None
    return graph


def _goals(data: st.DataObject, net: Net) -> Formula:
    return data.draw(state_formulas(net) | st.just(Deadlock()))


@given(st.data())
def test_a_walk_leads_to_its_goal_or_says_nothing(data: st.DataObject) -> None:
    graph = _graph(data)
    goal = _goals(data, graph.net)
    engine = graph.net.compile()
    plan = data.draw(st.none() | st.lists(st.integers(0, 3), min_size=len(engine.transitions)))
    firings = None if plan is None else np.array(plan[: len(engine.transitions)], np.int64)
    witness, tried = walk_to(
        engine, goal, Budget(), steps=STEPS, seed=data.draw(st.integers(0, 99)), firings=firings
    )
    assert tried <= STEPS + 1
    if witness is not None:
        verified(engine, witness, goal, "walk")
        assert len(witness) < len(graph.markings), "no marking is passed twice"
    elif len(graph.markings) <= 3:
        assert not any(graph.truth(goal)), "so few markings are all met"


@given(st.data())
def test_the_same_seed_walks_the_same_way(data: st.DataObject) -> None:
    graph = _graph(data)
    goal = _goals(data, graph.net)
    engine = graph.net.compile()
    first = walk_to(engine, goal, Budget(), steps=STEPS, seed=7)
    assert walk_to(engine, goal, Budget(), steps=STEPS, seed=7) == first


@given(st.data())
def test_the_largest_sum_seen_is_reached_by_its_trace(data: st.DataObject) -> None:
    graph = _graph(data)
    places = list(graph.net.places)
    terms = merge_terms(
        data.draw(st.lists(st.tuples(st.sampled_from(places), st.integers(-2, 3)), min_size=1, max_size=3))
    )
    engine = graph.net.compile()
    best, trace = largest_seen(engine, terms, None, Budget(), steps=STEPS)
    after = marking_after(engine, trace)
    assert sum(weight * int(after[places.index(place)]) for place, weight in terms) == best
    values = [sum(weight * m[places.index(place)] for place, weight in terms) for m in graph.markings]
    assert best <= max(values)


@given(st.data())
def test_only_what_can_fire_is_seen_enabled(data: st.DataObject) -> None:
    graph = _graph(data)
    engine = graph.net.compile()
    seen = seen_enabled(engine, Budget(), steps=STEPS)
    for t, shown in enumerate(seen):
        assert not shown or any(graph.oracle.enabled(m)[t] for m in graph.markings)


def _counter(length: int) -> Net:
    net = Net("counter")
    net.add_place("left", length)
    net.add_place("done", 0)
    net.add_transition("go", {"left": 1}, {"done": 1})
    net.add_transition("back", {"done": 1}, {"left": 1})
    return net


def test_a_guided_walk_goes_where_a_uniform_one_would_not() -> None:
    engine = _counter(60).compile()
    witness, _ = walk_to(engine, compare((("done", 1),), ">=", 60), Budget(), steps=100_000)
    assert witness == ("go",) * 60


def test_a_walk_follows_the_plan() -> None:
    engine = _counter(200).compile()
    plan = np.array([200, 0], np.int64)
    witness, tried = walk_to(engine, compare((("done", 1),), ">=", 200), Budget(), steps=10_000, firings=plan)
    assert witness == ("go",) * 200
    assert tried == 200


def test_a_climb_ends_at_its_target() -> None:
    best, trace = largest_seen(_counter(60).compile(), (("done", 1),), 40, Budget(), steps=100_000)
    assert best == 40
    assert trace == ("go",) * 40


def test_an_overflow_ends_a_walk_and_not_the_search() -> None:
    net = Net("doubling")
    net.add_place("p", 2**30)
    net.add_place("q", 1)
    net.add_transition("grow", {}, {"p": 2**30})
    net.add_transition("move", {"q": 1}, {"q": 1})
    witness, tried = walk_to(net.compile(), compare((("p", 1),), "<=", 3), Budget(), steps=1_000)
    assert witness is None
    assert tried >= 1_000


def test_tables_of_the_wrong_size_are_refused() -> None:
    core = _counter(1).compile()._core
    with pytest.raises(ValueError, match="another size"):
        _core.walk(core, None, 10, 0, np.zeros(3, np.int64), None, 1.0)
    with pytest.raises(ValueError, match="out of range"):
        _core.climb(core, np.array([9], np.uint32), np.array([1]), 5, 10, 0, None, 1.0)
    with pytest.raises(ValueError, match="too large"):
        _core.climb(core, np.array([0], np.uint32), np.array([2**40]), 5, 10, 0, None, 1.0)
