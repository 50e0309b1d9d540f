"""The only way out of a sandbox: a proxy for HTTP on the host that connects to the named hosts and to no other.

The sandbox has no network at all. The proxy listens on a Unix socket that is mounted into it; within, the worker offers
it at 127.0.0.1:3128, where the usual environment variables point to. Every connection leads to one host, checked
when it was made, whatever is sent over it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["Proxy"]

_HEAD_LIMIT = 1 << 16
_CHUNK = 1 << 16
_CONNECTIONS = 64
logger = logging.getLogger("petricore.runtimes")


class Proxy:
    """A proxy of one sandbox.

    Args:
        allowed: hosts that may be reached, as `name:port`.
    """

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self._allowed = frozenset(allowed)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.folder = Path(tempfile.mkdtemp(prefix="petricore-net-"))
        """What is mounted into the sandbox."""

    async def open(self) -> None:
        """Listen."""
        path = self.folder / "proxy.sock"
        self._server = await asyncio.start_unix_server(self._serve, path, limit=_HEAD_LIMIT)
        path.chmod(0o666)  # the sandbox is another user, and nobody else gets into the folder
        self.folder.chmod(0o711)

    def close(self) -> None:
        """End all connections."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if len(self._tasks) > _CONNECTIONS:
                _answer(writer, "503 Too many connections")
            else:
                await self._forward(reader, writer)
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            _answer(writer, "502 Bad gateway")
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the first request, connect to where it wants to go if it may, and hand on whatever follows."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, _, fields = head.partition("\r\n")
        method, target, version = line.split(" ")
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            first = None
        else:
            url = urlsplit(target)
            host, port = url.hostname or "", str(url.port or 80)
            path = url._replace(scheme="", netloc="").geturl() or "/"
            kept = [
                one for one in fields.split("\r\n") if not one.lower().startswith(("proxy-", "connection:"))
            ]
            first = "\r\n".join([f"{method} {path} {version}", "Connection: close", *kept]).encode("latin-1")
        if f"{host.lower()}:{port}" not in self._allowed:
            logger.warning("a sandboxed action was kept from %s:%s", host[:200], port[:8])
            _answer(writer, "403 Not among the hosts of this transition")
            return
        there, back = await asyncio.open_connection(host, int(port))
        try:
            if first is None:
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:
                back.write(first)
            await asyncio.gather(_pump(reader, back), _pump(there, writer))
        finally:
            back.close()
            with contextlib.suppress(OSError):
                await back.wait_closed()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()
    with contextlib.suppress(OSError):
        if sink.can_write_eof():
            sink.write_eof()


def _answer(writer: asyncio.StreamWriter, status: str) -> None:
    with contextlib.suppress(OSError):
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
