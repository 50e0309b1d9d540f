"""`petricore simulate model.pnml`: means, spread and ends of many runs of a net, a plot, a table of all rows."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from petricore.cli.errors import UsageError
from petricore.cli.targets import load_net
from petricore.cli.verify import count, seconds
from petricore.engine import Engine
from petricore.errors import PetriError
from petricore.simulation.arguments import ALGORITHMS
from petricore.simulation.observables import (
    Final,
    FirstPassage,
    Maximum,
    Minimum,
    Observable,
    Throughput,
    TimeAverage,
    TimeIn,
)
from petricore.simulation.trajectories import Trajectories

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["OPTIONS", "add_net_arguments", "execute_net"]

OPTIONS = ("steps", "replicas", "semantics", "algorithm", "observe", "rate", "stop", "warmup", "limit", "grid",
           "place", "out")  # fmt: skip
"""What only nets have: an agent refuses it."""

_MEASURES: dict[str, type[Any]] = {
    "average": TimeAverage,
    "final": Final,
    "maximum": Maximum,
    "minimum": Minimum,
    "throughput": Throughput,
    "first": FirstPassage,
    "in": TimeIn,
}
_FORMATS = (".parquet", ".csv")
_MOST_ROWS = 30  # of a table for people


def add_net_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that only nets have."""
    group = parser.add_argument_group("nets", "One of --until, --steps and --stop is needed.")
    group.add_argument("--steps", metavar="N", type=count,
                       help="events of a replica, at most; alone: the token game, without time")  # fmt: skip
    group.add_argument("--replicas", metavar="N", type=count, help="how many runs (default: 1)")
    group.add_argument("--semantics", choices=("stochastic", "interleaving", "maximal"),
                       help="in time, or a firing or a maximal step at a time")  # fmt: skip
    group.add_argument("--algorithm", choices=("auto", *ALGORITHMS), metavar="NAME",
                       help=f"auto (the default) or one of {', '.join(ALGORITHMS)}")  # fmt: skip
    group.add_argument("--observe", metavar="NAME=WHAT", action="append", default=[],
                       help="measure an expression's average over time, like 'queue=a + b', or, with a word before "
                            f"a colon, otherwise: {', '.join(_MEASURES)}, like 'busy=in: a >= 1'; may be "
                            "repeated")  # fmt: skip
    group.add_argument("--rate", metavar="TRANSITION=RATE", action="append", default=[],
                       help="another rate than the file's; may be repeated")  # fmt: skip
    group.add_argument("--stop", metavar="FORMULA", help="a replica ends when this holds, like 'a >= 3'")
    group.add_argument("--warmup", metavar="TIME", type=seconds, help="averages over time begin there")
    group.add_argument("--limit", metavar="EVENTS", type=count, help="cut a replica off after so many events")
    group.add_argument("--grid", metavar="N", type=count, help="record the markings at so many times")
    group.add_argument("--place", metavar="NAME", action="append", default=[],
                       help="draw this place, and no others but those named so")  # fmt: skip
    group.add_argument("--out", metavar="FILE", type=Path, help="write all rows there: .parquet or .csv")


def execute_net(options: argparse.Namespace) -> int:
    """Simulate and print what was seen."""
    if options.out is not None and options.out.suffix not in _FORMATS:
        raise UsageError(f"--out {options.out} ends in neither of {', '.join(_FORMATS)}")
    if options.place and options.plot is None:
        raise UsageError("--place goes with --plot FILE")
    engine = load_net(options.target).compile()
    if unknown := [name for name in options.place if name not in engine.places]:
        raise UsageError(f"--place {unknown[0]}: there is no such place")
    for option, path in (("--out", options.out), ("--plot", options.plot)):
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"{option} {path}: there is no directory {path.parent}")
    figure = None if options.plot is None else _figure(options.plot)
    started = perf_counter()
    found = engine.simulate(
        until=options.until,
        steps=options.steps,
        replicas=options.replicas or 1,
        seed=options.seed,
        semantics=options.semantics,
        algorithm=options.algorithm or "auto",
        grid=options.grid,
        rates=dict(_rate(one) for one in options.rate) or None,
        observables=dict(_observable(one) for one in options.observe) or None,
        stop=options.stop,
        warmup=options.warmup or 0.0,
        limit=options.limit,
        threads=options.threads or 0,
        progress=None if options.json or not sys.stderr.isatty() else True,
    )
    summary = _summary(engine, found, perf_counter() - started)
    if options.json:
        print(json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _print(summary)
    try:
        if options.out is not None:
            found.to_parquet(options.out) if options.out.suffix == ".parquet" else found.to_csv(options.out)
        if figure is not None:
            found.plot(options.place or None, figure.subplots())
            figure.savefig(options.plot)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from error
    return 0


def _figure(path: Path) -> Figure:
    """An empty figure, if it can be written to `path`: known before an hour of simulation, not after."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise PetriError("--plot needs matplotlib: pip install 'petricore[simulation]'") from None
    figure = Figure(layout="constrained")
    formats = figure.canvas.get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in formats:
        raise UsageError(f"--plot {path}: the name ends in none of .{', .'.join(sorted(formats))}")
    return figure


def _summary(engine: Engine, found: Trajectories, wall: float) -> dict[str, Any]:
    names, counts = np.unique(found.ends, return_counts=True)
    firings = found.firings
    return {
        "net": engine.name,
        "replicas": len(found),
        "algorithm": found.algorithm,
        "seed": found.seed,
        "seconds": wall,
        "events": int(found.events.sum(dtype=np.uint64)),
        "ends": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "cut off": found.reason,
        "end time": _spread(found.end_times),
        "observables": {name: _spread(values) for name, values in found.observables.items()},
        "places": {name: _spread(found.final[:, i]) for i, name in enumerate(found.places)},
        "firings": {name: _spread(firings[:, i]) for i, name in enumerate(found.transitions)},
    }


def _spread(values: npt.NDArray[Any]) -> dict[str, float | None]:
    """What a person wants to know about many numbers; None for what is not finite."""
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95), method="inverted_cdf")
    finite = bool(np.isfinite(values).all())
    deviation = float(np.std(values, ddof=1)) if finite and len(values) > 1 else math.nan
    numbers = {
        "mean": float(np.mean(values)) if finite else math.nan,
        "error": 1.96 * deviation / math.sqrt(len(values)),
        "std": deviation,
        "5%": float(low),
        "median": float(middle),
        "95%": float(high),
    }
    return {name: number if math.isfinite(number) else None for name, number in numbers.items()}


def _print(summary: dict[str, Any]) -> None:
    ends = ", ".join(f"{number:,} {name}" for name, number in summary["ends"].items())
    many = "1 replica" if summary["replicas"] == 1 else f"{summary['replicas']:,} replicas"
    print(f"{summary['net']}: {many}, {summary['events']:,} events in "
          f"{summary['seconds']:.3g} s ({summary['algorithm']}, seed {summary['seed']}); ended by: {ends}")  # fmt: skip
    if summary["cut off"]:
        print(summary["cut off"])
    sections = (
        ("", {"end time": summary["end time"]}),
        ("observed", summary["observables"]),
        ("tokens at the end", summary["places"]),
        ("firings", summary["firings"]),
    )
    width = max(len(name) for _, rows in sections for name in list(rows)[:_MOST_ROWS] or [""])
    heading = "".join(f"{column:>12}" for column in ("mean", "+- 95%", "5%", "median", "95%"))
    print(f"  {'':<{width}}{heading}")
    for title, rows in sections:
        if title and rows:
            print(title)
        for name, spread in list(rows.items())[:_MOST_ROWS]:
            cells = (spread[column] for column in ("mean", "error", "5%", "median", "95%"))
            print(f"  {name:<{width}}" + "".join(f"{_cell(cell):>12}" for cell in cells))
        if len(rows) > _MOST_ROWS:
            print(f"  and {len(rows) - _MOST_ROWS:,} more: --json tells all")


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"


def _rate(given: str) -> tuple[str, float]:
    name, equals, number = given.rpartition("=")
    try:
        if not equals or not name:
            raise ValueError
        return name, float(number)
    except ValueError:
        raise UsageError(f"--rate {given!r} is not of the form TRANSITION=NUMBER") from None


def _observable(given: str) -> tuple[str, Observable]:
    name, equals, what = given.partition("=")
    if not equals or not name.strip() or not what.strip():
        raise UsageError(f"--observe {given!r} is not of the form NAME=EXPRESSION or NAME=MEASURE: ...")
    word, colon, text = what.partition(":")
    if colon and word.strip() in _MEASURES:
        return name.strip(), _MEASURES[word.strip()](text.strip())
    return name.strip(), TimeAverage(what.strip())
