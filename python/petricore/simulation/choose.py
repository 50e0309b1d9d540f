"""The algorithm for a net, when nobody names one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from petricore import _core
from petricore.errors import NetError

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["choose"]

MOST_FOR_DIRECT = 100
"""Transitions up to which the direct method is chosen. Alone, a replica is faster by composition and rejection from 50
on; a thousand side by side are not up to 150. How many there are must not matter: a replica is the same in any batch.
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
    return "direct" if len(engine.transitions) <= MOST_FOR_DIRECT else "rejection"
