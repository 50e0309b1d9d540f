"""What `Agent.simulate` is given: the types of its arguments, and the checks of single numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any, TypeVar, Union

from petricore.arguments import integer
from petricore.distributions import Delay
from petricore.errors import NetError

__all__ = ["ByName", "Number", "counted", "probability", "real"]

T = TypeVar("T")

Number = float | Delay | Mapping[float, float]
"""The same each time, drawn from a distribution, or one of some numbers by their probabilities."""

ByName = Union[T, Mapping[str, T]]  # noqa: UP007 - T | ... is no generic alias to mypy
"""One for all, or by name, "*" for all others."""


def real(value: object) -> float | None:
    """`value` as a finite float if it is a real number (of numpy, too) and no bool, else None."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def probability(where: str, value: object) -> float:
    """A checked probability. Raises `NetError`, which names `where`."""
    number = real(value)
    if number is None or not 0 <= number <= 1:
        raise NetError(f"{where}: a probability is a number from 0 to 1, not {value!r}")
    return number


def counted(value: Any, least: int, most: int, message: str) -> int:
    """A checked integer. Raises `NetError` of "`message`, not `value`"."""
    number = integer(value)
    if number is None or not least <= number <= most:
        raise NetError(f"{message}, not {value!r}")
    return number
