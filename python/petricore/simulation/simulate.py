"""`Engine.simulate`: arguments to the core's, an algorithm chosen, results in batches to a file if wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from petricore import _core
from petricore.analysis.formula import Formula
from petricore.analysis.memory import available_memory
from petricore.analysis.progress import reporter
from petricore.errors import DeviceError, LimitReached, NetError
from petricore.simulation.arguments import (
    UNTIMED,
    choice,
    duration,
    grid_of,
    initial_of,
    semantics_of,
    sweep_of,
    whole,
)
from petricore.simulation.choose import choose
from petricore.simulation.faults import named
from petricore.simulation.observables import Lowered, Observable, lower_observables, state_predicate
from petricore.simulation.trajectories import Run, Trajectories

if TYPE_CHECKING:
    from petricore.engine import Engine
    from petricore.simulation.export import ParquetSink

__all__ = ["simulate"]

_FOREVER = 2**64 - 1
_BATCH_BYTES = 64 << 20  # of rows that wait to be written to a sink
_EVENT_BYTES = 2 * (8 + 4)  # time and transition, twice: those of all replicas are put together at the end
_UNSUSPICIOUS_BYTES = 256 << 20  # results up to this are made without asking how much memory there is


class _Request(NamedTuple):
    """Everything that all batches of a call share."""

    engine: Engine
    run: Run
    warmup: float
    tolerance: float
    stop: _core.Predicate | None
    table: npt.NDArray[np.float64]
    measures: list[Lowered]
    count_firings: bool
    threads: int
    device: str


def simulate(
    engine: Engine,
    *,
    until: float | None = None,
    steps: int | None = None,
    replicas: int = 1,
    seed: int | None = None,
    semantics: str | None = None,
    algorithm: str = "auto",
    record: str | None = None,
    grid: int | npt.ArrayLike | None = None,
    initial: npt.ArrayLike | Mapping[str, int] | None = None,
    rates: Mapping[str, Any] | None = None,
    observables: Mapping[str, Observable] | None = None,
    stop: str | Formula | None = None,
    warmup: float = 0.0,
    limit: int | None = None,
    tolerance: float = 0.03,
    first_replica: int = 0,
    count_firings: bool = True,
    sink: str | PathLike[str] | None = None,
    threads: int = 0,
    device: str = "cpu",
    progress: Callable[[int], object] | bool | None = None,
) -> Trajectories:
    """See `Engine.simulate`."""
    from petricore.engine import seed_of

    if until is None and steps is None and stop is None:
        raise NetError("a simulation needs an end: give until=, steps= or stop=")
    end = None if until is None else duration("until", until)
    most_steps = None if steps is None else whole("steps", steps, 0)
    meant = semantics_of(semantics, algorithm, steps_alone=until is None and steps is not None)
    untimed = meant.name in UNTIMED
    recorded, times = grid_of(record, grid, end, untimed_steps=most_steps if untimed else None)
    if meant.algorithm == "tau_leaping" and recorded == "events":
        raise NetError("algorithm='tau_leaping' knows no times of events: record='grid' or 'final'")
    count = whole("replicas", replicas, 1)
    start = initial_of(engine, initial, count)
    sweep = sweep_of(engine, rates, timed=not untimed)
    names, measures = lower_observables(engine, observables)
    warm = duration("warmup", warmup)
    if warm and end is not None and warm > end:
        raise NetError(f"warmup is at most until={end:g}, not {warm:g}")
    epsilon = duration("tolerance", tolerance, positive=True)
    if epsilon >= 1:
        raise NetError(f"tolerance is below 1, not {epsilon:g}")
    where = choice("device", device, ("cpu", "cuda"))
    if not isinstance(count_firings, bool):
        raise NetError(f"count_firings is True or False, not {count_firings!r}")
    run = Run(
        record=recorded,
        algorithm=choose(engine, meant.algorithm, where),
        seed=seed_of(seed),
        first_replica=whole("first_replica", first_replica, 0),
        replicas=count,
        points=sweep.points,
        rates=sweep.given,
        grid=times,
        initial=start,
        observables=names,
        until=end,
        steps=most_steps,
        limit=None if limit is None else whole("limit", limit, 0),
    )
    request = _Request(
        engine,
        run,
        warm,
        epsilon,
        None if stop is None else state_predicate(engine, "stop", stop),
        sweep.table,
        measures,
        count_firings,
        whole("threads", threads, 0, 1024),
        where,
    )
    if sink is None:
        _check_memory(request)
        with reporter(progress, "events") as report:
            return Trajectories(engine, run, _call(request, report))
    from petricore.simulation.export import ParquetSink

    with ParquetSink(sink) as file, reporter(progress, "events") as report:
        return _stream(request, file, report)


def _call(request: _Request, report: Callable[[int], object] | None) -> dict[str, npt.NDArray[Any]]:
    engine, run = request.engine, request.run
    with _named(request):
        found = _core.simulate(
            engine._timed,
            algorithm=run.algorithm,
            replicas=run.replicas,
            first_replica=run.first_replica,
            seed=run.seed,
            until=np.inf if run.until is None else run.until,
            steps=_FOREVER if run.steps is None else run.steps,
            most_events=_FOREVER if run.limit is None else run.limit,
            warmup=request.warmup,
            tolerance=request.tolerance,
            end_when=request.stop,
            record=run.record,
            grid=np.empty(0, np.float64) if run.grid is None else run.grid,
            initial=run.initial,
            rates=request.table,
            observables=request.measures,
            count_firings=request.count_firings,
            most_recorded=available_memory() // _EVENT_BYTES if run.record == "events" else _FOREVER,
            threads=request.threads,
            progress=report,
            device=request.device,
        )
    if not request.count_firings:
        found.pop("firings", None)
    return found


@contextmanager
def _named(request: _Request) -> Iterator[None]:
    """What the core says with indices is said with names."""
    try:
        yield
    except _core.SimulationFault as fault:
        raise named(request.engine, request.run, fault) from None
    except MemoryError:
        if request.run.record != "events":
            raise
        raise LimitReached(
            "the events do not fit into the memory that is left: give limit= or fewer replicas, or record a grid"
        ) from None
    except _core.DeviceError as error:
        raise DeviceError(str(error)) from None
    except _core.ExpressionError as error:
        name = request.run.observables[error.observable]
        raise NetError(
            f"observable {name!r}: {error}, at character {error.position} of {error.text!r}"
        ) from None


def _row_bytes(request: _Request) -> int:
    """What one replica takes in the result, its events apart."""
    places, transitions = len(request.engine.places), len(request.engine.transitions)
    size = 4 * places + 8 * len(request.measures) + 32
    size += 8 * transitions if request.count_firings else 0
    size += 0 if request.run.grid is None else 4 * places * len(request.run.grid)
    return size * (request.run.points or 1)


def _check_memory(request: _Request) -> None:
    size = _row_bytes(request) * request.run.replicas
    if size > _UNSUSPICIOUS_BYTES and size > (free := available_memory()):
        raise NetError(
            f"the result would take {size / 1e9:.1f} GB, where {free / 1e9:.1f} GB are left: ask for fewer replicas, "
            f"a coarser grid or count_firings=False, or stream it to a file with sink="
        )


def _stream(request: _Request, sink: ParquetSink, report: Callable[[int], object] | None) -> Trajectories:
    """Batches of replicas, each written before the next is run. Kept are the numbers per replica only."""
    run = request.run
    kept: list[dict[str, npt.NDArray[Any]]] = []
    done, events = 0, 0
    size = _row_bytes(request) * (16 if run.record == "events" else 1)
    while done < run.replicas:
        replicas = min(run.replicas - done, max(1, _BATCH_BYTES // size))
        rows = slice(done, done + replicas)
        part = run._replace(
            replicas=replicas,
            first_replica=run.first_replica + done,
            initial=run.initial if run.initial.ndim == 1 else run.initial[rows],
        )
        arrays = _call(request._replace(run=part), _continued(report, events))
        sink.write(Trajectories(request.engine, part, arrays))
        kept.append({name: arrays[name] for name in ("times", "events", "ends", "observed")})
        done += replicas
        events += int(arrays["events"].sum())
        size = max(sum(array.nbytes for array in arrays.values()) // replicas, 1)
    points = run.points or 1

    def joined(name: str) -> npt.NDArray[Any]:
        """The rows of all batches, point by point."""
        parts = [one[name].reshape(points, len(one[name]) // points, *one[name].shape[1:]) for one in kept]
        return np.concatenate(parts, axis=1).reshape(points * run.replicas, *parts[0].shape[2:])

    return Trajectories(request.engine, run, {name: joined(name) for name in kept[0]}, sink=sink.path)


def _continued(report: Callable[[int], object] | None, before: int) -> Callable[[int], object] | None:
    return None if report is None else lambda done: report(before + done)
