"""Token values as text and back, exactly: what a journal stores must come back equal, or not be stored at
all.

JSON alone would turn bytes, dates and tuples into strings and lists. Values are dumped by pydantic to plain
Python, and what JSON lacks is tagged: `{"$bytes": "..."}`. Enum members and models come back by the declared
type.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from petricore.agent.places import type_name
from petricore.errors import TokenTypeError
from petricore.runtimes.worker import pack, unpack

__all__ = ["Codec", "pack_plain", "unpack_plain"]


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
        return self._adapter.validate_python(unpack(packed), by_name=True, by_alias=False)


def pack_plain(value: Any) -> Any:
    """A value of no declared type as what JSON knows; exact for what Python and its library provide."""
    return _pack(value)


def unpack_plain(packed: Any) -> Any:
    """The value that `pack_plain` took."""
    return unpack(packed)


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
    return pack(value, _other)


def _other(value: Any) -> Any:
    """What neither Python nor its library provides."""
    return to_jsonable_python(value, fallback=repr)
