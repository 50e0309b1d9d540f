"""Chains with known solutions, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

import petricore as pc
from petricore import Engine, LimitReached, Net, NetError
from petricore.simulation.elimination import solve_open, stationary_dense
from petricore.simulation.uniformisation import poisson_weights


def queue(arrival: float = 1.0, service: float = 2.0, room: int = 5, servers: int | float = 1) -> Engine:
    net = Net("queue")
    net.add_place("free", room)
    net.add_place("jobs")
    net.add_transition("arrive", ["free"], ["jobs"], rate=arrival)
    net.add_transition("serve", ["jobs"], ["free"], rate=service, servers=servers)
    return net.compile()


def geometric(ratio: float, room: int) -> np.ndarray:
    weights = ratio ** np.arange(room + 1)
    return weights / weights.sum()


def test_a_queue_has_the_geometric_distribution() -> None:
    chain = queue(1.0, 2.0, 5).markov_chain()
    pi = chain.stationary()
    jobs = chain.markings[:, 1]
    np.testing.assert_allclose(pi, geometric(0.5, 5)[jobs], rtol=1e-14)
    assert chain.throughput("arrive") == pytest.approx(1 - geometric(0.5, 5)[5], rel=1e-13)
    assert chain.throughput("serve") == pytest.approx(chain.throughput("arrive"), rel=1e-13)
    assert chain.probability("jobs >= 1") == pytest.approx(1 - geometric(0.5, 5)[0], rel=1e-13)


def test_tiny_probabilities_keep_their_digits() -> None:
    chain = queue(1e-3, 1.0, 100).markov_chain()
    pi = chain.stationary()[np.argsort(chain.markings[:, 1])]
    np.testing.assert_allclose(pi, geometric(1e-3, 100), rtol=1e-12)


def test_a_rare_event_keeps_its_digits() -> None:
    # Gambler's ruin: from one job, to fill up before the queue is empty.
    net = queue(1.0, 5.0, 30).net()
    full = Net("started")
    full.add_place("free", 29)
    full.add_place("jobs", 1)
    for one in net.transitions.values():
        full.add_transition(one.name, one.inputs, one.outputs, rate=one.rate)
    passage = full.compile().markov_chain().first_passage("jobs >= 30", before="jobs == 0")
    assert passage.probability == pytest.approx((5.0 - 1) / (5.0**30 - 1), rel=1e-13)


def test_a_queue_of_many_servers_is_that_of_erlang() -> None:
    chain = queue(3.0, 1.0, 6, servers=math.inf).markov_chain()
    weights = np.array([3.0**n / math.factorial(n) for n in range(7)])
    pi = chain.stationary()[np.argsort(chain.markings[:, 1])]
    np.testing.assert_allclose(pi, weights / weights.sum(), rtol=1e-13)


def test_a_large_flat_chain_is_factorised() -> None:
    net = Net("tandem")
    for place, tokens in (("free1", 40), ("one", 0), ("free2", 40), ("two", 0)):
        net.add_place(place, tokens)
    net.add_transition("arrive", ["free1"], ["one"], rate=1.0)
    net.add_transition("pass", ["one", "free2"], ["free1", "two"], rate=1.5)
    net.add_transition("leave", ["two"], ["free2"], rate=1.2)
    chain = net.compile().markov_chain()
    assert len(chain) == 41 * 41
    pi = chain.stationary()
    assert np.abs(pi @ chain.generator).sum() < 1e-10
    assert chain.throughput("arrive") == pytest.approx(chain.throughput("leave"), rel=1e-9)
    passage = chain.first_passage("two >= 10")
    assert passage.mean == pytest.approx(float(np.trapezoid(*_survival(passage))), rel=1e-3)


def test_a_large_chain_of_many_dimensions_has_the_product_form() -> None:
    net = Net("closed")
    speeds = (1.0, 1.1, 1.2, 1.3, 1.5)
    for i in range(5):
        net.add_place(f"p{i}", 17 if i == 0 else 0)
    for i, speed in enumerate(speeds):
        net.add_transition(f"t{i}", [f"p{i}"], [f"p{(i + 1) % 5}"], rate=0.7 * speed)
        net.add_transition(f"u{i}", [f"p{i}"], [f"p{(i + 2) % 5}"], rate=0.3 * speed)
    chain = net.compile().markov_chain()
    assert len(chain) == math.comb(21, 4)
    weights = np.prod(np.array(speeds) ** -chain.markings.astype(float), axis=1)
    np.testing.assert_allclose(chain.stationary(), weights / weights.sum(), rtol=1e-5)


def _survival(passage: object) -> tuple[np.ndarray, np.ndarray]:
    times = np.linspace(0, 12 * passage.mean, 1500)  # type: ignore[attr-defined]
    return 1 - passage.cdf(times), times  # type: ignore[attr-defined]


def test_the_long_run_mixes_where_a_chain_can_end() -> None:
    net = Net("choice")
    for place, tokens in (("start", 1), ("a", 0), ("b", 0), ("c", 0)):
        net.add_place(place, tokens)
    net.add_transition("to_a", ["start"], ["a"], rate=1.0)
    net.add_transition("to_b", ["start"], ["b"], rate=3.0)
    net.add_transition("b_to_c", ["b"], ["c"], rate=1.0)
    net.add_transition("c_to_b", ["c"], ["b"], rate=2.0)
    chain = net.compile().markov_chain()
    assert chain.expectation("a") == pytest.approx(0.25)
    assert chain.expectation("b") == pytest.approx(0.75 * 2 / 3)
    assert chain.expectation("start") == 0
    assert chain.first_passage("a >= 1").probability == pytest.approx(0.25)
    assert chain.first_passage("a >= 1").mean == math.inf
    assert chain.first_passage("start == 0").mean == pytest.approx(0.25)
    assert chain.first_passage("start == 0").variance == pytest.approx(1 / 16)
    assert chain.first_passage("start == 0").cdf(0.5) == pytest.approx(1 - math.exp(-2))


def test_a_chain_without_transitions_stays() -> None:
    net = Net("still")
    net.add_place("a", 3)
    chain = net.compile().markov_chain()
    assert chain.stationary().tolist() == [1.0]
    assert chain.transient(5).tolist() == [1.0]
    assert chain.expectation("a") == 3


def test_vanishing_loops_are_left_by_their_weights() -> None:
    net = Net("loop")
    for place, tokens in (("start", 1), ("x", 0), ("y", 0), ("left", 0), ("right", 0)):
        net.add_place(place, tokens)
    net.add_transition("go", ["start"], ["x"], rate=2.0)
    net.add_transition("xy", ["x"], ["y"], weight=1e9)
    net.add_transition("yx", ["y"], ["x"], weight=1e9)
    net.add_transition("x_out", ["x"], ["left"], weight=1.0)
    net.add_transition("y_out", ["y"], ["right"], weight=3.0)
    net.add_transition("left_back", ["left"], ["start"], rate=1.0)
    net.add_transition("right_back", ["right"], ["start"], rate=1.0)
    chain = net.compile().markov_chain()
    assert chain.vanishing == 2
    assert len(chain) == 3
    assert chain.throughput("y_out") / chain.throughput("x_out") == pytest.approx(3.0, rel=1e-8)
    assert chain.throughput("x_out") + chain.throughput("y_out") == pytest.approx(chain.throughput("go"))
    assert chain.throughput("xy") == pytest.approx(chain.throughput("go") * 1e9 / 4, rel=1e-6)


def test_a_net_that_only_its_rates_bound_has_a_chain() -> None:
    net = Net("full")
    net.add_place("jobs")
    net.add_transition("arrive", [], ["jobs"], rate="if(jobs < 3, 1, 0)")
    net.add_transition("serve", ["jobs"], [], rate=1.0)
    assert len(net.compile().markov_chain()) == 4


def test_a_delay_that_is_not_exponential_names_its_transition() -> None:
    net = Net("late")
    net.add_place("a", 1)
    net.add_transition("exact", ["a"], ["a"], delay=pc.Deterministic(1.0))
    with pytest.raises(NetError, match=r"'exact' takes Deterministic\(value=1.0\), which is not exponential"):
        net.compile().markov_chain()


def test_a_negative_rate_names_its_transition_and_the_marking() -> None:
    net = Net("odd")
    net.add_place("a", 2)
    net.add_transition("t", ["a"], [], rate="a - 1.5")
    with pytest.raises(NetError, match=r"'t' has the rate -0.5 at the marking \{a: 1\}"):
        net.compile().markov_chain()


def test_a_trap_in_no_time_names_the_transitions() -> None:
    net = Net("trap")
    net.add_place("a", 1)
    net.add_place("b")
    net.add_transition("there", ["a"], ["b"], weight=1.0)
    net.add_transition("back", ["b"], ["a"], weight=1.0)
    with pytest.raises(NetError, match=r"fire for ever in no time .*'there', 'back'"):
        net.compile().markov_chain()


def test_limits_are_told() -> None:
    with pytest.raises(LimitReached, match="limit of 3 states"):
        queue().markov_chain(limit=3)
    net = Net("open")
    net.add_place("a")
    net.add_transition("more", [], ["a"], rate="1 + a")
    with pytest.raises(LimitReached, match="limit of 50 states"):
        net.compile().markov_chain(limit=50)
    with pytest.raises(LimitReached, match="memory limit was reached"):
        net.compile().markov_chain(memory=10_000)


def test_wrong_arguments_are_refused() -> None:
    chain = queue().markov_chain()
    with pytest.raises(NetError, match="a finite number from 0"):
        chain.transient(-1.0)
    with pytest.raises(NetError, match="times ascend"):
        chain.transient([2.0, 1.0])
    with pytest.raises(NetError, match="a number for each of the 6 states"):
        chain.expectation("jobs", np.ones(3))
    with pytest.raises(NetError, match="expression"):
        chain.expectation("nothing")
    with pytest.raises(NetError, match="no transition 'fly'"):
        chain.throughput("fly")
    with pytest.raises(NetError, match="no state"):
        chain.index([3, 3])


@pytest.mark.parametrize("mean", [0.0, 1e-9, 0.3, 1.0, 7.5, 100.0, 1e4, 1e7])
def test_weights_of_steps_are_poisson(mean: float) -> None:
    from scipy.stats import poisson

    first, weights = poisson_weights(mean, 1e-12)
    exact = poisson.pmf(np.arange(first, first + len(weights)), mean)
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights, exact, rtol=1e-6, atol=1e-18)
    assert 1 - exact.sum() < 1e-9


def test_systems_without_subtractions_agree_with_numpy() -> None:
    random = np.random.default_rng(7)
    rates, exits, right = random.random((8, 8)), random.random(8), random.random((8, 3))
    off = rates - np.diag(np.diag(rates))
    matrix = np.diag(off.sum(axis=1) + exits) - off
    np.testing.assert_allclose(solve_open(rates, exits, right), np.linalg.solve(matrix, right), rtol=1e-12)
    pi = stationary_dense(rates)
    np.testing.assert_allclose(pi @ (off - np.diag(off.sum(axis=1))), 0, atol=1e-14)
