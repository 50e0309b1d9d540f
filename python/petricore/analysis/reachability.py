"""Is a marking reachable in which a state formula holds? The methods, from cheap to dear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from petricore.analysis.by_commoner import by_commoner
from petricore.analysis.by_coverability import by_coverability
from petricore.analysis.by_reduction import by_reduction
from petricore.analysis.facts import facts_of
from petricore.analysis.formula import Constant, Formula, Temporal
from petricore.analysis.portfolio import Budget, Problem, Stage, first_answer
from petricore.analysis.rewrite import negation_normal_form
from petricore.analysis.searching import full_search, reduced_search
from petricore.analysis.slicing import sliced
from petricore.analysis.solver import prepare_solver
from petricore.analysis.state_equation import by_state_equation
from petricore.analysis.verdict import Verdict
from petricore.analysis.walk import by_walk
from petricore.analysis.witness import holds_initially, verified

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["STAGES", "decide_reachability", "reachable"]

STAGES: Sequence[Stage] = (
    Stage(full_search, seconds=0.5, states=20_000),
    Stage(by_commoner),
    Stage(prepare_solver),
    Stage(by_state_equation, seconds=3.0, share=0.2),
    Stage(by_walk, seconds=0.5, share=0.1),
    Stage(by_reduction, seconds=2.0, share=0.3),
    Stage(reduced_search, seconds=2.0),
    Stage(by_coverability, seconds=2.0, share=0.3),
    Stage(full_search, seconds=2.0, share=0.4),
    Stage(by_walk, seconds=5.0, share=0.2),
    Stage(by_reduction, share=0.3),
    Stage(reduced_search, share=0.5),
    Stage(by_coverability, share=0.5),
    Stage(full_search),
)
"""Each method gets a short turn before one gets a long one."""


def decide_reachability(problem: Problem, budget: Budget) -> Verdict:
    """The verdict on EF p, p a state formula; a witness that was replayed if it holds."""
    goal = problem.goal
    assert goal is not None
    engine = problem.engine
    if holds_initially(engine, goal):
        return Verdict(True, (), "the initial marking shows it", "initial marking", 1)
    simple = facts_of(engine).simplify(negation_normal_form(goal))
    if isinstance(simple, Constant):
        assert not simple.value, "what always holds holds initially"
        return Verdict(False, None, "the arcs alone rule it out", "structure")
    query = Temporal("EF", simple)
    verdict = first_answer(Problem(sliced(engine, query), query), budget, STAGES)
    if verdict.holds:
        assert verdict.witness is not None, f"{verdict.method!r} gives no witness"
        verified(engine, verdict.witness, goal, verdict.method)
    return verdict


def reachable(engine: Engine, goal: Formula, budget: Budget) -> Verdict:
    """The verdict on EF goal."""
    return decide_reachability(Problem(engine, Temporal("EF", goal)), budget)
