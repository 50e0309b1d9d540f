"""Actions that workers in other processes import: at the top of a module, as there they have to be."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, field_validator

from petricore import Context, Gather, To


class Job(BaseModel):
    """In."""

    n: int = 0
    text: str = ""


class Done(BaseModel):
    """Out."""

    n: int
    text: str = ""


class Other(BaseModel):
    """Out, too."""

    n: int


class Sum(BaseModel):
    """All parts."""

    n: int


class Colour(enum.Enum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    """Plain data."""

    x: float
    y: float


class Inner(BaseModel):
    """Nested."""

    id: UUID
    tags: frozenset[str]
    at: datetime | None = None


class Everything(BaseModel):
    """Every kind of value that a token may have."""

    flag: bool
    count: int
    ratio: float
    text: str
    data: bytes
    day: date
    moment: datetime
    wait: timedelta
    price: Decimal
    key: UUID
    colour: Colour
    mode: Literal["a", "b"]
    pair: tuple[int, str]
    names: list[str]
    unique: set[int]
    table: dict[str, dict[int, list[float]]]
    inner: Inner
    more: list[Inner]
    nothing: None = None
    maybe: int | None = None
    either: int | str = "x"
    point: Point
    path: Path
    aliased: Annotated[int, Field(alias="anAlias")] = 0

    model_config = {"populate_by_name": True}

    @field_validator("text")
    @classmethod
    def _kept(cls, text: str) -> str:
        return text


EVERYTHING = Everything(
    flag=True,
    count=-(2**70),
    ratio=0.1,
    text='zwölf ✓ \u0000 "quoted" \U0001f600',
    data=bytes(range(256)),
    day=date(2026, 2, 28),
    moment=datetime(2026, 2, 28, 12, 30, 1, 5, tzinfo=UTC),
    wait=timedelta(days=-1, microseconds=7),
    price=Decimal("0.10"),
    key=UUID(int=7),
    colour=Colour.BLUE,
    mode="b",
    pair=(1, "one"),
    names=["", "ü"],
    unique={3, 1},
    table={"a": {1: [0.5]}, "$bytes": {}},
    inner=Inner(id=UUID(int=8), tags=frozenset({"x"})),
    more=[Inner(id=UUID(int=9), tags=frozenset(), at=datetime(2026, 1, 1))],
    maybe=3,
    either=4,
    point=Point(1.5, -2.0),
    path=Path("/a/b"),
    aliased=9,
)


class RefusedError(Exception):
    """What an action raises."""


class OddError(Exception):
    """An exception that cannot be made of a text."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")


def twice(job: Job) -> Done:
    return Done(n=2 * job.n, text=job.text)


async def twice_later(job: Job) -> Done:
    await asyncio.sleep(0.01)
    return Done(n=2 * job.n, text=job.text)


def scatter(job: Job) -> list[Done]:
    return [Done(n=n) for n in range(job.n)]


def gather(parts: Annotated[list[Done], Gather()]) -> Sum:
    return Sum(n=sum(one.n for one in parts))


def both(job: Job) -> tuple[Done, Other]:
    return Done(n=job.n), Other(n=job.n + 1)


def either(job: Job) -> Done | Other | None:
    return None if job.n == 0 else Done(n=job.n) if job.n == 1 else Other(n=job.n)


def count(job: Job) -> Iterator[Done]:
    for n in range(job.n):
        yield Done(n=n)


async def count_later(job: Job) -> AsyncIterator[Done]:
    for n in range(job.n):
        await asyncio.sleep(0)
        yield Done(n=n)


def count_wrongly(job: Job) -> Iterator[Done]:
    yield Done(n=1)
    yield Other(n=2)  # type: ignore[misc]


def same(thing: Everything) -> Annotated[Everything, To("out")]:
    assert thing == EVERYTHING
    return thing


def point(given: Point) -> Annotated[Point, To("out")]:
    return Point(given.y, given.x)


def colour(given: Colour) -> Annotated[Colour, To("out")]:
    return Colour.RED if given is Colour.BLUE else Colour.BLUE


def number(given: int) -> Annotated[str, To("out")]:
    return str(given)


def table(given: dict[str, list[int]]) -> Annotated[dict[str, list[int]], To("out")]:
    return {name: list(reversed(values)) for name, values in given.items()}


def raw(given: bytes) -> Annotated[bytes, To("out")]:
    return given[::-1]


def wrong(job: Job) -> Done:
    return Other(n=1) if job.n else "no"  # type: ignore[return-value]


def refuse(job: Job) -> Done:
    raise RefusedError(f"not {job.n}")


def refuse_oddly(job: Job) -> Done:
    raise OddError(1, 2)


def refuse_value(job: Job) -> Done:
    raise ValueError("zwölf ✓")


def miss(job: Job) -> Done:
    return {}["key"]  # type: ignore[no-any-return]


async def refuse_later(job: Job) -> Done:
    await asyncio.sleep(0)
    raise RefusedError("later")


def retry(job: Job, ctx: Context) -> Done:
    if ctx.attempt < 3:
        raise RefusedError(f"attempt {ctx.attempt}")
    return Done(n=ctx.attempt)


def sleep(job: Job) -> Done:
    time.sleep(60)
    return Done(n=0)


async def sleep_later(job: Job) -> Done:
    await asyncio.sleep(60)
    return Done(n=0)


def nap(job: Job) -> Done:
    time.sleep(0.05)
    return Done(n=job.n)


def spin(job: Job) -> Done:
    while True:
        pass


def deaf(job: Job) -> Done:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(60)


def large(job: Job) -> Done:
    return Done(n=len(job.text), text=job.text[::-1])


def chat(job: Job, ctx: Context) -> Done:
    ctx.say("hello ✓")
    ctx.progress(0.5, "half")
    ctx.remember("seen", {"n": job.n, "at": datetime(2026, 1, 1)})
    seen = ctx.recall("seen")
    assert seen == {"n": job.n, "at": datetime(2026, 1, 1)}, seen
    assert ctx.recall("other", 7) == 7
    ctx.send_file("out.bin", b"\x00\xff", "application/x")
    assert ctx.get_file("out.bin").result() == b"\x00\xff"
    try:
        ctx.get_file("absent").result()
    except KeyError:
        return Done(n=ctx.attempt, text=f"{ctx.session_id} {ctx.firing_id}")
    return Done(n=-1)


async def chat_later(job: Job, ctx: Context) -> Done:
    await ctx.say("hello")
    first, second = await asyncio.gather(ctx.ask("first?", int), ctx.ask("second?", Other))
    sure = await ctx.confirm("sure?")
    return Done(n=first + second.n, text=str(sure))


def ask(job: Job, ctx: Context) -> Done:
    return Done(n=ctx.ask("how many?", int).result())


def tell_secret(job: Job, ctx: Context) -> Done:
    try:
        ctx.secret("other")
    except KeyError:
        return Done(n=len(ctx.secret("key")))
    return Done(n=-1)


def die(job: Job) -> Done:
    os._exit(job.n)


def crash(job: Job) -> Done:
    os.kill(os.getpid(), signal.SIGSEGV)
    return Done(n=0)


def leave(job: Job) -> Done:
    sys.exit(3)


def where(job: Job) -> Done:
    return Done(n=os.getpid(), text=os.environ.get("PLACE", ""))


def hog(job: Job) -> Done:
    held: list[Any] = []
    while True:
        held.append(bytearray(1 << 24))


def chatter(job: Job) -> Done:
    print("to output")
    print("to error", file=sys.stderr)
    return Done(n=1)


def spawn(job: Job) -> Done:
    """Leave a process behind that outlives its parent."""
    if os.fork() == 0:
        os.setsid()
        time.sleep(job.n)
        os._exit(0)
    return Done(n=1)


def read(job: Job) -> Done:
    return Done(n=0, text=Path(job.text).read_text())


def host_name(job: Job) -> Done:
    return Done(n=job.n, text=os.uname().nodename)


def read_and_write(job: Job) -> Done:
    text = Path(job.text).read_text()
    try:
        Path(job.text + ".written").write_text("x")
    except OSError:
        return Done(n=0, text=text)
    return Done(n=1, text=text)


def fetch(job: Job) -> Done:
    """Fetch each of the addresses in the text: the bodies, or why there is none."""
    import urllib.error
    import urllib.request

    bodies = []
    for address in job.text.split():
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                bodies.append(answer.read().decode())
        except urllib.error.HTTPError as error:
            bodies.append(str(error.code))
        except OSError as error:
            bodies.append(type(error).__name__)
    return Done(n=len(bodies), text=" ".join(bodies))


def reach_past(job: Job) -> Done:
    """Ask the proxy itself for what it must not give: its answers."""
    import socket

    answers = []
    for request in job.text.split("|"):
        with socket.create_connection(("127.0.0.1", 3128), 5) as link:
            link.sendall(request.encode().decode("unicode_escape").encode("latin-1"))
            answers.append(link.recv(64).decode("latin-1").split(" ")[1])
    return Done(n=len(answers), text=" ".join(answers))


def after(done: Done) -> Sum:
    return Sum(n=done.n)
