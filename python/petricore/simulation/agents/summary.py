"""The report of a simulation as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from petricore.simulation.agents.result import AgentSimulation

__all__ = ["summary"]

_SHOWN = 5
_MENTIONED = 0.005  # of the makespan: less reads as 0%


def summary(result: AgentSimulation) -> str:
    """See `AgentSimulation.summary`."""
    return "\n".join(_lines(result))


def _lines(result: AgentSimulation) -> Iterator[str]:
    ends = ", ".join(f"{number:,} {end}" for end, number in result.ends.items()) or "none arrived"
    yield f"{len(result):,} sessions of {result.agent!r}: {ends} (seed {result.seed})"
    if result.absent:
        yield f"{result.absent:,} more had not arrived when the time was up"
    if not len(result):
        return
    if result.stuck:
        left = ", ".join(f"{tokens:,} in {place}" for place, tokens in result.stuck.items())
        yield f"tokens left in the stuck ones: {left}"
    if "limit" in result.ends:
        yield "what was cut counts with what it had done by then"
    if failures := int(result.failures.sum()):
        yield f"firings that failed for good: {failures:,}"
    yield ""
    rows: list[tuple[str, ...]] = [("", "mean", "p50", "p90", "p99", "max")]
    for name, values in (
        ("makespan [s]", result.makespan),
        ("waiting for resources [s]", result.waiting),
        ("waiting for people [s]", result.people),
        ("cost", result.cost),
    ):
        points = np.percentile(values, (50, 90, 99))
        rows.append((name, *(_number(one) for one in (values.mean(), *points, values.max()))))
    yield from _table(rows)
    yield f"cost of all: {_number(result.cost.sum())}"
    if result.resources:
        yield ""
        rows = [("resource", "size", "in use", "queue", "longest", "mean wait [s]")]
        for one in result.resources.values():
            size = f"{one.capacity}" if one.window is None else f"{one.capacity} per {one.window:g} s"
            rows.append((one.name, size, f"{one.utilisation:.0%}", _number(one.queue.mean), f"{one.queue.most:,}",
                         _number(one.mean_wait)))  # fmt: skip
        yield from _table(rows)
    yield ""
    rows = [("transition", "firings", "attempts", "failed", "busy [s]", "waited [s]", "cost")]
    for use in result.transitions.values():
        rows.append((use.name, f"{use.firings:,}", f"{use.attempts:,}", f"{use.failures:,}",
                     *(_number(one) for one in (use.busy, use.waiting, use.cost))))  # fmt: skip
    yield from _table(rows)
    yield ""
    yield f"bottleneck: {result.bottleneck or 'none, the sessions took no time'}"
    mean = float(result.makespan.mean())
    for (kind, name), seconds in list(result.critical_path.items())[1:_SHOWN]:
        if seconds >= _MENTIONED * mean:
            yield f"  then {kind} {name}: {_number(seconds)} s a session, {seconds / mean:.0%}"
    if result.assumptions:
        yield ""
        yield "assumed:"
        yield from (f"- {one}" for one in result.assumptions)


def _number(value: Any) -> str:
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        yield "  ".join(cells).rstrip()
