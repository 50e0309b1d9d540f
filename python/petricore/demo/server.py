"""The shops, on a web server of this machine: some pages are slow, some fail once, one is gone."""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from time import monotonic
from types import TracebackType
from typing import Any, Self, cast

__all__ = ["FAILS_ONCE", "GONE", "SECONDS", "ShopServer"]

SECONDS: Mapping[str, float] = {
    "/kaufladen/aria-headphones.html": 0.9,
    "/kaufladen/fold-lamp.html": 0.4,
    "/kaufladen/rolltop-backpack.html": 0.3,
    "/kaufladen/santoku-knife.html": 1.2,
    "/brightgoods/gooseneck-kettle.html": 0.7,
    "/brightgoods/drift-mat.html": 0.5,
    "/brightgoods/tactus-keyboard.html": 0.8,
    "/tilbury/fold-lamp.html": 1.1,
    "/tilbury/polaris-light.html": 0.6,
    "/tilbury/rolltop-backpack.html": 0.9,
    "/mercado/gooseneck-kettle.html": 0.2,
    "/mercado/polaris-light.html": 1.0,
    "/mercado/aria-headphones.html": 0.4,
    "/outpost/drift-mat.html": 0.8,
    "/outpost/tactus-keyboard.html": 1.0,
    "/outpost/santoku-knife.html": 0.6,
}
"""How long a slow page takes; the others answer at once."""

FAILS_ONCE = frozenset(
    {
        "/kaufladen/gooseneck-kettle.html",
        "/brightgoods/aria-headphones.html",
        "/mercado/drift-mat.html",
        "/outpost/rolltop-backpack.html",
    }
)
"""The first request is answered with 503."""

GONE = "/brightgoods/polaris-light.html"
"""Always answered with 410."""


class ShopServer:
    """Serves the pages on a free port of the loopback interface while it is entered.

    `answers` maps each path asked for to the status codes it was answered with, in order; `seconds` is the
    time that all answers took together.
    """

    def __init__(self) -> None:
        self.answers: defaultdict[str, list[int]] = defaultdict(list)
        self.seconds = 0.0
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.shops = self
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.05,), name="shops", daemon=True
        )

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def catalogue(self) -> str:
        """The address of the page that links to all others."""
        return f"{self.url}/catalogue.html"

    def answer(self, path: str) -> tuple[int, bytes]:
        """The status and the body for `path`, after the time that the page takes."""
        begun = monotonic()
        self._closing.wait(SECONDS.get(path, 0.0))
        body = _PAGES.get(path)
        with self._lock:
            status = self._status(path, body)
            self.answers[path].append(status)
            self.seconds += monotonic() - begun
        if body is None or status == HTTPStatus.SERVICE_UNAVAILABLE:
            body = f"<!DOCTYPE html><title>{status.value} {status.phrase}</title>".encode()
        return status, body

    def _status(self, path: str, body: bytes | None) -> HTTPStatus:
        if body is None:
            return HTTPStatus.NOT_FOUND
        if path == GONE:
            return HTTPStatus.GONE
        if path in FAILS_ONCE and not self.answers[path]:
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.OK

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # all pages are asked for at once; with the default of 5 clients wait a second
    shops: ShopServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that goes away in the middle, as on Ctrl-C, is no error of the server's.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    wbufsize = -1  # one packet per answer: else the body waits until the headers are acknowledged

    def do_GET(self) -> None:
        status, body = cast(_Http, self.server).shops.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the terminal shows the agent's progress."""


def _read_pages() -> dict[str, bytes]:
    root = files("petricore.demo") / "shops"
    pages = {"/catalogue.html": (root / "catalogue.html").read_bytes()}
    for shop in root.iterdir():
        if shop.is_dir():
            pages |= {f"/{shop.name}/{page.name}": page.read_bytes() for page in shop.iterdir()}
    return pages


_PAGES = _read_pages()
