"""Composition: one agent's transitions and places under another agent's roof."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from petricore.agent.declaration import Both, Many, One, OneOf, Output, TransitionSpec
from petricore.agent.places import TypedPlace, TypedPlaces

__all__ = ["included"]


def included(
    own: TypedPlaces, other: TypedPlaces, specs: Iterable[TransitionSpec], prefix: str
) -> tuple[TypedPlaces, list[TransitionSpec]]:
    """All places of both, and the other's transitions as they stand on them.

    Raises:
        NetError: a place's name is taken, or stands for two types.
    """
    places = own.copy()
    renamed: dict[str, TypedPlace] = {}
    for place in other:
        if place.named:
            renamed[place.name] = places.declare(prefix + place.name, place.type, expose=place.expose)
        else:
            renamed[place.name] = places.of_type(f"include of place {place.name!r}", place.type)
    return places, [_on(spec, renamed, prefix) for spec in specs]


def _on(spec: TransitionSpec, places: dict[str, TypedPlace], prefix: str) -> TransitionSpec:
    return replace(
        spec,
        name=prefix + spec.name,
        inputs=tuple(replace(one, place=places[one.place.name]) for one in spec.inputs),
        output=_output_on(spec.output, places),
        inhibitors=tuple(places[place.name] for place in spec.inhibitors),
        error_place=None if spec.error_place is None else places[spec.error_place.name],
        dead_letter=None if spec.dead_letter is None else places[spec.dead_letter.name],
    )


def _output_on(output: Output, places: dict[str, TypedPlace]) -> Output:
    match output:
        case One(place):
            return One(places[place.name])
        case Many(element, stream):
            return Many(_output_on(element, places), stream)
        case Both(parts):
            return Both(tuple(_output_on(part, places) for part in parts))
        case OneOf(alternatives):
            return OneOf(tuple(_output_on(one, places) for one in alternatives))
    return output
