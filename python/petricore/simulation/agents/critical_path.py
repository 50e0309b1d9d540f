"""What a session's time went into, told from its end backwards: each second of it once.

From the firing that ended last, step to the firing that made it ready, and so on to the arrival. The seconds on
that path add up to the session's makespan.
"""

from __future__ import annotations

from collections.abc import Sequence

from petricore.simulation.agents.records import FiringRecord, SessionRecord

__all__ = ["Part", "critical_path"]

Part = tuple[str, str]
"""What time went into: ("action", transition), ("resource", name), ("person", transition), ("pause", transition)."""


def critical_path(
    session: SessionRecord, firings: Sequence[FiringRecord], resources: Sequence[str]
) -> dict[Part, float]:
    """Seconds by what they went into. A session that was cut is followed from its oldest firing under way."""
    spent: dict[Part, float] = {}

    def add(kind: str, name: str, seconds: float) -> None:
        if seconds > 0:
            spent[kind, name] = spent.get((kind, name), 0.0) + seconds

    at = session.ended
    index = session.last if session.oldest < 0 else session.oldest
    if session.oldest < 0 and at > session.changed and session.starved >= 0:
        add("resource", resources[session.starved], at - session.changed)
        at = session.changed
    while index >= 0:
        firing = firings[index]
        name = firing.behaviour.name
        elapsed = at - firing.claimed
        for kind, where, seconds in (
            ("person", name, firing.confirmed),
            ("pause", name, firing.delayed),
            ("resource", "threads", firing.queued),
            ("pause", name, firing.backoff),
        ):
            part = min(seconds, elapsed)
            add(kind, where, part)
            elapsed -= part
        add("action", name, elapsed)
        if firing.blamed >= 0:
            add("resource", resources[firing.blamed], firing.claimed - firing.ready)
        at = firing.ready
        index = firing.cause
    return spent
