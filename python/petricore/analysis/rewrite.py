"""Rewriting formulas: negation normal form, and simplification with what is known of the net.

Each rule keeps the truth of the formula in every marking that the facts given hold for, under the semantics of
`petricore.analysis.formula` (maximal paths). The temporal rules are those of Bønneland, Dyhr, Jensen, Johannsen, Srba:
Simplification of CTL formulae for efficient model checking of Petri nets (2018), 10.1007/978-3-319-91268-4_8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from petricore.analysis.formula import (
    And,
    Compare,
    Constant,
    Deadlock,
    Fireable,
    Formula,
    Not,
    Or,
    Property,
    Temporal,
    TemporalOperator,
    Terms,
    Until,
    negated_compare,
)

__all__ = [
    "Interval",
    "conjunction",
    "disjunction",
    "evaluate_terms",
    "negation_normal_form",
    "simplify",
    "terms_interval",
]

Interval = tuple[int, int | None]
"""Smallest and largest value; None: no largest value is known."""

TRUE, FALSE = Constant(True), Constant(False)

_DUAL: dict[TemporalOperator, TemporalOperator] = {
    "EX": "AX",
    "AX": "EX",
    "EF": "AG",
    "AG": "EF",
    "AF": "EG",
    "EG": "AF",
}


def negation_normal_form(formula: Formula, *, negate: bool = False) -> Formula:
    """An equal formula (its negation if `negate`) whose `Not` stands only before `Fireable`, `Deadlock`, `Until` and
    properties; the operands of an `Until` are in this form too.
    """
    match formula:
        case Constant(value):
            return Constant(value != negate)
        case Compare():
            return negated_compare(formula) if negate else formula
        case Not(operand):
            return negation_normal_form(operand, negate=not negate)
        case And(operands) | Or(operands):
            parts = [negation_normal_form(part, negate=negate) for part in operands]
            return conjunction(parts) if isinstance(formula, And) != negate else disjunction(parts)
        case Temporal(operator, operand):
            return Temporal(
                _DUAL[operator] if negate else operator, negation_normal_form(operand, negate=negate)
            )
        case Until(quantifier, left, right):
            until = Until(quantifier, negation_normal_form(left), negation_normal_form(right))
            return Not(until) if negate else until
        case _:
            return Not(formula) if negate else formula


def conjunction(parts: Iterable[Formula]) -> Formula:
    """All of the parts: flat, without repetition, a constant where that is plain."""
    return _joined(parts, And, FALSE, TRUE)


def disjunction(parts: Iterable[Formula]) -> Formula:
    """Some of the parts: flat, without repetition, a constant where that is plain."""
    return _joined(parts, Or, TRUE, FALSE)


def _joined(
    parts: Iterable[Formula], kind: type[And] | type[Or], absorbing: Constant, neutral: Constant
) -> Formula:
    flat: dict[Formula, None] = {}
    for part in parts:
        for member in part.operands if isinstance(part, kind) else (part,):
            if member == absorbing:
                return absorbing
            if member != neutral:
                flat[member] = None
    if not flat:
        return neutral
    return next(iter(flat)) if len(flat) == 1 else kind(tuple(flat))


def evaluate_terms(terms: Terms, count: Callable[[str], int]) -> int:
    """The sum at a marking given by `count` of a place."""
    return sum(weight * count(place) for place, weight in terms)


def terms_interval(terms: Terms, bounds: Mapping[str, Interval]) -> tuple[int | None, int | None]:
    """The smallest and the largest value that the sum can have; None: not known."""
    least: int | None = 0
    most: int | None = 0
    for place, weight in terms:
        low, high = bounds.get(place, (0, None))
        for_least, for_most = (low, high) if weight > 0 else (high, low)
        least = None if least is None or for_least is None else least + weight * for_least
        most = None if most is None or for_most is None else most + weight * for_most
    return least, most


def simplify(
    formula: Formula,
    *,
    bounds: Mapping[str, Interval] | None = None,
    fireable: Callable[[str], bool | None] = lambda _: None,
    deadlock: bool | None = None,
) -> Formula:
    """A formula that is equal in all reachable markings, given facts that hold in all of them.

    Args:
        formula: in negation normal form.
        bounds: the least and largest count of places; (0, None) for places not in it.
        fireable: whether a transition is enabled in all (True) or none (False) of the markings.
        deadlock: whether no marking (False) or every marking (True) is a deadlock.
    """
    return _Simplifier(bounds or {}, fireable, deadlock).of(formula)


class _Simplifier:
    def __init__(
        self,
        bounds: Mapping[str, Interval],
        fireable: Callable[[str], bool | None],
        deadlock: bool | None,
    ) -> None:
        self._bounds = bounds
        self._fireable = fireable
        self._deadlock = deadlock

    def of(self, formula: Formula) -> Formula:
        match formula:
            case Compare(terms, constant):
                least, most = terms_interval(terms, self._bounds)
                if most is not None and most <= constant:
                    return TRUE
                return FALSE if least is not None and least > constant else formula
            case Fireable(transition):
                value = self._fireable(transition)
                return formula if value is None else Constant(value)
            case Deadlock():
                return formula if self._deadlock is None else Constant(self._deadlock)
            case Not(operand):
                inner = self.of(operand)
                if isinstance(inner, (Fireable, Deadlock, Until, Property)):
                    return Not(inner)
                # An until may have become a simpler formula, which a negation must not stand before.
                return self.of(negation_normal_form(inner, negate=True))
            case And(operands):
                return conjunction(map(self.of, operands))
            case Or(operands):
                return disjunction(map(self.of, operands))
            case Temporal(operator, operand):
                return self._temporal(operator, self.of(operand))
            case Until(quantifier, left, right):
                return self._until(quantifier, self.of(left), self.of(right))
            case _:
                return formula

    def _temporal(self, operator: TemporalOperator, operand: Formula) -> Formula:
        if isinstance(operand, Constant):
            if operator == "EX" and operand.value:
                return self.of(Not(Deadlock()))
            if operator == "AX" and not operand.value:
                return self.of(Deadlock())
            return operand
        match operator, operand:
            # EF absorbs what may come later anyway; AG is its dual.
            case "EF", Temporal("EF" | "AF", inner):
                return self._temporal("EF", inner)
            case "EF", Until(_, _, right):
                return self._temporal("EF", right)
            case "AF", Temporal("EF", _):
                return operand
            case "AF", Temporal("AF", _):
                return operand
            case "AF", Until("A", _, right):
                return self._temporal("AF", right)
            case "AG", Temporal("AG" | "EG", inner):
                return self._temporal("AG", inner)
            case "EG", Temporal("AG" | "EG", _):
                return operand
            case _:
                return self._distributed(operator, operand)

    def _distributed(self, operator: TemporalOperator, operand: Formula) -> Formula:
        match operator, operand:
            case "EF", Or(operands):
                return disjunction(self._temporal("EF", part) for part in operands)
            case "AG", And(operands):
                return conjunction(self._temporal("AG", part) for part in operands)
            case "AF", Or(operands):
                later, rest = _split(operands, "EF")
                if later:
                    return disjunction([*later, self._temporal("AF", disjunction(rest))])
            case "EG", And(operands):
                always, rest = _split(operands, "AG")
                if always:
                    return conjunction([*always, self._temporal("EG", conjunction(rest))])
        return Temporal(operator, operand)

    def _until(self, quantifier: str, left: Formula, right: Formula) -> Formula:
        if isinstance(right, Constant) or left == FALSE:
            return right
        if left == TRUE:
            return self._temporal("EF" if quantifier == "E" else "AF", right)
        later, rest = _split(right.operands if isinstance(right, Or) else (right,), "EF")
        if later:
            return disjunction([*later, self._until(quantifier, left, disjunction(rest))])
        return Until("E" if quantifier == "E" else "A", left, right)


def _split(operands: Iterable[Formula], operator: TemporalOperator) -> tuple[list[Formula], list[Formula]]:
    """The operands that begin with the operator, and the others."""
    parts: tuple[list[Formula], list[Formula]] = [], []
    for part in operands:
        parts[not (isinstance(part, Temporal) and part.operator == operator)].append(part)
    return parts
