"""The demo's web server over real HTTP on the loopback interface."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from time import monotonic
from urllib.parse import urlsplit

import pytest

from petricore.demo.server import FAILS_ONCE, GONE, SECONDS, ShopServer


@pytest.fixture
def shops() -> Iterator[ShopServer]:
    with ShopServer() as server:
        yield server


def get(shops: ShopServer, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection(urlsplit(shops.url).netloc, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_it_listens_on_loopback_only(shops: ShopServer) -> None:
    assert urlsplit(shops.url).hostname == "127.0.0.1"


def test_the_catalogue_is_served(shops: ShopServer) -> None:
    status, body = get(shops, "/catalogue.html")
    assert status == 200
    assert body.count(b'rel="offer"') == 30


@pytest.mark.parametrize("path", sorted(FAILS_ONCE))
def test_a_page_that_fails_once_is_there_the_second_time(shops: ShopServer, path: str) -> None:
    assert get(shops, path)[0] == 503
    status, body = get(shops, path)
    assert status == 200
    assert b"<h1" in body
    assert shops.answers[path] == [503, 200]


def test_the_page_that_is_gone_stays_gone(shops: ShopServer) -> None:
    assert [get(shops, GONE)[0] for _ in range(3)] == [410, 410, 410]


@pytest.mark.parametrize(
    "path", ["/", "/nothing.html", "/../server.py", "/kaufladen/../../server.py", "/%2e%2e/x"]
)
def test_any_other_path_is_not_found(shops: ShopServer, path: str) -> None:
    assert get(shops, path)[0] == 404


def test_slow_pages_are_served_at_the_same_time(shops: ShopServer) -> None:
    begun = monotonic()
    with ThreadPoolExecutor(len(SECONDS)) as pool:
        answers = list(pool.map(lambda path: get(shops, path)[0], SECONDS))
    elapsed = monotonic() - begun
    assert answers == [200] * len(SECONDS)
    assert max(SECONDS.values()) <= elapsed < sum(SECONDS.values()) / 3


def test_leaving_the_server_does_not_wait_for_slow_pages() -> None:
    slowest = max(SECONDS, key=lambda path: SECONDS[path])
    begun = monotonic()
    with ThreadPoolExecutor(1) as pool:
        with ShopServer() as server:
            answer = pool.submit(server.answer, slowest)
        assert answer.result()[0] == 200
    assert monotonic() - begun < SECONDS[slowest] / 2
