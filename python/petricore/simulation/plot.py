"""Trajectories drawn with matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from petricore.errors import NetError, PetriError
from petricore.simulation.export import needing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from petricore.simulation.trajectories import Trajectories

__all__ = ["plot"]

_MOST_PLACES = 12
_MOST_PATHS = 20
_MOST_BINS = 50


def plot(
    found: Trajectories,
    places: Sequence[str] | str | None,
    ax: Axes | None,
    bands: tuple[float, float] | None,
) -> Axes:
    """See `Trajectories.plot`."""
    with needing("matplotlib"):
        import matplotlib  # noqa: F401 - better now than below
    wanted = _wanted(found, places)
    if bands is not None and not (len(bands) == 2 and 0 <= bands[0] <= bands[1] <= 1):
        raise NetError(f"bands are two ascending quantiles between 0 and 1, not {bands!r}")
    if found.points is not None and found.record != "final":
        raise PetriError(f"a sweep with record={found.record!r} is drawn a point at a time: point(k).plot()")
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(layout="constrained")
    if found.points is not None:
        _draw_sweep(found, wanted, ax, bands)
    elif found.record == "grid":
        assert found.grid is not None
        _draw_band(ax, found.grid, found.mean(), _edges(found, bands), wanted, found.places)
        ax.set_xlabel("time")
        ax.set_ylabel("tokens")
    elif found.record == "events":
        _draw_paths(found, wanted, ax)
    else:
        _draw_distributions(found, wanted, ax)
    ax.set_ylim(bottom=0)
    _title(found, ax)
    if len(wanted) > 0:
        ax.legend()
    return ax


def _wanted(found: Trajectories, places: Sequence[str] | str | None) -> list[int]:
    if places is None:
        if len(found.places) > _MOST_PLACES:
            raise NetError(
                f"the net has {len(found.places)} places, too many for one drawing: name those to draw"
            )
        return list(range(len(found.places)))
    wanted = [places] if isinstance(places, str) else list(places)
    for place in wanted:
        if place not in found.places:
            raise NetError(f"there is no place {place!r} to draw")
    return [found.places.index(place) for place in wanted]


def _edges(found: Trajectories, bands: tuple[float, float] | None) -> npt.NDArray[np.float64] | None:
    return None if bands is None or len(found) == 1 else found.quantile(bands)


def _draw_band(
    ax: Axes,
    x: npt.NDArray[np.float64],
    mean: npt.NDArray[np.float64],
    edges: npt.NDArray[np.float64] | None,
    wanted: list[int],
    names: tuple[str, ...],
) -> None:
    for place in wanted:
        (line,) = ax.plot(x, mean[..., place], label=names[place])
        if edges is not None:
            ax.fill_between(
                x, edges[0][..., place], edges[1][..., place], color=line.get_color(), alpha=0.2, linewidth=0
            )


def _draw_sweep(found: Trajectories, wanted: list[int], ax: Axes, bands: tuple[float, float] | None) -> None:
    varying = [name for name, values in found.rates.items() if np.ptp(values) > 0]
    x = found.rates[varying[0]] if len(varying) == 1 else np.arange(found.points or 0, dtype=np.float64)
    order = np.argsort(x, kind="stable")
    edges = _edges(found, bands)
    _draw_band(
        ax, x[order], found.mean()[order], None if edges is None else edges[:, order], wanted, found.places
    )
    ax.set_xlabel(f"rate of {varying[0]}" if len(varying) == 1 else "point of the sweep")
    ax.set_ylabel("tokens at the end")


def _draw_paths(found: Trajectories, wanted: list[int], ax: Axes) -> None:
    shown = min(len(found), _MOST_PATHS)
    for i in range(shown):
        path = found.path(i)
        times = np.concatenate([[0.0], path.times, [max(found.end_times[i], path.times[-1:].max(initial=0))]])
        markings = np.concatenate([path.markings, path.markings[-1:]])
        for number, place in enumerate(wanted):
            label: dict[str, Any] = {"label": found.places[place]} if i == 0 else {}
            alpha = 1.0 if shown == 1 else max(0.15, 1 / shown**0.5)
            ax.step(times, markings[:, place], where="post", color=f"C{number % 10}", alpha=alpha, **label)
    ax.set_xlabel("time")
    ax.set_ylabel("tokens")


def _draw_distributions(found: Trajectories, wanted: list[int], ax: Axes) -> None:
    final = found.final[:, wanted]
    low, high = int(final.min(initial=0)), int(final.max(initial=0))
    width = max(1, -(-(high - low + 1) // _MOST_BINS))
    edges = np.arange(low, high + width + 1, width) - 0.5
    for column, place in enumerate(wanted):
        shares = np.histogram(final[:, column], edges)[0] / len(found)
        ax.stairs(shares, edges, label=found.places[place], fill=len(wanted) == 1)
    ax.set_xlabel("tokens at the end")
    ax.set_ylabel("share of replicas")


def _title(found: Trajectories, ax: Axes) -> None:
    many = f"{len(found):,} replicas" if len(found) != 1 else "1 replica"
    ax.set_title(f"{found._engine.name}: {many}" + (", some cut off" if found.reason else ""))
