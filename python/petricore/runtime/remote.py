"""A firing whose action runs in another process: values as data, and what the action asks of its session.

What comes back is data that anybody may have written: it becomes a token only as a value of a declared type.
"""

from __future__ import annotations

import json
import logging
import typing
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import to_json

from petricore.agent.declaration import Both, Many, Nothing, One, OneOf, Output
from petricore.agent.places import TypedPlace, type_name
from petricore.errors import TokenTypeError
from petricore.runtime.codec import Codec, pack_plain, unpack_plain
from petricore.runtime.context import Answer, Context
from petricore.runtime.questions import NO_DEFAULT

if TYPE_CHECKING:
    from petricore.agent.compile import Plan, TransitionPlan
    from petricore.runtime.firing import Firing

__all__ = ["Wire", "call", "log", "tell"]

actions = logging.getLogger("petricore.actions")
"""What actions in other processes print, a record a line."""
actions.addHandler(logging.NullHandler())

_SCALARS = {one.__name__: one for one in (bool, int, float, str, bytes, type(None))}
Reply = Callable[[Any, BaseException | None], None]


class Wire:
    """How the values of one transition travel."""

    def __init__(self, plan: TransitionPlan, places: Plan) -> None:
        self._name = plan.spec.name
        self._output = plan.spec.output
        self._codecs: dict[str, Codec] = {}
        self._inputs = [
            (one.parameter, self._codec(places.places[plan.arcs[one.arc][0]].place), one.many)
            for one in plan.arguments
        ]

    def _codec(self, place: TypedPlace) -> Codec:
        if place.name not in self._codecs:
            self._codecs[place.name] = Codec(place.type)
        return self._codecs[place.name]

    def pack(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments as what JSON knows. Raises `TokenTypeError` for what cannot be told exactly."""
        return {
            parameter: [codec.pack(one) for one in arguments[parameter]]
            if many
            else codec.pack(arguments[parameter])
            for parameter, codec, many in self._inputs
        }

    def unpack(self, tree: Any) -> Any:
        """What the action returned: values, lists and tuples of the declared types. Raises `TokenTypeError`."""
        return self._value(tree, self._output)

    def unpack_emitted(self, tree: Any) -> Any:
        """What a generator yielded. Raises `TokenTypeError`."""
        output = self._output
        return self._value(tree, output.element if isinstance(output, Many) else output)

    def plain(self, arguments: dict[str, Any]) -> bytes:
        """The arguments as JSON for a program that knows nothing of petricore: models as objects, bytes as text."""
        given = {parameter: arguments[parameter] for parameter, _, _ in self._inputs}
        return to_json(given)

    def parse(self, text: bytes) -> Any:
        """What a program printed: the text itself for an output of `str`, nothing for none, else JSON.

        Raises:
            TokenTypeError: it is no value of the declared type.
        """
        match self._output:
            case Nothing():
                return None
            case One(place) if place.type is str:
                return text.decode(errors="replace")
        try:
            return self._parsed(json.loads(text), self._output)
        except (ValueError, RecursionError) as error:
            expected = _described(self._output)
            shown = text[:80].decode(errors="replace")
            raise TokenTypeError(
                f"transition {self._name!r} must print {expected} as JSON, not {shown!r}",
                transition=self._name,
                expected=expected,
                actual="text",
            ) from error

    def _parsed(self, data: Any, output: Output) -> Any:
        match output:
            case One(place):
                return place.adapter.validate_json(json.dumps(data))
            case Many(element) if isinstance(data, list):
                return [self._parsed(one, element) for one in data]
            case Both(parts) if isinstance(data, list) and len(data) == len(parts):
                return tuple(self._parsed(one, part) for one, part in zip(data, parts, strict=True))
            case OneOf(alternatives):
                for one in alternatives:
                    with suppress(ValueError):
                        return self._parsed(data, one)
            case Nothing() if data is None:
                return None
        raise ValueError("no value of the declared type")

    def _value(self, tree: Any, output: Output) -> Any:
        match output:
            case One(place) if _is_token(tree):
                return self._token(tree, place)
            case Many(element) if _is(tree, "list"):
                return [self._value(one, element) for one in tree["list"]]
            case Both(parts) if _is(tree, "tuple") and len(tree["tuple"]) == len(parts):
                return tuple(self._value(one, part) for one, part in zip(tree["tuple"], parts, strict=True))
            case OneOf(alternatives):
                for one in alternatives:
                    if _fits(tree, one):
                        return self._value(tree, one)
        if _is_token(tree) and tree["type"] in _SCALARS:
            return _scalar(tree)  # the route of the transition says what is wrong with it, if anything is
        raise self._mismatch(tree, output)

    def _token(self, tree: dict[str, Any], place: TypedPlace) -> Any:
        if tree["type"] in _SCALARS:
            return _scalar(tree)
        if tree["type"] in (None, _class_name(place)):
            with suppress(ValidationError, ValueError, TypeError, KeyError):
                return self._codec(place).unpack(tree["value"])
        raise self._mismatch(tree, One(place))

    def _mismatch(self, tree: Any, output: Output) -> TokenTypeError:
        expected = _described(output)
        actual = str(tree["type"]) if _is_token(tree) else "list" if _is(tree, "list") else "something else"
        return TokenTypeError(
            f"transition {self._name!r} must put {expected}, not {actual}",
            transition=self._name,
            expected=expected,
            actual=actual,
        )


def _is_token(tree: Any) -> bool:
    return (
        isinstance(tree, dict) and tree.keys() == {"type", "value"} and isinstance(tree["type"], str | None)
    )


def _is(tree: Any, kind: str) -> bool:
    return isinstance(tree, dict) and tree.keys() == {kind} and isinstance(tree[kind], list)


def _scalar(tree: dict[str, Any]) -> Any:
    value = unpack_plain(tree["value"])
    if type(value) is not _SCALARS[tree["type"]]:
        raise TokenTypeError(
            f"a worker sent {type(value).__name__} as {tree['type']}",
            transition=None,
            expected=tree["type"],
            actual=type(value).__name__,
        )
    return value


def _class_name(place: TypedPlace) -> str:
    """What a value of the place calls its class."""
    type_ = place.type
    type_ = typing.get_args(type_)[0] if typing.get_origin(type_) is typing.Annotated else type_
    if typing.is_typeddict(type_):
        return "dict"
    return str(getattr(typing.get_origin(type_) or type_, "__qualname__", type_name(type_)))


def _fits(tree: Any, output: Output) -> bool:
    """Whether the alternative is the one that a value is of."""
    match output:
        case One(place):
            return _is_token(tree) and tree["type"] in (None, _class_name(place))
        case Many():
            return _is(tree, "list")
        case Both(parts):
            return _is(tree, "tuple") and len(tree["tuple"]) == len(parts)
    return _is_token(tree) and tree["type"] == "NoneType"


def _described(output: Output) -> str:
    match output:
        case One(place):
            return type_name(place.type)
        case Many(element):
            return f"list[{_described(element)}]"
        case Both(parts):
            return f"tuple[{', '.join(map(_described, parts))}]"
        case OneOf(alternatives):
            return " | ".join(map(_described, alternatives))
    return "None"


# -- what actions do


def tell(firing: Firing, what: str, about: Any) -> None:
    """The action said something. Raises `ValueError`, `TypeError` or `KeyError` for what nobody says."""
    context = Context(firing)
    if what == "say":
        context.say(_text(about, "text"))
    elif what == "progress":
        fraction = about["fraction"]
        if isinstance(fraction, bool) or not isinstance(fraction, int | float):
            raise TypeError(f"progress is a number, not {fraction!r}")
        context.progress(fraction, _text(about, "text"))
    else:
        raise ValueError(f"there is nothing to tell by the name {what!r}")


def call(firing: Firing, what: str, about: Any, reply: Reply) -> None:
    """The action asks for something. What is wrong with that is raised, or replied later.

    Raises:
        Exception: for the action to see.
    """
    context = Context(firing)
    match what:
        case "emit":
            assert firing.served.wire is not None
            firing.emit(firing.served.wire.unpack_emitted(about))
            reply(None, None)
        case "recall":
            memory, key = firing.session.memory, _text(about, "key")
            reply([pack_plain(memory[key])] if key in memory else [], None)
        case "remember":
            context.remember(_text(about, "key"), unpack_plain(about["value"]))
            reply(None, None)
        case "send":
            content = unpack_plain(about["content"])
            media_type = about["media_type"]
            context.send_file(_text(about, "name"), content, None if media_type is None else str(media_type))
            reply(None, None)
        case "get":
            context.get_file(_text(about, "name")).then(_replying(reply, pack_plain))
        case "ask":
            type_ = _asked_type(firing, _text(about, "type"))
            default = unpack_plain(about["default"][0]) if "default" in about else NO_DEFAULT
            answer = context.ask(_text(about, "question"), type_, deadline=about["deadline"], default=default)
            answer.then(_replying(reply, Codec(type_).pack))
        case _:
            raise ValueError(f"an action cannot ask for {what!r}")


def log(firing: Firing, text: str) -> None:
    """The action printed something."""
    if actions.isEnabledFor(logging.INFO):
        extra = {
            "session_id": firing.session.id,
            "firing_id": firing.id,
            "transition": firing.transition,
        }
        for line in text.splitlines():
            actions.info("%s", line, extra=extra)


def _replying(reply: Reply, pack: Callable[[Any], Any]) -> Callable[[Answer[Any]], None]:
    def resolved(answer: Answer[Any]) -> None:
        try:
            packed = pack(answer.result())
        except BaseException as error:
            reply(None, error)
        else:
            reply(packed, None)

    return resolved


def _text(about: Any, field: str) -> str:
    value = about[field]
    if not isinstance(value, str):
        raise TypeError(f"{field} is a text, not {value!r}")
    return value


def _asked_type(firing: Firing, name: str) -> Any:
    """The type of an answer: a plain one, or that of a place; nothing that a worker names is looked up elsewhere."""
    if name in _SCALARS:
        return _SCALARS[name]
    for one in firing.dispatcher.plan.places:
        if name in (type_name(one.place.type), _class_name(one.place)):
            return one.place.type
    raise TypeError(
        f"ask: {name!r} is neither a plain type nor the type of a place of agent {firing.dispatcher.agent!r}; "
        "an action in another process can ask for no other"
    )
