"""`StateSpace`: the reachable markings of a net, and how they are connected."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from petricore import _core
from petricore.analysis.limits import MOST_STATES, memory_of, threads_of
from petricore.analysis.progress import reporter
from petricore.arguments import integer, one_of, positive, seconds_of
from petricore.arrays import as_counts
from petricore.errors import NetError

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["Edges", "StateSpace", "explore"]

_SECONDS_FOR_BOUNDS = 0.2  # known bounds save bits; looking for more of them soon costs more than the bits do


class Edges(NamedTuple):
    """The edges of a state space in compressed sparse rows: those of marking i are `offsets[i]:offsets[i + 1]`."""

    offsets: npt.NDArray[np.int64]
    """(N + 1,), where N is how many markings were expanded: `len(space)` in a complete space."""
    targets: npt.NDArray[np.uint32]
    """(E,) indices of markings."""
    transitions: npt.NDArray[np.int32]
    """(E,) indices of transitions."""


class StateSpace:
    """The markings reachable from the initial one, numbered in the order in which they were found; 0 is the initial.

    Made by `Engine.state_space()`. The numbers are the same for any number of threads. Markings are kept packed, so
    arrays are made when they are asked for. A partial space (`complete` is False, `reason` says why) holds only
    markings that are reachable, but not all of them: the successors of the first `expanded` ones are all in it.
    """

    def __init__(self, engine: Engine, core: _core.StateSpace, *, reduced: bool) -> None:
        self._engine = engine
        self._core = core
        self.reduced = reduced
        """Whether stubborn sets left markings out: then only the deadlocks are all there."""

    def __len__(self) -> int:
        return len(self._core)

    @property
    def complete(self) -> bool:
        """Whether every reachable marking (or, if `reduced`, every one that was to be explored) is there."""
        return self._core.end == "complete"

    @property
    def reason(self) -> str:
        """Why the space is partial; empty if it is complete."""
        reasons = {
            "complete": "",
            "states": f"the limit of {len(self):,} states was reached",
            "memory": f"the memory limit was reached with {len(self):,} states",
            "time": f"the time limit was reached with {len(self):,} states",
            "goal": f"the search ended at state {self._core.found:,}, which was looked for",
        }
        if self._core.end == "overflow":
            place = self._engine.places[self._core.overflowing_place]
            return f"place {place!r} would exceed 2^31 - 1 tokens"
        return reasons[self._core.end]

    @property
    def expanded(self) -> int:
        """How many markings had all their successors computed; breadth first, these are the first ones."""
        return self._core.expanded

    @property
    def firings(self) -> int:
        """How many pairs of an expanded marking and a transition enabled in it there are: the edges."""
        return self._core.firings

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return self._core.bytes

    @cached_property
    def edges(self) -> Edges:
        """The edges, read-only. Unless the space was made with `edges=True` they are computed when first asked for."""
        return Edges(*(_read_only(array) for array in self._core.edges()))

    def marking(self, i: int) -> npt.NDArray[np.int32]:
        """Marking i, int32 (P,), new.

        Raises:
            IndexError: unless 0 <= i < len(self).
            NetError: `i` is no integer.
        """
        i = self._checked(i)
        return np.asarray(self._core.markings(i, i + 1)[0])

    def markings(self, first: int = 0, last: int | None = None) -> npt.NDArray[np.int32]:
        """Markings first .. last - 1, int32 (last - first, P), new. `last` None: to the end.

        Raises:
            IndexError: unless 0 <= first <= last <= len(self).
            NetError: `first` or `last` is no integer.
        """
        start, stop = _number(first), len(self) if last is None else _number(last)
        if not 0 <= start <= stop <= len(self):
            raise IndexError(f"markings {start} to {stop} of a space of {len(self)}")
        return self._core.markings(start, stop)

    def index(self, m: npt.ArrayLike) -> int:
        """The number of a marking, (P,). Raises `NetError` if it is not in the space."""
        found = self._find(m)
        if found is None:
            raise NetError("the marking is not in the state space")
        return found

    def __contains__(self, m: npt.ArrayLike) -> bool:
        return self._find(m) is not None

    @cached_property
    def deadlocks(self) -> npt.NDArray[np.uint32]:
        """The expanded markings that enable no transition, ascending, (D,), read-only."""
        return self._core.deadlocks

    @cached_property
    def bounds(self) -> npt.NDArray[np.int32]:
        """The largest count of each place, (P,), read-only. Of a partial space: lower bounds."""
        return _read_only(self._bounds[0])

    @cached_property
    def most_tokens(self) -> int:
        """The largest number of tokens in one marking."""
        return self._bounds[1]

    @cached_property
    def dead_transitions(self) -> tuple[str, ...]:
        """The transitions that no marking here enables. Of a partial or reduced space: those not seen enabled."""
        seen = self._core.fireable()
        return tuple(t for t, alive in zip(self._engine.transitions, seen, strict=True) if not alive)

    def path(self, i: int) -> tuple[str, ...]:
        """Transitions that lead from the initial marking to marking i; a shortest such sequence, breadth first.

        Raises:
            IndexError: unless 0 <= i < len(self).
            NetError: `i` is no integer.
        """
        return tuple(self._engine.transitions[t] for t in self._core.path(self._checked(i)))

    def __repr__(self) -> str:
        partial = "" if self.complete else f", partial: {self.reason}"
        return (
            f"<StateSpace of {self._engine.name!r}: {len(self):,} states, {self.firings:,} firings{partial}>"
        )

    @cached_property
    def _bounds(self) -> tuple[npt.NDArray[np.int32], int]:
        return self._core.bounds()

    def _find(self, m: npt.ArrayLike) -> int | None:
        row = as_counts(m, len(self._engine.places), "marking", "place")
        found = self._engine._call(self._core.find, row)
        return None if found == 2**32 - 1 else found

    def _checked(self, i: int) -> int:
        number = _number(i)
        if not 0 <= number < len(self):
            raise IndexError(f"state {number} of a space of {len(self)}")
        return number


def explore(
    engine: Engine,
    *,
    limit: int | None = None,
    memory: int | None = None,
    threads: int | None = None,
    reduction: Literal["none", "stubborn"] = "none",
    order: Literal["breadth", "depth"] = "breadth",
    edges: bool = False,
    timeout: float | None = None,
    progress: Callable[[int], object] | bool | None = None,
) -> StateSpace:
    """See `Engine.state_space`."""
    one_of(reduction, "reduction", ("none", "stubborn"))
    one_of(order, "order", ("breadth", "depth"))
    if edges and order == "depth":
        raise NetError("edges are kept in the order of breadth-first searches: leave out order='depth'")
    reduced = reduction == "stubborn"
    most_threads = threads_of(threads)
    options: dict[str, Any] = {
        "depth_first": order == "depth",
        "reduction": "deadlock" if reduced else "none",
        "edges": edges or (reduced and order == "breadth"),
        "max_states": positive(limit, "limit", MOST_STATES),
        "max_bytes": memory_of(memory, most_threads),
        "threads": most_threads,
        "bounds": engine._core.place_bounds(min(_SECONDS_FOR_BOUNDS, seconds_of(timeout))),
        "seconds": seconds_of(timeout),
    }
    with reporter(progress, "states") as report:
        core = _core.StateSpace(engine._core, progress=report, **options)
    return StateSpace(engine, core, reduced=reduced)


def _number(i: object) -> int:
    number = integer(i)
    if number is None:
        raise NetError(f"a state is numbered, not {i!r}")
    return number


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array.setflags(write=False)
    return array
