"""What only containers bring: an engine that goes away, hosts that die, images, and a pool."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import docker
import pytest
from petricore.runtimes.docker import DockerExecutor, Image

from petricore import Agent, NetError, Result, RetryPolicy, Runtime
from petricore.cli import main
from tests.recovery.processes import fork
from tests.services.docker import OwnEngine, containers_of, find_engine, make_image

from . import actions
from .actions import Done, Job

DOCKER_SDK = "ignore:unclosed <socket:ResourceWarning"
"""It leaves the socket open over which it could not connect."""


@pytest.fixture
def own_engine() -> Iterator[tuple[OwnEngine, docker.DockerClient]]:
    """An engine that a test may end."""
    find_engine().close()
    folder = Path(tempfile.mkdtemp(prefix="petricore-docker-"))
    engine = OwnEngine(folder)
    client = engine.start()
    yield engine, client
    client.close()
    engine.stop()
    shutil.rmtree(folder, ignore_errors=True)


def agent_of(function: Any, **options: Any) -> Agent:
    agent = Agent("contained")
    agent.transition(executor="docker", **options)(function)
    return agent


def run(agent: Agent, *tokens: Any, **options: Any) -> Result:
    from petricore.runtime.run import _result

    async def scenario() -> Result:
        async with Runtime(executors={"docker": partial(DockerExecutor, pull=False, **options)}) as runtime:
            session = await runtime.start(agent)
            await session.put(*tokens)
            await session.quiescent(60)
            return _result(session)

    return asyncio.run(scenario())


@pytest.mark.filterwarnings(DOCKER_SDK)
def test_500_firings_and_the_engine_restarted_in_the_midst(own_engine: tuple[OwnEngine, Any]) -> None:
    engine, client = own_engine
    policy = RetryPolicy(initial_interval=0.5, max_interval=2.0, max_attempts=30)
    agent = agent_of(actions.nap, image=make_image(client), retries=policy)

    async def scenario() -> None:
        maker = partial(DockerExecutor, slots=4, pull=False, url=engine.url)
        async with Runtime(executors={"docker": maker}) as runtime:
            session = await runtime.start(agent)
            await session.put(*[Job(n=n) for n in range(500)])
            while len(session.peek(Done)) < 100:
                await asyncio.sleep(0.05)
            await asyncio.to_thread(engine.stop)
            (await asyncio.to_thread(engine.start)).close()
            await session.quiescent(120)
            assert sorted(one.n for one in await session.tokens(Done)) == list(range(500))
            kinds = [event.kind for event in session.history()]
            assert "retried" in kinds, "the engine was not missed"

    asyncio.run(scenario())
    gc.collect()
    assert containers_of(client, os.getpid()) == []


def test_what_a_killed_host_left_behind_is_removed(docker_image: str) -> None:
    client = find_engine()
    agent = agent_of(actions.sleep, image=docker_image)

    def host() -> None:
        async def scenario() -> None:
            async with Runtime(executors={"docker": partial(DockerExecutor, pull=False)}) as runtime:
                session = await runtime.start(agent)
                await session.put(Job())
                await session.quiescent()

        asyncio.run(scenario())

    pid = fork(host)
    while not containers_of(client, pid):
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert containers_of(client, pid)
    assert run(agent_of(actions.twice, image=docker_image), Job(n=1))[Done] == [Done(n=2)]
    assert containers_of(client, pid) == []
    client.close()


def test_an_image_that_is_not_there(docker_image: str) -> None:
    del docker_image
    (failure,) = run(agent_of(actions.twice, image="petricore-tests:absent"), Job()).failures
    assert failure.error.startswith("ImageNotFoundError: ")
    assert "petricore-tests:absent" in failure.error


@pytest.mark.filterwarnings(DOCKER_SDK)
def test_an_engine_that_is_not_there(tmp_path: Path) -> None:
    find_engine().close()
    agent = agent_of(actions.twice, image="any", retries=RetryPolicy(initial_interval=0.01, max_attempts=2))
    result = run(agent, Job(), url=f"unix://{tmp_path}/none.sock")
    assert result.failures[0].error.startswith("ExecutorUnavailableError: ")
    assert [event.kind for event in result.events].count("retried") == 1
    gc.collect()


def test_no_image_named(docker_image: str) -> None:
    assert run(agent_of(actions.twice), Job(n=1), image=docker_image)[Done] == [Done(n=2)]
    (failure,) = run(agent_of(actions.twice), Job(n=1)).failures
    assert failure.error.startswith("NetError: no image is named")


def test_a_declared_image_is_built_once_and_found_by_its_content(docker_image: str, tmp_path: Path) -> None:
    client = find_engine()
    (tmp_path / "data").write_text("zwölf")
    image = Image(base=docker_image, files={"/data/text": tmp_path / "data"})
    assert image == Image(base=docker_image, files={"/data/text": tmp_path / "data"})
    assert run(agent_of(actions.read, image=image), Job(text="/data/text"))[Done] == [Done(n=0, text="zwölf")]
    built = client.images.get(image.tag).id
    assert run(agent_of(actions.read, image=image), Job(text="/data/text"))[Done] == [Done(n=0, text="zwölf")]
    assert client.images.get(image.tag).id == built
    (tmp_path / "data").write_text("other")
    assert Image(base=docker_image, files={"/data/text": tmp_path / "data"}).tag != image.tag
    client.images.remove(image.tag)
    client.close()


@pytest.mark.parametrize(
    "given",
    [
        {"packages": ["a; rm -rf /"]},
        {"packages": ["a' b"]},
        {"apt": ["$(id)"]},
        {"base": "x\nRUN id"},
        {"files": {"rel": "/etc/hostname"}},
        {"files": {"/a/../b": "/etc/hostname"}},
        {"files": {"/a": "/not/there"}},
    ],
)
def test_a_declaration_that_would_say_more_than_it_seems_to(given: dict[str, Any]) -> None:
    with pytest.raises(NetError, match="Image: "):
        Image(**given)


@pytest.mark.parametrize(("reuse", "containers"), [("never", 4), ("session", 2), ("agent", 1)])
def test_who_shares_a_container(docker_image: str, reuse: Any, containers: int) -> None:
    agent = agent_of(actions.host_name, image=docker_image, reuse=reuse)

    async def scenario() -> None:
        maker = partial(DockerExecutor, slots=4, spares=0, pull=False)
        async with Runtime(executors={"docker": maker}) as runtime:
            names = set()
            for _ in range(2):
                session = await runtime.start(agent)
                for n in range(2):
                    await session.put(Job(n=n))
                    await session.quiescent(60)
                names |= {one.text for one in await session.tokens(Done)}
            assert len(names) == containers

    asyncio.run(scenario())


def test_volumes_are_read_only_unless_asked_for(docker_image: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("given")
    tmp_path.chmod(0o777)
    job = Job(text="/data/in")
    agent = agent_of(actions.read_and_write, image=docker_image, volumes={str(tmp_path): "/data"})
    assert run(agent, job)[Done] == [Done(n=0, text="given")]
    agent = agent_of(actions.read_and_write, image=docker_image, volumes={str(tmp_path): "/data:rw"})
    assert run(agent, job)[Done] == [Done(n=1, text="given")]
    assert (tmp_path / "in.written").exists()


@pytest.fixture
def shops() -> Iterator[tuple[str, str]]:
    """Two web servers of this machine, by host and port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"{self.path}@{self.server.server_address[1]}".encode()  # type: ignore[index]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Answer) for _ in range(2)]
    threads = [threading.Thread(target=one.serve_forever, daemon=True) for one in servers]
    for thread in threads:
        thread.start()
    yield tuple(f"127.0.0.1:{one.server_port}" for one in servers)  # type: ignore[misc]
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        server.server_close()
        thread.join()


def test_only_the_named_hosts_are_reached(docker_image: str, shops: tuple[str, str]) -> None:
    allowed, other = shops
    agent = agent_of(actions.fetch, image=docker_image, network=[allowed])
    addresses = f"http://{allowed}/a?b=c http://{other}/ http://172.17.0.1:{other[10:]}/ http://{allowed}/d"
    (done,) = run(agent, Job(text=addresses))[Done]
    assert done.text == f"/a?b=c@{allowed[10:]} 403 403 /d@{allowed[10:]}"


def test_the_proxy_is_no_way_around_the_list(docker_image: str, shops: tuple[str, str]) -> None:
    allowed, other = shops
    agent = agent_of(actions.reach_past, image=docker_image, network=[allowed])
    requests = [
        f"CONNECT {allowed} HTTP/1.1\\r\\n\\r\\n",
        f"CONNECT {other} HTTP/1.1\\r\\n\\r\\n",
        f"GET http://{allowed}@{other}/ HTTP/1.1\\r\\n\\r\\n",
        f"GET http://{other}/ HTTP/1.1\\r\\nHost: {allowed}\\r\\n\\r\\n",
        "GET / HTTP/1.1\\r\\n\\r\\n",
        "nonsense\\r\\n\\r\\n",
    ]
    (done,) = run(agent, Job(text="|".join(requests)))[Done]
    assert done.text == "200 403 403 403 403 502"


def test_no_network_unless_asked_for(docker_image: str, shops: tuple[str, str]) -> None:
    (done,) = run(agent_of(actions.fetch, image=docker_image), Job(text=f"http://{shops[0]}/"))[Done]
    assert done.text == "URLError"


def test_the_demo_reads_its_pages_in_containers(
    docker_image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(tmp_path / "report.md")
    assert (
        main(["demo", "--yes", "--json", "--output", output, "--executor", "docker", "--image", docker_image])
        == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert told["published"] == output
    assert told["pages"]["unaccounted"] == []
    assert told["pages"]["ok"] + told["pages"]["ok_after_retry"] > 10


def test_an_agent_is_put_elsewhere_as_a_whole_or_in_part() -> None:
    agent = Agent("moved")
    agent.transition(timeout=5)(actions.twice)
    agent.transition(actions.read)
    moved = agent.on("docker", "twice", image="x", cpu=2)
    assert moved.transitions["twice"].options.executor == "docker"
    assert moved.transitions["twice"].options.requirements.cpu == 2.0
    assert moved.transitions["twice"].options.timeout == agent.transitions["twice"].options.timeout
    assert moved.transitions["read"].options.executor == "thread"
    assert agent.transitions["twice"].options.executor == "thread"
    assert {one.options.executor for one in agent.on("process").transitions.values()} == {"process"}
    with pytest.raises(NetError, match="no transition 'absent'"):
        agent.on("docker", "absent")
    with pytest.raises(NetError, match="'retries' is no requirement"):
        agent.on("docker", retries=3)


@pytest.mark.parametrize(
    ("command", "function", "expected"),
    [
        (["sh", "-c", "echo '{\"n\": 7}'"], actions.twice, [Done(n=7)]),
        (["sh", "-c", "echo '[{\"n\": 1}, {\"n\": 2}]'"], actions.scatter, [Done(n=1), Done(n=2)]),
        (["sh", "-c", "echo '{\"n\": 3}'"], actions.either, [Done(n=3)]),
        (["python3", "-c", "import json,sys; print(json.dumps({'n': json.load(sys.stdin)['job']['n'] + 1}))"],
         actions.twice, [Done(n=6)]),
    ],
)  # fmt: skip
def test_a_program_of_any_image(
    docker_image: str, command: list[str], function: Any, expected: list[Any]
) -> None:
    result = run(agent_of(function, image=docker_image, command=command), Job(n=5))
    assert result.failures == []
    assert result[Done] == expected


def test_a_program_prints_a_text(docker_image: str) -> None:
    agent = Agent("texts")
    agent.place("out", str, expose=False)
    agent.transition(executor="docker", image=docker_image, command=["cat"])(actions.number)
    assert run(agent, 7).tokens("out") == ['{"given":7}']


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (["sh", "-c", "exit 3"], "WorkerDiedError: ('sh', '-c', 'exit 3') ended with exit code 3"),
        (["echo", "no json"], "TokenTypeError: transition 'twice' must print Done as JSON, not 'no json"),
        (["echo", "[1]"], "TokenTypeError: transition 'twice' must print Done as JSON"),
        (["/absent"], "ExecutorError: the Docker engine refused"),
        (["yes"], "OutputLimitError: the action printed more than 1,000 bytes"),
        (["sleep", "60"], "TimeoutError: "),
    ],
)
def test_a_program_that_fails(docker_image: str, command: list[str], error: str) -> None:
    agent = agent_of(actions.twice, image=docker_image, command=command, timeout=3)
    (failure,) = run(agent, Job(n=5), body_limit=1000).failures
    assert failure.error.startswith(error)


def test_a_container_is_ready_before_the_firing_that_needs_it(docker_image: str) -> None:
    client = find_engine()
    agent = Agent("foreseen")

    @agent.transition
    def prepare(thing: Job) -> Done:
        until = time.monotonic() + 30
        while not containers_of(client, os.getpid()):
            assert time.monotonic() < until, "nobody prepared anything"
            time.sleep(0.02)
        return Done(n=thing.n)

    agent.transition(executor="docker", image=docker_image)(actions.after)
    assert run(agent, Job(n=3))[actions.Sum] == [actions.Sum(n=3)]
    client.close()
