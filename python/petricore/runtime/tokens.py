"""The values behind the tokens of a fleet, and the marks (keys and guard bits) under which the fleet sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from petricore.agent.compile import Guard, Plan
from petricore.errors import GuardError, RemoteError
from petricore.runtime.events import Token
from petricore.runtime.undecodable import Undecodable

if TYPE_CHECKING:
    from petricore.runtime.session import Session

__all__ = ["TokenTable", "describe_error"]

Keys = list[Any] | None
"""Rows of interned keys, one a token; None where no place has any."""


class TokenTable:
    """Tokens of all sessions of one agent by the fleet's ids, which hold for this process only."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.by_number: dict[int, Token] = {}
        self.guards: dict[int, int] = {}

    def store(self, numbers: list[int], tokens: Sequence[Token], guards: list[int] | None) -> None:
        """Enter tokens that the fleet has put."""
        self.by_number.update(zip(numbers, tokens, strict=True))
        if guards is not None:
            self.guards.update(zip(numbers, guards, strict=True))

    def forget(self, numbers: Sequence[int]) -> None:
        """Drop tokens that are gone."""
        for number in numbers:
            del self.by_number[number]
            if self.guards:
                self.guards.pop(number, None)

    def bar(self, number: int, bits: int) -> None:
        """Take guard bits from a token for good."""
        self.guards[number] = self.guards.get(number, 0) & ~bits

    def marks(
        self, session: Session, places: Sequence[int], values: Sequence[Any]
    ) -> tuple[Keys, list[int] | None]:
        """Keys and guard bits of tokens about to be put; None where no place of them has any.

        Raises:
            GuardError: a predicate or key could not be evaluated.
        """
        plans = self.plan.places
        if all(plans[place].plain for place in places):
            return None, None
        guards = []
        for place, value in zip(places, values, strict=True):
            bits = 0
            for bit, guard in enumerate(plans[place].guards):
                if guard.predicate is None or isinstance(value, Undecodable) or _holds(guard, value):
                    bits |= 1 << bit
            guards.append(bits)
        return self.keys(session, places, values), guards

    def keys(self, session: Session, places: Sequence[int], values: Sequence[Any]) -> Keys:
        """The match fields of values as numbers, equal where the fields are equal."""
        slots = self.plan.key_slots
        if slots == 0:
            return None
        rows = []
        for place, value in zip(places, values, strict=True):
            name, fields = self.plan.names[place], self.plan.places[place].keys
            row = (
                [] if isinstance(value, Undecodable) else [_interned(session, name, f, value) for f in fields]
            )
            rows.append(row + [0] * (slots - len(row)))
        return rows if slots > 1 else [row[0] for row in rows]


def describe_error(error: BaseException) -> str:
    """Type and message of an exception."""
    try:
        text = str(error)
    except Exception:  # the message is the user's code too
        text = "its message cannot be read"
    if isinstance(error, RemoteError):
        return text  # it begins with the name of the type that the action raised
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _holds(guard: Guard, value: Any) -> bool:
    assert guard.predicate is not None
    try:
        return bool(guard.predicate(value))
    except Exception as error:
        raise GuardError(
            f"transition {guard.transition!r}, where[{guard.parameter!r}] raised {describe_error(error)}",
            transition=guard.transition,
            parameter=guard.parameter,
        ) from error


def _interned(session: Session, place: str, name: str, value: Any) -> int:
    key = value[name] if isinstance(value, dict) else getattr(value, name)
    try:
        return session.interned.setdefault(key, len(session.interned))
    except TypeError:
        raise GuardError(
            f"place {place!r}: the match field {name!r} holds an unhashable {type(key).__name__}",
            transition="",
            parameter=name,
        ) from None
