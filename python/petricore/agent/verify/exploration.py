"""The markings of a view and the steps between them: the one place where `verify` meets the engine's search."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from time import monotonic

import numpy as np
import numpy.typing as npt

from petricore.agent.verify.abstraction import View
from petricore.agent.verify.rules import Step
from petricore.net import Net

__all__ = ["Budget", "Graph", "explore"]

_FIRST_LOOK = 2_000
_MOST_EDGES = 20_000_000  # they are held several times over, in 8 bytes each

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may be looked at: markings in each view, and the moment of the monotonic clock to end at."""

    limit: int
    deadline: float | None = None

    @property
    def seconds(self) -> float | None:
        """Seconds left, at least a thousandth."""
        return None if self.deadline is None else max(self.deadline - monotonic(), 0.001)


@dataclass(frozen=True)
class Graph:
    """Markings in breadth-first order and the steps between them; the first `expanded` have all their steps."""

    net: Net
    steps: tuple[Step, ...]
    """By number of the transition."""
    markings: npt.NDArray[np.int32]
    offsets: Ints
    targets: Ints
    transitions: Ints
    expanded: int
    reason: str
    """Why not all markings are here; empty if they are."""

    def __len__(self) -> int:
        return len(self.markings)

    @cached_property
    def sources(self) -> Ints:
        """The marking that each edge leaves, (E,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The transitions of the net."""
        return tuple(self.net.transitions)

    @cached_property
    def columns(self) -> dict[str, int]:
        """Place -> column of `markings`."""
        return {name: i for i, name in enumerate(self.net.places)}

    @property
    def complete(self) -> bool:
        """Whether every reachable marking is here."""
        return self.expanded == len(self)

    def edges_of(self, wanted: Iterable[bool]) -> Mask:
        """Edges (E,) whose transition is wanted; `wanted` goes by number of the transition."""
        return np.fromiter(wanted, bool, len(self.steps))[self.transitions]

    def tree(self, edges: Mask | None = None) -> Ints:
        """For each marking the edge by which breadth-first search over `edges` finds it; -1 the first, -2 not found.

        O(markings + edges).
        """
        found = np.full(len(self), -2, np.int64)
        found[0] = -1
        frontier = np.zeros(1, np.int64)
        while len(frontier):
            counts = self.offsets[frontier + 1] - self.offsets[frontier]
            starts = np.repeat(self.offsets[frontier] - np.concatenate(([0], np.cumsum(counts)[:-1])), counts)
            leaving = starts + np.arange(int(counts.sum()))
            if edges is not None:
                leaving = leaving[edges[leaving]]
            leaving = leaving[found[self.targets[leaving]] == -2]
            frontier, first = np.unique(self.targets[leaving], return_index=True)
            found[frontier] = leaving[first]
        return found

    def path(self, marking: int, tree: Ints) -> tuple[str, ...]:
        """The transitions that lead from the first marking to this one."""
        names: list[str] = []
        while tree[marking] >= 0:
            edge = int(tree[marking])
            names.append(self.names[int(self.transitions[edge])])
            marking = int(self.sources[edge])
        return tuple(reversed(names))

    def reaching(self, goals: Mask) -> Mask:
        """The markings from which a goal can be reached. O(markings + edges)."""
        order = np.argsort(self.targets, kind="stable")
        into = np.searchsorted(self.targets[order], np.arange(len(self) + 1))
        found = goals.copy()
        frontier = np.flatnonzero(goals)
        while len(frontier):
            counts = into[frontier + 1] - into[frontier]
            starts = np.repeat(into[frontier] - np.concatenate(([0], np.cumsum(counts)[:-1])), counts)
            before = np.unique(self.sources[order[starts + np.arange(int(counts.sum()))]])
            frontier = before[~found[before]]
            found[frontier] = True
        return found


def explore(view: View, budget: Budget) -> Graph:
    """All markings of the view within the budget, and no more than go with some twenty million edges."""
    engine = view.net.compile()
    space = engine.state_space(edges=True, limit=min(budget.limit, _FIRST_LOOK), timeout=budget.seconds)
    if not space.complete and len(space) < budget.limit:
        fitting = int(_MOST_EDGES * max(space.expanded, 1) / max(space.firings, 1))
        limit = min(budget.limit, max(fitting, len(space)))
        space = engine.state_space(edges=True, limit=limit, timeout=budget.seconds)
    edges = space.edges
    offsets = np.full(len(space) + 1, edges.offsets[-1], np.int64)
    offsets[: len(edges.offsets)] = edges.offsets
    return Graph(
        view.net,
        tuple(view.steps[name] for name in view.net.transitions),
        space.markings(),
        offsets,
        edges.targets.astype(np.int64),
        edges.transitions.astype(np.int64),
        len(space) if space.complete else min(space.expanded, len(space) - 1),
        space.reason,
    )
