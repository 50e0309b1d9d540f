"""A Docker engine: the one that runs on this machine, with a small image of its own Python made for the tests.

No registry is needed: the image is Debian's Python with the libraries it is linked to, and this environment's pydantic.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException, ImageNotFound
from petricore.runtimes.docker.engine import LABEL

from tests.services import absent

__all__ = ["OwnEngine", "containers_of", "docker_image", "find_engine", "make_image"]

_PYTHON = Path("/usr/bin/python3.11")
_VERSION = 2
"""Of what is put into the image."""
_PACKAGES = ("pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection",
             "httpx", "httpcore", "h11", "anyio", "idna", "certifi", "sniffio")  # fmt: skip


@pytest.fixture(scope="session")
def docker_image() -> Iterator[str]:
    """The name of an image with Python and pydantic. What the tests have left in the engine is told and removed."""
    client = find_engine()
    yield make_image(client)
    left = containers_of(client, os.getpid())
    for container in left:
        container.remove(force=True)
    client.close()
    assert not left, f"the tests left containers behind: {left}"


def containers_of(client: docker.DockerClient, pid: int) -> list[Any]:
    """What a process has in the engine; others may use the same one."""
    found = client.containers.list(all=True, filters={"label": LABEL})
    return [one for one in found if one.labels[LABEL].split(":")[2:3] == [str(pid)]]


class OwnEngine:
    """An engine of the tests' own that can be killed and started again: in a network namespace of its own, so that it
    leaves the machine's alone. Its containers have no network anyway."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"unix://{self._folder}/docker.sock"

    def start(self) -> docker.DockerClient:
        """Start it and wait until it answers."""
        folder = self._folder
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["unshare", "--net", "dockerd", "--bridge=none", "--iptables=false", "--host", self.url,
                 "--data-root", folder / "data", "--exec-root", folder / "run", "--pidfile", folder / "pid"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + 60
        while not self._answers():
            if time.monotonic() > until or self._process.poll() is not None:
                raise RuntimeError((folder / "log").read_text()[-2000:])
            time.sleep(0.1)
        return docker.DockerClient(self.url)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as link:
            try:
                link.connect(str(self._folder / "docker.sock"))
                link.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 " in link.recv(64)
            except OSError:
                return False

    def stop(self) -> None:
        """End it, with all that runs in it."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(60)


def find_engine() -> docker.DockerClient:
    """A client of the engine; where there is none, the test ends."""
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        absent(
            "docker", f"no engine answers (Debian: apt-get install docker.io iptables, then dockerd): {error}"
        )
    if not _PYTHON.exists():
        absent("docker", f"no {_PYTHON} to make an image of")
    return client


def make_image(client: docker.DockerClient) -> str:
    """Make the tests' image in an engine, unless it is there. Returns its name."""
    tag = f"petricore-tests:{metadata.version('pydantic')}-{_VERSION}"
    try:
        client.images.get(tag)
    except ImageNotFound:
        name, _, version = tag.partition(":")
        client.api.import_image_from_data(
            _file_system(), repository=name, tag=version, changes=["ENV PATH=/usr/local/bin:/usr/bin:/bin"]
        )
    return tag


def _file_system() -> bytes:
    """A tar archive of a root file system: Python, what it is linked to, a shell."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", dereference=True) as archive:
        for folder in ("tmp", "work", "proc", "sys", "dev", "run/secrets", "run/petricore", "etc", "usr/bin"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        library = Path("/usr/lib/python3.11")
        archive.add(library, str(library)[1:], filter=_wanted)
        packages = Path(sys.prefix, "lib", "python3.11", "site-packages")
        for name in _PACKAGES:
            for path in (packages / name, packages / f"{name}.py"):
                if path.exists():
                    archive.add(path, f"usr/lib/python3/dist-packages/{path.name}", filter=_wanted)
        archive.add(_PYTHON, "usr/bin/python3")
        linked = [_PYTHON, *library.glob("lib-dynload/*.so"), *packages.glob("pydantic_core/*.so")]
        for path in sorted(_libraries(linked)):
            archive.add(path, path[1:])
        shell = shutil.which("busybox")
        if shell is not None:
            for name in ("busybox", "sh", "cat", "wc", "ls", "sleep", "yes", "ln", "id", "echo"):
                archive.add(shell, f"bin/{name}")
    return packed.getvalue()


def _wanted(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    unwanted = ("__pycache__", "/test/", "/tests/", "/idlelib", "/ensurepip", "/lib2to3", "/pydoc_data")
    return None if any(one in f"/{entry.name}/" for one in unwanted) else entry


def _libraries(programs: list[Path]) -> set[str]:
    found: set[str] = set()
    for program in programs:
        out = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
        for line in out.splitlines():
            for word in line.split():
                if word.startswith("/"):
                    found.add(word)
    return found
