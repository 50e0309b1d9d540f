"""Traps and unfed places: what a solution of the state equation may ignore, and a firing sequence cannot.

Esparza, Melzer: Verification of safety properties using integer programming: beyond the state equation (2000),
10.1023/A:1008743212620.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["FlowGraph"]


_MOST_SHRUNK = 300
"""Larger traps are taken as they are: shrinking one costs its size times the arcs around it."""


class FlowGraph:
    """Which places transitions need, take from and put into; weights left out, dead transitions too."""

    def __init__(self, engine: Engine, alive: Iterable[bool]) -> None:
        self._marked = {name for name, place in engine._places.items() if place.tokens > 0}
        self._places = engine.places
        self._needs: dict[int, set[str]] = {}
        self._takes: dict[int, set[str]] = {}
        self._puts: dict[int, set[str]] = {}
        self._takers: dict[str, list[int]] = {place: [] for place in engine.places}
        self._putters: dict[str, list[int]] = {place: [] for place in engine.places}
        for column, (transition, lives) in enumerate(zip(engine._transitions.values(), alive, strict=True)):
            if not lives:
                continue
            self._needs[column] = {*transition.inputs, *transition.reads}
            self._takes[column] = {*transition.inputs, *transition.resets}
            self._puts[column] = set(transition.outputs)
            for place in self._takes[column]:
                self._takers[place].append(column)
            for place in self._puts[column]:
                self._putters[place].append(column)

    def marked_trap(self, empty: Collection[str]) -> frozenset[str] | None:
        """A trap among the places that holds a token initially, so that they cannot all be empty; None: there is none.

        In a trap, each transition that takes from it (inputs, resets) puts into it. It is small, not smallest.
        """
        trap = self._largest_trap(set(empty))
        if not trap & self._marked:
            return None
        for place in sorted(trap) if len(trap) <= _MOST_SHRUNK else ():
            if place in trap and len(trap) > 1:
                smaller = self._largest_trap(trap - {place})
                if smaller & self._marked:
                    trap = smaller
        return frozenset(trap)

    def _largest_trap(self, places: set[str]) -> set[str]:
        pending = list(places)
        while pending:
            place = pending.pop()
            if place not in places:
                continue
            if any(not (self._puts[column] & places) for column in self._takers[place]):
                places.discard(place)
                pending += (
                    other for t in self._putters[place] for other in self._takes[t] if other in places
                )
        return places

    def unfed(self, firings: Collection[int]) -> tuple[list[int], list[int]] | None:
        """Firings that wait for tokens which these firings never bring, and what else could bring them.

        Let U be the places that no sequence of the given transitions marks, weights aside. A sequence that fires one
        of the transitions that need U (the first list: all of them, given or not) has before it the first firing that
        marks a place of U; that one needs nothing of U and is not among those given: the second list. None: every
        given transition has what it needs.
        """
        marked = set(self._marked)
        pending = [column for column in firings if column in self._needs]
        progress = True
        while progress:
            waiting = []
            for column in pending:
                if self._needs[column] <= marked:
                    marked |= self._puts[column]
                else:
                    waiting.append(column)
            progress = len(waiting) < len(pending)
            pending = waiting
        if not pending:
            return None
        unmarked = {place for place in self._places if place not in marked}
        needing = [column for column, needs in self._needs.items() if needs & unmarked]
        feeding = [
            column
            for column, puts in self._puts.items()
            if puts & unmarked and not (self._needs[column] & unmarked)
        ]
        return needing, feeding
