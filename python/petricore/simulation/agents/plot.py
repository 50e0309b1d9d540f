"""A simulation of an agent as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from petricore.simulation.agents.export import imported

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from petricore.simulation.agents.result import AgentSimulation

__all__ = ["plot"]

_BINS = 40
_POINTS = 400


def plot(result: AgentSimulation) -> Figure:
    """See `AgentSimulation.plot`. The figure belongs to no window: show it in a notebook, or `savefig` it."""
    figure: Figure = imported("matplotlib.figure", "plot()").Figure(figsize=(11, 7), layout="constrained")
    axes = figure.subplots(2, 2)
    figure.suptitle(f"{len(result):,} simulated sessions of {result.agent}")
    _spread(axes[0][0], result.makespan, "makespan [s]")
    _spread(axes[0][1], result.cost, "cost of a session")
    _over_time(axes[1][0], axes[1][1], result)
    return figure


def _spread(axis: Any, values: Any, label: str) -> None:
    axis.set(xlabel=label, ylabel="sessions")
    if not len(values):
        return
    # values that differ by rounding only have no room for bins between them
    bins = _BINS if np.ptp(values) > 1e-9 * np.abs(values).max() else 1
    axis.hist(values, bins=bins, color="tab:blue", alpha=0.6)
    for at, style in ((50, "-"), (90, "--"), (99, ":")):
        value = float(np.percentile(values, at))
        axis.axvline(value, color="black", linestyle=style, linewidth=1, label=f"p{at} {value:.4g}")
    axis.legend()


def _over_time(using: Any, queueing: Any, result: AgentSimulation) -> None:
    begin, end = result.horizon
    using.set(xlabel="time [s]", ylabel="in use", ylim=(0, 1.05))
    queueing.set(xlabel="time [s]", ylabel="firings that wait")
    if not result.resources or end <= begin:
        for axis in (using, queueing):
            axis.text(0.5, 0.5, "no shared resources", ha="center", va="center", transform=axis.transAxes)
        return
    edges = np.linspace(begin, end, _POINTS + 1)
    for one in result.resources.values():
        using.stairs(one.held.means(edges) / one.capacity, edges, label=one.name)
        queueing.stairs(one.queue.means(edges), edges, label=one.name)
    using.legend()
    queueing.legend()
