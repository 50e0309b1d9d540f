"""The exact chain against dense matrices: elimination by an inverse, exponentials, null spaces."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.linalg import expm

from petricore import Net, NetError
from petricore.simulation.chain import MarkovChain
from tests.property.gspn import DenseChain, TooLargeError, timed_nets


def solved(net: Net) -> tuple[MarkovChain, DenseChain, list[int]]:
    """The chain, the dense one, and which state of the chain each dense one is."""
    try:
        dense = DenseChain(net)
    except TooLargeError:
        assume(False)
    assume(not dense.trapped)
    chain = net.compile().markov_chain()
    return chain, dense, [chain.index(m) for m in dense.states]


@given(timed_nets())
def test_a_chain_is_what_elimination_by_an_inverse_gives(net: Net) -> None:
    chain, dense, order = solved(net)
    assert len(chain) == len(dense.states)
    assert chain.vanishing == sum(dense.vanishing)
    np.testing.assert_allclose(chain.generator.toarray()[np.ix_(order, order)], dense.generator, atol=1e-10)
    np.testing.assert_allclose(chain.rates.toarray()[order], dense.firings, atol=1e-10)
    np.testing.assert_allclose(chain.initial[order], dense.start, atol=1e-12)


@given(timed_nets(), st.floats(0, 20))
def test_a_transient_distribution_is_that_of_the_matrix_exponential(net: Net, t: float) -> None:
    chain, dense, order = solved(net)
    exact = dense.start @ expm(dense.generator * t)
    np.testing.assert_allclose(chain.transient(t)[order], exact, atol=1e-9)
    np.testing.assert_allclose(chain.transient([0.0, t / 2, t])[2], chain.transient(t), atol=1e-11)


@given(timed_nets())
def test_the_long_run_is_where_the_matrix_exponential_ends(net: Net) -> None:
    chain, dense, order = solved(net)
    far = expm(dense.generator * 64)
    for _ in range(40):  # up to 10^13, past every time scale of these nets
        far = far @ far
        far /= far.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(chain.stationary()[order], dense.start @ far, atol=1e-8)


@given(timed_nets(ergodic=True))
def test_throughputs_and_expectations_follow_from_the_null_space(net: Net) -> None:
    chain, dense, _ = solved(net)
    pi = np.array(dense.start @ np.linalg.matrix_power(expm(dense.generator * 10), 1 << 20))
    pi /= pi.sum()
    assert np.abs(pi @ dense.generator).max() < 1e-8
    for t, transition in enumerate(dense.transitions):
        assert chain.throughput(transition.name) == pytest.approx(pi @ dense.firings[:, t], abs=1e-7)
    values = [sum((i + 1) * count for i, count in enumerate(m)) for m in dense.states]
    text = " + ".join(f"{i + 1}*p{i}" for i in range(len(net.places)))
    assert chain.expectation(text) == pytest.approx(pi @ values, abs=1e-7)


@given(timed_nets(), st.integers(1, 3), st.floats(0, 10))
def test_a_first_passage_is_that_of_a_dense_chain_which_ends_there(net: Net, tokens: int, t: float) -> None:
    chain, dense, _ = solved(net)
    # The goal is looked for among all markings, by a chain over them in which immediate firings are very fast.
    reached = {m for m in dense.all if m[0] >= tokens}
    passage = chain.first_passage(f"p0 >= {tokens}")
    n = len(dense.all)
    number = {m: i for i, m in enumerate(dense.all)}
    matrix = np.zeros((n, n))
    for m, i in number.items():
        if m not in reached:
            for u, value in dense._row(m)[1].items():
                after = dense.oracle.fire(m, u)
                assert after is not None
                matrix[i, number[after]] += value
    goal = np.array([m in reached for m in dense.all])
    # Probabilities of the jumps, and the mean time of each: the embedded chain.
    out = matrix.sum(axis=1)
    jumps = np.divide(matrix, out[:, None], out=np.zeros_like(matrix), where=out[:, None] > 0)
    hopeful = goal.copy()
    for _ in range(n):
        hopeful = hopeful | (jumps @ hopeful > 0)
    inner = hopeful & ~goal
    system = np.eye(inner.sum()) - jumps[np.ix_(inner, inner)]
    hit = goal.astype(float)
    hit[inner] = np.linalg.solve(system, jumps[np.ix_(inner, goal)].sum(axis=1))
    assert passage.probability == pytest.approx(hit[0], abs=1e-9)
    if hit[0] > 1 - 1e-12:
        stays = np.where(np.array(dense.vanishing), 0.0, np.divide(1.0, out, out=np.zeros(n), where=out > 0))
        reach = np.zeros(n, bool)
        reach[0] = True
        for _ in range(n):
            reach = reach | ((reach & ~goal) @ (jumps > 0))
        if hopeful[reach].all():
            mean = np.zeros(n)
            mean[inner] = np.linalg.solve(system, stays[inner])
            assert passage.mean == pytest.approx(mean[0], rel=1e-7, abs=1e-9)
            assert passage.cdf(1e4 * (1 + passage.mean)) == pytest.approx(1, abs=1e-3)
    else:
        assert passage.mean == math.inf
    assert 0 <= passage.cdf(t) <= passage.probability + 1e-9


@given(timed_nets())
def test_a_trap_of_immediate_transitions_is_named(net: Net) -> None:
    try:
        dense = DenseChain(net)
    except TooLargeError:
        assume(False)
    if dense.trapped:
        with pytest.raises(NetError, match=r"fire for ever in no time from the marking .*: '"):
            net.compile().markov_chain()
    else:
        net.compile().markov_chain()
