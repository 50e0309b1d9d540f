"""Simulated agents against queueing theory. Tolerances are five standard errors, estimated by batch means."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import BaseModel

from petricore import Agent, RateLimit
from petricore.distributions import (
    Deterministic,
    Empirical,
    Erlang,
    Exponential,
    Lognormal,
    Triangular,
    Uniform,
    Weibull,
)
from petricore.simulation.agents.draws import draw_of
from petricore.simulation.agents.streams import Stream

BATCHES = 20
ERRORS = 5.0


class Job(BaseModel):
    n: int


class Half(BaseModel):
    n: int


class Done(BaseModel):
    n: int


def station(servers: int) -> Agent:
    agent = Agent("station")

    @agent.transition(concurrency=servers)
    async def serve(job: Job) -> Done: ...

    return agent


def check_mean(values: NDArray[np.float64], expected: float) -> None:
    """The mean of a stationary series, whose neighbours depend on each other, without its first tenth."""
    kept = values[len(values) // 10 :]
    means = np.array([batch.mean() for batch in np.array_split(kept, BATCHES)])
    error = float(means.std(ddof=1)) / math.sqrt(BATCHES)
    assert abs(float(kept.mean()) - expected) <= ERRORS * error
    assert error < 0.15 * expected  # otherwise the check says nothing


def erlang_c(servers: int, load: float) -> float:
    """The probability that a customer of M/M/c waits; `load` = arrival rate / service rate."""
    terms = [load**k / math.factorial(k) for k in range(servers)]
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(terms) + last)


@pytest.mark.parametrize(("servers", "rate"), [(1, 0.6), (2, 1.4), (5, 4.0)])
def test_waiting_in_m_m_c_is_that_of_erlang_c(servers: int, rate: float) -> None:
    result = station(servers).simulate(
        {Job: 1}, sessions=12_000, arrivals=rate, durations=Exponential(1.0), seed=servers
    )
    probability = erlang_c(servers, rate)
    check_mean(result.waiting, probability / (servers - rate))
    check_mean((result.waiting > 0).astype(float), probability)
    use = result.resources["concurrency of serve"]
    span = result.horizon[1] - result.horizon[0]
    assert use.utilisation * servers * span == pytest.approx(result.transitions["serve"].busy)
    assert use.queue.mean * span == pytest.approx(result.waiting.sum())  # Little's law, on this very path
    assert result.bottleneck is not None


def test_waiting_in_m_d_1_is_that_of_pollaczek_and_khinchine() -> None:
    result = station(1).simulate(
        {Job: 1}, sessions=12_000, arrivals=0.6, durations=Deterministic(1.0), seed=4
    )
    check_mean(result.waiting, 0.6 / (2 * (1 - 0.6)))


def test_a_tandem_of_queues_is_two_queues_of_their_own() -> None:
    agent = Agent("tandem")

    @agent.transition(concurrency=1)
    async def first(job: Job) -> Half: ...

    @agent.transition(concurrency=1)
    async def second(half: Half) -> Done: ...

    result = agent.simulate(
        {Job: 1},
        sessions=12_000,
        arrivals=0.5,
        durations={"first": Exponential(1.0), "second": Exponential(0.8)},
        seed=5,
    )
    check_mean(result.makespan, 1 / (1.0 - 0.5) + 1 / (0.8 - 0.5))
    check_mean(result.waiting_of("first"), 1 / 0.5 - 1)
    check_mean(result.waiting_of("second"), 1 / 0.3 - 1 / 0.8)


def test_a_rate_limit_with_poisson_arrivals_delays_as_a_simulation_of_its_window_says() -> None:
    agent = Agent("calls")

    @agent.transition
    async def call(job: Job) -> Done: ...

    result = agent.simulate(
        {Job: 1},
        sessions=2_000,
        arrivals=8.0,
        resources={"llm": RateLimit(10)},
        needs={"call": "llm"},
        seed=6,
    )
    began: list[float] = []
    for arrived in result.arrived:
        began.append(max(arrived, began[-10] + 1.0 if len(began) >= 10 else 0.0))
    assert result.waiting == pytest.approx(np.array(began) - result.arrived)


@pytest.mark.parametrize(
    ("distribution", "mean", "variance"),
    [
        (Exponential(2.0), 0.5, 0.25),
        (Uniform(1.0, 3.0), 2.0, 1 / 3),
        (Erlang(20, 4.0), 5.0, 1.25),
        (Lognormal(0.2, 0.5), math.exp(0.325), math.expm1(0.25) * math.exp(0.65)),
        (Weibull(2.0, 3.0), 3 * math.gamma(1.5), 9 * (1 - math.gamma(1.5) ** 2)),
        (Triangular(1.0, 5.0, 2.0), 8 / 3, (1 + 25 + 4 - 5 - 2 - 10) / 18),
        (Empirical((1.0, 2.0, 6.0)), 3.0, 14 / 3),
        ({1: 0.25, 4: 0.75}, 3.25, 27 / 16),
    ],
)
def test_draws_have_the_moments_of_their_distribution(
    distribution: object, mean: float, variance: float
) -> None:
    draw = draw_of("it", distribution)
    values = np.array([draw(Stream(7, 0, 0, i)) for i in range(20_000)])
    assert draw.mean == pytest.approx(mean)
    assert abs(values.mean() - mean) <= ERRORS * math.sqrt(variance / len(values))
    squares = (values - mean) ** 2
    assert abs(squares.mean() - variance) <= ERRORS * squares.std() / math.sqrt(len(values))


def test_neighbouring_streams_are_independent() -> None:
    u = np.array([[Stream(8, session, t).random() for t in range(4)] for session in range(5_000)])
    assert np.all(np.abs(u.mean(axis=0) - 0.5) <= ERRORS * math.sqrt(1 / 12 / len(u)))
    correlations = np.corrcoef(np.column_stack((u[:-1], u[1:])), rowvar=False)
    off = correlations[~np.eye(8, dtype=bool)]
    assert np.all(np.abs(off) <= ERRORS / math.sqrt(len(u)))
