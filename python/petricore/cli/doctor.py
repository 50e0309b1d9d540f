"""`petricore doctor`: checks what is installed and within reach, and what each missing part would enable."""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from urllib.parse import urlsplit

import numpy as np

from petricore import __version__

__all__ = ["Check", "add_arguments", "checks", "execute"]

_SECONDS = 1.0  # a service that takes longer to say hello is not within reach

_PACKAGES = {
    "pydantic": ("agent", "agents: typed tokens"),
    "rich": ("cli", "live progress in the terminal"),
    "httpx": ("demo", "petricore demo"),
    "scipy": ("analysis", "the state equation; sparse incidence matrices"),
    "matplotlib": ("simulation", "Trajectories.plot"),
    "pandas": ("simulation", "Trajectories.to_pandas"),
    "pyarrow": ("simulation", "Parquet; simulate(sink=...)"),
    "xarray": ("simulation", "Trajectories.to_xarray"),
    "networkx": ("io", "Net.to_networkx"),
    "pm4py": ("io", "Net.to_pm4py and Net.from_pm4py"),
    "opentelemetry": ("otel", "Runtime(telemetry=...)"),
}


@dataclass(frozen=True)
class Check:
    """One part: whether it is there, what it is, what it is for, and how to get it."""

    name: str
    ok: bool
    required: bool
    found: str
    enables: str
    install: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")


def execute(options: argparse.Namespace) -> int:
    """Print all checks. The exit code is 1 if a required part is missing."""
    found = list(checks())
    if options.json:
        print(json.dumps({"petricore": __version__, "checks": [asdict(check) for check in found]}, indent=2))
    else:
        _print(found)
    return 0 if all(check.ok for check in found if check.required) else 1


def checks() -> Iterator[Check]:
    """All checks, required parts first. Touches nothing: services are only asked for a greeting."""
    yield Check("python", sys.version_info >= (3, 11), True, platform.python_version(), "everything")
    yield Check("numpy", True, True, np.__version__, "the engine")
    yield _core()
    for name, (extra, enables) in _PACKAGES.items():
        yield _package(name, extra, enables)
    yield Check("docker", *_docker(), enables="actions in containers")
    yield Check("postgres", *_postgres(), enables="a journal shared by several hosts")


def _core() -> Check:
    try:
        from petricore._core import simd_level
    except ImportError as error:
        install = "pip install --force-reinstall petricore"
        return Check("core", False, True, f"cannot be loaded: {error}", "the engine", install)
    return Check(
        "core", True, True, f"compiled, SIMD: {simd_level()}, {os.cpu_count()} processors", "the engine"
    )


def _package(name: str, extra: str, enables: str) -> Check:
    try:
        installed = version(name) if find_spec(name) is not None else None
    except PackageNotFoundError:
        installed = "of unknown version"
    if installed is not None:
        return Check(name, True, False, installed, enables)
    return Check(name, False, False, "not installed", enables, f"pip install 'petricore[{extra}]'")


def _docker() -> tuple[bool, bool, str]:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    address = urlsplit(host)
    try:
        with _connect(address.scheme, address.path, address.hostname, address.port or 2375) as link:
            link.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            answer = link.recv(64)
    except (OSError, ValueError) as error:
        return False, False, f"not within reach at {host}: {error}"
    if b" 200 " in answer.partition(b"\r\n")[0]:
        return True, False, f"answers at {host}"
    return False, False, f"something else than Docker answers at {host}"


def _postgres() -> tuple[bool, bool, str]:
    host = os.environ.get("PGHOST", "127.0.0.1")
    port = os.environ.get("PGPORT", "5432")
    where = f"{host}:{port}"
    try:
        scheme, path = ("unix", f"{host}/.s.PGSQL.{port}") if host.startswith("/") else ("tcp", "")
        with _connect(scheme, path, host, int(port)) as link:
            link.sendall(bytes.fromhex("00000008 04d2162f"))  # SSLRequest: any server answers S or N to it
            answer = link.recv(1)
    except (OSError, ValueError) as error:
        return False, False, f"not within reach at {where}: {error}"
    if answer in (b"S", b"N"):
        return True, False, f"answers at {where}"
    return False, False, f"something else than PostgreSQL answers at {where}"


def _connect(scheme: str, path: str, host: str | None, port: int) -> socket.socket:
    if scheme != "unix":
        if host is None:
            raise ValueError("the address names no host")
        return socket.create_connection((host, port), timeout=_SECONDS)
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.settimeout(_SECONDS)
    try:
        link.connect(path)
    except OSError:
        link.close()
        raise
    return link


def _print(found: list[Check]) -> None:
    print(f"petricore {__version__}")
    width = max(len(check.name) for check in found)
    for check in found:
        sign = "ok     " if check.ok else "MISSING" if check.required else "missing"
        print(f"  {sign} {check.name:<{width}}  {check.found}")
        if not check.ok:
            install = f": {check.install}" if check.install else ""
            print(f"          {'':<{width}} for {check.enables}{install}")
