"""A simulation of an agent as data frames and as JSON."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from petricore.errors import NetError

if TYPE_CHECKING:
    import pandas

    from petricore.simulation.agents.result import AgentSimulation

__all__ = ["imported", "to_dict", "to_pandas"]

_PERCENTILES = (50, 90, 95, 99)


def imported(module: str, purpose: str) -> Any:
    """An optional library. Raises `ModuleNotFoundError` that says what to install."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        library = module.partition(".")[0]
        raise ModuleNotFoundError(
            f"{purpose} needs {library}: pip install 'petricore[simulation]'", name=error.name
        ) from error


def to_pandas(result: AgentSimulation, table: str) -> pandas.DataFrame:
    """See `AgentSimulation.to_pandas`."""
    frame: pandas.DataFrame = _frame(imported("pandas", "to_pandas()"), result, table)
    return frame


def _frame(pd: Any, result: AgentSimulation, table: str) -> Any:
    match table:
        case "sessions":
            columns = {
                "arrived": result.arrived,
                "ended": result.ended,
                "makespan": result.makespan,
                "waiting": result.waiting,
                **{f"waiting for {name}": result.waiting_for(name) for name in result.resources},
                "people": result.people,
                "cost": result.cost,
                "firings": result.firings,
                "failures": result.failures,
                "end": list(result.end),
                "left": [dict(one) for one in result.left],
            }
            return pd.DataFrame(columns, index=pd.RangeIndex(len(result), name="session"))
        case "firings":
            return pd.DataFrame(result.firing_rows())
        case "transitions":
            rows = [
                {one.name: getattr(use, one.name) for one in fields(use)}
                for use in result.transitions.values()
            ]
            return pd.DataFrame(rows).set_index("name")
        case "resources":
            return pd.DataFrame(_resources(result)).set_index("name")
    raise NetError(
        f"to_pandas has the tables 'sessions', 'firings', 'transitions' and 'resources', not {table!r}"
    )


def to_dict(result: AgentSimulation) -> dict[str, Any]:
    """See `AgentSimulation.to_dict`."""
    neck = result.bottleneck
    return {
        "agent": result.agent,
        "seed": result.seed,
        "sessions": len(result),
        "absent": result.absent,
        "ends": result.ends,
        "stuck": result.stuck,
        "failures": int(result.failures.sum()),
        "horizon": list(result.horizon),
        **{name: _spread(getattr(result, name)) for name in ("makespan", "waiting", "people", "cost")},
        "total_cost": float(result.cost.sum()),
        "bottleneck": None if neck is None else {one.name: getattr(neck, one.name) for one in fields(neck)},
        "critical_path": [{"kind": kind, "name": name, "seconds": seconds}
                          for (kind, name), seconds in result.critical_path.items()],
        "resources": _resources(result),
        "transitions": [{one.name: getattr(use, one.name) for one in fields(use)}
                        for use in result.transitions.values()],
        "assumptions": list(result.assumptions),
    }  # fmt: skip


def _spread(values: Any) -> dict[str, float]:
    if not len(values):
        return {}
    points = np.percentile(values, _PERCENTILES)
    return {
        "mean": float(values.mean()),
        **{f"p{at}": float(value) for at, value in zip(_PERCENTILES, points, strict=True)},
        "max": float(values.max()),
    }


def _resources(result: AgentSimulation) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "capacity": one.capacity,
            "window": one.window,
            "firings": one.firings,
            "utilisation": one.utilisation,
            "mean_queue": one.queue.mean,
            "max_queue": one.queue.most,
            "mean_wait": one.mean_wait,
            "waiting": one.waiting,
        }
        for one in result.resources.values()
    ]
