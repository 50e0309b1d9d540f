"""Wall seconds of Burr: `chain n`, `fan n` or `sleep n`."""

import asyncio
import sys
import time
from typing import Any

from burr.core import Application, ApplicationBuilder, GraphBuilder, State, action, default, expr
from burr.core.parallelism import MapStates, RunnableGraph


@action(reads=["left"], writes=["left"])
async def step(state: State) -> State:
    return state.update(left=state["left"] - 1)


@action(reads=["left"], writes=["left"])
async def stop(state: State) -> State:
    return state


@action(reads=["item"], writes=["done"])
async def work(state: State) -> State:
    if kind == "sleep":
        await asyncio.sleep(0.1)
    return state.update(done=state["item"])


class Fan(MapStates):
    """Its own fan-out: one child per item, and the join in `reduce`."""

    @property
    def reads(self) -> list[str]:
        return ["left"]

    @property
    def writes(self) -> list[str]:
        return ["total"]

    def is_async(self) -> bool:
        return True

    def action(self, state: State, inputs: dict[str, Any]) -> RunnableGraph:  # noqa: ARG002 - the signature is theirs
        return child

    async def states(self, state: State, context: Any, inputs: dict[str, Any]) -> Any:  # noqa: ARG002
        for item in range(state["left"]):
            yield state.update(item=item)

    async def reduce(self, state: State, states: Any) -> State:
        total = 0
        async for _ in states:
            total += 1
        return state.update(total=total)


def application(n: int) -> Application[Any]:
    builder = ApplicationBuilder().with_state(left=n).with_entrypoint("go")
    if kind == "chain":
        builder = builder.with_actions(go=step, stop=stop).with_transitions(
            ("go", "go", expr("left > 0")), ("go", "stop", default)
        )
    else:
        builder = builder.with_actions(go=Fan(), stop=stop).with_transitions(("go", "stop", default))
    return builder.build()


async def run(n: int) -> None:
    _, _, state = await application(n).arun(halt_after=["stop"])
    assert state["left"] == 0 if kind == "chain" else state["total"] == n


kind, size = sys.argv[1], int(sys.argv[2])
child = RunnableGraph(GraphBuilder().with_actions(work=work).build(), "work", ["work"])
times = []
for _ in range(4):
    start = time.perf_counter()
    asyncio.run(run(size))
    times.append(time.perf_counter() - start)
print(sorted(times[1:])[1])
