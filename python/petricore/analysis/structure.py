"""Semiflows, siphons, traps, and what they prove. `Engine` has methods for most of it.

All of it looks at the arcs alone, so it is quick where a search would be endless; but the number of semiflows, and of
minimal siphons, may be exponential in the size of the net, so each takes limits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from petricore import _core
from petricore.analysis.exact_semiflows import exact_semiflows
from petricore.arguments import known_names, one_of, positive, seconds_of
from petricore.errors import LimitReached, PetriError, WeightOverflowError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from petricore.engine import Engine

__all__ = ["Commoner", "commoner", "greatest_siphon", "greatest_trap", "minimal_sets", "semiflows"]

_MOST = 2**63 - 1


def semiflows(
    engine: Engine,
    of: Literal["places", "transitions"],
    *,
    limit: int | None = None,
    timeout: float | None = None,
    sparse: bool = False,
) -> npt.NDArray[np.int64] | csr_array:
    """The semiflows of minimal support: `Engine.place_invariants` and `Engine.transition_invariants`.

    J. Martinez and M. Silva, "A simple and fast algorithm to obtain all invariants of a generalised Petri net", 1982
    (10.1007/978-3-642-68353-4_47).
    """
    one_of(of, "what semiflows are of", ("places", "transitions"))
    offsets, indices, weights, end = engine._core.semiflows(
        of == "places", positive(limit, "limit", _MOST), seconds_of(timeout)
    )
    if end == "overflow":
        return _exact(engine, of, limit, timeout, sparse=sparse)
    if end != "complete":
        bound = f"limit of {limit} rows" if end == "rows" else f"time limit of {timeout} s"
        raise LimitReached(f"the {bound} ended the search for invariants of the {of}")
    shape = (len(offsets) - 1, len(getattr(engine, of)))
    if sparse:
        try:
            from scipy.sparse import csr_array as make_sparse
        except ImportError:
            raise PetriError("sparse matrices need scipy: pip install 'petricore[sparse]'") from None
        matrix: csr_array = make_sparse((weights, indices.astype(np.int64), offsets), shape=shape)
        return matrix
    return _core.dense_rows(offsets, indices, weights, shape[1])


def _exact(
    engine: Engine,
    of: Literal["places", "transitions"],
    limit: int | None,
    timeout: float | None,
    *,
    sparse: bool,
) -> npt.NDArray[np.int64]:
    found = exact_semiflows(engine, of, positive(limit, "limit", _MOST), seconds_of(timeout))
    large = any(weight > _MOST for row in found for weight in row.values())
    if sparse:
        raise WeightOverflowError(
            f"an invariant of the {of} needs integers beyond 127 bits: ask for a dense array"
        )
    rows = np.zeros((len(found), len(getattr(engine, of))), object if large else np.int64)
    for i, row in enumerate(found):
        rows[i, list(row)] = list(row.values())
    return rows


def minimal_sets(
    engine: Engine,
    kind: Literal["siphons", "traps"],
    *,
    limit: int | None = None,
    timeout: float | None = None,
) -> list[tuple[str, ...]]:
    """The minimal siphons or traps: `Engine.siphons` and `Engine.traps`.

    As models of clauses: F. Nabli, T. Martinez, F. Fages and S. Soliman, "On enumerating minimal siphons in Petri nets
    using CLP and SAT solvers", 2016 (10.1007/s10601-015-9190-1).
    """
    one_of(kind, "the kind of minimal sets", ("siphons", "traps"))
    offsets, places, end = engine._core.minimal_sets(
        kind == "siphons", positive(limit, "limit", _MOST), seconds_of(timeout)
    )
    if end != "complete":
        bound = f"limit of {limit}" if end == "limit" else f"time limit of {timeout} s"
        raise LimitReached(f"the {bound} ended the search for minimal {kind}")
    names = [engine.places[i] for i in places.tolist()]
    ends = offsets.tolist()
    return [tuple(names[first:last]) for first, last in pairwise(ends)]


def greatest_siphon(engine: Engine, within: Iterable[str]) -> tuple[str, ...]:
    """The greatest siphon among the places named; perhaps empty.

    Raises:
        NetError: a place is unknown.
    """
    return _greatest(engine, within, siphon=True)


def greatest_trap(engine: Engine, within: Iterable[str]) -> tuple[str, ...]:
    """The greatest trap among the places named; perhaps empty.

    Raises:
        NetError: a place is unknown.
    """
    return _greatest(engine, within, siphon=False)


def _greatest(engine: Engine, within: Iterable[str], *, siphon: bool) -> tuple[str, ...]:
    indices = {engine._place_index[place] for place in known_names(within, "place", engine._place_index)}
    found = engine._core.greatest_set(siphon, np.array(sorted(indices), np.uint32))
    return tuple(engine.places[i] for i in found.tolist())


@dataclass(frozen=True, slots=True)
class Commoner:
    """What siphons and traps tell about deadlocks and liveness. None: they do not tell; `reason` says why."""

    holds: bool | None
    """Does every siphon with an output transition hold a trap that is marked initially? None: out of time."""
    deadlock_free: bool | None
    """Is some transition enabled in every reachable marking?"""
    live: bool | None
    """Can every transition always become able to fire again?"""
    siphon: tuple[str, ...] | None
    """A minimal siphon without such a trap, if there is one."""
    reason: str


def commoner(engine: Engine, *, timeout: float | None = None) -> Commoner:
    """Check whether every siphon holds a marked trap, and conclude what that proves here.

    The places that are empty in a deadlock are a siphon, if all arcs into transitions have the weight 1 and nothing
    else can disable one; so if each siphon holds a trap that is marked, there is no deadlock. A live net of asymmetric
    choice is implied too, and for extended free choice nets the condition is equivalent to liveness (Commoner's
    theorem: M. H. T. Hack, "Analysis of production schemata by Petri nets", 1972; J. Desel and J. Esparza, "Free choice
    Petri nets", 1995, 10.1017/CBO9780511526558).

    Deciding it is co-NP-complete; it is searched for with a clause solver, without listing siphons.

    Raises:
        NetError: `timeout` is not a number of seconds.
    """
    known, found = engine._core.uncontrolled_siphon(seconds_of(timeout))
    if not known:
        return Commoner(None, None, None, None, f"the time limit of {timeout} s ended the search for siphons")
    siphon = None if found is None else tuple(engine.places[i] for i in found.tolist())
    holds = siphon is None
    classes = engine.classification
    if not engine.transitions:
        return Commoner(holds, False, True, siphon, "there are no transitions")
    if not holds:
        empty = f"the siphon {', '.join(siphon or ())} holds no marked trap"
        if classes.extended_free_choice:
            return Commoner(False, None, False, siphon, f"{empty}, in a net of (extended) free choice")
        return Commoner(False, None, None, siphon, f"{empty}; that decides nothing beyond free choice")
    every = "every siphon holds a marked trap"
    if not _is_disabled_by_empty_places_only(engine):
        reason = f"{every}; but weights, inhibitors or capacities can disable transitions all the same"
        return Commoner(True, None, None, None, reason)
    if classes.asymmetric_choice:
        return Commoner(True, True, True, None, f"{every}, in a net of asymmetric choice")
    return Commoner(True, True, None, None, f"{every}, so that some transition is always enabled")


def _is_disabled_by_empty_places_only(engine: Engine) -> bool:
    return not any(place.capacity is not None for place in engine._places.values()) and not any(
        t.inhibitors or any(weight > 1 for weight in (*t.inputs.values(), *t.reads.values()))
        for t in engine._transitions.values()
    )
