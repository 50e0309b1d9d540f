"""The markings that a timed net reaches, and how fast or how likely each firing is."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from petricore import _core
from petricore.analysis.limits import MOST_STATES, memory_of
from petricore.arguments import positive
from petricore.errors import LimitReached, NetError
from petricore.timing import INFINITE_SERVERS, MassAction, core_names

if TYPE_CHECKING:
    from petricore.engine import Engine
    from petricore.net import Transition

__all__ = ["TimedGraph", "marking_text", "timed_graph"]

_Markings = npt.NDArray[np.int32]

_MOST_CELLS = 1 << 22  # of the arrays (markings, transitions) that one step of the search makes
_BYTES_PER_KEY = 150  # a dictionary's entry, the bytes object and the number, without the counts
_BYTES_PER_EDGE = 28


class TimedGraph(NamedTuple):
    """Markings that are reached with a positive probability, and all firings in them; 0 is the initial one.

    Where immediate transitions are enabled (the marking is *vanishing*) only those of the highest priority fire.
    """

    markings: _Markings
    """(N, P)."""
    vanishing: npt.NDArray[np.bool_]
    """(N,)."""
    source: npt.NDArray[np.int64]
    """(E,)."""
    target: npt.NDArray[np.int64]
    """(E,)."""
    transition: npt.NDArray[np.int32]
    """(E,)."""
    value: npt.NDArray[np.float64]
    """(E,): a rate, or a probability where the source is vanishing; above 0."""


def timed_graph(engine: Engine, limit: int | None, memory: int | None) -> TimedGraph:
    """Explore breadth first.

    Args:
        engine: all its transitions are exponential or immediate.
        limit: at most that many markings (None: 2^32 - 2).
        memory: at most about that many bytes (None: 80 % of what is available now).

    Raises:
        NetError: a transition has a delay that is not exponential; a rate is negative, infinite or no number; an
            argument is out of range.
        LimitReached: there are more markings than the limits allow.
        TokenOverflowError: a place would exceed 2^31 - 1 tokens.
    """
    transitions = list(engine._transitions.values())
    for transition in transitions:
        if transition.delay is not None:
            raise NetError(
                f"transition {transition.name!r} takes {transition.delay!r}, which is not exponential: "
                "such a net is simulated, it has no exact Markov chain"
            )
    laws = _Laws(engine)
    if all(t.weight is None and not isinstance(t.rate, str) for t in transitions):
        return _by_state_space(engine, laws, limit, memory)
    return _Search(engine, laws, limit, memory).run()


class _Laws:
    """Rates of transitions at many markings in which they are enabled."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._transitions = list(engine._transitions.values())
        self._expressions = {t: self._compiled(one) for t, one in enumerate(self._transitions)}

    def _compiled(self, transition: Transition) -> _core.Expression | None:
        if not isinstance(transition.rate, str) or transition.weight is not None:
            return None
        try:
            return _core.Expression(transition.rate, core_names(self._engine.places))
        except _core.ExpressionError as error:
            raise NetError(
                f"the rate of transition {transition.name!r}: {error} "
                f"(at character {error.position} of {error.text!r})"
            ) from None

    def rates(self, t: int, rows: _Markings) -> npt.NDArray[np.float64]:
        """Of transition t at markings (B, P) that enable it; (B,)."""
        one = self._transitions[t]
        expression = self._expressions[t]
        if expression is not None:
            rates = expression.evaluate(np.ascontiguousarray(rows))
            wrong = ~(np.isfinite(rates) & (rates >= 0))
            if wrong.any():
                first = int(np.argmax(wrong))
                raise NetError(
                    f"transition {one.name!r} has the rate {rates[first]} at {marking_text(self._engine, rows[first])}"
                )
            return rates
        if isinstance(one.rate, MassAction):
            rates = np.full(len(rows), one.rate.k)
            for place, weight in one.inputs.items():
                tokens = rows[:, self._engine._place_index[place]].astype(np.float64)
                ways = tokens
                for i in range(1, weight):
                    ways = ways * (tokens - i) / (i + 1)
                rates *= ways
            return rates
        assert not isinstance(one.rate, str)
        if one.servers == 1:
            return np.full(len(rows), one.rate)
        degree = np.empty(len(rows), np.int32)
        block = max(1, _MOST_CELLS // max(1, len(self._transitions)))
        for first in range(0, len(rows), block):
            degree[first : first + block] = self._engine.enabling_degree(rows[first : first + block])[:, t]
        busy = np.minimum(degree, one.servers)
        if (busy >= INFINITE_SERVERS).any():
            raise NetError(
                f"transition {one.name!r} has infinitely many servers and nothing that bounds how many are busy"
            )
        return one.rate * busy.astype(np.float64)


def _by_state_space(engine: Engine, laws: _Laws, limit: int | None, memory: int | None) -> TimedGraph:
    """Every enabled transition fires at a positive rate, so that all reachable markings count."""
    space = engine.state_space(limit, memory, edges=True)
    if not space.complete:
        raise LimitReached(f"the Markov chain is not complete: {space.reason}")
    edges = space.edges
    size = 4 * len(space) * len(engine.places) + _BYTES_PER_EDGE * len(edges.targets)
    if size > memory_of(memory):
        raise LimitReached(
            f"the memory limit was reached: a Markov chain of {len(space):,} markings and {len(edges.targets):,} "
            "firings does not fit"
        )
    markings = space.markings()
    source = np.repeat(np.arange(len(space)), np.diff(edges.offsets))
    value = np.empty(len(source))
    by_transition = np.argsort(edges.transitions, kind="stable")
    ends = np.searchsorted(edges.transitions[by_transition], np.arange(len(engine.transitions) + 1))
    for t, (first, last) in enumerate(pairwise(ends)):
        here = by_transition[first:last]
        if len(here):
            value[here] = laws.rates(t, markings[source[here]])
    return TimedGraph(
        markings,
        np.zeros(len(space), np.bool_),
        source,
        edges.targets.astype(np.int64),
        edges.transitions,
        value,
    )


class _Search:
    """Breadth first, a whole level at a time, by the rules of timing: they can make an unbounded net bounded."""

    def __init__(self, engine: Engine, laws: _Laws, limit: int | None, memory: int | None) -> None:
        self._engine = engine
        self._laws = laws
        self._limit = positive(limit, "limit", MOST_STATES)
        self._bytes = memory_of(memory)
        listed = list(engine._transitions.values())
        self._immediate = np.array([t.weight is not None for t in listed], np.bool_)
        self._weights = np.array([1.0 if t.weight is None else t.weight for t in listed])
        self._priorities = np.array([t.priority for t in listed], np.int64)
        self._index: dict[bytes, int] = {}
        self._rows: list[_Markings] = []
        self._vanishing: list[npt.NDArray[np.bool_]] = []
        self._edges: list[
            tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int, npt.NDArray[np.float64]]
        ] = []
        self._edge_count = 0

    def run(self) -> TimedGraph:
        start = self._engine.initial_marking.reshape(1, -1)
        self._numbers(start)
        level, first = start, 0
        block = max(1, _MOST_CELLS // max(1, len(self._immediate)))
        while len(level):
            self._rows.append(level)
            found: list[_Markings] = []
            for at in range(0, len(level), block):
                self._expand(level[at : at + block], first + at, found)
                self._check_limits()
            first += len(level)
            level = np.concatenate(found) if found else level[:0]
        edges = self._edges
        return TimedGraph(
            np.concatenate(self._rows),
            np.concatenate(self._vanishing),
            np.concatenate([e[0] for e in edges]) if edges else np.empty(0, np.int64),
            np.concatenate([e[1] for e in edges]) if edges else np.empty(0, np.int64),
            np.repeat(np.array([e[2] for e in edges], np.int32), [len(e[0]) for e in edges]),
            np.concatenate([e[3] for e in edges]) if edges else np.empty(0),
        )

    def _expand(self, rows: _Markings, first: int, found: list[_Markings]) -> None:
        enabled = self._engine.enabled(rows)
        at_once = enabled & self._immediate
        vanishing = np.asarray(at_once.any(axis=1))
        self._vanishing.append(vanishing)
        lowest = np.iinfo(np.int64).min
        priority = np.where(at_once, self._priorities, lowest)
        at_once &= priority == priority.max(axis=1, initial=lowest, keepdims=True)
        weights = np.where(at_once, self._weights, 0.0)
        total = weights.sum(axis=1)
        fires = np.where(vanishing[:, None], at_once, enabled & ~self._immediate)
        for t in range(fires.shape[1]):
            here = np.flatnonzero(fires[:, t])
            if not len(here):
                continue
            value = weights[here, t] / total[here] if self._immediate[t] else self._laws.rates(t, rows[here])
            if not value.all():
                here, value = here[value > 0], value[value > 0]
                if not len(here):
                    continue
            after = self._engine.fire(rows[here], self._engine.transitions[t])
            targets, new = self._numbers(after)
            if len(new):
                found.append(after[new])
            self._edges.append((first + here, targets, t, value))
            self._edge_count += len(here)

    def _numbers(self, rows: _Markings) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The numbers of markings, and at which positions those stand that were not known."""
        if rows.shape[1]:
            packed: Any = np.ascontiguousarray(rows).view(np.dtype((np.void, 4 * rows.shape[1])))
            keys: list[bytes] = packed.ravel().tolist()
        else:
            keys = [b""] * len(rows)
        index = self._index
        numbers = np.empty(len(keys), np.int64)
        new: list[int] = []
        for i, key in enumerate(keys):
            known = len(index)
            number = index.setdefault(key, known)
            numbers[i] = number
            if number == known:
                new.append(i)
        return numbers, np.array(new, np.int64)

    def _check_limits(self) -> None:
        states = len(self._index)
        if states > self._limit:
            raise LimitReached(
                f"the Markov chain is not complete: the limit of {self._limit:,} states was reached"
            )
        used = states * (_BYTES_PER_KEY + 8 * len(self._engine.places)) + _BYTES_PER_EDGE * self._edge_count
        if used > self._bytes:
            raise LimitReached(
                f"the Markov chain is not complete: the memory limit was reached with {states:,} states"
            )


def marking_text(engine: Engine, row: _Markings) -> str:
    """A marking by the places that hold tokens."""
    held = [f"{engine.places[i]}: {row[i]}" for i in np.flatnonzero(row)[:20]]
    return "the marking {" + ", ".join(held) + (", ..." if np.count_nonzero(row) > 20 else "") + "}"
