"""Events as lines, as they come."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import to_jsonable_python

from petricore.runtime.events import (
    Approved,
    Asked,
    Claimed,
    Closed,
    Emitted,
    Ended,
    Event,
    Failed,
    Progressed,
    Put,
    Rejected,
    Released,
    Retried,
    Said,
    Sent,
    Token,
    Unwinding,
    Waiting,
)

__all__ = ["EventLines"]

_WIDTH = 100


class EventLines:
    """Call it with each event: prints the seconds since the first, the kind, and what happened to what."""

    def __init__(self) -> None:
        self._first: float | None = None

    def __call__(self, event: Event) -> None:
        """Print the line of `event`."""
        if self._first is None:
            self._first = event.time
        print(f"{event.time - self._first:8.3f} {event.kind:<10} {describe(event)}".rstrip(), flush=True)


def describe(event: Event) -> str:
    """What happened, on one line."""
    match event:
        case Put(tokens=tokens):
            return _tokens(tokens)
        case Claimed(transition=transition, firing_id=firing, undoes=str(undone)):
            return f"{transition} {_short_id(firing)} undoes {_short_id(undone)}"
        case Claimed(transition=transition, firing_id=firing):
            return f"{transition} {_short_id(firing)}"
        case Retried(transition=transition, attempt=attempt, error=error, delay=delay):
            return f"{transition} after attempt {attempt}: {error}; again in {delay:.2f} s"
        case Failed(failure=failure) | Rejected(failure=failure):
            return f"{failure.transition} after attempt {failure.attempts}: {failure.error}"
        case Emitted(transition=transition, outputs=outputs) | Ended(transition=transition, outputs=outputs):
            return f"{transition} -> {_tokens(outputs)}"
        case Released(transition=transition):
            return transition
        case Unwinding(reason=str(reason)) | Closed(reason=str(reason)):
            return reason
    return _told(event)


def _told(event: Event) -> str:
    """What actions and people say to each other."""
    match event:
        case Waiting(transition=transition, arguments=arguments):
            return f"{transition} for confirmation: {_short(arguments)}"
        case Approved(firing_id=firing):
            return _short_id(firing)
        case Said(text=text):
            return text
        case Progressed(fraction=fraction, text=text):
            return f"{fraction:.0%} {text}"
        case Asked(question=question):
            return question
        case Sent(name=name, size=size, media_type=media_type):
            return f"{name} ({media_type}, {size} bytes)"
    return ""


def _short_id(firing_id: str) -> str:
    return f"#{firing_id.rpartition('/')[2]}"


def _tokens(tokens: tuple[Token, ...]) -> str:
    return _cut(", ".join(f"{token.place} {_short(token.value)}" for token in tokens) or "nothing")


def _short(value: Any) -> str:
    plain = to_jsonable_python(value, bytes_mode="base64", inf_nan_mode="strings", serialize_unknown=True)
    return _cut(json.dumps(plain, ensure_ascii=False))


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
