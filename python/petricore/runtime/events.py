"""The events of a session: what the journal holds, numbered from 1. Version 1 of the schema.

Events are written once and never changed; treat them as frozen (they are not, for speed). Token ids count
from 1 within a session and never come again, whichever process runs it. Marking, memory and failures are folds
of these events (`petricore.runtime.fold`). A field that was added later has a default, so that older journals
are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from petricore.agent.failure import Failure

__all__ = [
    "SCHEMA_VERSION",
    "Answered",
    "Approved",
    "Asked",
    "Began",
    "Cancelled",
    "Claimed",
    "Closed",
    "Completed",
    "Delayed",
    "Edited",
    "Emitted",
    "Ended",
    "Event",
    "Failed",
    "Migrated",
    "Moved",
    "Progressed",
    "Put",
    "Quiescent",
    "Rejected",
    "Released",
    "Remembered",
    "Resumed",
    "Retried",
    "Said",
    "Sent",
    "Started",
    "Token",
    "Unwinding",
    "Waiting",
]

SCHEMA_VERSION = 1


class Token(NamedTuple):
    """A token: its id, the name of its place, its value."""

    id: int
    place: str
    value: Any


@dataclass(slots=True)
class Event:
    """Base of all events: `number` counts from 1 within the session, `time` is in seconds since the epoch."""

    kind: ClassVar[str] = "event"
    number: int
    time: float


@dataclass(slots=True)
class Started(Event):
    """The session exists."""

    kind: ClassVar[str] = "started"
    agent: str
    session_id: str
    user: str | None
    version: str = ""
    """The hash of the agent's net."""
    forked_from: tuple[str, int] | None = None
    """The session and event number that this one branched off from."""


@dataclass(slots=True)
class Resumed(Event):
    """A runtime took the session up. Firings that were under way begin anew, or end by their `delivery`."""

    kind: ClassVar[str] = "resumed"
    runtime: str


@dataclass(slots=True)
class Migrated(Event):
    """The session goes on with another version of its agent's net."""

    kind: ClassVar[str] = "migrated"
    before: str
    after: str


@dataclass(slots=True)
class Put(Event):
    """Tokens came from outside, or from a timer."""

    kind: ClassVar[str] = "put"
    tokens: tuple[Token, ...]
    by: str | None = None


@dataclass(slots=True)
class Moved(Event):
    """A migration moved or converted free tokens: those with an id of before are replaced, None: taken away."""

    kind: ClassVar[str] = "moved"
    taken: tuple[int, ...]
    tokens: tuple[Token, ...]


@dataclass(slots=True)
class Claimed(Event):
    """A firing holds its inputs: the ids of the tokens it takes, and of those it only reads."""

    kind: ClassVar[str] = "claimed"
    firing_id: str
    transition: str
    taken: tuple[int, ...]
    read: tuple[int, ...]
    undoes: str | None = None
    """The firing that this one compensates."""


@dataclass(slots=True)
class Waiting(Event):
    """A firing asks for confirmation; `arguments` is what its action would get."""

    kind: ClassVar[str] = "waiting"
    firing_id: str
    transition: str
    arguments: dict[str, Any]
    deadline: float | None = None
    """Seconds since the epoch at which the transition's policy decides."""


@dataclass(slots=True)
class Edited(Event):
    """A person changed values that a waiting firing holds."""

    kind: ClassVar[str] = "edited"
    firing_id: str
    tokens: tuple[Token, ...]
    by: str | None = None


@dataclass(slots=True)
class Approved(Event):
    """A person (or the policy of a deadline) let a waiting firing go on."""

    kind: ClassVar[str] = "approved"
    firing_id: str
    by: str | None = None


@dataclass(slots=True)
class Delayed(Event):
    """The action of a firing begins after `delay` seconds."""

    kind: ClassVar[str] = "delayed"
    firing_id: str
    delay: float


@dataclass(slots=True)
class Began(Event):
    """An attempt that must not be made twice begins (`delivery="at_most_once"`)."""

    kind: ClassVar[str] = "began"
    firing_id: str
    attempt: int


@dataclass(slots=True)
class Said(Event):
    """An action said something."""

    kind: ClassVar[str] = "said"
    firing_id: str
    text: str


@dataclass(slots=True)
class Progressed(Event):
    """An action reported how far it is, from 0 to 1."""

    kind: ClassVar[str] = "progressed"
    firing_id: str
    fraction: float
    text: str


@dataclass(slots=True)
class Asked(Event):
    """An action waits for an answer of the named type."""

    kind: ClassVar[str] = "asked"
    firing_id: str
    request_id: str
    question: str
    type: str
    deadline: float | None = None


@dataclass(slots=True)
class Answered(Event):
    """A person answered."""

    kind: ClassVar[str] = "answered"
    firing_id: str
    request_id: str
    value: Any
    by: str | None = None


@dataclass(slots=True)
class Remembered(Event):
    """An action stored a value for the session."""

    kind: ClassVar[str] = "remembered"
    firing_id: str
    key: str
    value: Any


@dataclass(slots=True)
class Sent(Event):
    """A file: kept by an action for whoever follows (`by` None), or handed in from outside."""

    kind: ClassVar[str] = "sent"
    firing_id: str | None
    name: str
    media_type: str
    size: int
    sha256: str
    by: str | None = None


@dataclass(slots=True)
class Emitted(Event):
    """A generator put tokens and goes on."""

    kind: ClassVar[str] = "emitted"
    firing_id: str
    transition: str
    outputs: tuple[Token, ...]


@dataclass(slots=True)
class Retried(Event):
    """Attempt number `attempt` failed; the next follows after `delay` seconds. The inputs stay held."""

    kind: ClassVar[str] = "retried"
    firing_id: str
    transition: str
    attempt: int
    error: str
    delay: float


@dataclass(slots=True)
class Ended(Event):
    """Base of the ends of a firing: what it held is consumed, and `outputs` are put."""

    firing_id: str
    transition: str
    outputs: tuple[Token, ...]


@dataclass(slots=True)
class Completed(Ended):
    """The action returned, and its tokens are put."""

    kind: ClassVar[str] = "completed"
    opened: tuple[str, ...] = ()
    """Places that lists were put into, empty lists included."""


@dataclass(slots=True)
class Failed(Ended):
    """The last attempt failed or timed out. `outputs`: the failure token, or the inputs given back."""

    kind: ClassVar[str] = "failed"
    failure: Failure


@dataclass(slots=True)
class Rejected(Ended):
    """A person refused. `outputs`: the failure token, or the inputs given back."""

    kind: ClassVar[str] = "rejected"
    failure: Failure
    by: str | None = None


@dataclass(slots=True)
class Cancelled(Ended):
    """A person ended the firing. `outputs`: the failure token, or the inputs given back."""

    kind: ClassVar[str] = "cancelled"
    failure: Failure
    by: str | None = None


@dataclass(slots=True)
class Released(Event):
    """A firing ended without a trace: the tokens it held are free again, as they were."""

    kind: ClassVar[str] = "released"
    firing_id: str
    transition: str


@dataclass(slots=True)
class Unwinding(Event):
    """The session has failed or was cancelled: nothing fires in it any more but what compensates."""

    kind: ClassVar[str] = "unwinding"
    reason: str | None = None
    by: str | None = None


@dataclass(slots=True)
class Quiescent(Event):
    """Nothing is enabled, nothing runs, no timer is pending and nobody is asked."""

    kind: ClassVar[str] = "quiescent"


@dataclass(slots=True)
class Closed(Event):
    """The session has ended: nothing fires in it any more. The last event."""

    kind: ClassVar[str] = "closed"
    reason: str | None = None
    by: str | None = None
