"""The timed half of a net, as the core simulates it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from petricore import _core
from petricore.errors import NetError
from petricore.timing import core_names, lower

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["timed_net"]


def timed_net(engine: Engine) -> _core.TimedNet:
    """When and how often the transitions of `engine` fire. Costs O(transitions + arcs).

    Raises:
        NetError: a transition cannot be simulated, such as one with infinitely many servers that are all busy.
    """
    try:
        return _core.TimedNet(engine._core, *lower(engine._transitions), core_names(engine.places))
    except ValueError as error:  # of what `Net` lets pass; the core knows numbers only
        said = re.sub(
            r"^transition (\d+)",
            lambda found: f"transition {engine.transitions[int(found[1])]!r}",
            str(error),
        )
        raise NetError(said) from None
