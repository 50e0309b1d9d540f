"""Accounts in a Fleet: who is served next, against the naive model and by what is promised."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from petricore._core import TAKE, Fleet
from tests.property.fleet_twins import Twins

SEEDS = st.integers(0, 2**32 - 1)


def contention(random: Random) -> dict[str, Any]:
    """Transitions that each take from a place of their own and need some of three resources."""
    transitions = random.randint(1, 5)
    pools = {transitions + r: random.randint(1, 3) for r in range(random.randint(1, 3))}
    inputs = [(t, t, TAKE, 1, -1, -1) for t in range(transitions)]
    outputs = [(t, t, 1) for t in range(transitions)]
    for t in range(transitions):
        for pool, tokens in random.sample(sorted(pools.items()), random.randint(0, len(pools))):
            n = random.randint(1, tokens)
            inputs.append((t, pool, TAKE, n, -1, -1))
            outputs.append((t, pool, n))
    return {
        "places": transitions + len(pools),
        "transitions": transitions,
        "inputs": inputs,
        "outputs": outputs,
        "priorities": [random.choice([0, 0, 0, 1]) for _ in range(transitions)],
        "resources": pools,
    }


@given(SEEDS)
def test_accounts_that_contend_for_resources_are_served_as_the_model_says(seed: int) -> None:
    random = Random(seed)
    twins = Twins(contention(random))
    for account in range(random.randint(1, 4)):
        twins.open(random.randint(1, 3), account)
    for _ in range(80):
        running = sorted(twins.model.firings)
        match random.choice(
            ["put", "put", "claim", "claim", "end", "end", "end", "release", "drop", "close"]
        ):
            case "put":
                twins.put_somewhere(random)
            case "claim":
                twins.claim(random.randint(0, 4))
            case "end" if running:
                twins.complete(random, random.choice(running))
            case "release" if running:
                twins.release(random.choice(running))
            case "drop":
                twins.drop_any(random)
            case "close" if random.random() < 0.2:
                account = random.randrange(4)
                twins.close(random.choice(twins.model.sessions))
                twins.open(account=account)
        assert twins.fleet.resources() == twins.model.free
        assert (twins.fleet.pending, twins.fleet.stalled) == (twins.model.pending, twins.model.stalled)
