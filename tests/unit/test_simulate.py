"""`Engine.simulate` and `Trajectories`: what is refused and how, what comes back in which shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import petricore as pc
from petricore.analysis.formula import Deadlock, Temporal
from tests.unit.simulated_nets import decay, queue


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "needs an end: give until=, steps= or stop="),
        ({"until": math.nan}, "until is finite and at least 0, not nan"),
        ({"until": -1}, "until is finite and at least 0, not -1"),
        ({"until": math.inf}, "until is finite and at least 0, not inf"),
        ({"until": "10"}, "until is a number, not '10'"),
        ({"until": True}, "until is a number, not True"),
        ({"steps": -1}, "steps is at least 0, not -1"),
        ({"steps": 1.5}, "steps is an integer, not 1.5"),
        ({"until": 1, "replicas": 0}, "replicas is at least 1, not 0"),
        ({"until": 1, "replicas": True}, "replicas is an integer, not True"),
        ({"until": 1, "seed": -1}, "seed is an integer between 0 and 2\\^64 - 1, not -1"),
        ({"until": 1, "semantics": "stochastik"}, "not 'stochastik' \\(did you mean 'stochastic'\\?\\)"),
        ({"until": 1, "algorithm": "gillespie"}, "algorithm is one of 'auto', 'direct', .*, not 'gillespie'"),
        ({"until": 1, "semantics": "maximal", "algorithm": "direct"}, "is run by 'maximal_step', not by"),
        ({"until": 1, "semantics": "stochastic", "algorithm": "token_game"}, "is for semantics='interleaving'"),
        ({"until": 1, "record": "all"}, "record is one of 'final', 'grid', 'events', not 'all'"),
        ({"until": 1, "record": "final", "grid": 3}, "grid goes with record='grid', not with record='final'"),
        ({"until": 1, "grid": []}, "G > 0, not of shape \\(0,\\)"),
        ({"until": 1, "grid": 1}, "grid is at least 2, not 1"),
        ({"until": 1, "grid": "many"}, "grid is a number of points or an array of times"),
        ({"until": 1, "grid": [0, 0.5, 0.2]}, "grid is ascending, but 0.2 follows 0.5 at position 2"),
        ({"until": 1, "grid": [0, math.nan]}, "grid holds nan"),
        ({"until": 1, "grid": [-1, 1]}, "grid holds -1.0"),
        ({"until": 1, "grid": [0, 2]}, "grid ends at 2.0, after until=1"),
        ({"stop": "waiting >= 1", "grid": 5}, "a grid of 5 points needs until="),
        ({"until": 1, "initial": [1, 2]}, "initial: shape \\(2,\\)"),
        ({"until": 1, "initial": [-1]}, "initial: place 0 has -1"),
        ({"until": 1, "initial": np.array([[0], [-5]], np.int32), "replicas": 2}, "'waiting' holds -5 tokens"),
        ({"until": 1, "initial": [[1], [2]]}, "initial has 2 rows, where there are 1 replicas"),
        ({"until": 1, "initial": {"nowhere": 1}}, "unknown place 'nowhere'"),
        ({"until": 1, "initial": {"waiting": -1}}, "place 'waiting' has -1, not an integer between 0 and"),
        ({"until": 1, "initial": {"waiting": 1.5}}, "place 'waiting' has 1.5, not an integer"),
        ({"until": 1, "rates": {"arrives": 2}}, "there is no transition 'arrives' \\(did you mean 'arrive'\\?\\)"),
        ({"until": 1, "rates": [1]}, "rates is a mapping"),
        ({"until": 1, "rates": {"arrive": -1}}, "rates\\['arrive'\\] holds -1.0"),
        ({"until": 1, "rates": {"arrive": [1, math.nan]}}, "rates\\['arrive'\\] holds nan"),
        ({"until": 1, "rates": {"arrive": "fast"}}, "rates\\['arrive'\\] is a number or a \\(K,\\) array"),
        ({"until": 1, "rates": {"arrive": []}}, "not of shape \\(0,\\)"),
        ({"until": 1, "rates": {"arrive": [1, 2], "serve": [1, 2, 3]}}, "'arrive' 2, 'serve' 3"),
        ({"steps": 1, "rates": {"arrive": 1}}, "rates are for semantics='stochastic'"),
        ({"until": 1, "observables": {"x": "waiting"}}, "observable 'x' is a measure such as"),
        ({"until": 1, "observables": ["x"]}, "observables is a mapping"),
        ({"until": 1, "observables": {"time": pc.Final("waiting")}}, "cannot be named 'time'"),
        ({"until": 1, "observables": {"x": pc.Final("nowhere")}}, "observable 'x': .*nowhere"),
        ({"until": 1, "observables": {"x": pc.Final("waiting +")}}, "observable 'x': .*at character 9 of"),
        ({"until": 1, "observables": {"x": pc.Final(3)}}, "observable 'x': an expression is a string, not 3"),  # type: ignore[arg-type]
        ({"until": 1, "observables": {"x": pc.Final("\ud800")}}, "observable 'x': .* half of a surrogate pair"),
        ({"until": 1, "observables": {"x": pc.Throughput("go")}}, "observable 'x': there is no transition 'go'"),
        ({"until": 1, "observables": {"x": pc.TimeIn("EF waiting >= 1")}}, "has no temporal operators"),
        ({"until": 1, "stop": "nowhere >= 3"}, "nowhere"),
        ({"until": 1, "stop": Temporal("EF", Deadlock())}, "stop: a formula about one marking is needed"),
        ({"until": 1, "stop": 3}, "stop: a formula is a string or a Formula, not 3"),
        ({"until": 1, "warmup": 2}, "warmup is at most until=1, not 2"),
        ({"until": 1, "warmup": -1}, "warmup is finite and at least 0, not -1"),
        ({"until": 1, "limit": -1}, "limit is at least 0, not -1"),
        ({"until": 1, "tolerance": 0}, "tolerance is finite and above 0, not 0"),
        ({"until": 1, "tolerance": 1}, "tolerance is below 1, not 1"),
        ({"until": 1, "algorithm": "tau_leaping", "record": "events"}, "'tau_leaping' knows no times of events"),
        ({"until": 1, "threads": -1}, "threads is at least 0 and at most 1024, not -1"),
        ({"until": 1, "device": "tpu"}, "device is one of 'cpu', 'cuda', not 'tpu'"),
        ({"until": 1, "count_firings": 1}, "count_firings is True or False, not 1"),
        ({"until": 1, "first_replica": -1}, "first_replica is at least 0, not -1"),
        ({"until": 1, "first_replica": 2**63}, f"first_replica is at least 0 and at most {2**63 - 1}, not {2**63}"),
        ({"until": 1, "progress": 3}, "progress is a callable or True, not 3"),
        ({"until": 1, "replicas": 10**12}, "the result would take .* GB"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_named_with_its_value(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises((pc.NetError, pc.FormulaError), match=says):
        queue().simulate(**arguments)


def test_rates_are_for_exponential_transitions() -> None:
    net = pc.Net()
    net.add_place("a", 1)
    net.add_transition("now", inputs=["a"], weight=1.0)
    net.add_transition("later", inputs=["a"], delay=pc.Deterministic(1.0))
    with pytest.raises(pc.NetError, match="transition 'now' is immediate, it has no rate"):
        net.compile().simulate(until=1, rates={"now": 2})
    with pytest.raises(pc.NetError, match="transition 'later' has a delay of its own, it has no rate"):
        net.compile().simulate(until=1, rates={"later": 2})
    assert net.compile().simulate(until=1).algorithm == "event_driven"
    with pytest.raises(pc.NetError, match="algorithm='direct' cannot run this net: delays that are not"):
        net.compile().simulate(until=1, algorithm="direct")


def test_servers_that_nothing_bounds_are_named() -> None:
    net = pc.Net()
    net.add_place("a")
    net.add_transition("flood", outputs=["a"], servers=math.inf)
    with pytest.raises(pc.NetError, match="transition 'flood' has infinitely many servers"):
        net.compile().simulate(until=1)


@pytest.mark.parametrize(("size", "algorithm"), [(100, "direct"), (101, "rejection")])
def test_an_algorithm_is_chosen_by_the_size_of_the_net(size: int, algorithm: str) -> None:
    net = pc.Net()
    for i in range(size):
        net.add_place(f"p{i}", 1)
        net.add_transition(f"t{i}", inputs=[f"p{i}"])
    found = net.compile().simulate(until=100, seed=1)
    assert found.algorithm == algorithm
    assert (found.final == 0).all()


@pytest.mark.parametrize(
    ("size", "touched", "algorithm"),
    [
        (101, 5, "direct"),
        (125, 5, "direct"),
        (126, 5, "rejection"),
        (500, 20, "direct"),
        (501, 30, "rejection"),
    ],
)
def test_an_algorithm_is_chosen_by_how_many_transitions_a_firing_touches(
    size: int, touched: int, algorithm: str
) -> None:
    net = pc.Net()
    for i in range(size):
        net.add_place(f"p{i}", 1)
    for i in range(size):  # reads and what stays as it is change nothing
        asks = [f"p{(i + k) % size}" for k in range(1, touched)]
        net.add_transition(f"t{i}", inputs=[f"p{i}"], reads=asks)
    assert net.compile().simulate(steps=1, semantics="stochastic", seed=1).algorithm == algorithm


def test_final_markings_have_a_row_per_replica() -> None:
    found = decay().simulate(until=1.0, replicas=500, seed=1)
    assert found.final.shape == (500, 2)
    assert found.final.dtype == np.int32
    assert found.firings.shape == (500, 1)
    assert found.times.shape == found.events.shape == found.ends.shape == (500,)
    assert (found.final.sum(axis=1) == 10).all()
    assert len(found) == 500
    assert (found.record, found.algorithm, found.seed) == ("final", "direct", 1)
    expected, spread = 10 * math.exp(-1), math.sqrt(10 * math.exp(-1) * (1 - math.exp(-1)) / 500)
    assert abs(found.mean()[0] - expected) < 5 * spread
    assert found.quantile([0.05, 0.95]).shape == (2, 2)
    assert found.quantile(0.5).shape == (2,)


def test_arrays_of_a_result_are_read_only() -> None:
    found = decay().simulate(until=1.0, replicas=3, grid=5, observables={"a": pc.Final("a")})
    for array in (
        found.final,
        found.times,
        found.markings,
        found.firings,
        found.ends,
        found.observables["a"],
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_a_grid_holds_the_last_marking_after_the_end() -> None:
    found = decay(2).simulate(until=100.0, replicas=20, grid=[0, 0.5, 50, 100], seed=3)
    assert found.record == "grid"
    assert found.markings.shape == (20, 4, 2)
    assert found.times.shape == (20, 4)
    assert (found.markings[:, 0] == [2, 0]).all()
    assert (found.markings[:, -1] == found.final).all()
    assert (found.ends == "dead").all()
    assert found.mean().shape == (4, 2)
    assert found.quantile((0.1, 0.9)).shape == (2, 4, 2)


def test_events_make_a_path() -> None:
    found = decay(5).simulate(until=100.0, replicas=3, record="events", seed=3)
    for i in range(3):
        times, transitions, markings = found.path(i)
        assert times.shape == transitions.shape == (5,)
        assert (np.diff(times) >= 0).all()
        assert markings.tolist() == [[5 - n, n] for n in range(6)]
    with pytest.raises(IndexError, match="replica 3 is not between 0 and 2"):
        found.path(3)


def test_what_was_not_recorded_is_not_there() -> None:
    found = decay().simulate(until=1, count_firings=False)
    with pytest.raises(pc.PetriError, match="record='final' keeps no markings over time"):
        found.markings  # noqa: B018
    with pytest.raises(pc.PetriError, match="record='final' keeps no events"):
        found.path(0)
    with pytest.raises(pc.PetriError, match="firings were not counted"):
        found.firings  # noqa: B018
    with pytest.raises(pc.PetriError, match="this is no sweep"):
        found.point(0)


def test_a_sweep_adds_a_leading_axis() -> None:
    rates = np.array([0.5, 1.0, 2.0])
    found = decay().simulate(until=1.0, replicas=40, seed=5, rates={"t": rates}, grid=3,
                             observables={"left": pc.Final("a")})  # fmt: skip
    assert found.points == 3
    assert found.final.shape == (3, 40, 2)
    assert found.markings.shape == (3, 40, 3, 2)
    assert found.firings.shape == (3, 40, 1)
    assert found.times.shape == (3, 40, 3)
    assert found.ends.shape == found.observables["left"].shape == (3, 40)
    assert found.mean().shape == (3, 3, 2)
    assert found.quantile([0.1, 0.9]).shape == (2, 3, 3, 2)
    assert (found.rates["t"] == rates).all()
    for k, rate in enumerate(rates):
        alone = decay().simulate(until=1.0, replicas=40, seed=5, rates={"t": rate}, grid=3)
        assert (found.point(k).markings == alone.markings).all()
        assert (found.final[k] == alone.final).all()
        assert found.point(k).rates["t"] == rate
    with pytest.raises(IndexError, match="point 3 is not between 0 and 2"):
        found.point(3)


def test_paths_of_a_sweep_belong_to_its_points() -> None:
    found = decay(3).simulate(until=9, replicas=2, seed=5, rates={"t": [1.0, 2.0]}, record="events")
    for k in range(2):
        alone = decay(3).simulate(until=9, replicas=2, seed=5, rates={"t": k + 1.0}, record="events")
        for i in range(2):
            for ours, theirs in zip(found.point(k).path(i), alone.path(i), strict=True):
                assert (ours == theirs).all()
    with pytest.raises(pc.PetriError, match="this is a sweep: take point"):
        found.path(0)


def test_steps_alone_play_the_token_game() -> None:
    found = queue().simulate(steps=7, replicas=4)
    assert found.algorithm == "token_game"
    assert found.events.tolist() == [7] * 4
    assert (found.ends == "steps").all()
    assert queue().simulate(steps=7, semantics="maximal").algorithm == "maximal_step"
    assert queue().simulate(steps=7, algorithm="maximal_step").algorithm == "maximal_step"
    assert queue().simulate(steps=7, semantics="stochastic").algorithm == "direct"
    assert queue().simulate(steps=7, until=3).algorithm == "direct"
    assert queue().simulate(steps=7, algorithm="direct").algorithm == "direct"
