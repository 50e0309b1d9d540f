"""A hang that a report is sure of does happen, in some run of the agent."""

from __future__ import annotations

import warnings
from random import Random
from typing import Any

from hypothesis import HealthCheck, assume, given, settings

from petricore import NetError
from petricore.agent.declaration import Mode
from tests.property.test_verify_abstraction import agents, build, outcome

RUNS = 400


@settings(
    max_examples=max(1, settings.default.max_examples * 15 // 100),  # each is hundreds of runs
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
@given(agents())
def test_a_certain_hang_happens_in_some_run(
    drawn: tuple[list[dict[str, Any]], dict[int, int], bool, int],
) -> None:
    rows, counts, note, seed = drawn
    random = Random(seed)
    try:
        agent = build(rows, note, random)
        tokens = {
            f"T{place}": count for place, count in counts.items() if count and f"T{place}" in agent.places
        }
        report = agent.verify(tokens, limit=5_000)
    except NetError:
        assume(False)
    after = report["no hang after failures"]
    assume(after.verdict is False and len(after.witness or ()) <= 3)
    inputs = [one for spec in agent.transitions.values() for one in spec.inputs if one.mode is not Mode.READ]
    wanted = {one.place.name for one in inputs}
    left = {place: count for place, count in after.left.items() if place in wanted}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert any(
            {place: count for place, count in marking.items() if place in wanted and count} == left
            for marking in (outcome(agent, tokens, random).marking for _ in range(RUNS))
        ), after
