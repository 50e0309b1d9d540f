"""What every executor promises: the same results, the same errors, the same cancellation."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest

from petricore import Agent, MemoryLimitError, NetError, Result, RetryPolicy, Runtime, WorkerDiedError
from petricore.runtime.session import Session

from . import actions
from .actions import EVERYTHING, Colour, Done, Job, Other, Point, Sum
from .executors import EXECUTORS, Place, is_async


@pytest.fixture(params=EXECUTORS)
def place(request: pytest.FixtureRequest) -> Place:
    """Where actions run."""
    return Place(request)


def build(place: Place, *functions: Callable[..., Any], **options: Any) -> Agent:
    agent = Agent("conformance")
    for function in functions:
        agent.transition(executor=place.executor(function), **{**place.options, **options})(function)
    return agent


def run(place: Place, agent: Agent, *tokens: Any, **options: Any) -> Result:
    return asyncio.run(_run(place, agent, *tokens, **options))


async def _run(place: Place, agent: Agent, *tokens: Any, timeout: float = 40.0, **options: Any) -> Result:
    from petricore.runtime.run import _result

    async with Runtime(executors=place.makers, **options) as runtime:
        session = await runtime.start(agent)
        await session.put(*tokens)
        await session.settled(timeout)
        return _result(session)


def error_of(result: Result) -> str:
    (failure,) = result.failures
    return failure.error


@pytest.mark.parametrize("function", [actions.twice, actions.twice_later])
def test_values_go_there_and_come_back(place: Place, function: Callable[..., Any]) -> None:
    result = run(place, build(place, function), Job(n=4, text="zwölf ✓ \U0001f600 \u0000"))
    assert result[Done] == [Done(n=8, text="zwölf ✓ \U0001f600 \u0000")]


@pytest.mark.parametrize(
    ("function", "given", "expected"),
    [
        (actions.same, EVERYTHING, EVERYTHING),
        (actions.point, Point(1.5, -2.0), Point(-2.0, 1.5)),
        (actions.colour, Colour.BLUE, Colour.RED),
        (actions.number, 7, "7"),
        (actions.raw, b"\x00\xff", b"\xff\x00"),
        (actions.table, {"a": [1, 2], "$bytes": []}, {"a": [2, 1], "$bytes": []}),
    ],
)
def test_every_type_comes_back_as_it_was(
    place: Place, function: Callable[..., Any], given: Any, expected: Any
) -> None:
    agent = Agent("types")
    agent.place("out", get_type_hints(function)["return"], expose=False)
    agent.transition(executor=place.executor(function), **place.options)(function)
    result = run(place, agent, given)
    assert result.failures == []
    (came,) = result.tokens("out")
    assert came == expected
    assert type(came) is type(expected)


def test_lists_are_gathered(place: Place) -> None:
    result = run(place, build(place, actions.scatter, actions.gather), Job(n=20), Job(n=0))
    assert sorted(one.n for one in result[Sum]) == [0, 190]


def test_tuples_and_alternatives(place: Place) -> None:
    result = run(place, build(place, actions.both), Job(n=1))
    assert (result[Done], result[Other]) == ([Done(n=1)], [Other(n=2)])
    result = run(place, build(place, actions.either), Job(n=0), Job(n=1), Job(n=2))
    assert (result[Done], result[Other]) == ([Done(n=1)], [Other(n=2)])


@pytest.mark.parametrize("function", [actions.count, actions.count_later])
def test_generators_put_as_they_go(place: Place, function: Callable[..., Any]) -> None:
    result = run(place, build(place, function), Job(n=5))
    assert result[Done] == [Done(n=n) for n in range(5)]
    assert [event.kind for event in result.events].count("emitted") == 5


def test_a_generator_that_yields_another_type_ends_there(place: Place) -> None:
    result = run(place, build(place, actions.count_wrongly), Job())
    assert result[Done] == [Done(n=1)]
    assert error_of(result).startswith("TokenTypeError: transition 'count_wrongly' must put Done, not Other")


@pytest.mark.parametrize(("n", "actual"), [(0, "str"), (1, "Other")])
def test_another_type_than_declared_is_refused(place: Place, n: int, actual: str) -> None:
    result = run(place, build(place, actions.wrong), Job(n=n))
    assert error_of(result).startswith(f"TokenTypeError: transition 'wrong' must put Done, not {actual}")
    assert result[Job] == [Job(n=n)] or result[Job] == []


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (actions.refuse, "RefusedError: not 3"),
        (actions.refuse_later, "RefusedError: later"),
        (actions.refuse_oddly, "OddError: 1 and 2"),
        (actions.refuse_value, "ValueError: zwölf ✓"),
        (actions.miss, "KeyError: 'key'"),
    ],
)
def test_errors_are_told_alike(place: Place, function: Callable[..., Any], expected: str) -> None:
    assert error_of(run(place, build(place, function), Job(n=3))) == expected


def test_retries_follow_the_type_of_the_error(place: Place) -> None:
    policy = RetryPolicy(initial_interval=0.01, max_attempts=5, retry_on=actions.RefusedError)
    result = run(place, build(place, actions.retry, retries=policy), Job())
    assert result[Done] == [Done(n=3)]
    policy = RetryPolicy(initial_interval=0.01, max_attempts=5, retry_on=OSError)
    assert (
        error_of(run(place, build(place, actions.retry, retries=policy), Job())) == "RefusedError: attempt 1"
    )


@pytest.mark.parametrize("function", [actions.sleep, actions.sleep_later])
def test_a_timeout_ends_the_action(place: Place, function: Callable[..., Any]) -> None:
    if place.name == "inline" and function is actions.sleep:
        pytest.skip("a sync action on the loop cannot be ended from the loop")
    begun = time.monotonic()
    result = run(place, build(place, function, timeout=0.3), Job())
    assert error_of(result).startswith("TimeoutError: ")
    assert time.monotonic() - begun < 30


def test_a_cancelled_firing_ends(place: Place) -> None:
    async def scenario() -> None:
        async with Runtime(executors=place.makers) as runtime:
            agent = build(place, actions.sleep_later)
            session = await runtime.start(agent)
            await session.put(Job(n=1))
            await _running(session)
            await session.cancel(session.running[0].firing_id)
            await session.quiescent(60)
            assert [event.kind for event in session.history()].count("cancelled") == 1
            assert session.failures[0].kind == "cancelled"

    asyncio.run(scenario())


async def _running(session: Session) -> None:
    while not session.running:
        await asyncio.sleep(0.01)


def test_the_runtime_ends_under_running_actions(place: Place) -> None:
    async def scenario() -> None:
        async with Runtime(executors=place.makers) as runtime:
            session = await runtime.start(build(place, actions.sleep_later))
            await session.put(*[Job(n=n) for n in range(20)])
            await _running(session)

    begun = time.monotonic()
    asyncio.run(scenario())
    assert time.monotonic() - begun < 50


def test_many_at_once(place: Place) -> None:
    result = run(place, build(place, actions.twice), *[Job(n=n) for n in range(200)])
    assert sorted(one.n for one in result[Done]) == [2 * n for n in range(200)]


def test_a_hundred_megabytes(place: Place) -> None:
    text = "0123456789abcdef" * (100 * (1 << 20) // 16)
    result = run(place, build(place, actions.large), Job(text=text))
    assert result.failures == []
    (done,) = result[Done]
    assert done.n == len(text)
    assert done.text == text[::-1]


def test_an_action_talks_to_its_session(place: Place) -> None:
    async def scenario() -> None:
        async with Runtime(executors=place.makers) as runtime:
            session = await runtime.start(build(place, actions.chat), "s")
            await session.put(Job(n=4))
            await session.quiescent(60)
            assert await session.tokens(Done) == [Done(n=1, text="s s/1")], session.failures
            kinds = [event.kind for event in session.history()]
            assert [kinds.count(one) for one in ("said", "progressed", "remembered", "sent")] == [1, 1, 1, 1]
            assert session.get_file("out.bin") == b"\x00\xff"

    if place.name == "inline":
        pytest.skip("a sync action cannot wait on the loop's own thread")
    asyncio.run(scenario())


def test_an_async_action_asks_people(place: Place) -> None:
    if not is_async(place):
        pytest.skip("threads run no async actions")

    async def scenario() -> None:
        async with Runtime(executors=place.makers) as runtime:
            agent = build(place, actions.chat_later)
            agent.place("others", Other)
            session = await runtime.start(agent)
            await session.put(Job(n=4))
            replies = {"first?": 1, "second?": {"n": 2}, "sure?": True}
            while replies:
                await session.settled(60)
                assert session.waiting, session.failures
                for pending in session.waiting:
                    assert pending.request_id is not None
                    assert pending.question is not None
                    await session.answer(pending.request_id, replies.pop(pending.question), by="ann")
            await session.quiescent(60)
            assert await session.tokens(Done) == [Done(n=3, text="True")], session.failures

    asyncio.run(scenario())


def test_secrets_are_those_that_are_declared(place: Place) -> None:
    agent = build(place, actions.tell_secret, secrets=["key"])
    result = run(place, agent, Job(), secrets={"key": "hidden", "other": "also"})
    assert result[Done] == [Done(n=6)], result.failures
    assert "hidden" not in repr(result.events)
    with pytest.raises(NetError, match="needs the secret 'key'"):
        run(place, agent, Job())


def test_what_an_executor_cannot_obey_is_refused(place: Place) -> None:
    if place.name in ("inline", "thread", "process"):
        with pytest.raises(NetError, match="cannot obey network"):
            run(place, build(place, actions.twice, network=["example.org"]), Job())


REMOTE = [one for one in EXECUTORS if one not in ("inline", "thread")]


@pytest.mark.parametrize("place", REMOTE, indirect=True)
class TestInAnotherProcess:
    """What only an executor with processes of its own can promise."""

    @pytest.mark.parametrize(("n", "code"), [(0, 0), (7, 7)])
    def test_an_action_that_ends_its_process(self, place: Place, n: int, code: int) -> None:
        result = run(place, build(place, actions.die, actions.twice), Job(n=n))
        assert error_of(result).startswith("WorkerDiedError: "), result.failures
        assert f"exit code {code}" in error_of(result)

    def test_a_crash_is_an_error_that_follows_the_retry_policy(self, place: Place) -> None:
        policy = RetryPolicy(initial_interval=0.01, max_attempts=3, retry_on=WorkerDiedError)
        result = run(place, build(place, actions.crash, retries=policy), Job())
        assert "signal 11" in error_of(result)
        assert [event.kind for event in result.events].count("retried") == 2

    def test_sys_exit_is_an_error(self, place: Place) -> None:
        assert error_of(run(place, build(place, actions.leave), Job())) == "SystemExit: 3"

    @pytest.mark.parametrize("function", [actions.spin, actions.deaf])
    def test_a_timeout_ends_what_does_not_want_to_end(
        self, place: Place, function: Callable[..., Any]
    ) -> None:
        result = run(place, build(place, function, timeout=0.5), Job())
        assert error_of(result).startswith("TimeoutError: ")

    def test_memory_is_limited(self, place: Place) -> None:
        result = run(place, build(place, actions.hog, memory="300m"), Job())
        assert error_of(result).startswith(("MemoryError", "MemoryLimitError")), result.failures
        assert MemoryLimitError is not None

    def test_the_environment_is_the_declared_one(self, place: Place) -> None:
        result = run(place, build(place, actions.where, env={"PLACE": "zwölf = 12"}), Job())
        assert result[Done][0].text == "zwölf = 12"
        assert result[Done][0].n != os.getpid()

    def test_what_is_printed_disturbs_nothing(self, place: Place) -> None:
        assert run(place, build(place, actions.chatter), Job())[Done] == [Done(n=1)]

    def test_a_function_within_a_function_is_refused(self, place: Place) -> None:
        def local(job: Job) -> Done:
            return Done(n=1)

        assert "not at the top of a module" in error_of(run(place, build(place, local), Job()))

    def test_what_it_leaves_running_keeps_nothing_open(self, place: Place) -> None:
        begun = time.monotonic()
        result = run(place, build(place, actions.spawn), Job(n=60))
        assert result[Done] == [Done(n=1)]
        assert time.monotonic() - begun < 40
