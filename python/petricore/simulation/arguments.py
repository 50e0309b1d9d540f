"""What `Engine.simulate` is asked, checked: each error names the argument and the value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from operator import index
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from petricore.arrays import as_counts
from petricore.errors import NetError
from petricore.timing import MassAction, constant_rate

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = [
    "ALGORITHMS",
    "UNTIMED",
    "Semantics",
    "Sweep",
    "choice",
    "duration",
    "grid_of",
    "initial_of",
    "semantics_of",
    "sweep_of",
    "whole",
]

UNTIMED = {"interleaving": "token_game", "maximal": "maximal_step"}
"""The algorithm of each semantics without time."""

ALGORITHMS = ("direct", "next_reaction", "rejection", "tau_leaping", "event_driven", *UNTIMED.values())

_POINTS_OF_GRID = 101


class Semantics(NamedTuple):
    """What is run, and by what ("auto": to be chosen)."""

    name: str
    algorithm: str


def choice(what: str, value: object, choices: tuple[str, ...]) -> str:
    """`value`, if it is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        close = get_close_matches(value, choices, n=1) if isinstance(value, str) else []
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise NetError(f"{what} is one of {', '.join(map(repr, choices))}, not {value!r}{hint}")
    return value


def whole(what: str, value: object, least: int, most: int = 2**63 - 1) -> int:
    """`value`, if it is an integer in the range."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = index(value)  # type: ignore[arg-type]  # whatever is no index is refused here
    except TypeError:
        raise NetError(f"{what} is an integer, not {value!r} ({type(value).__name__})") from None
    if not least <= number <= most:
        at_most = "" if most == 2**63 - 1 and number < least else f" and at most {most}"
        raise NetError(f"{what} is at least {least}{at_most}, not {number}")
    return number


def duration(what: str, value: object, *, positive: bool = False) -> float:
    """`value`, if it is a finite time: at least 0, or above 0 if `positive`."""
    try:
        if isinstance(value, (bool, str, bytes)):
            raise TypeError
        number = float(value)  # type: ignore[arg-type]  # whatever is no number is refused here
    except (TypeError, ValueError, OverflowError):
        raise NetError(f"{what} is a number, not {value!r} ({type(value).__name__})") from None
    if not math.isfinite(number) or number < 0 or (positive and number == 0):
        raise NetError(f"{what} is finite and {'above' if positive else 'at least'} 0, not {number}")
    return number


def semantics_of(semantics: object, algorithm: object, *, steps_alone: bool) -> Semantics:
    """The semantics and the algorithm, if they go together."""
    algorithm = choice("algorithm", algorithm, ("auto", *ALGORITHMS))
    implied = {by: name for name, by in UNTIMED.items()}.get(algorithm)
    if semantics is None:
        timed = algorithm not in ("auto", *UNTIMED.values())
        semantics = implied or ("interleaving" if steps_alone and not timed else "stochastic")
    name = choice("semantics", semantics, ("stochastic", *UNTIMED))
    wanted = UNTIMED.get(name)
    if wanted is not None and algorithm not in ("auto", wanted):
        raise NetError(f"semantics={name!r} is run by {wanted!r}, not by algorithm={algorithm!r}")
    if wanted is None and implied is not None:
        raise NetError(f"algorithm={algorithm!r} is for semantics={implied!r}, not for {name!r}")
    return Semantics(name, wanted or algorithm)


def grid_of(
    record: object, grid: object, until: float | None, *, untimed_steps: int | None
) -> tuple[str, npt.NDArray[np.float64] | None]:
    """What to record, and the times of the grid.

    Without a time limit, the number of steps stands for it where a step takes one unit of time.
    """
    if record is None:
        record = "final" if grid is None else "grid"
    record = choice("record", record, ("final", "grid", "events"))
    if record != "grid":
        if grid is not None:
            raise NetError(f"grid goes with record='grid', not with record={record!r}")
        return record, None
    end = until if until is not None else untimed_steps
    if grid is None or (np.ndim(grid) == 0 and not isinstance(grid, (str, bytes))):  # type: ignore[arg-type]
        points = _POINTS_OF_GRID if grid is None else whole("grid", grid, 2)
        if end is None:
            raise NetError(f"a grid of {points} points needs until=, or give the times as an array")
        return record, np.linspace(0.0, end, points)
    try:
        times = np.array(grid, np.float64)
    except (TypeError, ValueError) as error:
        raise NetError(f"grid is a number of points or an array of times: {error}") from None
    if times.ndim != 1 or times.size == 0:
        raise NetError(
            f"grid is a number of points or a (G,) array of times, G > 0, not of shape {times.shape}"
        )
    if not np.all(np.isfinite(times)) or times[0] < 0:
        bad = times[~np.isfinite(times)]
        raise NetError(f"grid holds {(bad if bad.size else times)[0]}, where times are finite and at least 0")
    falls = np.flatnonzero(np.diff(times) < 0)
    if falls.size:
        at = int(falls[0])
        raise NetError(f"grid is ascending, but {times[at + 1]} follows {times[at]} at position {at + 1}")
    if until is not None and times[-1] > until:
        raise NetError(f"grid ends at {times[-1]}, after until={until:g}")
    return record, times


def initial_of(engine: Engine, initial: object, replicas: int) -> npt.NDArray[np.int32]:
    """The marking(s) to start from: (P,) or (R, P)."""
    if initial is None:
        return engine.initial_marking
    if isinstance(initial, Mapping):
        return engine.marking(initial)
    counts = as_counts(initial, len(engine.places), "initial", "place", batch=True)  # type: ignore[arg-type]
    if counts.ndim == 2 and len(counts) != replicas:
        raise NetError(f"initial has {len(counts)} rows, where there are {replicas} replicas")
    if counts.size and int(counts.min()) < 0:
        at = np.argwhere(counts < 0)[0]
        raise NetError(f"initial: place {engine.places[at[-1]]!r} holds {counts[tuple(at)]} tokens")
    return counts.copy()


class Sweep(NamedTuple):
    """The rates of each point, for the core, and what to tell of them."""

    points: int | None
    """None: no rate varies."""
    table: npt.NDArray[np.float64]
    """(K, T), or (0, 0) where the net's own rates hold."""
    given: dict[str, npt.NDArray[np.float64]]


def sweep_of(engine: Engine, rates: object, *, timed: bool) -> Sweep:
    """Rates by transition: numbers hold for all points, arrays (K,) have one for each."""
    if rates is None:
        return Sweep(None, np.empty((0, 0), np.float64), {})
    if not isinstance(rates, Mapping):
        raise NetError(f"rates is a mapping from transitions to numbers or arrays, not {rates!r}")
    if not timed and rates:
        raise NetError("rates are for semantics='stochastic': without time there are none")
    given = {name: _rates(engine, name, values) for name, values in rates.items()}
    if not given:
        return Sweep(None, np.empty((0, 0), np.float64), {})
    lengths = {name: len(values) for name, values in given.items() if values.ndim}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name!r} {length}" for name, length in lengths.items())
        raise NetError(f"rates: arrays of a sweep have the same length, but there are: {told}")
    points = next(iter(lengths.values()), None)
    own = [constant_rate(transition) for transition in engine._transitions.values()]
    table = np.tile(np.array(own, np.float64), (points or 1, 1))
    for name, values in given.items():
        table[:, engine._transition_index[name]] = values
        values.flags.writeable = False
    if points is not None:
        given = {name: np.broadcast_to(values, (points,)) for name, values in given.items()}
    return Sweep(points, table, given)


def _rates(engine: Engine, name: object, values: object) -> npt.NDArray[np.float64]:
    if not isinstance(name, str) or name not in engine._transition_index:
        close = get_close_matches(str(name), engine.transitions, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise NetError(f"rates: there is no transition {name!r}{hint}")
    transition = engine._transitions[name]
    if transition.weight is not None or transition.delay is not None:
        what = "is immediate" if transition.weight is not None else "has a delay of its own"
        raise NetError(f"rates: transition {name!r} {what}, it has no rate")
    if isinstance(values, MassAction):
        values = values.k
    try:
        if isinstance(values, (bool, str, bytes)):
            raise TypeError(f"{values!r}")
        array = np.array(values, np.float64)
    except (TypeError, ValueError) as error:
        raise NetError(f"rates[{name!r}] is a number or a (K,) array of numbers: {error}") from None
    if array.ndim > 1 or array.size == 0:
        raise NetError(f"rates[{name!r}] is a number or a (K,) array of numbers, not of shape {array.shape}")
    bad = array[~(np.isfinite(array) & (array >= 0))]
    if bad.size:
        raise NetError(f"rates[{name!r}] holds {bad.flat[0]}, where rates are finite and at least 0")
    return array
