"""Intervals of long-run averages and of tiny probabilities cover the exact values as often as they claim."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

import petricore as pc
from petricore import Engine, LimitReached, Net, NetError

MEASURES: dict[str, pc.Observable] = {
    "jobs": pc.TimeAverage("jobs"),
    "busy": pc.TimeIn("jobs >= 1"),
    "served": pc.Throughput("serve"),
}


def queue(arrival: float, service: float, room: int, jobs: int = 0) -> Engine:
    net = Net("queue")
    net.add_place("free", room - jobs)
    net.add_place("jobs", jobs)
    net.add_transition("arrive", ["free"], ["jobs"], rate=arrival)
    net.add_transition("serve", ["jobs"], ["free"], rate=service)
    return net.compile()


def shop() -> Engine:
    """Work goes at once to one of two machines, by priority and weight; broken pieces go back."""
    net = Net("shop")
    for place, tokens in (("raw", 4), ("choose", 0), ("fast", 0), ("slow", 0), ("check", 0)):
        net.add_place(place, tokens)
    net.add_transition("come", ["raw"], ["choose"], rate=1.0, servers=math.inf)
    net.add_transition("to_fast", ["choose"], ["fast"], inhibitors={"fast": 2}, weight=1.0, priority=1)
    net.add_transition("to_slow", ["choose"], ["slow"], weight=1.0)
    net.add_transition("serve_fast", ["fast"], ["check"], rate=2.0)
    net.add_transition("serve_slow", ["slow"], ["check"], rate=0.7)
    net.add_transition("good", ["check"], ["raw"], weight=9.0)
    net.add_transition("bad", ["check"], ["choose"], weight=1.0)
    return net.compile()


def covered_often_enough(hits: int, runs: int, confidence: float) -> bool:
    """Whether so few hits have a probability of more than 10^-4, were the true coverage `confidence` less 5 %."""
    return bool(binom.cdf(hits, runs, confidence - 0.05) > 1e-4)


@pytest.mark.parametrize("method", ["batch_means", "regeneration"])
def test_intervals_of_long_runs_cover_the_exact_values(method: str) -> None:
    engine = queue(0.8, 1.0, 12)
    chain = engine.markov_chain()
    exact = {
        "jobs": chain.expectation("jobs"),
        "busy": chain.probability("jobs >= 1"),
        "served": chain.throughput("serve"),
    }
    hits = dict.fromkeys(exact, 0)
    runs = 60
    for seed in range(runs):
        found = engine.steady_state(MEASURES, precision=0.05, method=method, seed=seed)  # type: ignore[arg-type]
        assert found.precise
        for name, value in exact.items():
            assert found[name].half_width <= 0.05 * found[name].value
            hits[name] += found[name].low <= value <= found[name].high
    for name, count in hits.items():
        assert covered_often_enough(count, runs, 0.95), f"{name}: {count} of {runs}"


@pytest.mark.parametrize("method", ["batch_means", "regeneration"])
def test_nets_with_immediate_transitions_agree_with_their_chain(method: str) -> None:
    engine = shop()
    chain = engine.markov_chain()
    found = engine.steady_state(
        {"raw": pc.TimeAverage("raw"), "bad": pc.Throughput("bad"), "slow": pc.Throughput("to_slow")},
        precision=0.02,
        confidence=0.999999,
        method=method,  # type: ignore[arg-type]
        seed=4,
    )
    for name, value in (
        ("raw", chain.expectation("raw")),
        ("bad", chain.throughput("bad")),
        ("slow", chain.throughput("to_slow")),
    ):
        assert found[name].low <= value <= found[name].high, name


def test_a_long_warm_up_is_cut() -> None:
    net = Net("far")
    net.add_place("a", 5000)
    net.add_transition("gain", [], ["a"], rate=20.0)
    net.add_transition("lose", ["a"], [], rate=pc.MassAction(1.0))
    found = net.compile().steady_state(
        {"a": pc.TimeAverage("a")}, precision=0.01, confidence=0.999999, seed=1
    )
    assert found.warmup > 0
    assert found["a"].low <= 20 <= found["a"].high


@pytest.mark.parametrize("method", ["batch_means", "regeneration"])
def test_a_seed_gives_the_same_long_run_on_any_number_of_threads(method: str) -> None:
    engine = shop()
    results = [
        engine.steady_state(
            {"raw": pc.TimeAverage("raw")},
            precision=0.05,
            seed=9,
            threads=threads,
            method=method,  # type: ignore[arg-type]
        )
        for threads in (1, 2)
    ]
    assert results[0] == results[1]


def test_a_limit_ends_a_long_run_and_says_so() -> None:
    found = queue(0.8, 1.0, 12).steady_state(MEASURES, precision=1e-6, limit=200_000, seed=1)
    assert not found.precise
    assert found.events < 400_000
    with pytest.raises(LimitReached, match="not enough for batches"):
        queue(0.8, 1.0, 12).steady_state(MEASURES, limit=10, seed=1)


def test_what_has_no_long_run_is_refused() -> None:
    net = Net("ends")
    net.add_place("a", 3)
    net.add_transition("t", ["a"], [])
    with pytest.raises(NetError, match=r"comes to rest at the marking \{\}"):
        net.compile().steady_state({"a": pc.TimeAverage("a")}, seed=1)
    late = Net("late")
    late.add_place("a", 1)
    late.add_transition("tick", ["a"], ["a"], delay=pc.Deterministic(1.0))
    with pytest.raises(NetError, match="transition 'tick' has been under way"):
        late.compile().steady_state({"a": pc.TimeAverage("a")}, seed=1)
    with pytest.raises(NetError, match="transition 'tick' has been under way"):
        late.compile().rare_event("a >= 2", before="a == 0", levels="a", seed=1)


def test_wrong_arguments_of_a_long_run_are_refused() -> None:
    engine = queue(0.8, 1.0, 12)
    with pytest.raises(NetError, match="'most' is a TimeAverage, Throughput or TimeIn"):
        engine.steady_state({"most": pc.Maximum("jobs")})
    with pytest.raises(NetError, match="precision is a number between 0 and 1, not 2"):
        engine.steady_state(MEASURES, precision=2)
    with pytest.raises(NetError, match="method is 'batch_means' or 'regeneration'"):
        engine.steady_state(MEASURES, method="magic")  # type: ignore[arg-type]
    with pytest.raises(NetError, match="goes with method='regeneration'"):
        engine.steady_state(MEASURES, regeneration={"free": 12})
    with pytest.raises(NetError, match="no time passes in the marking to return to: it enables 'to_fast'"):
        shop().steady_state({"raw": pc.TimeAverage("raw")}, method="regeneration", regeneration={"choose": 1})


@pytest.mark.parametrize(("arrival", "room"), [(1.0, 10), (1.0, 13), (0.5, 9)])
def test_a_rare_overflow_has_the_probability_of_gamblers_ruin(arrival: float, room: int) -> None:
    engine = queue(arrival, 5.0, room, 1)
    ratio = 5.0 / arrival
    exact = (ratio - 1) / (ratio**room - 1)
    assert 1e-10 < exact < 1e-6
    assert engine.markov_chain().first_passage(
        f"jobs >= {room}", before="jobs == 0"
    ).probability == pytest.approx(exact, rel=1e-12)
    found = engine.rare_event(
        f"jobs >= {room}", before="jobs == 0", levels="jobs", confidence=0.999999, seed=room
    )
    assert found.low <= exact <= found.high
    assert found.high - found.low < exact
    assert len(found.thresholds) >= 4


def test_intervals_of_rare_events_cover_the_exact_probability() -> None:
    engine = queue(1.0, 4.0, 11, 1)
    exact = (4.0 - 1) / (4.0**11 - 1)
    found = [
        engine.rare_event(
            "jobs >= 11", before="jobs == 0", levels="jobs", effort=200, repeats=20, seed=seed,
            thresholds=(3, 5, 7, 9),
        )
        for seed in range(100)
    ]  # fmt: skip
    hits = sum(one.low <= exact <= one.high for one in found)
    assert covered_often_enough(hits, 100, 0.95), hits
    means = np.array([one.probability for one in found])
    assert abs(means.mean() - exact) <= 5 * means.std(ddof=1) / 10


def test_levels_may_be_a_weighted_sum_of_two_queues() -> None:
    net = Net("tandem")
    for place, tokens in (("one", 1), ("two", 0)):
        net.add_place(place, tokens, capacity=12)
    net.add_transition("arrive", [], ["one"], rate=1.0)
    net.add_transition("pass", ["one"], ["two"], rate=6.0)
    net.add_transition("leave", ["two"], [], rate=4.0)
    engine = net.compile()
    event, empty = "two >= 10", "one + two == 0"
    exact = engine.markov_chain().first_passage(event, before=empty).probability
    assert 1e-9 < exact < 1e-5
    found = engine.rare_event(
        event, before=empty, levels="one + 2*two", confidence=0.999999, seed=3, effort=1000
    )
    assert found.low <= exact <= found.high


def test_a_seed_gives_the_same_rare_event_on_any_number_of_threads() -> None:
    engine = queue(1.0, 5.0, 10, 1)
    one, two = (
        engine.rare_event(
            "jobs >= 10", before="jobs == 0", levels="jobs", effort=100, seed=8, threads=threads
        )
        for threads in (1, 2)
    )
    assert one.probability == two.probability
    assert one.estimates.tolist() == two.estimates.tolist()


def test_wrong_arguments_of_a_rare_event_are_refused() -> None:
    engine = queue(1.0, 5.0, 10, 1)
    with pytest.raises(NetError, match="holds at the start"):
        engine.rare_event("jobs >= 10", before="jobs == 1", levels="jobs", seed=1)
    with pytest.raises(NetError, match="thresholds ascend"):
        engine.rare_event("jobs >= 10", before="jobs == 0", levels="jobs", thresholds=[3, 2], seed=1)
    with pytest.raises(pc.FormulaError):
        engine.rare_event("jobs >= 10", before="jobs == 0", levels="jobs * jobs", seed=1)
    with pytest.raises(LimitReached, match="of 500 runs none brings 'free'"):
        engine.rare_event("jobs >= 10", before="jobs == 0", levels="free", seed=1)
