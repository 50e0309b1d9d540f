"""Distributions: validation, moments, identity."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from scipy import stats

import petricore as pc

CASES: list[tuple[pc.Delay, Any]] = [
    (pc.Exponential(0.25), stats.expon(scale=4.0)),
    (pc.Uniform(1, 3), stats.uniform(1, 2)),
    (pc.Interval(0.5, 0.75), stats.uniform(0.5, 0.25)),
    (pc.Erlang(3, 2.0), stats.gamma(3, scale=0.5)),
    (pc.Lognormal(0.3, 0.8), stats.lognorm(0.8, scale=math.exp(0.3))),
    (pc.Weibull(1.7, 2.5), stats.weibull_min(1.7, scale=2.5)),
    (pc.Triangular(1, 5, 2), stats.triang(0.25, loc=1, scale=4)),
]


@pytest.mark.parametrize(("delay", "reference"), CASES, ids=[type(delay).__name__ for delay, _ in CASES])
def test_mean_and_variance_are_those_of_scipy(delay: pc.Delay, reference: Any) -> None:
    assert delay.mean == pytest.approx(reference.mean(), rel=1e-12)
    assert delay.variance == pytest.approx(reference.var(), rel=1e-10)


def test_moments_of_constants_and_samples() -> None:
    assert (pc.Deterministic(2).mean, pc.Deterministic(2).variance) == (2.0, 0.0)
    samples = np.array([1.0, 1.0, 4.0, 0.5])
    assert pc.Empirical(samples).mean == pytest.approx(samples.mean())
    assert pc.Empirical(samples).variance == pytest.approx(samples.var())
    assert pc.Lognormal(1, 0).variance == 0


def test_moments_beyond_the_doubles_are_infinite() -> None:
    assert pc.Lognormal(0, 100).mean == math.inf
    assert pc.Lognormal(0, 100).variance == math.inf
    assert pc.Weibull(0.001, 1).variance == math.inf
    assert pc.Exponential(1e-300).variance == math.inf


def test_distributions_are_values() -> None:
    delays = [delay for delay, _ in CASES] + [pc.Empirical([1, 2]), pc.Deterministic(0)]
    assert [pickle.loads(pickle.dumps(delay)) for delay in delays] == delays
    assert len({*delays, *delays}) == len(delays)
    assert pc.Erlang(2, 1) == pc.Erlang(np.int64(2), np.float32(1))
    assert repr(pc.Uniform(1, 2)) == "Uniform(low=1.0, high=2.0)"
    with pytest.raises(AttributeError):
        pc.Uniform(1, 2).low = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pc.Exponential(0), "Exponential: rate is finite and above 0, not 0.0"),
        (lambda: pc.Deterministic(-1), "Deterministic: value is finite and at least 0, not -1.0"),
        (lambda: pc.Deterministic(math.nan), "Deterministic: value is finite and at least 0, not nan"),
        (lambda: pc.Deterministic("2"), r"Deterministic: value is a number, not '2' \(str\)"),  # type: ignore[arg-type]
        (lambda: pc.Uniform(3, 1), "Uniform: high is at least low = 3.0, not 1.0"),
        (lambda: pc.Interval(0, math.inf), "Interval: latest is finite and at least 0, not inf"),
        (lambda: pc.Erlang(0, 1), "Erlang: shape is between 1 and 2147483647, not 0"),
        (lambda: pc.Erlang(1.5, 1), r"Erlang: shape is an integer, not 1.5 \(float\)"),  # type: ignore[arg-type]
        (lambda: pc.Erlang(True, 1), "Erlang: shape is an integer, not True"),
        (lambda: pc.Lognormal(0, -1), "Lognormal: sigma is finite and at least 0, not -1.0"),
        (lambda: pc.Weibull(1, 0), "Weibull: scale is finite and above 0, not 0.0"),
        (lambda: pc.Triangular(1, 3, 4), "Triangular: high is at least mode = 4.0, not 3.0"),
        (lambda: pc.Triangular(1, 3, 0), "Triangular: mode is at least low = 1.0, not 0.0"),
        (lambda: pc.Empirical([]), "Empirical: samples are empty"),
        (lambda: pc.Empirical([1, -2]), r"Empirical: samples\[1\] is finite and at least 0, not -2.0"),
        (lambda: pc.Empirical("12"), "Empirical: samples are numbers, not the string '12'"),  # type: ignore[arg-type]
        (lambda: pc.Empirical(3), r"Empirical: samples are numbers, not 3 \(int\)"),  # type: ignore[arg-type]
        (lambda: pc.MassAction(-1), "MassAction: k is finite and above 0, not -1.0"),
    ],
)
def test_a_parameter_out_of_range_is_named(make: Any, message: str) -> None:
    with pytest.raises(pc.NetError, match=f"^{message}"):
        make()
