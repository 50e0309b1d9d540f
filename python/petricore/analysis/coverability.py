"""`Coverability`: which markings a net can cover, which places can grow without bound.

The minimal coverability set is computed by Karp and Miller's tree (10.1016/S0022-0000(69)80011-5), walked depth first
over an antichain as by Valmari and Hansen, "Old and new algorithms for minimal coverability sets", Fundam. Inform. 131,
2014 (10.3233/FI-2014-1002).

Arc kinds: weighted and read arcs are treated exactly. A place with a capacity is bounded, so it is treated as a part of
a finite control (its count is compared by equality), which is as exact as the complementary place of the textbooks;
inhibitor and reset arcs on places that are found bounded are exact in the same way. With inhibitor or reset arcs on
places that are not, boundedness is undecidable (Dufourd, Finkel, Schnoebelen, "Reset nets between decidability and
undecidability", ICALP 1998, 10.1007/BFb0055044); those arcs are then ignored, which covers more than the net does:
`Coverability.exact` is False, bounds still hold, and places count as unbounded only with a witness that replays.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from petricore import _core
from petricore.analysis.limits import memory_of
from petricore.analysis.progress import reporter
from petricore.analysis.pumping import Tree, Witness, needed, proved, witnesses
from petricore.analysis.unrolling import unrolled
from petricore.arguments import known, positive, seconds_of
from petricore.arrays import as_counts

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["OMEGA", "Coverability", "Witness", "coverability"]

OMEGA = np.iinfo(np.int64).max
"""In `Coverability.markings` and `.bounds`: any number of tokens. Greater than every count."""

_CYCLES_TRIED = 64
_MAX_TOKENS = np.iinfo(np.int32).max


class Coverability:
    """What `Engine.coverability` found.

    A tree that is not `complete` (`reason` says what ended it) or not `exact` tells less: what is said is certain all
    the same.
    """

    complete: bool
    """The computation came to its natural end."""
    exact: bool
    """No inhibitor or reset arc was ignored; otherwise the markings cover all that is reachable, and maybe more."""
    reason: str
    places: tuple[str, ...]
    bounds: npt.NDArray[np.int64]
    """(P,), read-only: no reachable marking holds more. `OMEGA` where no bound is known, or none exists."""
    unbounded_places: tuple[str, ...]
    """Places that certainly grow beyond every count."""
    dead_transitions: tuple[str, ...]
    """Transitions that certainly can never fire; all of them, if `complete` and `exact`."""
    witnesses: tuple[Witness, ...]
    """Firings that can be repeated forever and fill places, the shortest first; some, not all."""
    nodes: int
    """Markings expanded."""

    def __init__(self, engine: Engine, tree: Tree, control: npt.NDArray[np.uint8], *, exact: bool) -> None:
        self._engine = engine
        self._tree = tree
        self._control = control
        self._rows = tree.markings if tree.maximal.all() else tree.markings[tree.maximal != 0]
        places = len(engine.places)
        self.complete = tree.end == "complete"
        self.exact = exact
        self.reason = _REASONS[tree.end]
        full = np.flatnonzero(engine.initial_marking == _MAX_TOKENS)
        if len(full):
            place = engine.places[full[0]]
            self.reason = f"place {place!r} starts with {_MAX_TOKENS} tokens, the count that is omega here"
        if not exact:
            self.reason += "; inhibitor or reset arcs on places without a known bound were ignored"
        self.places = engine.places
        self.nodes = len(tree.parents)
        self.witnesses = witnesses(engine, tree)
        most = self._rows.max(axis=0) if len(self._rows) else np.zeros(places, np.int32)
        grows = most == _MAX_TOKENS if exact else np.zeros(places, np.bool_)
        for witness in self.witnesses:
            grows[[engine._place_index[place] for place in witness.grows]] = True
        self.unbounded_places = tuple(engine.places[p] for p in np.flatnonzero(grows))
        self.bounds = np.full(places, OMEGA)
        if self.complete:
            known = most != _MAX_TOKENS
            self.bounds[known] = most[known]
        self.bounds.setflags(write=False)
        dead = np.flatnonzero(tree.enabled_at < 0) if self.complete else ()
        self.dead_transitions = tuple(engine.transitions[t] for t in dead)

    @cached_property
    def markings(self) -> npt.NDArray[np.int64]:
        """The minimal coverability set, (K, P), read-only, `OMEGA` for unbounded counts.

        Each reachable marking is below one of these (if `complete`), and below each of these, with any counts for its
        omegas, there is something that a reachable marking covers (if `exact`). Not `complete`: what was met so far.
        """
        markings = self._rows.astype(np.int64)
        markings[markings == _MAX_TOKENS] = OMEGA
        markings.setflags(write=False)
        return markings

    @property
    def bounded(self) -> bool | None:
        """Whether every place is bounded; None if that is not known."""
        if self.unbounded_places:
            return False
        return None if (self.bounds == OMEGA).any() else True

    def covers(self, marking: npt.ArrayLike) -> bool | None:
        """Whether a reachable marking holds at least `marking`, (P,) counts, in every place; None if not known.

        Raises:
            NetError: `marking` has another shape or dtype, or a count outside 0 .. 2^31 - 1.
        """
        wanted = as_counts(marking, len(self.places), "marking", "place")
        if bool((wanted <= self._rows).all(axis=1).any()):
            return True if self.exact else None
        return False if self.complete else None

    def path(self, marking: npt.ArrayLike) -> tuple[str, ...] | None:
        """Transitions that lead to a reachable marking that holds at least `marking`, (P,) counts, in every place.

        None if no such marking is known, or the path found is longer than a million firings.

        Raises:
            NetError: `marking` has another shape or dtype, or a count outside 0 .. 2^31 - 1.
        """
        wanted = as_counts(marking, len(self.places), "marking", "place")
        nodes = np.flatnonzero((wanted <= self._tree.markings).all(axis=1))
        return self._path_to(nodes, wanted.astype(np.int64))

    def path_enabling(self, transition: str | int) -> tuple[str, ...] | None:
        """Transitions that lead to a marking at which `transition` is enabled; None as for `path`.

        Raises:
            NetError: there is no such transition.
        """
        t = self._engine._index_of(transition)
        wanted = np.zeros(len(self.places), np.int64)
        arcs = self._engine._transitions[self._engine.transitions[t]]
        for place, weight in (*arcs.inputs.items(), *arcs.reads.items()):
            p = self._engine._place_index[place]
            wanted[p] = max(wanted[p], weight)
        node = int(self._tree.enabled_at[t])
        return None if node < 0 else self._path_to(np.array([node]), wanted)

    def _path_to(self, nodes: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> tuple[str, ...] | None:
        if not self.exact or not len(nodes):
            return None
        omegas = np.count_nonzero(self._tree.markings[nodes] == _MAX_TOKENS, axis=1)
        return unrolled(self._engine, self._tree, self._control, int(nodes[omegas.argmin()]), wanted)

    def witness(self, place: str) -> Witness | None:
        """Firings that can be repeated forever and fill `place`; None if none was found.

        A place can be unbounded without a single cycle that fills it: when what one cycle gathers, another converts.
        `path` finds firings that fill it to any count.

        Raises:
            NetError: there is no such place.
        """
        known(place, "place", self.places)
        for witness in self.witnesses:
            if place in witness.grows:
                return witness
        return self._witness_after_pumps(self.places.index(place)) if place in self.unbounded_places else None

    def _witness_after_pumps(self, place: int) -> Witness | None:
        """A cycle that needs other pumps before it, but none within."""
        if not self.exact:
            return None
        tree = self._tree
        for node, ancestor in tree.pumps[tree.markings[tree.pumps[:, 0], place] == _MAX_TOKENS][
            :_CYCLES_TRIED
        ]:
            cycle = tree.path(int(node), int(ancestor))
            wanted = needed(self._engine, cycle)
            if (wanted > tree.markings[ancestor]).any():
                continue
            stem = unrolled(self._engine, tree, self._control, int(ancestor), wanted)
            if stem is None:
                continue
            witness = proved(self._engine, [self._engine._transition_index[t] for t in stem], cycle)
            if witness is not None and self.places[place] in witness.grows:
                return witness
        return None

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        state = {True: "bounded", False: "unbounded", None: "boundedness unknown"}[self.bounded]
        return f"<Coverability of {self._engine.name!r}: {len(self):,} markings, {state}; {self.reason}>"


def coverability(
    engine: Engine,
    *,
    limit: int | None = None,
    memory: int | None = None,
    timeout: float | None = None,
    progress: Callable[[int], object] | bool | None = None,
) -> Coverability:
    """See `Engine.coverability`."""
    nodes = positive(limit, "limit", 2**62)
    most_bytes = memory_of(memory)
    end = time.monotonic() + seconds_of(timeout)
    control = np.array([place.capacity is not None for place in engine._places.values()], np.uint8)
    restricted = _restricted_places(engine)
    with reporter(progress, "markings") as report:
        while True:
            seconds = max(0.0, end - time.monotonic())
            tree = Tree(*_core.coverability(engine._core, control, nodes, most_bytes, seconds, report))
            bounded = ~(tree.markings == _MAX_TOKENS).any(axis=0)
            more = restricted & bounded & (control == 0)
            if tree.end != "complete" or not more.any():
                break
            # A bound that holds while inhibitor and reset arcs are ignored holds with them: these can be obeyed.
            control = (control | more).astype(np.uint8)
    return Coverability(engine, tree, control, exact=not (restricted & (control == 0)).any())


def _restricted_places(engine: Engine) -> npt.NDArray[np.bool_]:
    """Places with an inhibitor or reset arc."""
    found = np.zeros(len(engine.places), np.bool_)
    for transition in engine._transitions.values():
        for place in (*transition.inhibitors, *transition.resets):
            found[engine._place_index[place]] = True
    return found


_REASONS = {
    "complete": "all coverable markings are known",
    "limit": "the limit on markings was reached",
    "memory": "the memory limit was reached",
    "timeout": "the time was over",
    "overflow": f"a place that is not unbounded would hold more than {_MAX_TOKENS - 1} tokens",
}
