"""The Fleet's Python face: small nets, one fact a test."""

from __future__ import annotations

import numpy as np
import pytest

from petricore._core import DRAIN, GATHER, READ, TAKE, Fleet


def take(transition: int, place: int, weight: int = 1) -> tuple[int, ...]:
    return (transition, place, TAKE, weight, -1, -1)


def reviews(least: int = 0) -> Fleet:
    """url 0 -scrape(list)-> review 1 -clean-> good 2 | bad 4; summarise gathers good -> summary 3."""
    return Fleet(
        places=5,
        transitions=3,
        inputs=[take(0, 0), take(1, 1), (2, 2, GATHER, least, -1, -1)],
        outputs=[(0, 1, 1), (1, 2, 1), (1, 4, 1), (2, 3, 1)],
        scatters=[(0, 1)],
    )


def arc(claims, i: int, j: int) -> list[int]:
    at = claims.arcs[i] + j
    return claims.tokens[claims.offsets[at] : claims.offsets[at + 1]].tolist()


def test_a_gather_waits_for_every_member_and_takes_the_arrived_in_order():
    fleet = reviews()
    (s,) = fleet.open()
    fleet.put(s, 0)
    (scrape,) = fleet.claim(9).firings
    fleet.complete(scrape, [1, 1, 1], members=[True] * 3, opened=[1])
    a, b, c = fleet.claim(9).firings
    (good_c,) = fleet.complete(c, [2])
    fleet.complete(a, [4])
    assert len(fleet.claim(9)) == 0
    (wait,) = fleet.waiting(s)
    assert wait.place == 2
    assert wait.members == [good_c]
    assert wait.firings == [b]
    (good_b,) = fleet.complete(b, [2])
    claims = fleet.claim(9)
    assert claims.transitions.tolist() == [2]
    assert arc(claims, 0, 0) == [good_c, good_b]
    assert claims.groups[0] == wait.group
    fleet.complete(claims.firings[0], [3])
    assert fleet.marking(s).tolist() == [0, 0, 0, 1, 1]
    assert fleet.waiting(s) == []


def test_an_empty_list_fires_its_gather_once_with_nothing():
    fleet = reviews()
    (s,) = fleet.open()
    fleet.put(s, 0)
    (scrape,) = fleet.claim(9).firings
    fleet.complete(scrape, opened=[1])
    claims = fleet.claim(9)
    assert claims.transitions.tolist() == [2]
    assert arc(claims, 0, 0) == []
    fleet.complete(claims.firings[0], [3])
    assert len(fleet.claim(9)) == 0
    assert fleet.marking(s)[3] == 1


def test_a_gather_below_its_minimum_ends_without_firing():
    fleet = reviews(least=2)
    (s,) = fleet.open()
    fleet.put(s, 0)
    (scrape,) = fleet.claim(9).firings
    fleet.complete(scrape, [1], members=[True], opened=[1])
    (clean,) = fleet.claim(9).firings
    (good,) = fleet.complete(clean, [2])
    assert len(fleet.claim(9)) == 0
    assert fleet.waiting(s) == []
    assert fleet.scope(good).tolist() == []


def test_a_released_gather_may_fire_again():
    fleet = reviews()
    (s,) = fleet.open()
    fleet.put(s, 0)
    fleet.complete(fleet.claim(9).firings[0], [1, 1], members=[True, True])
    for firing in fleet.claim(9).firings:
        fleet.complete(firing, [2])
    first = fleet.claim(9)
    fleet.release(first.firings[0])
    again = fleet.claim(9)
    assert arc(again, 0, 0) == arc(first, 0, 0)
    assert again.firings[0] != first.firings[0]


def test_a_generator_keeps_its_group_open_until_it_ends():
    fleet = reviews()
    (s,) = fleet.open()
    fleet.put(s, 0)
    (scrape,) = fleet.claim(9).firings
    fleet.emit(scrape, [1], members=[True])
    fleet.complete(fleet.claim(9).firings[0], [2])
    assert len(fleet.claim(9)) == 0
    assert fleet.waiting(s)[0].firings == [scrape]
    fleet.complete(scrape)
    assert fleet.claim(9).transitions.tolist() == [2]


def test_claims_serve_sessions_in_turn():
    fleet = Fleet(places=1, transitions=1, inputs=[take(0, 0)], outputs=[])
    a, b = fleet.open(2)
    fleet.put(a, 0, 3)
    fleet.put(b, 0, 2)
    assert fleet.claim(9).sessions.tolist() == [a, b, a, b, a]


def test_claims_serve_accounts_in_turn_and_sessions_of_one_by_age():
    fleet = Fleet(places=1, transitions=1, inputs=[take(0, 0)], outputs=[])
    a, b, c = fleet.open(3, account=7)
    (d,) = fleet.open(account=3)
    for session in (a, b, c):
        fleet.put(session, 0)
    fleet.put(d, 0, 3)
    assert fleet.claim(9).sessions.tolist() == [a, d, b, d, c, d]


def test_an_account_that_was_idle_has_saved_up_nothing():
    fleet = Fleet(places=1, transitions=1, inputs=[take(0, 0)], outputs=[])
    (a,), (b,) = fleet.open(account=0), fleet.open(account=1)
    fleet.put(a, 0, 99)
    assert len(fleet.claim(50)) == 50
    fleet.put(b, 0, 9)
    assert fleet.claim(6).sessions.tolist() == [a, b, a, b, a, b]


def test_a_loaded_session_is_of_the_account_that_load_is_told():
    fleet = Fleet(places=1, transitions=1, inputs=[take(0, 0)], outputs=[])
    a, b = fleet.open(2, account=1)
    for session in (a, b):
        fleet.put(session, 0, 2)
    c = fleet.load(fleet.save(a)[0], account=2)[0]
    assert fleet.claim(9).sessions.tolist() == [a, c, b, c, a, b]


def test_an_account_with_a_thousand_in_line_for_a_resource_keeps_no_other_out():
    inputs = [take(0, 0), take(0, 1)]
    fleet = Fleet(places=2, transitions=1, inputs=inputs, outputs=[(0, 0, 1), (0, 1, 1)], resources={1: 2})
    for session in fleet.open(1000, account=1):
        fleet.put(session, 0)
    running = fleet.claim(5000).firings.tolist()
    (alone,) = fleet.open(account=2)
    fleet.put(alone, 0, 6)
    assert len(fleet.claim(5000)) == 0
    served = []
    for _ in range(12):
        fleet.complete(running.pop(0), [0])
        claims = fleet.claim(5000)
        running += claims.firings.tolist()
        served += (claims.sessions == alone).tolist()
    assert served == [False, True] * 6


def test_a_big_request_is_overtaken_once_by_each_other_account():
    inputs = [take(0, 0), take(0, 2, 3), take(1, 1), take(1, 2)]
    outputs = [(0, 2, 3), (1, 1, 1), (1, 2, 1)]
    fleet = Fleet(places=3, transitions=2, inputs=inputs, outputs=outputs, resources={2: 3})
    for session in fleet.open(50, account=1):
        fleet.put(session, 1)
    running = fleet.claim(99).firings.tolist()
    (big,) = fleet.open(account=2)
    fleet.put(big, 0)
    assert len(fleet.claim(99)) == 0
    served: list[int] = []
    while big not in served:
        fleet.complete(running.pop(0), [1])
        claims = fleet.claim(99)
        running += claims.firings.tolist()
        served += claims.sessions.tolist()
    assert len(served) == 2
    assert len(running) == 1


def test_a_higher_priority_is_served_first():
    fleet = Fleet(places=2, transitions=2, inputs=[take(0, 0), take(1, 1)], outputs=[], priorities=[0, 7])
    (s,) = fleet.open()
    fleet.put(s, 0, 2)
    fleet.put(s, 1, 2)
    assert fleet.claim(9).transitions.tolist() == [1, 1, 0, 0]


def test_a_big_request_for_a_resource_is_not_overtaken():
    inputs = [take(0, 0), take(0, 2, 3), take(1, 1), take(1, 2)]
    fleet = Fleet(places=3, transitions=2, inputs=inputs, outputs=[(0, 2, 3), (1, 2, 1)], resources={2: 3})
    (s,) = fleet.open()
    fleet.put(s, 1)
    (small,) = fleet.claim(9).firings
    fleet.put(s, 0)
    assert len(fleet.claim(9)) == 0
    fleet.put(s, 1)
    assert len(fleet.claim(9)) == 0
    assert (fleet.pending, fleet.stalled) == (0, 2)
    fleet.complete(small)
    claims = fleet.claim(9)
    assert claims.transitions.tolist() == [0]
    assert fleet.resources() == {2: 0}
    fleet.complete(claims.firings[0])
    assert fleet.claim(9).transitions.tolist() == [1]


def test_a_correlated_join_takes_tokens_of_one_key():
    inputs = [(0, 0, TAKE, 1, -1, 0), (0, 1, TAKE, 1, -1, 0)]
    fleet = Fleet(places=2, transitions=1, inputs=inputs, outputs=[])
    (s,) = fleet.open()
    left = fleet.put(s, 0, 3, keys=[1, 2, 3])
    right = fleet.put(s, 1, 2, keys=[3, 2])
    claims = fleet.claim(9)
    assert [(arc(claims, i, 0), arc(claims, i, 1)) for i in range(len(claims))] == [
        ([left[2]], [right[0]]),
        ([left[1]], [right[1]]),
    ]
    assert fleet.tokens(s, 0).tolist() == [left[0]]


def test_guards_choose_tokens_by_their_bits():
    fleet = Fleet(places=1, transitions=1, inputs=[(0, 0, TAKE, 1, 5, -1)], outputs=[])
    (s,) = fleet.open()
    _, b = fleet.put(s, 0, 2, guards=[0, 1 << 5])
    claims = fleet.claim(9)
    assert claims.tokens.tolist() == [b]


def test_drain_takes_all_and_read_leaves_its_token():
    inputs = [(0, 0, DRAIN, 2, -1, -1), (0, 1, READ, 1, -1, -1)]
    fleet = Fleet(places=2, transitions=1, inputs=inputs, outputs=[])
    (s,) = fleet.open()
    looked = fleet.put(s, 1)
    fleet.put(s, 0)
    assert len(fleet.claim(9)) == 0
    fleet.put(s, 0, 2)
    claims = fleet.claim(9)
    assert len(arc(claims, 0, 0)) == 3
    assert arc(claims, 0, 1) == looked.tolist()
    assert fleet.marking(s).tolist() == [0, 1]


def test_a_full_place_disables_until_a_seat_is_free():
    fleet = Fleet(
        places=2, transitions=2, inputs=[take(0, 0), take(1, 1)], outputs=[(0, 1, 1)], capacities={1: 1}
    )
    (s,) = fleet.open()
    fleet.put(s, 0, 2)
    (first,) = fleet.claim(9).firings
    assert len(fleet.claim(9)) == 0
    fleet.complete(first, [1])
    (use,) = fleet.claim(9).firings
    assert len(fleet.claim(9)) == 0
    fleet.complete(use)
    assert fleet.claim(9).transitions.tolist() == [0]
    with pytest.raises(ValueError, match=r"place 1 .* has room for 0 tokens only"):
        fleet.put(s, 1)


def test_closing_a_session_returns_its_resources_and_kills_its_ids():
    fleet = Fleet(
        places=2, transitions=1, inputs=[take(0, 0), take(0, 1)], outputs=[(0, 1, 1)], resources={1: 1}
    )
    a, b = fleet.open(2)
    (token,) = fleet.put(a, 0)
    (firing,) = fleet.claim(9).firings
    fleet.put(b, 0)
    assert len(fleet.claim(9)) == 0
    fleet.close(a)
    with pytest.raises(KeyError, match="session 0 is not open"):
        fleet.marking(a)
    with pytest.raises(KeyError, match=f"firing {firing}"):
        fleet.complete(firing)
    with pytest.raises(KeyError, match=f"token {token}"):
        fleet.scope(token)
    assert fleet.claim(9).sessions.tolist() == [b]
    (c,) = fleet.open()
    assert c not in (a, b)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": [take(0, 5)]}, "place 5 is not in 0..1"),
        ({"inputs": [take(3, 0)]}, "transition 3 is not in 0..0"),
        ({"inputs": [take(0, 0, 0)]}, "weight 0 is not in 1"),
        ({"inputs": [(0, 0, 9, 1, -1, -1)]}, "mode 9"),
        ({"inputs": [(0, 0, TAKE, 1, 64, -1)]}, "guard 64"),
        ({"inputs": [(0, 0, GATHER, 0, -1, 0)]}, "keyed arc"),
        ({"inputs": [take(0, 0), (0, 0, DRAIN, 1, -1, -1)]}, "already"),
        ({"inputs": []}, "takes or reads no session token"),
        ({"inputs": [take(0, 1)], "resources": {1: 1}}, "takes or reads no session token"),
        ({"outputs": [(0, 1, 0)]}, "weight 0"),
        ({"scatters": [(0, 0)]}, "no output"),
        ({"inhibitors": [(0, 0, 0)]}, "weight 0"),
        ({"priorities": [1, 2]}, "2 for 1"),
        ({"resources": {1: -1}}, "-1 tokens"),
        ({"capacities": {1: 0}}, "capacity 0"),
        ({"places": -1}, "places: -1"),
    ],
)
def test_a_bad_net_is_refused_by_name(change, message):
    spec = {"places": 2, "transitions": 1, "inputs": [take(0, 0)], "outputs": [(0, 1, 1)]}
    with pytest.raises(ValueError, match=message):
        Fleet(**(spec | change))


def test_a_bad_call_changes_nothing():
    fleet = reviews()
    (s,) = fleet.open()
    (token,) = fleet.put(s, 0)
    (firing,) = fleet.claim(1).firings
    for call, error, message in [
        (lambda: fleet.complete(firing, [3]), ValueError, "does not put into place 3"),
        (lambda: fleet.complete(firing, [1]), ValueError, "puts a list there"),
        (lambda: fleet.complete(firing, [1], members=[True, False]), ValueError, "members"),
        (lambda: fleet.complete(firing, [7]), ValueError, "place 7"),
        (lambda: fleet.complete(firing, [1.5]), ValueError, "places is no array of integers"),
        (lambda: fleet.complete(firing, [2**40]), ValueError, "places has a value out of range"),
        (lambda: fleet.complete(firing + 1), KeyError, "firing"),
        (lambda: fleet.drop(s, token), ValueError, "held by firing"),
        (lambda: fleet.drop(s, 99), KeyError, "token 99"),
        (lambda: fleet.put(s, 0, -1), ValueError, "-1"),
        (lambda: fleet.put(s, 0, 2, guards=[1]), ValueError, "guards"),
        (lambda: fleet.put(77, 0), KeyError, "session 77"),
        (lambda: fleet.supply(0, 1), ValueError, "no resource"),
        (lambda: fleet.claim(-1), ValueError, "limit"),
        (lambda: fleet.open(-1), ValueError, "-1"),
        (lambda: fleet.open(account=-1), ValueError, "account: -1 is not in 0..16777215"),
        (lambda: fleet.open(account=2**24), ValueError, "account: 16777216"),
    ]:
        with pytest.raises(error, match=message):
            call()
    assert fleet.firings(s).tolist() == [firing]
    assert fleet.marking(s).sum() == 0
    fleet.complete(firing, np.array([1, 1], np.int32), members=np.array([True, True]))
    assert fleet.marking(s).tolist() == [0, 2, 0, 0, 0]


def test_a_looping_agent_gathers_each_round_by_itself():
    """Plan scatters to A and B, each is gathered, both plan again: A and B must not wait for each other."""
    plan, a, b, done = range(4)
    fleet = Fleet(
        places=4,
        transitions=3,
        inputs=[take(0, plan), (1, a, GATHER, 1, -1, -1), (2, b, GATHER, 1, -1, -1)],
        outputs=[(0, a, 1), (0, b, 1), (1, plan, 1), (1, done, 1), (2, plan, 1), (2, done, 1)],
        scatters=[(0, a), (0, b)],
    )
    (s,) = fleet.open()
    fleet.put(s, plan)
    fleet.complete(fleet.claim(1).firings[0], [a, b, a], members=[True] * 3)
    claims = fleet.claim(9)
    assert sorted(claims.transitions.tolist()) == [1, 2]
