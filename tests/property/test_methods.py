"""Each method of the portfolio by itself says what brute force says of reachability, or nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from petricore import Engine
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


@pytest.mark.parametrize(
    ("method", "threads"),
    [
        (full_search, 1),
        (full_search, 2),
        (reduced_search, 1),
        (by_reduction, 1),
        (by_state_equation, 1),
        (by_commoner, 1),
        (by_coverability, 1),
    ],
)
@given(data=st.data())
def test_a_method_says_what_brute_force_says_or_nothing(
    method: Callable[[Problem, Budget], Verdict | None],
    threads: int,
    data: st.DataObject,
) -> None:
    graph = Graph.explore(data.draw(_nets), most=150)
    assume(graph is not None)
    assert graph is not None
    goals = atoms(graph.net) | state_formulas(graph.net)
    goal = Deadlock() if method is by_commoner else negation_normal_form(data.draw(goals))
    expected = any(graph.truth(goal))
    engine: Engine = graph.net.compile()
    formula = Temporal("EF", goal)
    asked = engine if data.draw(st.booleans(), "the whole net") else sliced(engine, formula)
    with threads_at_once():
        found = method(Problem(asked, formula), Budget(threads=threads))
    if method in (full_search, reduced_search):
        assert found is not None
        assert found.holds is not None
    if found is None or found.holds is None:
        return
    assert found.holds == expected
    if found.holds:
        assert found.witness is not None
        verified(engine, found.witness, goal, found.method)
