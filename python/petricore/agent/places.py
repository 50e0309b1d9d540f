"""Typed places: one per type by default, named after the type, and more that are declared by name."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from petricore.errors import NetError

__all__ = ["TypedPlace", "TypedPlaces", "check_token_type", "type_name"]


@dataclass(eq=False)
class TypedPlace:
    """A place whose tokens are values of one type.

    `expose=False` closes it to the outside: nothing but a firing puts into it.
    """

    name: str
    type: Any
    expose: bool = True
    named: bool = False
    """Declared by name (`agent.place`), not implied by a type."""

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """The pydantic adapter of the type, built on first use."""
        return TypeAdapter(self.type)

    @cached_property
    def _is_class(self) -> bool:
        return isinstance(self.type, type) and not typing.is_typeddict(self.type)

    def accepts(self, value: object) -> bool:
        """Whether `value` is an instance of the place's type, with no conversion at all."""
        if self._is_class:
            if type(value) is self.type:
                return True
            # bool is an int to Python only
            return isinstance(value, self.type) and not (isinstance(value, bool) and self.type is int)
        try:
            self.adapter.validate_python(value, strict=True)
        except ValidationError:
            return False
        return True


@dataclass
class TypedPlaces:
    """The places of one agent, by name and by type, in order of declaration."""

    by_name: dict[str, TypedPlace] = field(default_factory=dict)

    def __iter__(self) -> Iterator[TypedPlace]:
        return iter(self.by_name.values())

    def copy(self) -> TypedPlaces:
        """The same places in a table of its own."""
        return TypedPlaces(dict(self.by_name))

    def declare(self, name: str, type_: Any, *, expose: bool) -> TypedPlace:
        """Add the place `name`.

        Raises:
            NetError: the name is empty or taken; the type cannot be a token's.
        """
        if not isinstance(name, str) or not name:
            raise NetError(f"a place's name is a non-empty string, not {name!r}")
        if name in self.by_name:
            raise NetError(f"place {name!r} exists already, with type {type_name(self.by_name[name].type)}")
        check_token_type(f"place {name!r}", type_)
        place = self.by_name[name] = TypedPlace(name, type_, expose, named=True)
        return place

    def of_type(self, where: str, type_: Any) -> TypedPlace:
        """The place named after the type, made on first mention.

        Raises:
            NetError: another type of that name has the place; the type cannot be a token's.
        """
        name = type_name(type_)
        place = self.by_name.get(name)
        if place is None:
            check_token_type(where, type_)
            place = self.by_name[name] = TypedPlace(name, type_)
        elif place.type != type_:
            raise NetError(
                f"{where}: the place {name!r} holds {describe(place.type)}, not {describe(type_)}; "
                "declare a place of another name with agent.place(...)"
            )
        return place

    def named(self, where: str, name: str, type_: Any) -> TypedPlace:
        """The declared place `name`, which must hold `type_`.

        Raises:
            NetError: there is no such place, or it holds another type.
        """
        place = self.by_name.get(name)
        if place is None and name == type_name(type_):
            return self.of_type(where, type_)
        if place is None:
            known = ", ".join(repr(known) for known in self.by_name) or "none"
            raise NetError(
                f"{where}: unknown place {name!r}; declare it with agent.place(...) first (known: {known})"
            )
        if place.type != type_:
            raise NetError(f"{where}: place {name!r} holds {describe(place.type)}, not {describe(type_)}")
        return place


def type_name(type_: Any) -> str:
    """The name of a type as a place's name: `Review`, `dict[str, int]`."""
    if typing.get_origin(type_) is typing.Annotated:
        return type_name(typing.get_args(type_)[0])
    if isinstance(type_, type) and not typing.get_args(type_):
        return type_.__name__
    return str(type_).replace("typing.", "")


def describe(type_: Any) -> str:
    """A type with its module, for messages where names alone may be equal."""
    return f"{type_.__module__}.{type_.__qualname__}" if isinstance(type_, type) else str(type_)


def check_token_type(where: str, type_: Any) -> None:
    """Refuse what cannot be the type of a token.

    Raises:
        NetError: `None`, `Any`, a union, a list or tuple, a string that was not resolved, or a class that
            pydantic has no schema for.
    """
    origin = typing.get_origin(type_)
    if type_ is None or type_ is type(None):
        raise NetError(f"{where}: None is no token type")
    if type_ in (Any, object) or isinstance(type_, (str, typing.TypeVar, typing.ForwardRef)):
        raise NetError(f"{where}: {type_!r} is no token type; give a concrete one")
    if origin in (typing.Union, types.UnionType):
        raise NetError(f"{where}: a place holds one type, not the union {type_name(type_)}")
    if type_ in (list, tuple) or origin in (list, tuple):
        raise NetError(
            f"{where}: {type_name(type_)} is no token type (a list is several tokens); wrap it in a model"
        )
    if origin is Callable or (
        origin is not None and issubclass_safe(origin, (typing.Iterator, typing.AsyncIterator))
    ):
        raise NetError(f"{where}: {type_name(type_)} is no token type")
    try:
        TypeAdapter(type_)
    except PydanticSchemaGenerationError:
        raise NetError(f"{where}: pydantic has no schema for {describe(type_)}; use a model, a dataclass, an enum "
                       "or a plain type") from None  # fmt: skip
    except PydanticUserError:
        return  # a model that refers to a type defined later: complete when it is first used


def issubclass_safe(origin: Any, bases: tuple[Any, ...]) -> bool:
    """`issubclass` that is False for what is no class."""
    return isinstance(origin, type) and issubclass(origin, bases)
