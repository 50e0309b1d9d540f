"""`Trajectories`: what many replicas of a net did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from petricore.errors import NetError, PetriError
from petricore.simulation.replay import in_order_of_steps, markings_along

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd
    import pyarrow as pa
    import xarray as xr
    from matplotlib.axes import Axes

    from petricore.engine import Engine

__all__ = ["ENDS", "Path", "Run", "Trajectories"]

ENDS = np.array(["until", "steps", "dead", "stop", "limit"])
"""Why a replica ended, by the core's number for it."""


class Path(NamedTuple):
    """One replica, event by event."""

    times: npt.NDArray[np.float64]
    """(E,) model times, ascending."""
    transitions: npt.NDArray[np.int32]
    """(E,) indices of what fired."""
    markings: npt.NDArray[np.int32]
    """(E + 1, P): the initial marking, then that after each event. Those within a maximal step are of no account."""


class Run(NamedTuple):
    """How a simulation was asked for, as far as its result has to tell."""

    record: str
    algorithm: str
    seed: int
    first_replica: int
    replicas: int
    points: int | None
    """None: no sweep, so no leading axis."""
    rates: Mapping[str, npt.NDArray[np.float64]]
    grid: npt.NDArray[np.float64] | None
    initial: npt.NDArray[np.int32]
    """(P,) or (R, P)."""
    observables: tuple[str, ...]
    until: float | None
    steps: int | None
    limit: int | None


class Trajectories:
    """What R replicas of a net did; made by `Engine.simulate`. Its arrays are read-only, columns as in the engine.

    A replica that ends early stays where it is, so its last marking is also that of every later time of a grid. A
    sweep over K points adds a leading axis of K to every array named here; `point(k)` is one point without it.
    """

    def __init__(
        self,
        engine: Engine,
        run: Run,
        arrays: Mapping[str, npt.NDArray[Any]],
        sink: str | None = None,
    ) -> None:
        self._engine = engine
        self._run = run
        self._arrays = dict(arrays)  # as the core gives them: the first axis is points * replicas
        self.places: tuple[str, ...] = engine.places
        """Names of the columns of markings."""
        self.transitions: tuple[str, ...] = engine.transitions
        """Names of the columns of `firings`."""
        self.record: str = run.record
        """What was recorded: "final", "grid" or "events"."""
        self.algorithm: str = run.algorithm
        """The algorithm that ran."""
        self.seed: int = run.seed
        """Gives the same again: `simulate(..., seed=seed)`."""
        self.first_replica: int = run.first_replica
        """Row i is replica `first_replica + i` of this seed."""
        self.rates: Mapping[str, npt.NDArray[np.float64]] = MappingProxyType(dict(run.rates))
        """The rates that `rates=` set, by transition: (K,) in a sweep, else a single number, shape ()."""
        self.sink: str | None = sink
        """The file that all rows were written to; then only numbers per replica are kept here."""

    def __len__(self) -> int:
        """How many replicas there are, per point of a sweep."""
        return self._run.replicas

    # One number per replica

    @property
    def end_times(self) -> npt.NDArray[np.float64]:
        """The model time at which each replica ended, float64 (R,)."""
        return self._shaped("times")

    @property
    def events(self) -> npt.NDArray[np.uint64]:
        """How many events each replica had, uint64 (R,)."""
        return self._shaped("events")

    @cached_property
    def ends(self) -> npt.NDArray[np.str_]:
        """Why each replica ended, strings (R,).

        "until": its time was over; "steps": it had all its steps; "dead": nothing could fire any more; "stop": the
        stop formula held; "limit": it had as many events as `limit` allows before any of that.
        """
        return _frozen(ENDS[self._shaped("ends")])

    @cached_property
    def observables(self) -> Mapping[str, npt.NDArray[np.float64]]:
        """What was measured, by the names given: float64 (R,) each."""
        observed = self._shaped("observed")
        return MappingProxyType({name: observed[..., i] for i, name in enumerate(self._run.observables)})

    @property
    def reason(self) -> str:
        """A sentence if replicas were cut off by `limit`, so that what they show is not what was asked for; else ""."""
        codes = self._arrays["ends"]
        cut = codes == int(np.flatnonzero(ENDS == "limit")[0])
        many = int(np.count_nonzero(cut))
        if many == 0:
            return ""
        run = self._run
        aim = "their end" if run.until is None else f"time {run.until:g}"
        reached = float(self._arrays["times"][cut].min())
        return (
            f"{many:,} of {len(codes):,} replicas were cut off by the limit of {run.limit:,} events before "
            f"{aim}, the first of them at time {reached:g}"
        )

    # Markings and firings

    @property
    def final(self) -> npt.NDArray[np.int32]:
        """The marking at the end of each replica, int32 (R, P)."""
        return self._shaped("final")

    @property
    def firings(self) -> npt.NDArray[np.int64]:
        """How often each transition fired, int64 (R, T)."""
        if "firings" not in self._arrays and self.sink is None:
            raise PetriError("firings were not counted: simulate(..., count_firings=True)")
        return self._shaped("firings")

    @property
    def times(self) -> npt.NDArray[np.float64]:
        """Model times: float64 (R, G) for a grid, the same in each row; else those at the end, (R,)."""
        if self._run.grid is None:
            return self.end_times
        return np.broadcast_to(self._run.grid, (*self._lead, len(self._run.grid)))

    @property
    def grid(self) -> npt.NDArray[np.float64] | None:
        """The times of the grid, float64 (G,); None if none was recorded."""
        return self._run.grid

    @property
    def markings(self) -> npt.NDArray[np.int32]:
        """The marking of each replica at each time of the grid, int32 (R, G, P)."""
        if self.record != "grid":
            raise PetriError(
                f"record={self.record!r} keeps no markings over time: simulate(..., record='grid')"
            )
        return self._shaped("grid")

    def path(self, i: int) -> Path:
        """Replica i event by event; of a sweep, take a `point` first.

        Raises:
            IndexError: unless 0 <= i < len(self).
            PetriError: the events were not recorded, or this is a sweep.
        """
        if self.record != "events":
            raise PetriError(f"record={self.record!r} keeps no events: simulate(..., record='events')")
        self._kept("offsets")
        if self._run.points is not None:
            raise PetriError("this is a sweep: take point(k).path(i)")
        if not 0 <= i < len(self):
            raise IndexError(f"replica {i} is not between 0 and {len(self) - 1}")
        first, last = self._arrays["offsets"][i : i + 2]
        times = self._arrays["event_times"][first:last]
        fired = self._arrays["event_transitions"][first:last]
        if self.algorithm == "maximal_step":
            fired = in_order_of_steps(self._engine, times, fired)
        initial = self._run.initial
        start = initial if initial.ndim == 1 else initial[i]
        return Path(_frozen(times), _frozen(fired), _frozen(markings_along(self._engine, start, fired)))

    # Sweeps

    @property
    def points(self) -> int | None:
        """How many points the sweep has; None if there was none."""
        return self._run.points

    def point(self, k: int) -> Trajectories:
        """Point k of a sweep by itself. Shares memory. Raises `IndexError` unless 0 <= k < points."""
        points, replicas = self._run.points, self._run.replicas
        if points is None:
            raise PetriError("this is no sweep: no rate was given as an array")
        if not 0 <= k < points:
            raise IndexError(f"point {k} is not between 0 and {points - 1}")
        rows = slice(k * replicas, (k + 1) * replicas)
        arrays = {name: array[rows] for name, array in self._arrays.items() if not name.startswith("event_")}
        if "offsets" in arrays:
            arrays["offsets"] = self._arrays["offsets"][rows.start : rows.stop + 1]
            arrays |= {name: self._arrays[name] for name in ("event_times", "event_transitions")}
        rates = {name: _frozen(np.asarray(values[k])) for name, values in self.rates.items()}
        return Trajectories(
            self._engine, self._run._replace(points=None, rates=rates), arrays, sink=self.sink
        )

    # Over all replicas

    def mean(self) -> npt.NDArray[np.float64]:
        """The average marking: float64 (G, P) for a grid, else at the end (P,)."""
        return np.asarray(self._recorded().mean(axis=self._replica_axis))

    def std(self) -> npt.NDArray[np.float64]:
        """The standard deviation between replicas, as `mean`; NaN for a single replica."""
        if len(self) == 1:
            return np.full_like(self.mean(), np.nan)
        return np.asarray(self._recorded().std(axis=self._replica_axis, ddof=1))

    def quantile(self, q: float | Sequence[float]) -> npt.NDArray[np.float64]:
        """Quantiles over the replicas, as `mean`; a sequence of q adds a leading axis.

        Raises:
            NetError: a q is not between 0 and 1.
        """
        wanted = np.asarray(q, np.float64)
        if wanted.ndim > 1 or not np.all((wanted >= 0) & (wanted <= 1)):
            raise NetError(f"q is a number between 0 and 1 or a sequence of such, not {q!r}")
        recorded = self._recorded()
        if 0 in recorded.shape:
            return np.empty((*wanted.shape, *self.mean().shape), np.float64)
        columns = [  # one place at a time: numpy sorts a copy in double precision
            np.quantile(recorded[..., place], wanted, axis=self._replica_axis)
            for place in range(len(self.places))
        ]
        return np.stack(columns, axis=-1)

    # For other libraries

    def to_pandas(self, what: Literal["markings", "firings", "replicas"] = "markings") -> pd.DataFrame:
        """A table of pandas (extra: petricore[simulation]).

        Args:
            what: "markings": a column per place; a row per replica, per replica and time of the grid, or per event
                (there also `transition`, and the marking after it). "firings": a row per replica, a column per
                transition. "replicas": a row per replica with `time`, `events`, `end` and the observables.
                Sweeps begin their index with `point`.
        """
        from petricore.simulation.export import to_pandas

        return to_pandas(self, what)

    def to_xarray(self) -> xr.Dataset:
        """A dataset of xarray with the dimensions point, replica, time, place and transition, where there are such.

        Of events, the markings at the end are in it. Extra: petricore[simulation].
        """
        from petricore.simulation.export import to_xarray

        return to_xarray(self)

    def to_arrow(self) -> pa.Table:
        """A table of pyarrow with the columns described in docs/simulation.md. Extra: petricore[simulation]."""
        from petricore.simulation.export import to_arrow

        return to_arrow(self)

    def to_parquet(self, path: str | PathLike[str]) -> None:
        """Write `to_arrow()` to a Parquet file. Extra: petricore[simulation]."""
        from petricore.simulation.export import to_parquet

        to_parquet(self, path)

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write the table of `to_arrow()` as text with a line of names; needs no extra."""
        from petricore.simulation.export import to_csv

        to_csv(self, path)

    def plot(
        self,
        places: Sequence[str] | str | None = None,
        ax: Axes | None = None,
        bands: tuple[float, float] | None = (0.05, 0.95),
    ) -> Axes:
        """Draw with matplotlib (extra: petricore[simulation]) and return the axes.

        A grid: the mean of each place over time, and the band between two quantiles. Events: the paths of up to 20
        replicas. Final markings: their distribution; in a sweep, the mean and band over the rate that varies.

        Args:
            places: which to draw, by name (None: all, if they are at most 12).
            ax: where (None: new axes).
            bands: the quantiles between which the band lies; None: no band.
        """
        from petricore.simulation.plot import plot

        return plot(self, places, ax, bands)

    def __reduce__(self) -> tuple[Any, ...]:
        return Trajectories, (self._engine, self._run, self._arrays, self.sink)

    def __repr__(self) -> str:
        sweep = "" if self._run.points is None else f"{self._run.points:,} points of "
        counts = np.bincount(self._arrays["ends"].reshape(-1), minlength=len(ENDS))
        ends = ", ".join(f"{count:,} {name}" for name, count in zip(ENDS, counts, strict=True) if count)
        total = int(self._arrays["events"].sum(dtype=np.uint64))
        many = f"{len(self):,} replicas" if len(self) != 1 else "1 replica"
        return (
            f"<Trajectories of {self._engine.name!r}: {sweep}{many}, {total:,} events, "
            f"ended by: {ends or 'nothing'}; record={self.record!r}, algorithm={self.algorithm!r}, seed={self.seed}>"
        )

    # Inside

    @property
    def _lead(self) -> tuple[int, ...]:
        points, replicas = self._run.points, self._run.replicas
        return (replicas,) if points is None else (points, replicas)

    @property
    def _replica_axis(self) -> int:
        return 0 if self._run.points is None else 1

    def _recorded(self) -> npt.NDArray[np.int32]:
        return self.markings if self.record == "grid" else self.final

    def _kept(self, name: str) -> npt.NDArray[Any]:
        if name not in self._arrays:
            raise PetriError(f"the rows are not kept here, they are in {self.sink!r}")
        return self._arrays[name]

    def _shaped(self, name: str) -> npt.NDArray[Any]:
        array = self._kept(name)
        return _frozen(array.reshape(*self._lead, *array.shape[1:]))


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view
