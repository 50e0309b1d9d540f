"""The Docker engine, as the executor uses it: blocking calls, made on threads, that fail with petricore's errors."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.types import DeviceRequest, LogConfig, Ulimit
from petricore.runtimes.base import Requirements
from petricore.runtimes.docker.image import Image
from petricore.runtimes.docker.owner import is_left_behind
from requests.exceptions import RequestException

from petricore.errors import ExecutorError, ExecutorUnavailableError, ImageNotFoundError

__all__ = ["LABEL", "Engine", "Started", "container_options"]

LABEL = "petricore.owner"
"""On everything that is made here: whose it is."""

NOBODY = "65534:65534"
SECRETS = "/run/secrets"
PROXY = "/run/petricore"
_MEMORY = 1 << 30
_PIDS = 128
_PATIENCE = 5
"""Seconds."""
_POOL = 64
"""Connections: every container under way holds one."""
_OWN = (
    "rw,nosuid,nodev,uid=65534,gid=65534"  # the mode of a folder that the image has wins over one given here
)
_TMPFS = f"{_OWN},size={1 << 26}"
# The worker comes over the stream itself: that works with a read-only root and with an engine on another machine.
_BOOT = (
    "import os,sys,types\n"
    "n=int(sys.argv[1]);b=b''\n"
    "while len(b)<n:\n"
    " c=os.read(0,n-len(b))\n"
    " if not c:sys.exit(1)\n"
    " b+=c\n"
    "m=types.ModuleType('petricore_worker');sys.modules['petricore_worker']=m\n"
    "exec(compile(b,'petricore_worker.py','exec'),m.__dict__)\n"
    "m.boot()\n"
)
WORKER = files("petricore.runtimes").joinpath("worker.py").read_bytes()


class Started:
    """A container that runs, and the socket to its standard streams."""

    def __init__(self, container: str, attached: Any) -> None:
        self.container = container
        # the connection that it was taken from must not be used for anything else
        self._connection = (attached, attached._sock, attached._response)
        self.stream = socket.socket(fileno=os.dup(attached._sock.fileno()))

    def close(self) -> None:
        """Let go of the connection."""
        self.stream.close()
        for one in self._connection:
            with suppress(OSError, ValueError):
                one.close()


def container_options(
    requirements: Requirements, runtime: str | None, proxy: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments for the container and for its host side: nothing is allowed but what is asked for.

    Args:
        requirements: of the transition.
        runtime: of the engine: "runsc".
        proxy: the host's folder of the socket to the allow-list proxy.
    """
    memory = requirements.memory or _MEMORY
    binds = [f"{one.source}:{one.target}:{'rw' if one.writable else 'ro'}" for one in requirements.volumes]
    if proxy is not None:
        binds.append(f"{proxy}:{PROXY}:ro")
    host = {
        "network_mode": "none",
        "read_only": True,
        "tmpfs": {"/work": _TMPFS, "/tmp": _TMPFS, SECRETS: f"{_OWN},noexec,size={1 << 20}"},
        "mem_limit": memory,
        "memswap_limit": memory,
        "nano_cpus": int((requirements.cpu or 1.0) * 1e9),
        "pids_limit": _PIDS,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "log_config": LogConfig(type=LogConfig.types.NONE),  # what it prints is not to fill the host's disk
        "ulimits": [Ulimit(name="core", soft=0, hard=0), Ulimit(name="nofile", soft=4096, hard=4096)],
        "binds": binds,
        "runtime": runtime,
        "oom_score_adj": 500,
    }
    if requirements.gpu:
        host["device_requests"] = [DeviceRequest(count=requirements.gpu, capabilities=[["gpu"]])]
    environment = {
        "PETRICORE_SANDBOX": "docker",
        "HOME": "/work",
        "PYTHONDONTWRITEBYTECODE": "1",
        **dict(requirements.env),
    }
    if proxy is not None:
        address = "http://127.0.0.1:3128"
        environment |= dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), address)
    container = {
        "user": NOBODY,
        "working_dir": "/work",
        "environment": environment,
        "stdin_open": True,
        "stop_signal": "SIGKILL",
        "network_disabled": True,
    }
    return container, host


class Engine:
    """A connection to the engine.

    Args:
        owner: written on everything that is made.
        url: where it listens; what the environment says (DOCKER_HOST) unless given.
        runtime: of containers; the engine's default unless named.
        pull: whether an image that is not there is looked for in its registry.
    """

    def __init__(self, owner: str, url: str | None, runtime: str | None, *, pull: bool) -> None:
        self._owner = owner
        self._url = url
        self._runtime = runtime
        self._pull = pull
        self._client: docker.DockerClient | None = None
        self.orphans: list[str] = []
        """Containers that were created, did not start, and could not be removed."""

    def start(self, requirements: Requirements, proxy: str | None) -> Started:
        """A container with a worker in it. Takes about 0.3 s, and longer where an image has to be had first.

        Raises:
            ExecutorError: what of it failed.
        """
        image = requirements.image
        with _named(str(image if isinstance(image, str) else image.tag)):
            api = self._connected().api
            tag = self._image(image)
            own, host = container_options(requirements, self._runtime, proxy)
            program = requirements.command or ("python3", "-c", _BOOT, str(len(WORKER)))
            created = api.create_container(
                tag,
                command=list(program[1:]),
                entrypoint=[program[0]],
                labels={LABEL: self._owner},
                host_config=api.create_host_config(**host),
                **own,
            )["Id"]
            try:
                return self._begun(created, b"" if requirements.command else WORKER)
            except BaseException:
                if not self.remove(created):  # a start that fails leaves what was created behind
                    self.orphans.append(created)
                raise

    def _begun(self, container: str, first: bytes) -> Started:
        """Start what is created, with its streams attached from the beginning."""
        api = self._connected().api
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        started = Started(container, api.attach_socket(container, params=streams))
        try:
            api.start(container)
            started.stream.sendall(first)
        except BaseException:
            started.close()
            raise
        return started

    def ended(self, container: str) -> tuple[int | None, bool]:
        """How a container ended: its exit code, and whether the kernel killed in it for want of memory.

        One whose streams have ended but that has not is waited for, a little, and killed.
        """
        with _named(""):
            try:
                self._connected().api.wait(container, timeout=_PATIENCE)
            except RequestException:
                self._connected().api.kill(container)
            state = self._connected().api.inspect_container(container)["State"]
            return state.get("ExitCode"), bool(state.get("OOMKilled"))

    def remove(self, container: str) -> bool:
        """Kill and remove a container. Returns whether it is gone."""
        try:
            self._connected().api.remove_container(container, force=True, v=True)
        except NotFound:
            return True
        except (DockerException, RequestException, OSError):
            return False  # the engine is away, or at it already
        return True

    def left_behind(self) -> list[str]:
        """Containers of processes of this machine that are no more."""
        with _named(""):
            found = self._connected().api.containers(all=True, filters={"label": LABEL})
        return [one["Id"] for one in found if is_left_behind(one["Labels"][LABEL])]

    def owned(self) -> list[str]:
        """What was made here and is still there."""
        with _named(""):
            labels = {"label": f"{LABEL}={self._owner}"}
            return [one["Id"] for one in self._connected().api.containers(all=True, filters=labels)]

    def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            self._client.close()

    def _connected(self) -> docker.DockerClient:
        if self._client is None:
            if self._url is None:
                self._client = docker.from_env(timeout=60, max_pool_size=_POOL)
            else:
                self._client = docker.DockerClient(self._url, timeout=60, max_pool_size=_POOL)
        return self._client

    def _image(self, image: Any) -> str:
        """The name of an image that is there."""
        tag: str = image if isinstance(image, str) else image.tag
        client = self._connected()
        with suppress(ImageNotFound):
            client.images.get(tag)
            return tag
        if isinstance(image, Image):
            packed = io.BytesIO(image.build_context())
            client.images.build(
                fileobj=packed, custom_context=True, tag=tag, rm=True, labels={LABEL: "image"}
            )
        elif self._pull:
            client.images.pull(tag)
        else:
            raise ImageNotFoundError(f"there is no image {tag!r} in the engine", image=tag)
        return tag


@contextmanager
def _named(image: str) -> Iterator[None]:
    """Errors of the engine as petricore's."""
    try:
        yield
    except (ImageNotFound, docker.errors.BuildError) as error:
        raise ImageNotFoundError(f"image {image!r} cannot be had: {error}", image=image) from error
    except APIError as error:
        told = str(error.explanation or error)
        missing = "no such image" in told.lower() or "pull access denied" in told or "registry" in told
        if missing and image:
            raise ImageNotFoundError(f"image {image!r} cannot be had: {told}", image=image) from error
        raise ExecutorError(f"the Docker engine refused: {told}") from error
    except (DockerException, RequestException, OSError) as error:
        raise ExecutorUnavailableError(f"the Docker engine cannot be reached: {error}") from error
