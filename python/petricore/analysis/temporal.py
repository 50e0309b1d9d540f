"""Decide a formula of CTL: part by part, by approximation, and at last on the explicit graph."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from petricore.analysis.ctl import graph_search
from petricore.analysis.facts import facts_of
from petricore.analysis.formula import (
    And,
    Constant,
    Deadlock,
    Formula,
    Not,
    Or,
    Temporal,
    Until,
)
from petricore.analysis.portfolio import Budget, Problem, Stage, first_answer
from petricore.analysis.reachability import reachable
from petricore.analysis.rewrite import conjunction, disjunction, negation_normal_form
from petricore.analysis.slicing import sliced
from petricore.analysis.verdict import Verdict
from petricore.analysis.witness import holds_initially

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["approximation", "decide"]

_SMALL = 20_000
_GROWTH = 20
_FIRST_TURN = 2.0
"""Seconds that each part of a conjunction or disjunction gets before one gets all that is left."""


def decide(engine: Engine, formula: Formula, budget: Budget) -> Verdict:
    """The verdict on a formula of state and temporal operators, asked at the initial marking."""
    simple = facts_of(engine).simplify(negation_normal_form(formula))
    if isinstance(simple, Constant):
        return Verdict(simple.value, None, "the arcs alone decide it", "structure")
    return _decide(engine, simple, budget)


def _decide(engine: Engine, formula: Formula, budget: Budget) -> Verdict:
    if formula.is_state:
        holds = holds_initially(engine, formula)
        truth = "holds" if holds else "does not hold"
        return Verdict(holds, (), f"it {truth} in the initial marking", "initial marking", 1)
    match formula:
        case And(operands):
            return _parts(engine, operands, False, budget)
        case Or(operands):
            return _parts(engine, operands, True, budget)
        case Temporal("EF", goal) if goal.is_state:
            return reachable(engine, goal, budget)
        case Temporal("AG", goal) if goal.is_state:
            return _negated(reachable(engine, negation_normal_form(goal, negate=True), budget))
        case Not(operand):
            return _negated(_decide(engine, operand, budget))
        case _:
            return _branching(engine, formula, budget)


def _negated(verdict: Verdict) -> Verdict:
    return verdict if verdict.holds is None else replace(verdict, holds=not verdict.holds)


def _parts(engine: Engine, operands: tuple[Formula, ...], decisive: bool, budget: Budget) -> Verdict:
    """One operand that is `decisive` decides; all others decide the other way. Cheap operands come first."""
    pending = sorted(operands, key=lambda part: (not part.is_state, not _is_reachability(part)))
    last = Verdict(not decisive, None, "every part says so", "parts")
    for turn in (budget.part(_FIRST_TURN * len(pending)), budget):
        undecided = []
        for i, part in enumerate(pending):
            share = turn
            if turn is not budget:
                share = budget.part(_FIRST_TURN)
            elif budget.seconds is not None:
                share = budget.part(budget.seconds / (len(pending) - i))
            verdict = _decide(engine, part, share)
            if verdict.holds is decisive:
                return verdict
            last = replace(last, states=last.states + verdict.states, method=verdict.method)
            if verdict.holds is None:
                undecided.append(part)
                reason = verdict.reason
        if not undecided:
            return last
        pending = undecided
    return replace(last, holds=None, reason=reason)


def _is_reachability(formula: Formula) -> bool:
    return isinstance(formula, Temporal) and formula.operator in ("EF", "AG") and formula.operand.is_state


def approximation(formula: Formula, side: Literal["under", "over"]) -> Formula:
    """A state formula that implies (under) or follows from (over) a formula in negation normal form.

    Only the marking itself is looked at, and whether it is a deadlock: there each path has ended.
    """
    under = side == "under"
    if formula.is_state:
        return formula
    match formula:
        case And(operands):
            return conjunction(approximation(part, side) for part in operands)
        case Or(operands):
            return disjunction(approximation(part, side) for part in operands)
        case Not(operand):
            other = approximation(operand, "over" if under else "under")
            return negation_normal_form(other, negate=True)
        case Until(_, left, right):
            last = approximation(right, side)
            return (
                last
                if under
                else disjunction((last, conjunction((Not(Deadlock()), approximation(left, side)))))
            )
        case Temporal(operator, operand):
            return _temporal_approximation(operator, approximation(operand, side), under)
        case _:
            return Constant(not under)


def _temporal_approximation(operator: str, inner: Formula, under: bool) -> Formula:
    if operator in ("EF", "AF"):
        return inner if under else disjunction((inner, Not(Deadlock())))
    if operator in ("EG", "AG"):
        return conjunction((inner, Deadlock())) if under else inner
    if operator == "EX":
        return Constant(False) if under else Not(Deadlock())
    return Deadlock() if under else Constant(True)  # AX


def _branching(engine: Engine, formula: Formula, budget: Budget) -> Verdict:
    problem = Problem(sliced(engine, formula), formula)
    stages = (
        Stage(_by_marking),
        Stage(_on_small_graph),
        Stage(_by_reachability, seconds=_FIRST_TURN, share=0.3),
        Stage(_on_graph),
    )
    return first_answer(problem, budget, stages)


def _by_marking(problem: Problem, _: Budget) -> Verdict | None:
    """What the initial marking alone decides."""
    if holds_initially(problem.engine, approximation(problem.formula, "under")):
        return Verdict(True, (), "the initial marking alone shows it", "initial marking", 1)
    if not holds_initially(problem.engine, approximation(problem.formula, "over")):
        return Verdict(False, (), "the initial marking alone refutes it", "initial marking", 1)
    return None


def _by_reachability(problem: Problem, budget: Budget) -> Verdict | None:
    """EF p holds if an under-approximation of p is reachable; all that needs p some time fails if no over- is."""
    formula, truth = problem.formula, True
    match formula:
        case Temporal("AG" | "EG") | Not():
            formula, truth = negation_normal_form(formula, negate=True), False
    match formula:
        case Temporal("EF" | "AF", operand) | Until(_, _, operand):
            pass
        case _:
            return None
    if isinstance(formula, Temporal) and formula.operator == "EF":
        under = approximation(operand, "under")
        if under != Constant(False):
            seconds = budget.seconds
            half = budget if seconds is None else budget.part(seconds / 2)
            verdict = reachable(problem.engine, under, half)
            if verdict.holds:
                return replace(verdict, holds=truth)
    over = approximation(operand, "over")
    if over != Constant(True):
        verdict = reachable(problem.engine, over, budget)
        if verdict.holds is False:
            return replace(verdict, holds=not truth)
    return None


def _on_small_graph(problem: Problem, budget: Budget) -> Verdict | None:
    return graph_search(problem, budget.part(_FIRST_TURN, states=_SMALL))


def _on_graph(problem: Problem, budget: Budget) -> Verdict | None:
    """On ever larger parts of the graph, since a small part often decides and costs little beside the next."""
    states = _SMALL
    while True:
        states *= _GROWTH
        verdict = graph_search(problem, budget.part(math.inf, states=states))
        ended = verdict.states < states or budget.spent
        if verdict.holds is not None or ended or (budget.states is not None and budget.states <= states):
            return verdict
