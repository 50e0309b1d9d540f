"""The algorithm for a net, when nobody names one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from petricore import _core
from petricore.errors import NetError

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["choose"]

MOST_FOR_DIRECT = 64
MOST_FOR_NEXT_REACTION = 256
"""Numbers of transitions: beyond them adding up all rates costs more per event than a heap, and that more than
composition and rejection, on rings and on independent birth-death processes (benchmarks of 4 to 3,000 transitions).
"""


def choose(engine: Engine, algorithm: str, device: str) -> str:
    """`algorithm`, if it can run the net; for "auto" an exact one that suits the net.

    Raises:
        NetError: the algorithm cannot run the net, and why.
    """
    if algorithm != "auto":
        if reason := _core.unsupported(algorithm, engine._timed):
            raise NetError(f"algorithm={algorithm!r} cannot run this net: {reason}")
        return algorithm
    transitions = engine._transitions.values()
    if any(transition.delay is not None for transition in transitions):
        return "event_driven"
    if device == "cuda":  # which runs no other
        return "direct"
    if len(engine.transitions) <= MOST_FOR_DIRECT:
        return "direct"
    return "next_reaction" if len(engine.transitions) <= MOST_FOR_NEXT_REACTION else "rejection"
