"""Tokens whose values the code of today cannot read any more: kept as they are, and put where they are seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from petricore.agent.failure import Failure
from petricore.errors import GuardError
from petricore.runtime.events import Moved

if TYPE_CHECKING:
    from petricore.runtime.firing import Firing
    from petricore.runtime.session import Session

__all__ = ["Undecodable", "bury", "undecodable_of"]


@dataclass(frozen=True, slots=True)
class Undecodable:
    """What stands for a value that its place's type refuses. It is written back as it was read."""

    place: str
    packed: Any
    """What the journal holds, as plain data."""
    error: str


def undecodable_of(firing: Firing) -> str | None:
    """Why the action of a firing cannot get what the firing holds; None: it can."""
    for value in firing.arguments.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Undecodable):
                return f"a token of {one.place} cannot be read any more: {one.error}"
    return None


def bury(session: Session) -> None:
    """Replace the session's free tokens that cannot be read by failures in the dead letter, if the agent has one."""
    dispatcher = session.dispatcher
    plan = dispatcher.plan
    dead = next((one.dead_place for one in plan.transitions if one.dead_place is not None), None)
    lost = [] if dead is None else list(_unreadable(session))
    if dead is None or not lost:
        return
    known = dispatcher.tokens.by_number
    failures = [_failure(known[number].value) for number in lost]
    places = [dead] * len(lost)
    try:
        keys, guards = dispatcher.tokens.marks(session, places, failures)
    except GuardError:  # a predicate on failures is broken itself: unmarked, and never lost
        keys, guards = None, None
    tokens = dispatcher.mint(session, places, failures)
    event, encoded = session.encode(Moved, tuple(known[number].id for number in lost), tokens)
    for number in lost:
        dispatcher.fleet.drop(session.number, number)
    dispatcher.tokens.forget(lost)
    dispatcher.enter(session, places, tokens, keys, guards)
    session.failures.extend(failures)
    session.push(event, encoded)


def _unreadable(session: Session) -> Iterable[int]:
    fleet, known = session.dispatcher.fleet, session.dispatcher.tokens.by_number
    for place in range(len(session.dispatcher.plan.places)):
        for number in fleet.tokens(session.number, place).tolist():
            if isinstance(known[number].value, Undecodable):
                yield number


def _failure(value: Undecodable) -> Failure:
    return Failure("", "", "undecodable", value.error, 0, {value.place: value})
