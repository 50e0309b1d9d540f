"""Numbers and distributions as one thing: what is drawn anew for each firing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from statistics import NormalDist
from typing import Any

from petricore import distributions as d
from petricore.errors import NetError
from petricore.simulation.agents.given import probability, real
from petricore.simulation.agents.streams import Stream

__all__ = ["Draw", "Sampler", "draw_of"]

Sampler = Callable[[Stream], float]
_PRODUCT = 16
"""Uniform numbers whose product cannot underflow (each is at least 2^-53)."""
_quantile = NormalDist().inv_cdf


class Draw:
    """Draws numbers by a distribution; `constant` is the number where it is always the same."""

    __slots__ = ("constant", "mean", "sample")

    def __init__(self, sample: Sampler, mean: float, constant: float | None = None) -> None:
        self.sample = sample
        self.mean = mean
        self.constant = constant

    def __call__(self, stream: Stream) -> float:
        """The next number."""
        return self.sample(stream) if self.constant is None else self.constant


def draw_of(where: str, value: Any, *, counts: bool = False) -> Draw:
    """What `value` (a number, a distribution, or a mapping of numbers to probabilities) draws: numbers from 0 on.

    Args:
        where: what it is for, for messages.
        value: see above.
        counts: numbers are whole; what a distribution draws is rounded.

    Raises:
        NetError: it is none of these, or can be negative or without bound where it must not.
    """
    if isinstance(value, Real):
        number = real(value)
        if number is None or number < 0 or (counts and not number.is_integer()):
            raise NetError(f"{where} is a {'whole ' if counts else ''}number from 0 on, not {value!r}")
        return Draw(lambda _: number, number, number)
    if isinstance(value, Mapping):
        return _by_probability(where, value, counts=counts)
    sampler = _sampler(where, value)
    if isinstance(value, d.Deterministic) and not counts:
        return draw_of(where, value.value)
    if not counts:
        return Draw(sampler, float(value.mean))
    return Draw(lambda stream: float(math.floor(sampler(stream) + 0.5)), float(value.mean))


def _by_probability(where: str, given: Mapping[Any, Any], *, counts: bool) -> Draw:
    numbers: list[float] = []
    upto: list[float] = []
    total = 0.0
    for key, share in given.items():
        if not isinstance(key, Real):
            raise NetError(f"{where}: probabilities are of numbers, not of {key!r}")
        numbers.append(draw_of(where, key, counts=counts).mean)
        total += probability(f"{where}: {key!r}", share)
        upto.append(total)
    if not math.isclose(total, 1.0, abs_tol=1e-9):
        raise NetError(f"{where}: the probabilities add up to {total:g}, not to 1")
    last = len(numbers) - 1

    def sample(stream: Stream) -> float:
        u = stream.random()
        return next((number for number, end in zip(numbers, upto, strict=True) if u < end), numbers[last])

    mean = sum(number * share for number, share in zip(numbers, given.values(), strict=True))
    return Draw(sample, mean)


def _sampler(where: str, value: Any) -> Sampler:
    match value:
        case d.Exponential(rate):
            return lambda stream: -math.log(stream.positive()) / rate
        case d.Deterministic(number):
            return lambda _: number
        case d.Uniform(low, high) | d.Interval(low, high):
            return lambda stream: low + (high - low) * stream.random()
        case d.Erlang(shape, rate):
            return _erlang(shape, rate) if shape <= _PRODUCT else _gamma(float(shape), rate)
        case d.Lognormal(mu, sigma):
            return _bounded(where, value, lambda stream: math.exp(mu + sigma * _quantile(stream.positive())))
        case d.Weibull(shape, scale):
            return _bounded(
                where, value, lambda stream: scale * (-math.log(stream.positive())) ** (1.0 / shape)
            )
        case d.Triangular(low, high, mode):
            return _triangular(low, high, mode)
        case d.Empirical(samples):
            return lambda stream: samples[int(stream.random() * len(samples))]
    raise NetError(f"{where} is a number or a distribution of petricore, not {value!r}")


def _bounded(where: str, value: Any, sample: Sampler) -> Sampler:
    def checked(stream: Stream) -> float:
        try:
            return sample(stream)
        except OverflowError:
            raise NetError(f"{where}: {value!r} drew a number beyond the doubles") from None

    return checked


def _erlang(shape: int, rate: float) -> Sampler:
    def sample(stream: Stream) -> float:
        product = 1.0
        for _ in range(shape):
            product *= stream.positive()
        return -math.log(product) / rate

    return sample


def _gamma(shape: float, rate: float) -> Sampler:
    """Marsaglia and Tsang, "A simple method for generating gamma variables", 2000, doi:10.1145/358407.358414."""
    d = shape - 1 / 3
    c = 1 / math.sqrt(9 * d)

    def sample(stream: Stream) -> float:
        while True:
            x = _quantile(stream.positive())
            v = (1 + c * x) ** 3
            if v > 0 and math.log(stream.positive()) < 0.5 * x * x + d - d * v + d * math.log(v):
                return d * v / rate

    return sample


def _triangular(low: float, high: float, mode: float) -> Sampler:
    width = high - low
    turn = (mode - low) / width if width > 0 else 0.0

    def sample(stream: Stream) -> float:
        u = stream.random()
        if u < turn:
            return low + math.sqrt(u * width * (mode - low))
        return high - math.sqrt((1.0 - u) * width * (high - mode))

    return sample
