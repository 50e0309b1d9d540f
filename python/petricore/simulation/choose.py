"""The algorithm for a net, when nobody names one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from petricore import _core
from petricore.errors import NetError

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["choose"]

ALWAYS_DIRECT, NEVER_DIRECT = 100, 500
PER_TOUCHED = 25
"""The direct method up to 100 transitions, and up to 500 where a firing touches many others: 25 for each.

CPU nanoseconds per event, one replica alone and then a thousand, by T transitions (2 x AMD EPYC with AVX-512, 2026-11):

    a ring of queues, T             50      100      200     1000     touched: 2
      direct                   82 / 27 110 / 45 158 / 60 529 / 511
      composition-rejection    47 / 48  49 / 38  49 / 38  58 /  46
    births and deaths, T            50      100      200     1000     touched: 1
      direct                   68 / 18  97 / 37 147 / 67 498 / 506
      composition-rejection    63 / 64  74 / 70  76 / 70  79 /  77
    random reactions, T             50      100      200      500     touched: 18
      direct                  264 / 38 289 / 65 384 /134 653 / 283
      composition-rejection   429 /436 499 /512 504 /558 600 / 561

Next reaction is between the two or behind both. Alone and in bulk the lines cross at different sizes: the limit is
where the one loses what the other gains. It may not depend on how many replicas there are, for a replica is the same in
any batch.
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
    return "direct" if _suits_direct(engine) else "rejection"


def _suits_direct(engine: Engine) -> bool:
    count = len(engine.transitions)
    if not ALWAYS_DIRECT < count <= NEVER_DIRECT:
        return count <= ALWAYS_DIRECT
    return count <= PER_TOUCHED * _touched(engine)


def _touched(engine: Engine) -> float:
    """How many transitions, on average, have an arc from a place that a firing changes; one with two counts twice."""
    transitions = engine._transitions.values()
    asked = Counter(place for t in transitions for place in {*t.inputs, *t.reads, *t.inhibitors})
    touched = 0
    for transition in transitions:
        kept = {
            place for place, weight in transition.inputs.items() if transition.outputs.get(place) == weight
        }
        changed = {*transition.inputs, *transition.outputs, *transition.resets} - (
            kept - {*transition.resets}
        )
        touched += sum(asked[place] for place in changed)
    return touched / len(transitions)
