"""CTL on the explicit graph of a state space: three-valued where the space is partial, with witnesses.

Each operator is labelled in time linear in states and edges: Clarke, Emerson, Sistla: Automatic verification of
finite-state concurrent systems using temporal logic specifications (1986), 10.1145/5397.5399. Paths are maximal (see
`petricore.analysis.formula`).

Of a partial space the markings that were not expanded are the frontier. Two sets are computed for each formula: the
markings where it holds for certain, whatever lies behind the frontier, and those where it may hold (Bruns, Godefroid:
Model checking partial state spaces with 3-valued temporal logics (1999), 10.1007/3-540-48683-6_25). All arc kinds,
capacities and resets are those of the space, so nothing is approximated beside that.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from petricore import _core
from petricore.analysis.formula import And, Formula, Not, Or, Temporal, TemporalOperator, Until
from petricore.analysis.limits import memory_of
from petricore.analysis.portfolio import Budget, Problem
from petricore.analysis.predicate import compile_predicate
from petricore.analysis.searching import space_for, why_partial
from petricore.analysis.space import StateSpace
from petricore.analysis.verdict import Verdict
from petricore.errors import NetError

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["Labelling", "Truth", "always_possible", "graph_search", "label"]

_Set: TypeAlias = npt.NDArray[np.uint64]

METHOD = "explicit graph"

_EXPLORING = 0.7
"""The part of the time that exploring may take; labelling is linear in what it left."""

_MEMORY = 0.5
"""The part of the memory that the space and its edges may take: the edges are turned round beside them."""


class OutOfTimeError(Exception):
    """The deadline came while labelling."""


class Truth(NamedTuple):
    """Where a formula holds: for certain (`sure`) and at most (`possible`), bool (N,). Equal in a complete space."""

    sure: npt.NDArray[np.bool_]
    possible: npt.NDArray[np.bool_]


class _Bounds(NamedTuple):
    sure: _Set
    possible: _Set


class Labelling:
    """The markings of a space, its edges, and where formulas hold there. Formulas in it are labelled once.

    Args:
        space: explored without reduction.
        deadline: of `time.monotonic`; methods raise `OutOfTimeError` after it.
    """

    def __init__(self, engine: Engine, space: _core.StateSpace, deadline: float | None = None) -> None:
        self._engine = engine
        self._space = space
        self._deadline = deadline
        offsets, self._targets, self.transitions = space.edges()
        # A space that ended early may have kept edges of the marking at which it ended.
        self.expanded = min(space.expanded, len(offsets) - 1)
        offsets = offsets[: self.expanded + 1]
        self._first_edges = int(offsets[1]) if self.expanded else 0
        self._targets = self._targets[: offsets[-1]]
        self.transitions = self.transitions[: offsets[-1]]
        self.graph = _core.StateGraph(len(space), offsets, self._targets, self.seconds)
        if self.graph.stopped:
            raise OutOfTimeError
        self.everywhere = self._words(np.ones(len(space), np.bool_))
        self._labels: dict[Formula, _Bounds] = {}

    @property
    def seconds(self) -> float:
        """What is left of the time."""
        if self._deadline is None:
            return math.inf
        return max(0.0, self._deadline - time.monotonic())

    def truth(self, formula: Formula) -> Truth:
        """Where a formula of state and temporal operators holds. Costs O(size of the formula * (N + E))."""
        sure, possible = self._label(formula)
        n = len(self._space)
        bits = (np.unpackbits(words.view(np.uint8), count=n, bitorder="little") for words in (sure, possible))
        return Truth(*(row.astype(np.bool_) for row in bits))

    def initially(self, formula: Formula) -> bool | None:
        """Whether the formula holds at the initial marking; None if what lies behind the frontier decides."""
        sure, possible = self._label(formula)
        if sure[0] & np.uint64(1):
            return True
        return None if possible[0] & np.uint64(1) else False

    def is_reversible(self) -> bool:
        """Whether the initial marking can be reached again from each marking, for certain."""
        initial = np.zeros_like(self.everywhere)
        initial[0] = 1
        back = self._in_time(self.graph.some_until(self.everywhere, initial, False, self.seconds))
        return np.array_equal(back, self.everywhere)

    def witness(self, formula: Formula, holds: bool) -> tuple[tuple[str, ...], str] | None:
        """Firings from the initial marking that show the answer, and what they show in words.

        None where a single sequence shows nothing: where all paths must be looked at, or a part of a part.
        """
        match formula:
            case Not(operand):
                return self.witness(operand, not holds)
            case Temporal("EX" | "EF" | "EG" as kind, operand) if holds:
                return self._shown(kind, operand)
            case Temporal("AX" | "AF" | "AG" as kind, operand) if not holds:
                opposite: dict[str, Literal["EX", "EF", "EG"]] = {"AX": "EX", "AF": "EG", "AG": "EF"}
                return self._shown(opposite[kind], Not(operand))
            case Until("E", left, right) if holds:
                return self._route(self._label(left).sure, right)
            case Until("A", left, right) if not holds:
                # Until fails on a path that leaves `left` before `right`, or stays away from `right` for ever.
                neither = And((Not(left), Not(right)))
                return self._route(self._label(Not(right)).sure, neither) or self._lasso(Not(right))
            case _:
                return None

    def _shown(self, kind: Literal["EX", "EF", "EG"], operand: Formula) -> tuple[tuple[str, ...], str] | None:
        if kind == "EF":
            return self._route(self.everywhere, operand)
        if kind == "EG":
            return self._lasso(operand)
        sure = self._label(operand).sure
        for edge in range(self._first_edges):
            target = int(self._targets[edge])
            if int(sure[target // 64]) >> (target % 64) & 1:
                return self._names([edge]), f"the next marking satisfies {operand}"
        return None

    def _route(self, through: _Set, goal: Formula) -> tuple[tuple[str, ...], str] | None:
        edges = self.graph.route(0, through, self._label(goal).sure, self.seconds)
        if edges is None:
            return None
        return self._names(edges), f"after {len(edges)} firings {goal} holds"

    def _lasso(self, operand: Formula) -> tuple[tuple[str, ...], str] | None:
        found = self.graph.lasso(0, self._label(Temporal("EG", operand)).sure, self.seconds)
        if found is None:
            return None
        edges, repeats_from = found
        loop = len(edges) - repeats_from
        end = f"the last {loop} firings repeat for ever" if loop else "it ends in a deadlock"
        return self._names(edges), f"a path along which {operand} always holds: {end}"

    def _names(self, edges: npt.ArrayLike) -> tuple[str, ...]:
        return tuple(self._engine.transitions[t] for t in self.transitions[np.asarray(edges, np.int64)])

    # Labelling

    def _label(self, formula: Formula) -> _Bounds:
        found = self._labels.get(formula)
        if found is None:
            found = self._labels[formula] = self._computed(formula)
        return found

    def _computed(self, formula: Formula) -> _Bounds:
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise OutOfTimeError
        match formula:
            case _ if formula.is_state:
                predicate = compile_predicate(self._engine, formula)
                flags = self._space.evaluate(predicate, seconds=self.seconds)
                if flags is None:
                    raise OutOfTimeError
                words = self._words(flags)
                return _Bounds(words, words)
            case Not(operand):
                return self._complement(self._label(operand))
            case And(operands):
                parts = [self._label(part) for part in operands]
                return _Bounds(*(np.bitwise_and.reduce(side) for side in zip(*parts, strict=True)))
            case Or(operands):
                parts = [self._label(part) for part in operands]
                return _Bounds(*(np.bitwise_or.reduce(side) for side in zip(*parts, strict=True)))
            case Temporal(operator, operand):
                return self._temporal(operator, self._label(operand))
            case Until(quantifier, left, right):
                return self._until(quantifier, self._label(left), self._label(right))
            case _:
                raise NetError(f"{formula} is a property of the whole net, not a formula of CTL")

    def _temporal(self, operator: TemporalOperator, operand: _Bounds) -> _Bounds:
        match operator:
            case "EX":
                return self._next(operand)
            case "EF":
                return self._until("E", self._always, operand)
            case "AF":
                return self._until("A", self._always, operand)
            case "AX":
                return self._complement(self._temporal("EX", self._complement(operand)))
            case "AG":
                return self._complement(self._temporal("EF", self._complement(operand)))
            case "EG":
                return self._complement(self._temporal("AF", self._complement(operand)))

    @property
    def _always(self) -> _Bounds:
        return _Bounds(self.everywhere, self.everywhere)

    def _complement(self, of: _Bounds) -> _Bounds:
        return _Bounds(of.possible ^ self.everywhere, of.sure ^ self.everywhere)

    def _next(self, operand: _Bounds) -> _Bounds:
        sure = self._in_time(self.graph.some_next(operand.sure, False, self.seconds))
        if self._exact(operand):
            return _Bounds(sure, sure)
        return _Bounds(sure, self._in_time(self.graph.some_next(operand.possible, True, self.seconds)))

    def _until(self, quantifier: Literal["E", "A"], left: _Bounds, right: _Bounds) -> _Bounds:
        compute = self.graph.some_until if quantifier == "E" else self.graph.every_until
        sure = self._in_time(compute(left.sure, right.sure, False, self.seconds))
        if self._exact(left, right):
            return _Bounds(sure, sure)
        return _Bounds(sure, self._in_time(compute(left.possible, right.possible, True, self.seconds)))

    def _exact(self, *operands: _Bounds) -> bool:
        """Whether nothing is unknown: then both sides are the same."""
        return self.expanded == len(self._space) and all(each.sure is each.possible for each in operands)

    def _in_time(self, words: _Set | None) -> _Set:
        if words is None:
            raise OutOfTimeError
        return words

    def _words(self, flags: npt.NDArray[np.bool_]) -> _Set:
        packed = np.packbits(flags, bitorder="little")
        size = -(-len(flags) // 64) * 8
        return np.concatenate([packed, np.zeros(size - len(packed), np.uint8)]).view("<u8").astype(np.uint64)


def graph_for(engine: Engine, budget: Budget) -> _core.StateSpace:
    """A space with its edges, which leaves time and memory of the budget for what is computed on it."""
    exploring = replace(budget, memory=max(1, int(memory_of(budget.memory) * _MEMORY)))
    if budget.seconds is not None:
        exploring = exploring.part(budget.seconds * _EXPLORING)
    return space_for(engine, exploring, edges=True)


def graph_search(problem: Problem, budget: Budget) -> Verdict:
    """A method of the portfolio: explore, label, answer. Decides every formula of CTL if the space is finite and fits.

    A partial space answers too where what lies behind its frontier does not matter.
    """
    space = graph_for(problem.engine, budget)
    try:
        labelling = Labelling(problem.engine, space, budget.deadline)
        holds = labelling.initially(problem.formula)
        shown = None if holds is None else labelling.witness(problem.formula, holds)
    except OutOfTimeError:
        return Verdict(
            None, None, f"the time limit was reached with {len(space):,} states", METHOD, len(space)
        )
    if holds is None:
        return Verdict(None, None, why_partial(problem.engine, space), METHOD, len(space))
    if shown is not None:
        return Verdict(holds, shown[0], shown[1], METHOD, len(space))
    truth = "holds" if holds else "does not hold"
    part = "" if space.end == "complete" else "; those not explored make no difference"
    return Verdict(
        holds, None, f"it {truth} in the graph of {len(space):,} markings{part}", METHOD, len(space)
    )


def label(space: StateSpace, formula: Formula) -> Truth:
    """Where a CTL formula holds in a state space, bool (N,) twice: for certain, and at most.

    The two are equal if the space is complete. Costs O(size of the formula * (states + edges)).

    Raises:
        NetError: the space was reduced or is a partial one explored depth first (its paths are not all there), or the
            formula is none, is a property of the whole net, or names what the net does not have.
    """
    return labelled(space).truth(_checked(formula))


def always_possible(space: StateSpace, formula: Formula) -> bool | None:
    """Whether from every reachable marking one is reachable where `formula` holds: AG EF of it; None if not known.

    With a formula for "completed" this is the option to complete.

    Raises:
        NetError: as for `label`.
    """
    return labelled(space).initially(Temporal("AG", Temporal("EF", _checked(formula))))


def _checked(formula: object) -> Formula:
    if not isinstance(formula, Formula):
        raise NetError(f"a Formula is needed, not {formula!r}")
    return formula


def labelled(space: StateSpace) -> Labelling:
    """The labelling of a public state space."""
    if not isinstance(space, StateSpace):
        raise NetError(f"a StateSpace is needed, not {space!r}")
    if space.reduced:
        raise NetError("a space reduced by stubborn sets keeps deadlocks only: explore it without reduction")
    if not space.complete and (space.edges.targets >= len(space)).any():
        raise NetError("a partial space explored depth first has no frontier: explore it breadth first")
    return Labelling(space._engine, space._core)
