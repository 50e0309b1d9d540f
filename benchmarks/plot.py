"""`python -m benchmarks.plot RESULTS.json FILE.svg`: what an event of a simulation costs, drawn from saved figures.

Left over the size of the net, for one replica at a time; right over the number of replicas of a small net.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from benchmarks.method import OURS, Figure

Lines = dict[str, list[tuple[int, float]]]

_STYLES = {OURS: "o-", "direct": ":", "next reaction": "--", "rejection": "-."}


def main() -> None:
    """Read the results named first, write the drawing named second."""
    results, drawing = map(Path, sys.argv[1:])
    figures = [Figure(**one) for one in json.loads(results.read_text())["figures"]]
    mpl.rcParams["svg.hashsalt"] = drawing.stem  # the same figures, the same file
    canvas = Drawing(figsize=(10, 4), layout="constrained")
    by_size, by_replicas = canvas.subplots(1, 2, sharey=True)
    _draw_sizes(by_size, [one for one in figures if one.name == "simulation, size"])
    _draw_replicas(by_replicas, [one for one in figures if one.name == "simulation, replicas"])
    canvas.savefig(drawing, metadata={"Date": None})


def _draw_sizes(axes: Axes, figures: list[Figure]) -> None:
    families: dict[str, Lines] = defaultdict(lambda: defaultdict(list))
    for figure in figures:
        family = figure.case.partition(" of ")[0]
        for contender, rate in figure.values.items():
            families[family][contender].append((_number_in(figure.case), 1e9 / rate))
    for color, (family, lines) in enumerate(families.items()):
        for contender, points in lines.items():
            ours = contender == OURS
            label = f"{family}: auto" if ours else f"{family}: {contender}"
            axes.plot(
                *_columns(points), _STYLES[contender], color=f"C{color}", lw=2 if ours else 1, label=label
            )
    axes.set_xlabel("transitions")
    axes.set_ylabel("CPU nanoseconds per event")
    axes.set_ylim(2, 2000)
    _logarithmic(axes, columns=2)


def _draw_replicas(axes: Axes, figures: list[Figure]) -> None:
    points = [(_number_in(figure.case.rpartition(", ")[2]), 1e9 / figure.values[OURS]) for figure in figures]
    net = figures[0].case.rpartition(", ")[0]
    axes.plot(*_columns(points), _STYLES[OURS], color="C2", lw=2, label=f"{net}: auto")
    axes.set_xlabel("replicas")
    _logarithmic(axes)


def _logarithmic(axes: Axes, columns: int = 1) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="lower right", ncols=columns)


def _number_in(text: str) -> int:
    found = re.search(r"\d[\d,]*", text)
    assert found is not None, text
    return int(found[0].replace(",", ""))


def _columns(points: list[tuple[int, float]]) -> tuple[list[int], list[float]]:
    points = sorted(points)
    return [x for x, _ in points], [y for _, y in points]


main()
