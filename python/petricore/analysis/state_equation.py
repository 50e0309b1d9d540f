"""What the state equation rules out: markings that no solution of it reaches, and values that no sum exceeds.

A state formula is refuted by cases: at a solution of the linear program that breaks a disjunction, one case for each of
its parts; a solution that empties a marked trap is cut off; one whose firings lack tokens to start with is split into
"those do not fire" and "something else brings the tokens"; a fractional one is split at an integer. Only leaves that
are proven in exact arithmetic count (`petricore.analysis.linear`), so a refutation is a proof. A solution that none of
this excludes says nothing, but its firings are a good hint for a walk.

Esparza, Melzer: Verification of safety properties using integer programming: beyond the state equation (2000),
10.1023/A:1008743212620. Wimmel, Wolf: Applying CEGAR to the Petri net state equation (2011),
10.1007/978-3-642-19835-9_19.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from petricore.analysis.formula import And, Compare, Constant, Formula, Or, Terms
from petricore.analysis.linear import Infeasible, Point, Relaxation, Row
from petricore.analysis.portfolio import Budget, Problem
from petricore.analysis.predicate import expanded
from petricore.analysis.rewrite import negation_normal_form
from petricore.analysis.solver import loaded, need_solver
from petricore.analysis.traps import FlowGraph
from petricore.analysis.verdict import Verdict
from petricore.analysis.walk import walk_to
from petricore.arguments import known_names

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = [
    "Refutation",
    "StateEquation",
    "by_state_equation",
    "place_bounds_lp",
    "state_equation",
    "upper_bound",
]

_NEAR = 1e-6
_MOST_NODES = 2_000
_MOST_SPLITS = 12
"""Splits at fractional values and missing tokens on one branch: they need not end by themselves."""
_MOST_TRAPS = 300
_GUIDED_STEPS = 200_000
_MOST_COLUMNS = 20_000
"""Places and transitions of the largest net that the portfolio tries: the solver hears no Ctrl-C."""

_known: WeakKeyDictionary[Engine, StateEquation] = WeakKeyDictionary()


def state_equation(engine: Engine) -> StateEquation:
    """The state equation of a net; built once for an engine. Raises `PetriError` without scipy."""
    found = _known.get(engine)
    if found is None:
        need_solver()
        found = _known[engine] = StateEquation(engine)
    return found


class Refutation(NamedTuple):
    """`impossible`: no reachable marking satisfies the formula, proven. Otherwise nothing is known."""

    impossible: bool
    firings: npt.NDArray[np.int64] | None
    """(T,): how often each transition fires in a solution of the state equation that satisfies it, if one was found."""
    programs: int
    """Linear programs solved."""


@dataclass(frozen=True, slots=True)
class _Case:
    """A part of the formula: all rows, and one part of each clause."""

    rows: tuple[Row, ...]
    clauses: tuple[tuple[Formula, ...], ...]
    splits: int = 0

    def plus(self, *rows: Row) -> _Case:
        return _Case(self.rows + rows, self.clauses, self.splits + 1)


class StateEquation:
    """Not thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._relaxation = Relaxation(engine)
        self._flow = FlowGraph(engine, self._relaxation.alive)
        self._traps = 0

    def refute(self, formula: Formula, *, seconds: float = math.inf, nodes: int = _MOST_NODES) -> Refutation:
        """Try to prove that no reachable marking satisfies a state formula."""
        end = time.monotonic() + seconds
        programs = 0
        pending = [*self._cases(negation_normal_form(expanded(self._engine, formula)))]
        while pending:
            if programs >= nodes or time.monotonic() >= end:
                return Refutation(False, None, programs)
            case = pending.pop()
            programs += 1
            found = self._relaxation.find(case.rows, end - time.monotonic())
            if found is None:
                return Refutation(False, None, programs)
            if isinstance(found, Infeasible):
                if found.proven:
                    continue
                return Refutation(False, None, programs)
            parts = self._parts(case, found)
            if parts is None:
                return Refutation(False, np.rint(found.firings).astype(np.int64), programs)
            pending += parts
        return Refutation(True, None, programs)

    def upper_bound(self, terms: Terms, *, seconds: float = math.inf) -> int | None:
        """A value that the sum exceeds in no reachable marking; None: none was found."""
        end = time.monotonic() + seconds
        best: int | None = None
        while time.monotonic() < end:
            found = self._relaxation.largest(terms, end - time.monotonic())
            if found is None:
                break
            best = found[0] if best is None else min(best, found[0])
            if not self._cut(found[1]):
                break
        return best

    # Cases

    def _cases(self, formula: Formula) -> Iterable[_Case]:
        case = self._conjoined(_Case((), ()), formula)
        return () if case is None else (case,)

    def _conjoined(self, case: _Case, formula: Formula) -> _Case | None:
        """The case and the formula; None if that is plainly false."""
        match formula:
            case Constant(value):
                return case if value else None
            case Compare(terms, constant):
                row = self._relaxation.at_most(terms, constant)
                if not row.coefficients:
                    return case if row.bound >= 0 else None
                return _Case((*case.rows, row), case.clauses, case.splits)
            case And(operands):
                for part in operands:
                    joined = self._conjoined(case, part)
                    if joined is None:
                        return None
                    case = joined
                return case
            case Or(operands):
                return _Case(case.rows, (*case.clauses, operands), case.splits)
            case _:
                raise AssertionError(f"no part of an expanded state formula: {formula!r}")

    def _parts(self, case: _Case, point: Point) -> list[_Case] | None:
        """Cases that together cover the case and leave the point out; None if nothing rules the point out."""
        broken = [clause for clause in case.clauses if not any(self._holds(part, point) for part in clause)]
        if broken:
            return self._split(case, min(broken, key=len))
        if self._cut(point):
            return [case]
        if case.splits >= _MOST_SPLITS:
            return None
        return self._fed(case, point) or self._rounded(case, point)

    def _split(self, case: _Case, clause: tuple[Formula, ...]) -> list[_Case]:
        """One case for each part that is the first to hold, as far as "not" is a single row."""
        rest = tuple(other for other in case.clauses if other is not clause)
        base: _Case | None = _Case(case.rows, rest, case.splits)
        parts = []
        for part in clause:
            if base is None:
                break
            joined = self._conjoined(base, part)
            if joined is not None:
                parts.append(joined)
            if isinstance(part, Compare):
                base = self._conjoined(base, negation_normal_form(part, negate=True))
        return parts

    def _cut(self, point: Point) -> bool:
        """Whether a trap that the point empties was added to the rows."""
        if self._traps >= _MOST_TRAPS:
            return False
        empty = [
            place for place, count in zip(self._engine.places, point.marking, strict=True) if count < _NEAR
        ]
        trap = self._flow.marked_trap(empty)
        if trap is None or not self._relaxation.add_trap(trap):
            return False
        self._traps += 1
        return True

    def _fed(self, case: _Case, point: Point) -> list[_Case] | None:
        """Either the firings that lack tokens do not happen, or another transition brings some."""
        found = self._flow.unfed(np.flatnonzero(point.firings > _NEAR).tolist())
        if found is None:
            return None
        needing, feeding = found
        relaxation = self._relaxation
        none = case.plus(relaxation.at_most((), 0, [(column, 1) for column in needing]))
        if not feeding:
            return [none]
        return [case.plus(relaxation.at_least((), 1, [(column, 1) for column in feeding])), none]

    def _rounded(self, case: _Case, point: Point) -> list[_Case] | None:
        """Split at a fractional count of a place, or else of a transition."""
        kinds: tuple[tuple[Literal["place", "transition"], npt.NDArray[np.float64]], ...] = (
            ("place", point.marking),
            ("transition", point.firings),
        )
        relaxation = self._relaxation
        for kind, values in kinds:
            distance = np.abs(values - np.rint(values))
            at = int(distance.argmax()) if len(distance) else 0
            if not len(distance) or distance[at] <= _NEAR:
                continue
            low = math.floor(values[at])
            terms: Terms = ((self._engine.places[at], 1),) if kind == "place" else ()
            firings = [(at, 1)] if kind == "transition" else []
            return [
                case.plus(relaxation.at_least(terms, low + 1, firings)),
                case.plus(relaxation.at_most(terms, low, firings)),
            ]
        return None

    def _holds(self, formula: Formula, point: Point) -> bool:
        match formula:
            case Constant(value):
                return value
            case Compare(terms, constant):
                index = self._engine._place_index
                total = math.fsum(weight * point.marking[index[place]] for place, weight in terms)
                return total <= constant + _NEAR
            case And(operands):
                return all(self._holds(part, point) for part in operands)
            case Or(operands):
                return any(self._holds(part, point) for part in operands)
            case _:
                raise AssertionError(f"no part of an expanded state formula: {formula!r}")


def applies(engine: Engine) -> bool:
    """Whether the solver is loaded and the net not too large for it."""
    return loaded() and len(engine.places) + len(engine.transitions) <= _MOST_COLUMNS


def upper_bound(engine: Engine, terms: Terms, *, seconds: float = math.inf) -> int | None:
    """A proven upper bound of sum(weight * m(place)) over the reachable markings; None if none was found.

    Raises:
        NetError: there is no such place.
        PetriError: scipy is not installed.
    """
    known_names((place for place, _ in terms), "place", engine._place_index)
    return state_equation(engine).upper_bound(terms, seconds=seconds)


def place_bounds_lp(
    engine: Engine, places: Iterable[str] | None = None, *, seconds: float = math.inf
) -> dict[str, int | None]:
    """`upper_bound` of each place (all of them by default), within the time altogether.

    Raises:
        NetError: there is no such place.
        PetriError: scipy is not installed.
    """
    end = time.monotonic() + seconds
    asked = engine.places if places is None else known_names(places, "place", engine._place_index)
    equation = state_equation(engine)
    return {place: equation.upper_bound(((place, 1),), seconds=end - time.monotonic()) for place in asked}


def by_state_equation(problem: Problem, budget: Budget) -> Verdict | None:
    """A method of the portfolio: refutes EF p, or else walks along a solution. Passes unless scipy is loaded."""
    goal = problem.goal
    if goal is None or not applies(problem.engine):
        return None
    seconds = math.inf if budget.seconds is None else budget.seconds
    found = state_equation(problem.engine).refute(goal, seconds=seconds)
    if found.impossible:
        number = "one linear program" if found.programs == 1 else f"{found.programs:,} linear programs"
        reason = f"no solution of the state equation satisfies it ({number}, checked exactly)"
        return Verdict(False, None, reason, "state equation")
    if found.firings is None:
        return None
    witness, _ = walk_to(problem.engine, goal, budget, steps=_GUIDED_STEPS, firings=found.firings)
    if witness is None:
        return None
    reason = f"a walk along a solution of the state equation found it, {len(witness)} firings away"
    return Verdict(True, witness, reason, "walk")
