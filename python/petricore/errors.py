"""The errors petricore raises. Each derives from `PetriError`, carries its facts as fields and pickles."""

from __future__ import annotations

from typing import Any

__all__ = [
    "LimitReached",
    "NetError",
    "NotEnabledError",
    "PetriError",
    "PnmlError",
    "TokenOverflowError",
]


class PetriError(Exception):
    """Base of all errors raised by petricore.

    Subclasses take their fields as keyword-only arguments and rebuild themselves from them when unpickled.
    """

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self._fields = fields
        for name, value in fields.items():
            setattr(self, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self._fields)


def _rebuild(cls: type[PetriError], message: str, fields: dict[str, Any]) -> PetriError:
    return cls(message, **fields)


class NetError(PetriError, ValueError):
    """A net, an agent or a marking is malformed; the message names the element and the value found."""


class NotEnabledError(PetriError):
    """A transition cannot fire: `place` holds `found` tokens where `needed` says what is demanded.

    `marking` is the row in the batch (0 for a single marking).
    """

    marking: int
    transition: str
    place: str
    needed: str
    found: int


class TokenOverflowError(PetriError, OverflowError):
    """A place would hold `count` tokens, more than 2^31 - 1. `marking` is the row in the batch."""

    marking: int
    place: str
    count: int


class PnmlError(PetriError, ValueError):
    """A PNML document is broken, hostile or beyond what a P/T net can hold; `line` is 1-based."""

    line: int | None
    element: str | None


class LimitReached(PetriError):  # noqa: N818 - the name is part of the public API
    """A declared limit (states, memory, steps, time) ended a computation before its natural end."""
