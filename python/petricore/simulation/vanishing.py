"""Vanishing markings, which are left in no time, are taken out of a timed graph: exactly, loops among them included.

M. Ajmone Marsan, G. Conte, G. Balbo: A class of generalized stochastic Petri nets for the performance evaluation of
multiprocessor systems, ACM TOCS 2(2), 1984, doi:10.1145/190.191.

With P the probabilities among the markings to be taken out, D = (I - P within each strongly connected part)^-1 and
L = P between the parts, (I - P)^-1 = (I + A + A^2 + ...) D where A = D L. The parts form no loop, so some power of A is
zero, and squaring finds the sum. No step subtracts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from petricore.errors import LimitReached, NetError
from petricore.simulation.elimination import solve_open
from petricore.simulation.timed_graph import TimedGraph, marking_text

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["Tangible"]

_LARGEST_LOOP = 3000  # markings of one strongly connected part: it is solved by a dense matrix


class Tangible:
    """The chain over the markings kept, numbered anew in their order."""

    def __init__(self, engine: Engine, graph: TimedGraph, kept: npt.NDArray[np.bool_]) -> None:
        """Raises `NetError` if immediate transitions fire for ever, `LimitReached` for a loop that is too large."""
        from scipy.sparse import csr_array

        self.kept = np.flatnonzero(kept)
        """(K,): which markings of the graph."""
        states, transitions = len(self.kept), len(engine.transitions)
        removed = np.flatnonzero(~kept)
        number = np.empty(len(kept), np.int64)
        number[self.kept] = np.arange(states)
        number[removed] = np.arange(len(removed))

        def block(
            rows: npt.NDArray[np.bool_], columns: npt.NDArray[np.bool_], shape: tuple[int, int]
        ) -> csr_array:
            where = rows[graph.source] & columns[graph.target]
            return csr_array(
                (graph.value[where], (number[graph.source[where]], number[graph.target[where]])), shape=shape
            )

        def firing(rows: npt.NDArray[np.bool_], count: int) -> csr_array:
            where = rows[graph.source]
            return csr_array(
                (graph.value[where], (number[graph.source[where]], graph.transition[where])),
                shape=(count, transitions),
            )

        rates = block(kept, kept, (states, states))
        firings = firing(kept, states)
        start = np.zeros(states)
        if len(removed):
            inside = block(~kept, ~kept, (len(removed), len(removed)))
            leaving = block(~kept, kept, (len(removed), states))
            entering = block(kept, ~kept, (states, len(removed)))
            within, powers = _inverse(engine, graph, removed, inside, leaving)
            ends = _apply(within, powers, leaving)
            rates = rates + entering @ ends
            firings = firings + entering @ _apply(within, powers, firing(~kept, len(removed)))
            if not kept[0]:
                start[:] = ends[[int(number[0])], :].toarray()[0]
        if kept[0]:
            start[number[0]] = 1.0
        self.start = start
        """(K,): where the chain is once no time has passed."""
        self.rates = _without_diagonal(rates)
        """CSR (K, K), without a diagonal."""
        self.firings = firings.tocsr()
        """CSR (K, T): how often each transition fires per unit of time; immediate ones follow what leads to them."""


def _without_diagonal(matrix: Any) -> Any:
    from scipy.sparse import csr_array

    coo = matrix.tocoo()
    off = coo.row != coo.col
    return csr_array((coo.data[off], (coo.row[off], coo.col[off])), shape=coo.shape)


def _apply(within: Any, powers: list[Any], right: Any) -> Any:
    """(I - P)^-1 right."""
    result = within @ right
    for power in powers:
        result = result + power @ result
    return result


def _inverse(
    engine: Engine, graph: TimedGraph, removed: npt.NDArray[np.int64], inside: Any, leaving: Any
) -> tuple[Any, list[Any]]:
    """D, and A, A^2, A^4, ... as far as they are not zero."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n = len(removed)
    parts, label = connected_components(inside, directed=True, connection="strong")
    coo = inside.tocoo()
    same = label[coo.row] == label[coo.col]
    between = csr_array((coo.data[~same], (coo.row[~same], coo.col[~same])), shape=(n, n))
    exits = leaving.sum(axis=1) + between.sum(axis=1)
    escape = np.bincount(label, weights=exits, minlength=parts)
    if (escape == 0).any():
        trap = removed[label == int(np.argmin(escape))]
        looping = np.unique(graph.transition[np.isin(graph.source, trap)])
        names = ", ".join(repr(engine.transitions[t]) for t in looping)
        raise NetError(
            f"immediate transitions fire for ever in no time from {marking_text(engine, graph.markings[trap[0]])}: "
            f"{names}"
        )
    rows, columns, data = [], [], []
    size = np.bincount(label, minlength=parts)
    # Alone in its part: left for good, but for a loop at the marking itself.
    alone = np.flatnonzero(size[label] == 1)
    rows.append(alone)
    columns.append(alone)
    data.append(1 / np.where(inside.diagonal()[alone] > 0, exits[alone], 1.0))
    inner = csr_array((coo.data[same], (coo.row[same], coo.col[same])), shape=(n, n))
    order = np.argsort(label, kind="stable")
    first = np.concatenate([[0], np.cumsum(size)])
    for part in np.flatnonzero(size > 1):
        members = order[first[part] : first[part + 1]]
        if len(members) > _LARGEST_LOOP:
            raise LimitReached(
                f"{len(members):,} vanishing markings form one loop; at most {_LARGEST_LOOP:,} are solved"
            )
        dense = inner[members, :][:, members].toarray()
        inverse = solve_open(dense, exits[members], np.eye(len(members)))
        at = np.nonzero(inverse)
        rows.append(members[at[0]])
        columns.append(members[at[1]])
        data.append(inverse[at])
    within = csr_array((np.concatenate(data), (np.concatenate(rows), np.concatenate(columns))), shape=(n, n))
    powers = []
    power = within @ between
    while power.nnz:
        powers.append(power)
        power = power @ power
        power.eliminate_zeros()
    return within, powers
