"""Events as the records that a store keeps: JSON with one-letter names for what every event has.

`{"v": 1, "n": number, "t": time, ...}` and the fields of the kind. A token is `[id, place, value]`. Values of places
are packed by the place's type; what has no declared type (what is remembered) is plain data, or a value of the type of
a place. A field that is missing takes its default and an unknown one is ignored, so that records of other minor
versions are read; the version changes when an old field changes its meaning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from petricore.agent.compile import Plan
from petricore.agent.failure import Failure
from petricore.errors import JournalCorruptError, TokenTypeError
from petricore.runtime import events
from petricore.runtime.codec import Codec, pack_plain, unpack_plain
from petricore.runtime.events import SCHEMA_VERSION, Event, Token
from petricore.runtime.journal.store import Record
from petricore.runtime.undecodable import Undecodable

__all__ = ["EventCodec"]

_KINDS: dict[str, type[Event]] = {
    one.kind: one
    for one in vars(events).values()
    if isinstance(one, type) and issubclass(one, Event) and "kind" in vars(one) and one is not Event
}

_dump = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_dump_escaped = json.JSONEncoder(separators=(",", ":")).encode
_SPLIT = re.compile("[\ud800-\udbff][\udc00-\udfff]")
"""One character as two halves, which JSON puts together."""
_REFUSED = ("put", "edited", "emitted", "completed", "remembered", "answered")
"""Kinds whose values are refused rather than changed; a failure is told in any case."""
_Packer = Callable[[Any, Event], Any]


class EventCodec:
    """Encodes and decodes the events of sessions of one agent."""

    def __init__(self, plan: Plan) -> None:
        self._places = {one.place.name: _value_codec(self, one.place.type) for one in plan.places}
        self._types = {
            one.place.type: one.place.name for one in reversed(plan.places) if _hashable(one.place.type)
        }
        self._lenient = any(one.dead_place is not None for one in plan.transitions)
        """Whether a value that cannot be read has a place to be seen in."""
        self._parameters: dict[str, dict[str, tuple[str, bool]]] = {}
        for transition in plan.transitions:
            self._parameters[transition.spec.name] = {
                one.parameter: (one.place.name, one.many) for one in transition.spec.inputs
            }
        packers: dict[str, tuple[_Packer, _Packer]] = {
            "tokens": (self._pack_tokens, self._unpack_tokens),
            "outputs": (self._pack_tokens, self._unpack_tokens),
            "arguments": (self._pack_arguments, self._unpack_arguments),
            "failure": (self._pack_failure, self._unpack_failure),
            "value": (self._pack_value, self._unpack_value),
            "taken": (_as_it_is, _tuple),
            "read": (_as_it_is, _tuple),
            "opened": (_as_it_is, _tuple),
            "forked_from": (_as_it_is, _tuple),
        }
        self._layouts = {
            kind: [(one.name, *packers.get(one.name, (None, None))) for one in fields(type_)[2:]]
            for kind, type_ in _KINDS.items()
        }

    def encode(self, event: Event) -> Record:
        """The event as it is kept. Raises `TokenTypeError` for a value that would not come back equal."""
        document: dict[str, Any] = {"v": SCHEMA_VERSION, "n": event.number, "t": event.time}
        for name, pack, _ in self._layouts[event.kind]:
            value = getattr(event, name)
            document[name] = value if pack is None else pack(value, event)
        text = _dump(document)
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                # Halves of characters: names of files that are no UTF-8, in the texts of errors above all.
                if event.kind in _REFUSED and _SPLIT.search(text):
                    raise _refusal(text, "text without split characters") from None
                text = _dump_escaped(document)
        return Record(event.number, event.kind, text)

    def decode(self, record: Record) -> Event:
        """The event that was kept.

        Raises:
            JournalCorruptError: the kind or the version is not known, or a value is not of its place's type.
        """
        try:
            document = json.loads(record.text)
            if document["v"] != SCHEMA_VERSION:
                raise ValueError(f"version {document['v']!r}; this is version {SCHEMA_VERSION}")
            type_ = _KINDS[record.kind]
            event = object.__new__(type_)
            event.number, event.time = document["n"], document["t"]
            for name, _, unpack in self._layouts[record.kind]:
                if name in document:
                    value = document[name]
                    setattr(event, name, value if unpack is None else unpack(value, event))
                else:
                    setattr(event, name, _default(type_, name))
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise JournalCorruptError(
                f"event {record.number} ({record.kind}) cannot be read: {error}",
                session_id="",
                number=record.number,
                unsure=False,
            ) from error
        return event

    # -- tokens

    def _pack_tokens(self, tokens: tuple[Token, ...], _event: Event) -> Any:
        return [[token.id, token.place, self._pack_at(token.place, token.value)] for token in tokens]

    def _pack_at(self, place: str, value: Any) -> Any:
        return value.packed if type(value) is Undecodable else self._places[place][0](value)

    def _unpack_tokens(self, packed: Any, _event: Event) -> tuple[Token, ...]:
        return tuple([Token(number, place, self._unpack_at(place, value)) for number, place, value in packed])

    def _unpack_at(self, place: str, packed: Any) -> Any:
        codec = self._places.get(place)  # a place that the net has no more: what stood there is plain data
        if codec is None:
            return unpack_plain(packed)
        try:
            return codec[1](packed)
        except (ValueError, KeyError, TypeError) as error:
            if not self._lenient:
                raise
            return Undecodable(place, packed, str(error))

    # -- values by parameter

    def _pack_arguments(self, arguments: dict[str, Any], event: Any) -> Any:
        return self._pack_by_parameter(event.transition, arguments)

    def _unpack_arguments(self, packed: Any, event: Any) -> dict[str, Any]:
        return self._unpack_by_parameter(event.transition, packed)

    def _pack_by_parameter(self, transition: str, values: dict[str, Any]) -> Any:
        parameters = self._parameters.get(transition, {})
        packed = {}
        for name, value in values.items():
            if name not in parameters:
                packed[name] = self._pack_free(value)
                continue
            place, many = parameters[name]
            packed[name] = (
                [self._pack_at(place, one) for one in value] if many else self._pack_at(place, value)
            )
        return packed

    def _unpack_by_parameter(self, transition: str, packed: Any) -> dict[str, Any]:
        parameters = self._parameters.get(transition, {})
        values = {}
        for name, value in packed.items():
            if name not in parameters:
                values[name] = self._unpack_free(value)
                continue
            place, many = parameters[name]
            values[name] = (
                [self._unpack_at(place, one) for one in value] if many else self._unpack_at(place, value)
            )
        return values

    def _pack_failure(self, failure: Failure, _event: Event) -> Any:
        return {
            "transition": failure.transition,
            "firing_id": failure.firing_id,
            "kind": failure.kind,
            "error": failure.error,
            "attempts": failure.attempts,
            "tokens": self._pack_by_parameter(failure.transition, failure.tokens),
        }

    def _unpack_failure(self, packed: Any, _event: Event) -> Failure:
        tokens = self._unpack_by_parameter(packed["transition"], packed["tokens"])
        return Failure(**{**packed, "tokens": tokens})

    def pack_failure(self, failure: Any) -> Any:
        """A failure as a token's value."""
        if type(failure) is not Failure:
            raise _refusal(failure, "Failure")
        return self._pack_failure(failure, _NO_EVENT)

    def unpack_failure(self, packed: Any) -> Failure:
        """The failure that was packed."""
        return self._unpack_failure(packed, _NO_EVENT)

    # -- values of no declared type

    def _pack_value(self, value: Any, event: Event) -> Any:
        try:
            return self._pack_free(value)
        except TokenTypeError:
            if event.kind != "answered":
                raise
            # Validated again by the type of the question when the action asks it again.
            return pack_plain(TypeAdapter(type(value)).dump_python(value, round_trip=True))

    def _unpack_value(self, packed: Any, _event: Event) -> Any:
        return self._unpack_free(packed)

    def _pack_free(self, value: Any) -> Any:
        if value is None or type(value) in (bool, int, float, str):
            return value
        if type(value) is list:
            return [self._pack_free(one) for one in value]
        if type(value) is dict and all(type(key) is str and not key.startswith("$") for key in value):
            return {key: self._pack_free(one) for key, one in value.items()}
        if type(value) is Undecodable:
            return {"$undecodable": [value.place, value.packed, value.error]}
        if type(value) in self._types:
            place = self._types[type(value)]
            return {"$place": place, "value": self._places[place][0](value)}
        try:
            packed = pack_plain(value)
            back = unpack_plain(json.loads(_dump(packed)))
        except (TypeError, ValueError):
            raise _refusal(value, "plain data or a type of a place") from None
        if type(back) is not type(value) or back != value:
            raise _refusal(value, "plain data or a type of a place")
        return packed

    def _unpack_free(self, packed: Any) -> Any:
        if isinstance(packed, list):
            return [self._unpack_free(one) for one in packed]
        if isinstance(packed, dict):
            if "$undecodable" in packed:
                return Undecodable(*packed["$undecodable"])
            if "$place" in packed:
                return self._unpack_at(packed["$place"], packed["value"])
            if not any(key.startswith("$") for key in packed):
                return {key: self._unpack_free(one) for key, one in packed.items()}
        return unpack_plain(packed)


_NO_EVENT = Event(0, 0.0)


def _value_codec(codec: EventCodec, type_: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    if type_ is Failure:
        return codec.pack_failure, codec.unpack_failure
    values = Codec(type_)
    return values.pack, values.unpack


def _hashable(type_: Any) -> bool:
    return isinstance(type_, type) and type_ not in (bool, int, float, str, list, dict, type(None))


def _refusal(value: Any, expected: str) -> TokenTypeError:
    actual = type(value).__name__
    return TokenTypeError(
        f"a {actual} does not come back from the journal as it was; what is kept is {expected}: {value!r}",
        transition=None,
        expected=expected,
        actual=actual,
    )


def _as_it_is(value: Any, _event: Event) -> Any:
    return value


def _tuple(value: Any, _event: Event) -> Any:
    return None if value is None else tuple(value)


def _default(type_: type[Event], name: str) -> Any:
    for one in fields(type_):
        if one.name == name and one.default is not MISSING:
            return one.default
    raise KeyError(f"the field {name!r} is missing")
