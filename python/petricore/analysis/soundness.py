"""`Soundness`: can a workflow always finish, does it then leave nothing behind, can each of its steps happen?

Soundness of workflow nets is W. M. P. van der Aalst's: "Verification of workflow nets", ICATPN 1997, LNCS 1248
(10.1007/3-540-63139-9_48). A sound net is bounded: if it could grow from m to m' > m, what completes m would complete
m' and leave tokens over. So an unbounded net is unsound, and a bounded one is decided on its reachable markings. That
argument needs monotony, which `Coverability.exact` grants; without it, only the reachable markings decide.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from petricore.analysis.coverability import Coverability, Witness, coverability
from petricore.analysis.facts import facts_of
from petricore.analysis.space import StateSpace, explore
from petricore.arguments import known, positive, seconds_of
from petricore.errors import NetError

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["Soundness", "soundness"]

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Soundness:
    """What `Engine.soundness` found; None stands for what is not known, and `reason` says why.

    The final marking holds in the sink what the source held at first, and nothing elsewhere. All paths are names of
    transitions that fire one after the other from the initial marking.
    """

    sound: bool | None
    """A workflow net, with the option to complete, proper completion and no dead transitions."""
    reason: str
    faults: tuple[str, ...] = ()
    """Why it is no workflow net: every place and transition must be on a path from the source to the sink."""
    option_to_complete: bool | None = None
    """From every reachable marking, the sink can still get its tokens."""
    stuck: tuple[str, ...] | None = None
    """A path to a marking from which it cannot."""
    proper_completion: bool | None = None
    """Whenever the sink has its tokens, no other token is left."""
    improper: tuple[str, ...] | None = None
    """A path to a marking where the sink has its tokens, and others are left."""
    no_dead_transitions: bool | None = None
    dead_transitions: tuple[str, ...] = ()
    """Transitions that certainly never can fire."""
    bounded: bool | None = None
    unboundedness: Witness | None = None
    """Firings that fill a place beyond every count."""
    weak: bool | None = None
    """Weakly sound: the option to complete and proper completion; transitions may be dead, and there may be faults."""
    relaxed: bool | None = None
    """Relaxed sound: each transition fires on some path that ends in the final marking."""
    easy: bool | None = None
    """Easy sound: the final marking is reachable."""
    method: str = ""
    """What decided: "coverability" or "full search"."""
    states: int = 0
    """Markings visited."""

    def __bool__(self) -> bool:
        raise TypeError("soundness is True, False or None (unknown): ask for its .sound")


def soundness(
    engine: Engine,
    source: str,
    sink: str,
    *,
    limit: int | None = None,
    memory: int | None = None,
    threads: int | None = None,
    timeout: float | None = None,
    progress: Callable[[int], object] | bool | None = None,
) -> Soundness:
    """See `Engine.soundness`."""
    for place in (source, sink):
        known(place, "place", engine._place_index)
    if source == sink:
        raise NetError(f"source and sink are the same place, {source!r}")
    for value, what in ((limit, "limit"), (memory, "memory"), (threads, "threads")):
        positive(value, what, 1)
    end = time.monotonic() + seconds_of(timeout)
    engine = _started(engine, source)
    tokens = max(1, engine._places[source].tokens)
    found = Soundness(None, "", _faults(engine, source, sink))
    cover: Coverability | None = None
    if any(high is None for _, high in facts_of(engine).bounds.values()):
        half = None if timeout is None else max(0.0, end - time.monotonic()) / 2
        cover = coverability(engine, limit=limit, memory=memory, timeout=half, progress=progress)
        if cover.exact and cover.unbounded_places:
            return _concluded(_of_unbounded(engine, cover, found, sink, tokens))
    space = explore(
        engine,
        limit=limit,
        memory=memory,
        threads=threads,
        edges=True,
        timeout=None if timeout is None else max(0.0, end - time.monotonic()),
        progress=progress,
    )
    return _concluded(_of_space(engine, space, cover, found, sink, tokens))


def _started(engine: Engine, source: str) -> Engine:
    """The engine; with one token in the source if its initial marking is empty."""
    if engine.initial_marking.any():
        return engine
    net = engine.net()
    net._places[source] = replace(net._places[source], tokens=1)
    return net.compile()


def _faults(engine: Engine, source: str, sink: str) -> tuple[str, ...]:
    """What keeps the net from being a workflow net. Read arcs count as both ways, resets as taking."""
    takes: dict[str, list[str]] = {place: [] for place in engine.places}
    puts: dict[str, list[str]] = {place: [] for place in engine.places}
    faults = []
    for name, transition in engine._transitions.items():
        for place in (*transition.inputs, *transition.reads, *transition.resets):
            takes[place].append(name)
        for place in (*transition.outputs, *transition.reads):
            puts[place].append(name)
        if source in transition.outputs:
            faults.append(f"transition {name!r} puts tokens into the source {source!r}")
        if sink in transition.inputs or sink in transition.resets:
            faults.append(f"transition {name!r} takes tokens from the sink {sink!r}")
    after = _connected(engine, takes, [source], forward=True)
    before = _connected(engine, puts, [sink], forward=False)
    for kind, names in (("place", engine.places), ("transition", engine.transitions)):
        for name in names:
            if (kind, name) not in after:
                faults.append(f"no path leads from the source {source!r} to {kind} {name!r}")
            if (kind, name) not in before:
                faults.append(f"no path leads from {kind} {name!r} to the sink {sink!r}")
    return tuple(faults)


def _connected(
    engine: Engine, neighbours: dict[str, list[str]], places: list[str], *, forward: bool
) -> set[tuple[str, str]]:
    """What a path reaches from these places: along the arcs, or against them."""
    seen = {("place", place) for place in places}
    open_places = list(places)
    while open_places:
        for name in neighbours[open_places.pop()]:
            if ("transition", name) in seen:
                continue
            seen.add(("transition", name))
            transition = engine._transitions[name]
            more: Iterable[str] = transition.outputs if forward else (*transition.inputs, *transition.resets)
            for place in (*more, *transition.reads):
                if ("place", place) not in seen:
                    seen.add(("place", place))
                    open_places.append(place)
    return seen


def _of_unbounded(engine: Engine, cover: Coverability, found: Soundness, sink: str, tokens: int) -> Soundness:
    """An unbounded net lacks the option to complete, or proper completion: which, coverability may tell."""
    at = engine._place_index[sink]
    proper: bool | None = None
    improper = None
    # Improper completion is a marking above sink * tokens plus one more token anywhere.
    least = np.zeros(len(engine.places), np.int32)
    for place in range(len(engine.places)):
        least[:] = 0
        least[at] = tokens
        least[place] += 1
        covered = cover.covers(least)
        if covered:
            proper = False
            improper = cover.path(least)
            break
        if covered is None:
            break
    else:
        proper = True
    # A marking from which the sink cannot be reached need not show in a coverability set.
    complete = False if proper else None
    if cover.complete and (cover.bounds[at] < tokens):
        complete = False
    return replace(
        found,
        option_to_complete=complete,
        stuck=() if cover.complete and cover.bounds[at] < tokens else None,
        proper_completion=proper,
        improper=improper,
        no_dead_transitions=False if cover.dead_transitions else (True if cover.complete else None),
        dead_transitions=cover.dead_transitions,
        bounded=False,
        unboundedness=cover.witnesses[0] if cover.witnesses else None,
        sound=False,
        weak=False,
        method="coverability",
        states=cover.nodes,
        reason=f"{_names(cover.unbounded_places)} can grow without bound, so tokens can be left over or never finish",
    )


def _of_space(
    engine: Engine, space: StateSpace, cover: Coverability | None, found: Soundness, sink: str, tokens: int
) -> Soundness:
    """What the markings explored say; of a partial space, only what the missing ones cannot change."""
    size, whole = len(space), space.complete
    done, final = _completions(space, engine._place_index[sink], tokens)
    offsets, targets, labels = space.edges
    sources = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    unknown = np.arange(size) >= space.expanded
    back = _Backwards(size, sources, targets)
    hopeful = back.closure(done | unknown)
    finishing = back.closure(final)
    stuck = np.flatnonzero(~hopeful)
    improper = np.flatnonzero(done & ~final)
    dead = space.dead_transitions if whole else (cover.dead_transitions if cover is not None else ())
    unseen = space.dead_transitions
    on_the_way = np.zeros(len(engine.transitions), np.bool_)
    on_the_way[labels[finishing[targets]]] = True
    relaxed = bool(on_the_way.all())
    easy = bool(finishing[0])
    option = False if len(stuck) else (True if whole else None)
    proper = False if len(improper) else (True if whole else None)
    return replace(
        found,
        option_to_complete=option,
        stuck=space.path(int(stuck[0])) if len(stuck) else None,
        proper_completion=proper,
        improper=space.path(int(improper[0])) if len(improper) else None,
        no_dead_transitions=False if dead else (True if not unseen else None),
        dead_transitions=dead,
        bounded=True if whole else (cover.bounded if cover is not None else True),
        unboundedness=cover.witnesses[0] if cover is not None and cover.witnesses else None,
        weak=_all(option, proper),
        relaxed=True if relaxed else (False if whole else None),
        easy=True if easy else (False if whole else None),
        method="full search",
        states=size,
        reason=space.reason,
    )


def _completions(
    space: StateSpace, sink: int, tokens: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """For each marking: does the sink have its tokens; is it the final marking?"""
    done = np.zeros(len(space), np.bool_)
    final = np.zeros(len(space), np.bool_)
    for first in range(0, len(space), _CHUNK):
        last = min(first + _CHUNK, len(space))
        rows = space.markings(first, last)
        done[first:last] = rows[:, sink] >= tokens
        final[first:last] = (rows[:, sink] == tokens) & (np.count_nonzero(rows, axis=1) == 1)
    return done, final


class _Backwards:
    """The edges of a state space, against their direction."""

    def __init__(self, size: int, sources: npt.NDArray[np.int64], targets: npt.NDArray[np.uint32]) -> None:
        order = np.argsort(targets, kind="stable")
        self._sources = sources[order]
        self._offsets = np.concatenate(([0], np.cumsum(np.bincount(targets, minlength=size))))

    def closure(self, goals: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """The markings from which a goal can be reached."""
        reached = goals.copy()
        frontier = np.flatnonzero(goals)
        while len(frontier):
            starts, lengths = self._offsets[frontier], np.diff(self._offsets)[frontier]
            within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            before = self._sources[np.repeat(starts, lengths) + within]
            frontier = np.unique(before[~reached[before]])
            reached[frontier] = True
        return reached


def _all(*parts: bool | None) -> bool | None:
    if any(part is False for part in parts):
        return False
    return None if any(part is None for part in parts) else True


def _names(names: tuple[str, ...]) -> str:
    shown = ", ".join(map(repr, names[:5]))
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _concluded(found: Soundness) -> Soundness:
    sound = _all(
        not found.faults, found.option_to_complete, found.proper_completion, found.no_dead_transitions
    )
    if found.sound is False:
        sound = False
    reasons = []
    if found.faults:
        reasons.append(f"it is no workflow net: {found.faults[0]}")
    if found.stuck is not None:
        reasons.append(f"after {_firings(found.stuck)} the sink cannot be reached")
    if found.improper is not None:
        reasons.append(f"after {_firings(found.improper)} the sink is reached with tokens left over")
    if found.dead_transitions:
        reasons.append(f"{_names(found.dead_transitions)} can never fire")
    if found.reason:
        reasons.append(found.reason)
    if sound:
        reasons.append(f"each of {found.states:,} reachable markings can complete, and does so properly")
    return replace(found, sound=sound, reason="; ".join(reasons))


def _firings(path: tuple[str, ...]) -> str:
    if not path:
        return "no firing at all"
    return repr(path[0]) if len(path) == 1 else f"{len(path)} firings ({path[0]!r} ... {path[-1]!r})"
