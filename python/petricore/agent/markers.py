"""Markers for `typing.Annotated`: how a parameter takes tokens, and where a result goes."""

from __future__ import annotations

from dataclasses import dataclass

from petricore.errors import NetError

__all__ = ["MARKERS", "AtLeast", "From", "Gather", "Marker", "Read", "To", "Weight"]


@dataclass(frozen=True, slots=True)
class Read:
    """The tokens are looked at and stay where they are: `Annotated[Config, Read()]`."""


@dataclass(frozen=True, slots=True)
class Weight:
    """Exactly `tokens` tokens, oldest first, as a list: `Annotated[list[Url], Weight(3)]`."""

    tokens: int

    def __post_init__(self) -> None:
        _at_least("Weight", self.tokens, 1)


@dataclass(frozen=True, slots=True)
class AtLeast:
    """All tokens of the place, once there are `tokens` of them: `Annotated[list[Url], AtLeast(1)]`."""

    tokens: int

    def __post_init__(self) -> None:
        _at_least("AtLeast", self.tokens, 1)


@dataclass(frozen=True, slots=True)
class Gather:
    """The members of one group, once no further one can come: `Annotated[list[Review], Gather()]`.

    A group is opened by a firing that returns a list. With `min=0` an empty group fires with `[]`; a group
    that closes with fewer than `min` members does not fire, and its members stay in the place as plain
    tokens.

    Only this parameter goes by group. A plain or `Weight` input beside it takes the oldest tokens of its place,
    of whichever group; `match` joins it by the value of a field.
    """

    min: int = 0

    def __post_init__(self) -> None:
        _at_least("Gather", self.min, 0)


@dataclass(frozen=True, slots=True)
class From:
    """Tokens of this place, not of the one named after the type: `Annotated[Review, From("approved")]`."""

    place: str


@dataclass(frozen=True, slots=True)
class To:
    """Into this place instead of the place named after the type: `Annotated[Review, To("approved")]`."""

    place: str


Marker = Read | Weight | AtLeast | Gather | From | To
MARKERS = (Read, Weight, AtLeast, Gather, From, To)


def _at_least(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise NetError(f"{name} takes an integer of at least {least}, not {value!r}")
