"""What to measure in each replica while it runs: one number, so that a billion events need no billion rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from petricore import _core
from petricore.analysis.formula import Formula, places_of, transitions_of
from petricore.analysis.parser import parse_state_formula
from petricore.analysis.predicate import compile_predicate
from petricore.errors import NetError

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = [
    "Final",
    "FirstPassage",
    "Lowered",
    "Maximum",
    "Minimum",
    "Observable",
    "Throughput",
    "TimeAverage",
    "TimeIn",
    "lower_observables",
    "state_predicate",
]

Lowered: TypeAlias = tuple[str, str | None, "_core.Predicate | None", int]
"""A measure for the core: its name, an expression, a predicate, a transition."""


@dataclass(frozen=True, slots=True)
class Observable:
    """Base of all measures. An expression is arithmetic over places, such as `"a + 2*b"` (docs/simulation.md)."""


@dataclass(frozen=True, slots=True)
class TimeAverage(Observable):
    """The average of an expression over time, from `warmup` to the end; over steps where there is no time.

    NaN where a replica ends before `warmup` does.
    """

    expression: str


@dataclass(frozen=True, slots=True)
class Throughput(Observable):
    """Firings of a transition per unit of time from `warmup` to the end; NaN where a replica ends before that."""

    transition: str


@dataclass(frozen=True, slots=True)
class FirstPassage(Observable):
    """The model time at which a state formula first holds; infinite if it never does."""

    formula: str | Formula


@dataclass(frozen=True, slots=True)
class TimeIn(Observable):
    """The share of the time from `warmup` to the end in which a state formula holds."""

    formula: str | Formula


@dataclass(frozen=True, slots=True)
class Maximum(Observable):
    """The largest value of an expression, from the start to the end."""

    expression: str


@dataclass(frozen=True, slots=True)
class Minimum(Observable):
    """The smallest value of an expression, from the start to the end."""

    expression: str


@dataclass(frozen=True, slots=True)
class Final(Observable):
    """The value of an expression at the end."""

    expression: str


_TAKEN = ("point", "replica", "time", "events", "end")  # columns of the tables that a result exports


def lower_observables(
    engine: Engine, observables: Mapping[str, Observable] | None
) -> tuple[tuple[str, ...], list[Lowered]]:
    """The names, and what the core shall measure. The core reads the expressions.

    Raises:
        NetError: no mapping from names to measures, or a measure names what the net does not have.
        FormulaError: a formula that cannot be read.
    """
    if observables is None:
        return (), []
    if not isinstance(observables, Mapping):
        raise NetError(
            f"observables is a mapping from names to measures such as TimeAverage('a'), not {observables!r}"
        )
    for name in observables:
        if not isinstance(name, str) or not name:
            raise NetError(f"an observable's name is a string, not {name!r}")
        if name in _TAKEN or name.startswith(("marking.", "firings.")):
            raise NetError(f"an observable cannot be named {name!r}: tables have a column of that name")
    return tuple(observables), [_lowered(engine, name, one) for name, one in observables.items()]


def _lowered(engine: Engine, name: str, observable: Observable) -> Lowered:
    where = f"observable {name!r}"
    match observable:
        case TimeAverage(text):
            return "time_average", _text(where, text), None, 0
        case Maximum(text):
            return "maximum", _text(where, text), None, 0
        case Minimum(text):
            return "minimum", _text(where, text), None, 0
        case Final(text):
            return "final", _text(where, text), None, 0
        case FirstPassage(formula):
            return "first_passage", None, state_predicate(engine, where, formula), 0
        case TimeIn(formula):
            return "time_in", None, state_predicate(engine, where, formula), 0
        case Throughput(transition):
            if transition not in engine._transition_index:
                raise NetError(f"{where}: there is no transition {transition!r}")
            return "throughput", None, None, engine._transition_index[transition]
    raise NetError(f"{where} is a measure such as TimeAverage('a') or Throughput('t'), not {observable!r}")


def _text(where: str, expression: object) -> str:
    if not isinstance(expression, str):
        raise NetError(f"{where}: an expression is a string, not {expression!r}")
    try:
        expression.encode()
    except UnicodeError:
        raise NetError(f"{where}: {expression!r} holds half of a surrogate pair") from None
    return expression


def state_predicate(engine: Engine, where: str, formula: object) -> _core.Predicate:
    """The program of a formula about one marking.

    Raises:
        NetError: it is no such formula, or a `Formula` names what the net does not have.
        FormulaError: its text cannot be read, or names what the net does not have.
    """
    if isinstance(formula, str):
        return compile_predicate(
            engine,
            parse_state_formula(formula, places=engine._place_index, transitions=engine._transition_index),
        )
    if not isinstance(formula, Formula):
        raise NetError(f"{where}: a formula is a string or a Formula, not {formula!r}")
    if not formula.is_state:
        raise NetError(f"{where}: a formula about one marking is needed, such as 'a >= 3', not '{formula}'")
    for kind, names, known in (
        ("place", places_of(formula), engine._place_index),
        ("transition", transitions_of(formula), engine._transition_index),
    ):
        for name in names:
            if name not in known:
                raise NetError(f"{where}: the formula names the unknown {kind} {name!r}")
    return compile_predicate(engine, formula)
