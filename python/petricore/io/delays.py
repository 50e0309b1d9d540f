"""Distributions as plain values and as text, for the file formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

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

__all__ = ["delay_from_fields", "delay_from_text", "delay_to_fields", "delay_to_text"]

_FAMILIES: dict[str, type[Any]] = {
    class_.__name__.lower(): class_
    for class_ in (
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
}


def delay_to_fields(delay: Delay) -> dict[str, Any]:
    """`{"family": "uniform", "low": 1.0, "high": 3.0}`, samples as a list."""
    return {"family": type(delay).__name__.lower(), **_parameters(delay)}


def delay_from_fields(fields: object) -> Delay:
    """The distribution that `delay_to_fields` wrote, or `NetError` saying what is wrong."""
    if not isinstance(fields, Mapping):
        raise NetError(f"a delay is an object with a family, not {fields!r}"[:200])
    class_ = _family(fields.get("family"))
    names = _names(class_)
    given = fields.keys() - {"family"}
    if given != set(names):
        raise NetError(
            f"{class_.__name__} has the parameters {', '.join(names)}, not {', '.join(sorted(given)) or 'none'}"
        )
    return _made(class_, *(fields[name] for name in names))


def delay_to_text(delay: Delay) -> str:
    """The family and its parameters, with single spaces between: `uniform 1.0 3.0`."""
    values: list[Any] = []
    for value in _parameters(delay).values():
        values += value if isinstance(value, list) else [value]
    return " ".join([type(delay).__name__.lower(), *map(repr, values)])


def delay_from_text(text: str) -> Delay:
    """The distribution that `delay_to_text` wrote, or `NetError` saying what is wrong."""
    words = text.split()
    class_ = _family(words[0] if words else None)
    try:
        values = [int(word) if word.isdecimal() else float(word) for word in words[1:]]
    except ValueError:
        raise NetError(f"{text[:80]!r} holds something that is no number") from None
    if class_ is Empirical:
        return Empirical(values)
    names = _names(class_)
    if len(values) != len(names):
        raise NetError(
            f"{class_.__name__} has the parameters {', '.join(names)}; {text[:80]!r} has {len(values)}"
        )
    return _made(class_, *values)


def _family(name: object) -> type[Any]:
    class_ = _FAMILIES.get(name) if isinstance(name, str) else None
    if class_ is None:
        raise NetError(f"the family of a delay is one of {', '.join(sorted(_FAMILIES))}, not {name!r}"[:300])
    return class_


def _names(class_: type[Any]) -> list[str]:
    return [field.name for field in fields(class_)]


def _made(class_: type[Any], *values: object) -> Delay:
    made: Delay = class_(*values)
    return made


def _parameters(delay: Delay) -> dict[str, Any]:
    values = {name: getattr(delay, name) for name in _names(type(delay))}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
