"""Firings that can be repeated forever: read off a coverability tree, then proved by the token game itself."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from petricore.errors import NotEnabledError, TokenOverflowError

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["Tree", "Witness", "fired", "needed", "proved", "witnesses"]

_TRIED = 256
"""Candidates that are replayed at most."""


@dataclass(frozen=True, slots=True)
class Witness:
    """Why places are unbounded: after `stem`, `cycle` can fire any number of times, and each time `grows` gain tokens.

    It was replayed. From the initial marking, firing stem and then cycle k times leaves at least k more tokens in each
    of `grows` than stem alone.
    """

    stem: tuple[str, ...]
    cycle: tuple[str, ...]
    grows: tuple[str, ...]


class Tree(NamedTuple):
    """`_core.coverability`'s answer: see core/include/petricore/coverability.hpp."""

    markings: npt.NDArray[np.int32]
    parents: npt.NDArray[np.int64]
    transitions: npt.NDArray[np.int32]
    maximal: npt.NDArray[np.uint8]
    pumps: npt.NDArray[np.int64]
    enabled_at: npt.NDArray[np.int64]
    end: str

    def path(self, node: int, ancestor: int = 0) -> list[int]:
        """The transitions from an ancestor to a node, pumps left out."""
        found = []
        while node != ancestor:
            found.append(int(self.transitions[node]))
            node = int(self.parents[node])
        return found[::-1]


def witnesses(engine: Engine, tree: Tree) -> tuple[Witness, ...]:
    """Repeatable firings of the net, shortest first, each place in `grows` of the first that fills it.

    Candidates are the pumps whose path from the root needs no other pump, so that it can be fired as it stands.
    """
    nodes, first = np.unique(tree.pumps[:, 0], return_index=True)
    omega = np.iinfo(np.int32).max
    plain = [
        (int(node), int(tree.pumps[at, 1]))
        for node, at in zip(nodes, first, strict=True)
        if not (tree.markings[tree.parents[node]] == omega).any()
    ]
    candidates = [
        (tree.path(ancestor), tree.path(node, ancestor)) for node, ancestor in islice(plain, 4 * _TRIED)
    ]
    candidates.sort(key=lambda pair: len(pair[0]) + len(pair[1]))
    found: dict[Witness, None] = {}
    for stem, cycle in islice(candidates, _TRIED):
        witness = proved(engine, stem, cycle)
        if witness is not None:
            found[witness] = None
    return tuple(found)


def proved(engine: Engine, stem: list[int], cycle: list[int]) -> Witness | None:
    """The witness, if the net itself fires stem and cycle, and the cycle can then be repeated forever.

    Let m be the marking after stem and m' after the cycle. If m' >= m, with equality wherever a transition of the
    cycle bounds a count from above (an inhibitor arc, a capacity that it fills), the cycle can fire at m', for all it
    needs is there again, and so on by induction: it adds the same to every place that it does not reset. Fired twice,
    it must therefore gain the same both times, which is checked too.
    """
    names = engine.transitions
    transitions = [engine._transitions[names[t]] for t in cycle]
    try:
        before = fired(engine, engine.initial_marking, stem)
        after = fired(engine, before, cycle)
        again = fired(engine, after, cycle)
    except (NotEnabledError, TokenOverflowError):
        return None
    gain = after.astype(np.int64) - before
    from_above = {place for t in transitions for place in t.inhibitors}
    from_above |= {
        place for t in transitions for place in t.outputs if engine._places[place].capacity is not None
    }
    reset = {place for t in transitions for place in t.resets}
    if (gain < 0).any() or any(gain[engine._place_index[place]] for place in from_above):
        return None
    grows = tuple(p for p, n in zip(engine.places, gain, strict=True) if n > 0 and p not in reset)
    second = again.astype(np.int64) - after
    if not grows or any(second[engine._place_index[p]] != gain[engine._place_index[p]] for p in grows):
        return None
    return Witness(tuple(names[t] for t in stem), tuple(names[t] for t in cycle), grows)


def needed(engine: Engine, transitions: list[int]) -> npt.NDArray[np.int64]:
    """The least counts, (P,), from which the transitions, by index, can fire one after the other.

    Inhibitor and reset arcs and capacities are left out of account.
    """
    wanted = np.zeros(len(engine.places), np.int64)
    for t in reversed(transitions):
        transition = engine._transitions[engine.transitions[t]]
        for place, weight in transition.outputs.items():
            wanted[engine._place_index[place]] -= weight
        np.maximum(wanted, 0, out=wanted)
        for place, weight in transition.inputs.items():
            wanted[engine._place_index[place]] += weight
        for place, weight in transition.reads.items():
            p = engine._place_index[place]
            wanted[p] = max(wanted[p], weight)
    return wanted


def fired(engine: Engine, marking: npt.NDArray[np.int32], transitions: list[int]) -> npt.NDArray[np.int32]:
    """The marking after some transitions, by index. Raises `NotEnabledError` and `TokenOverflowError`."""
    state = engine.state(marking)
    for t in transitions:
        state.fire(t)
    return np.array(state.marking)
