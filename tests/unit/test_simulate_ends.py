"""Where replicas end, and what ends a whole simulation."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import petricore as pc
from tests.unit.simulated_nets import queue


def test_a_replica_ends_when_the_stop_formula_holds() -> None:
    found = queue(5.0).simulate(stop="waiting >= 4", replicas=10, seed=2)
    assert (found.ends == "stop").all()
    assert (found.final == 4).all()
    assert queue().simulate(until=5, stop="waiting >= 0").events.tolist() == [0]


def test_an_explosive_net_says_what_was_cut_off() -> None:
    net = pc.Net("boom")
    net.add_place("x", 10)
    net.add_transition("split", inputs=["x"], outputs={"x": 2}, rate=pc.MassAction(1.0))
    found = net.compile().simulate(until=50, replicas=4, limit=1000, seed=1)
    assert (found.ends == "limit").all()
    assert found.events.tolist() == [1000] * 4
    assert found.reason.startswith("4 of 4 replicas were cut off by the limit of 1,000 events before time 50")
    assert "4 limit" in repr(found)
    assert net.compile().simulate(until=0.1, limit=1000, seed=1).reason == ""


def test_an_overflow_names_the_replica_and_the_place() -> None:
    net = pc.Net("full")
    net.add_place("x", pc.MAX_TOKENS - 1)
    net.add_transition("put", outputs=["x"])
    with pytest.raises(pc.TokenOverflowError, match=r"replica 7 at time .*: place 'x' would hold 2147483648"):
        net.compile().simulate(until=100, first_replica=7)


def test_a_negative_rate_names_the_transition_and_its_expression() -> None:
    net = pc.Net("bad")
    net.add_place("x", 3)
    net.add_transition("take", inputs=["x"], rate="x - 2.5")
    with pytest.raises(
        pc.SimulationError, match=r"transition 'take' has the rate -0.5 \(x - 2.5\)"
    ) as caught:
        net.compile().simulate(until=100, seed=1)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.replica, error.point, error.transition, error.loop) == (0, None, "take", ())
    with pytest.raises(pc.SimulationError, match="replica 0 of point 1 at"):
        net.compile().simulate(until=100, seed=1, rates={"take": [0.0, 1.0]})


@pytest.mark.parametrize("algorithm", ["direct", "rejection", "tau_leaping"])
@pytest.mark.parametrize("replicas", [1, 64])
def test_rates_that_overflow_together_are_told(algorithm: str, replicas: int) -> None:
    net = pc.Net("huge")
    net.add_place("x", 3)
    net.add_transition("take", inputs=["x"], rate=1e308)
    net.add_transition("throw", inputs=["x"], rate=1.5e308)
    with pytest.raises(
        pc.SimulationError, match=r"all rates together are infinite, that of transition 'throw' is 1.5e\+308"
    ):
        net.compile().simulate(until=1, seed=1, algorithm=algorithm, replicas=replicas)


def test_a_loop_of_immediate_transitions_is_named() -> None:
    net = pc.Net("loop")
    net.add_place("x", 1)
    net.add_place("y")
    net.add_transition("there", inputs=["x"], outputs=["y"], weight=1)
    net.add_transition("back", inputs=["y"], outputs=["x"], weight=1)
    with pytest.raises(pc.SimulationError, match=r"no time passes, .*: 'there', 'back'") as caught:
        net.compile().simulate(until=1)
    assert caught.value.loop == ("there", "back")


def test_tokens_that_all_go_on_at_once_are_no_loop() -> None:
    net = pc.Net("flood")
    net.add_place("above", 400_000)
    net.add_place("middle")
    net.add_place("below")
    net.add_transition("fall", inputs=["above"], outputs=["middle"], weight=1)
    net.add_transition("fall on", inputs=["middle"], outputs=["below"], weight=1)
    for replicas in (1, 64):
        found = net.compile().simulate(until=1, seed=1, replicas=replicas)
        assert (found.final == [0, 0, 400_000]).all()


@pytest.mark.parametrize("semantics", ["stochastic", "maximal"])
def test_events_that_do_not_fit_into_memory_end_the_call(
    semantics: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("petricore.simulation.simulate.available_memory", lambda: 1 << 20)
    found = queue().simulate(until=1000, seed=1, semantics=semantics, record="events")
    assert len(found.path(0).times) > 500
    with pytest.raises(
        pc.LimitReached, match="the events do not fit into the memory that is left: give limit="
    ):
        queue().simulate(until=1e9, replicas=4, seed=1, semantics=semantics, record="events")


def test_progress_is_told_and_may_stop_the_run() -> None:
    class EnoughError(Exception):
        pass

    def stop(done: int) -> None:
        raise EnoughError(done)

    with pytest.raises(EnoughError):
        queue().simulate(until=1e12, progress=stop)
