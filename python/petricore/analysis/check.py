"""`Engine.check`: one question, one verdict."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from petricore.analysis.formula import Compare, Formula, Property, places_of, subformulas, transitions_of
from petricore.analysis.parser import MAX_NUMBER, parse_formula
from petricore.analysis.portfolio import Budget
from petricore.analysis.properties import decide_property
from petricore.analysis.temporal import decide
from petricore.analysis.verdict import Verdict
from petricore.arguments import positive, seconds_of
from petricore.errors import NetError

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["check"]


def check(
    engine: Engine,
    formula: str | Formula,
    *,
    limit: int | None = None,
    memory: int | None = None,
    threads: int | None = None,
    timeout: float | None = None,
    progress: Callable[[int], object] | bool | None = None,
) -> Verdict:
    """See `Engine.check`."""
    states, most_bytes, most_threads = (
        None if value is None else positive(value, what, 0)
        for what, value in (("limit", limit), ("memory", memory), ("threads", threads))
    )
    seconds = seconds_of(timeout)
    if isinstance(formula, str):
        formula = parse_formula(formula, places=engine._place_index, transitions=engine._transition_index)
    elif isinstance(formula, Formula):
        _check_names(engine, formula)
    else:
        raise NetError(f"a formula is a string or a Formula, not {type(formula).__name__}")
    budget = Budget(
        deadline=None if seconds == math.inf else time.monotonic() + seconds,
        states=states,
        memory=most_bytes,
        threads=most_threads,
        progress=progress,
    )
    if isinstance(formula, Property):
        return decide_property(engine, formula, budget)
    return decide(engine, formula, budget)


def _check_names(engine: Engine, formula: Formula) -> None:
    kinds = (
        ("place", places_of(formula), engine._place_index),
        ("transition", transitions_of(formula), engine._transition_index),
    )
    for kind, names, known in kinds:
        for name in names:
            if name not in known:
                close = get_close_matches(name, known, n=3)
                hint = f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""
                raise NetError(f"the formula names the unknown {kind} {name!r}{hint}")
    for part in subformulas(formula):
        if isinstance(part, Compare) and abs(part.constant) > MAX_NUMBER + 1:
            raise NetError(f"a sum is compared with {part.constant}, beyond 2^62")
    if not isinstance(formula, Property):
        for part in subformulas(formula):
            if isinstance(part, Property):
                raise NetError(f"'{part}' is a property of the net: it stands alone, not inside a formula")
