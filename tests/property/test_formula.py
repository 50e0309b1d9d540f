"""Normal forms, simplification and compiled predicates mean what the formula means."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from petricore.analysis.formula import And, Compare, Constant, Fireable, Not, Or, Temporal, Until, subformulas
from petricore.analysis.parser import parse_formula
from petricore.analysis.predicate import compile_predicate
from petricore.analysis.rewrite import negation_normal_form, simplify
from petricore.errors import FormulaError
from tests.property.formulas import Graph, ctl_formulas, state_formulas
from tests.property.nets import nets


@given(st.data())
def test_a_compiled_predicate_holds_where_the_formula_does(data: st.DataObject) -> None:
    net = data.draw(nets())
    formula = data.draw(state_formulas(net))
    graph = Graph(net, *_sampled(net, data))
    predicate = compile_predicate(net.compile(), formula)
    found = [predicate.holds(np.array(m, np.int32)) for m in graph.markings]
    assert found == graph.truth(formula)


def _sampled(net, data):
    """Any markings, not only reachable ones; successors only say whether there are any."""
    from tests.property.oracle import Oracle

    oracle = Oracle(net)
    limits = [9 if capacity is None else capacity for capacity in oracle.capacities]
    rows = data.draw(
        st.lists(st.tuples(*(st.integers(0, limit) for limit in limits)), min_size=1, max_size=6)
    )
    return oracle, rows, [[0] if any(oracle.enabled(m)) else [] for m in rows]


@given(st.data())
def test_the_normal_form_and_the_simplified_formula_mean_the_same(data: st.DataObject) -> None:
    net = data.draw(nets(max_places=4, max_transitions=4, weights=2, tokens=3))
    graph = Graph.explore(net, most=60)
    assume(graph is not None)
    formula = data.draw(ctl_formulas(net))
    normal = negation_normal_form(formula)
    assert graph.truth(normal) == graph.truth(formula)
    for part in subformulas(normal):
        if isinstance(part, Not):
            assert not isinstance(part.operand, (Constant, Compare, And, Or, Temporal, Not))
    assert graph.truth(negation_normal_form(formula, negate=True)) == [not v for v in graph.truth(formula)]

    columns = list(zip(*graph.markings, strict=True))
    bounds = {name: (min(c), max(c)) for name, c in zip(net.places, columns, strict=True)}
    facts = {
        name: values[0] if len(values) == 1 else None
        for name, row in zip(
            net.transitions, zip(*map(graph.oracle.enabled, graph.markings), strict=True), strict=False
        )
        for values in [list(set(row))]
    }
    dead = {not row for row in graph.successors}
    simple = simplify(
        normal,
        bounds=bounds,
        fireable=facts.get,
        deadlock=dead.pop() if len(dead) == 1 else None,
    )
    assert graph.truth(simple) == graph.truth(formula)
    for part in subformulas(simple):
        if isinstance(part, Not):
            assert not isinstance(part.operand, (Constant, Compare, And, Or, Temporal, Not))
        match part:
            case Temporal(_, operand):
                assert not isinstance(operand, Constant)
            case Until(_, left, right):
                assert not isinstance(left, Constant)
                assert not isinstance(right, Constant)


@given(st.data())
def test_a_formula_printed_and_read_again_means_the_same(data: st.DataObject) -> None:
    net = data.draw(nets(max_places=3, max_transitions=3, weights=2, tokens=3))
    graph = Graph.explore(net, most=40)
    assume(graph is not None)
    formula = data.draw(ctl_formulas(net))
    assume(not formula.is_state)
    again = parse_formula(str(formula), places=net.places, transitions=net.transitions)
    assert graph.truth(again) == graph.truth(formula)
    if not again.is_state:
        assert parse_formula(str(again)) == again


@given(st.text(min_size=1))
def test_any_name_survives_printing_and_reading(name: str) -> None:
    formula = And((Temporal("EF", Compare(((name, 1),), 3)), Temporal("EF", Fireable(name))))
    assert parse_formula(str(formula)) == formula


@given(st.text() | st.text("EFAGXU[]()abt<=>!&|+-*: '\"01"))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(FormulaError):
        formula = parse_formula(text, places=["a", "b"], transitions=["t"])
        assert parse_formula(str(formula)) == parse_formula(str(parse_formula(str(formula))))
