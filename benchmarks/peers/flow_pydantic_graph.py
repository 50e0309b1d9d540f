"""Wall seconds of pydantic-graph: `chain n` by its nodes; `fan n` or `sleep n` by its graph builder."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic_graph import BaseNode, End, Graph, GraphRunContext
from pydantic_graph.graph_builder import GraphBuilder
from pydantic_graph.join import reduce_list_append
from pydantic_graph.step import StepContext


@dataclass
class Step(BaseNode[None, None, int]):
    left: int

    async def run(self, ctx: GraphRunContext) -> Step | End[int]:  # noqa: ARG002 - the signature is theirs
        return Step(self.left - 1) if self.left > 1 else End(0)


def chain() -> Callable[[int], Awaitable[object]]:
    graph = Graph(nodes=[Step])
    return lambda n: graph.run(Step(n))


def fan(seconds: float) -> Callable[[int], Awaitable[object]]:
    builder = GraphBuilder(input_type=int, output_type=list[int])

    @builder.step
    async def split(ctx: StepContext[None, None, int]) -> list[int]:
        return list(range(ctx.inputs))

    @builder.step
    async def work(ctx: StepContext[None, None, int]) -> int:
        if seconds:
            await asyncio.sleep(seconds)
        return ctx.inputs

    join = builder.join(reduce_list_append, initial_factory=list[int])
    builder.add(
        builder.edge_from(builder.start_node).to(split),
        builder.edge_from(split).map().to(work),
        builder.edge_from(work).to(join),
        builder.edge_from(join).to(builder.end_node),
    )
    graph = builder.build()

    async def run(n: int) -> None:
        assert len(await graph.run(inputs=n)) == n

    return run


kind, size = sys.argv[1], int(sys.argv[2])
run = chain() if kind == "chain" else fan(0.1 if kind == "sleep" else 0)
times = []
for _ in range(4):
    start = time.perf_counter()
    asyncio.run(run(size))
    times.append(time.perf_counter() - start)
print(sorted(times[1:])[1])
