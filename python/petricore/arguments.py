"""Checks at the door: single arguments from users become plain Python values, or errors that say what is wrong."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from petricore.errors import NetError

__all__ = ["integer", "known", "known_names", "one_of", "positive", "seconds_of"]

_MOST = 2**63 - 1


def integer(value: object) -> int | None:
    """`value` as an int if it is one (anything with `__index__` but bool), else None."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def positive(value: object, what: str, default: int) -> int:
    """A checked limit, cut to 2^63 - 1; None stands for `default`.

    Raises:
        NetError: `value` is no integer above 0.
    """
    if value is None:
        return default
    number = integer(value)
    if number is None or number < 1:
        raise NetError(f"{what} is a positive integer, not {value!r}")
    return min(number, _MOST)


def seconds_of(timeout: object) -> float:
    """A checked time limit in seconds; None is no limit.

    Raises:
        NetError: `timeout` is no number from 0 to infinity.
    """
    if timeout is None:
        return float("inf")
    if (
        isinstance(timeout, bool)
        or not isinstance(timeout, (int, float, np.integer, np.floating))
        or not timeout >= 0
    ):
        raise NetError(f"timeout is a number of seconds, not {timeout!r}")
    return float(timeout) if timeout < 2**62 else float("inf")


def one_of(value: object, what: str, choices: Sequence[str]) -> None:
    """Raise `NetError` unless `value` is one of the strings."""
    if not isinstance(value, str) or value not in choices:
        *others, last = map(repr, choices)
        raise NetError(f"{what} is {', '.join(others)} or {last}, not {value!r}")


def known(name: object, kind: str, names: Collection[str]) -> str:
    """`name`, if it is one of `names`.

    Raises:
        NetError: it is not; `kind` says of what.
    """
    if not isinstance(name, str) or name not in names:
        raise NetError(f"there is no {kind} {name!r}")
    return name


def known_names(values: Iterable[str], kind: str, names: Collection[str]) -> list[str]:
    """The names, in order, if all are among `names`.

    Raises:
        NetError: one is not, or `values` is a single string or nothing to go through.
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise NetError(f"several names of {kind}s are asked for, not {values!r}")
    return [known(name, kind, names) for name in values]
