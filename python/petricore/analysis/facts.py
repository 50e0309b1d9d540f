"""What the arcs alone prove about all reachable markings: ranges of counts, and transitions that never fire.

Only arcs are looked at, of every kind: a place that nothing adds to keeps at most what it has, a transition whose
inputs can never be covered is dead and changes nothing, and so on until nothing new follows. Weighted sums of counts
that no firing increases bound the rest (`petricore/place_bounds.hpp`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from petricore.analysis.formula import Formula
from petricore.analysis.predicate import PlaceRange, admitted_ranges
from petricore.analysis.rewrite import Interval, simplify
from petricore.net import MAX_TOKENS

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["Facts", "facts_of"]

_SECONDS = 0.5
"""For the sums, of which there may be exponentially many."""

_known: WeakKeyDictionary[Engine, Facts] = WeakKeyDictionary()


def facts_of(engine: Engine) -> Facts:
    """The facts about a net; computed once for an engine."""
    facts = _known.get(engine)
    if facts is None:
        facts = _known[engine] = _Closure(engine).facts()
    return facts


@dataclass(frozen=True)
class Facts:
    """True of every reachable marking."""

    bounds: Mapping[str, Interval]
    """The smallest and largest count of each place; None: no largest one is known."""
    dead: frozenset[str]
    """Transitions that are never enabled (others may be dead too)."""
    ranges: Mapping[str, tuple[PlaceRange, ...]]
    """What enables each transition."""

    def fireable(self, transition: str) -> bool | None:
        """Whether the transition is enabled in all (True) or none (False) of the reachable markings."""
        if transition in self.dead:
            return False
        for place, least, most in self.ranges[transition]:
            low, high = self.bounds[place]
            if low < least or (most is not None and (high is None or high > most)):
                return None
        return True

    @cached_property
    def deadlock(self) -> bool | None:
        """Whether every (True) or no (False) reachable marking is a deadlock."""
        if len(self.dead) == len(self.ranges):
            return True
        return False if any(self.fireable(name) for name in self.ranges) else None

    def simplify(self, formula: Formula) -> Formula:
        """The formula, in negation normal form, with what is known put in."""
        return simplify(formula, bounds=self.bounds, fireable=self.fireable, deadlock=self.deadlock)


class _Closure:
    """Starts from "everything may fire" and takes away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ranges = {name: admitted_ranges(engine, name) for name in engine.transitions}
        self._initial = {name: place.tokens for name, place in engine._places.items()}
        self._most = {
            name: None if most == MAX_TOKENS else most
            for name, most in zip(engine.places, engine._core.place_bounds(_SECONDS).tolist(), strict=True)
        }
        # By place: the transitions that may raise or lower it, and those that reset it.
        self._raises: dict[str, set[str]] = {name: set() for name in engine.places}
        self._lowers: dict[str, set[str]] = {name: set() for name in engine.places}
        self._resets: dict[str, set[str]] = {name: set() for name in engine.places}
        self._waits: dict[str, set[str]] = {name: set() for name in engine.places}
        for name, transition in engine._transitions.items():
            for place in transition.resets:
                self._resets[place].add(name)
            for place in {**transition.inputs, **transition.outputs}:
                if place in transition.resets:
                    continue
                delta = transition.outputs.get(place, 0) - transition.inputs.get(place, 0)
                if delta > 0:
                    self._raises[place].add(name)
                elif delta < 0:
                    self._lowers[place].add(name)
            for place, _, _ in self._ranges[name]:
                self._waits[place].add(name)
        self._changes: dict[str, list[str]] = {name: [] for name in engine.transitions}
        for kind in (self._raises, self._lowers, self._resets):
            for place, names in kind.items():
                for name in names:
                    self._changes[name].append(place)

    def facts(self) -> Facts:
        self._bounds = {place: self._range(place) for place in self._engine.places}
        dead: set[str] = set()
        pending = set(self._engine.transitions)
        while pending:
            newly = {name for name in pending if self._is_dead(name)}
            dead |= newly
            pending = set()
            touched = {place for name in newly for place in self._changes[name]}
            for name in newly:
                for place in self._changes[name]:
                    for kind in (self._raises, self._lowers, self._resets):
                        kind[place].discard(name)
            for place in touched:
                narrowed = self._range(place)
                if narrowed != self._bounds[place]:
                    self._bounds[place] = narrowed
                    pending |= self._waits[place] - dead
        return Facts(self._bounds, frozenset(dead), self._ranges)

    def _range(self, place: str) -> Interval:
        initial = self._initial[place]
        # A reset leaves what the transition puts.
        left = [self._engine._transitions[name].outputs.get(place, 0) for name in self._resets[place]]
        low = 0 if self._lowers[place] else min([initial, *left])
        high = None if self._raises[place] else max([initial, *left])
        capacity = self._engine._places[place].capacity
        for most in (capacity, self._most[place]):
            if most is not None:
                high = most if high is None else min(high, most)
        return low, high

    def _is_dead(self, name: str) -> bool:
        for place, least, most in self._ranges[name]:
            low, high = self._bounds[place]
            if (high is not None and high < least) or (most is not None and most < max(low, least)):
                return True
        return False
