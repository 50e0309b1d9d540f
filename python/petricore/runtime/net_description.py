"""What matters of an agent's net, as JSON and as a hash: the version that a session is pinned to.

Places with the schemas of their types, transitions with arcs, modes, weights, keys, whether there are guards, what
they return, and the options that change what a marking means. Not: names of parameters, docstrings, descriptions, the
code of actions and guards, how many at once, how often, how long. The order of declaration counts, for it decides
which of several transitions is served first.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

from petricore.agent.compile import Plan, TransitionPlan
from petricore.agent.declaration import Both, Many, Mode, One, OneOf, Output, is_generator
from petricore.agent.places import TypedPlace, describe

if TYPE_CHECKING:
    from petricore.agent.agent import Agent

__all__ = ["FORMAT", "describe_net", "describe_plan", "net_version", "version_of"]

FORMAT = 1

_SCHEMAS: WeakKeyDictionary[TypedPlace, Any] = WeakKeyDictionary()

_ABOUT = ("title", "description", "examples", "$comment", "deprecated")


def describe_net(agent: Agent) -> dict[str, Any]:
    """The description of an agent's net, as JSON holds it. `compatibility` compares it with another version."""
    return describe_plan(agent.plan())


def net_version(agent: Agent) -> str:
    """The version of an agent's net: 16 hexadecimal digits, equal for nets that mean the same."""
    return version_of(describe_net(agent))


def version_of(description: dict[str, Any]) -> str:
    """The version of a description."""
    return sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:16]


def describe_plan(plan: Plan) -> dict[str, Any]:
    """The description of a compiled agent."""
    return {
        "format": FORMAT,
        "places": [{"name": one.place.name, "schema": _schema(one.place)} for one in plan.places],
        "transitions": [_transition(plan, one) for one in plan.transitions],
    }


def _transition(plan: Plan, one: TransitionPlan) -> dict[str, Any]:
    spec, options = one.spec, one.spec.options
    described: dict[str, Any] = {
        "name": spec.name,
        "inputs": [_arc(plan, *arc) for arc in one.arcs],
        "output": _output(spec.output),
    }
    more = {
        "inhibitors": [place.name for place in spec.inhibitors],
        "priority": options.priority,
        "generator": is_generator(spec.action),
        "confirm": options.confirm is not None,
        "on_error": "" if options.on_error == "fail" else options.on_error,
        "error_place": None if one.error_place is None else plan.names[one.error_place],
        "dead_place": None if one.dead_place is None else plan.names[one.dead_place],
        "tick_place": None if one.tick_place is None else plan.names[one.tick_place],
        "at_most_once": options.delivery == "at_most_once",
        "compensate": options.compensate is not None,
        "concurrency": options.concurrency is not None,
        "rate_limit": options.rate_limit is not None,
    }
    return described | {name: value for name, value in more.items() if value}


def _arc(plan: Plan, place: int, mode: Mode, weight: int, guard: int, slot: int) -> dict[str, Any]:
    arc: dict[str, Any] = {"place": plan.names[place]}
    if mode is not Mode.TAKE:
        arc["mode"] = mode.name.lower()
    if weight != 1:
        arc["weight"] = weight
    if guard >= 0:
        arc["guard"] = True
    if slot >= 0:
        arc["key"] = plan.places[place].keys[slot]
    return arc


def _output(output: Output) -> Any:
    match output:
        case One(place):
            return place.name
        case Many(element, stream):
            return {"stream" if stream else "list": _output(element)}
        case Both(parts):
            return {"all": [_output(part) for part in parts]}
        case OneOf(alternatives):
            return {"one": [_output(part) for part in alternatives]}
    return None


def _schema(place: TypedPlace) -> Any:
    schema = _SCHEMAS.get(place)
    if schema is None:
        try:
            schema = _bare(place.adapter.json_schema())
        except (PydanticInvalidForJsonSchema, PydanticUserError):  # a class that only Python knows
            schema = {"python": describe(place.type)}
        _SCHEMAS[place] = schema
    return schema


def _bare(schema: Any) -> Any:
    """A schema without what is said about it. Fields may have any name, so only keywords are left out."""
    if isinstance(schema, list):
        return [_bare(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    bare = {}
    for name, value in schema.items():
        if name in _ABOUT:
            continue
        if name in ("properties", "$defs"):
            bare[name] = {field: _bare(one) for field, one in value.items()}
        elif name in ("default", "const", "enum"):
            bare[name] = value
        else:
            bare[name] = _bare(value)
    return bare
