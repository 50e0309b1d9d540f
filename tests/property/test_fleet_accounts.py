"""Accounts in a Fleet: who is served next, against the naive model and by what is promised."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from petricore._core import TAKE, Fleet
from tests.property.fleet_twins import Twins, random_spec

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


@given(SEEDS)
def test_while_an_account_has_something_ready_each_other_gets_one_claim_at_most(seed: int) -> None:
    random = Random(seed)
    while (spec := random_spec(random))["resources"]:
        pass
    fleet = Fleet(**(spec | {"priorities": []}))
    accounts = {
        session: account
        for account in range(random.randint(2, 4))
        for session in fleet.open(random.choice([1, 1, 8]), account).tolist()
    }
    slots = 1 + max((slot for *_, slot in spec["inputs"]), default=-1)
    passed_over: dict[int, Counter[int]] = {}
    for _ in range(60):
        n = random.randint(1, 5)
        keys = [[random.randrange(2)] * max(slots, 1) for _ in range(n)]
        with suppress(ValueError):  # beyond a capacity
            session, place = random.choice(sorted(accounts)), random.randrange(spec["places"])
            fleet.put(session, place, n, keys=keys, guards=[random.randrange(4) for _ in range(n)])
        for _ in range(random.randint(0, 3)):
            busy = {account for session, account in accounts.items() if fleet.enabled(session).size}
            passed_over = {account: passed_over.get(account, Counter()) for account in busy}
            claims = fleet.claim(1)
            assert len(claims) == bool(busy)
            for session in claims.sessions.tolist():
                served = accounts[session]
                del passed_over[served]
                for others in passed_over.values():
                    others[served] += 1
                    assert others[served] == 1
            if random.random() < 0.5:
                for number in claims.firings.tolist():
                    fleet.complete(number)


@given(SEEDS)
def test_a_request_is_served_after_one_turn_of_each_other_account_however_many_wait(seed: int) -> None:
    """The others ask again as soon as they have got something. A turn is one claim for each pool there is."""
    random = Random(seed)
    pools = {4 + r: random.randint(1, 4) for r in range(random.choice([1, 1, 2, 3]))}
    inputs = [(t, t, TAKE, 1, -1, -1) for t in range(4)]
    outputs = [(t, t, 1) for t in range(4)]
    alike = random.random() < 0.5  # everybody wants some of every pool; or the visitor wants the first only
    takers = set()
    for t in range(4):
        wanted = random.sample(sorted(pools), len(pools) if alike else random.randint(1, len(pools)))
        if t == 0 and not alike:
            wanted = [4]
        if 4 in wanted:
            takers.add(t)
        for pool in wanted:
            n = pools[pool] if t == 0 else random.randint(1, pools[pool])
            inputs.append((t, pool, TAKE, n, -1, -1))
            outputs.append((t, pool, n))
    fleet = Fleet(places=4 + len(pools), transitions=4, inputs=inputs, outputs=outputs, resources=pools)
    accounts = {
        session: account
        for account in range(1, 1 + random.randint(1, 4))
        for session in fleet.open(random.choice([1, 3, 40]), account).tolist()
    }
    for session in accounts:
        fleet.put(session, random.randint(1, 3))
    running = fleet.claim(100).rows()
    for _ in range(random.randint(0, 50)):
        running += _end_one(fleet, running, random)
    visitor = int(fleet.open()[0])
    fleet.put(visitor, 0)  # all tokens
    running += fleet.claim(100).rows()
    served: Counter[int] = Counter()
    for _ in range(2000):
        if visitor in [session for _, session, _, _ in running]:
            break
        claimed = _end_one(fleet, running, random)
        takes = [session for _, session, transition, _ in claimed if transition in takers]
        served.update(accounts[session] for session in takes if session != visitor)
        running += claimed
    else:
        raise AssertionError("it was never served")
    assert max(served.values(), default=0) <= len(pools)


def _end_one(fleet: Fleet, running: list[Any], random: Random) -> list[Any]:
    """End a firing; its session asks again. Returns what is claimed then."""
    number, _, transition, _ = running.pop(random.randrange(len(running)))
    fleet.complete(number, [transition])
    return fleet.claim(100).rows()
