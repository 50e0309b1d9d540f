"""The timing of a transition as attributes of petricore's own element in PNML.

`rate="2.0"`, `rate-expression="2 * p"` or `mass-action="0.5"`; `servers="3"` or `"inf"`; `delay="uniform 1.0 3.0"`;
`weight="2.0"`; `memory="age"`. What is left out has its default.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from petricore.distributions import Delay
from petricore.errors import NetError
from petricore.io.delays import delay_from_text, delay_to_text
from petricore.net import Transition
from petricore.timing import MassAction, options_of

__all__ = ["timing_from_attributes", "timing_to_attributes"]


def timing_to_attributes(transition: Transition) -> dict[str, str]:
    """The options that differ from their defaults, as text."""
    attributes = {}
    for option, value in options_of(transition).items():
        if isinstance(value, MassAction):
            attributes["mass-action"] = repr(value.k)
        elif isinstance(value, Delay):
            attributes[option] = delay_to_text(value)
        elif option == "rate" and isinstance(value, str):
            attributes["rate-expression"] = value
        else:
            attributes[option] = value if isinstance(value, str) else repr(value)
    return attributes


def timing_from_attributes(attributes: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of `Net.add_transition` that attributes give; others are passed over.

    Raises:
        NetError: a value is no number or no distribution, or two attributes each give the rate.
    """
    options: dict[str, Any] = {}
    rates = [name for name in ("rate", "rate-expression", "mass-action") if name in attributes]
    if len(rates) > 1:
        raise NetError(f"{rates[0]} and {rates[1]} each give the rate")
    for name in rates:
        text = attributes[name]
        if name == "rate-expression":
            options["rate"] = text
        else:
            number = _number(name, text)
            options["rate"] = MassAction(number) if name == "mass-action" else number
    if "servers" in attributes:
        text = attributes["servers"]
        options["servers"] = (
            math.inf if text == "inf" else int(text) if text.isdecimal() and len(text) < 11 else text
        )
    if "delay" in attributes:
        options["delay"] = delay_from_text(attributes["delay"])
    if "weight" in attributes:
        options["weight"] = _number("weight", attributes["weight"])
    if "memory" in attributes:
        options["memory"] = attributes["memory"]
    return options


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise NetError(f"the {name} {text[:80]!r} is no number") from None
