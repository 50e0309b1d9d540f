"""Telemetry: spans linked along the lineage, metrics, and log records that hold no values."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel

from petricore import Agent, Gather, ManualClock, NetError, RetryPolicy, Runtime
from petricore.runtime.journal.memory_store import MemoryStore
from petricore.runtime.telemetry import Telemetry


class Job(BaseModel):
    n: int


class Part(BaseModel):
    secret: str


class Sum(BaseModel):
    n: int


class Letter(BaseModel):
    n: int


def summing() -> Agent:
    agent = Agent("summing")

    @agent.transition(retries=RetryPolicy(max_attempts=2, jitter=False))
    async def split(job: Job) -> list[Part]:
        if job.n < 0:
            raise ValueError(f"hunter2 {job.n}")
        with trace.get_tracer("own").start_as_current_span("within"):
            return [Part(secret="hunter2") for _ in range(job.n)]

    @agent.transition
    async def add(parts: Annotated[list[Part], Gather()]) -> Sum:
        return Sum(n=len(parts))

    @agent.transition(confirm=True)
    async def send(sum: Sum) -> Letter:
        return Letter(n=sum.n)

    return agent


class Watch:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.telemetry = Telemetry(self.tracers, MeterProvider([self.reader]))

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def metric(self, name: str) -> list[Any]:
        data = self.reader.get_metrics_data()
        assert data is not None
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


def drive(script: Callable[[Runtime], Awaitable[None]], telemetry: Any, journal: Any = ":memory:") -> None:
    async def run() -> None:
        clock = ManualClock(start=100.0, autojump=True)
        async with Runtime(journal, clock=clock, seed=1, telemetry=telemetry) as runtime:
            await asyncio.wait_for(script(runtime), 20)

    asyncio.run(run())


async def _one(runtime: Runtime) -> None:
    session = await runtime.start(summing(), "s")
    await session.put(Job(n=2))
    await session.settled()


def test_spans_are_linked_to_the_firings_that_made_what_they_took() -> None:
    watch = Watch()

    async def script(runtime: Runtime) -> None:
        await _one(runtime)
        session = await runtime.resume("s")
        await session.approve(session.waiting[0].firing_id)
        await session.quiescent()

    drive(script, watch.telemetry)
    spans = watch.spans
    assert {"split", "add", "send"} <= spans.keys()
    assert [link.context.span_id for link in spans["add"].links] == [spans["split"].context.span_id]
    assert [link.context.span_id for link in spans["send"].links] == [spans["add"].context.span_id]
    assert not spans["split"].links
    assert spans["add"].parent is None
    assert dict(spans["send"].attributes or {}) == {
        "petricore.session_id": "s",
        "petricore.agent": "summing",
        "petricore.transition": "send",
        "petricore.firing_id": "s/3",
        "petricore.attempt": 1,
        "petricore.outcome": "completed",
    }
    assert [event.name for event in spans["send"].events] == ["waits for a person"]
    assert "hunter2" not in repr([span.to_json() for span in spans.values()])


def test_spans_of_an_action_are_children_of_its_firing() -> None:
    watch = Watch()
    seen: list[int] = []
    agent = Agent("nested")

    @agent.transition
    def work(job: Job) -> None:
        seen.append(trace.get_current_span().get_span_context().span_id)

    async def script(runtime: Runtime) -> None:
        session = await runtime.start(agent)
        await session.put(Job(n=1))
        await session.quiescent()

    drive(script, watch.telemetry)
    assert seen == [watch.spans["work"].context.span_id]


def test_a_failure_is_an_error_span_without_its_message() -> None:
    watch = Watch()

    async def script(runtime: Runtime) -> None:
        session = await runtime.start(summing(), "s")
        await session.put(Job(n=-1))
        await session.quiescent()

    drive(script, watch.tracers)
    span = watch.spans["split"]
    assert span.status.description == "ValueError"
    assert (span.attributes or {})["petricore.attempt"] == 2
    assert [event.name for event in span.events] == ["retried"]
    assert "hunter2" not in span.to_json()
    assert span.end_time is not None
    assert span.start_time is not None
    assert (span.end_time - span.start_time) / 1e9 == pytest.approx(0.1)


def test_metrics_count_firings_durations_people_and_commits() -> None:
    watch = Watch()
    waiting: list[Any] = []

    async def script(runtime: Runtime) -> None:
        await _one(runtime)
        waiting.extend(watch.metric("petricore.waiting"))

    drive(script, watch.telemetry, MemoryStore())
    assert [point.value for point in waiting] == [1]
    firings = {
        (point.attributes["petricore.transition"], point.attributes["petricore.outcome"]): point.value
        for point in watch.metric("petricore.firings")
    }
    assert firings == {("split", "completed"): 1, ("add", "completed"): 1}
    assert all(point.count == 1 for point in watch.metric("petricore.firing.duration"))
    (commits,) = watch.metric("petricore.journal.commit.duration")
    assert commits.count > 2
    assert commits.sum > 0


def test_a_firing_that_another_runtime_claimed_has_a_span_of_its_own() -> None:
    watch, store = Watch(), MemoryStore()
    drive(_one, False, store)

    async def script(runtime: Runtime) -> None:
        runtime.dispatcher(summing())
        session = await runtime.resume("s")
        await session.approve(session.waiting[0].firing_id)
        await session.quiescent()

    drive(script, watch.telemetry, store)
    span = watch.spans["send"]
    assert (span.attributes or {})["petricore.resumed"] is True
    assert (span.attributes or {})["petricore.outcome"] == "completed"


def test_spans_of_firings_under_way_end_with_the_runtime() -> None:
    watch = Watch()
    drive(_one, watch.telemetry)
    assert (watch.spans["send"].attributes or {})["petricore.outcome"] == "under way"
    with pytest.raises(ValueError, match="belongs to one Runtime"):
        Runtime(telemetry=watch.telemetry)


def test_what_is_no_telemetry_is_refused() -> None:
    with pytest.raises(NetError, match="telemetry is True, a TracerProvider or a Telemetry, not 7"):
        Runtime(telemetry=7)  # type: ignore[arg-type]


def test_the_runtime_does_not_import_opentelemetry_unless_it_is_asked_to() -> None:
    probe = "import sys, petricore as pc; pc.Runtime(); print('opentelemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_log_records_say_what_happened_and_no_value(caplog: pytest.LogCaptureFixture) -> None:
    async def script(runtime: Runtime) -> None:
        await _one(runtime)
        session = await runtime.resume("s")
        await session.put(Job(n=-1))
        await session.settled()
        await session.cancel()

    with caplog.at_level(logging.INFO, "petricore.runtime"):
        drive(script, False)
    records = [vars(record) for record in caplog.records if record.name == "petricore.runtime"]
    assert "hunter2" not in repr(records)
    assert [record["event"] for record in records if record["levelno"] == logging.WARNING] == [
        "retried",
        "failed",
    ]
    (failed,) = [record for record in records if record["event"] == "failed"]
    assert failed["msg"] == "%s"
    assert caplog.messages[records.index(failed)] == "session s failed split: ValueError"
    assert (failed["session_id"], failed["agent"], failed["transition"], failed["error_type"]) == (
        "s",
        "summing",
        "split",
        "ValueError",
    )
    assert failed["firing_id"].startswith("s/")
    assert records[0]["event"] == "started"
    assert records[-1]["event"] == "closed"
    assert "claimed" not in {record["event"] for record in records}


def test_debug_records_hold_every_event_and_the_messages_of_errors(caplog: pytest.LogCaptureFixture) -> None:
    async def script(runtime: Runtime) -> None:
        session = await runtime.start(summing(), "s")
        await session.put(Job(n=-1))
        await session.quiescent()

    with caplog.at_level(logging.DEBUG, "petricore.runtime"):
        drive(script, False)
    assert "session s failed split: ValueError: hunter2 -1" in caplog.messages
    assert "session s claimed split" in caplog.messages
