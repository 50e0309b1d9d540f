"""What a simulation remembers of each firing and each session."""

from __future__ import annotations

from petricore.simulation.agents.choices import Product
from petricore.simulation.agents.lineage import Path
from petricore.simulation.agents.model import Behaviour
from petricore.simulation.agents.streams import Stream

__all__ = ["ENDS", "OUTCOMES", "FiringRecord", "SessionRecord"]

OUTCOMES = ("completed", "failed", "timeout", "rejected", "cut")
"""How a firing ended; "cut": it was under way when its session was."""

ENDS = ("finished", "stuck", "limit")
"""How a session ended. stuck: it rests, with tokens where some transition takes from. limit: it was cut."""


class FiringRecord:
    """A firing from when its inputs stood ready to its end; times in seconds of the model."""

    __slots__ = (
        "attempt_began",
        "attempts",
        "backoff",
        "behaviour",
        "blamed",
        "busy",
        "cause",
        "claimed",
        "confirmed",
        "cost",
        "delayed",
        "ended",
        "index",
        "number",
        "outcome",
        "path",
        "product",
        "put",
        "puts",
        "queued",
        "queued_since",
        "ready",
        "session",
        "spans",
        "step",
        "stream",
    )

    def __init__(
        self,
        index: int,
        number: int,
        session: SessionRecord,
        behaviour: Behaviour,
        stream: Stream,
        now: float,
    ) -> None:
        self.index = index
        self.number = number
        """In the fleet."""
        self.session = session
        self.behaviour = behaviour
        self.stream = stream
        self.ready = now
        self.claimed = now
        self.ended = -1.0
        self.cause = -1
        """The firing (or -1: the arrival) that made it ready."""
        self.blamed = -1
        """The resource it waited for last, if it waited."""
        self.attempts = 0
        self.confirmed = 0.0
        """Seconds until a person had decided."""
        self.delayed = 0.0
        self.queued = 0.0
        """Seconds in which an attempt waited for a thread."""
        self.queued_since = -1.0
        self.backoff = 0.0
        self.busy = 0.0
        self.attempt_began = -1.0
        self.cost = 0.0
        self.outcome = "cut"
        self.path: Path = ()
        self.product: Product | None = None
        self.spans: tuple[tuple[float, float], ...] = ()
        """When an attempt held a thread, where threads are counted."""
        self.put = 0
        """Elements that its generator has put."""
        self.puts = 0
        """Elements that its attempt under way will have put."""
        self.step = 0.0
        """Seconds from one of them to the next."""


class SessionRecord:
    """A session from its arrival to its end."""

    __slots__ = (
        "arrived",
        "changed",
        "cost",
        "end",
        "ended",
        "failures",
        "fired",
        "firings",
        "index",
        "last",
        "left",
        "moved",
        "number",
        "oldest",
        "running",
        "starved",
    )  # fmt: skip

    def __init__(self, index: int, number: int, arrived: float, transitions: int) -> None:
        self.index = index
        self.number = number
        """In the fleet."""
        self.arrived = arrived
        self.changed = arrived
        """When a token was put last."""
        self.ended = -1.0
        self.end = ""
        self.cost = 0.0
        self.failures = 0
        self.firings = 0
        self.fired = [0] * transitions
        self.last = -1
        """The firing that changed its tokens last."""
        self.moved = -1
        """The firing that changed them last, by what it put or by its claim."""
        self.left: dict[str, int] = {}
        self.oldest = -1
        """Of one that was cut: its oldest firing under way then."""
        self.starved = -1
        """Of one that was cut with nothing under way: the resource it waited for."""
        self.running: set[FiringRecord] = set()
