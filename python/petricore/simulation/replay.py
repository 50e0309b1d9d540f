"""The markings that a sequence of firings goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["in_order_of_steps", "markings_along"]


def markings_along(
    engine: Engine, initial: npt.NDArray[np.int32], fired: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """The initial marking and that after each firing, int32 (E + 1, P). The firings are known to be possible."""
    markings = np.empty((len(fired) + 1, len(engine.places)), np.int32)
    markings[0] = initial
    if not any(transition.resets for transition in engine._transitions.values()):
        markings[1:] = engine.incidence.T[fired]
        return np.cumsum(markings, axis=0, dtype=np.int32, out=markings)
    inputs, outputs = engine.pre.T, engine.post.T
    keeps = engine._dense("resets").T == 0
    for i, transition in enumerate(fired):
        markings[i + 1] = (markings[i] - inputs[transition]) * keeps[transition] + outputs[transition]
    return markings


def in_order_of_steps(
    engine: Engine, times: npt.NDArray[np.float64], fired: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """The members of each step in an order that leads to the marking after it: those that reset a place come last."""
    resets = np.array([bool(transition.resets) for transition in engine._transitions.values()], np.bool_)
    return fired[np.lexsort((fired, resets[fired], times))] if len(fired) else fired
