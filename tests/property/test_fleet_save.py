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

    def __init__(self, spec: dict[str, Any], *, same_fleet: bool = False) -> None:
        self.spec = spec
        self.same_fleet = same_fleet
        self.slots = 1 + max((slot for *_, slot in spec["inputs"]), default=-1)
        self.scatters = set(spec["scatters"])
        self.first = Fleet(**spec)
        self.session = int(self.first.open()[0])
        self.second = self.first if same_fleet else Fleet(**spec)
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
        # What is never given back is no part of a session: both go on with as many.
        for place, free in self.first.resources().items():
            lack = free - self.second.resources()[place]
            (self.second if lack > 0 else self.first).supply(place, abs(lack))

    def step(self, random: Random) -> None:
        """The same operation on both."""
        running = sorted(self.firings)
        do = random.choice(
            ["put", "put", "claim", "claim", "claim", "drop", "supply"]
            + (["end", "emit", "fail", "back"] if running else [])
        )
        if do == "put":
            self._put(random)
        elif do == "claim" and len(running) < 20:
            self._claim()
        elif do == "drop" and self.tokens:
            token = random.choice(sorted(self.tokens))
            self._both(lambda fleet, session, number: fleet.drop(session, number), token=token)
        elif do == "supply":
            for place in self.spec["resources"]:
                self._both(lambda fleet, _session, _number, place=place: fleet.supply(place, 1))
        elif running and do in ("end", "emit", "fail", "back"):
            self._end(do, random, random.choice(running))

    def _put(self, random: Random) -> None:
        place, n = random.randrange(self.spec["places"]), random.randint(1, 4)
        keys = np.array([[random.randrange(KEYS) for _ in range(max(self.slots, 1))] for _ in range(n)])
        guards = np.array([random.randrange(4) for _ in range(n)], np.uint64)
        arguments = {"keys": keys[:, 0] if self.slots < 2 else keys, "guards": guards}
        self._both(lambda fleet, session, _: fleet.put(session, place, n, **arguments))

    def _claim(self) -> None:
        if self.same_fleet:
            # One claim serves both in turn: all that can be claimed, by session.
            rows = self.first.claim(10_000).rows()
            mine = [row for row in rows if row[1] == self.session]
            theirs = [row for row in rows if row[1] == self.other]
        else:
            mine = self.first.claim(1).rows()
            theirs = [] if self.exact else self.second.claim(1).rows()
        assert self.exact or len(mine) == len(theirs)
        for i, (number, _, transition, arcs) in enumerate(mine):
            mapped = [[self.tokens[token] for token in arc] for arc in arcs]
            if self.exact:
                self.firings[number] = self.second.claim_exactly(self.other, transition, mapped)
            else:
                self.firings[number], session, same, tokens = theirs[i]
                assert (session, same, tokens) == (self.other, transition, mapped)
            self.transitions[number] = transition

    def _end(self, do: str, random: Random, number: int) -> None:
        transition = self.transitions[number]
        outputs = [place for t, place, _ in self.spec["outputs"] if t == transition]
        outputs = [place for place in outputs if place not in self.spec["resources"]]
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

    def _both(self, act: Any, firing: int | None = None, *, token: int | None = None) -> None:
        results = []
        first_id, second_id = firing, -1 if firing is None else self.firings[firing]
        if token is not None:
            first_id, second_id = token, self.tokens[token]
        for fleet, session, number in (
            (self.first, self.session, first_id),
            (self.second, self.other, second_id),
        ):
            try:
                results.append(act(fleet, session, number))
            except (ValueError, KeyError) as refused:
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
        if not self.exact:
            assert first.pending + first.stalled == second.pending + second.stalled
            assert first.resources() == second.resources()
        groups = self._groups()
        waits = [
            (groups[w.group], w.place, [self.tokens[t] for t in w.members], sorted(self.tokens[t] for t in w.blockers),
             sorted(self.firings[f] for f in w.firings),
             sorted((groups[group], place) for group, place in w.gatherings))
            for w in first.waiting(self.session)
        ]  # fmt: skip
        assert waits == [
            (w.group, w.place, list(w.members), sorted(w.blockers), sorted(w.firings), sorted(w.gatherings))
            for w in second.waiting(self.other)
        ]

    def _groups(self) -> dict[int, int]:
        """What the groups of the first are called in the second, by the scopes of tokens and by who waits."""
        pairs = set()
        for mine, theirs in zip(
            self.first.waiting(self.session), self.second.waiting(self.other), strict=True
        ):
            pairs.add((mine.group, theirs.group))
            inner = zip(sorted(mine.gatherings), sorted(theirs.gatherings), strict=True)
            pairs.update((one[0], other[0]) for one, other in inner)
        for token, same in self.tokens.items():
            with suppress(KeyError):  # gone
                scope = self.first.scope(token).tolist()
                pairs.update(zip(scope, self.second.scope(same).tolist(), strict=True))
        groups = dict(pairs)
        assert len(groups) == len(pairs) == len(set(groups.values()))
        return groups


class RefusedError(Exception):
    """Both fleets refused an emission."""


def without_resources(random: Random) -> dict[str, Any]:
    while (spec := random_spec(random, gathers=0.5))["resources"]:
        pass
    return spec


@given(SEEDS, st.booleans())
def test_a_loaded_session_goes_on_as_the_one_it_was_saved_from(seed: int, again: bool) -> None:
    random = Random(seed)
    pair = Pair(random_spec(random, gathers=0.5))
    pair.exact = True  # until it is loaded, the second may lack what is never given back
    for _ in range(random.randint(0, 30)):
        _try(pair, random)
    pair.reload()
    pair.exact = False
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
def test_a_session_loaded_beside_itself_goes_on_as_the_other(seed: int) -> None:
    random = Random(seed)
    pair = Pair(without_resources(random), same_fleet=True)
    for _ in range(random.randint(0, 20)):
        _try(pair, random)
    pair.reload()
    for _ in range(20):
        _try(pair, random)
        pair.compare()
    assert pair.first.save(pair.session)[0] == pair.first.save(pair.other)[0]
    pair.first.close(pair.session)
    pair.first.close(pair.other)
    assert (pair.first.sessions, pair.first.pending, pair.first.stalled) == (0, 0, 0)


@given(SEEDS)
def test_a_history_replayed_with_exact_claims_comes_to_the_same_session(seed: int) -> None:
    random = Random(seed)
    pair = Pair(random_spec(random, gathers=0.5))
    pair.exact = True
    for _ in range(60):
        _try(pair, random)
        pair.compare()
    assert pair.first.save(pair.session)[0] == pair.second.save(pair.other)[0]


@given(SEEDS)
def test_keys_given_to_load_stand_in_for_those_that_were_saved(seed: int) -> None:
    random = Random(seed)
    spec = random_spec(random)
    while all(slot < 0 for *_, slot in spec["inputs"]):
        spec = random_spec(random)
    pair = Pair(spec)
    for _ in range(20):
        _try(pair, random)
    data, tokens, _ = pair.first.save(pair.session)
    with pytest.raises(ValueError, match="keys"):
        pair.second.load(data, keys=np.zeros((len(tokens) + 1, pair.slots), np.int64))
    keys = np.arange(len(tokens) * pair.slots).reshape(-1, pair.slots)
    session, _, _ = pair.second.load(data, keys)
    other = Fleet(**spec)
    assert pair.second.save(session)[0] == other.save(other.load(data, keys.tolist())[0])[0]


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
