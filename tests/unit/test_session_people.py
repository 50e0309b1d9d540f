"""People: who decided, until when, what happens when nobody does, and the files they hand over."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from petricore import Agent, Confirm, Context, ManualClock, NetError, RetryPolicy, Runtime
from petricore.cli.event_lines import EventLines
from petricore.runtime import Session
from petricore.runtime.events import (
    Answered,
    Approved,
    Asked,
    Cancelled,
    Completed,
    Edited,
    Rejected,
    Sent,
    Waiting,
)


class Draft(BaseModel):
    text: str


class Final(BaseModel):
    text: str


def publishing(confirm: Confirm | bool, **options: Any) -> Agent:
    agent = Agent("publishing")

    @agent.transition(confirm=confirm, **options)
    async def publish(draft: Draft) -> Final:
        return Final(text=draft.text)

    return agent


async def waiting(runtime: Runtime, agent: Agent) -> Session:
    session = await runtime.start(agent)
    await session.put(Draft(text="a"))
    while not session.waiting:
        await asyncio.sleep(0)
    return session


def of(session: Session, *kinds: type) -> list[Any]:
    return [event for event in session.history() if isinstance(event, kinds)]


@pytest.mark.parametrize(
    ("otherwise", "event", "left"),
    [("reject", Rejected, {"Draft": 1}), ("approve", Approved, {"Final": 1}), ("cancel", Cancelled, {})],
)
def test_at_its_deadline_a_confirmation_is_decided_by_policy(
    otherwise: Literal["reject", "approve", "cancel"], event: type, left: dict[str, int]
) -> None:
    async def main() -> None:
        clock = ManualClock(start=1000.0)
        async with Runtime(clock=clock) as runtime:
            session = await waiting(
                runtime, publishing(Confirm("Publish?", deadline=3600, otherwise=otherwise))
            )
            (pending,) = session.waiting
            assert (pending.question, pending.deadline, pending.schema) == ("Publish?", 4600.0, None)
            assert of(session, Waiting)[0].deadline == 4600.0
            clock.advance(3599)
            assert session.waiting
            clock.advance(1)
            await session.quiescent()
            (decided,) = of(session, event)
            assert (decided.by, decided.time) == ("deadline", 4600.0)
            assert {place: n for place, n in session.marking.items() if n} == left

    asyncio.run(main())


def test_a_session_with_a_deadline_is_not_at_rest() -> None:
    agent = publishing(Confirm(deadline=60, otherwise="approve"))
    result = agent.run(Draft(text="a"), clock=ManualClock(autojump=True))
    assert result[Final] == [Final(text="a")]


def test_a_decision_before_the_deadline_counts_and_says_by_whom() -> None:
    async def main() -> None:
        clock = ManualClock()
        async with Runtime(clock=clock) as runtime:
            session = await waiting(runtime, publishing(Confirm(deadline=60)))
            firing_id = session.waiting[0].firing_id
            await session.edit(firing_id, by="bob", draft=Draft(text="b"))
            await session.approve(firing_id, by="ada")
            await session.quiescent()
            clock.advance(100)
            assert [event.by for event in of(session, Edited, Approved)] == ["bob", "ada"]
            assert session.peek(Final) == [Final(text="b")]
            session = await waiting(runtime, publishing(Confirm(deadline=60)))
            await session.reject(session.waiting[0].firing_id, "not now", by="ada")
            assert (of(session, Rejected)[0].by, of(session, Rejected)[0].failure.error) == ("ada", "not now")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"deadline": 0}, "above 0"),
        ({"deadline": float("inf")}, "above 0"),
        ({"otherwise": "wait"}, "'wait'"),
        ({"question": 7}, "not 7"),
    ],
)
def test_a_wrong_confirm_says_what_is_wrong(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(NetError, match=says):
        Confirm(**arguments)


def test_confirm_is_a_flag_or_a_confirm() -> None:
    with pytest.raises(NetError, match="confirm is True, False or Confirm"):
        publishing("yes")  # type: ignore[arg-type]


# -- questions


class Choice(BaseModel):
    colour: Literal["red", "blue"]
    count: int = 1


def asking(**options: Any) -> Agent:
    agent = Agent("asking")

    @agent.transition
    async def ask(draft: Draft, ctx: Context) -> Final:
        choice = await ctx.ask("Which?", Choice, **options)
        return Final(text=f"{choice.colour} {choice.count}")

    return agent


def test_a_question_has_the_schema_of_its_answer_and_takes_no_other() -> None:
    async def main() -> None:
        async with Runtime(clock=ManualClock()) as runtime:
            session = await waiting(runtime, asking())
            (pending,) = session.waiting
            assert pending.schema is not None
            assert pending.schema["properties"]["colour"]["enum"] == ["red", "blue"]
            assert pending.request_id is not None
            with pytest.raises(TypeError, match="green"):
                await session.answer(pending.request_id, {"colour": "green"})
            await session.answer(pending.request_id, {"colour": "blue", "count": 2}, by="ada")
            await session.quiescent()
            assert session.peek(Final) == [Final(text="blue 2")]
            assert of(session, Answered)[0].by == "ada"

    asyncio.run(main())


def test_nobody_answers_and_the_default_does() -> None:
    agent = asking(deadline=60, default=Choice(colour="red"))

    async def main() -> None:
        clock = ManualClock(start=5.0)
        async with Runtime(clock=clock) as runtime:
            session = await waiting(runtime, agent)
            assert of(session, Asked)[0].deadline == session.waiting[0].deadline == 65.0
            clock.advance(60)
            await session.quiescent()
            (answered,) = of(session, Answered)
            assert (answered.value, answered.by, answered.time) == (Choice(colour="red"), "deadline", 65.0)
            assert session.peek(Final) == [Final(text="red 1")]

    asyncio.run(main())


def test_nobody_answers_and_without_a_default_the_attempt_fails() -> None:
    result = asking(deadline=60).run(Draft(text="a"), clock=ManualClock(autojump=True))
    assert result.failures[0].error == "TimeoutError: nobody answered 'Which?' within 60 s"


def test_an_answer_in_time_stops_the_deadline() -> None:
    async def main() -> None:
        clock = ManualClock()
        async with Runtime(clock=clock) as runtime:
            session = await waiting(runtime, asking(deadline=60))
            await session.answer(session.waiting[0].request_id or "", {"colour": "red"})
            clock.advance(100)
            await session.quiescent()
            assert not session.failures

    asyncio.run(main())


def test_a_default_of_another_type_fails_the_attempt() -> None:
    result = asking(deadline=60, default=7).run(Draft(text="a"), clock=ManualClock(autojump=True))
    assert "asks for Choice" in result.failures[0].error


def test_a_default_without_a_deadline_is_refused() -> None:
    result = asking(default=Choice(colour="red")).run(Draft(text="a"))
    assert "give deadline=... too" in result.failures[0].error


def test_a_yes_or_no_has_a_deadline_too() -> None:
    agent = Agent("asking")

    @agent.transition
    def ask(draft: Draft, ctx: Context) -> Final:
        return Final(text=str(ctx.confirm("Sure?", deadline=10, default=False).result()))

    assert agent.run(Draft(text="a"), clock=ManualClock(autojump=True))[Final] == [Final(text="False")]


# -- retries on the manual clock


def test_the_delay_before_a_retry_is_in_the_journal_and_takes_no_time_here() -> None:
    agent = Agent("retrying")

    @agent.transition(
        retries=RetryPolicy(initial_interval=3600, max_interval=9000, max_attempts=4, jitter=False)
    )
    async def work(draft: Draft, ctx: Context) -> Final:
        if ctx.attempt < 4:
            raise OSError("down")
        return Final(text=draft.text)

    result = agent.run(Draft(text="a"), clock=ManualClock(autojump=True))
    retried = [event for event in result.events if event.kind == "retried"]
    assert [event.delay for event in retried] == [3600.0, 7200.0, 9000.0]  # type: ignore[attr-defined]
    done = next(event for event in result.events if isinstance(event, Completed))
    assert done.time == 19800.0


# -- files


def test_files_go_in_and_out_by_name() -> None:
    agent = Agent("files")

    @agent.transition
    async def convert(draft: Draft, ctx: Context) -> Final:
        content = await ctx.get_file("in.txt")
        ctx.send_file("out.json", content.upper())
        return Final(text=(await ctx.get_file("out.json")).decode())

    @agent.transition
    def threaded(final: Final, ctx: Context) -> None:
        ctx.send_file("out.json", ctx.get_file("out.json").result() + b"!", "text/plain")

    async def main() -> None:
        async with Runtime(clock=ManualClock(start=9.0)) as runtime:
            session = await runtime.start(agent)
            sent = await session.send_file("in.txt", b"abc", by="ada")
            assert (sent.media_type, sent.size, sent.by, sent.sent) == ("text/plain", 3, "ada", 9.0)
            await session.put(Draft(text="a"))
            await session.quiescent()
            assert session.get_file("out.json") == b"ABC!"
            files = {file.name: file for file in session.files()}
            assert list(files) == ["in.txt", "out.json"]
            assert files["out.json"].sha256 == sha256(b"ABC!").hexdigest()
            assert [(e.name, e.media_type, e.by) for e in of(session, Sent)] == [
                ("in.txt", "text/plain", "ada"),
                ("out.json", "application/json", None),
                ("out.json", "text/plain", None),
            ]
            with pytest.raises(KeyError, match=r"no file 'x'; its files are 'in\.txt', 'out\.json'"):
                session.get_file("x")
            with pytest.raises(TypeError, match="bytes, not str"):
                await session.send_file("x", "text")  # type: ignore[arg-type]
            with pytest.raises(ValueError, match="not empty"):
                await session.send_file("", b"")

    asyncio.run(main())


def test_an_action_that_wants_a_file_that_is_not_there_gets_a_key_error() -> None:
    agent = Agent("files")

    @agent.transition
    async def read(draft: Draft, ctx: Context) -> Final:
        return Final(text=(await ctx.get_file("x")).decode())

    result = agent.run(Draft(text="a"))
    assert result.failures[0].error.startswith("KeyError")


def test_the_lines_of_events_tell_of_files_and_of_undoing(capsys: pytest.CaptureFixture[str]) -> None:
    agent = Agent("files")

    async def undo(draft: Draft) -> None: ...

    @agent.transition(compensate=undo)
    async def write(draft: Draft, ctx: Context) -> Final:
        ctx.send_file("a.txt", b"abc")
        return Final(text=draft.text)

    @agent.transition(on_error="session")
    async def fail(final: Final) -> None:
        raise ValueError("no")

    agent.run(Draft(text="a"), on_event=EventLines())
    told = capsys.readouterr().out
    assert "a.txt (text/plain, 3 bytes)" in told
    assert "compensate write #3 undoes #1" in told
    assert "closed     fail: ValueError: no" in told
