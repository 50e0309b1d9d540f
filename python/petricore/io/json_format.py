"""Nets as JSON: a versioned object with one entry per place and transition, all defaults left out.

A document is `{"format": "petricore-net", "version": 1, "name": "n", "places": [...], "transitions": [...]}`,
a place `{"name": "p", "tokens": 3, "capacity": 5}`, a transition `{"name": "t", "inputs": {"p": 2},
"outputs": {}, "reads": {}, "inhibitors": {}, "resets": ["p"], "priority": 1, "rate": 0.5}`.

Version 2 adds timing beyond a constant rate: `"rate": "2 * p"` or `{"mass_action": 0.5}`, `"servers": 3` or
`"infinite"`, `"delay": {"family": "uniform", "low": 1.0, "high": 3.0}`, `"weight": 2.0` and `"memory": "age"`. A net
that needs none of it is written as version 1, which older readers know.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

from petricore.errors import NetError
from petricore.io.delays import delay_from_fields, delay_to_fields
from petricore.net import Net, Place, Transition
from petricore.timing import MassAction, options_of

__all__ = ["FORMAT", "VERSION", "from_json", "to_json"]

FORMAT = "petricore-net"
VERSION = 2

_DOCUMENT_KEYS = frozenset({"format", "version", "name", "places", "transitions"})
_PLACE_KEYS = frozenset({"name", "tokens", "capacity"})
_ARC_KEYS = ("inputs", "outputs", "reads", "inhibitors")
_TRANSITION_KEYS = {
    1: frozenset({"name", *_ARC_KEYS, "resets", "priority", "rate"}),
    2: frozenset({"name", *_ARC_KEYS, "resets", "priority", "rate", "servers", "delay", "weight", "memory"}),
}
"""The keys of a transition by version; the versions that are read."""


def to_json(net: Net, *, indent: int | None = None) -> str:
    """The net as a JSON text in ASCII; `indent` spaces per level, one line if None."""
    document = {
        "format": FORMAT,
        "version": 1 if all(_fits_version_1(t) for t in net.transitions.values()) else VERSION,
        "name": net.name,
        "places": [_place(place) for place in net.places.values()],
        "transitions": [_transition(transition) for transition in net.transitions.values()],
    }
    return json.dumps(document, indent=indent, allow_nan=False)


def from_json(text: str | bytes) -> Net:
    """The net that `to_json` wrote.

    Raises:
        NetError: no JSON, another format or version, an unknown or repeated key, or a net that is malformed;
            it
            names the path in the document, such as `transitions[2]`.
    """
    try:
        document = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except NetError:
        raise
    except (ValueError, RecursionError) as error:
        raise NetError(f"no JSON document: {error}") from None
    _expect_object("$", document, _DOCUMENT_KEYS)
    version = document.get("version")
    if document.get("format") != FORMAT or type(version) is not int or version not in _TRANSITION_KEYS:
        raise NetError(
            f"$: the format is {FORMAT!r} version 1 or {VERSION}, not {document.get('format')!r} version {version!r}"
        )
    net: Net = _at("name", Net, {"name": document.get("name")})
    for path, place in _entries(document, "places"):
        _expect_object(path, place, _PLACE_KEYS)
        _at(path, net.add_place, place)
    for path, transition in _entries(document, "transitions"):
        _expect_transition(path, transition, version)
        _at(path, net.add_transition, {**transition, **_read_timing(path, transition, version)})
    return net


def _place(place: Place) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": place.name}
    if place.tokens:
        entry["tokens"] = place.tokens
    if place.capacity is not None:
        entry["capacity"] = place.capacity
    return entry


def _transition(transition: Transition) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": transition.name}
    for key in _ARC_KEYS:
        arcs = getattr(transition, key)
        if arcs:
            entry[key] = dict(arcs)
    if transition.resets:
        entry["resets"] = list(transition.resets)
    if transition.priority != 0:
        entry["priority"] = transition.priority
    for option, value in options_of(transition).items():
        entry[option] = _WRITTEN.get(option, _as_it_is)(value)
    return entry


def _fits_version_1(transition: Transition) -> bool:
    return options_of(transition).keys() <= {"rate"} and isinstance(transition.rate, float)


def _as_it_is(value: Any) -> Any:
    return value


_WRITTEN: dict[str, Callable[[Any], Any]] = {
    "rate": lambda rate: {"mass_action": rate.k} if isinstance(rate, MassAction) else rate,
    "servers": lambda servers: "infinite" if servers == math.inf else servers,
    "delay": delay_to_fields,
}
"""How an option of the timing is written where JSON has no such value."""


def _read_timing(path: str, entry: dict[str, Any], version: int) -> dict[str, Any]:
    """The options of the timing that stand in the entry, as `Net.add_transition` takes them."""
    options: dict[str, Any] = {}
    if "rate" in entry:
        options["rate"] = _read_rate(f"{path}.rate", entry["rate"], version)
    if entry.get("servers") == "infinite":
        options["servers"] = math.inf
    if "delay" in entry:
        options["delay"] = _at(f"{path}.delay", delay_from_fields, {"fields": entry["delay"]}, names=False)
    if "weight" in entry and not _is_number(entry["weight"]):
        _fail(f"{path}.weight", f"a number is expected, not {_kind(entry['weight'])}")
    return options


def _read_rate(path: str, rate: Any, version: int) -> Any:
    if _is_number(rate) or (version >= 2 and isinstance(rate, str)):
        return rate
    if version >= 2 and isinstance(rate, dict):
        _expect_object(path, rate, frozenset({"mass_action"}))
        return _at(path, MassAction, {"k": rate.get("mass_action")}, names=False)
    also = ", an expression or {'mass_action': k}" if version >= 2 else ""
    return _fail(path, f"a number{also} is expected, not {_kind(rate)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _entries(document: dict[str, Any], key: str) -> list[tuple[str, Any]]:
    entries = document.get(key, [])
    if not isinstance(entries, list):
        _fail(key, f"an array is expected, not {_kind(entries)}")
    return [(f"{key}[{position}]", entry) for position, entry in enumerate(entries)]


def _expect_transition(path: str, transition: Any, version: int) -> None:
    _expect_object(path, transition, _TRANSITION_KEYS[version])
    for key in _ARC_KEYS:
        if not isinstance(transition.get(key, {}), dict):
            _fail(f"{path}.{key}", f"an object of weights is expected, not {_kind(transition[key])}")
    if not isinstance(transition.get("resets", []), list):
        _fail(f"{path}.resets", f"an array of place names is expected, not {_kind(transition['resets'])}")


def _expect_object(path: str, value: Any, keys: frozenset[str]) -> None:
    if not isinstance(value, dict):
        _fail(path, f"an object is expected, not {_kind(value)}")
    unknown = value.keys() - keys
    if unknown:
        _fail(path, f"the key {min(unknown)!r} is unknown; known are {', '.join(sorted(keys))}")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in found if keys.count(key) > 1)
        raise NetError(f"the key {repeated!r} stands twice in one object")
    return found


def _no_constant(constant: str) -> NoReturn:
    raise NetError(f"{constant} is no JSON number")


def _at(path: str, build: Callable[..., Any], entry: dict[str, Any], *, names: bool = True) -> Any:
    try:
        return build(**({"name": None, **entry} if names else entry))
    except NetError as error:
        _fail(path, error.message)


def _fail(path: str, what: str) -> NoReturn:
    raise NetError(f"{path}: {what}") from None


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), f"the number {value!r}"[:100])
