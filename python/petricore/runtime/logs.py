"""Events as structured log records of the logger `petricore.runtime`.

Each record carries `session_id`, `agent`, `event` (the kind), `number`, and where the event has them `firing_id`,
`transition` and `attempt` as fields. Failures and retries are warnings, what begins and ends is INFO, everything else
DEBUG. No record holds a token's value, an answer or a file, and messages of exceptions, which may quote values, are
written at DEBUG only: above that it is the exception's type.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from petricore.runtime.events import Event, Failed, Retried

if TYPE_CHECKING:
    from petricore.runtime.session import Session

__all__ = ["log_event", "logger"]

logger = logging.getLogger("petricore.runtime")
logger.addHandler(logging.NullHandler())  # silent unless the program configures logging

_LEVELS = {
    "failed": logging.WARNING,
    "retried": logging.WARNING,
    **dict.fromkeys(
        ("started", "resumed", "migrated", "waiting", "asked", "approved", "rejected", "cancelled", "completed",
         "unwinding", "closed"),
        logging.INFO,
    ),
}  # fmt: skip


def log_event(session: Session, event: Event) -> None:
    """Write an event that was just journaled, if its level is wanted."""
    kind = event.kind
    level = _LEVELS.get(kind, logging.DEBUG)
    if not logger.isEnabledFor(level):
        return
    fields: dict[str, Any] = {
        "session_id": session.id,
        "agent": session.dispatcher.agent,
        "event": kind,
        "number": event.number,
    }
    for name in ("firing_id", "transition", "attempt"):
        value = getattr(event, name, None)
        if value is not None:
            fields[name] = value
    error = ""
    if isinstance(event, (Failed, Retried)):
        text = event.error if isinstance(event, Retried) else event.failure.error
        fields["error_type"] = text.partition(":")[0].partition(" ")[0]
        error = f": {fields['error_type']}"
        if logger.isEnabledFor(logging.DEBUG):
            error = f": {text}"
    what = fields.get("transition") or fields.get("firing_id") or ""
    message = f"session {session.id} {kind}{f' {what}' if what else ''}{error}"
    logger.log(level, "%s", message, extra=fields)
