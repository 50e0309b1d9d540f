"""Where the values that an action returns go: checked by type, and every one of them goes somewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from petricore.agent.declaration import Both, Many, One, OneOf, Output
from petricore.agent.places import TypedPlace, type_name
from petricore.errors import TokenTypeError

__all__ = ["Emission", "Route", "compile_route", "opened_places", "output_places"]


class Emission:
    """Tokens on their way out of a firing: parallel lists, and the places to which lists were emitted."""

    __slots__ = ("members", "opened", "places", "values")

    def __init__(self) -> None:
        self.places: list[int] = []
        self.values: list[Any] = []
        self.members: list[bool] = []
        self.opened: list[int] = []


Route = Callable[[Any, Emission], None]
_Matcher = Callable[[Any], bool]


def output_places(output: Output) -> list[TypedPlace]:
    """Every place the output may put into, in order of mention, each once."""
    match output:
        case One(place):
            return [place]
        case Many(element):
            return output_places(element)
        case Both(parts) | OneOf(parts):
            return list(dict.fromkeys(place for part in parts for place in output_places(part)))
    return []


def opened_places(output: Output) -> list[TypedPlace]:
    """The places that lists go to, each once."""
    match output:
        case Many(element):
            return output_places(element)
        case Both(parts) | OneOf(parts):
            return list(dict.fromkeys(place for part in parts for place in opened_places(part)))
    return []


def compile_route(transition: str, output: Output, index: Mapping[str, int]) -> Route:
    """The function that sends a returned value where `output` says; `index` numbers the places.

    The function raises `TokenTypeError` and leaves the emission unusable where the value is of another type.
    """
    return _route(transition, output, index, member=False)


def _route(transition: str, output: Output, index: Mapping[str, int], *, member: bool) -> Route:
    match output:
        case One(place):
            return _one(transition, place, index[place.name], member=member)
        case Many(element):
            opened = [index[place.name] for place in output_places(element)]
            return _many(transition, output, _route(transition, element, index, member=True), opened)
        case Both(parts):
            return _both(
                transition, output, [_route(transition, part, index, member=member) for part in parts]
            )
        case OneOf(alternatives):
            routes = [(_matcher(one), _route(transition, one, index, member=member)) for one in alternatives]
            exact = {one.place.type: route for one, (_, route) in zip(alternatives, routes, strict=True)
                     if isinstance(one, One) and isinstance(one.place.type, type)}  # fmt: skip
            return _one_of(transition, output, exact, routes)
    return _nothing(transition)


def _nothing(transition: str) -> Route:
    def route(value: Any, emission: Emission) -> None:  # noqa: ARG001 - nothing goes out
        if value is not None:
            raise _mismatch(transition, "None", value)

    return route


def _one(transition: str, place: TypedPlace, number: int, *, member: bool) -> Route:
    accepts = place.accepts
    expected = type_name(place.type)

    def route(value: Any, emission: Emission) -> None:
        if not accepts(value):
            raise _mismatch(transition, expected, value)
        emission.places.append(number)
        emission.values.append(value)
        emission.members.append(member)

    return route


def _many(transition: str, output: Many, route_element: Route, opened: list[int]) -> Route:
    expected = _describe(output)

    def route(value: Any, emission: Emission) -> None:
        if not isinstance(value, list):
            raise _mismatch(transition, expected, value)
        emission.opened.extend(opened)
        for element in value:
            route_element(element, emission)

    return route


def _both(transition: str, output: Both, routes: list[Route]) -> Route:
    expected = _describe(output)

    def route(value: Any, emission: Emission) -> None:
        if not isinstance(value, tuple) or len(value) != len(routes):
            raise _mismatch(transition, expected, value)
        for route_part, part in zip(routes, value, strict=True):
            route_part(part, emission)

    return route


def _one_of(
    transition: str, output: OneOf, exact: Mapping[type, Route], routes: list[tuple[_Matcher, Route]]
) -> Route:
    expected = _describe(output)

    def route(value: Any, emission: Emission) -> None:
        chosen = exact.get(type(value))
        if chosen is None:
            chosen = next((route_one for matches, route_one in routes if matches(value)), None)
        if chosen is None:
            raise _mismatch(transition, expected, value)
        chosen(value, emission)

    return route


def _matcher(output: Output) -> _Matcher:
    match output:
        case One(place):
            return place.accepts
        case Many():
            return lambda value: isinstance(value, list)
        case Both(parts):
            return lambda value: isinstance(value, tuple) and len(value) == len(parts)
        case OneOf(alternatives):
            matchers = [_matcher(one) for one in alternatives]
            return lambda value: any(matches(value) for matches in matchers)
    return lambda value: value is None


def _describe(output: Output) -> str:
    match output:
        case One(place):
            return type_name(place.type)
        case Many(element):
            return f"list[{_describe(element)}]"
        case Both(parts):
            return f"tuple[{', '.join(map(_describe, parts))}]"
        case OneOf(alternatives):
            return " | ".join(map(_describe, alternatives))
    return "None"


def _mismatch(transition: str, expected: str, value: object) -> TokenTypeError:
    actual = type(value).__name__
    return TokenTypeError(
        f"transition {transition!r} must put {expected}, not {actual} ({_shortened(value)})",
        transition=transition,
        expected=expected,
        actual=actual,
    )


def _shortened(value: object, length: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= length else text[: length - 3] + "..."
