"""Actions that mean harm are contained and reported, and neither the host nor another session notices."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from petricore.runtimes.docker import DockerExecutor

from petricore import Agent, Failure, Runtime
from tests.services.docker import containers_of

from . import actions, hostile
from .actions import Done, Job

SANDBOXES = ["docker"]
LIMIT = 1 << 22


class Sandbox:
    """Runs an action in a sandbox, and after it a harmless one in the same session and in another."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.name: str = request.param
        self.options: dict[str, Any] = {
            "executor": self.name,
            "image": request.getfixturevalue("docker_image"),
        }
        self.makers = {
            "docker": partial(
                DockerExecutor, slots=3, spares=0, pull=False, body_limit=LIMIT, output_limit=1 << 20
            )
        }

    def agent(self, *functions: Callable[..., Any], **options: Any) -> Agent:
        agent = Agent("hostile")
        for function in functions:
            agent.transition(**{**self.options, **options})(function)
        return agent

    def attempt(self, function: Callable[..., Any], job: Job | None = None, **options: Any) -> Done | Failure:
        """What comes of one firing. A harmless firing beside it and one after it succeed."""

        async def scenario() -> Done | Failure:
            async with Runtime(executors=self.makers, secrets={"key": "sEcReT-value"}) as runtime:
                agent = self.agent(function, **{"timeout": 8.0, "memory": "128m", **options})
                harmless = self.agent(actions.twice)
                session = await runtime.start(agent)
                beside = await runtime.start(harmless)
                await session.put(job or Job())
                await beside.put(Job(n=1))
                await beside.quiescent(60)
                await session.settled(60)
                await beside.put(Job(n=2))
                await beside.quiescent(60)
                assert await beside.tokens(Done) == [Done(n=2), Done(n=4)], beside.failures
                (outcome,) = [*session.failures, *await session.tokens(Done)]
                return outcome  # type: ignore[no-any-return]

        return asyncio.run(scenario())


@pytest.fixture(params=SANDBOXES)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Where hostile actions run."""
    return Sandbox(request)


def error(outcome: Done | Failure) -> str:
    assert isinstance(outcome, Failure), outcome
    return outcome.error


def test_a_fork_bomb(sandbox: Sandbox) -> None:
    before = len(os.listdir("/proc"))
    assert error(sandbox.attempt(hostile.bomb)).startswith(
        ("BlockingIOError", "TimeoutError", "WorkerDiedError", "WorkerProtocolError")
    )
    assert len(os.listdir("/proc")) < before + 100


def test_a_memory_hog(sandbox: Sandbox) -> None:
    assert error(sandbox.attempt(actions.hog)).startswith("MemoryLimitError: the action was killed")


def test_a_disk_filler(sandbox: Sandbox) -> None:
    assert error(sandbox.attempt(hostile.fill_disk)).startswith(("OSError", "MemoryLimitError"))


def test_nothing_outside_of_its_own_can_be_written(sandbox: Sandbox) -> None:
    assert sandbox.attempt(hostile.write_anywhere) == Done(n=0)


def test_ten_gigabytes_of_output(sandbox: Sandbox) -> None:
    assert error(sandbox.attempt(hostile.flood)).startswith("OutputLimitError: the action printed more than")


@pytest.mark.parametrize("function", [actions.spin, actions.deaf])
def test_what_does_not_end(sandbox: Sandbox, function: Callable[..., Any]) -> None:
    assert error(sandbox.attempt(function, timeout=0.5)).startswith("TimeoutError")


def test_no_way_out_to_the_network(sandbox: Sandbox) -> None:
    with listening() as (port, reached):
        addresses = [f"{host}:{port}" for host in ("127.0.0.1", *_own_addresses())]
        for address in addresses:  # the listener can be reached, from here
            socket.create_connection(("127.0.0.1", int(address.split(":")[1])), 2).close()
        while (told := len(reached)) < len(addresses):
            time.sleep(0.01)
        assert sandbox.attempt(hostile.exfiltrate, Job(text=" ".join(addresses))) == Done(n=0)
        assert len(reached) == told


@contextmanager
def listening() -> Iterator[tuple[int, list[object]]]:
    """A listener on every address of this machine, and who came."""
    reached: list[object] = []
    with socket.create_server(("0.0.0.0", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, address = server.accept()
                except OSError:
                    return
                reached.append(address)
                connection.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1], reached
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def _own_addresses() -> list[str]:
    """The address of the bridge that containers are on by default."""
    return ["172.17.0.1"]


def test_the_hosts_files_and_other_sessions_are_out_of_sight(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "host").write_text("tExT-of-somebody-else")

    async def scenario() -> None:
        async with Runtime(executors=sandbox.makers) as runtime:
            agent = sandbox.agent(hostile.leave)
            other = sandbox.agent(hostile.snoop)
            first, second = await runtime.start(agent), await runtime.start(other)
            await first.put(Job(text="tExT-of-somebody-else"))
            await first.quiescent(60)
            await second.put(Job(text="tExT-of-somebody-" + "else"))
            await second.quiescent(60)
            assert await second.tokens(Done) == [Done(n=0)], second.failures

    asyncio.run(scenario())


def test_the_secrets_of_one_transition_are_out_of_sight_of_another(sandbox: Sandbox) -> None:
    async def scenario() -> None:
        async with Runtime(executors=sandbox.makers, secrets={"key": "sEcReT-value"}) as runtime:
            agent = sandbox.agent(hostile.use_secret, secrets=["key"])
            agent.place("in", Job)
            session = await runtime.start(agent)
            await session.put(Job())
            await session.quiescent(60)
            assert await session.tokens(Done) == [Done(n=12)], session.failures
            spies = sandbox.agent(hostile.snoop)
            spy = await runtime.start(spies)
            await spy.put(Job(text="sEcReT-" + "value"))
            await spy.quiescent(60)
            assert await spy.tokens(Done) == [Done(n=0)], spy.failures
            assert "sEcReT" not in repr([session.history(), spy.failures])

    asyncio.run(scenario())


def test_secrets_are_in_no_description_of_the_container(sandbox: Sandbox) -> None:
    import docker

    async def scenario() -> None:
        async with Runtime(executors=sandbox.makers, secrets={"key": "sEcReT-value"}) as runtime:
            session = await runtime.start(sandbox.agent(hostile.use_secret, secrets=["key"]))
            await session.put(Job())
            await session.quiescent(60)
            client = docker.from_env()
            described = [client.api.inspect_container(one.id) for one in containers_of(client, os.getpid())]
            client.close()
            assert described
            assert "sEcReT" not in repr(described)

    if sandbox.name == "docker":
        asyncio.run(scenario())


def test_what_a_sandbox_forbids(sandbox: Sandbox) -> None:
    assert sandbox.attempt(hostile.probe) == Done(n=65534, text="")


def test_killing_its_own_worker(sandbox: Sandbox) -> None:
    outcome = sandbox.attempt(hostile.kill_worker)
    assert isinstance(outcome, Failure) or outcome == Done(n=1)


@pytest.mark.parametrize("function", [hostile.garble, hostile.announce, hostile.forge])
def test_what_is_no_frame_of_its_own(sandbox: Sandbox, function: Callable[..., Any]) -> None:
    assert error(sandbox.attempt(function)).startswith(("WorkerDiedError", "WorkerProtocolError"))


def test_pickles_are_not_unpickled(sandbox: Sandbox) -> None:
    mark = Path("/tmp/petricore-was-here")
    mark.unlink(missing_ok=True)
    assert error(sandbox.attempt(hostile.pickle)).startswith("TypeError: a Trap cannot be sent")
    assert not mark.exists()


def test_deep_values(sandbox: Sandbox) -> None:
    assert error(sandbox.attempt(hostile.deepen)).startswith("RecursionError")


def test_names_of_files_lead_nowhere(sandbox: Sandbox) -> None:
    assert sandbox.attempt(hostile.link) == Done(n=1)


def test_a_result_larger_than_allowed(sandbox: Sandbox) -> None:
    assert error(sandbox.attempt(hostile.grow, Job(n=2 * LIMIT))).startswith("WorkerProtocolError")


def test_questions_without_end(sandbox: Sandbox) -> None:
    assert error(sandbox.attempt(hostile.ask_without_end)).startswith("WorkerProtocolError")


def test_a_stack_that_overflows(sandbox: Sandbox) -> None:
    assert error(sandbox.attempt(hostile.overflow_stack)).startswith(
        ("WorkerDiedError", "MemoryLimitError", "RecursionError", "TimeoutError")
    )
