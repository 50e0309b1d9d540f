"""The ways to a verdict: with and without reductions, on one thread and on two. Each gives the same.

`Engine.check` decides a small net by looking at all its markings before a reduction has its turn, and its threads
start when there is enough to do. So that small nets show what large ones would meet, a way leaves out what comes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import pytest

from petricore import Engine, Net, _core
from petricore.analysis import by_reduction, properties, reachability, temporal
from petricore.analysis.by_commoner import by_commoner
from petricore.analysis.by_coverability import by_coverability
from petricore.analysis.formula import Formula
from petricore.analysis.portfolio import Budget, Stage
from petricore.analysis.searching import full_search, reduced_search
from petricore.analysis.state_equation import by_state_equation
from petricore.analysis.verdict import Verdict
from petricore.analysis.walk import largest_seen, seen_enabled

_WITHOUT = (Stage(full_search),)
_WITH = tuple(
    map(Stage, (by_commoner, by_state_equation, by_reduction.by_reduction, reduced_search, by_coverability))
)
_STEPS = 200  # of a walk


@contextmanager
def threads_at_once() -> Iterator[None]:
    """Threads share a breadth-first search from its second marking on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_core, "StateSpace", partial(_core.StateSpace, parallel_from=1))
        yield


@dataclass(frozen=True)
class Way:
    """`reductions`: those decide that can, or nothing but a search of all markings does."""

    reductions: bool
    threads: int

    def __str__(self) -> str:
        return f"{'reductions' if self.reductions else 'all markings'} on {self.threads}"

    def check(self, net: Net, query: str | Formula, *, limit: int | None = None) -> Verdict:
        """`Engine.check`, this way."""
        with threads_at_once(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(reachability, "STAGES", _WITH if self.reductions else _WITHOUT)
            for module in (properties, temporal):
                patch.setattr(module, "_SMALL", 2 if self.reductions else 100)
            if self.reductions:
                _leave_out_what_comes_first(patch)
            return net.compile().check(query, limit=limit, threads=self.threads)


WAYS = tuple(Way(reductions, threads) for reductions in (False, True) for threads in (1, 2))


def _leave_out_what_comes_first(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(by_reduction, "_WORTH", 2.0)  # what a net loses is always enough
    patch.setattr(properties, "_two_turns", lambda budget: (replace(budget, states=2),))
    patch.setattr(properties, "live_search", _undecided)
    patch.setattr(properties, "largest_seen", partial(largest_seen, steps=_STEPS))
    patch.setattr(properties, "seen_enabled", partial(seen_enabled, steps=_STEPS))


def _undecided(_: Engine, __: tuple[str, ...], ___: Budget) -> Verdict:
    return Verdict(None, None, "left out")
