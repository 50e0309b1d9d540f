"""A PostgreSQL server of the tests' own: in a new folder, on a socket of its own, ended with the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import absent

__all__ = ["PostgresServer", "find_programs", "postgres_server"]


class PostgresServer:
    """A server that can be killed and started again."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self.folder = folder
        self._data = folder / "data"
        # the server refuses to run as root
        self._as = (
            ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        )
        if self._as:
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-A", "trust", "-U", "petricore", "-N", "-D", str(self._data))

    @property
    def dsn(self) -> str:
        """Where it listens."""
        return f"postgresql://petricore@/postgres?host={self.folder}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-k {self.folder} -c listen_addresses='' -c max_connections=60"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-o", options, "-l", log, "-w", "start")

    def kill(self) -> None:
        """Kill every process of it at once, as a power cut would."""
        pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        subprocess.run(["kill", "-9", str(pid), *children], check=False)
        while Path(f"/proc/{pid}").exists():
            pass
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """End it."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        out = self.folder / "out"
        with out.open("w") as written:  # a pipe would stay open as long as the server runs
            done = subprocess.run(
                [*self._as, str(self._programs / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {out.read_text()}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running server for all tests of the session."""
    programs = find_programs()
    if programs is None:
        absent("postgres", "no initdb in /usr/lib/postgresql or PATH (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="petricore-pg-"))
    folder.chmod(0o755)
    server = PostgresServer(programs, folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def find_programs() -> Path | None:
    """Where initdb is."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if installed:
        return installed[-1].parent
    found = shutil.which("initdb")
    return None if found is None else Path(found).parent
