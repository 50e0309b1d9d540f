"""Forks: a new session that begins as a copy of another one's history up to an event, and goes its own way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from petricore.errors import NetError
from petricore.runtime.events import Closed, Event, Migrated, Released, Started, Unwinding
from petricore.runtime.restore import Restorer

if TYPE_CHECKING:
    from petricore.runtime.session import Session

__all__ = ["fork_session"]


def fork_session(session: Session, at: int | None, session_id: str | None) -> Session:
    """What `Session.fork` says. The events up to `at` are durable."""
    last = session.log.durable
    at = last if at is None else at
    if isinstance(at, bool) or not isinstance(at, int):
        raise NetError(f"a session is forked at the number of an event, not at {at!r}")
    if not 1 <= at <= last:
        raise NetError(f"session {session.id!r} can be forked at events 1 to {last}, not at {at!r}")
    events = list(session.log.read(0, at))
    for event in events:
        if isinstance(event, (Closed, Unwinding, Migrated)):
            what = "was migrated" if isinstance(event, Migrated) else "had ended"
            where = f"before it: fork at most at {event.number - 1}"
            if isinstance(event, Migrated):
                where = "and its earlier history is of another net"
            raise NetError(
                f"session {session.id!r} cannot be forked at event {at}: at event {event.number} it {what}, {where}"
            )
    runtime = session.dispatcher.runtime
    fork = runtime.open_as(
        session.dispatcher, uuid4().hex if session_id is None else session_id, session.user, (session.id, at)
    )
    restorer = Restorer(fork)
    for event in events:
        own = _own(event, fork.id, (session.id, at))
        restorer.apply(own)
        fork.log.append(own, fork.log.encode(own))
    for name, file in fork.sent.items():
        content = session.log.file(file.sha256)
        assert content is not None, name
        fork.log.keep_file(file.sha256, content)
    for firing in list(fork.firings.values()):
        if firing.emitted:
            continue  # made anew it would put again what it has put: it ends as after a crash
        fork.append(Released, firing.id, firing.transition)
        session.dispatcher.fleet.release(firing.number)
        del fork.firings[firing.id]
    fork.resting = False
    restorer.go_on(runtime.owner, runtime.max_interruptions)
    return fork


def _own(event: Event, session_id: str, forked_from: tuple[str, int]) -> Event:
    """The event as the fork's."""
    if isinstance(event, Started):
        return replace(event, session_id=session_id, forked_from=forked_from)
    return event
