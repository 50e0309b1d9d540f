"""Liveness, home markings and reversibility, from the strongly connected components of a complete state space.

From every marking some terminal component is reached (one that no edge leaves), and then only its markings. So a
transition is live if and only if every terminal component fires it: one pass of Tarjan's algorithm (1972,
10.1137/0201010) answers for all transitions. All arc kinds are those of the space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from petricore.analysis.ctl import METHOD, Labelling, OutOfTimeError, graph_for, labelled
from petricore.analysis.portfolio import Budget
from petricore.analysis.searching import why_partial
from petricore.analysis.space import StateSpace
from petricore.analysis.verdict import Verdict
from petricore.errors import NetError

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["Terminals", "home_states", "is_reversible", "live_search", "live_transitions", "terminals"]

_NONE = 2**32 - 1


class Terminals(NamedTuple):
    """The components of a complete state space."""

    component: npt.NDArray[np.uint32]
    """(N,) the number of each marking's component; edges lead to the same or a lower one."""
    terminal: npt.NDArray[np.bool_]
    """(components,) whether no edge leaves it."""
    stuck_at: npt.NDArray[np.int64]
    """(T,) a marking from which the transition can never fire again, -1 if it is live."""


def terminals(space: StateSpace) -> Terminals:
    """The components of a space. Costs O(N + E).

    Raises:
        NetError: the space is partial or reduced: what lies beyond could change everything.
    """
    _require_complete(space)
    return _of(labelled(space), space._engine)


def live_transitions(space: StateSpace) -> npt.NDArray[np.bool_]:
    """Which transitions can fire again from every reachable marking, bool (T,).

    Raises:
        NetError: the space is partial or reduced.
    """
    return terminals(space).stuck_at < 0


def home_states(space: StateSpace) -> npt.NDArray[np.uint32]:
    """The markings that can be reached from every reachable marking, ascending; there may be none.

    Raises:
        NetError: the space is partial or reduced.
    """
    found = terminals(space)
    last = np.flatnonzero(found.terminal)
    if len(last) != 1:
        return np.empty(0, np.uint32)
    return np.flatnonzero(found.component == last[0]).astype(np.uint32)


def is_reversible(space: StateSpace) -> bool:
    """Whether the initial marking can be reached again from every reachable marking.

    Raises:
        NetError: the space is partial or reduced.
    """
    return len(terminals(space).terminal) == 1


def live_search(engine: Engine, names: tuple[str, ...], budget: Budget) -> Verdict:
    """Whether all the transitions named are live. The witness leads to a marking after which one never fires again."""
    space = graph_for(engine, budget)
    method, size = METHOD, len(space)
    if space.end != "complete":
        return Verdict(None, None, why_partial(engine, space), method, size)
    try:
        found = _of(Labelling(engine, space, budget.deadline), engine)
    except OutOfTimeError:
        return Verdict(None, None, f"the time limit was reached with {size:,} states", method, size)
    for name in names:
        at = int(found.stuck_at[engine._transition_index[name]])
        if at >= 0:
            witness = tuple(engine.transitions[t] for t in space.path(at))
            reason = f"{name!r} can never fire again after {len(witness)} firings"
            return Verdict(False, witness, reason, method, size)
    return Verdict(True, None, f"each can fire again from all of the {size:,} markings", method, size)


def _of(labelling: Labelling, engine: Engine) -> Terminals:
    if labelling.is_reversible():
        # One component, seen with a fraction of the work: what fires at all is live.
        fired = np.bincount(labelling.transitions, minlength=len(engine.transitions)) > 0
        component = np.zeros(labelling.graph.states, np.uint32)
        return Terminals(component, np.ones(1, np.bool_), np.where(fired, -1, 0))
    found = labelling.graph.components(labelling.transitions, len(engine.transitions), labelling.seconds)
    if found is None:
        raise OutOfTimeError
    component, terminal, stuck_at = found
    stuck = stuck_at.astype(np.int64)
    stuck[stuck == _NONE] = -1
    return Terminals(component, terminal.astype(np.bool_), stuck)


def _require_complete(space: StateSpace) -> None:
    if not isinstance(space, StateSpace):
        raise NetError(f"a StateSpace is needed, not {space!r}")
    if not space.complete:
        raise NetError(f"the state space is partial: {space.reason}")
