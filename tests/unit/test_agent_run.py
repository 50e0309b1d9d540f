"""What an agent does when it runs, one fact at a time.

Rows of the list of mistakes that this layer can show, and their tests here:
- one firing per transition per tick -> `test_all_inputs_are_dispatched_at_once`
- tokens gone on an error, a rejection, an ignored confirmation -> `test_the_tokens_of_a_failed_firing_*`,
  `test_a_rejected_firing_*`, `test_a_confirmation_nobody_gives_*`
- retries not implemented, timeouts not enforced, options ignored -> `test_a_failing_action_is_retried_*`,
  `test_*_timeout_*` and the refusals in test_agent_declaration.py
- values as strings -> test_runtime_codec.py and `test_values_arrive_as_the_objects_they_were`
- undeclared outputs dropped -> `test_an_output_of_another_type_*`
- async handlers never awaited -> every test
- two places of one type impossible; no guards, keys, read, inhibitor arcs, priorities -> the tests of each
- fan-in mixes requests -> test_agent_joins.py
- one slow call blocks every session, the session steps only while somebody watches, a popped event buffer
  -> test_runtime_session.py
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from petricore import (
    Agent,
    AtLeast,
    Context,
    Failure,
    From,
    GuardError,
    ManualClock,
    NetError,
    Read,
    RetryPolicy,
    TimeoutPolicy,
    To,
    TokenTypeError,
    Weight,
)
from petricore.runtime.events import Claimed, Completed, Failed, Progressed, Retried, Said


class Job(BaseModel):
    n: int


class Done(BaseModel):
    n: int


class Part(BaseModel):
    order_id: str
    n: int = 0


class Label(BaseModel):
    order_id: str


class Config(BaseModel):
    factor: int


def jobs(count: int) -> list[Job]:
    return [Job(n=n) for n in range(count)]


def auto() -> ManualClock:
    return ManualClock(autojump=True)


def numbers(tokens: list[Any]) -> list[int]:
    return [token.n for token in tokens]


# -- dispatch


def test_async_and_sync_actions_run_and_their_results_are_typed() -> None:
    agent = Agent("a")

    @agent.transition
    async def first(job: Job) -> Part:
        return Part(order_id=str(job.n), n=job.n)

    @agent.transition
    def second(part: Part) -> Done:
        assert threading.current_thread() is not threading.main_thread()
        return Done(n=part.n)

    result = agent.run(*jobs(3))
    assert sorted(numbers(result[Done])) == [0, 1, 2]
    assert result[Job] == []
    assert result.failures == []
    assert result.marking == {"Job": 0, "Part": 0, "Done": 3}


def test_all_inputs_are_dispatched_at_once() -> None:
    agent = Agent("a")
    running = most = 0

    @agent.transition
    async def work(job: Job) -> Done:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await clock.sleep(10)
        running -= 1
        return Done(n=job.n)

    clock = auto()
    result = agent.run(*jobs(1000), clock=clock)
    assert most == 1000
    assert clock.time() == 10
    assert len(result[Done]) == 1000


def test_a_sync_action_may_run_inline() -> None:
    agent = Agent("a")

    @agent.transition(executor="inline")
    def work(job: Job) -> Done:
        assert asyncio.get_running_loop() is not None
        return Done(n=job.n)

    assert numbers(agent.run(*jobs(2))[Done]) == [0, 1]


def test_values_arrive_as_the_objects_they_were() -> None:
    agent = Agent("a")
    seen = []

    @agent.transition
    async def work(job: Job) -> None:
        seen.append(job)

    job = Job(n=1)
    agent.run(job)
    assert seen[0] is job


def test_run_works_inside_a_running_loop() -> None:
    agent = Agent("a")

    @agent.transition
    async def work(job: Job) -> Done:
        return Done(n=job.n)

    async def inside() -> None:
        assert numbers(agent.run(Job(n=1))[Done]) == [1]
        assert numbers((await agent.arun(Job(n=2)))[Done]) == [2]

    asyncio.run(inside())


def test_tokens_are_taken_oldest_first() -> None:
    agent = Agent("a")
    order = []

    @agent.transition
    async def work(job: Job) -> None:
        order.append(job.n)

    agent.run(*jobs(50))
    assert order == list(range(50))


def test_the_higher_priority_is_served_first() -> None:
    agent = Agent("a")
    order = []

    @agent.transition
    async def low(part: Part) -> None:
        order.append("low")

    @agent.transition(priority=5)
    async def high(job: Job) -> None:
        order.append("high")

    agent.run(Part(order_id="x"), *jobs(2))
    assert order == ["high", "high", "low"]


def test_each_action_has_its_own_task_and_context_variables() -> None:
    from contextvars import ContextVar

    variable: ContextVar[int] = ContextVar("variable", default=-1)
    agent = Agent("a")
    seen = []

    @agent.transition
    async def work(job: Job) -> None:
        seen.append(variable.get())
        variable.set(job.n)
        async with asyncio.timeout(60):
            task = asyncio.current_task()
            await asyncio.sleep(0)
            assert asyncio.current_task() is task
        assert variable.get() == job.n

    agent.run(*jobs(5))
    assert seen == [-1] * 5


# -- arcs


def test_weight_takes_exactly_so_many() -> None:
    agent = Agent("a")
    sizes = []

    @agent.transition
    async def work(batch: Annotated[list[Job], Weight(3)]) -> None:
        sizes.append(numbers(batch))

    result = agent.run(*jobs(7))
    assert sizes == [[0, 1, 2], [3, 4, 5]]
    assert numbers(result[Job]) == [6]


def test_at_least_drains_the_place() -> None:
    agent = Agent("a")
    sizes = []

    @agent.transition
    async def work(batch: Annotated[list[Job], AtLeast(2)]) -> None:
        sizes.append(numbers(batch))

    assert numbers(agent.run(Job(n=9))[Job]) == [9]
    agent.run(*jobs(5))
    assert sizes == [[0, 1, 2, 3, 4]]


def test_read_looks_and_leaves() -> None:
    agent = Agent("a")

    @agent.transition
    async def work(job: Job, config: Annotated[Config, Read()]) -> Done:
        return Done(n=job.n * config.factor)

    result = agent.run(Config(factor=10), *jobs(3))
    assert numbers(result[Done]) == [0, 10, 20]
    assert result[Config] == [Config(factor=10)]


def test_two_parameters_of_one_type_get_two_tokens() -> None:
    agent = Agent("a")

    @agent.transition
    async def work(one: Job, other: Job) -> Done:
        return Done(n=10 * one.n + other.n)

    result = agent.run(*jobs(5))
    assert numbers(result[Done]) == [1, 23]
    assert numbers(result[Job]) == [4]


def test_two_places_of_one_type_are_apart() -> None:
    agent = Agent("a")
    agent.place("approved", Job)

    @agent.transition
    async def approve(job: Job) -> Annotated[Job, To("approved")]:
        return job

    @agent.transition
    async def use(job: Annotated[Job, From("approved")]) -> Done:
        return Done(n=job.n)

    result = agent.run(Job(n=1), put={"approved": [Job(n=2)]})
    assert sorted(numbers(result[Done])) == [1, 2]


def test_inhibit_waits_until_the_place_is_empty() -> None:
    agent = Agent("a")
    order = []

    @agent.transition
    async def work(job: Job) -> None:
        order.append("work")

    @agent.transition(inhibit=[Job])
    async def after(part: Part) -> None:
        order.append("after")

    agent.run(Part(order_id="x"), *jobs(3))
    assert order == ["work"] * 3 + ["after"]


def test_where_sees_only_the_tokens_that_hold_and_asks_once() -> None:
    agent = Agent("a")
    asked = []

    def small(job: Job) -> bool:
        asked.append(job.n)
        return job.n < 2

    @agent.transition(where={"job": small})
    async def work(job: Job) -> Done:
        return Done(n=job.n)

    result = agent.run(*jobs(4))
    assert numbers(result[Done]) == [0, 1]
    assert numbers(result[Job]) == [2, 3]
    assert asked == [0, 1, 2, 3]


def test_a_predicate_that_raises_fails_the_put_with_its_name() -> None:
    agent = Agent("a")

    @agent.transition(where={"job": lambda job: 1 // job.n > 0})
    async def work(job: Job) -> None: ...

    with pytest.raises(GuardError, match=r"'work', where\['job'\] raised ZeroDivisionError"):
        agent.run(Job(n=0))


def test_a_predicate_that_raises_fails_the_firing_and_keeps_its_tokens() -> None:
    agent = Agent("a")

    @agent.transition
    async def make(part: Part) -> Job:
        return Job(n=part.n)

    @agent.transition(where={"job": lambda job: 1 // job.n > 0})
    async def work(job: Job) -> None: ...

    result = agent.run(Part(order_id="x", n=0))
    (failure,) = result.failures
    assert failure.transition == "make"
    assert "where['job'] raised ZeroDivisionError" in failure.error
    assert failure.tokens == {"part": Part(order_id="x", n=0)}


def test_match_joins_by_the_field_and_never_by_position() -> None:
    agent = Agent("a")

    @agent.transition(match="order_id")
    async def join(part: Part, label: Label) -> Done:
        assert part.order_id == label.order_id
        return Done(n=part.n)

    parts = [Part(order_id=f"o{n}", n=n) for n in range(20)]
    labels = [Label(order_id=f"o{n}") for n in reversed(range(10, 30))]
    result = agent.run(*parts, *labels)
    assert sorted(numbers(result[Done])) == list(range(10, 20))
    assert {part.order_id for part in result[Part]} == {f"o{n}" for n in range(10)}
    assert {label.order_id for label in result[Label]} == {f"o{n}" for n in range(20, 30)}


def test_match_by_different_fields() -> None:
    agent = Agent("a")

    @agent.transition(match={"job": "n", "part": "n"})
    async def by_number(job: Job, part: Part) -> Done:
        assert job.n == part.n
        return Done(n=job.n)

    @agent.transition(match="order_id", priority=-1)
    async def by_order(part: Part, label: Label) -> Config:
        assert part.order_id == label.order_id
        return Config(factor=part.n)

    parts = [Part(order_id=f"o{n}", n=n) for n in range(6)]
    result = agent.run(Job(n=4), Job(n=2), Label(order_id="o3"), Label(order_id="o9"), *parts)
    assert sorted(numbers(result[Done])) == [2, 4]
    assert result[Config] == [Config(factor=3)]


# -- outputs


def test_a_tuple_puts_all_its_parts_and_a_union_one() -> None:
    agent = Agent("a")

    @agent.transition
    async def split(job: Job) -> tuple[Part, Label | None]:
        return Part(order_id="p", n=job.n), (Label(order_id="l") if job.n % 2 else None)

    result = agent.run(*jobs(4))
    assert len(result[Part]) == 4
    assert len(result[Label]) == 2


def test_generators_put_as_they_go() -> None:
    agent = Agent("a")
    seen: list[int] = []
    open_ = threading.Event()

    @agent.transition
    async def stream(job: Job) -> AsyncIterator[Part]:
        for n in range(3):
            yield Part(order_id="a", n=n)
            while len(seen) <= n:  # the next one comes only when this one was used
                await asyncio.sleep(0)

    @agent.transition
    def drip(config: Config) -> Iterator[Label]:
        yield Label(order_id="first")
        assert open_.wait(60)
        yield Label(order_id="second")

    @agent.transition
    async def use(part: Part) -> None:
        seen.append(part.n)

    @agent.transition(where={"label": lambda label: label.order_id == "first"})
    async def unlock(label: Label) -> None:
        open_.set()

    result = agent.run(Job(n=0), Config(factor=1))
    assert seen == [0, 1, 2]
    assert result[Label] == [Label(order_id="second")]
    assert not result.failures


def test_a_generator_that_fails_after_an_emission_is_not_retried() -> None:
    agent = Agent("a")

    @agent.transition(retries=3)
    async def stream(job: Job) -> AsyncIterator[Part]:
        yield Part(order_id="a")
        raise ValueError("broken")

    result = agent.run(Job(n=0), clock=auto())
    assert len(result[Part]) == 1
    (failure,) = result.failures
    assert failure.attempts == 1


@pytest.mark.parametrize("value", [Job(n=1), None, "text", [Done(n=1)], (Done(n=1),)])
def test_an_output_of_another_type_is_a_named_failure_and_never_dropped(value: Any) -> None:
    agent = Agent("a")

    @agent.transition
    async def work(job: Job) -> Done:
        return value  # type: ignore[no-any-return]

    result = agent.run(Job(n=7))
    (failure,) = result.failures
    assert "TokenTypeError: transition 'work' must put Done, not" in failure.error
    assert type(value).__name__ in failure.error
    assert failure.tokens == {"job": Job(n=7)}


def test_an_output_where_none_is_declared_is_a_failure() -> None:
    agent = Agent("a")

    @agent.transition
    async def work(job: Job) -> None:
        return Done(n=1)  # type: ignore[return-value]

    (failure,) = agent.run(Job(n=7)).failures
    assert "must put None, not Done" in failure.error


@pytest.mark.parametrize(
    ("place", "value", "taken"),
    [
        (int, True, False),
        (float, 1, False),
        (dict[str, int], {"a": 1}, True),
        (dict[str, int], {"a": "1"}, False),
        (str, "x", True),
    ],
)
def test_types_are_checked_without_conversion(place: Any, value: Any, taken: bool) -> None:
    agent = Agent("a")
    agent.place("in", place)
    if taken:
        assert agent.run(value).tokens("in") == [value]
    else:
        with pytest.raises(TokenTypeError):
            agent.run(value)


def test_putting_where_nothing_enters_is_a_named_error() -> None:
    agent = Agent("a")
    agent.place("hidden", Job, expose=False)
    agent.place("left", Part)
    agent.place("right", Part)
    with pytest.raises(TokenTypeError, match="'hidden' is not exposed"):
        agent.run(Job(n=1))
    with pytest.raises(NetError, match="'hidden' is not exposed"):
        agent.run(put={"hidden": [Job(n=1)]})
    with pytest.raises(NetError, match="'left', 'right': name the place"):
        agent.run(Part(order_id="x"))
    with pytest.raises(NetError, match="unknown place 'nowhere'"):
        agent.run(put={"nowhere": [1]})
    with pytest.raises(TokenTypeError, match="'left' takes Part, not Job"):
        agent.run(put={"left": [Job(n=1)]})
    with pytest.raises(TokenTypeError, match="cannot put str"):
        agent.run("text")


# -- failures


def failing(agent: Agent, times: int = 10**9, **options: Any) -> list[int]:
    attempts: list[int] = []

    @agent.transition(**options)
    async def work(job: Job, ctx: Context) -> Done:
        attempts.append(ctx.attempt)
        if len(attempts) <= times:
            raise ValueError(f"no {job.n}")
        return Done(n=job.n)

    return attempts


def test_the_tokens_of_a_failed_firing_stay_visible() -> None:
    agent = Agent("a")
    failing(agent)
    result = agent.run(Job(n=3))
    (failure,) = result.failures
    assert failure.kind == "error"
    assert failure.error == "ValueError: no 3"
    assert failure.tokens == {"job": Job(n=3)}
    assert isinstance(result.events[-2], Failed)


def test_the_tokens_of_a_failed_firing_go_back_with_release_and_are_not_taken_again() -> None:
    agent = Agent("a")
    attempts = failing(agent, on_error="release")

    @agent.transition(priority=-1, inhibit=[Part])
    async def rescue(job: Job) -> Config:
        return Config(factor=job.n)

    result = agent.run(Job(n=3), Part(order_id="blocks"))
    assert attempts == [1]
    assert result[Job] == [Job(n=3)]
    assert agent.run(Job(n=3))[Config] == [Config(factor=3)]


def test_the_tokens_of_a_failed_firing_go_to_the_error_place_typed() -> None:
    agent = Agent("a")
    failing(agent, on_error=To("errors"))

    @agent.transition
    async def repair(failure: Annotated[Failure, From("errors")]) -> Done:
        return Done(n=failure.tokens["job"].n + 100)

    assert numbers(agent.run(Job(n=3))[Done]) == [103]


def test_a_failing_action_is_retried_with_growing_intervals() -> None:
    agent = Agent("a")
    policy = RetryPolicy(initial_interval=1, backoff_factor=3, max_interval=5, max_attempts=5, jitter=False)
    attempts = failing(agent, times=4, retries=policy)
    clock = auto()
    result = agent.run(Job(n=1), clock=clock)
    assert attempts == [1, 2, 3, 4, 5]
    assert [event.delay for event in result.events if isinstance(event, Retried)] == [1, 3, 5, 5]
    assert clock.time() == 14
    assert numbers(result[Done]) == [1]


def test_a_failing_action_is_retried_so_often_and_no_more() -> None:
    agent = Agent("a")
    attempts = failing(agent, retries=2, backoff=0.5)
    (failure,) = agent.run(Job(n=1), clock=auto()).failures
    assert attempts == [1, 2, 3]
    assert failure.attempts == 3


def test_retry_on_says_what_is_retried() -> None:
    agent = Agent("a")
    attempts = failing(agent, retries=RetryPolicy(retry_on=KeyError))
    agent.run(Job(n=1), clock=auto())
    assert attempts == [1]


def test_the_firing_id_is_the_same_for_all_attempts() -> None:
    agent = Agent("a")
    ids = []

    @agent.transition(retries=2)
    async def work(job: Job, ctx: Context) -> None:
        ids.append(ctx.firing_id)
        raise ValueError

    agent.run(Job(n=1), clock=auto())
    assert len(ids) == 3
    assert len(set(ids)) == 1


def test_a_run_timeout_really_cancels_an_async_action() -> None:
    agent = Agent("a")
    clock = auto()
    cleaned = []

    @agent.transition(timeout=30)
    async def work(job: Job) -> Done:
        try:
            await clock.sleep(1000)
        finally:
            cleaned.append(clock.time())
        return Done(n=1)

    (failure,) = agent.run(Job(n=1), clock=clock).failures
    assert failure.kind == "timeout"
    assert "'work': timed out after 30 s" in failure.error
    assert cleaned == [30]


def test_a_timeout_of_a_sync_action_drops_its_result() -> None:
    agent = Agent("a")
    clock = ManualClock()
    release = threading.Event()
    seen = []

    @agent.transition(timeout=30)
    def work(job: Job, ctx: Context) -> Done:
        ctx.say("begun")
        assert release.wait(60)
        seen.append(ctx.cancelled)
        return Done(n=1)

    def on_event(event: Any) -> None:
        if isinstance(event, Said):
            asyncio.get_running_loop().call_soon(clock.advance, 31)
        if isinstance(event, Failed):
            release.set()

    result = agent.run(Job(n=1), clock=clock, on_event=on_event)
    assert result.failures[0].kind == "timeout"
    assert result[Done] == []
    while not seen:
        time.sleep(0)  # yields to the thread, which is on its last lines
    assert seen == [True]


def test_an_idle_timeout_is_put_off_by_signs_of_life() -> None:
    agent = Agent("a")
    clock = auto()

    @agent.transition(timeout=TimeoutPolicy(idle_timeout=10))
    async def work(job: Job, ctx: Context) -> Done:
        for step in range(5):
            await clock.sleep(8)
            ctx.progress(step / 5)
        await clock.sleep(11)
        return Done(n=1)

    result = agent.run(Job(n=1), clock=clock)
    assert "no sign of life for 10 s" in result.failures[0].error
    assert clock.time() == 50
    assert len([event for event in result.events if isinstance(event, Progressed)]) == 5


# -- pace


def test_concurrency_is_never_exceeded() -> None:
    agent = Agent("a")
    clock = auto()
    running, most = 0, 0

    @agent.transition(concurrency=3)
    async def work(job: Job) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await clock.sleep(1)
        running -= 1

    agent.run(*jobs(10), clock=clock)
    assert most == 3
    assert clock.time() == 4


@pytest.mark.parametrize("limit", ["4/s", (4, 1.0)])
def test_no_window_holds_more_firings_than_the_rate_limit(limit: Any) -> None:
    agent = Agent("a")
    clock = auto()
    at = []

    @agent.transition(rate_limit=limit)
    async def work(job: Job) -> None:
        at.append(clock.time())

    agent.run(*jobs(10), clock=clock)
    assert at == [0.0] * 4 + [1.0] * 4 + [2.0] * 2


def test_delay_holds_the_firing_back() -> None:
    agent = Agent("a")
    clock = auto()

    @agent.transition(delay=60)
    async def work(job: Job) -> None: ...

    agent.run(Job(n=1), clock=clock)
    assert clock.time() == 60


# -- people


def confirming(agent: Agent, **options: Any) -> None:
    @agent.transition(confirm=True, **options)
    async def publish(done: Done) -> Config:
        return Config(factor=done.n)


def test_a_confirmation_nobody_gives_leaves_the_firing_waiting_with_its_tokens() -> None:
    agent = Agent("a")
    confirming(agent)
    result = agent.run(Done(n=1), Done(n=2))
    assert [(one.transition, one.arguments) for one in result.waiting] == [
        ("publish", {"done": Done(n=1)}),
        ("publish", {"done": Done(n=2)}),
    ]
    assert result[Config] == []


def test_a_rejected_firing_gives_its_tokens_back_and_does_not_ask_again() -> None:
    agent = Agent("a")
    confirming(agent)
    result = agent.run(Done(n=1), Done(n=2), confirm=lambda one: one.arguments["done"].n == 2)
    assert result[Config] == [Config(factor=2)]
    assert result[Done] == [Done(n=1)]
    assert [failure.kind for failure in result.failures] == ["rejected"]
    assert result.waiting == []


def test_a_rejected_firing_goes_to_the_error_place_where_there_is_one() -> None:
    agent = Agent("a")
    confirming(agent, on_error="refused")
    result = agent.run(Done(n=1), confirm=False)
    (failure,) = result.tokens("refused")
    assert (failure.kind, failure.tokens) == ("rejected", {"done": Done(n=1)})


def test_confirmations_may_be_given_by_a_coroutine() -> None:
    agent = Agent("a")
    confirming(agent)

    async def decide(pending: Any) -> bool:
        await asyncio.sleep(0)
        return True

    assert agent.run(Done(n=1), confirm=decide)[Config] == [Config(factor=1)]
    assert agent.run(Done(n=1), confirm=True)[Config] == [Config(factor=1)]


def test_actions_ask_and_remember() -> None:
    agent = Agent("a")

    @agent.transition
    async def ask(job: Job, ctx: Context) -> Done:
        n = await ctx.ask("How many?", int)
        ctx.remember("n", n)
        return Done(n=n)

    @agent.transition
    def ask_in_a_thread(done: Done, ctx: Context) -> Config:
        assert ctx.confirm("Sure?").result() is True
        return Config(factor=ctx.recall("n") + ctx.recall("nothing", 100))

    result = agent.run(Job(n=1), answer=lambda one: "5" if one.question == "How many?" else True)
    assert result[Config] == [Config(factor=105)]


def test_a_question_nobody_answers_leaves_the_firing_waiting() -> None:
    agent = Agent("a")

    @agent.transition
    async def ask(job: Job, ctx: Context) -> None:
        await ctx.ask("Who?")

    result = agent.run(Job(n=1))
    (pending,) = result.waiting
    assert (pending.kind, pending.question, pending.arguments) == ("ask", "Who?", {"job": Job(n=1)})


def test_a_thread_that_waits_for_an_answer_is_let_go_when_the_run_ends() -> None:
    agent = Agent("a")
    ended = threading.Event()

    @agent.transition
    def ask(job: Job, ctx: Context) -> None:
        try:
            ctx.ask("Who?").result()
        finally:
            ended.set()

    assert [one.question for one in agent.run(Job(n=1)).waiting] == ["Who?"]
    assert ended.wait(60)


def test_a_run_that_takes_too_long_says_what_runs() -> None:
    agent = Agent("a")
    clock = auto()

    @agent.transition
    async def work(job: Job) -> None:
        await clock.sleep(1000)

    with pytest.raises(TimeoutError, match="after 5 s; under way: work"):
        agent.run(Job(n=1), timeout=5, clock=clock)


def test_a_listener_that_raises_ends_the_run_with_its_error() -> None:
    agent = Agent("a")

    @agent.transition
    async def work(job: Job) -> Done:
        return Done(n=job.n)

    def listen(event: Any) -> None:
        if isinstance(event, Completed):
            raise LookupError("deaf")

    with pytest.raises(LookupError, match="deaf"):
        agent.run(Job(n=1), on_event=listen)


# -- results


def test_a_result_knows_types_places_and_events() -> None:
    agent = Agent("a")
    agent.place("kept", Done)

    @agent.transition
    async def work(job: Job) -> tuple[Done, Annotated[Done, To("kept")]]:
        return Done(n=job.n), Done(n=-job.n)

    seen = []
    result = agent.run(*jobs(2), on_event=seen.append)
    assert numbers(result[Done]) == [0, 0, 1, -1]
    assert numbers(result.tokens("kept")) == [0, -1]
    assert [event.number for event in result.events] == list(range(1, len(result.events) + 1))
    assert seen == result.events
    assert sum(isinstance(event, Claimed) for event in seen) == 2
    assert sum(isinstance(event, Completed) for event in seen) == 2
    with pytest.raises(NetError, match="unknown place 'nowhere'"):
        result.tokens("nowhere")
    with pytest.raises(NetError, match="no place holds Label"):
        result[Label]


def test_an_exception_without_a_readable_message_is_a_failure_and_no_hang() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    agent = Agent("mute")

    @agent.transition
    async def work(job: Job) -> Done:
        raise MuteError

    (failure,) = agent.run(Job(n=1), timeout=10).failures
    assert failure.error == "MuteError: its message cannot be read"


@pytest.mark.parametrize("kind", ["started", "put", "claimed", "completed", "quiescent"])
def test_a_listener_that_raises_at_any_event_ends_the_run(kind: str) -> None:
    agent = Agent("heard")

    @agent.transition
    async def work(job: Job) -> Done:
        return Done(n=job.n)

    def listen(event: Any) -> None:
        if event.kind == kind:
            raise LookupError(kind)

    with pytest.raises(LookupError, match=kind):
        agent.run(Job(n=1), Job(n=2), timeout=10, on_event=listen)


def test_thousands_of_attempts_do_not_overflow_the_backoff() -> None:
    policy = RetryPolicy(initial_interval=0, max_interval=0, max_attempts=5000)
    assert policy.interval(4999, lambda: 0.5) == 0
    assert RetryPolicy(initial_interval=1, max_interval=60, jitter=False).interval(4999, lambda: 0.5) == 60


def test_who_is_asked_sees_what_the_transition_says_of_itself() -> None:
    agent = Agent("said")

    @agent.transition(confirm=True, description="Sends the money")
    def pay(job: Job) -> Done:
        return Done(n=job.n)

    @agent.transition(confirm=True)
    def thank(done: Done) -> None:
        """Writes a letter.

        On paper.
        """

    asked: list[str | None] = []

    def confirm(pending: Any) -> bool:
        asked.append(pending.description)
        return True

    agent.run(Job(n=1), confirm=confirm, timeout=10)
    assert asked == ["Sends the money", "Writes a letter."]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"confirm": 3}, "confirm is True, False, None or a callable, not 3"),
        ({"timeout": "x"}, "timeout is a number of seconds from 0 on, not 'x'"),
        ({"timeout": -1}, "not -1"),
        ({"put": {"Job": Job(n=1)}}, "place 'Job' gets a list of tokens, not Job"),
    ],
)
def test_bad_arguments_of_a_run_are_refused_at_once(arguments: dict[str, Any], message: str) -> None:
    agent = Agent("idle")

    @agent.transition
    def work(job: Job) -> None: ...

    with pytest.raises(NetError, match=message):
        agent.run(**arguments)


@pytest.mark.parametrize("stop", [SystemExit, KeyboardInterrupt])
def test_an_action_on_a_thread_that_wants_to_stop_the_program_ends_the_run(stop: type[BaseException]) -> None:
    agent = Agent("stop")

    @agent.transition
    def work(job: Job) -> None:
        raise stop

    with pytest.raises(stop):
        agent.run(Job(n=1), timeout=10)


def test_put_takes_any_iterable_of_tokens() -> None:
    agent = Agent("lazy")

    @agent.transition
    def work(job: Job) -> Done:
        return Done(n=job.n)

    assert len(agent.run(put={"Job": (Job(n=i) for i in range(3))}, timeout=10)[Done]) == 3
