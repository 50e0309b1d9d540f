"""The state equation never rules out what brute force reaches, with arcs of every kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from petricore import Net
from petricore.analysis.formula import Deadlock, Fireable, Formula, Temporal, compare, merge_terms
from petricore.analysis.linear import Infeasible, Relaxation
from petricore.analysis.portfolio import Budget, Problem
from petricore.analysis.rewrite import negation_normal_form
from petricore.analysis.state_equation import by_state_equation, place_bounds_lp, state_equation, upper_bound
from tests.property.formulas import Graph, state_formulas
from tests.property.nets import nets

pytest.importorskip("scipy")

MOST = 150
SMALL = {"max_places": 5, "max_transitions": 4, "weights": 2, "tokens": 3}


def _graph(data: st.DataObject) -> Graph:
    graph = Graph.explore(data.draw(nets(**SMALL)), most=MOST)  # type: ignore[arg-type]
    assume(graph is not None)
    assert graph is not None
    return graph


@given(st.data())
def test_what_brute_force_reaches_is_not_refuted(data: st.DataObject) -> None:
    graph = _graph(data)
    goal = data.draw(state_formulas(graph.net))
    found = state_equation(graph.net.compile()).refute(negation_normal_form(goal))
    assert not (found.impossible and any(graph.truth(goal)))


@given(st.data())
def test_a_reachable_deadlock_or_enabled_transition_is_not_refuted(data: st.DataObject) -> None:
    graph = _graph(data)
    equation = state_equation(graph.net.compile())
    goals: list[Formula] = [Deadlock(), *map(Fireable, graph.net.transitions)]
    for goal in goals:
        assert not (equation.refute(goal).impossible and any(graph.truth(goal)))


@given(st.data())
def test_each_reachable_marking_satisfies_every_row_and_trap(data: st.DataObject) -> None:
    graph = _graph(data)
    equation = state_equation(graph.net.compile())
    for marking in graph.markings[:10]:
        parts = [
            compare(((place, 1),), "==", count)
            for place, count in zip(graph.net.places, marking, strict=True)
        ]
        exactly = parts[0]
        for part in parts[1:]:
            exactly = exactly & part
        assert not equation.refute(negation_normal_form(exactly)).impossible


@given(st.data())
def test_no_reachable_marking_exceeds_an_upper_bound(data: st.DataObject) -> None:
    graph = _graph(data)
    places = list(graph.net.places)
    terms = merge_terms(
        data.draw(st.lists(st.tuples(st.sampled_from(places), st.integers(-2, 3)), min_size=1, max_size=3))
    )
    bound = upper_bound(graph.net.compile(), terms)
    values = [sum(weight * m[places.index(place)] for place, weight in terms) for m in graph.markings]
    assert bound is None or bound >= max(values)


@given(st.data())
def test_multipliers_prove_nothing_about_what_is_possible(data: st.DataObject) -> None:
    graph = _graph(data)
    relaxation = Relaxation(graph.net.compile())
    marking = dict(zip(graph.net.places, data.draw(st.sampled_from(graph.markings)), strict=True))
    weights = data.draw(st.lists(st.integers(-3, 3), min_size=len(marking), max_size=len(marking)))
    terms = merge_terms(zip(marking, weights, strict=True))
    rows = [relaxation.at_most(terms, sum(weight * marking[place] for place, weight in terms))]
    size = len(relaxation.base) + 1
    numbers = st.floats(0, 10, allow_nan=False)
    guess = np.array(data.draw(st.lists(numbers, min_size=size, max_size=size)))
    assert not relaxation.contradicts(rows, guess)


def _ring() -> Net:
    net = Net("ring")
    net.add_place("a", 1)
    net.add_place("b", 0)
    net.add_transition("go", {"a": 1}, {"b": 1})
    net.add_transition("back", {"b": 1}, {"a": 1})
    return net


def test_an_invariant_of_the_net_bounds_its_places() -> None:
    assert place_bounds_lp(_ring().compile()) == {"a": 1, "b": 1}


def test_two_tokens_in_a_ring_of_one_are_refuted() -> None:
    goal = negation_normal_form(compare((("a", 1), ("b", 1)), "!=", 1))
    problem = Problem(_ring().compile(), Temporal("EF", goal))
    verdict = by_state_equation(problem, Budget())
    assert verdict is not None
    assert verdict.holds is False
    assert verdict.method == "state equation"


def test_a_trap_refutes_what_the_equation_alone_allows() -> None:
    net = Net("trap")
    net.add_place("p", 1)
    net.add_place("q", 0)
    net.add_transition("lose", {"p": 2}, {"q": 1})
    net.add_transition("swap", {"p": 1, "q": 1}, {"p": 1})
    net.add_transition("grow", {"p": 1}, {"p": 2})
    goal = compare((("p", 1), ("q", 1)), "==", 0)
    assert state_equation(net.compile()).refute(negation_normal_form(goal)).impossible


def test_firings_of_a_solution_that_cannot_start_are_refuted() -> None:
    # Each of the two needs what the other brings: the equation alone would let them fire once each.
    net = Net("circle")
    for place, tokens in (("a", 0), ("b", 0), ("done", 0), ("start", 1)):
        net.add_place(place, tokens)
    net.add_transition("first", {"a": 1, "start": 1}, {"b": 1, "start": 1})
    net.add_transition("second", {"b": 1}, {"a": 1, "done": 1})
    found = state_equation(net.compile()).refute(compare((("done", 1),), ">=", 1))
    assert found.impossible


def test_a_net_without_places_refutes_nothing() -> None:
    net = Net("placeless")
    net.add_transition("tick", {}, {})
    assert not state_equation(net.compile()).refute(Fireable("tick")).impossible


def test_firings_are_given_where_nothing_is_refuted() -> None:
    found = state_equation(_ring().compile()).refute(compare((("b", 1),), ">=", 1))
    assert not found.impossible
    assert found.firings is not None
    assert found.firings.tolist() == [1, 0]


def test_rows_that_no_marking_satisfies_are_infeasible_with_proof() -> None:
    relaxation = Relaxation(_ring().compile())
    found = relaxation.find([relaxation.at_least((("a", 2), ("b", 2)), 3)], 10.0)
    assert found == Infeasible(True)
