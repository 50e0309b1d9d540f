"""What a replica cannot go on after, said with names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from petricore import _core
from petricore.errors import PetriError, SimulationError, TokenOverflowError
from petricore.net import MAX_TOKENS
from petricore.simulation.trajectories import Run

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["named"]

_MOST_NAMED = 8


def named(engine: Engine, run: Run, fault: _core.SimulationFault) -> PetriError:
    """The error for a fault of the core."""
    point, row = divmod(fault.replica, run.replicas)
    replica = run.first_replica + row
    where = f"replica {replica}" if run.points is None else f"replica {replica} of point {point}"
    where = f"{where} at time {fault.time:g}"
    match fault.kind:
        case "overflow":
            place = engine.places[fault.index]
            count = int(fault.value)
            return TokenOverflowError(
                f"{where}: place {place!r} would hold {count} tokens, above {MAX_TOKENS}",
                marking=row,
                place=place,
                count=count,
            )
        case "rate":
            transition = engine.transitions[fault.index]
            text = engine._transitions[transition].rate
            by = f" ({text})" if isinstance(text, str) else ""
            what = f"transition {transition!r} has the rate {fault.value}{by}, where rates are finite and at least 0"
            if math.isfinite(fault.value) and fault.value >= 0:
                what = (
                    f"all rates together are infinite, that of transition {transition!r} is {fault.value}{by}"
                )
            loop: tuple[str, ...] = ()
        case _:
            transition = engine.transitions[fault.index]
            loop = tuple(engine.transitions[t] for t in fault.loop)
            names = ", ".join(map(repr, loop[:_MOST_NAMED])) + (", ..." if len(loop) > _MOST_NAMED else "")
            what = f"no time passes, for these transitions fire in none, {fault.value:,.0f} times by now: {names}"
    return SimulationError(
        f"{where}: {what}",
        replica=replica,
        point=None if run.points is None else point,
        time=fault.time,
        transition=transition,
        loop=loop,
    )
