"""Random agents, run on a manual clock and simulated: the same claims in the same order at the same times."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, create_model

from petricore import Agent, Gather, ManualClock
from petricore.runtime.events import Claimed, Ended

KINDS = ("step", "fan", "fork", "match", "stream", "either", "fails")
LONG = (0.0, 0.25, 0.5, 1.0, 1.5)


class Seed(BaseModel):
    n: int


class Plan:
    """An agent that is built stage by stage, and what a simulation is told of it."""

    def __init__(self, clock: ManualClock, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.clock = clock
        self.draw = draw
        self.agent = Agent("random")
        self.durations: dict[str, float] = {}
        self.emits: dict[str, int] = {}
        self.outcomes: dict[str, dict[Any, float]] = {}
        self.failure_rate: dict[str, float] = {}

    def type(self, name: str) -> type[BaseModel]:
        return create_model(name, n=(int, 0))

    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"priority": self.draw(st.integers(0, 2))}
        options["concurrency"] = self.draw(st.sampled_from([None, None, 1, 2]))
        options["rate_limit"] = self.draw(st.sampled_from([None, None, None, (2, 1.0), (1, 0.5)]))
        options["delay"] = self.draw(st.sampled_from([0.0, 0.0, 0.5]))
        return options

    def add(self, name: str, put: Callable[..., Any], returns: Any, **more: Any) -> None:
        """A transition that sleeps, then returns `put` of its arguments; `more` maps parameters to types."""
        options = {key: more.pop(key) for key in ("match", "retries", "on_error") if key in more}
        seconds = self.durations[name] = self.draw(st.sampled_from(LONG))
        clock = self.clock

        async def action(**arguments: Any) -> Any:
            if seconds:
                await clock.sleep(seconds)
            return put(**arguments)

        self.declare(name, action, returns, {**self.options(), **options}, more)

    def stream(self, name: str, count: int, of: type[BaseModel], **more: Any) -> None:
        seconds = self.durations[name] = self.draw(st.sampled_from((0.0, 1.0, 2.0)))
        clock = self.clock

        async def action(one: Any) -> AsyncIterator[Any]:
            for i in range(count):
                if seconds:
                    await clock.sleep(seconds / count)
                yield of(n=10 * one.n + i)

        self.emits[name] = count
        self.declare(name, action, AsyncIterator[of], self.options(), more)  # type: ignore[valid-type]

    def declare(
        self, name: str, action: Any, returns: Any, options: dict[str, Any], types: dict[str, Any]
    ) -> None:
        parameters = ", ".join(types)
        scope: dict[str, Any] = {"action": action}
        call = ", ".join(f"{one}={one}" for one in types)
        body = (
            f"async for x in action({call}): yield x" if "stream" in name else f"return await action({call})"
        )
        exec(f"async def {name}({parameters}):\n    {body}", scope)
        scope[name].__annotations__ = {**types, "return": returns}
        self.agent.transition(**options)(scope[name])

    def stage(self, number: int, kind: str, come: type[BaseModel]) -> type[BaseModel]:
        """Add a stage from tokens of one type to tokens of the next."""
        goes = self.type(f"S{number}")
        name = f"{kind}{number}"
        left, right = self.type(f"L{number}"), self.type(f"R{number}")
        count = self.draw(st.sampled_from((1, 2, 4)))
        match kind:
            case "step":
                self.add(name, lambda one: goes(n=one.n), goes, one=come)
            case "fan":
                self.add(
                    name, lambda one: [left(n=10 * one.n + i) for i in range(count)], list[left], one=come
                )  # type: ignore[valid-type]
                self.emits[name] = count
                self.add(f"work{number}", lambda one: right(n=one.n), right, one=left)
                self.add(
                    f"join{number}",
                    lambda all_: goes(n=all_[0].n // 10),
                    goes,
                    all_=Annotated[list[right], Gather()],
                )  # type: ignore[valid-type]
            case "stream":
                self.stream(name, count, left, one=come)
                self.add(
                    f"join{number}",
                    lambda all_: goes(n=all_[0].n // 10),
                    goes,
                    all_=Annotated[list[left], Gather()],
                )  # type: ignore[valid-type]
            case "fork" | "match":
                self.add(name, lambda one: (left(n=one.n), right(n=one.n)), tuple[left, right], one=come)  # type: ignore[valid-type]
                slow = self.type(f"Q{number}")
                self.add(f"work{number}", lambda one: slow(n=one.n), slow, one=left)
                more = {"match": "n"} if kind == "match" else {}
                self.add(
                    f"join{number}", lambda one, other: goes(n=one.n), goes, one=slow, other=right, **more
                )
            case "either":
                self.add(name, lambda one: goes(n=one.n), left | goes, one=come)
                self.outcomes[name] = {goes: 1.0}
            case "fails":
                place = f"broken{number}"

                def fail(one: Any) -> Any:
                    raise ValueError(one.n)

                self.add(name, fail, goes, one=come, on_error=place)
                self.failure_rate[name] = 1.0
                from petricore import Failure, From

                self.add(
                    f"mend{number}",
                    lambda failure: goes(n=failure.tokens["one"].n),
                    goes,
                    failure=Annotated[Failure, From(place)],
                )  # type: ignore[valid-type]
        return goes


@pytest.mark.filterwarnings("ignore:coroutine")
@settings(max_examples=60)
@given(st.data())
def test_a_random_agent_is_simulated_as_it_runs(data: st.DataObject) -> None:
    clock = ManualClock(autojump=True)
    plan = Plan(clock, data.draw)
    kinds = data.draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
    come: type[BaseModel] = Seed
    for number, kind in enumerate(kinds):
        come = plan.stage(number, kind, come)
    tokens = data.draw(st.integers(1, 3))
    ran = plan.agent.run(*(Seed(n=i) for i in range(tokens)), clock=clock)
    result = plan.agent.simulate(
        {Seed: tokens}, sessions=1, durations=plan.durations, emits=plan.emits, outcomes=plan.outcomes,
        failure_rate=plan.failure_rate, seed=0,
    )  # fmt: skip
    rows = result.to_pandas("firings")
    claims = [(one.time, one.transition) for one in ran.events if isinstance(one, Claimed)]
    ends = sorted((one.time, one.transition) for one in ran.events if isinstance(one, Ended))
    assert list(zip(rows.claimed, rows.transition, strict=True)) == claims
    assert sorted(zip(rows.ended, rows.transition, strict=True)) == ends
    assert dict(result.left[0]) == {place: count for place, count in ran.marking.items() if count}
    assert sum(result.critical_path.values()) == pytest.approx(float(result.makespan[0]))
    assert (rows.ready <= rows.claimed).all()
