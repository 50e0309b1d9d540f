"""The executor protocol: a job goes in, and exactly one outcome comes back on the event loop.

An executor belongs to one running event loop. All of its methods, and all methods of a job, are called on
that loop's thread. An action's own code may run anywhere the executor says.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from enum import Enum
from typing import Any, Protocol

__all__ = ["Executor", "Job", "Kind"]


class Kind(Enum):
    """The four kinds of actions."""

    COROUTINE = "coroutine"
    FUNCTION = "function"
    ASYNC_GENERATOR = "async generator"
    GENERATOR = "generator"


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


class Executor(Protocol):
    """Runs jobs."""

    capabilities: frozenset[Kind]
    """The kinds of actions it can run."""

    @property
    def load(self) -> int:
        """Jobs submitted and not done."""

    def submit(self, job: Job) -> None:
        """Take a job. Never blocks, never raises what the action raises."""

    def cancel(self, job: Job) -> None:
        """Ask a submitted job to end; `done` follows. A job that is done already is left alone."""

    async def drain(self) -> None:
        """Cancel what is left and free what the executor holds. No job may be submitted after that."""
