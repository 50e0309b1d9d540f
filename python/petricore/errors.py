"""The errors petricore raises. Each derives from `PetriError`, carries its facts as fields and pickles."""

from __future__ import annotations

from typing import Any

__all__ = [
    "DeviceError",
    "ExecutorError",
    "ExecutorUnavailableError",
    "FiringNotFoundError",
    "FormulaError",
    "GuardError",
    "ImageNotFoundError",
    "JournalCorruptError",
    "JournalError",
    "LimitReached",
    "MemoryLimitError",
    "NetError",
    "NotEnabledError",
    "OutputLimitError",
    "PetriError",
    "PnmlError",
    "RemoteError",
    "SessionLostError",
    "SessionNotFoundError",
    "SimulationError",
    "TokenOverflowError",
    "TokenTypeError",
    "VersionError",
    "WeightOverflowError",
    "WorkerDiedError",
    "WorkerProtocolError",
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


class WeightOverflowError(PetriError, OverflowError):
    """A weight that was computed does not fit the integers it is returned in."""


class PnmlError(PetriError, ValueError):
    """A PNML document is broken, hostile or beyond what a P/T net can hold; `line` is 1-based."""

    line: int | None
    element: str | None


class FormulaError(PetriError, ValueError):
    """A query is no formula, or names what the net does not have; `position` counts characters of `text` from 0."""

    text: str
    position: int


class LimitReached(PetriError):  # noqa: N818 - the name is part of the public API
    """A declared limit (states, memory, steps, time) ended a computation before its natural end."""


class SimulationError(PetriError):
    """A replica cannot go on: a rate is negative or no number, or immediate transitions fire for ever in no time.

    `point` is that of the sweep, if there is one; `loop` names the transitions that fire for ever.
    """

    replica: int
    point: int | None
    time: float
    transition: str
    loop: tuple[str, ...]


class DeviceError(PetriError):
    """A device that was asked for is not there, cannot do what is asked, or fails."""


class TokenTypeError(PetriError, TypeError):
    """A value is not of the type that its place or the result of its transition declares."""

    transition: str | None
    expected: str
    actual: str


class GuardError(PetriError):
    """A `where` predicate or a `match` field could not be evaluated for a value; the value was not put."""

    transition: str
    parameter: str


class SessionNotFoundError(PetriError, KeyError):
    """No session has this id."""

    session_id: str
    __str__ = Exception.__str__  # KeyError would show the repr of the message


class JournalError(PetriError):
    """The journal cannot do what was asked, and has done nothing of it; what it keeps is as it was.

    `unsure`: the connection broke in the middle of a commit, which may have happened.
    """

    unsure: bool


class JournalCorruptError(JournalError):
    """A record of the journal is missing or is not what was written: `number` in `session_id`."""

    session_id: str
    number: int


class SessionLostError(PetriError):
    """Another runtime has taken the session over (the lease of this one had run out); nothing was written."""

    session_id: str


class VersionError(PetriError):
    """A session was started with another version of its agent's net, and that one's code is not here."""

    session_id: str
    agent: str
    expected: str
    actual: str


class ExecutorError(PetriError):
    """An executor cannot run an action, or lost it. As any error of an action it follows the retry policy."""


class ExecutorUnavailableError(ExecutorError):
    """What runs the actions (an engine, a cluster) cannot be reached."""


class ImageNotFoundError(ExecutorError):
    """There is no image of this name, and it could not be had."""

    image: str


class MemoryLimitError(ExecutorError):
    """An action was killed because it took more memory than it may; `limit` in bytes, where it is known."""

    limit: int | None


class OutputLimitError(ExecutorError):
    """An action was killed because it printed more than it may; `limit` in bytes."""

    limit: int


class WorkerDiedError(ExecutorError):
    """The process of an action ended before the action did."""

    exit_code: int | None
    signal: int | None


class WorkerProtocolError(ExecutorError):
    """A worker sent what is no frame of the protocol, or is larger than allowed. The worker is not used again."""


class RemoteError(ExecutorError):
    """An action in another process raised an exception of a type that is not known here, or could not be made here:
    its name is `type`, its traceback there `trace`."""

    type: str
    trace: str


class FiringNotFoundError(PetriError, KeyError):
    """No firing (or no request) with this id is in the state that the call needs."""

    firing_id: str
    __str__ = Exception.__str__  # KeyError would show the repr of the message
