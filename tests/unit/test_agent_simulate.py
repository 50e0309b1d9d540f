"""`agent.simulate`: what it counts, what it assumes, and what it refuses."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from pydantic import BaseModel

import petricore
from petricore import (
    Agent,
    AgentSimulation,
    Confirmation,
    Cost,
    Failure,
    From,
    Gather,
    NetError,
    RateLimit,
    Read,
    RetryPolicy,
    To,
)
from petricore.distributions import Exponential, Uniform


class Mail(BaseModel):
    n: int


class Spam(BaseModel):
    n: int


class Ham(BaseModel):
    n: int


class Task(BaseModel):
    n: int


class Done(BaseModel):
    n: int


class Order(BaseModel):
    id: int


class Price(BaseModel):
    id: int


class Stock(BaseModel):
    id: int


class Offer(BaseModel):
    id: int


def never(*_: Any, **__: Any) -> Any:
    raise AssertionError("an action or a predicate was called")


def one_step(**options: Any) -> Agent:
    agent = Agent("one step")

    @agent.transition(**options)
    async def work(task: Task) -> Done:
        return never()

    return agent


def classifier() -> Agent:
    agent = Agent("mail")

    @agent.transition
    async def fetch(task: Task) -> list[Mail]:
        return never()

    @agent.transition
    async def classify(mail: Mail) -> Spam | Ham | None:
        return never()

    @agent.transition
    async def answer(ham: Ham) -> Done:
        return never()

    return agent


# -- closed forms


@pytest.mark.parametrize(("tasks", "servers"), [(1, 1), (7, 3), (12, 4), (5, 8)])
def test_tasks_of_equal_length_on_servers_take_whole_rounds(tasks: int, servers: int) -> None:
    agent = one_step()
    result = agent.simulate(
        {Task: tasks}, sessions=1, durations=2.5, resources={"gpu": servers}, needs={"work": "gpu"}, seed=0
    )
    rounds = math.ceil(tasks / servers)
    assert result.makespan.tolist() == [rounds * 2.5]
    assert result.waiting.tolist() == [sum(2.5 * (i // servers) for i in range(tasks))]
    assert result.resources["gpu"].utilisation == pytest.approx(tasks / (rounds * servers))


def test_sessions_share_what_is_there() -> None:
    result = one_step(concurrency=2).simulate({Task: 1}, sessions=7, durations=1.0, seed=0)
    assert result.makespan.tolist() == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0]
    use = result.resources["concurrency of work"]
    assert (use.capacity, use.firings, use.queue.most) == (2, 7, 5)
    assert use.queue.at([0.0, 0.5, 1.0, 2.5, 3.0, 4.0]).tolist() == [5, 5, 3, 1, 0, 0]
    assert use.held.at([0.0, 3.5, 4.0]).tolist() == [2, 1, 0]
    assert use.queue.mean == (5 + 3 + 1) / 4


def test_a_rate_limit_lets_so_many_begin_in_any_window() -> None:
    result = one_step().simulate(
        {Task: 25}, sessions=1, durations=0.25, resources={"llm": RateLimit(10, per=2.0)},
        needs={"work": {"llm": 1}}, seed=0,
    )  # fmt: skip
    began = result.to_pandas("firings").claimed.tolist()
    assert began == [0.0] * 10 + [2.0] * 10 + [4.0] * 5
    assert result.makespan.tolist() == [4.25]


def test_a_declared_limit_can_be_tried_at_another_size() -> None:
    agent = one_step(concurrency=1)
    assert agent.simulate({Task: 6}, sessions=1, durations=1.0, seed=0).makespan[0] == 6.0
    wider = agent.simulate({Task: 6}, sessions=1, durations=1.0, resources={"concurrency of work": 3}, seed=0)
    assert wider.makespan[0] == 2.0
    limited = one_step(rate_limit="1/s")
    faster = limited.simulate(
        {Task: 4}, sessions=1, resources={"rate of work": RateLimit(2, per=1.0)}, seed=0
    )
    assert faster.makespan[0] == 1.0


def test_who_needs_several_units_is_not_overtaken() -> None:
    agent = Agent("big and small")

    @agent.transition
    async def small(task: Task) -> None: ...

    @agent.transition
    async def big(mail: Mail) -> None: ...

    result = agent.simulate(
        {Task: 4, Mail: 1}, sessions=1, durations=1.0, resources={"gpu": 4},
        needs={"small": {"gpu": 1}, "big": {"gpu": 4}}, seed=0,
    )  # fmt: skip
    assert result.waiting_of("big").tolist() == [1.0]
    assert result.waiting_for("gpu").tolist() == [1.0 + 3 * 2.0]
    assert result.makespan.tolist() == [3.0]


def test_costs_are_counts_times_prices() -> None:
    result = classifier().simulate(
        {Task: 1}, sessions=50, emits={"fetch": 4}, outcomes={"classify": {Spam: 0.5, Ham: 0.5}},
        durations={"fetch": 3.0}, costs={"classify": 0.25, "fetch": Cost(per_firing=1.0, per_second=0.5)}, seed=3,
    )  # fmt: skip
    assert result.cost.tolist() == [1.0 + 1.5 + 4 * 0.25] * 50
    assert result.transitions["classify"].cost == 200 * 0.25
    assert result.to_dict()["total_cost"] == 50 * 3.5


def test_attempts_and_held_resources_have_their_price() -> None:
    policy = RetryPolicy(initial_interval=1.0, backoff_factor=1.0, max_attempts=3, jitter=False)
    result = one_step(retries=policy).simulate(
        {Task: 1}, sessions=2, durations=2.0, failure_rate=1.0, resources={"gpu": 4}, needs={"work": {"gpu": 2}},
        costs={"work": Cost(per_firing=10.0, per_attempt=1.0, per_second=0.5), "gpu": Cost(per_second=0.25)}, seed=0,
    )  # fmt: skip
    held = 3 * 2.0 + 2 * 1.0
    assert result.makespan.tolist() == [held] * 2
    assert result.cost.tolist() == [10.0 + 3 * 1.0 + 0.5 * 6.0 + 0.25 * 2 * held] * 2
    assert (result.transitions["work"].attempts, result.transitions["work"].failures) == (6, 2)


# -- seeds


def test_the_same_seed_gives_the_same_result() -> None:
    def simulate(seed: int) -> AgentSimulation:
        return classifier().simulate(
            {Task: 2}, sessions=40, durations=Exponential(1.0), emits=Uniform(0, 6), arrivals=2.0, seed=seed,
            resources={"llm": 2}, needs={"classify": "llm"},
        )  # fmt: skip

    first, second, other = simulate(11), simulate(11), simulate(12)
    assert first.to_json() == second.to_json()
    assert first.to_pandas("firings").equals(second.to_pandas("firings"))
    assert first.to_json() != other.to_json()


def test_a_seed_that_was_made_up_gives_the_result_again() -> None:
    agent = one_step()
    first = agent.simulate({Task: 1}, sessions=5, durations=Exponential(1.0))
    again = agent.simulate({Task: 1}, sessions=5, durations=Exponential(1.0), seed=first.seed)
    assert first.makespan.tolist() == again.makespan.tolist()


def test_a_session_draws_the_same_whatever_runs_beside_it() -> None:
    def simulate(sessions: int, servers: int) -> Any:
        result = classifier().simulate(
            {Task: 1}, sessions=sessions, durations=Exponential(1.0), emits={"fetch": {0: 0.3, 5: 0.7}}, seed=5,
            resources={"llm": servers}, needs={"classify": "llm"},
        )  # fmt: skip
        rows = result.to_pandas("firings")
        return rows[rows.session < 10].groupby("session").busy.sum().round(9).tolist()

    assert simulate(10, 1) == simulate(60, 1)
    assert simulate(10, 1) == simulate(10, 7)


# -- choices


def test_what_is_not_said_is_assumed_and_listed() -> None:
    result = classifier().simulate({Task: 1}, sessions=300, seed=1)
    assert result.assumptions == (
        "no duration is given for fetch, classify, answer: they take no time",
        "fetch emits lists of 1 Mail",
        "classify returns Spam or Ham or None, each with probability 0.333",
    )
    assert str(result).endswith("- classify returns Spam or Ham or None, each with probability 0.333")
    counts = [result.transitions["answer"].firings, sum("Spam" in left for left in result.left)]
    assert all(abs(count - 100) <= 5 * math.sqrt(300 * (1 / 3) * (2 / 3)) for count in counts)


def test_sessions_without_inputs_are_told() -> None:
    result = one_step().simulate({}, sessions=3, durations=1.0, seed=1)
    assert result.assumptions == ("no inputs are given: nothing happens",)


def test_alternatives_that_are_not_named_share_what_is_left() -> None:
    result = classifier().simulate({Task: 1}, sessions=2000, outcomes={"classify": {"Spam": 0.8}}, seed=2)
    spam = sum("Spam" in left for left in result.left)
    assert abs(spam - 1600) <= 5 * math.sqrt(2000 * 0.8 * 0.2)
    assert "classify returns Ham or None, each with probability 0.1" in result.assumptions
    certain = classifier().simulate({Task: 1}, sessions=20, outcomes={"classify": {None: 1.0}}, seed=2)
    assert set(map(len, certain.left)) == {0}


def test_alternatives_are_told_apart_by_place() -> None:
    agent = Agent("places")
    agent.place("good", Mail)
    agent.place("bad", Mail)

    @agent.transition
    async def sort(task: Task) -> Annotated[Mail, To("good")] | Annotated[Mail, To("bad")]: ...

    result = agent.simulate({Task: 5}, sessions=1, outcomes={"sort": {"good": 1.0, "bad": 0.0}}, seed=0)
    assert dict(result.left[0]) == {"good": 5}


def test_a_where_is_drawn_and_never_asked() -> None:
    agent = Agent("guards")

    @agent.transition(where={"mail": never})
    async def praise(mail: Mail) -> Ham: ...

    @agent.transition(where={"mail": never})
    async def apologise(mail: Mail) -> Spam: ...

    half = agent.simulate({Mail: 1}, sessions=1000, seed=4)
    assert (
        half.assumptions[-1] == "where: a token of Mail is for praise or apologise, each with probability 0.5"
    )
    count = half.transitions["praise"].firings
    assert count + half.transitions["apologise"].firings == 1000
    assert abs(count - 500) <= 5 * math.sqrt(250)
    told = agent.simulate({Mail: 1}, sessions=100, outcomes={Mail: {"praise": 0.0, "apologise": 0.0}}, seed=4)
    assert told.ends == {"stuck": 100}
    assert told.stuck == {"Mail": 100}


def test_a_gather_waits_for_the_slowest_of_its_group() -> None:
    agent = Agent("gather")

    @agent.transition
    async def split(task: Task) -> list[Mail]: ...

    @agent.transition
    async def read(mail: Mail) -> Ham: ...

    @agent.transition
    async def join(hams: Annotated[list[Ham], Gather()]) -> Done: ...

    result = agent.simulate(
        {Task: 1},
        sessions=200,
        emits={"split": {0: 0.2, 3: 0.8}},
        durations={"read": Exponential(1.0)},
        seed=6,
    )
    rows = result.to_pandas("firings")
    slowest = rows[rows.transition == "read"].groupby("session").ended.max()
    joined = rows[rows.transition == "join"].set_index("session").claimed
    assert len(joined) == 200
    assert (joined[slowest.index] == slowest).all()
    assert (joined.drop(slowest.index) == 0).all()


def test_a_match_joins_what_comes_from_the_same_element() -> None:
    agent = Agent("match")
    agent.place("asked", Price)
    agent.place("known", Stock)

    @agent.transition
    async def split(task: Task) -> list[Order]: ...

    @agent.transition
    async def fork(order: Order) -> tuple[Price, Stock]: ...

    @agent.transition
    async def ask(price: Price) -> Annotated[Price, To("asked")]: ...

    @agent.transition
    async def look(stock: Stock) -> Annotated[Stock, To("known")]: ...

    @agent.transition(match="id")
    async def offer(
        price: Annotated[Price, From("asked")], stock: Annotated[Stock, From("known")]
    ) -> Offer: ...

    result = agent.simulate(
        {Task: 2}, sessions=20, emits=5, durations={"ask": Exponential(1.0), "look": Exponential(1.0)}, seed=7
    )
    assert result.ends == {"finished": 20}
    rows = result.to_pandas("firings")
    for _, mine in rows.groupby("session"):
        asked, known = (mine[mine.transition == name].ended.to_numpy() for name in ("ask", "look"))
        assert mine[mine.transition == "offer"].claimed.tolist() == sorted(np.maximum(asked, known).tolist())
    meaning = "tokens join that descend from the same input, through the same elements of lists"
    assert f"match of offer: {meaning}" in result.assumptions


def test_a_match_of_inputs_joins_the_first_with_the_first() -> None:
    agent = Agent("match")

    @agent.transition
    async def ask(order: Order) -> Price: ...

    @agent.transition(match="id")
    async def offer(price: Price, stock: Stock) -> Offer: ...

    @agent.transition
    async def split(task: Task) -> list[Mail]: ...

    result = agent.simulate({Order: 3, Stock: 3, Task: 1}, sessions=5, durations=Exponential(1.0), seed=7)
    assert [dict(left) for left in result.left] == [{"Offer": 3, "Mail": 1}] * 5


def test_a_match_with_what_is_read_always_finds_its_partner() -> None:
    agent = Agent("match")

    @agent.transition(match="id")
    async def offer(price: Price, stock: Annotated[Stock, Read()]) -> Offer: ...

    result = agent.simulate({Price: 4, Stock: 2}, sessions=2, seed=7)
    assert [dict(left) for left in result.left] == [{"Stock": 2, "Offer": 4}] * 2


def test_tokens_left_where_a_transition_takes_from_are_stuck() -> None:
    agent = Agent("pairs")

    @agent.transition
    async def pair(order: Order, price: Price) -> Done: ...

    result = agent.simulate({Order: 2, Price: 3}, sessions=3, durations=1.0, seed=0)
    assert result.end == ("stuck",) * 3
    assert [dict(left) for left in result.left] == [{"Price": 1, "Done": 2}] * 3
    assert result.stuck == {"Price": 3, "Done": 6}
    assert "tokens left in the stuck ones: 3 in Price, 6 in Done" in result.summary()


def test_tokens_that_are_only_read_are_not_stuck() -> None:
    agent = Agent("config")

    @agent.transition
    async def work(task: Task, order: Annotated[Order, Read()]) -> Done: ...

    assert agent.simulate({Task: 2, Order: 1}, sessions=1, seed=0).end == ("finished",)


# -- failures and people


def test_failures_happen_as_often_as_said() -> None:
    result = one_step(retries=1, on_error="broken").simulate(
        {Task: 1}, sessions=3000, failure_rate={"work": 0.3}, durations=1.0, seed=8
    )
    broken = sum("broken" in left for left in result.left)
    assert abs(broken - 3000 * 0.09) <= 5 * math.sqrt(3000 * 0.09 * 0.91)
    assert result.failures.sum() == broken
    attempts = result.transitions["work"].attempts
    assert abs(attempts - 3000 * 1.3) <= 5 * math.sqrt(3000 * 0.3 * 0.7)


def test_a_timeout_ends_an_attempt() -> None:
    result = one_step(timeout=2.0).simulate({Task: 1}, sessions=10, durations=5.0, seed=0)
    assert result.makespan.tolist() == [2.0] * 10
    assert set(result.to_pandas("firings").outcome) == {"timeout"}


def test_a_rejection_gives_the_tokens_back() -> None:
    result = one_step(confirm=True).simulate(
        {Task: 1},
        sessions=1000,
        confirmations={"work": Confirmation(Exponential(0.1), rejection=0.25)},
        seed=9,
    )
    rejected = result.ends["stuck"]
    assert abs(rejected - 250) <= 5 * math.sqrt(1000 * 0.25 * 0.75)
    assert result.stuck == {"Task": rejected}
    assert result.people.tolist() == pytest.approx(result.makespan.tolist())
    assert result.bottleneck is not None
    assert (result.bottleneck.kind, result.bottleneck.name) == ("person", "work")


def test_what_was_given_back_can_go_another_way() -> None:
    agent = Agent("fallback")

    @agent.transition(on_error="release", priority=1)
    async def first(task: Task) -> Done: ...

    @agent.transition(concurrency=1)
    async def second(task: Task) -> Done: ...

    result = agent.simulate({Task: 2}, sessions=1, durations=1.0, failure_rate={"first": 1.0}, seed=0)
    assert result.end == ("finished",)
    assert result.makespan.tolist() == [3.0]
    assert sum(result.critical_path.values()) == 3.0


def test_a_failure_goes_to_its_place() -> None:
    agent = Agent("errors")

    @agent.transition(on_error="broken")
    async def work(task: Task) -> Done: ...

    @agent.transition
    async def mourn(failure: Annotated[Failure, From("broken")]) -> Ham: ...

    result = agent.simulate(
        {Task: 3}, sessions=1, failure_rate={"work": 1.0}, durations={"mourn": 1.0}, seed=0
    )
    assert dict(result.left[0]) == {"Ham": 3}


# -- generators and threads


def test_a_generator_puts_its_elements_as_it_goes() -> None:
    agent = Agent("stream")

    @agent.transition
    def stream(task: Task) -> Iterator[Mail]:
        yield never()

    @agent.transition
    async def read(mail: Mail) -> Ham: ...

    result = agent.simulate({Task: 1}, sessions=1, emits={"stream": 4}, durations={"stream": 2.0}, seed=0)
    rows = result.to_pandas("firings")
    assert rows[rows.transition == "read"].claimed.tolist() == [0.5, 1.0, 1.5, 2.0]


def test_sync_actions_wait_for_a_thread() -> None:
    agent = Agent("threads")

    @agent.transition
    def work(task: Task) -> Done:
        return never()

    free = agent.simulate({Task: 6}, sessions=1, durations=1.0, seed=0)
    assert free.makespan.tolist() == [1.0]
    assert "sync actions find a thread at once (threads=0)" in free.assumptions
    two = agent.simulate({Task: 6}, sessions=1, durations=1.0, threads=2, seed=0)
    assert two.makespan.tolist() == [3.0]
    assert two.waiting_for("threads").tolist() == [2 * 1.0 + 2 * 2.0]
    assert two.resources["threads"].utilisation == 1.0
    assert two.critical_path == {("resource", "threads"): 2.0, ("action", "work"): 1.0}


def test_an_action_that_timed_out_keeps_its_thread() -> None:
    agent = Agent("threads")

    @agent.transition(timeout=1.0)
    def work(task: Task) -> Done:
        return never()

    result = agent.simulate({Task: 2}, sessions=1, durations=5.0, threads=1, seed=0)
    assert result.to_pandas("firings").ended.tolist() == [1.0, 6.0]


# -- limits and arrivals


def test_a_session_that_goes_on_for_ever_is_cut() -> None:
    agent = Agent("loop")

    @agent.transition
    async def again(task: Task) -> Task: ...

    result = agent.simulate({Task: 1}, sessions=2, limit=50, seed=0)
    assert result.end == ("limit", "limit")
    assert result.firings.tolist() == [50, 50]


def test_the_time_that_is_up_cuts_what_runs_and_what_waits() -> None:
    result = one_step(concurrency=1).simulate(
        {Task: 1}, sessions=4, arrivals=[0.0, 1.0, 2.0, 50.0], durations=4.0, until=6.0, seed=0
    )
    assert result.end == ("finished", "limit", "limit")
    assert result.absent == 1
    assert result.makespan.tolist() == [4.0, 5.0, 4.0]
    use = result.resources["concurrency of work"]
    assert use.queue.at([0.5, 1.5, 3.0, 5.0]).tolist() == [0, 1, 2, 1]
    assert result.waiting.tolist() == result.waiting_for("concurrency of work").tolist() == [0.0, 3.0, 4.0]
    assert use.utilisation == 1.0
    assert result.critical_path == pytest.approx(
        {("resource", "concurrency of work"): 7 / 3, ("action", "work"): 6 / 3}
    )


def test_sessions_begin_when_they_arrive() -> None:
    agent = one_step()
    given = agent.simulate({Task: 1}, arrivals=np.array([3.0, 1.0]), durations=1.0, seed=0)
    assert given.arrived.tolist() == [3.0, 1.0]
    assert given.ended.tolist() == [4.0, 2.0]
    poisson = agent.simulate({Task: 1}, sessions=4000, arrivals=5.0, seed=1)
    gaps = np.diff(poisson.arrived)
    assert abs(gaps.mean() - 0.2) <= 5 * 0.2 / math.sqrt(4000)
    even = agent.simulate({Task: 1}, sessions=3, arrivals=Uniform(2.0, 2.0), seed=1)
    assert even.arrived.tolist() == [2.0, 4.0, 6.0]


def test_inputs_can_be_drawn() -> None:
    result = one_step().simulate({Task: {1: 0.5, 3: 0.5}}, sessions=500, seed=2)
    assert set(result.firings.tolist()) == {1, 3}
    assert one_step().simulate({"Task": 0}, sessions=2, seed=0).makespan.tolist() == [0.0, 0.0]


# -- the report


def test_the_critical_path_adds_up_to_the_makespan() -> None:
    result = classifier().simulate(
        {Task: 2}, sessions=100, durations=Exponential(1.0), emits=4, arrivals=1.0, seed=3,
        resources={"llm": RateLimit(3), "gpu": 2}, needs={"classify": "llm", "answer": {"gpu": 1, "llm": 1}},
    )  # fmt: skip
    assert sum(result.critical_path.values()) == pytest.approx(result.makespan.mean())
    neck = result.bottleneck
    assert neck is not None
    assert (neck.kind, neck.name) == ("resource", "llm")
    assert str(neck).startswith("waiting for llm: ")


def test_the_report_is_text_json_frames_and_a_figure() -> None:
    result = classifier().simulate(
        {Task: 1}, sessions=30, durations=1.0, resources={"llm": 2}, needs={"classify": "llm"}, seed=3
    )
    assert json.loads(result.to_json(indent=1)) == json.loads(json.dumps(result.to_dict()))
    assert result.summary().startswith("30 sessions of 'mail': 30 finished (seed 3)\n")
    assert repr(result).startswith("<AgentSimulation of 'mail': 30 sessions, 30 finished, mean makespan ")
    assert len(result.to_pandas()) == len(result) == 30
    assert list(result.to_pandas("transitions").index) == ["fetch", "classify", "answer"]
    assert list(result.to_pandas("resources").index) == ["llm"]
    assert result.percentiles("makespan", (0, 100)).tolist() == [result.makespan.min(), result.makespan.max()]
    figure = result.plot()
    assert [axis.get_xlabel() for axis in figure.axes] == [
        "makespan [s]",
        "cost of a session",
        "time [s]",
        "time [s]",
    ]


def test_an_empty_simulation_is_plotted_too() -> None:
    assert one_step().simulate({Task: 1}, sessions=3, seed=0).plot().axes
    none = one_step().simulate({Task: 1}, arrivals=[9.0], until=1.0, seed=0)
    assert (len(none), none.bottleneck) == (0, None)
    assert none.plot().axes
    assert none.to_dict()["makespan"] == {}
    assert "1 more had not arrived" in none.summary()


def test_progress_is_told_at_the_end_at_the_latest() -> None:
    told: list[int] = []
    one_step().simulate({Task: 1}, sessions=9, seed=0, progress=told.append)
    assert told[-1] == 9


# -- refusals


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"durations": {"wrok": 1.0}}, "durations: there is no transition 'wrok'; there are 'fetch'"),
        ({"durations": {"fetch": -1.0}}, "durations: transition 'fetch' is a number from 0 on, not -1.0"),
        ({"durations": {"fetch": "long"}}, "is a number or a distribution of petricore, not 'long'"),
        ({"outcomes": {"classify": {"Junk": 0.5}}}, "does not choose 'Junk'; its alternatives are Spam, Ham"),
        ({"outcomes": {"classify": {"Spam": 0.8, "Ham": 0.4}}}, "the probabilities add up to 1.2, not to 1"),
        ({"outcomes": {"classify": {"Spam": 0.5, "Ham": 0.4, "None": 0.0}}}, "the probabilities add up to 0.9"),
        ({"outcomes": {"answer": {"Done": 1.0}}}, "'answer' does not choose 'Done'; it returns no union"),
        ({"outcomes": {"nobody": {}}}, "outcomes: 'nobody' is neither a transition nor a place"),
        ({"outcomes": {Mail: {"classify": 0.5}}}, "place 'Mail': 'classify' takes from it by no where"),
        ({"emits": {"answer": 3}}, "emits: transition 'answer' returns no list"),
        ({"emits": {"fetch": 1.5}}, "emits: transition 'fetch' is a whole number from 0 on, not 1.5"),
        ({"emits": {"fetch": {"Ham": 3}}}, "emits: transition 'fetch' emits no 'Ham'; it emits Mail"),
        ({"emits": {"fetch": {1: 0.5, 2: 0.2}}}, "the probabilities add up to 0.7, not to 1"),
        ({"failure_rate": {"fetch": 1.5}}, "failure_rate: transition 'fetch': a probability is a number from 0 to 1"),
        ({"confirmations": {"fetch": 1.0}}, "confirmations: transition 'fetch' asks nobody"),
        ({"resources": {"gpu": 4}}, "resources: no transition needs 'gpu'"),
        ({"resources": {"gpu": 0}, "needs": {"fetch": "gpu"}}, "is an integer of at least 1 or a RateLimit, not 0"),
        ({"needs": {"fetch": "gpu"}}, "needs: transition 'fetch' needs 'gpu', which is no resource given"),
        ({"resources": {"gpu": 1}, "needs": {"fetch": {"gpu": 2}}}, "needs 2 of 'gpu', of which there are only 1"),
        ({"resources": {"gpu": 1}, "needs": {"nobody": "gpu"}}, "needs: there is no transition 'nobody'"),
        ({"resources": {"fetch": 1}}, "resources: 'fetch' is a transition"),
        ({"costs": {"gpu": 1.0}}, "costs: there is no transition or resource 'gpu'"),
        ({"arrivals": 0.0}, "arrivals: a rate is a number of sessions per second above 0, not 0.0"),
        ({"arrivals": [1.0, 2.0], "sessions": 3}, "arrivals lists 2 times for 3 sessions"),
        ({"sessions": 0}, "sessions is an integer of at least 1, not 0"),
        ({"until": 0}, "until is a number of seconds above 0, not 0"),
        ({"seed": -1}, "seed is an integer from 0"),
        ({"threads": -1}, "threads is a number of threads"),
        ({"limit": 0}, "limit is a number of firings"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(told: dict[str, Any], message: str) -> None:
    with pytest.raises(NetError) as caught:
        classifier().simulate({Task: 1}, **told)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"Nothing": 1}, "inputs: there is no place 'Nothing'; the places are 'Task'"),
        ({Task: -1}, "inputs: place 'Task' is a whole number from 0 on, not -1"),
        ({Task: 1, "Task": 2}, "inputs: place 'Task' stands there twice"),
        ([Task], "inputs says how many tokens of each type a session gets"),
    ],
)
def test_inputs_that_cannot_be_are_refused(inputs: Any, message: str) -> None:
    with pytest.raises(NetError) as caught:
        classifier().simulate(inputs)
    assert message in str(caught.value)


def test_numbers_of_numpy_are_numbers() -> None:
    told: dict[str, Any] = {
        "sessions": np.int32(2), "durations": np.float32(1.5), "seed": np.uint64(3), "until": np.float64(9),
        "arrivals": np.array([0, 1]), "resources": {"gpu": np.int16(2)}, "needs": {"work": {"gpu": np.int8(1)}},
    }  # fmt: skip
    result = one_step(concurrency=1).simulate({Task: np.int64(2)}, **told)
    assert result.makespan.tolist() == [3.0, 5.0]


def test_rate_limits_are_read_from_text() -> None:
    assert RateLimit.parse("10/s") == RateLimit(10, per=1.0)
    assert RateLimit.parse("100 / min") == RateLimit(100, per=60.0)
    assert RateLimit.parse("3/2.5s") == RateLimit(3, per=2.5)
    with pytest.raises(NetError, match="a rate limit is like '10/s'"):
        RateLimit.parse("ten a day")
    with pytest.raises(NetError, match="firings is an integer of at least 1, not 0"):
        RateLimit(0)


def test_a_session_that_is_cut_lets_go_of_its_threads() -> None:
    agent = Agent("threads")

    @agent.transition
    def work(task: Task) -> Task:
        return never()

    result = agent.simulate({Task: 3}, sessions=2, durations=1.0, threads=2, limit=4, seed=0)
    assert result.end == ("limit", "limit")
    rows = result.to_pandas("firings")
    assert rows.groupby("session").attempts.sum().tolist() == [1, 2]
    assert (rows.busy + rows.queued <= rows.ended - rows.claimed).all()


def test_a_person_who_has_not_decided_when_the_time_is_up_has_taken_so_long() -> None:
    result = one_step(confirm=True).simulate(
        {Task: 1}, sessions=2, confirmations=10.0, arrivals=[0.0, 1.0], until=4.0, seed=0
    )
    assert result.people.tolist() == [4.0, 3.0]
    assert result.critical_path == {("person", "work"): 3.5}


def test_the_example_of_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")
    section = text.partition("## Simulating an agent\n")[2].partition("\n## ")[0]
    code = section.partition("```python\n")[2].partition("```")[0]
    agent = Agent("reviews")

    @agent.transition
    async def scrape(task: Task) -> list[Mail]: ...

    @agent.transition
    async def classify(mail: Mail) -> Spam | Ham: ...

    @agent.transition
    async def summarise(hams: Annotated[list[Ham], Gather()]) -> Offer: ...

    @agent.transition(confirm=True)
    async def publish(offer: Offer) -> Done: ...

    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {"agent": agent, "pc": petricore, "Url": Task, "Spam": Spam, "Ham": Ham}
    exec(code, scope)
    assert (tmp_path / "report.png").is_file()
    assert scope["result"].assumptions == ()


@pytest.mark.parametrize(("length", "closes"), [(3, 1.0), (0, 0.0)])
def test_a_gather_waits_for_its_resource_from_when_its_group_is_closed(length: int, closes: float) -> None:
    agent = Agent("gather")

    @agent.transition
    async def split(task: Task) -> list[Mail]: ...

    @agent.transition
    async def read(mail: Mail) -> Ham: ...

    @agent.transition
    async def join(hams: Annotated[list[Ham], Gather()]) -> Done: ...

    result = agent.simulate(
        {Task: 1}, sessions=3, emits=length, durations={"read": 1.0, "join": 2.0}, resources={"gpu": 1},
        needs={"join": "gpu"}, seed=0,
    )  # fmt: skip
    assert result.waiting_for("gpu").tolist() == [0.0, 2.0, 4.0]
    assert result.makespan.tolist() == [closes + 2.0, closes + 4.0, closes + 6.0]


def test_an_inhibited_transition_waits_for_its_resource_from_when_it_is_not() -> None:
    agent = Agent("inhibited")

    @agent.transition(priority=2)
    async def slow(task: Task) -> None: ...

    @agent.transition(priority=1)
    async def eat(ham: Ham) -> None: ...

    @agent.transition(priority=1)
    async def train(mail: Mail) -> None: ...

    @agent.transition(inhibit=[Ham])
    async def work(order: Order) -> Done: ...

    result = agent.simulate(
        {Task: 1, Ham: 1, Mail: 1, Order: 1}, sessions=1, seed=0,
        durations={"slow": 3.0, "eat": 1.0, "train": 5.0, "work": 1.0},
        resources={"fork": 1, "gpu": 1}, needs={"slow": "fork", "eat": "fork", "train": "gpu", "work": "gpu"},
    )  # fmt: skip
    rows = result.to_pandas("firings").set_index("transition")
    assert (rows.ready["work"], rows.claimed["work"]) == (3.0, 5.0)
    assert rows.waited_for["work"] == "gpu"
    assert result.waiting_of("work").tolist() == [2.0]
