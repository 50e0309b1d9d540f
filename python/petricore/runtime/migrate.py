"""Migration: a session goes on with another version of its agent's net, when somebody says so.

Firings under way are released and claimed anew by the new rules. The history up to here is told once more in the names
and types of the new version and done to the new net: if that makes sense, the marking comes out with all its groups
and orders. If it does not (what happened then could not happen now), the free tokens are put into the new net as they
stand, outside of any group. All of it is tried on the side first, so a migration that fails has changed nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from petricore.agent.compile import Plan
from petricore.agent.declaration import Mode
from petricore.agent.places import type_name
from petricore.errors import JournalCorruptError, NetError, TokenTypeError
from petricore.runtime.events import (
    Began,
    Cancelled,
    Claimed,
    Closed,
    Completed,
    Edited,
    Emitted,
    Ended,
    Event,
    Failed,
    Migrated,
    Moved,
    Put,
    Rejected,
    Released,
    Remembered,
    Sent,
    Started,
    Token,
    Unwinding,
)
from petricore.runtime.fold import Fold
from petricore.runtime.journal.memory import MemoryLog
from petricore.runtime.lineage import Lineage
from petricore.runtime.restore import Restorer
from petricore.runtime.session import Session

if TYPE_CHECKING:
    from petricore.runtime.runtime import Runtime
    from petricore.runtime.versions import Migration

__all__ = ["check_migration", "migrate_resident", "migrate_stored", "plain_events"]

_ANY: TypeAdapter[Any] = TypeAdapter(Any)


def plain_events(events: Iterable[Event], plan: Plan) -> list[Event]:
    """The events with the values of tokens as plain data, as a converter gets them and as a store would have them."""

    def plain(token: Token) -> Token:
        place = plan.places[plan.index[token.place]].place
        return token._replace(value=place.adapter.dump_python(token.value, round_trip=True, warnings=False))

    plainly: list[Event] = []
    for event in events:
        told = _with_tokens(event, plain)
        if isinstance(told, (Failed, Rejected, Cancelled)):
            tokens = {name: _ANY.dump_python(value) for name, value in told.failure.tokens.items()}
            told = replace(told, failure=replace(told.failure, tokens=tokens))
        plainly.append(told)
    return plainly


def check_names(old: Mapping[str, Any] | None, migration: Migration) -> None:
    """Refuse with `NetError` what the migration says of places and transitions that the old version (its description,
    None where that was not kept) does not have."""
    if old is None:
        return
    places = [one["name"] for one in old["places"]]
    transitions = [one["name"] for one in old["transitions"]]
    said = (("places", migration.places, places), ("convert", migration.convert, places),
            ("transitions", migration.transitions, transitions))  # fmt: skip
    for field, names, known in said:
        for name in names:
            if name not in known:
                raise NetError(
                    f"Migration: {field} names {name!r}; the old version has {', '.join(map(repr, known))}"
                )


def check_migration(runtime: Runtime, session_id: str, events: Sequence[Event], migration: Migration) -> None:
    """Try it on the side. `events`: with plain values.

    Raises:
        NetError, TokenTypeError, GuardError: it cannot be done, and why.
    """
    target = runtime.dispatcher(migration.agent)
    shadow = Session(target, session_id, MemoryLog(), runtime.clock)
    try:
        _rebuild(shadow, events, migration)
    finally:
        if getattr(shadow, "number", None) in target.sessions:
            target.forget(shadow)


def migrate_resident(
    runtime: Runtime, session: Session, events: Sequence[Event], migration: Migration
) -> None:
    """Migrate a session that is in memory; it was checked with the same events."""
    old, before = session.dispatcher, session.dispatcher.version
    for event in _releases(events):
        session.append(Released, event.firing_id, event.transition)
    attempts = session.attempts
    old.forget(session)
    session.forget_state()
    session.attempts = attempts  # they end, and are dropped, later
    _go_on(runtime, session, events, migration, before)


def migrate_stored(
    runtime: Runtime, session: Session, events: Sequence[Event], migration: Migration, before: str
) -> None:
    """Migrate a session that was just acquired from the store and has no state yet."""
    session.forget_state()
    for event in _releases(events):
        session.append(Released, event.firing_id, event.transition)
    _go_on(runtime, session, events, migration, before)


def _go_on(
    runtime: Runtime, session: Session, events: Sequence[Event], migration: Migration, before: str
) -> None:
    target = runtime.dispatcher(migration.agent)
    session.dispatcher = target
    restorer, moved = _rebuild(session, events, migration)
    runtime.rewrite(session, target)
    session.append(Migrated, before, target.version)
    if moved.taken:
        session.append(Moved, moved.taken, moved.tokens)
    session.resting = False
    restorer.go_on(runtime.owner, runtime.max_interruptions)


def _releases(events: Sequence[Event]) -> list[Released]:
    """What must be released, numbered after the last event."""
    held: dict[str, Claimed] = {}
    for event in events:
        match event:
            case Claimed():
                held[event.firing_id] = event
            case Ended(firing_id=firing_id) | Released(firing_id=firing_id):
                held.pop(firing_id, None)
    last = events[-1]
    return [
        Released(last.number + i, last.time, one.firing_id, one.transition)
        for i, one in enumerate(held.values(), 1)
    ]


def _refuse_what_must_not_be_made_twice(session_id: str, events: Sequence[Event]) -> None:
    begun: dict[str, str] = {}
    for event in events:
        match event:
            case Closed() | Unwinding():
                raise NetError(f"session {session_id!r} has ended (event {event.number}); it is not migrated")
            case Began(firing_id=firing_id):
                begun[firing_id] = "must not run twice"
            case Emitted(firing_id=firing_id):
                begun[firing_id] = "has put some of its tokens"
            case Ended(firing_id=firing_id) | Released(firing_id=firing_id):
                begun.pop(firing_id, None)
    for firing_id, why in begun.items():
        raise NetError(
            f"session {session_id!r} cannot be migrated now: firing {firing_id!r} is under way and {why};"
            " wait for its end, or cancel it"
        )


# -- the new marking


def _rebuild(session: Session, events: Sequence[Event], migration: Migration) -> tuple[Restorer, Moved]:
    """Give the session, which has no state, the state that its history comes to in the new net."""
    _refuse_what_must_not_be_made_twice(session.id, events)
    all_events = [*events, *_releases(events)]
    fold = Fold(all_events)
    telling = _Telling(session.dispatcher.plan, migration)
    free = {token.id: telling.token(token) for token in fold.free.values()}  # refuses what has no new place
    moved = Moved(0, 0.0, tuple(free), tuple(token for token in free.values() if token is not None))
    try:
        told = [telling.event(event) for event in all_events]
        restorer = _by_history(session, told, moved)
    except (_Untold, JournalCorruptError) as error:
        if session.sources is not None:
            session.sources.stop()
        if getattr(session, "number", None) in session.dispatcher.sessions:
            session.dispatcher.forget(session)
        session.forget_state()
        restorer = _by_marking(session, all_events, moved, error, migration)
    return restorer, moved


def _open(session: Session) -> Restorer:
    session.dispatcher.empty(session)
    return Restorer(session)


def _by_history(session: Session, told: Sequence[Event], moved: Moved) -> Restorer:
    restorer = _open(session)
    for event in told:
        restorer.apply(event)
    dropped = set(moved.taken) - {token.id for token in moved.tokens}
    for token in dropped:
        number = restorer.numbers.pop(token)
        session.dispatcher.fleet.drop(session.number, number)
        session.dispatcher.tokens.forget([number])
    if set(restorer.numbers) != {token.id for token in moved.tokens}:
        raise _Untold("the new net keeps other tokens")
    return restorer


def _by_marking(
    session: Session, events: Sequence[Event], moved: Moved, error: Exception, migration: Migration
) -> Restorer:
    plan = session.dispatcher.plan
    _refuse_what_is_lost(session.id, plan, events, moved, error, migration)
    restorer = _open(session)
    for event in events:
        if isinstance(event, (Started, Remembered, Sent)):
            restorer.apply(event)
        elif isinstance(event, (Failed, Rejected, Cancelled)):
            session.failures.append(event.failure)
        elif isinstance(event, Claimed):
            session.firing_count = max(session.firing_count, int(event.firing_id.rpartition("/")[2]))
        elif isinstance(event, Put) and session.sources is not None:
            ticks = [token for token in event.tokens if token.place in plan.index]
            session.sources.notice(_Telling(plan, migration).ticks(ticks))
    restorer.apply(Put(0, 0.0, moved.tokens))
    session.token_count = max([0, *(token.id for event in events for token in _tokens(event))])
    return restorer


def _refuse_what_is_lost(
    session_id: str,
    plan: Plan,
    events: Sequence[Event],
    moved: Moved,
    error: Exception,
    migration: Migration,
) -> None:
    compensated = {one.spec.name for one in plan.transitions if one.spec.options.compensate is not None}
    for event in events:
        name = getattr(event, "transition", "")
        if isinstance(event, Completed) and migration.transitions.get(name, name) in compensated:
            raise NetError(
                f"session {session_id!r} cannot be migrated: its history makes no sense in the new net ({error}), so"
                f" what {event.transition!r} did in it could not be undone any more"
            )
    gathers = any(mode is Mode.GATHER for one in plan.transitions for _, mode, *_ in one.arcs)
    if migration.ungroup or not gathers:
        return
    lineage = Lineage.of(events)
    lists = {
        event.firing_id
        for event in events
        if isinstance(event, Emitted) or (isinstance(event, Completed) and event.opened)
    }
    for token in moved.tokens:
        if lists & lineage.past(token.id).firings.keys():
            raise NetError(
                f"session {session_id!r}: token {token.id} of {token.place!r} may stand in a list that is being"
                f" gathered, and the history makes no sense in the new net ({error}): wait until the lists are"
                " gathered, or let the tokens stand alone with Migration(ungroup=True)"
            )


# -- telling the history in the new names and types


class _Untold(Exception):  # noqa: N818 - control flow within this file
    """An event that cannot be told in the new net."""


class _Telling:
    def __init__(self, plan: Plan, migration: Migration) -> None:
        self._plan = plan
        self._places: Mapping[str, str | None] = migration.places
        self._transitions = migration.transitions
        self._convert = migration.convert

    def token(self, token: Token) -> Token | None:
        """The token in the new net; None if it is dropped. Raises if it has no place there."""
        name = self._places.get(token.place, token.place)
        if name is None:
            return None
        number = self._plan.index.get(name)
        if number is None or number >= len(self._plan.places):
            raise NetError(
                f"token {token.id} stands in place {token.place!r}, which is not in the new version: say with"
                f" Migration(places={{{token.place!r}: ...}}) where it goes, or None to drop it"
            )
        place = self._plan.places[number].place
        value = token.value
        if token.place in self._convert:
            value = self._convert[token.place](value)
        if not place.accepts(value):
            try:
                value = place.adapter.validate_python(value, by_name=True, by_alias=False)
            except ValidationError as error:
                first = "; ".join(str(error).splitlines()[1:3])
                raise TokenTypeError(
                    f"token {token.id} of place {token.place!r} is no {type_name(place.type)}: {first}; convert it"
                    f" with Migration(convert={{{token.place!r}: ...}})",
                    transition=None,
                    expected=type_name(place.type),
                    actual=type(value).__name__,
                ) from None
        return Token(token.id, name, value)

    def event(self, event: Event) -> Event:
        """The event as the new version would have told it. Raises `_Untold`."""
        if isinstance(event, (Migrated, Moved)):
            raise _Untold("it was migrated before")
        renamed = _with_tokens(event, self._told)
        if hasattr(event, "transition"):
            name = self._transitions.get(event.transition, event.transition)
            renamed = replace(renamed, transition=name)  # type: ignore[call-arg]
        if isinstance(renamed, Completed) and renamed.opened:
            renamed = replace(renamed, opened=tuple(self._named(one) for one in renamed.opened))
        return renamed

    def ticks(self, tokens: Iterable[Token]) -> list[Token]:
        """Those of them that can be told."""
        told = []
        for token in tokens:
            try:
                told.append(self._told(token))
            except _Untold:
                continue
        return told

    def _told(self, token: Token) -> Token:
        try:
            told = self.token(token)
        except Exception as error:  # converters are the user's
            raise _Untold(str(error)) from error
        if told is not None:
            return told
        raise _Untold(f"place {token.place!r} is dropped")

    def _named(self, place: str) -> str:
        name = self._places.get(place, place)
        if name is None or name not in self._plan.index:
            raise _Untold(f"there is no place {place!r}")
        return name


def _tokens(event: Event) -> tuple[Token, ...]:
    match event:
        case Put(tokens=tokens) | Edited(tokens=tokens) | Moved(tokens=tokens):
            return tokens
        case Emitted(outputs=outputs) | Ended(outputs=outputs):
            return outputs
    return ()


def _with_tokens(event: Event, change: Any) -> Event:
    tokens = _tokens(event)
    if not tokens:
        return event
    changes: dict[str, Any] = {
        "outputs" if hasattr(event, "outputs") else "tokens": tuple(change(token) for token in tokens)
    }
    return replace(event, **changes)
