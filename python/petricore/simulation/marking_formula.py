"""State formulas and expressions, evaluated for many markings at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from petricore import _core
from petricore.analysis.formula import And, Compare, Constant, Formula, Not, Or, places_of, transitions_of
from petricore.analysis.parser import parse_state_formula
from petricore.analysis.predicate import expanded
from petricore.errors import NetError
from petricore.timing import core_names

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["holds", "state_formula", "values"]

_Markings = npt.NDArray[np.int32]


def state_formula(engine: Engine, what: str, formula: object) -> Formula:
    """A formula about one marking of the net.

    Raises:
        FormulaError: its text cannot be read, or names what the net does not have.
        NetError: it is no such formula, or a `Formula` names what the net does not have.
    """
    if isinstance(formula, str):
        return parse_state_formula(formula, places=engine._place_index, transitions=engine._transition_index)
    if not isinstance(formula, Formula) or not formula.is_state:
        raise NetError(f"{what} is a formula about one marking, such as 'a >= 3', not {formula!r}")
    for kind, names, known in (
        ("place", places_of(formula), engine._place_index),
        ("transition", transitions_of(formula), engine._transition_index),
    ):
        for name in names:
            if name not in known:
                raise NetError(f"{what} names the unknown {kind} {name!r}")
    return formula


def holds(engine: Engine, formula: Formula, markings: _Markings) -> npt.NDArray[np.bool_]:
    """Where a state formula holds: (N,) of the markings (N, P)."""
    return _holds(engine, expanded(engine, formula), markings)


def _holds(engine: Engine, formula: Formula, markings: _Markings) -> npt.NDArray[np.bool_]:
    match formula:
        case Constant(value):
            return np.full(len(markings), value)
        case Compare(terms, constant):
            total = np.zeros(len(markings), object if _is_large(terms, constant) else np.int64)
            for place, weight in terms:
                total += markings[:, engine._place_index[place]].astype(total.dtype) * weight
            return np.asarray(total <= constant, np.bool_)
        case Not(operand):
            return ~_holds(engine, operand, markings)
        case And(operands):
            result = np.ones(len(markings), np.bool_)
            for part in operands:
                result &= _holds(engine, part, markings)
            return result
        case Or(operands):
            result = np.zeros(len(markings), np.bool_)
            for part in operands:
                result |= _holds(engine, part, markings)
            return result
        case _:
            raise AssertionError(f"no part of an expanded state formula: {formula!r}")


def _is_large(terms: tuple[tuple[str, int], ...], constant: int) -> bool:
    return abs(constant) >= 2**62 or sum(abs(weight) for _, weight in terms) >= 2**31


def values(engine: Engine, expression: object, markings: _Markings) -> npt.NDArray[np.float64]:
    """An expression such as `"a + 2*b"` of each of the markings (N, P): (N,).

    Raises:
        NetError: it cannot be read, or names a place that is not there.
    """
    if not isinstance(expression, str):
        raise NetError(f"an expression is a string, not {expression!r}")
    try:
        compiled = _core.Expression(expression, core_names(engine.places))
    except _core.ExpressionError as error:
        raise NetError(f"the expression: {error} (at character {error.position} of {error.text!r})") from None
    return compiled.evaluate(np.ascontiguousarray(markings))
