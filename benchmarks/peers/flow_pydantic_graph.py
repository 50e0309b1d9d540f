"""Wall seconds of pydantic-graph: `chain n`."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass

from pydantic_graph import BaseNode, End, Graph, GraphRunContext


@dataclass
class Step(BaseNode[None, None, int]):
    left: int

    async def run(self, ctx: GraphRunContext) -> Step | End[int]:  # noqa: ARG002 - the signature is theirs
        return Step(self.left - 1) if self.left > 1 else End(0)


assert sys.argv[1] == "chain"
size = int(sys.argv[2])
graph = Graph(nodes=[Step])
times = []
for _ in range(4):
    start = time.perf_counter()
    asyncio.run(graph.run(Step(size)))
    times.append(time.perf_counter() - start)
print(sorted(times[1:])[1])
