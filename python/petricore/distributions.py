"""Distributions of the time that a transition takes: immutable, comparable, validated when they are made.

All times are in units of model time. `delay=` of `Net.add_transition` takes them.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from operator import index

from petricore.errors import NetError

__all__ = [
    "Delay",
    "Deterministic",
    "Empirical",
    "Erlang",
    "Exponential",
    "Interval",
    "Lognormal",
    "Triangular",
    "Uniform",
    "Weibull",
]

_LARGEST_SHAPE = 2**31 - 1


class Delay:
    """Base of the distributions. Every parameter is finite, every value drawn at least 0.

    Making one with a parameter out of its range raises `NetError`, which names the distribution, the parameter
    and the value.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def mean(self) -> float:
        """The expected value, in model time."""

    @property
    @abstractmethod
    def variance(self) -> float:
        """The variance, in model time squared; infinite where it is beyond the doubles."""

    def _number(self, name: str, *, least: float = -math.inf, above: float = -math.inf) -> float:
        """Check the parameter `name` and keep it as a float."""
        value = _checked(f"{type(self).__name__}: {name}", getattr(self, name), least, above)
        object.__setattr__(self, name, value)
        return value

    def _ordered(self, low: str, high: str) -> None:
        if getattr(self, low) > getattr(self, high):
            raise NetError(
                f"{type(self).__name__}: {high} is at least {low} = {getattr(self, low)}, not {getattr(self, high)}"
            )


@dataclass(frozen=True, slots=True)
class Exponential(Delay):
    """Memoryless, with `rate` events per unit of time. `delay=Exponential(r)` is `rate=r`."""

    rate: float

    def __post_init__(self) -> None:
        self._number("rate", above=0.0)

    @property
    def mean(self) -> float:
        """1 / rate."""
        return 1.0 / self.rate

    @property
    def variance(self) -> float:
        """1 / rate^2."""
        return _square(1.0 / self.rate)


@dataclass(frozen=True, slots=True)
class Deterministic(Delay):
    """Always `value`."""

    value: float

    def __post_init__(self) -> None:
        self._number("value", least=0.0)

    @property
    def mean(self) -> float:
        """The value."""
        return self.value

    @property
    def variance(self) -> float:
        """0."""
        return 0.0


@dataclass(frozen=True, slots=True)
class Uniform(Delay):
    """Anywhere in [low, high] with the same density."""

    low: float
    high: float

    def __post_init__(self) -> None:
        self._number("low", least=0.0)
        self._number("high", least=0.0)
        self._ordered("low", "high")

    @property
    def mean(self) -> float:
        """The middle."""
        return self.low / 2 + self.high / 2

    @property
    def variance(self) -> float:
        """(high - low)^2 / 12."""
        return _square(self.high - self.low) / 12


@dataclass(frozen=True, slots=True)
class Interval(Delay):
    """The static firing interval of a time Petri net; simulated as uniform over [earliest, latest].

    P. M. Merlin, D. J. Farber: Recoverability of communication protocols - implications of a theoretical study,
    IEEE Transactions on Communications 24(9), 1976, doi:10.1109/TCOM.1976.1093424, introduces the intervals; they
    say what is possible, not how likely it is. `latest` is finite, since a uniform choice needs an end.
    """

    earliest: float
    latest: float

    def __post_init__(self) -> None:
        self._number("earliest", least=0.0)
        self._number("latest", least=0.0)
        self._ordered("earliest", "latest")

    @property
    def mean(self) -> float:
        """The middle."""
        return self.earliest / 2 + self.latest / 2

    @property
    def variance(self) -> float:
        """(latest - earliest)^2 / 12."""
        return _square(self.latest - self.earliest) / 12


@dataclass(frozen=True, slots=True)
class Erlang(Delay):
    """The sum of `shape` exponential phases of `rate` each."""

    shape: int
    rate: float

    def __post_init__(self) -> None:
        try:
            if isinstance(self.shape, bool):
                raise TypeError
            shape = index(self.shape)
        except TypeError:
            raise NetError(
                f"Erlang: shape is an integer, not {self.shape!r} ({type(self.shape).__name__})"
            ) from None
        if not 1 <= shape <= _LARGEST_SHAPE:
            raise NetError(f"Erlang: shape is between 1 and {_LARGEST_SHAPE}, not {shape}")
        object.__setattr__(self, "shape", shape)
        self._number("rate", above=0.0)

    @property
    def mean(self) -> float:
        """shape / rate."""
        return self.shape / self.rate

    @property
    def variance(self) -> float:
        """shape / rate^2."""
        return self.shape * _square(1.0 / self.rate)


@dataclass(frozen=True, slots=True)
class Lognormal(Delay):
    """e^N for a normal N with mean `mu` and standard deviation `sigma`."""

    mu: float
    sigma: float

    def __post_init__(self) -> None:
        self._number("mu")
        self._number("sigma", least=0.0)

    @property
    def mean(self) -> float:
        """exp(mu + sigma^2 / 2)."""
        return _exp(self.mu + _square(self.sigma) / 2)

    @property
    def variance(self) -> float:
        """(exp(sigma^2) - 1) exp(2 mu + sigma^2)."""
        if self.sigma == 0:
            return 0.0
        spread = _square(self.sigma)
        if spread > 700:
            return _exp(2 * (self.mu + spread))
        return math.expm1(spread) * _exp(2 * self.mu + spread)


@dataclass(frozen=True, slots=True)
class Weibull(Delay):
    """P(delay > t) = exp(-(t / scale)^shape)."""

    shape: float
    scale: float

    def __post_init__(self) -> None:
        self._number("shape", above=0.0)
        self._number("scale", above=0.0)

    @property
    def mean(self) -> float:
        """scale * Gamma(1 + 1 / shape)."""
        return self.scale * _gamma(1 + 1 / self.shape)

    @property
    def variance(self) -> float:
        """scale^2 (Gamma(1 + 2 / shape) - Gamma(1 + 1 / shape)^2)."""
        second, first = _gamma(1 + 2 / self.shape), _gamma(1 + 1 / self.shape)
        return math.inf if math.isinf(second) else _square(self.scale) * max(0.0, second - first * first)


@dataclass(frozen=True, slots=True)
class Triangular(Delay):
    """Between `low` and `high`, with a density that rises to `mode` and falls from there, both in straight lines."""

    low: float
    high: float
    mode: float

    def __post_init__(self) -> None:
        self._number("low", least=0.0)
        self._number("high", least=0.0)
        self._number("mode", least=0.0)
        self._ordered("low", "high")
        self._ordered("low", "mode")
        self._ordered("mode", "high")

    @property
    def mean(self) -> float:
        """(low + high + mode) / 3."""
        return self.low / 3 + self.high / 3 + self.mode / 3

    @property
    def variance(self) -> float:
        """With w = high - low and m = mode - low: (w^2 - w m + m^2) / 18."""
        width, mode = self.high - self.low, self.mode - self.low
        return (_square(width - mode) + width * mode) / 18


@dataclass(frozen=True, slots=True)
class Empirical(Delay):
    """One of `samples`, each equally likely: any iterable of numbers, kept as a tuple of floats."""

    samples: tuple[float, ...]

    def __init__(self, samples: Iterable[float]) -> None:
        if isinstance(samples, (str, bytes)):
            raise NetError(f"Empirical: samples are numbers, not the string {samples!r}")
        try:
            listed = list(samples)
        except TypeError:
            raise NetError(
                f"Empirical: samples are numbers, not {samples!r} ({type(samples).__name__})"
            ) from None
        if not listed:
            raise NetError("Empirical: samples are empty")
        checked = tuple(
            _checked(f"Empirical: samples[{i}]", value, 0.0, -math.inf) for i, value in enumerate(listed)
        )
        object.__setattr__(self, "samples", checked)

    @property
    def mean(self) -> float:
        """The average of the samples."""
        count = len(self.samples)
        return math.fsum(value / count for value in self.samples)

    @property
    def variance(self) -> float:
        """The average squared distance from the mean."""
        mean, count = self.mean, len(self.samples)
        return math.fsum(_square(value - mean) / count for value in self.samples)


def _checked(what: str, value: object, least: float, above: float) -> float:
    try:
        if isinstance(value, (bool, str, bytes)):
            raise TypeError
        number = float(value)  # type: ignore[arg-type]  # whatever is no number is refused here
    except (TypeError, ValueError, OverflowError):
        raise NetError(f"{what} is a number, not {value!r} ({type(value).__name__})") from None
    if not (math.isfinite(number) and number >= least and number > above):
        bound = f" and at least {least:g}" if math.isfinite(least) else ""
        bound = f" and above {above:g}" if math.isfinite(above) else bound
        raise NetError(f"{what} is finite{bound}, not {number}")
    return number


def _square(value: float) -> float:
    return value * value


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _gamma(value: float) -> float:
    try:
        return math.gamma(value)
    except (OverflowError, ValueError):
        return math.inf
