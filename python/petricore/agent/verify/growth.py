"""Places that grow without bound: a run that comes back to where it was with more.

R. M. Karp, R. E. Miller, Parallel program schemata, JCSS 3, 1969, doi:10.1016/S0022-0000(69)80011-5: if a run
leads from m to m' >= m, it can be repeated for ever, and what m' has more of grows without bound. With
inhibitor and reset arcs that still holds where no step of the run inhibits or empties one of the places that
grow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from petricore.agent.verify.exploration import Graph, Mask

__all__ = ["Pump", "growing"]

_LOOKED_AT = 400  # paths; a net that grows without bound has pumps on most long ones
_COMPARED = 200_000_000  # counts, over all paths


@dataclass(frozen=True, slots=True)
class Pump:
    """Firing `before`, then `cycle` any number of times, lets `places` grow."""

    before: tuple[str, ...]
    cycle: tuple[str, ...]
    places: tuple[str, ...]
    exact: bool
    """Whether it takes exact steps only."""


def growing(graph: Graph, exact: Mask, counted: Iterable[str]) -> Pump | None:
    """A pump of one of the places `counted`, or None if none was found: surely none if the graph is complete.

    Looks along the shortest paths to the markings with most tokens: O(length^2 x places) each, up to a fixed total.
    """
    if graph.complete:
        return None
    wanted = np.zeros(len(graph.net.places), bool)
    wanted[[graph.columns[place] for place in counted]] = True
    for edges in (exact, None):
        tree = graph.tree(edges)
        found = np.flatnonzero(tree >= -1)
        totals = graph.markings[found][:, wanted].sum(axis=1)
        compared = 0
        for marking in found[np.argsort(-totals, kind="stable")[:_LOOKED_AT]].tolist():
            if compared > _COMPARED:
                break
            compared += len(graph.path(marking, tree)) ** 2 * len(wanted) // 2
            pump = _along(graph, marking, tree, wanted, exact=edges is not None)
            if pump is not None:
                return pump
    return None


def _along(graph: Graph, marking: int, tree: np.ndarray, wanted: np.ndarray, *, exact: bool) -> Pump | None:
    names = graph.path(marking, tree)
    row = [marking]
    while tree[row[-1]] >= 0:
        row.append(int(graph.sources[tree[row[-1]]]))
    markings = graph.markings[row[::-1]]
    for last in range(1, len(markings)):
        below = (markings[:last] <= markings[last]).all(axis=1)
        below &= (markings[:last] < markings[last])[:, wanted].any(axis=1)
        for first in np.flatnonzero(below)[::-1].tolist():
            grows = markings[first] < markings[last]
            places = [place for place, column in graph.columns.items() if grows[column]]
            cycle = names[first:last]
            steps = [graph.net.transitions[step] for step in cycle]
            if not any(place in one.inhibitors or place in one.resets for one in steps for place in places):
                told = tuple(place for place in places if wanted[graph.columns[place]])
                return Pump(names[:first], cycle, told, exact)
    return None
