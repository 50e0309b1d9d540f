"""Decisions that people make in another process: left in the journal, taken up by whichever runtime has the session.

A message is JSON, `{"do": "approve", "firing_id": ..., "by": ...}`. Only decisions are taken: made twice (a process
died between making one and forgetting its message) the second finds nothing to decide, and is dropped.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from petricore.errors import JournalError, PetriError, SessionLostError

if TYPE_CHECKING:
    from petricore.runtime.journal.store import Store
    from petricore.runtime.runtime import Runtime
    from petricore.runtime.session import Session

__all__ = ["Inbox", "leave"]

logger = logging.getLogger("petricore.runtime")

_FIELDS = {
    "approve": {"firing_id", "by"},
    "reject": {"firing_id", "reason", "by"},
    "answer": {"request_id", "value", "by"},
    "cancel": {"firing_id", "by"},
}


def leave(store: Store, session_id: str, do: str, **fields: Any) -> bool:
    """Leave a decision for a session. Returns whether there is such a session.

    Raises:
        ValueError: there is no such decision, or it has no such field.
    """
    if do not in _FIELDS or not set(fields) <= _FIELDS[do]:
        raise ValueError(
            f"no decision {do!r} with {', '.join(sorted(fields))}; there are {', '.join(_FIELDS)}"
        )
    return store.post(session_id, json.dumps({"do": do, **fields}))


class Inbox:
    """Takes up what was left for the sessions that a runtime has or may have."""

    def __init__(self, runtime: Runtime, store: Store) -> None:
        self._runtime = runtime
        self._store = store

    async def look(self) -> None:
        """Make the decisions that have come, in order. What is another runtime's stays for it."""
        for number, session_id, text in self._store.inbox():
            try:
                session = await self._runtime.resume(session_id)
            except SessionLostError:
                continue  # alive elsewhere: its own runtime looks, too
            except JournalError:
                raise
            except PetriError as error:  # of an agent, or a version, that is not known here
                logger.debug("a decision for session %s is left for another runtime: %s", session_id, error)
                continue
            try:
                await _decide(session, json.loads(text))
            except (PetriError, ValueError, KeyError, TypeError) as refused:
                logger.warning("a decision for session %s is dropped: %s", session_id, refused)
            self._store.discard([number])


async def _decide(session: Session, message: dict[str, Any]) -> None:
    do, by = message["do"], message.get("by")
    match do:
        case "approve":
            await session.approve(message["firing_id"], by=by)
        case "reject":
            await session.reject(message["firing_id"], message.get("reason", ""), by=by)
        case "answer":
            await session.answer(message["request_id"], message["value"], by=by)
        case "cancel":
            await session.cancel(message.get("firing_id"), by=by)
        case _:
            raise ValueError(f"no decision {do!r}; there are {', '.join(_FIELDS)}")
