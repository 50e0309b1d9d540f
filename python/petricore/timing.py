"""When transitions fire: the timing options of `Net.add_transition`, and their form for the core.

A transition is exponential (`rate`), general (`delay`) or immediate (`weight`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex

import numpy as np
import numpy.typing as npt

from petricore import _core
from petricore.distributions import (
    Delay,
    Deterministic,
    Empirical,
    Erlang,
    Exponential,
    Interval,
    Lognormal,
    Triangular,
    Uniform,
    Weibull,
)
from petricore.errors import NetError

if TYPE_CHECKING:
    from petricore.net import Transition

__all__ = [
    "INFINITE_SERVERS",
    "Lowered",
    "MassAction",
    "Rate",
    "TimingOptions",
    "checked",
    "constant_rate",
    "core_names",
    "lower",
    "options_of",
]

INFINITE_SERVERS = 2**31 - 1
"""How the core writes `servers=math.inf`."""


@dataclass(frozen=True, slots=True)
class MassAction:
    """The rate law of stochastic chemical kinetics: `k` times the ways to choose the inputs from the tokens.

    That is k times the product of (tokens choose weight) over the inputs: D. T. Gillespie: Exact stochastic
    simulation of coupled chemical reactions, Journal of Physical Chemistry 81(25), 1977, doi:10.1021/j100540a008.

    Raises:
        NetError: `k` is no number, not finite or not above 0.
    """

    k: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", _positive("MassAction: k", self.k))


Rate = float | str | MassAction
"""A constant rate, an expression over the marking, or mass action."""


class TimingOptions(NamedTuple):
    """The timing of a transition after validation, in the order of `Transition`'s fields."""

    rate: Rate
    servers: int | float
    delay: Delay | None
    weight: float | None
    memory: str


class Lowered(NamedTuple):
    """The timing of T transitions as `_core.TimedNet` takes it, after the engine and before the place names."""

    timing: npt.NDArray[np.uint8]
    """0 exponential, 1 general, 2 immediate; (T,)."""
    law: npt.NDArray[np.uint8]
    """0 constant rate per server, 1 mass action, 2 expression; (T,)."""
    memory: npt.NDArray[np.uint8]
    """0 enabling, 1 age; (T,)."""
    servers: npt.NDArray[np.int32]
    """At least 1; `INFINITE_SERVERS` without a limit; (T,)."""
    rates: npt.NDArray[np.float64]
    """The rate, the k of mass action or the factor 1 of an expression; (T,)."""
    weights: npt.NDArray[np.float64]
    """1 where the transition is not immediate; (T,)."""
    delays: list[tuple[int, float, float, float, npt.NDArray[np.float64]] | None]
    """Family, its parameters a, b, c, and the samples of an empirical one; None unless general."""
    expressions: list[str | None]


def checked(
    where: str,
    *,
    rate: float | str | MassAction | None,
    servers: SupportsIndex | float,
    delay: Delay | None,
    weight: float | None,
    memory: str,
    places: Container[str],
) -> TimingOptions:
    """The options of one transition, or `NetError` naming `where`, the option and its value.

    An expression may name the `places`. Costs O(length of the expression).
    """
    if memory not in ("enabling", "age"):
        raise NetError(f"{where}: memory is 'enabling' or 'age', not {memory!r}")
    if delay is not None and not isinstance(delay, Delay):
        raise NetError(f"{where}: delay is a distribution, not {delay!r} ({type(delay).__name__})")
    if rate is not None and delay is not None:
        raise NetError(f"{where}: give rate or delay, not both: rate {rate!r}, delay {delay!r}")
    count = _servers(where, servers)
    if weight is not None:
        return _immediate(where, weight, rate, count, delay, memory)
    if isinstance(delay, Exponential):
        rate, delay = delay.rate, None
    law = _rate(where, 1.0 if rate is None else rate, places)
    if not isinstance(law, float) and count != 1:
        what = "an expression" if isinstance(law, str) else "mass action"
        raise NetError(f"{where}: servers is of no account for a rate by {what}, {law!r}; leave out {count}")
    return TimingOptions(law, count, delay, None, memory)


def _immediate(
    where: str,
    weight: float,
    rate: object,
    servers: int | float,
    delay: Delay | None,
    memory: str,
) -> TimingOptions:
    for option, value, default in (
        ("rate", rate, None),
        ("delay", delay, None),
        ("servers", servers, 1),
        ("memory", memory, "enabling"),
    ):
        if value != default:
            raise NetError(
                f"{where}: a transition with a weight is immediate and has no {option}, here {value!r}"
            )
    return TimingOptions(1.0, 1, None, _positive(f"{where}: weight", weight), "enabling")


def options_of(transition: Transition) -> dict[str, Any]:
    """The keyword arguments of `Net.add_transition` that give the timing of `transition`; no defaults."""
    options: dict[str, Any] = {}
    if transition.weight is not None:
        options["weight"] = transition.weight
    elif transition.delay is not None:
        options["delay"] = transition.delay
    elif transition.rate != 1.0:
        options["rate"] = transition.rate
    if transition.servers != 1:
        options["servers"] = transition.servers
    if transition.memory != "enabling":
        options["memory"] = transition.memory
    return options


def lower(transitions: Iterable[Transition] | Mapping[str, Transition]) -> Lowered:
    """The timing of transitions, in their order, as arrays for the core. Costs O(T + samples)."""
    listed = list(transitions.values() if isinstance(transitions, Mapping) else transitions)
    laws = [2 if isinstance(t.rate, str) else 1 if isinstance(t.rate, MassAction) else 0 for t in listed]
    return Lowered(
        timing=np.array([_timing(t) for t in listed], np.uint8),
        law=np.array(laws, np.uint8),
        memory=np.array([t.memory == "age" for t in listed], np.uint8),
        servers=np.array(
            [INFINITE_SERVERS if t.servers == math.inf else t.servers for t in listed], np.int32
        ),
        rates=np.array([constant_rate(t) for t in listed], np.float64),
        weights=np.array([1.0 if t.weight is None else t.weight for t in listed], np.float64),
        delays=[None if t.delay is None else _delay(t.delay) for t in listed],
        expressions=[t.rate if isinstance(t.rate, str) else None for t in listed],
    )


def core_names(places: Iterable[str]) -> list[str | bytes]:
    """Names of places for the core's expressions, as bytes: half of a surrogate pair is what no text can name."""
    return [name.encode("utf-8", "surrogatepass") for name in places]


def constant_rate(transition: Transition) -> float:
    """What stands before the law: the rate, the k of mass action, 1 for an expression."""
    if isinstance(transition.rate, MassAction):
        return transition.rate.k
    return 1.0 if isinstance(transition.rate, str) else transition.rate


def _timing(transition: Transition) -> int:
    return 2 if transition.weight is not None else 1 if transition.delay is not None else 0


_NO_SAMPLES = np.zeros(0, np.float64)
_NO_SAMPLES.flags.writeable = False


def _delay(delay: Delay) -> tuple[int, float, float, float, npt.NDArray[np.float64]]:
    """The family's number and parameters as `petricore::Delay` has them."""
    match delay:
        case Deterministic(value):
            return 0, value, 0.0, 0.0, _NO_SAMPLES
        case Uniform(low, high) | Interval(low, high):
            return 1, low, high, 0.0, _NO_SAMPLES
        case Erlang(shape, rate):
            return 2, float(shape), rate, 0.0, _NO_SAMPLES
        case Lognormal(mu, sigma):
            return 3, mu, sigma, 0.0, _NO_SAMPLES
        case Weibull(shape, scale):
            return 4, shape, scale, 0.0, _NO_SAMPLES
        case Triangular(low, high, mode):
            return 5, low, high, mode, _NO_SAMPLES
        case Empirical(samples):
            return 6, 0.0, 0.0, 0.0, np.array(samples, np.float64)
    raise NetError(f"{type(delay).__name__} is no distribution of petricore")


def _servers(where: str, value: object) -> int | float:
    if isinstance(value, float) and value == math.inf:
        return math.inf
    try:
        if isinstance(value, bool):
            raise TypeError
        count = index(value)  # type: ignore[arg-type]  # whatever is no index is refused here
    except TypeError:
        raise NetError(
            f"{where}: servers is an integer or math.inf, not {value!r} ({type(value).__name__})"
        ) from None
    if not 1 <= count < INFINITE_SERVERS:
        raise NetError(f"{where}: servers is between 1 and {INFINITE_SERVERS - 1} or math.inf, not {count}")
    return count


def _rate(where: str, value: object, places: Container[str]) -> Rate:
    if isinstance(value, MassAction):
        return value
    if isinstance(value, str):
        _check_expression(where, value, places)
        return value
    return _positive(f"{where}: rate", value)


_NAME = re.compile(
    r'"((?:\\.|[^"\\])*)"|([A-Za-z_\x80-\U0010ffff](?:\.?[A-Za-z_\x80-\U0010ffff0-9])*)', re.DOTALL
)
"""A quoted or plain name in an expression, as the core reads it."""


def _check_expression(where: str, text: str, places: Container[str]) -> None:
    named = {re.sub(r"\\(.)", r"\1", found[1] or "") or found[2] for found in _NAME.finditer(text)}
    try:
        text.encode()
        _core.Expression(text, [name for name in named if name in places])
    except _core.ExpressionError as error:
        raise NetError(f"{where}: rate {text!r}: {error}, at character {error.position}") from None
    except UnicodeError:
        raise NetError(f"{where}: rate {text!r} holds half of a surrogate pair") from None


def _positive(what: str, value: object) -> float:
    try:
        if isinstance(value, (bool, str)):
            raise TypeError
        number = float(value)  # type: ignore[arg-type]  # whatever is no number is refused here
    except (TypeError, ValueError, OverflowError):
        raise NetError(f"{what} is a number, not {value!r} ({type(value).__name__})") from None
    if not (math.isfinite(number) and number > 0):
        raise NetError(f"{what} is finite and above 0, not {number}")
    return number
