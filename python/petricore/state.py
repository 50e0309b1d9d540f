"""`State`: one mutable marking with incremental enabling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from petricore import _core
from petricore.arguments import integer
from petricore.errors import NetError

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["State"]


class State:
    """A marking that fires in place. Only transitions that a changed place touches are looked at again.

    Made by `Engine.state()`. Calls from several threads wait for each other. A copy, pickled or not, is a new state at
    the same marking: what `run` draws depends on the firings so far, too, and a copy has none behind it.
    """

    def __init__(self, engine: Engine, core: _core.State) -> None:
        self.engine = engine
        self._core = core

    @property
    def marking(self) -> npt.NDArray[np.int32]:
        """int32 (P,): a live read-only view, no copy. It changes as the state fires."""
        return self._core.marking

    @property
    def enabled(self) -> npt.NDArray[np.int32]:
        """Indices of the enabled transitions, int32, ascending (a copy)."""
        return self._core.enabled

    def is_enabled(self, transition: str | int) -> bool:
        """Whether a transition, by name or index, is enabled. O(1)."""
        return self._core.is_enabled(self.engine._index_of(transition))

    def fire(self, transition: str | int) -> None:
        """Fire one transition, by name or index.

        Raises:
            NotEnabledError: it is not enabled.
            TokenOverflowError: a place would exceed 2^31 - 1 tokens.

        Nothing is changed then.
        """
        self.engine._call(self._core.fire, self.engine._index_of(transition))

    def run(self, steps: int, seed: int | None = None) -> int:
        """Fire up to `steps` transitions, each drawn uniformly from the enabled ones.

        Returns how many fired: fewer than `steps` only if nothing is enabled any more. Reproducible: the same
        net, firings so far, steps and seed give the same run. Stops on Ctrl-C, in a consistent state.

        Raises:
            TokenOverflowError: a place would exceed 2^31 - 1 tokens; the firings before that stay done.
        """
        from petricore.engine import seed_of

        number = integer(steps)
        if number is None or not 0 <= number < 2**63:
            raise NetError(f"steps is an integer between 0 and 2^63 - 1, not {steps!r}")
        return self.engine._call(self._core.run, number, seed_of(seed))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.engine, self._core.snapshot())

    def __repr__(self) -> str:
        return (
            f"<State of {self.engine.name!r}: {len(self.enabled)} of {len(self.engine.transitions)} enabled>"
        )


def _restored(engine: Engine, marking: npt.NDArray[np.int32]) -> State:
    return engine.state(marking)
