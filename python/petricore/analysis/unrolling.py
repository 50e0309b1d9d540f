"""Firing sequences out of a coverability tree: every omega replaced by as many repetitions as are needed.

Backwards from what is wanted: before a transition, its inputs and what it does not supply are wanted; before a pump,
its path is repeated until the places that it fills had what was wanted of them. A repetition may want more of places
that were filled earlier; the pumps of those are repeated accordingly. This ends because each pump rests on earlier ones
only, but the sequence can be long: Rackoff, "The covering and boundedness problems for vector addition systems", Theor.
Comput. Sci. 6, 1978 (10.1016/0304-3975(78)90036-1), bounds it doubly exponentially.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from petricore.analysis.pumping import Tree, fired
from petricore.errors import TokenOverflowError

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["unrolled"]

_OMEGA = np.iinfo(np.int32).max
LONGEST = 1_000_000
"""Firings of a sequence at most."""


class _TooLongError(Exception):
    pass


def unrolled(
    engine: Engine, tree: Tree, control: npt.NDArray[np.uint8], node: int, wanted: npt.NDArray[np.int64]
) -> tuple[str, ...] | None:
    """Transitions that lead to a marking with the node's counts on control places and at least `wanted` elsewhere.

    None if there are more than `LONGEST` of them, or more tokens than a place can hold. It was replayed.

    REQUIRES: the tree ignores no arc, and `wanted`, (P,), is at most the node's marking.
    """
    try:
        transitions = _Unrolling(engine, tree, control).run(node, wanted)
        after = fired(engine, engine.initial_marking, transitions)
    except (_TooLongError, RecursionError, TokenOverflowError):
        return None
    elsewhere = control == 0
    assert (after >= wanted)[elsewhere].all(), "internal error: an unrolled path covers too little"
    assert (after == tree.markings[node])[~elsewhere].all(), "internal error: an unrolled path ends elsewhere"
    return tuple(engine.transitions[t] for t in transitions)


class _Unrolling:
    def __init__(self, engine: Engine, tree: Tree, control: npt.NDArray[np.uint8]) -> None:
        self._tree = tree
        self._links: list[
            list[tuple[int, int, int]]
        ] = []  # place, least, delta; of places that are no control
        for transition in engine._transitions.values():
            row = []
            for place in {*transition.inputs, *transition.outputs, *transition.reads}:
                p = engine._place_index[place]
                if control[p] == 0:
                    taken = transition.inputs.get(place, 0)
                    least = max(taken, transition.reads.get(place, 0))
                    row.append((p, least, transition.outputs.get(place, 0) - taken))
            self._links.append(row)
        self._pumps: dict[int, list[tuple[int, list[tuple[int, int]]]]] = {}
        self._backwards: list[int] = []

    def run(self, node: int, wanted: npt.NDArray[np.int64]) -> list[int]:
        self._wanted: list[int] = wanted.tolist()
        self._undo_path(node, len(self._pumps_of(node)), 0)
        return self._backwards[::-1]

    def _pumps_of(self, node: int) -> list[tuple[int, list[tuple[int, int]]]]:
        """For each pump of a node in order: its ancestor, and its places with what they hold before it."""
        if node not in self._pumps:
            first, last = np.searchsorted(self._tree.pumps[:, 0], [node, node + 1])
            pumps = []
            if first < last:
                now = self._tree.markings[self._tree.parents[node]].astype(np.int64)
                for p, _, delta in self._links[self._tree.transitions[node]]:
                    if now[p] != _OMEGA:
                        now[p] += delta
                for ancestor in self._tree.pumps[first:last, 1].tolist():
                    places = np.flatnonzero((now != _OMEGA) & (self._tree.markings[ancestor] < now))
                    pumps.append((ancestor, [(int(p), int(now[p])) for p in places]))
                    now[places] = _OMEGA
            self._pumps[node] = pumps
        return self._pumps[node]

    def _undo_path(self, node: int, pumps: int, ancestor: int) -> None:
        """Undo what leads from the ancestor to the node, of whose pumps only the first few count."""
        while True:
            for ancestor_of_pump, places in reversed(self._pumps_of(node)[:pumps]):
                pumps -= 1
                while any(self._wanted[p] > held for p, held in places):
                    self._undo_path(node, pumps, ancestor_of_pump)
            if node == ancestor:
                return
            self._undo(int(self._tree.transitions[node]))
            node = int(self._tree.parents[node])
            pumps = 0 if node == ancestor else len(self._pumps_of(node))

    def _undo(self, transition: int) -> None:
        self._backwards.append(transition)
        if len(self._backwards) > LONGEST:
            raise _TooLongError
        for p, least, delta in self._links[transition]:
            self._wanted[p] = max(least, self._wanted[p] - delta)
