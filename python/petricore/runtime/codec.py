"""Token values as text and back, exactly: what a journal stores must come back equal, or not be stored at
all.

JSON alone would turn bytes, dates and tuples into strings and lists. Values are dumped by pydantic to plain
Python, and what JSON lacks is tagged: `{"$bytes": "..."}`. Enum members and models come back by the declared
type.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from petricore.agent.places import type_name
from petricore.errors import TokenTypeError

__all__ = ["Codec", "pack_plain", "unpack_plain"]

_PACK: dict[type, tuple[str, Callable[[Any], Any]]] = {
    bytes: ("$bytes", lambda value: base64.b64encode(value).decode()),
    bytearray: ("$bytearray", lambda value: base64.b64encode(value).decode()),
    datetime: ("$datetime", lambda value: [value.isoformat(), value.fold]),
    date: ("$date", date.isoformat),
    time: ("$time", lambda value: [value.isoformat(), value.fold]),
    timedelta: ("$timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
    Decimal: ("$decimal", str),
    UUID: ("$uuid", str),
    tuple: ("$tuple", lambda value: [_pack(one) for one in value]),
    set: ("$set", lambda value: [_pack(one) for one in value]),
    frozenset: ("$frozenset", lambda value: [_pack(one) for one in value]),
}
_UNPACK: dict[str, Callable[[Any], Any]] = {
    "$bytes": base64.b64decode,
    "$bytearray": lambda text: bytearray(base64.b64decode(text)),
    "$datetime": lambda parts: datetime.fromisoformat(parts[0]).replace(fold=parts[1]),
    "$date": date.fromisoformat,
    "$time": lambda parts: time.fromisoformat(parts[0]).replace(fold=parts[1]),
    "$timedelta": lambda parts: timedelta(*parts),
    "$decimal": Decimal,
    "$uuid": UUID,
    "$tuple": lambda parts: tuple(_unpack(one) for one in parts),
    "$set": lambda parts: {_unpack(one) for one in parts},
    "$frozenset": lambda parts: frozenset(_unpack(one) for one in parts),
    "$dict": lambda items: {_unpack(key): _unpack(value) for key, value in items},
}


class Codec:
    """Encodes and decodes the values of one type."""

    def __init__(self, type_: Any) -> None:
        self._type = type_
        self._adapter: TypeAdapter[Any] = TypeAdapter(type_)
        self._flat = _flat_fields(type_)

    def encode(self, value: Any) -> str:
        """The value as JSON text, from which `decode` makes an equal one.

        Raises:
            TokenTypeError: the value would come back different (a subclass where the base is declared, an
                open file).
        """
        return json.dumps(self.pack(value))

    def pack(self, value: Any) -> Any:
        """The value as what JSON knows (dicts, lists, texts, numbers), from which `unpack` makes an equal one.

        Raises:
            TokenTypeError: the value would come back different.
        """
        if self._flat is not None and type(value) is self._type:
            fields = value.__dict__
            for name, type_ in self._flat:
                if type(fields.get(name)) is not type_:
                    break
            else:
                return fields  # models of scalars, most tokens, cannot come back different
        packed = _pack(self._adapter.dump_python(value, round_trip=True, warnings=False))
        text = json.dumps(packed)
        try:
            back = self.decode(text)
        except (ValidationError, ValueError, TypeError):
            back = None
        if type(back) is not type(value) or not _same(back, value, text):
            raise TokenTypeError(
                f"a {type(value).__name__} does not come back from the journal as it was: {value!r} -> {back!r}",
                transition=None,
                expected=type_name(self._type),
                actual=type(value).__name__,
            )
        return packed

    def decode(self, text: str) -> Any:
        """The value that was encoded. Raises pydantic's `ValidationError` for text of another type."""
        return self.unpack(json.loads(text))

    def unpack(self, packed: Any) -> Any:
        """The value that was packed. Raises pydantic's `ValidationError` for data of another type."""
        return self._adapter.validate_python(_unpack(packed), by_name=True, by_alias=False)


def pack_plain(value: Any) -> Any:
    """A value of no declared type as what JSON knows; exact for what Python and its library provide."""
    return _pack(value)


def unpack_plain(packed: Any) -> Any:
    """The value that `pack_plain` took."""
    return _unpack(packed)


def _flat_fields(type_: Any) -> tuple[tuple[str, type], ...] | None:
    """Names and types of the fields of a model that is nothing but scalars; None for any other type.

    Validators, serializers, aliases, extras, private attributes and constraints make it another type: with them, what
    is dumped may come back different.
    """
    if not (isinstance(type_, type) and issubclass(type_, BaseModel)) or type_.__pydantic_root_model__:
        return None
    decorators = type_.__pydantic_decorators__
    plain = (
        set(type_.model_config) <= {"frozen", "title"}
        and not type_.__private_attributes__
        and not type_.model_computed_fields
        and not any(getattr(decorators, one) for one in decorators.__dataclass_fields__)
        and type_.__get_pydantic_core_schema__.__func__ is BaseModel.__get_pydantic_core_schema__.__func__  # type: ignore[attr-defined]
    )
    fields = type_.model_fields.items()
    if not plain or any(field.metadata or field.alias or field.validation_alias for _, field in fields):
        return None
    if any(field.annotation not in (int, str, bool) or field.exclude for _, field in fields):
        return None
    return tuple((name, field.annotation) for name, field in fields if isinstance(field.annotation, type))


def _same(back: Any, value: Any, text: str) -> bool:
    if "NaN" in text:  # which does not equal itself
        return repr(back) == repr(value)
    return bool(back == value)


def _pack(value: Any) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Enum):
        return _pack(value.value)
    if isinstance(value, dict):
        if all(type(key) is str and not key.startswith("$") for key in value):
            return {key: _pack(one) for key, one in value.items()}
        return {"$dict": [[_pack(key), _pack(one)] for key, one in value.items()]}
    if type(value) is list:
        return [_pack(one) for one in value]
    if type(value) in _PACK:
        tag, pack = _PACK[type(value)]
        return {tag: pack(value)}
    if isinstance(value, Path):
        return str(value)
    return to_jsonable_python(value, fallback=repr)


def _unpack(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpack(one) for one in value]
    if isinstance(value, dict):
        if len(value) == 1:
            ((tag, content),) = value.items()
            if tag in _UNPACK:
                return _UNPACK[tag](content)
        return {key: _unpack(one) for key, one in value.items()}
    return value
