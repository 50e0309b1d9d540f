"""Witnesses are replayed on the engine before anybody sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from petricore.analysis.formula import Formula
from petricore.analysis.predicate import compile_predicate
from petricore.errors import NotEnabledError

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["holds_initially", "marking_after", "verified"]


def marking_after(engine: Engine, witness: Sequence[str]) -> npt.NDArray[np.int32]:
    """The marking that the transitions lead to from the initial one, (P,). Raises `NotEnabledError`."""
    state = engine.state()
    for transition in witness:
        state.fire(transition)
    return np.array(state.marking)


def verified(engine: Engine, witness: Sequence[str], goal: Formula, method: str) -> tuple[str, ...]:
    """The witness, once it has fired and the goal (a state formula) holds where it ends.

    Raises:
        AssertionError: it does not: the method is wrong, and its verdict must not be used.
    """
    try:
        marking = marking_after(engine, witness)
    except NotEnabledError as error:
        raise AssertionError(f"internal error: a witness of {method!r} does not fire: {error}") from error
    if not compile_predicate(engine, goal).holds(marking):
        raise AssertionError(f"internal error: a witness of {method!r} ends where {goal} is false")
    return tuple(witness)


def holds_initially(engine: Engine, formula: Formula) -> bool:
    """Whether a state formula holds in the initial marking."""
    return compile_predicate(engine, formula).holds(engine.initial_marking)
