"""PNML under hypothesis: every net survives, and no document raises anything but PnmlError."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import petricore as pc
from tests.property.io_strategies import XML_NAMES, nets, same

MODELS = [path.read_bytes() for path in sorted((Path(__file__).parent.parent / "models").glob("*.pnml"))]
SMALL = [model for model in MODELS if len(model) < 30_000]
TOKENS = [
    b"<",
    b">",
    b'"',
    b"&",
    b"&#0;",
    b"]]>",
    b"<place",
    b"</place>",
    b"-1",
    b"9" * 5000,
    b"\x00",
    b"\xff",
    b"ref=",
]
TOKENS += [
    b"<arc ",
    b"<!DOCTYPE x>",
    b"<page id='z'>",
    b"<text>",
    b"xmlns=''",
    b"<toolspecific tool='petricore'>",
]


def written(net: pc.Net) -> bytes:
    file = io.BytesIO()
    pc.write_pnml(net, file)
    return file.getvalue()


def refusal(document: bytes) -> pc.PnmlError | None:
    """The error with which a document is refused, None if it is read; any other exception fails the test."""
    try:
        pc.read_pnml(io.BytesIO(document))
    except pc.PnmlError as error:
        return error
    return None


def read_or_refuse(document: bytes) -> None:
    error = refusal(document)
    assert error is None or (error.line is not None and error.line >= 1)


@given(nets(XML_NAMES))
@settings(max_examples=300, deadline=None)
def test_a_net_that_is_written_and_read_is_the_same(net: pc.Net) -> None:
    assert same(pc.read_pnml(io.BytesIO(written(net))), net)


@given(nets())
@settings(max_examples=100, deadline=None)
def test_a_net_is_written_exactly_or_names_the_character_xml_cannot_hold(net: pc.Net) -> None:
    names = "".join([net.name, *net.places, *net.transitions])
    if re.search("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", names):
        with pytest.raises(pc.NetError, match=r"U\+[0-9A-F]{4}"):
            written(net)
    else:
        assert same(pc.read_pnml(io.BytesIO(written(net))), net)


@given(st.sampled_from(SMALL), st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_document_is_read_or_refused(model: bytes, data: st.DataObject) -> None:
    document = bytearray(model)
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(document)))
        end = min(len(document), start + data.draw(st.integers(0, 40)))
        document[start:end] = data.draw(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=4)))
    read_or_refuse(bytes(document))


@given(st.sampled_from(SMALL), st.data())
@settings(max_examples=100, deadline=None)
def test_a_document_with_words_exchanged_is_read_or_refused(model: bytes, data: st.DataObject) -> None:
    words = re.findall(rb"\w+|\W", model)
    for _ in range(data.draw(st.integers(1, 5))):
        first, second = (data.draw(st.integers(0, len(words) - 1)) for _ in range(2))
        words[first], words[second] = words[second], words[first]
    read_or_refuse(b"".join(words))


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"<pnml>", b'<pnml><net id="n" type="ptnet"><page id="p">']),
)
@example(b"\xff\xfe<", b"")
@example(b"<?xml version='1.0' encoding='utf-7'?>", b"")
@example(b"<?xml version='1.0' encoding='\x00'?>", b"")
@example(b"<?xml version='1.0' encoding='base64'?><pnml/>", b"")
@example(b"<?xml version='1.0' encoding='idna'?><pnml/>", b"")
@settings(max_examples=300, deadline=None)
def test_random_bytes_are_refused(noise: bytes, head: bytes) -> None:
    read_or_refuse(head + noise)


@given(st.sampled_from(SMALL), st.data())
@settings(max_examples=60, deadline=None)
def test_a_truncated_document_is_refused(model: bytes, data: st.DataObject) -> None:
    complete = model.rstrip()
    cut = complete[: data.draw(st.integers(0, len(complete) - 1))]
    assert refusal(cut) is not None


@given(st.sampled_from(MODELS), st.sampled_from(["utf-16", "utf-16-le", "utf-32", "cp037", "utf-8-sig"]))
@settings(max_examples=20, deadline=None)
def test_a_document_in_another_encoding_than_declared_is_read_or_refused(model: bytes, encoding: str) -> None:
    read_or_refuse(model.decode().encode(encoding))
