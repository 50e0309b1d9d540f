"""What comes from a worker may be anything: the host takes frames and refuses the rest."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from petricore.runtimes.attempt import Attempt
from petricore.runtimes.base import NOTHING_SPECIAL, Kind
from petricore.runtimes.code import ActionCode, locate, sources_of
from petricore.runtimes.docker.container import _Streams
from petricore.runtimes.frames import HEADER_LIMIT, Frame, FrameReader, encode_frame

from petricore import RemoteError, TokenTypeError, WorkerProtocolError

from . import actions

headers = st.fixed_dictionaries(
    {"kind": st.text()}, optional={"id": st.text(), "n": st.integers(), "x": st.none()}
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


@given(st.lists(st.tuples(headers, st.binary(max_size=300)), max_size=6), st.lists(st.integers(0, 10_000)))
def test_frames_come_out_as_they_went_in_however_they_are_cut(
    frames: list[tuple[dict[str, Any], bytes]], places: list[int]
) -> None:
    stream = b"".join(encode_frame(*frame) for frame in frames)
    reader = FrameReader(1000)
    found = [frame for piece in cut(stream, places) for frame in reader.feed(piece)]
    assert [(one.header, one.body) for one in found] == frames


@given(st.binary(max_size=2000))
def test_garbage_is_refused_or_waited_on(garbage: bytes) -> None:
    reader = FrameReader(1000)
    try:
        frames = reader.feed(garbage)
    except WorkerProtocolError:
        return
    assert all(isinstance(one.header["kind"], str) for one in frames)


@pytest.mark.parametrize(
    ("head", "body"), [(HEADER_LIMIT + 1, 0), (10, 1001), (0xFFFFFFFF, 0xFFFFFFFF)], ids=str
)
def test_what_is_larger_than_allowed_is_refused_when_it_is_announced(head: int, body: int) -> None:
    with pytest.raises(WorkerProtocolError, match="at most"):
        FrameReader(1000).feed(struct.pack(">II", head, body))


@pytest.mark.parametrize("header", [b"[]", b"{", b"{}", b'{"kind": 1}', b"[" * 60_000])
def test_a_header_that_is_none_is_refused(header: bytes) -> None:
    with pytest.raises(WorkerProtocolError):
        FrameReader(1000).feed(struct.pack(">II", len(header), 0) + header)


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_none_is_refused_when_it_is_looked_at(body: bytes) -> None:
    with pytest.raises(WorkerProtocolError):
        Frame({"kind": "done"}, body).data()


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=100)), max_size=8),
    st.lists(st.integers(0, 1000)),
)
def test_an_engines_stream_is_taken_apart_however_it_is_cut(
    pieces: list[tuple[int, bytes]], places: list[int]
) -> None:
    stream = b"".join(struct.pack(">BxxxI", kind, len(data)) + data for kind, data in pieces)
    printed: list[bytes] = []
    streams = _Streams(printed.append)
    output = b"".join(streams.feed(piece) for piece in cut(stream, places))
    assert output == b"".join(data for kind, data in pieces if kind == 1)
    assert b"".join(printed) == b"".join(data for kind, data in pieces if kind == 2)


class QuietJob:
    """A job that keeps what it is told."""

    kind = Kind.FUNCTION
    requirements = NOTHING_SPECIAL
    context_parameter = None

    def __init__(self) -> None:
        self.told: list[Any] = []

    def about(self) -> dict[str, Any]:
        return {"session": "s", "firing": "s/1", "attempt": 1}

    def packed(self) -> dict[str, Any]:
        return {}

    def secrets(self) -> dict[str, str]:
        return {}

    def unpacked(self, tree: Any) -> Any:
        if not isinstance(tree, dict):
            raise TokenTypeError("no token", transition=None, expected="", actual="")
        return tree

    def tell(self, what: str, about: Any) -> None:
        if what != "say":
            raise ValueError(what)
        self.told.append(about["text"])

    def call(self, what: str, about: Any, reply: Any) -> None:
        if what == "later":
            return
        raise KeyError(what)


def attempt() -> tuple[Attempt, QuietJob, str, list[bytes]]:
    job, sent = QuietJob(), list[bytes]()
    made = Attempt(job, ActionCode("m", "f"), sent.append)  # type: ignore[arg-type]
    made.begin()
    (order,) = FrameReader(1 << 20).feed(sent.pop())
    return made, job, order.header["id"], sent


def test_two_attempts_have_different_ids() -> None:
    assert len({attempt()[2] for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ({"kind": "done", "id": "0000000000000000"}, {}),
        ({"kind": "done"}, {}),
        ({"kind": "run"}, {}),
        ({"kind": "tell"}, {}),
        ({"kind": "tell", "what": "shout"}, {"text": ""}),
        ({"kind": "tell", "what": "say"}, []),
        ({"kind": "call", "what": "later"}, {}),
        ({"kind": "call", "what": 5, "call": 1}, {}),
        ({"kind": "call", "what": "later", "call": "1"}, {}),
        ({"kind": "failed"}, []),
    ],
)
def test_what_no_worker_says_is_refused(header: dict[str, Any], body: Any) -> None:
    made, _, id_, _ = attempt()
    with pytest.raises(WorkerProtocolError):
        made.take(
            Frame({"id": id_, **header} if header != {"kind": "done"} else header, json.dumps(body).encode())
        )


def test_an_error_is_never_constructed_from_what_a_worker_says() -> None:
    for module, name, known in (
        ("builtins", "ValueError", ValueError),
        ("tests.runtimes.actions", "RefusedError", actions.RefusedError),
        ("builtins", "SystemExit", RemoteError),
        ("builtins", "KeyboardInterrupt", RemoteError),
        ("os", "system", RemoteError),
        ("subprocess", "Popen", RemoteError),
        ("not.imported", "Error", RemoteError),
        ("builtins", "ValueError.__subclasses__", RemoteError),
    ):
        made, _, id_, _ = attempt()
        body = {"type": name, "module": module, "message": "why", "trace": "where"}
        assert made.take(Frame({"kind": "failed", "id": id_}, json.dumps(body).encode()))
        error = made.outcome[1]
        assert type(error) is known
        assert "why" in str(error)


def test_a_call_that_fails_is_told_to_the_action() -> None:
    made, _, id_, sent = attempt()
    assert not made.take(Frame({"kind": "call", "id": id_, "what": "odd", "call": 7}, b"{}"))
    (reply,) = FrameReader(1 << 20).feed(sent.pop())
    assert reply.header["call"] == 7
    assert reply.header["error"] == {"type": "KeyError", "message": "odd"}


def test_the_sources_of_an_action_are_its_project_and_nothing_installed() -> None:
    sources = sources_of(locate(actions.twice))
    assert set(sources.files) == {
        "tests/__init__.py",
        "tests/runtimes/__init__.py",
        "tests/runtimes/actions.py",
    }
    assert sources.key == sources_of(locate(actions.chat)).key
