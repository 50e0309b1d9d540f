"""The coverability set as a method for reachability: its "no" and its "yes" against the token game."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from petricore.analysis.by_coverability import by_coverability
from petricore.analysis.formula import Temporal
from petricore.analysis.portfolio import Budget, Problem
from petricore.analysis.predicate import compile_predicate
from petricore.analysis.rewrite import negation_normal_form
from petricore.analysis.witness import marking_after
from tests.property.formulas import state_formulas
from tests.property.nets import nets
from tests.property.oracle import Oracle


@given(st.data())
def test_what_coverability_says_of_reachability_is_so(data: st.DataObject) -> None:
    net = data.draw(nets(weights=2, tokens=3))
    goal = negation_normal_form(data.draw(state_formulas(net)))
    engine = net.compile()
    verdict = by_coverability(Problem(engine, Temporal("EF", goal)), Budget(states=2000))
    if verdict is None or verdict.holds is None:
        return
    predicate = compile_predicate(engine, goal)
    if verdict.holds:
        assert verdict.witness is not None
        assert predicate.holds(marking_after(engine, verdict.witness))
        return
    oracle = Oracle(net)
    seen = {oracle.initial}
    frontier = [oracle.initial]
    while frontier and len(seen) < 300:
        at = frontier.pop(0)
        assert not predicate.holds(engine.marking(dict(zip(oracle.places, at, strict=True))))
        after = [oracle.fire(at, t) for t in range(len(oracle.transitions))]
        new = {m for m in after if m is not None} - seen
        seen |= new
        frontier.extend(new)
