"""Wall seconds of asyncio alone: `chain n`, `fan n` or `sleep n`."""

import asyncio
import sys
import time


async def noop(value: int) -> int:
    return value


async def chain(n: int) -> None:
    for i in range(n):
        await asyncio.create_task(noop(i))


async def fan(n: int) -> None:
    assert len(await asyncio.gather(*(asyncio.create_task(noop(i)) for i in range(n)))) == n


async def sleep(n: int) -> None:
    await asyncio.gather(*(asyncio.sleep(0.1) for _ in range(n)))


kind, size = sys.argv[1], int(sys.argv[2])
times = []
for _ in range(4):
    start = time.perf_counter()
    asyncio.run({"chain": chain, "fan": fan, "sleep": sleep}[kind](size))
    times.append(time.perf_counter() - start)
print(sorted(times[1:])[1])
