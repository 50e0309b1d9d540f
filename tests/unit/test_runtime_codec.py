"""What the journal stores comes back exactly: every kind of value that pydantic knows, or a named error."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretBytes

from petricore import TokenTypeError
from petricore.runtime.codec import Codec


class Colour(Enum):
    RED = "red"
    DEEP = (1, 2)


class Level(IntEnum):
    LOW = 1


class Inner(BaseModel):
    flag: bool
    note: str | None = None
    raw: bytes = b""


class Derived(Inner):
    extra: int = 1


@dataclass
class Plain:
    at: datetime
    parts: list[Inner] = field(default_factory=list)


class Outer(BaseModel):
    inner: Inner
    many: list[Inner]
    by_name: dict[str, Inner | None]
    by_number: dict[int, tuple[int, str]]
    colour: Colour
    level: Level
    either: int | str | bool | None
    when: datetime | date
    span: timedelta
    clock: time
    price: Decimal
    ident: UUID
    where: Path
    kind: Literal["a", "b"]
    bag: set[int]
    frozen: frozenset[str]
    plain: Plain
    renamed: int = Field(alias="re-named")
    anything: Any = None


def outer(**changes: Any) -> Outer:
    values: dict[str, Any] = {
        "inner": Inner(flag=False),
        "many": [Inner(flag=True, note="None", raw=bytes(range(256)))],
        "by_name": {"$bytes": Inner(flag=False), "nobody": None},
        "by_number": {7: (1, "x")},
        "colour": Colour.DEEP,
        "level": Level.LOW,
        "either": "1",
        "when": datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
        "span": timedelta(days=-1, microseconds=3),
        "clock": time(23, 59),
        "price": Decimal("1.10"),
        "ident": UUID(int=5),
        "where": Path("/a/b"),
        "kind": "b",
        "bag": {1, 2},
        "frozen": frozenset({"x"}),
        "plain": Plain(datetime(2026, 5, 1), [Inner(flag=True)]),
        "re-named": 4,
    }
    return Outer(**{**values, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"either": True},
        {"either": 1},
        {"either": None},
        {"when": date(2026, 1, 1)},
        {"anything": b"\xff\x00"},
        {"anything": {"a": (1, {2})}},
        {"anything": math.nan},
        {"anything": [-math.inf, 1.0, 1]},
    ],
)
def test_a_model_of_every_kind_of_field_comes_back_exactly(changes: dict[str, Any]) -> None:
    value = outer(**changes)
    back = Codec(Outer).decode(Codec(Outer).encode(value))
    assert repr(back) == repr(value)
    assert type(back.either) is type(value.either)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (bool, False),
        (str, "None"),
        (bytes, b"\xff"),
        (Colour, Colour.RED),
        (datetime, datetime(2026, 1, 1, tzinfo=UTC)),
        (dict[str, int], {"$tuple": 1}),
        (Plain, Plain(datetime(2026, 1, 1))),
        (float, math.inf),
        (int, 2**80),
        (str, "\ud83d"),
    ],
)
def test_a_plain_value_comes_back_exactly(type_: Any, value: Any) -> None:
    back = Codec(type_).decode(Codec(type_).encode(value))
    assert (type(back), back) == (type(value), value)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.decimals(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(PLAIN)
def test_any_plain_value_comes_back_exactly(value: Any) -> None:
    codec = Codec(Any)
    assert repr(codec.decode(codec.encode(value))) == repr(value)


@pytest.mark.parametrize(
    ("type_", "value"), [(Inner, Derived(flag=True)), (SecretBytes, SecretBytes(b"key"))]
)
def test_a_value_that_would_come_back_different_is_refused(type_: Any, value: Any) -> None:
    with pytest.raises(TokenTypeError, match="does not come back"):
        Codec(type_).encode(value)
