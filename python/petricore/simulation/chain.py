"""`MarkovChain`: a bounded net with exponential and immediate transitions, solved exactly."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, overload

import numpy as np
import numpy.typing as npt

from petricore.errors import NetError, PetriError
from petricore.simulation.balance import long_run
from petricore.simulation.first_passage import FirstPassageTime, first_passage
from petricore.simulation.marking_formula import holds, state_formula, values
from petricore.simulation.timed_graph import timed_graph
from petricore.simulation.uniformisation import evolve
from petricore.simulation.vanishing import Tangible

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from petricore.analysis.formula import Formula
    from petricore.engine import Engine
    from petricore.simulation.timed_graph import TimedGraph

__all__ = ["MarkovChain", "markov_chain"]

_Vector = npt.NDArray[np.float64]

_ERROR = 1e-12


class MarkovChain:
    """The continuous-time Markov chain of a net over its S tangible markings.

    Made by `Engine.markov_chain()`. A marking is tangible if it enables no immediate transition; the others are left
    in no time and belong to no state. Where a method takes `at`, it is a distribution over the states, (S,), a point
    in time, or None for the long run.
    """

    def __init__(self, engine: Engine, graph: TimedGraph) -> None:
        self._engine = engine
        self._graph = graph
        self._tangible = Tangible(engine, graph, ~graph.vanishing)
        self.markings: npt.NDArray[np.int32] = graph.markings[self._tangible.kept]
        """The states, (S, P), read-only."""
        self.markings.setflags(write=False)

    def __len__(self) -> int:
        return len(self.markings)

    @property
    def vanishing(self) -> int:
        """How many markings enable immediate transitions and were taken out."""
        return int(self._graph.vanishing.sum())

    @property
    def initial(self) -> _Vector:
        """The distribution at time 0, (S,), new: one state, unless the initial marking is vanishing."""
        return self._tangible.start.copy()

    @property
    def rates(self) -> csr_array:
        """How often each transition fires per unit of time in each state: CSR (S, T).

        An immediate transition fires as often as what leads to it. Not to be written to.
        """
        return self._tangible.firings

    @cached_property
    def generator(self) -> csr_array:
        """The rates from state to state, CSR (S, S); a diagonal that makes all rows sum to 0. Not to be written to."""
        from scipy.sparse import diags_array

        rates = self._tangible.rates
        generator: csr_array = (rates - diags_array(np.asarray(rates.sum(axis=1)).ravel())).tocsr()
        return generator

    def index(self, m: npt.ArrayLike) -> int:
        """The state with the marking `m`, (P,). Raises `NetError` if there is none."""
        row, _ = self._engine._rows(m)
        found = np.flatnonzero((self.markings == row[0]).all(axis=1))
        if len(row) != 1 or not len(found):
            raise NetError("the marking is no state of the chain")
        return int(found[0])

    # Distributions

    def stationary(self) -> _Vector:
        """The distribution in the long run from the initial marking, (S,), new.

        Where the chain can end in different parts it is their mixture, by how likely each is; transient states have 0.
        Up to 600 states are solved without subtractions (Grassmann, Taksar, Heyman 1985, doi:10.1287/opre.33.5.1107):
        every entry has nearly all its digits. Others by a sparse factorisation or, from 5,000 states with many rates
        each, by iteration; there the rates in and out of all states agree to 1e-8 of their sum or better.

        Raises:
            LimitReached: that does not converge.
        """
        return self._long_run.copy()

    @cached_property
    def _long_run(self) -> _Vector:
        return long_run(self._tangible.rates, self._tangible.start)

    @overload
    def transient(self, t: float) -> _Vector: ...
    @overload
    def transient(self, t: Sequence[float] | _Vector) -> _Vector: ...
    def transient(self, t: float | Sequence[float] | _Vector) -> _Vector:
        """The distribution at time t, (S,), or at ascending times (G,): (G, S). Exact to about 1e-12.

        By uniformisation: costs a product with the generator for each of about (fastest rate * t) steps, fewer where
        the distribution comes to rest.

        Raises:
            NetError: a time is negative or no number, or times do not ascend.
        """
        times = _times(t)
        at, before = self._tangible.start, 0.0
        rows = np.empty((times.size, len(self)))
        for i, time in enumerate(times.ravel()):
            at = evolve(self._tangible.rates, at, time - before, _ERROR / times.size)
            rows[i], before = at, time
        return rows[0] if times.ndim == 0 else rows

    # What they mean

    def expectation(self, expression: str, at: float | _Vector | None = None) -> float:
        """The expected value of an expression over places such as `"a + 2*b"`.

        Raises:
            NetError: the expression cannot be read or names what is not there; `at` is none of what it may be.
        """
        found = values(self._engine, expression, self.markings)
        return _weighted(self._distribution(at), found)

    def variance(self, expression: str, at: float | _Vector | None = None) -> float:
        """The variance of an expression. Raises what `expectation` raises."""
        found = values(self._engine, expression, self.markings)
        distribution = self._distribution(at)
        return _weighted(distribution, (found - _weighted(distribution, found)) ** 2)

    def probability(self, formula: str | Formula, at: float | _Vector | None = None) -> float:
        """The probability that a formula about one marking holds, such as `"a >= 3 and not fireable(t)"`.

        Raises:
            FormulaError: it cannot be read. NetError: it is no such formula, or `at` is none of what it may be.
        """
        goal = holds(self._engine, state_formula(self._engine, "the formula", formula), self.markings)
        return float(self._distribution(at)[goal].sum())

    def throughput(self, transition: str, at: float | _Vector | None = None) -> float:
        """How often a transition fires per unit of time. Raises `NetError` for an unknown one, or a wrong `at`."""
        column = self._engine._index_of(transition)
        return _weighted(self._distribution(at), self.rates[:, [column]].toarray()[:, 0])

    def first_passage(
        self, formula: str | Formula, *, before: str | Formula | None = None
    ) -> FirstPassageTime:
        """The time until a formula first holds, in vanishing markings too, as far as `before` has not held by then.

        Raises:
            FormulaError: a formula cannot be read. NetError: it is not about one marking.
            LimitReached: a large system did not converge.
        """
        engine, graph = self._engine, self._graph
        goal = holds(engine, state_formula(engine, "the formula", formula), graph.markings)
        lost = np.zeros(len(goal), np.bool_)
        if before is not None:
            lost = holds(engine, state_formula(engine, "before", before), graph.markings) & ~goal
        return first_passage(engine, graph, goal, lost)

    def _distribution(self, at: float | _Vector | None) -> _Vector:
        if at is None:
            return self._long_run
        given = np.asarray(at)
        if given.ndim == 0:
            return self.transient(float(_times(at)))
        if given.shape != (len(self),) or not np.issubdtype(given.dtype, np.floating):
            raise NetError(
                f"a distribution has a number for each of the {len(self):,} states, not {given.dtype} {given.shape}"
            )
        return given

    def __repr__(self) -> str:
        return f"<MarkovChain of {self._engine.name!r}: {len(self):,} states, {self.vanishing:,} vanishing markings>"


def _weighted(distribution: _Vector, found: _Vector) -> float:
    """A sum that leaves out states of probability 0, where an expression may be infinite."""
    likely = distribution > 0
    return float(distribution[likely] @ found[likely])


def _times(t: object) -> _Vector:
    try:
        times = np.asarray(t, np.float64)
    except (TypeError, ValueError):
        raise NetError(f"a time is a number, not {t!r}") from None
    if times.ndim > 1 or not (np.isfinite(times) & (times >= 0)).all():
        raise NetError(f"a time is a finite number from 0, not {t!r}")
    if times.ndim and (np.diff(times) < 0).any():
        raise NetError("times ascend")
    return times


def markov_chain(engine: Engine, limit: int | None = None, memory: int | None = None) -> MarkovChain:
    """See `Engine.markov_chain`."""
    try:
        import scipy.sparse  # noqa: F401 - whether it is there
    except ImportError:
        raise PetriError("Markov chains need scipy: pip install 'petricore[analysis]'") from None
    return MarkovChain(engine, timed_graph(engine, limit, memory))
