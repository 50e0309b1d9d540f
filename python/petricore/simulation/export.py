"""Trajectories as tables: pandas, xarray, Arrow, Parquet, CSV. The libraries are loaded when they are needed."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from petricore.errors import NetError, PetriError
from petricore.simulation.trajectories import ENDS, Trajectories

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import xarray as xr

__all__ = ["ParquetSink", "columns", "needing", "to_arrow", "to_csv", "to_pandas", "to_parquet", "to_xarray"]


@contextmanager
def needing(library: str) -> Iterator[None]:
    """An import in here that fails is a `PetriError` that says what to install."""
    try:
        yield
    except ModuleNotFoundError:
        raise PetriError(f"this needs {library}: pip install 'petricore[simulation]'") from None


def columns(found: Trajectories) -> dict[str, npt.NDArray[Any]]:
    """The table of what was recorded, by column, in the order of points, replicas and times.

    final: a row per replica: (point), replica, time, events, end, the observables, `marking.PLACE` for each place and,
    if they were counted, `firings.TRANSITION`. grid: a row per replica and time: (point), replica, time,
    `marking.PLACE`. events: a row per event: (point), replica, time, `transition`.
    """
    replicas, points = len(found), found.points or 1
    rows = {"point": np.repeat(np.arange(points), replicas)} if found.points is not None else {}
    rows["replica"] = np.tile(np.arange(replicas, dtype=np.int64) + found.first_replica, points)
    arrays = found._arrays
    match found.record:
        case "final":
            rows |= {"time": arrays["times"], "events": arrays["events"], "end": ENDS[arrays["ends"]]}
            rows |= {name: arrays["observed"][:, i] for i, name in enumerate(found.observables)}
            rows |= _spread("marking", found.places, found._kept("final"))
            if "firings" in arrays:
                rows |= _spread("firings", found.transitions, arrays["firings"])
        case "grid":
            assert found.grid is not None
            times = len(found.grid)
            rows = {name: np.repeat(values, times) for name, values in rows.items()}
            rows["time"] = np.tile(found.grid, points * replicas)
            rows |= _spread("marking", found.places, _flat(found._kept("grid")))
        case _:
            offsets = found._kept("offsets")
            rows = {name: np.repeat(values, np.diff(offsets)) for name, values in rows.items()}
            rows["time"] = arrays["event_times"][offsets[0] : offsets[-1]]
            fired = arrays["event_transitions"][offsets[0] : offsets[-1]]
            rows["transition"] = np.array([_written(name) for name in found.transitions], dtype=object)[fired]
    return rows


def _written(name: str) -> str:
    """The name as files can hold it: half of a surrogate pair is no UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def _flat(grid: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(N, G, P) as (N G, P)."""
    return grid.reshape(grid.shape[0] * grid.shape[1], grid.shape[2])


def _spread(prefix: str, names: tuple[str, ...], array: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    return {f"{prefix}.{_written(name)}": array[:, i] for i, name in enumerate(names)}


def to_pandas(found: Trajectories, what: str) -> pd.DataFrame:
    """See `Trajectories.to_pandas`."""
    with needing("pandas"):
        import pandas as pd
    if what not in ("markings", "firings", "replicas"):
        raise NetError(f"what is 'markings', 'firings' or 'replicas', not {what!r}")
    sweep = {} if found.points is None else {"point": range(found.points)}
    replicas = range(found.first_replica, found.first_replica + len(found))
    index: pd.Index[Any] = pd.MultiIndex.from_product([*sweep.values(), replicas], names=[*sweep, "replica"])
    if found.points is None:
        index = pd.RangeIndex(replicas.start, replicas.stop, name="replica")
    if what == "replicas":
        table = {"time": found._arrays["times"], "events": found._arrays["events"],
                 "end": pd.Categorical.from_codes(found._arrays["ends"].astype(np.int8), list(ENDS))}  # fmt: skip
        table |= {name: found._arrays["observed"][:, i] for i, name in enumerate(found.observables)}
        return pd.DataFrame(table, index=index)
    if what == "firings":
        found.firings  # noqa: B018 - says what is wrong if they were not counted
        names = pd.Index(found.transitions, name="transition")
        return pd.DataFrame(found._arrays["firings"], index=index, columns=names)
    names = pd.Index(found.places, name="place")
    if found.record == "final":
        return pd.DataFrame(found._kept("final"), index=index, columns=names)
    if found.record == "grid":
        assert found.grid is not None
        index = pd.MultiIndex.from_product(
            [*sweep.values(), replicas, found.grid], names=[*sweep, "replica", "time"]
        )
        return pd.DataFrame(_flat(found._kept("grid")), index=index, columns=names)
    return _events_frame(found)


def _events_frame(found: Trajectories) -> pd.DataFrame:
    import pandas as pd

    def one(alone: Trajectories) -> pd.DataFrame:
        paths = [alone.path(i) for i in range(len(alone))]
        return pd.DataFrame(
            np.concatenate([path.markings[1:] for path in paths]),
            columns=pd.Index(found.places, name="place"),
            index=pd.MultiIndex.from_arrays(
                [
                    np.repeat(
                        np.arange(len(alone)) + found.first_replica, [len(path.times) for path in paths]
                    ),
                    np.concatenate([path.times for path in paths]),
                    pd.Categorical.from_codes(
                        np.concatenate([path.transitions for path in paths]), list(found.transitions)
                    ),
                ],
                names=["replica", "time", "transition"],
            ),
        )

    if found.points is None:
        return one(found)
    return pd.concat({k: one(found.point(k)) for k in range(found.points)}, names=["point"])


def to_xarray(found: Trajectories) -> xr.Dataset:
    """See `Trajectories.to_xarray`."""
    with needing("xarray"):
        import xarray as xr
    lead = ["replica"] if found.points is None else ["point", "replica"]
    data: dict[str, Any] = {
        "end_time": (lead, found.end_times),
        "events": (lead, found.events),
        "end": (lead, found.ends),
        "final": ([*lead, "place"], found.final),
    }
    coordinates: dict[str, Any] = {
        "replica": np.arange(len(found)) + found.first_replica,
        "place": list(found.places),
    }
    if "firings" in found._arrays:
        data["firings"] = ([*lead, "transition"], found.firings)
        coordinates["transition"] = list(found.transitions)
    if found.record == "grid":
        data["markings"] = ([*lead, "time", "place"], found.markings)
        coordinates["time"] = found.grid
    data |= {f"observable.{name}": (lead, values) for name, values in found.observables.items()}
    coordinates |= {
        f"rate.{name}": (["point"] if found.points is not None else [], values)
        for name, values in found.rates.items()
    }
    attributes = {"algorithm": found.algorithm, "seed": str(found.seed), "reason": found.reason}
    return xr.Dataset(data, coordinates, attributes)


def to_arrow(found: Trajectories) -> pa.Table:
    """See `Trajectories.to_arrow`."""
    with needing("pyarrow"):
        import pyarrow as pa
    arrays = {}
    for name, values in columns(found).items():
        array = pa.array(values)
        if name in ("end", "transition"):
            array = array.cast(pa.string()).dictionary_encode()
        arrays[name] = array
    facts = {"algorithm": found.algorithm, "seed": str(found.seed), "reason": found.reason}
    return pa.table(arrays, metadata={f"petricore.{name}": value for name, value in facts.items()})


def to_parquet(found: Trajectories, path: str | PathLike[str]) -> None:
    """See `Trajectories.to_parquet`."""
    with ParquetSink(path) as sink:
        sink.write(found)


class ParquetSink:
    """A Parquet file that results are appended to, a row group each. It has its name when it is complete only."""

    def __init__(self, path: str | PathLike[str]) -> None:
        with needing("pyarrow"):
            import pyarrow.parquet  # noqa: F401 - better now than after a long run
        self.path = fspath(path)
        self._unfinished = f"{self.path}.unfinished"
        self._writer: Any = None
        with open(self._unfinished, "wb"):
            pass  # whether that can be written shows before anything is computed

    def write(self, found: Trajectories) -> None:
        """Append the rows of `to_arrow()`."""
        from pyarrow import parquet

        table = to_arrow(found)
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._unfinished, table.schema)
        self._writer.write_table(table)

    def __enter__(self) -> ParquetSink:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()
        if kind is None:
            os.replace(self._unfinished, self.path)
        else:
            os.unlink(self._unfinished)


def to_csv(found: Trajectories, path: str | PathLike[str]) -> None:
    """See `Trajectories.to_csv`."""
    table = columns(found)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*(values.tolist() for values in table.values()), strict=True))
