"""Nets as JSON: a versioned object with one entry per place and transition, all defaults left out.

A document is `{"format": "petricore-net", "version": 1, "name": "n", "places": [...], "transitions": [...]}`,
a place `{"name": "p", "tokens": 3, "capacity": 5}`, a transition `{"name": "t", "inputs": {"p": 2},
"outputs": {}, "reads": {}, "inhibitors": {}, "resets": ["p"], "priority": 1, "rate": 0.5}`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn

from petricore.errors import NetError
from petricore.net import Net, Place, Transition

__all__ = ["FORMAT", "VERSION", "from_json", "to_json"]

FORMAT = "petricore-net"
VERSION = 1

_DOCUMENT_KEYS = frozenset({"format", "version", "name", "places", "transitions"})
_PLACE_KEYS = frozenset({"name", "tokens", "capacity"})
_ARC_KEYS = ("inputs", "outputs", "reads", "inhibitors")
_TRANSITION_KEYS = frozenset({"name", *_ARC_KEYS, "resets", "priority", "rate"})


def to_json(net: Net, *, indent: int | None = None) -> str:
    """The net as a JSON text in ASCII; `indent` spaces per level, one line if None."""
    document = {
        "format": FORMAT,
        "version": VERSION,
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
    if document.get("format") != FORMAT or document.get("version") != VERSION:
        raise NetError(
            f"$: the format is {FORMAT!r} version {VERSION}, not "
            f"{document.get('format')!r} version {document.get('version')!r}"
        )
    net: Net = _at("name", Net, {"name": document.get("name")})
    for path, place in _entries(document, "places"):
        _expect_object(path, place, _PLACE_KEYS)
        _at(path, net.add_place, place)
    for path, transition in _entries(document, "transitions"):
        _expect_transition(path, transition)
        _at(path, net.add_transition, transition)
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
    if transition.rate != 1.0:
        entry["rate"] = transition.rate
    return entry


def _entries(document: dict[str, Any], key: str) -> list[tuple[str, Any]]:
    entries = document.get(key, [])
    if not isinstance(entries, list):
        _fail(key, f"an array is expected, not {_kind(entries)}")
    return [(f"{key}[{position}]", entry) for position, entry in enumerate(entries)]


def _expect_transition(path: str, transition: Any) -> None:
    _expect_object(path, transition, _TRANSITION_KEYS)
    for key in _ARC_KEYS:
        if not isinstance(transition.get(key, {}), dict):
            _fail(f"{path}.{key}", f"an object of weights is expected, not {_kind(transition[key])}")
    if not isinstance(transition.get("resets", []), list):
        _fail(f"{path}.resets", f"an array of place names is expected, not {_kind(transition['resets'])}")
    if isinstance(transition.get("rate", 1.0), (bool, str)):
        _fail(f"{path}.rate", f"a number is expected, not {_kind(transition['rate'])}")


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


def _at(path: str, build: Callable[..., Any], entry: dict[str, Any]) -> Any:
    try:
        return build(**{"name": None, **entry})
    except NetError as error:
        _fail(path, error.message)


def _fail(path: str, what: str) -> NoReturn:
    raise NetError(f"{path}: {what}") from None


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), f"the number {value!r}"[:100])
