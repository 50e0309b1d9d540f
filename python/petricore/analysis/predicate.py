"""State formulas as programs of comparisons with jumps, which the core evaluates on markings (`_core.Predicate`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from petricore import _core
from petricore.analysis.formula import And, Compare, Constant, Deadlock, Fireable, Formula, Not, Or, Terms
from petricore.errors import NetError
from petricore.net import MAX_TOKENS, Transition

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["PlaceRange", "admitted_ranges", "compile_predicate", "expanded"]

_MOST_WEIGHT = 2**32  # the core's limit on the sum of an atom's weights
_INT64 = 2**63


class PlaceRange(NamedTuple):
    """A transition needs `least <= m(place) <= most` (None: no upper end)."""

    place: str
    least: int
    most: int | None


def admitted_ranges(engine: Engine, transition: str) -> tuple[PlaceRange, ...]:
    """What enables a transition: a range for each place that it depends on, from arcs of all kinds and capacities.

    Ranges that admit every count are left out. Where `most < least` the transition is never enabled.
    """
    return _ranges(engine._transitions[transition], engine)


def _ranges(transition: Transition, engine: Engine) -> tuple[PlaceRange, ...]:
    inputs, outputs = transition.inputs, transition.outputs
    ranges = []
    for name in {**inputs, **transition.reads, **transition.inhibitors, **outputs}:
        least = max(inputs.get(name, 0), transition.reads.get(name, 0))
        most: int | None = None
        if name in transition.inhibitors:
            most = transition.inhibitors[name] - 1
        capacity = engine._places[name].capacity
        if capacity is not None and name in outputs:
            if name in transition.resets:
                room = MAX_TOKENS if outputs[name] <= capacity else -1
            else:
                room = capacity - outputs[name] + inputs.get(name, 0)
            most = room if most is None else min(most, room)
        if most is not None and most >= MAX_TOKENS:
            most = None
        if least > 0 or most is not None:
            ranges.append(PlaceRange(name, least, most))
    return tuple(ranges)


def expanded(engine: Engine, formula: Formula) -> Formula:
    """The formula with each `Fireable` and `Deadlock` written as comparisons of counts."""
    match formula:
        case Fireable(transition):
            if transition not in engine._transitions:
                raise NetError(f"the formula names the unknown transition {transition!r}")
            parts: list[Formula] = []
            for place, least, most in admitted_ranges(engine, transition):
                if least > 0:
                    parts.append(Compare(((place, -1),), -least))
                if most is not None:
                    parts.append(Compare(((place, 1),), most))
            return And(tuple(parts))
        case Deadlock():
            return And(tuple(Not(expanded(engine, Fireable(name))) for name in engine.transitions))
        case Not(operand):
            return Not(expanded(engine, operand))
        case And(operands):
            return And(tuple(expanded(engine, part) for part in operands))
        case Or(operands):
            return Or(tuple(expanded(engine, part) for part in operands))
        case _:
            return formula


def compile_predicate(engine: Engine, formula: Formula) -> _core.Predicate:
    """The program of a state formula over the markings of `engine`. Costs O(size of the expanded formula).

    Raises:
        NetError: the formula is no state formula, names what the engine does not have, or has weights in one
            comparison whose sizes add up to more than 2^32.
    """
    if not formula.is_state:
        raise NetError(f"a predicate is a formula about one marking, not {formula}")
    program = _Program(engine._place_index)
    program.add(expanded(engine, formula))
    return program.finish(len(engine.places))


class _Program:
    """Atoms from the last to the first, so that jumps go to atoms that exist already.

    Atoms count from the end: ACCEPT (-1) and REJECT (-2) stand behind the last one, so no target needs a case.
    """

    ACCEPT, REJECT = -1, -2

    def __init__(self, place_index: Mapping[str, int]) -> None:
        self._place_index = place_index
        self._atoms: list[tuple[Terms, int, int, int]] = []  # terms, constant, on_true, on_false
        self._entry = self.ACCEPT

    def add(self, formula: Formula) -> None:
        self._entry = self._compile(formula, self.ACCEPT, self.REJECT)

    def _compile(self, formula: Formula, on_true: int, on_false: int) -> int:
        """Where to start so that the formula is decided and control goes to one of the targets."""
        match formula:
            case Constant(value):
                return on_true if value else on_false
            case Compare(terms, constant):
                # A row without effect needs no atom, and a jump to one place no test.
                if not terms:
                    return on_true if constant >= 0 else on_false
                if on_true == on_false:
                    return on_true
                self._atoms.append((terms, constant, on_true, on_false))
                return len(self._atoms) - 1
            case Not(operand):
                return self._compile(operand, on_false, on_true)
            case And(operands):
                for part in reversed(operands):
                    on_true = self._compile(part, on_true, on_false)
                return on_true
            case Or(operands):
                for part in reversed(operands):
                    on_false = self._compile(part, on_true, on_false)
                return on_false
            case _:
                raise AssertionError(f"no part of an expanded state formula: {formula!r}")

    def finish(self, places: int) -> _core.Predicate:
        if self._entry < 0:
            verdict = 0 if self._entry == self.ACCEPT else -1
            self._atoms.append(((), verdict, self.ACCEPT, self.REJECT))  # 0 <= verdict
        elif self._entry != len(self._atoms) - 1:
            # Atoms after the entry can only come from constants that cut them off.
            del self._atoms[self._entry + 1 :]
        size = len(self._atoms)

        offsets, columns, weights = [0], [], []
        constants, on_true, on_false = [], [], []
        for terms, constant, if_true, if_false in reversed(self._atoms):
            total = 0
            for place, weight in terms:
                if place not in self._place_index:
                    raise NetError(f"the formula names the unknown place {place!r}")
                columns.append(self._place_index[place])
                weights.append(weight)
                total += abs(weight)
            if total > _MOST_WEIGHT:
                raise NetError(f"the weights of one comparison add up to {total}, above 2^32")
            offsets.append(len(columns))
            constants.append(max(-_INT64, min(_INT64 - 1, constant)))
            on_true.append(size - 1 - if_true)
            on_false.append(size - 1 - if_false)
        return _core.Predicate(
            places,
            np.array(offsets, np.uint32),
            np.array(columns, np.uint32),
            np.array(weights, np.int64),
            np.array(constants, np.int64),
            np.array(on_true, np.uint32),
            np.array(on_false, np.uint32),
        )
