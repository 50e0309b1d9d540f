"""`Engine`: a frozen net that answers for whole batches of markings."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from petricore import _core
from petricore.arguments import integer, one_of
from petricore.arrays import as_counts, as_output
from petricore.conflicts import Conflicts
from petricore.errors import NetError, NotEnabledError, PetriError, TokenOverflowError
from petricore.net import MAX_TOKENS, Arcs, Net, Place, Transition
from petricore.state import State
from petricore.timing import constant_rate

if TYPE_CHECKING:
    from os import PathLike

    from scipy.sparse import csc_array, csr_array

    from petricore.analysis.classification import Classification
    from petricore.analysis.coverability import Coverability
    from petricore.analysis.formula import Formula
    from petricore.analysis.soundness import Soundness
    from petricore.analysis.space import StateSpace
    from petricore.analysis.verdict import Verdict
    from petricore.simulation.chain import MarkovChain
    from petricore.simulation.observables import Observable
    from petricore.simulation.splitting import RareEvent
    from petricore.simulation.steady_state import SteadyState
    from petricore.simulation.trajectories import Trajectories

__all__ = ["Engine", "Markings"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

Markings: TypeAlias = npt.ArrayLike
"""One marking, shape (P,), or a batch, shape (B, P): integer counts from 0 to 2^31 - 1."""

_MOST_THREADS = 1024

_Matrix = Literal["pre", "post", "incidence", "reads", "inhibitors", "resets"]


class Engine:
    """A compiled net: immutable, picklable, safe to use from any number of threads.

    Made by `Net.compile()`. Column i of every array is `places[i]` or `transitions[i]`. Methods that take
    markings accept one, shape (P,), or a batch, shape (B, P), and answer in the same form. A C-contiguous
    int32 array is read in place; other integer arrays are converted. They raise `NetError` for a wrong shape,
    a dtype that is not integer, or a count outside 0 .. 2^31 - 1, and release the GIL while they compute.
    `threads` is how many threads may share the work (0: as many as pay off); no result depends on it.
    """

    def __init__(self, net: Net) -> None:
        self.name = net.name
        self._places: dict[str, Place] = dict(net.places)
        self._transitions: dict[str, Transition] = dict(net.transitions)
        self.places: tuple[str, ...] = tuple(self._places)
        self.transitions: tuple[str, ...] = tuple(self._transitions)
        self._place_index = {name: i for i, name in enumerate(self.places)}
        self._transition_index = {name: i for i, name in enumerate(self.transitions)}
        self.initial_marking = _frozen(np.array([p.tokens for p in self._places.values()], np.int32))
        self._core = _core.Engine(
            initial=self.initial_marking,
            capacities=np.array([p.capacity or MAX_TOKENS for p in self._places.values()], np.int32),
            inputs=self._arc_arrays("inputs"),
            outputs=self._arc_arrays("outputs"),
            reads=self._arc_arrays("reads"),
            inhibitors=self._arc_arrays("inhibitors"),
            resets=self._arc_arrays("resets"),
            priorities=np.array([t.priority for t in self._transitions.values()], np.int32),
            rates=np.array([constant_rate(t) for t in self._transitions.values()], np.float64),
        )

    def net(self) -> Net:
        """A new builder with the places and transitions of this engine."""
        net = Net(self.name)
        net._places.update(self._places)
        net._transitions.update(self._transitions)
        return net

    # Structure

    @cached_property
    def pre(self) -> npt.NDArray[np.int32]:
        """Input weights, int32 (P, T), read-only."""
        return self._dense("pre")

    @cached_property
    def post(self) -> npt.NDArray[np.int32]:
        """Output weights, int32 (P, T), read-only."""
        return self._dense("post")

    @cached_property
    def incidence(self) -> npt.NDArray[np.int32]:
        """`post - pre`, int32 (P, T), read-only; reset, read and inhibitor arcs are not in it."""
        return self._dense("incidence")

    def matrix(self, which: _Matrix, *, sparse: bool = False) -> npt.NDArray[np.int32] | csc_array:
        """One arc matrix, (P, T): dense int32, or scipy's CSC if `sparse` (extra: petricore[sparse])."""
        kinds = {
            "pre": "inputs",
            "post": "outputs",
            "reads": "reads",
            "inhibitors": "inhibitors",
            "resets": "resets",
        }
        one_of(which, "matrix", [*kinds, "incidence"])
        if not sparse:
            return self._dense(which)
        if which == "incidence":
            difference: csc_array = self._sparse("outputs") - self._sparse("inputs")
            return difference
        return self._sparse(kinds[which])

    def marking(self, tokens: Mapping[str, int] | None = None) -> npt.NDArray[np.int32]:
        """A new marking, int32 (P,), from counts by place name, 0 elsewhere. None: the initial one.

        Raises:
            NetError: `tokens` is no mapping, names an unknown place, or a count is outside 0 .. 2^31 - 1.
        """
        if tokens is None:
            return self.initial_marking.copy()
        if not isinstance(tokens, Mapping):
            raise NetError(f"a marking by name is a mapping of places to counts, not {tokens!r}")
        counts = [0] * len(self.places)
        for place, count in tokens.items():
            if place not in self._place_index:
                raise NetError(f"marking names the unknown place {place!r}")
            if (number := integer(count)) is None or not 0 <= number <= MAX_TOKENS:
                raise NetError(
                    f"marking: place {place!r} has {count!r}, not an integer between 0 and {MAX_TOKENS}"
                )
            counts[self._place_index[place]] = number
        return np.array(counts, np.int32)

    # Bulk operations

    def enabled(
        self, m: Markings, out: npt.NDArray[np.bool_] | None = None, *, threads: int = 0
    ) -> npt.NDArray[np.bool_]:
        """Which transitions are enabled: bool (T,) or (B, T).

        `out`, if given, is filled and returned: a writable C-contiguous bool array of the result's shape.
        """
        rows, single = self._rows(m)
        shape = (len(self.transitions),) if single else (len(rows), len(self.transitions))
        result = np.empty(shape, np.bool_) if out is None else as_output(out, shape)
        self._call(
            self._core.enabled, rows, result.reshape(len(rows), len(self.transitions)), _threads(threads)
        )
        return result

    def enabling_degree(self, m: Markings, *, threads: int = 0) -> npt.NDArray[np.int32]:
        """How often each transition could fire at once: int32 (T,) or (B, T).

        The largest k such that k firings are servable: their inputs are covered together, and each may fire
        after the others. 2^31 - 1 where nothing bounds it, as for an enabled transition without inputs.
        """
        rows, single = self._rows(m)
        degrees = self._call(self._core.enabling_degree, rows, _threads(threads))
        return degrees[0] if single else degrees

    def conflicts(self, m: Markings, *, threads: int = 0) -> Conflicts:
        """All pairs of enabled transitions that cannot be served together, for each marking."""
        rows, _ = self._rows(m)
        offsets, pairs = self._call(self._core.conflicts, rows, _threads(threads))
        return Conflicts(offsets, pairs, self.transitions)

    def fire(self, m: Markings, firings: npt.ArrayLike | str, *, threads: int = 0) -> npt.NDArray[np.int32]:
        """The marking(s) after firing a step: int32 (P,) or (B, P), new.

        Every order leads to the same marking, but for places that a member resets: there it is the order in which
        members without resets come first, then the others by position.

        Args:
            m: one marking or a batch.
            firings: how often each transition fires, (T,) or (B, T) counts, or one transition's name. One
            marking with
                a batch of firings, or the other way round, is repeated.
            threads: see the class.

        Raises:
            NotEnabledError: the firings are not servable together at some marking.
            TokenOverflowError: a place would exceed 2^31 - 1 tokens.
        """
        rows, single_marking = self._rows(m)
        if isinstance(firings, str):
            counts = np.zeros((1, len(self.transitions)), np.int32)
            counts[0, self._index_of(firings)] = 1
            single_firing = True
        else:
            counts, single_firing = _as_rows(firings, len(self.transitions), "firings", "transition")
        if len(rows) != len(counts):
            if single_marking:
                rows = np.repeat(rows, len(counts), axis=0)
            elif single_firing:
                counts = np.repeat(counts, len(rows), axis=0)
            else:
                raise NetError(f"{len(rows)} markings and {len(counts)} rows of firings do not pair up")
        after = self._call(self._core.fire, rows, counts, _threads(threads))
        return after[0] if single_marking and single_firing else after

    def step(
        self,
        m: Markings,
        policy: Literal["fifo", "random"] = "fifo",
        seed: int | None = None,
        *,
        threads: int = 0,
    ) -> npt.NDArray[np.int32]:
        """A maximal step of each marking, as counts: int32 (T,) or (B, T).

        A step is a multiset of transitions that can fire in any order, each holding its own inputs; maximal:
        nothing can be added. A transition without inputs counts once. Higher priority is served first; "fifo"
        then goes by position, each as often as it can, and "random" draws who is served and how often.

        `seed` (0 .. 2^64 - 1) makes "random" reproducible: row i depends on the seed, i and its marking only.
        """
        one_of(policy, "policy", ("fifo", "random"))
        rows, single = self._rows(m)
        counts = self._call(self._core.step, rows, policy == "random", seed_of(seed), _threads(threads))
        return counts[0] if single else counts

    def state(self, m: Markings | None = None) -> State:
        """One mutable marking with incremental enabling, starting at `m` (None: the initial marking)."""
        row = as_counts(self.initial_marking if m is None else m, len(self.places), "marking", "place")
        return State(self, self._call(_core.State, self._core, row))

    # Simulation

    def simulate(
        self,
        *,
        until: float | None = None,
        steps: int | None = None,
        replicas: int = 1,
        seed: int | None = None,
        semantics: Literal["stochastic", "interleaving", "maximal"] | None = None,
        algorithm: str = "auto",
        record: Literal["final", "grid", "events"] | None = None,
        grid: int | npt.ArrayLike | None = None,
        initial: Markings | Mapping[str, int] | None = None,
        rates: Mapping[str, npt.ArrayLike] | None = None,
        observables: Mapping[str, Observable] | None = None,
        stop: str | Formula | None = None,
        warmup: float = 0.0,
        limit: int | None = None,
        tolerance: float = 0.03,
        first_replica: int = 0,
        count_firings: bool = True,
        sink: str | PathLike[str] | None = None,
        threads: int = 0,
        device: Literal["cpu", "cuda"] = "cpu",
        progress: Callable[[int], object] | bool | None = None,
    ) -> Trajectories:
        """Run independent replicas of the net, each with random numbers of its own: docs/simulation.md.

        Replica i of a seed is the same on any number of threads, whatever runs beside it. Ctrl-C stops it.

        Args:
            until: model time at which a replica ends. One of until, steps and stop is needed.
            steps: how many events a replica has, at most.
            replicas: how many.
            seed: 0 .. 2^64 - 1; None draws one, which the result tells.
            semantics: "stochastic": exponential, immediate and general transitions in time. "interleaving": a firing
                per step and unit of time, among the enabled ones of the highest priority, by weight. "maximal": a
                maximal step per unit of time. None: "interleaving" if steps alone is given, else "stochastic".
            algorithm: "auto", or by name "direct", "next_reaction", "rejection", "tau_leaping" (approximate),
                "event_driven", "token_game", "maximal_step".
            record: "final", "grid" or "events". None: "grid" if there is a grid, else "final".
            grid: ascending times, (G,), or how many from 0 to the end (None: 101).
            initial: a marking (P,), one for each replica (R, P), or counts by place. None: the net's.
            rates: exponential rates by transition in place of the net's. With arrays (K,) this is a sweep over K
                points, all with the same random numbers.
            observables: by name what to measure in each replica, such as `pc.TimeAverage("a + 2*b")`.
            stop: a formula about the marking; a replica ends when it holds.
            warmup: averages over time begin here.
            limit: a replica is cut off after so many events, and says so (`Trajectories.ends`, `.reason`).
            tolerance: of tau-leaping: how far rates may drift within a leap, as a share of them.
            first_replica: the number of the first replica, to go on where another call ended.
            count_firings: count them by transition: 8 bytes per replica and transition.
            sink: a Parquet file that rows are written to in batches, so that memory holds a batch and a few numbers
                per replica (extra: petricore[simulation]).
            threads: how many may share the work (0: one per core).
            device: "cpu", or "cuda" for an NVIDIA card: the direct method only, with the same bits.
            progress: called with the number of events some ten times a second; True writes to standard error. Where
                replicas run side by side, an event counts when its replica has ended.

        Raises:
            NetError: an argument is of the wrong type or out of range, or names what the net does not have.
            FormulaError: a formula cannot be read.
            SimulationError: a rate is negative or no number, or immediate transitions fire for ever in no time.
            TokenOverflowError: a place would exceed 2^31 - 1 tokens.
            LimitReached: record="events", and they do not fit into memory.
            DeviceError: there is no such device, or it cannot run this.
        """
        from petricore.simulation.simulate import simulate

        return simulate(
            self,
            until=until,
            steps=steps,
            replicas=replicas,
            seed=seed,
            semantics=semantics,
            algorithm=algorithm,
            record=record,
            grid=grid,
            initial=initial,
            rates=rates,
            observables=observables,
            stop=stop,
            warmup=warmup,
            limit=limit,
            tolerance=tolerance,
            first_replica=first_replica,
            count_firings=count_firings,
            sink=sink,
            threads=threads,
            device=device,
            progress=progress,
        )

    @cached_property
    def _timed(self) -> _core.TimedNet:
        """The net with its timing, as the core simulates it."""
        from petricore.simulation.timed_net import timed_net

        return timed_net(self)

    # Exact solution

    def markov_chain(self, limit: int | None = None, memory: int | None = None) -> MarkovChain:
        """The Markov chain of a bounded net whose transitions are exponential or immediate: docs/simulation.md.

        Its states are the markings reached with a positive probability that enable no immediate transition; those
        that do are taken out exactly, loops among them included.

        Args:
            limit: at most that many markings (None: 2^32 - 2).
            memory: at most about that many bytes for them (None: 80 % of what is available now).

        Raises:
            NetError: a transition has a delay that is not exponential; a rate is negative, infinite or no number in
                some marking; immediate transitions fire for ever in no time; an argument is out of range.
            LimitReached: there are more markings than the limits allow.
            TokenOverflowError: a place would exceed 2^31 - 1 tokens.
            PetriError: scipy is not installed (extra: petricore[analysis]).
        """
        from petricore.simulation.chain import markov_chain

        return markov_chain(self, limit, memory)

    # Long runs and rare events

    def steady_state(
        self,
        observables: Mapping[str, Observable],
        *,
        precision: float = 0.01,
        confidence: float = 0.95,
        method: Literal["batch_means", "regeneration"] = "batch_means",
        regeneration: npt.ArrayLike | Mapping[str, int] | None = None,
        limit: int | None = None,
        seed: int | None = None,
        algorithm: str = "auto",
        threads: int = 0,
    ) -> SteadyState:
        """Long-run averages by simulation, with confidence intervals: docs/simulation.md.

        The net has to be able to come back to where it was; its delays are exponential. A seed gives the same result
        on any number of threads.

        Args:
            observables: by name: `TimeAverage`, `TimeIn` or `Throughput`.
            precision: simulate until the half-width of every interval is at most this share of its estimate.
            confidence: of each interval.
            method: "batch_means", or "regeneration" at returns to a marking.
            regeneration: that marking, (P,) or counts by place. None: one that is seen often.
            limit: about so many events at most (None: 10^9); then the result says that it is not precise.
            seed: 0 .. 2^64 - 1; None draws one, which the result tells.
            algorithm: as for `simulate`.
            threads: how many may share the work (0: one per core).

        Raises:
            NetError: the net comes to rest, or has a delay that is not exponential; an argument is out of range.
            LimitReached: the limit does not allow for an estimate.
            PetriError: scipy is not installed (extra: petricore[analysis]).
        """
        from petricore.simulation.steady_state import steady_state

        return steady_state(
            self,
            observables,
            precision=precision,
            confidence=confidence,
            method=method,
            regeneration=regeneration,
            limit=limit,
            seed=seed,
            algorithm=algorithm,
            threads=threads,
        )

    def rare_event(
        self,
        formula: str | Formula,
        *,
        before: str | Formula,
        levels: str,
        thresholds: Sequence[int] | None = None,
        effort: int = 500,
        repeats: int = 40,
        confidence: float = 0.95,
        initial: Markings | Mapping[str, int] | None = None,
        seed: int | None = None,
        algorithm: str = "auto",
        threads: int = 0,
    ) -> RareEvent:
        """The probability that a formula holds before another one does, however small, by splitting.

        See docs/simulation.md. All delays are exponential. A seed gives the same result on any number of threads.

        Args:
            formula: the event, about one marking.
            before: what ends a run, such as the return to an empty system.
            levels: a weighted sum of places, such as `"a + 2*b"`, that grows on the way to the event.
            thresholds: its values at which runs are split, ascending; None: found by a pilot, such that about a fifth
                of the runs gets from one to the next.
            effort: runs per level and repeat.
            repeats: independent estimates, at least 2; their spread gives the interval.
            confidence: of the interval.
            initial: the marking to start at, (P,) or counts by place. None: the net's.
            seed: 0 .. 2^64 - 1; None draws one, which the result tells.
            algorithm: as for `simulate`.
            threads: how many may share the work (0: one per core).

        Raises:
            FormulaError: a formula, or `levels`, cannot be read.
            NetError: a delay is not exponential; an argument is out of range.
            LimitReached: the pilot finds no way up, or a run does not end.
            PetriError: scipy is not installed (extra: petricore[analysis]).
        """
        from petricore.simulation.splitting import rare_event

        return rare_event(
            self,
            formula,
            before=before,
            levels=levels,
            thresholds=thresholds,
            effort=effort,
            repeats=repeats,
            confidence=confidence,
            initial=initial,
            seed=seed,
            algorithm=algorithm,
            threads=threads,
        )

    # Analysis

    def state_space(
        self,
        limit: int | None = None,
        memory: int | None = None,
        threads: int | None = None,
        reduction: Literal["none", "stubborn"] = "none",
        *,
        order: Literal["breadth", "depth"] = "breadth",
        edges: bool = False,
        timeout: float | None = None,
        progress: Callable[[int], object] | bool | None = None,
    ) -> StateSpace:
        """All markings reachable from the initial one, by any order of firings; priorities do not restrict it.

        A limit that is reached, and a count above 2^31 - 1, give a partial space, which says so. Ctrl-C stops it.

        Args:
            limit: at most that many states (None: 2^32 - 2).
            memory: at most that many bytes, kept to within a few percent (None: 80 % of what is available now).
            threads: how many may share the work of a large space (None: one per core); breadth first without
                reduction. No result depends on it.
            reduction: "stubborn" explores only what is needed to find every deadlock (Valmari 1991,
                10.1007/3-540-53863-1_36).
            order: "breadth" finds shortest paths; "depth" expands the state found last.
            edges: keep the edges while exploring, which is faster than computing them afterwards (`StateSpace.edges`).
            timeout: seconds.
            progress: called with the number of states some ten times a second; True writes a line to standard error.

        Raises:
            NetError: an argument is of the wrong type or out of range.
        """
        from petricore.analysis.space import explore

        return explore(
            self,
            limit=limit,
            memory=memory,
            threads=threads,
            reduction=reduction,
            order=order,
            edges=edges,
            timeout=timeout,
            progress=progress,
        )

    def check(
        self,
        formula: str | Formula,
        *,
        limit: int | None = None,
        memory: int | None = None,
        threads: int | None = None,
        timeout: float | None = None,
        progress: Callable[[int], object] | bool | None = None,
    ) -> Verdict:
        """Decide a query about the reachable markings: structure first, then ever dearer searches.

        A verdict is True or False only if that is certain; when a limit is reached first, it holds None and says so.
        A witness was replayed on this engine before it is returned. Priorities do not restrict firing here.

        Args:
            formula: text such as `"reachable: a >= 1"`, `"invariant: a + b == 3"`, `"deadlock"`, `"live: t"`,
                `"bounded"`, `"AG (a >= 1 => EF b >= 1)"`: the language is that of
                `petricore.analysis.parser.parse_formula`; or a `Formula`, which is asked at the initial marking.
            limit: at most that many states in one search (None: no limit).
            memory: at most that many bytes for the states of one search (None: 80 % of what is available).
            threads: how many may share the work (None: one per core).
            timeout: seconds, for all methods together (None: no limit).
            progress: called with the number of states some ten times a second; True writes to standard error.

        Raises:
            FormulaError: the text is no formula or names what the net does not have; with the position.
            NetError: an argument is of the wrong type or out of range, or a `Formula` names what is not there.
        """
        from petricore.analysis.check import check

        return check(
            self,
            formula,
            limit=limit,
            memory=memory,
            threads=threads,
            timeout=timeout,
            progress=progress,
        )

    def coverability(
        self,
        *,
        limit: int | None = None,
        memory: int | None = None,
        timeout: float | None = None,
        progress: Callable[[int], object] | bool | None = None,
    ) -> Coverability:
        """The minimal coverability set: which markings can be covered, which places can grow without bound.

        The module `petricore.analysis.coverability` says how, and what is exact for which arc kinds.

        Args:
            limit: markings to expand at most (None: no limit).
            memory: bytes to use at most (None: 80 % of what is available now).
            timeout: seconds to use at most (None: no limit).
            progress: called with the number of markings expanded some ten times a second; True writes a line to
                standard error.

        Returns:
            What was found; `.complete` is False if a limit ended it, and only what is certain is said then.

        Raises:
            NetError: an argument is out of range.
        """
        from petricore.analysis.coverability import coverability

        return coverability(self, limit=limit, memory=memory, timeout=timeout, progress=progress)

    def soundness(
        self,
        source: str,
        sink: str,
        *,
        limit: int | None = None,
        memory: int | None = None,
        threads: int | None = None,
        timeout: float | None = None,
        progress: Callable[[int], object] | bool | None = None,
    ) -> Soundness:
        """Whether a workflow that starts in `source` can always finish in `sink`, leaving nothing behind.

        Classical soundness of workflow nets (van der Aalst 1997, 10.1007/3-540-63139-9_48), with a path for each part
        that fails; decided for nets with every kind of arc where the reachable markings are finitely many. The net
        starts with its initial marking or, if that is empty, with one token in `source`.

        Args:
            source: where it starts.
            sink: where it ends.
            limit, memory, threads, timeout, progress: as for `state_space`; `timeout` is for all of it.

        Raises:
            NetError: there is no such place, source and sink are the same, or an argument is out of range.
        """
        from petricore.analysis.soundness import soundness

        return soundness(
            self,
            source,
            sink,
            limit=limit,
            memory=memory,
            threads=threads,
            timeout=timeout,
            progress=progress,
        )

    def place_invariants(
        self, *, limit: int | None = None, timeout: float | None = None, sparse: bool = False
    ) -> npt.NDArray[np.int64] | csr_array:
        """The minimal semiflows of places: weighted sums of tokens that no firing changes.

        Those with weights >= 0, without a common divisor, whose support holds no other's; the others are sums of
        multiples of them. Places that a transition resets have the weight 0. Read and inhibitor arcs and capacities
        have no influence.

        Args:
            limit: at most that many rows at any time (there may be exponentially many).
            timeout: seconds at most.
            sparse: a matrix of scipy (extra: petricore[sparse]), for nets of thousands of places.

        Returns:
            int64 (K, P), rows in a fixed order; Python integers (dtype object) if a weight does not fit 63 bits.

        Raises:
            LimitReached: a limit ended it.
            NetError: an argument is out of range.
            WeightOverflowError: `sparse`, and a weight does not fit 127 bits on the way.
        """
        from petricore.analysis.structure import semiflows

        return semiflows(self, "places", limit=limit, timeout=timeout, sparse=sparse)

    def transition_invariants(
        self, *, limit: int | None = None, timeout: float | None = None, sparse: bool = False
    ) -> npt.NDArray[np.int64] | csr_array:
        """The minimal semiflows of transitions: numbers of firings that together change no marking.

        None holds a transition with reset arcs. Arguments, order and errors are those of `place_invariants`.

        Returns:
            int64 (K, T).
        """
        from petricore.analysis.structure import semiflows

        return semiflows(self, "transitions", limit=limit, timeout=timeout, sparse=sparse)

    def siphons(self, *, limit: int | None = None, timeout: float | None = None) -> list[tuple[str, ...]]:
        """The minimal siphons: sets of places that get no token once all of them are empty.

        Every transition that puts into such a set takes from it or reads in it.

        Args:
            limit: at most that many (there may be exponentially many).
            timeout: seconds at most.

        Returns:
            Names in the order of `places`, sets in a fixed order.

        Raises:
            LimitReached: there are more than `limit`, or the time is over.
            NetError: an argument is out of range.
        """
        from petricore.analysis.structure import minimal_sets

        return minimal_sets(self, "siphons", limit=limit, timeout=timeout)

    def traps(self, *, limit: int | None = None, timeout: float | None = None) -> list[tuple[str, ...]]:
        """The minimal traps: sets of places that keep a token once they hold one.

        Every transition that takes from such a set, or resets a place of it, leaves a token in it. Arguments, order
        and errors are those of `siphons`.
        """
        from petricore.analysis.structure import minimal_sets

        return minimal_sets(self, "traps", limit=limit, timeout=timeout)

    @cached_property
    def classification(self) -> Classification:
        """The textbook classes the net is in: ordinary, state machine, free choice, workflow net, ..."""
        from petricore.analysis.classification import classify

        return classify(self)

    # Inside

    def _rows(self, m: Markings) -> tuple[npt.NDArray[np.int32], bool]:
        return _as_rows(m, len(self.places), "marking", "place")

    def _index_of(self, transition: str | int) -> int:
        if isinstance(transition, str):
            try:
                return self._transition_index[transition]
            except KeyError:
                raise NetError(f"there is no transition {transition!r}") from None
        number = integer(transition)
        if number is None:
            raise NetError(f"a transition is named or numbered, not {transition!r}")
        if not 0 <= number < len(self.transitions):
            raise NetError(f"transition {number} is not between 0 and {len(self.transitions) - 1}")
        return number

    def _call(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Call the core; what it refuses by index is said with names."""
        try:
            return function(*args, **kwargs)
        except _core.NotEnabled as error:
            raise self._not_enabled(error) from None
        except _core.TokenOverflow as error:
            place = self.places[error.place]
            raise TokenOverflowError(
                f"place {place!r} would hold {error.count} tokens, "
                f"above {MAX_TOKENS} (marking {error.marking})",
                marking=error.marking,
                place=place,
                count=error.count,
            ) from None
        except _core.NegativeTokens as error:
            place = self.places[error.place]
            raise NetError(f"marking {error.marking}: place {place!r} holds {error.count} tokens") from None

    def _not_enabled(self, error: _core.NotEnabled) -> PetriError:
        transition, place = self.transitions[error.transition], self.places[error.place]
        if error.found < error.needed:
            reason = f"place {place!r} holds {error.found} of {error.needed} tokens"
        elif error.found > error.needed:
            reason = (
                f"place {place!r} holds {error.found} tokens, where it allows at most {max(error.needed, 0)}"
            )
        else:
            reason = f"the firings before it may leave place {place!r} without what it demands"
        where = f" (marking {error.marking})" if error.marking else ""
        return NotEnabledError(
            f"transition {transition!r} is not enabled: {reason}{where}",
            marking=error.marking,
            transition=transition,
            place=place,
            needed=error.needed,
            found=error.found,
        )

    def _arc_arrays(self, kind: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """Arcs of one kind, transition by transition: offsets (T + 1,), places, weights."""
        index = self._place_index
        places: list[int] = []
        weights: list[int] = []
        offsets = np.zeros(len(self.transitions) + 1, np.uint32)
        for i, transition in enumerate(self._transitions.values()):
            arcs: Arcs = getattr(transition, kind)
            if isinstance(arcs, Mapping):
                places.extend(index[place] for place in arcs)
                weights.extend(arcs.values())  # type: ignore[arg-type]  # Net stored plain ints
            else:
                places.extend(index[place] for place in arcs)
                weights.extend(1 for _ in arcs)
            offsets[i + 1] = len(places)
        return offsets, np.array(places, np.uint32), np.array(weights, np.int32)

    def _coordinates(self, kind: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        offsets, places, weights = self._arc_arrays(kind)
        arcs_each = offsets[1:].astype(np.int64) - offsets[:-1]
        columns = np.repeat(np.arange(len(self.transitions)), arcs_each)
        return weights, places, columns

    def _dense(self, which: str) -> npt.NDArray[np.int32]:
        matrix = np.zeros((len(self.places), len(self.transitions)), np.int32)
        signs = {"pre": {"inputs": 1}, "post": {"outputs": 1}, "incidence": {"outputs": 1, "inputs": -1}}
        for kind, sign in signs.get(which, {which: 1}).items():
            weights, places, columns = self._coordinates(kind)
            matrix[places, columns] += sign * weights
        return _frozen(matrix)

    def _sparse(self, kind: str) -> csc_array:
        try:
            from scipy.sparse import csc_array
        except ImportError:
            raise PetriError("sparse matrices need scipy: pip install 'petricore[sparse]'") from None
        weights, places, columns = self._coordinates(kind)
        return csc_array((weights, (places, columns)), shape=(len(self.places), len(self.transitions)))

    def __reduce__(self) -> tuple[Any, ...]:
        return Engine, (self.net(),)

    def __repr__(self) -> str:
        return f"<Engine {self.name!r}: {len(self.places)} places, {len(self.transitions)} transitions>"


def _frozen(array: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """A copy that nobody can make writable again: numpy never lets go of the immutability of bytes."""
    return np.ndarray(array.shape, array.dtype, array.tobytes())


def _as_rows(values: npt.ArrayLike, columns: int, what: str, of: str) -> tuple[npt.NDArray[np.int32], bool]:
    """A checked (B, columns) array, and whether a single row was given."""
    counts = as_counts(values, columns, what, of, batch=True)
    return (counts.reshape(1, columns), True) if counts.ndim == 1 else (counts, False)


def _threads(threads: object) -> int:
    number = integer(threads)
    if number is None or not 0 <= number <= _MOST_THREADS:
        raise NetError(f"threads is an integer between 0 and {_MOST_THREADS}, not {threads!r}")
    return number


def seed_of(seed: int | None) -> int:
    """A checked seed; None draws one from the operating system."""
    if seed is None:
        return secrets.randbits(64)
    number = integer(seed)
    if number is None or not 0 <= number < 2**64:
        raise NetError(f"seed is an integer between 0 and 2^64 - 1, not {seed!r}")
    return number
