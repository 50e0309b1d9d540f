"""Wall seconds of LangGraph in memory, without a checkpointer: `chain n`, `fan n` or `sleep n`."""

import asyncio
import operator
import sys
import time
from typing import Annotated, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send


class State(TypedDict, total=False):
    left: int
    items: Annotated[list[int], operator.add]
    total: int


async def step(state: State) -> State:
    return {"left": state["left"] - 1}


async def work(state: State) -> State:
    if kind == "sleep":
        await asyncio.sleep(0.1)
    return {"items": [state["left"]]}


async def join(state: State) -> State:
    return {"total": len(state["items"])}


kind, size = sys.argv[1], int(sys.argv[2])
builder = StateGraph(State)
if kind == "chain":
    builder.add_node("step", step)
    builder.add_edge(START, "step")
    builder.add_conditional_edges("step", lambda state: "step" if state["left"] > 0 else END)
else:
    builder.add_node("work", work)
    builder.add_node("join", join)
    builder.add_conditional_edges(
        START, lambda state: [Send("work", {"left": i}) for i in range(state["left"])]
    )
    builder.add_edge("work", "join")
graph = builder.compile()
times = []
for _ in range(4):
    start = time.perf_counter()
    asyncio.run(graph.ainvoke({"left": size, "items": []}, {"recursion_limit": size + 10}))
    times.append(time.perf_counter() - start)
print(sorted(times[1:])[1])
