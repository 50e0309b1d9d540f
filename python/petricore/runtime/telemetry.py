"""OpenTelemetry: a span for each firing, linked along the lineage, and metrics. Needs `petricore[otel]`.

A firing's span lasts from its claim to its end. It is linked to the spans of the firings that made the tokens it took
or read, as far as this process knows them; spans that an action opens itself are its children. No attribute holds a
token's value.

Metrics: `petricore.firings` (how many ended, by outcome), `petricore.firing.duration` (seconds from claim to end),
`petricore.attempts.failed`, `petricore.waiting` (firings in memory that wait for a person) and
`petricore.journal.commit.duration` (seconds of a write of the journal).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry import metrics, trace
from opentelemetry.context import Context, attach
from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
from opentelemetry.trace import Link, Span, SpanContext, Status, StatusCode, TracerProvider

from petricore.runtime.events import Asked, Claimed, Closed, Emitted, Ended, Event, Failed, Released, Retried
from petricore.runtime.events import Waiting as WaitingEvent

if TYPE_CHECKING:
    from petricore.runtime.firing import Firing
    from petricore.runtime.runtime import Runtime
    from petricore.runtime.session import Session

__all__ = ["Telemetry"]

_SCOPE = "petricore"


@dataclass(slots=True)
class _Open:
    span: Span
    began: float
    taken: tuple[int, ...]


class Telemetry:
    """What a runtime reports with: `Runtime(..., telemetry=Telemetry())`. One for each runtime.

    Args:
        tracer_provider: of the spans (default: the global one).
        meter_provider: of the metrics (default: the global one).
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_SCOPE, meter_provider=meter_provider)
        self._firings = meter.create_counter(
            "petricore.firings", unit="{firing}", description="Firings that ended, by outcome"
        )
        self._durations = meter.create_histogram(
            "petricore.firing.duration", unit="s", description="From the claim of a firing to its end"
        )
        self._retries = meter.create_counter(
            "petricore.attempts.failed",
            unit="{attempt}",
            description="Attempts that failed and were made again",
        )
        self._commits = meter.create_histogram(
            "petricore.journal.commit.duration", unit="s", description="One write of the journal"
        )
        meter.create_observable_gauge(
            "petricore.waiting",
            callbacks=[self._count_waiting],
            unit="{firing}",
            description="Firings in memory that wait for a person",
        )
        self._open: dict[str, dict[str, _Open]] = {}
        self._made: dict[str, dict[int, SpanContext]] = {}
        self._runtime: Runtime | None = None

    def attach(self, runtime: Runtime) -> None:
        """Report for this runtime. Raises `ValueError` if it reports for one already."""
        if self._runtime is not None:
            raise ValueError("a Telemetry belongs to one Runtime; make another one")
        self._runtime = runtime

    def detach(self) -> None:
        """The runtime has ended: firings that are under way end here as far as spans go."""
        for session_id in list(self._open):
            self.forget(session_id)

    def notice(self, session: Session, event: Event) -> None:
        """An event was journaled."""
        match event:
            case Claimed():
                self._begin(session, event)
            case Emitted(firing_id=firing_id, outputs=outputs):
                self._remember(session.id, firing_id, [token.id for token in outputs])
            case Ended():
                self._end(session, event)
            case Released(firing_id=firing_id):
                self._close(session.id, firing_id, event.time, "released")
            case Retried(firing_id=firing_id, attempt=attempt):
                attributes = {
                    "petricore.agent": session.dispatcher.agent,
                    "petricore.transition": event.transition,
                }
                self._retries.add(1, attributes)
                self._note(session.id, firing_id, "retried", event.time, {"petricore.attempt": attempt})
            case WaitingEvent(firing_id=firing_id) | Asked(firing_id=firing_id):
                self._note(session.id, firing_id, "waits for a person", event.time, {})
            case Closed():
                self.forget(session.id)

    def enter(self, firing: Firing) -> None:
        """An attempt is about to run: what it traces itself belongs to the firing's span."""
        session = firing.session
        held = self._open.setdefault(session.id, {}).get(firing.id)
        if held is None:  # claimed by an earlier process, or before the session was put away
            held = self._start(session, firing.id, firing.transition, session.active_at, (), [])
            held.span.set_attribute("petricore.resumed", True)
        held.span.set_attribute("petricore.attempt", firing.attempt)
        firing.context.run(attach, trace.set_span_in_context(held.span))

    def committed(self, seconds: float) -> None:
        """The journal has written a batch."""
        self._commits.record(seconds)

    def forget(self, session_id: str) -> None:
        """A session has ended or leaves the memory."""
        for held in self._open.pop(session_id, {}).values():
            held.span.set_attribute("petricore.outcome", "under way")
            held.span.end()
        self._made.pop(session_id, None)

    # -- spans

    def _begin(self, session: Session, event: Claimed) -> None:
        made = self._made.get(session.id, {})
        known = (made[token] for token in (*event.taken, *event.read) if token in made)
        sources = {context.span_id: context for context in known}
        self._start(session, event.firing_id, event.transition, event.time, event.taken, sources.values())

    def _start(
        self,
        session: Session,
        firing_id: str,
        transition: str,
        began: float,
        taken: tuple[int, ...],
        sources: Iterable[SpanContext],
    ) -> _Open:
        span = self._tracer.start_span(
            transition,
            context=Context(),  # what happens to be current where the journal is written is no cause
            links=[Link(source) for source in sources],
            start_time=_nanoseconds(began),
            attributes={
                "petricore.session_id": session.id,
                "petricore.agent": session.dispatcher.agent,
                "petricore.transition": transition,
                "petricore.firing_id": firing_id,
            },
        )
        held = self._open.setdefault(session.id, {})[firing_id] = _Open(span, began, taken)
        return held

    def _remember(self, session_id: str, firing_id: str, tokens: list[int]) -> None:
        held = self._open.get(session_id, {}).get(firing_id)
        if held is not None and tokens:
            context = held.span.get_span_context()
            self._made.setdefault(session_id, {}).update(dict.fromkeys(tokens, context))

    def _end(self, session: Session, event: Ended) -> None:
        held = self._open.get(session.id, {}).get(event.firing_id)
        if held is None:
            self._count(session, event.transition, event.kind, None)
            return
        tokens = [token.id for token in event.outputs]
        if not set(tokens) & set(held.taken):  # else it gave them back
            made = self._made.get(session.id, {})
            for token in held.taken:
                made.pop(token, None)
            self._remember(session.id, event.firing_id, tokens)
        if isinstance(event, Failed):
            # The message of an exception may quote what it worked on.
            held.span.set_status(Status(StatusCode.ERROR, event.failure.error.partition(":")[0]))
        self._count(session, event.transition, event.kind, event.time - held.began)
        self._close(session.id, event.firing_id, event.time, event.kind)

    def _count(self, session: Session, transition: str, outcome: str, seconds: float | None) -> None:
        attributes = {
            "petricore.agent": session.dispatcher.agent,
            "petricore.transition": transition,
            "petricore.outcome": outcome,
        }
        self._firings.add(1, attributes)
        if seconds is not None:
            self._durations.record(seconds, attributes)

    def _close(self, session_id: str, firing_id: str, time: float, outcome: str) -> None:
        held = self._open.get(session_id, {}).pop(firing_id, None)
        if held is not None:
            held.span.set_attribute("petricore.outcome", outcome)
            held.span.end(end_time=_nanoseconds(time))

    def _note(
        self, session_id: str, firing_id: str, name: str, time: float, attributes: dict[str, int]
    ) -> None:
        held = self._open.get(session_id, {}).get(firing_id)
        if held is not None:
            held.span.add_event(name, attributes, timestamp=_nanoseconds(time))

    def _count_waiting(self, options: CallbackOptions) -> Iterable[Observation]:
        del options
        if self._runtime is None:
            return []
        counts: dict[str, int] = {}
        for session in self._runtime.in_memory():
            agent = session.dispatcher.agent
            counts[agent] = counts.get(agent, 0) + session.asking
        return [Observation(count, {"petricore.agent": agent}) for agent, count in counts.items()]


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
