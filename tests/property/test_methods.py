"""Each method of the portfolio by itself says what brute force says of reachability, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from hypothesis import assume, given
from hypothesis import strategies as st

from petricore import Engine, Net
from petricore.analysis.by_commoner import by_commoner
from petricore.analysis.by_coverability import by_coverability
from petricore.analysis.by_reduction import by_reduction
from petricore.analysis.formula import Deadlock, Temporal
from petricore.analysis.portfolio import Budget, Problem
from petricore.analysis.rewrite import negation_normal_form
from petricore.analysis.searching import full_search, reduced_search
from petricore.analysis.slicing import sliced
from petricore.analysis.state_equation import by_state_equation
from petricore.analysis.verdict import Verdict
from petricore.analysis.witness import verified
from tests.property.formulas import Graph, atoms, state_formulas
from tests.property.nets import nets
from tests.property.ways import threads_at_once

_KINDS = ("reads", "inhibitors", "resets", "capacities")
_nets = nets(max_places=5, max_transitions=6, weights=2, tokens=3, kinds=_KINDS) | nets(
    max_places=6, max_transitions=7, weights=1, tokens=1, kinds=()
)


Method: TypeAlias = Callable[[Problem, Budget], Verdict | None]
METHODS: tuple[tuple[Method, int], ...] = (
    (full_search, 1),
    (full_search, 2),
    (reduced_search, 1),
    (by_reduction, 1),
    (by_state_equation, 1),
    (by_coverability, 1),
)
DECIDE = (full_search, reduced_search)


def _check(method: Method, threads: int, problem: Problem, whole: Engine, expected: bool) -> None:
    with threads_at_once():
        found = method(problem, Budget(threads=threads))
    if method in DECIDE:
        assert found is not None
        assert found.holds is not None
    if found is None or found.holds is None:
        return
    assert found.holds == expected
    if found.holds:
        assert found.witness is not None
        assert problem.goal is not None
        verified(whole, found.witness, problem.goal, found.method)


@given(st.data())
def test_a_method_says_what_brute_force_says_or_nothing(data: st.DataObject) -> None:
    graph = Graph.explore(data.draw(_nets), most=100)
    assume(graph is not None)
    assert graph is not None
    goal = negation_normal_form(data.draw(atoms(graph.net) | state_formulas(graph.net)))
    expected = any(graph.truth(goal))
    query = Temporal("EF", goal)
    for method, threads in METHODS:
        whole = graph.net.compile()
        _check(method, threads, Problem(whole, query), whole, expected)
        part = sliced(whole, query)
        if part is not whole:
            _check(method, threads, Problem(part, query), whole, expected)


@given(_nets)
def test_a_method_finds_the_deadlocks_of_brute_force_or_says_nothing(net: Net) -> None:
    graph = Graph.explore(net, most=100)
    assume(graph is not None)
    assert graph is not None
    expected = any(not row for row in graph.successors)
    for method, threads in (*METHODS, (by_commoner, 1)):
        whole = net.compile()
        _check(method, threads, Problem(whole, Temporal("EF", Deadlock())), whole, expected)
