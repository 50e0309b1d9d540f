"""The executor protocol: a job goes in, and exactly one outcome comes back on the event loop.

An executor belongs to one running event loop. All of its methods, and all methods of a job, are called on
that loop's thread. An action's own code may run anywhere the executor says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Literal, Protocol

__all__ = ["NOTHING_SPECIAL", "Executor", "Job", "Kind", "RemoteJob", "Requirements", "Volume"]


class Kind(Enum):
    """The four kinds of actions."""

    COROUTINE = "coroutine"
    FUNCTION = "function"
    ASYNC_GENERATOR = "async generator"
    GENERATOR = "generator"


@dataclass(frozen=True, slots=True)
class Volume:
    """A folder of the host, or a volume by name, where the action sees it."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a transition asks of where it runs. Equal ones may share a worker, unequal ones never do."""

    image: Any = None
    """The name of an image, or a declaration of one (`petricore.runtimes.docker.Image`)."""
    command: tuple[str, ...] | None = None
    """A program of the image that is run instead of the action: arguments as JSON in, the result as JSON out."""
    cpu: float | None = None
    """Processors."""
    memory: int | None = None
    """Bytes."""
    gpu: int = 0
    """Cards."""
    network: tuple[str, ...] = ()
    """Hosts that may be reached, `name:port`; none unless named."""
    volumes: tuple[Volume, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    """Names; the executor knows the values."""
    reuse: Literal["never", "session", "agent"] | None = None
    """Who shares a worker: nobody, the firings of a session, or those of all sessions."""

    def named(self) -> list[str]:
        """What is asked for, by the names of the options."""
        return [one.name for one in fields(self) if getattr(self, one.name) != one.default]


NOTHING_SPECIAL = Requirements()


class Job(Protocol):
    """One attempt of one firing, as an executor sees it."""

    kind: Kind
    action: Callable[..., Any]
    arguments: dict[str, Any]
    context: Context
    """The context variables the action sees; its own copy."""
    timed: bool
    """Whether `started` matters."""

    def started(self) -> None:
        """The action has begun and did not end at once. Clocks of timeouts start here, not in a queue."""

    def emit(self, value: Any) -> None:
        """A generator yielded `value`. What this raises ends the generator and is the outcome."""

    def done(self, value: Any, error: BaseException | None) -> None:
        """The outcome, exactly once: a value, or the exception. A job that was cancelled ends with CancelledError."""


class RemoteJob(Job, Protocol):
    """A job for an executor whose actions run in another process: everything it hands over is data."""

    @property
    def requirements(self) -> Requirements:
        """What it asks for."""

    @property
    def scope(self) -> tuple[str, str]:
        """The agent and the session, as keys of what firings may share."""

    def about(self) -> Mapping[str, Any]:
        """What the action is told of itself: the ids of its session and firing, and the number of the attempt."""

    @property
    def context_parameter(self) -> str | None:
        """The parameter that gets the action's `Context`."""

    def secrets(self) -> Mapping[str, str]:
        """The values of the secrets that it asks for, by name. For nobody's eyes but the action's."""

    def packed(self) -> dict[str, Any]:
        """The arguments, as what JSON knows; `petricore.runtimes.worker.unpack` takes them."""

    def unpacked(self, tree: Any) -> Any:
        """What the action returned or emitted. Raises `TokenTypeError` for what cannot be a token of this firing."""

    def plain(self) -> bytes:
        """The arguments as JSON for a program that knows nothing of petricore."""

    def parsed(self, text: bytes) -> Any:
        """What a program printed. Raises `TokenTypeError` for what cannot be a token of this firing."""

    def tell(self, what: str, about: Any) -> None:
        """The action said something or reported progress. Raises `ValueError` for what is no such thing."""

    def call(self, what: str, about: Any, reply: Callable[[Any, BaseException | None], None]) -> None:
        """The action asks for something; `reply` is called once with what it gets (packed), or the error."""

    def log(self, text: str) -> None:
        """The action printed something."""


class Executor(Protocol):
    """Runs jobs."""

    capabilities: frozenset[Kind]
    """The kinds of actions it can run."""
    obeys: frozenset[str]
    """The fields of `Requirements` that it obeys. A transition that asks for another is refused."""
    remote: bool
    """Whether actions run in another process, so that jobs are `RemoteJob`."""

    @property
    def load(self) -> int:
        """Jobs submitted and not done."""

    def submit(self, job: Any) -> None:
        """Take a job: a `RemoteJob` where actions run in another process. Never blocks, never raises what the
        action raises."""

    def cancel(self, job: Any) -> None:
        """Ask a submitted job to end; `done` follows. A job that is done already is left alone."""

    async def drain(self) -> None:
        """Cancel what is left and free what the executor holds. No job may be submitted after that."""
