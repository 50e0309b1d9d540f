"""A session that was saved and loaded, or replayed from its history, goes on as the one it was."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petricore._core import Fleet
from tests.property.fleet_twins import random_spec

KEYS = 3
SEEDS = st.integers(0, 2**32 - 1)


class Pair:
    """One session in two fleets, and what the ids of the first are called in the second."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.slots = 1 + max((slot for *_, slot in spec["inputs"]), default=-1)
        self.scatters = set(spec["scatters"])
        self.first = Fleet(**spec)
        self.session = int(self.first.open()[0])
        self.second = Fleet(**spec)
        self.other = int(self.second.open()[0])
        self.tokens: dict[int, int] = {}
        self.firings: dict[int, int] = {}
        self.transitions: dict[int, int] = {}
        self.exact = False
        """Claims of the second are told what to take."""

    def reload(self) -> None:
        """The second fleet's session is now what the first one's save says."""
        data, tokens, firings = self.first.save(self.session)
        self.second.close(self.other)
        self.other, new_tokens, new_firings = self.second.load(data)
        self.tokens = dict(zip(tokens.tolist(), new_tokens.tolist(), strict=True))
        self.firings = dict(zip(firings.tolist(), new_firings.tolist(), strict=True))

    def step(self, random: Random) -> None:
        """The same operation on both."""
        running = sorted(self.firings)
        do = random.choice(
            ["put", "put", "claim", "claim", "claim", *(["end", "emit", "fail", "back"] if running else [])]
        )
        if do == "put":
            self._put(random)
        elif do == "claim" and len(running) < 20:
            self._claim()
        elif running:
            self._end(do, random, random.choice(running))

    def _put(self, random: Random) -> None:
        place, n = random.randrange(self.spec["places"]), random.randint(1, 4)
        keys = np.array([[random.randrange(KEYS) for _ in range(max(self.slots, 1))] for _ in range(n)])
        guards = np.array([random.randrange(4) for _ in range(n)], np.uint64)
        arguments = {"keys": keys[:, 0] if self.slots < 2 else keys, "guards": guards}
        self._both(lambda fleet, session, _: fleet.put(session, place, n, **arguments))

    def _claim(self) -> None:
        rows = self.first.claim(1).rows()
        if not rows:
            if not self.exact:
                assert self.second.claim(1).rows() == []
            return
        ((number, _, transition, arcs),) = rows
        mapped = [[self.tokens[token] for token in arc] for arc in arcs]
        if self.exact:
            self.firings[number] = self.second.claim_exactly(self.other, transition, mapped)
        else:
            ((other, session, same, tokens),) = self.second.claim(1).rows()
            assert (session, same, tokens) == (self.other, transition, mapped)
            self.firings[number] = other
        self.transitions[number] = transition

    def _end(self, do: str, random: Random, number: int) -> None:
        transition = self.transitions[number]
        outputs = [place for t, place, _ in self.spec["outputs"] if t == transition]
        places = [random.choice(outputs) for _ in range(random.randint(0, 2))] if outputs else []
        members = [(transition, place) in self.scatters for place in places]
        opened = [place for t, place in self.spec["scatters"] if t == transition and random.random() < 0.5]
        n = len(places)
        keys = [[random.randrange(KEYS) for _ in range(max(self.slots, 1))] for _ in range(n)]
        marks = {
            "keys": np.array(keys, np.int64).reshape(n, -1)[:, 0]
            if self.slots < 2 and n
            else np.array(keys, np.int64).reshape(n, max(self.slots, 1)),
            "guards": np.array([random.randrange(4) for _ in range(n)], np.uint64),
        }

        def act(fleet: Fleet, _session: int, firing: int) -> Any:
            if do == "back":
                if number % 2:
                    return fleet.release(firing)
                return fleet.refuse(firing, [(place, 1) for place in range(self.spec["places"])])
            if do == "fail":
                return fleet.fail(firing)
            put = fleet.emit if do == "emit" else fleet.complete
            return put(firing, places, members=members, opened=opened, **marks)

        self._both(act, number)
        if do != "emit":
            self.firings.pop(number, None)

    def _both(self, act: Any, firing: int | None = None) -> None:
        results = []
        for fleet, session, number in (
            (self.first, self.session, firing),
            (self.second, self.other, self.firings.get(firing, -1) if firing is not None else None),
        ):
            try:
                results.append(act(fleet, session, number))
            except ValueError as refused:
                results.append(type(refused))
        first, second = results
        assert isinstance(first, type) == isinstance(second, type), results
        if isinstance(first, np.ndarray):
            self.tokens.update(zip(first.tolist(), second.tolist(), strict=True))
        elif isinstance(first, type) and firing is not None:
            # refused on both: the firing goes on, so that it ends another way
            raise RefusedError

    def compare(self) -> None:
        """Everything that can be seen of the two is the same, ids aside."""
        first, second = self.first, self.second
        assert first.marking(self.session).tolist() == second.marking(self.other).tolist()
        assert first.enabled(self.session).tolist() == second.enabled(self.other).tolist()
        for place in range(self.spec["places"]):
            mine = [self.tokens[token] for token in first.tokens(self.session, place).tolist()]
            assert mine == second.tokens(self.other, place).tolist()
        assert [self.firings[f] for f in first.firings(self.session).tolist()] == second.firings(
            self.other
        ).tolist()
        waits = [
            (w.place, [self.tokens[t] for t in w.members], sorted(self.tokens[t] for t in w.blockers),
             sorted(self.firings[f] for f in w.firings))
            for w in first.waiting(self.session)
        ]  # fmt: skip
        assert waits == [
            (w.place, list(w.members), sorted(w.blockers), sorted(w.firings))
            for w in second.waiting(self.other)
        ]


class RefusedError(Exception):
    """Both fleets refused an emission."""


def without_resources(random: Random) -> dict[str, Any]:
    while (spec := random_spec(random, gathers=0.5))["resources"]:
        pass
    return spec


@given(SEEDS, st.booleans())
def test_a_loaded_session_goes_on_as_the_one_it_was_saved_from(seed: int, again: bool) -> None:
    random = Random(seed)
    pair = Pair(without_resources(random))
    for _ in range(random.randint(0, 30)):
        _try(pair, random)
    pair.reload()
    pair.compare()
    for i in range(30):
        _try(pair, random)
        pair.compare()
        if again and i == 15:
            pair.reload()
    data, _, _ = pair.first.save(pair.session)
    same, _, _ = pair.second.save(pair.other)
    assert data == same


@given(SEEDS)
def test_a_history_replayed_with_exact_claims_comes_to_the_same_session(seed: int) -> None:
    random = Random(seed)
    pair = Pair(without_resources(random))
    pair.exact = True
    for _ in range(60):
        _try(pair, random)
        pair.compare()


def _try(pair: Pair, random: Random) -> None:
    with suppress(RefusedError):
        pair.step(random)


@given(SEEDS)
def test_damaged_bytes_are_refused_and_change_nothing(seed: int) -> None:
    random = Random(seed)
    pair = Pair(without_resources(random))
    for _ in range(20):
        _try(pair, random)
    data = bytearray(pair.first.save(pair.session)[0])
    before = pair.second.sessions
    for damaged in (data[: random.randrange(len(data))], _flipped(data, random), bytes(data) + b"\0"):
        with pytest.raises(ValueError, match="saved session"):
            pair.second.load(bytes(damaged))
    assert pair.second.sessions == before


def _flipped(data: bytearray, random: Random) -> bytearray:
    changed = bytearray(data)
    changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return changed


def test_a_session_of_another_net_is_refused() -> None:
    one = Fleet(places=2, transitions=1, inputs=[(0, 0, 0, 1, -1, -1)], outputs=[(0, 1, 1)])
    two = Fleet(places=2, transitions=1, inputs=[(0, 0, 0, 2, -1, -1)], outputs=[(0, 1, 1)])
    with pytest.raises(ValueError, match="another net"):
        two.load(one.save(int(one.open()[0]))[0])


def test_loaded_firings_take_from_pools_and_may_overdraw_them() -> None:
    spec: dict[str, Any] = {
        "places": 3,
        "transitions": 1,
        "inputs": [(0, 0, 0, 1, -1, -1), (0, 1, 0, 1, -1, -1), (0, 2, 0, 1, -1, -1)],
        "outputs": [(0, 1, 1)],  # place 1 is a pool; place 2 is a rate limit, which is not given back
        "resources": {1: 1, 2: 5},
    }
    old, new = Fleet(**spec), Fleet(**spec)
    sessions = old.open(2)
    for session in sessions.tolist():
        old.put(session, 0, 2)
    old.supply(1, 1)
    firings = old.claim(10)
    assert len(firings) == 2
    for session in sessions.tolist():
        new.load(old.save(session)[0])
    assert new.resources() == {1: -1, 2: 5}
    assert len(new.claim(10)) == 0
    ids = [f for s in new.firings(0).tolist() for f in [s]]
    new.complete(ids[0])
    assert len(new.claim(10)) == 0
    new.complete(new.firings(1).tolist()[0])
    assert len(new.claim(10)) == 1


def test_a_claim_that_cannot_have_been_is_refused_by_name() -> None:
    fleet = Fleet(
        places=2, transitions=1, inputs=[(0, 0, 0, 1, 0, 0), (0, 1, 0, 1, -1, 0)], outputs=[(0, 1, 1)]
    )
    session = int(fleet.open()[0])
    left = fleet.put(session, 0, 3, keys=[1, 2, 1], guards=[1, 1, 0]).tolist()
    right = fleet.put(session, 1, 2, keys=[1, 2], guards=[0, 0]).tolist()
    for tokens, why in (
        ([[left[0]]], "1 lists of tokens for 2"),
        ([[left[0]], [right[1]]], "key 2, not 1"),
        ([[left[2]], [right[0]]], "not admitted by the guard"),
        ([[right[0]], [right[0]]], "not free in place 0"),
        ([[left[0], left[0]], [right[0]]], "takes 1 tokens, not 2"),
    ):
        with pytest.raises(ValueError, match=why):
            fleet.claim_exactly(session, 0, tokens)
    with pytest.raises(KeyError, match="unknown or gone"):
        fleet.claim_exactly(session, 0, [[10**9], [right[0]]])
    with pytest.raises(ValueError, match="transition 1 is not in"):
        fleet.claim_exactly(session, 1, [])
    fleet.claim_exactly(session, 0, [[left[1]], [right[1]]])
    with pytest.raises(ValueError, match="not free"):
        fleet.claim_exactly(session, 0, [[left[1]], [right[0]]])
