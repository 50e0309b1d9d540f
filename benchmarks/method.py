"""How a figure is measured: contenders in turn, several rounds, medians, and ratios within the run."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median

from petricore import _core

OURS = "petricore"


@dataclass(frozen=True)
class Figure:
    """One line of the table: a case, and what each contender reached (larger is better unless `less`)."""

    name: str
    case: str
    unit: str
    values: Mapping[str, float]
    less: bool = False
    note: str = ""

    def ratio(self, contender: str) -> float:
        """How many times better petricore is than the contender."""
        ours, theirs = self.values[OURS], self.values[contender]
        return theirs / ours if self.less else ours / theirs


Contender = Callable[[], float]


def compare(contenders: Mapping[str, Contender], rounds: int) -> dict[str, float]:
    """The median of each contender's own figure; they run in turn, so that the machine's drift meets them all."""
    results: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            results[name].append(contender())
    return {name: median(values) for name, values in results.items()}


def per_cpu_second(work: Callable[[], int]) -> Contender:
    """Units of work per second of this process's CPU time; `work` returns how many units it did."""

    def measure() -> float:
        start = time.process_time()
        done = work()
        return done / (time.process_time() - start)

    return measure


def wall_seconds(work: Callable[[], object]) -> Contender:
    """Seconds of the clock on the wall."""

    def measure() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return measure


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": f"{len(models)} x {models[0]}" if models else platform.processor(),
        "simd": _core.simd_level(),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "petricore": version("petricore"),
        "load": f"{os.getloadavg()[1]:.1f}",
        "date": time.strftime("%Y-%m-%d"),
    }


def number(value: float) -> str:
    """Three significant digits, with the suffix people read."""
    for limit, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.3g}{suffix}"
    return f"{value:.3g}"


def times(ratio: float) -> str:
    """Two significant digits, never as a power of ten."""
    return f"{ratio:.2g}" if ratio < 100 else f"{float(f'{ratio:.2g}'):,.0f}"


def table(figures: Iterable[Figure]) -> str:
    """The figures as Markdown: one row a case, the contenders with how many times better petricore is."""
    lines = ["| | petricore | beside it, and how many times better petricore is |", "|---|---|---|"]
    for figure in figures:
        beside = ", ".join(
            f"{name} {number(value)} (**{times(figure.ratio(name))}x**)"
            for name, value in figure.values.items()
            if name != OURS
        )
        ours = f"{number(figure.values[OURS])} {figure.unit}"
        lines.append(f"| {figure.name}: {figure.case} | {ours} | {beside or figure.note} |")
    return "\n".join(lines)
