"""Firings on processes and in containers, beside a pool of the standard library and the engine's own commands."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from petricore.runtimes.process import ProcessExecutor

from benchmarks.contained import Done, Job, add, twice
from benchmarks.method import OURS, Figure, compare
from petricore import Agent, Runtime


def figures(quick: bool) -> Iterator[Figure]:
    """Firings per second, and seconds."""
    rounds, firings = (1, 50) if quick else (3, 2000)
    processes = os.cpu_count() or 1
    values = compare(
        {
            OURS: partial(_per_second, "process", partial(ProcessExecutor, processes), firings, {}),
            "concurrent.futures": partial(_pool, processes, firings),
        },
        rounds,
    )
    yield Figure("executors", f"{firings} firings on {processes} processes", "firings/s", values)
    image = _image()
    if image is not None:
        yield from _contained(image, quick)


def _contained(image: str, quick: bool) -> Iterator[Figure]:
    from petricore.runtimes.docker import DockerExecutor

    rounds, firings = (1, 20) if quick else (3, 1000)
    options = {"image": image, "reuse": "agent"}
    for slots in (1, 4):
        maker = partial(DockerExecutor, slots=slots, spares=0, pull=False)
        values = compare({OURS: partial(_per_second, "docker", maker, firings, options)}, rounds)
        yield Figure(
            "executors", f"{firings} sandboxed firings, {slots} warm container(s)", "firings/s", values
        )
    maker = partial(DockerExecutor, slots=1, spares=0, pull=False)
    warm = {
        OURS: partial(_one_after_another, maker, 5 if quick else 200, options),
        "docker exec": partial(_exec, image, 2 if quick else 20),
    }
    yield Figure("executors", "a warm sandboxed firing", "s", compare(warm, rounds), less=True)
    cold = {
        OURS: partial(_one_after_another, maker, 1 if quick else 5, {"image": image, "reuse": "never"}),
        "docker run": partial(_run, image, 1 if quick else 5),
    }
    yield Figure("executors", "a firing in a new container", "s", compare(cold, rounds), less=True)
    count = 2 if quick else 100
    maker = partial(DockerExecutor, slots=count, spares=0, pull=False)
    yield Figure(
        "executors",
        f"{count} containers at once, from none",
        "s",
        {OURS: _at_once(maker, count, image)},
        less=True,
    )


def _agent(executor: str, options: dict[str, Any]) -> Agent:
    agent = Agent("contained")
    agent.transition(executor=executor, **options)(twice)
    return agent


def _per_second(executor: str, maker: Callable[[], Any], firings: int, options: dict[str, Any]) -> float:
    """With workers that are there already."""

    async def measure() -> float:
        async with Runtime(executors={executor: maker}) as runtime:
            session = await runtime.start(_agent(executor, options))
            await session.put(*[Job(n) for n in range(20)])
            await session.quiescent()
            begun = time.perf_counter()
            await session.put(*[Job(n) for n in range(firings)])
            await session.quiescent()
            elapsed = time.perf_counter() - begun
            assert len(session.peek(Done)) == firings + 20, session.failures[:1]
            return firings / elapsed

    return asyncio.run(measure())


def _pool(processes: int, tasks: int) -> float:
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(add, range(20)))
        begun = time.perf_counter()
        for future in [pool.submit(add, n) for n in range(tasks)]:
            future.result()
        return tasks / (time.perf_counter() - begun)


def _one_after_another(maker: Callable[[], Any], firings: int, options: dict[str, Any]) -> float:
    async def measure() -> float:
        async with Runtime(executors={"docker": maker}) as runtime:
            session = await runtime.start(_agent("docker", options))
            await session.put(Job(0))
            await session.quiescent()
            begun = time.perf_counter()
            for n in range(firings):
                await session.put(Job(n))
                await session.quiescent()
            return (time.perf_counter() - begun) / firings

    return asyncio.run(measure())


def _at_once(maker: Callable[[], Any], count: int, image: str) -> float:
    async def measure() -> float:
        async with Runtime(executors={"docker": maker}) as runtime:
            agent = _agent("docker", {"image": image})
            sessions = [await runtime.start(agent) for _ in range(count)]
            begun = time.perf_counter()
            for session in sessions:
                await session.put(Job(1))
            for session in sessions:
                await session.quiescent()
            return time.perf_counter() - begun

    return asyncio.run(measure())


def _exec(image: str, times: int) -> float:
    command = [
        "docker",
        "run",
        "--detach",
        "--rm",
        "--network=none",
        image,
        "python3",
        "-c",
        "import time; time.sleep(600)",
    ]
    container = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    try:
        return _seconds(["docker", "exec", container, "python3", "-c", "pass"], times)
    finally:
        subprocess.run(["docker", "rm", "--force", container], check=True, capture_output=True)


def _run(image: str, times: int) -> float:
    return _seconds(["docker", "run", "--rm", "--network=none", image, "python3", "-c", "pass"], times)


def _seconds(command: list[str], times: int) -> float:
    begun = time.perf_counter()
    for _ in range(times):
        subprocess.run(command, check=True, capture_output=True)
    return (time.perf_counter() - begun) / times


def _image() -> str | None:
    """The image of the tests, where there is an engine."""
    try:
        import docker

        from tests.services.docker import make_image

        client = docker.from_env()
        client.ping()
    except Exception as error:
        print(f"no Docker engine, so nothing of containers is measured: {error}")
        return None
    try:
        return make_image(client)
    finally:
        client.close()
