"""The options of a transition: what is accepted is obeyed, and what needs another part is refused."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from petricore.agent.markers import To
from petricore.agent.requirements import REQUIREMENTS, parse_requirements
from petricore.agent.schedule import Every
from petricore.errors import NetError
from petricore.runtimes.base import NOTHING_SPECIAL, Requirements

__all__ = ["Confirm", "Options", "RateLimit", "RetryPolicy", "TimeoutPolicy", "parse_options"]

RetryOn = type[BaseException] | tuple[type[BaseException], ...] | Callable[[BaseException], bool]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and when a failed attempt is made again. Intervals in seconds.

    Attempt k + 1 follows attempt k after `initial_interval * backoff_factor**(k - 1)` seconds, at most
    `max_interval`; with `jitter` that is multiplied by a random number between 0.5 and 1.5. `max_attempts`
    counts the first one. `retry_on` is an exception type, a tuple of them, or a predicate on the exception.
    """

    initial_interval: float = 0.1
    backoff_factor: float = 2.0
    max_interval: float = 128.0
    max_attempts: int = 3
    jitter: bool = True
    retry_on: RetryOn = Exception

    def __post_init__(self) -> None:
        _seconds("RetryPolicy", "initial_interval", self.initial_interval)
        _seconds("RetryPolicy", "max_interval", self.max_interval)
        if not self.backoff_factor >= 1:
            raise NetError(f"RetryPolicy: backoff_factor is at least 1, not {self.backoff_factor!r}")
        _count("RetryPolicy", "max_attempts", self.max_attempts, least=1)

    def admits(self, attempt: int, error: BaseException) -> bool:
        """Whether attempt number `attempt` (from 1), which raised `error`, is to be followed by another."""
        if attempt >= self.max_attempts:
            return False
        if isinstance(self.retry_on, (type, tuple)):
            return isinstance(error, self.retry_on)
        return self.retry_on(error)

    def interval(self, attempt: int, random: Callable[[], float]) -> float:
        """Seconds to wait after attempt number `attempt`; `random` draws from [0, 1)."""
        try:
            seconds = min(self.initial_interval * self.backoff_factor ** (attempt - 1), self.max_interval)
        except OverflowError:  # a thousand attempts later
            seconds = self.max_interval if self.initial_interval else 0.0
        return seconds * (0.5 + random()) if self.jitter else seconds


@dataclass(frozen=True, slots=True)
class TimeoutPolicy:
    """When an attempt is given up, in seconds: after `run_timeout` in all, or `idle_timeout` without a sign
    of life.

    Signs of life are what an action says, reports as progress or emits.
    """

    run_timeout: float | None = None
    idle_timeout: float | None = None

    def __post_init__(self) -> None:
        for name in ("run_timeout", "idle_timeout"):
            value = getattr(self, name)
            if value is not None:
                _seconds("TimeoutPolicy", name, value, positive=True)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `firings` in any window of `seconds`."""

    firings: int
    seconds: float


Otherwise = Literal["reject", "approve", "cancel"]


@dataclass(frozen=True, slots=True)
class Confirm:
    """A person decides before the action runs: `confirm=Confirm("Publish it?", deadline=3600)`.

    Args:
        question: what the person is asked.
        deadline: seconds after which nobody is waited for any more.
        otherwise: what happens then: "reject" (the default), "approve" or "cancel". The event says `by="deadline"`.
    """

    question: str | None = None
    deadline: float | None = None
    otherwise: Otherwise = "reject"

    def __post_init__(self) -> None:
        _text("Confirm", "question", self.question)
        if self.deadline is not None:
            _seconds("Confirm", "deadline", self.deadline, positive=True)
        if self.otherwise not in get_args(Otherwise):
            raise NetError(f"Confirm: otherwise is 'reject', 'approve' or 'cancel', not {self.otherwise!r}")


@dataclass(frozen=True, slots=True)
class Options:
    """The checked options of one transition."""

    priority: int = 0
    confirm: Confirm | None = None
    retry: RetryPolicy | None = None
    timeout: TimeoutPolicy | None = None
    delay: float = 0.0
    concurrency: int | None = None
    rate_limit: RateLimit | None = None
    on_error: str = "fail"
    """"fail", "release", "session", or "to" with `error_place`."""
    error_place: str | None = None
    description: str | None = None
    executor: str = "inline"
    delivery: str = "at_least_once"
    """How often a crash may let the action run: "at_least_once" or "at_most_once"."""
    every: Every | None = None
    compensate: Callable[..., Any] | None = None
    requirements: Requirements = NOTHING_SPECIAL
    """What it asks of where it runs."""


_ELSEWHERE = {
    "callback_url": "the server",
    "expose": "the server (a place is hidden with agent.place(..., expose=False))",
}

_KNOWN = (
    "priority",
    "confirm",
    "retries",
    "backoff",
    "timeout",
    "delay",
    "concurrency",
    "rate_limit",
    "on_error",
    "description",
    "executor",
    "delivery",
    "every",
    "compensate",
    *REQUIREMENTS,
)

_UNITS = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "m": 60.0,
    "min": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
}


def parse_options(where: str, given: dict[str, Any], *, asynchronous: bool) -> Options:
    """Check the options `given` for the transition described by `where`.

    Raises:
        NetError: an option is unknown, has a bad value or needs a part that is not available; the message
            says which.
    """
    given = dict(given)
    for name, part in _ELSEWHERE.items():
        if name in given:
            raise NetError(f"{where}: option {name!r} needs {part}, which is not available")
    for name in given:
        if name not in _KNOWN:
            raise NetError(f"{where}: unknown option {name!r}; the options are {', '.join(_KNOWN)}")
    on_error, error_place = _on_error(where, given.get("on_error", "fail"))
    retry = _retry(where, given.get("retries", 0), given.get("backoff"))
    requirements = parse_requirements(where, given)
    concurrency = given.get("concurrency")
    return Options(
        priority=_count(where, "priority", given.get("priority", 0), least=-(2**31)),
        confirm=_confirm(where, given.get("confirm", False)),
        retry=retry,
        timeout=_timeout(where, given.get("timeout")),
        delay=_seconds(where, "delay", given.get("delay", 0.0)),
        concurrency=None if concurrency is None else _count(where, "concurrency", concurrency, least=1),
        rate_limit=_rate(where, given.get("rate_limit")),
        on_error=on_error,
        error_place=error_place,
        description=_text(where, "description", given.get("description")),
        executor=_executor(where, given.get("executor"), requirements, asynchronous=asynchronous),
        delivery=_delivery(where, given.get("delivery", "at_least_once"), retry),
        every=_every(where, given.get("every")),
        compensate=_compensate(where, given.get("compensate")),
        requirements=requirements,
    )


def _retry(where: str, retries: object, backoff: object) -> RetryPolicy | None:
    if isinstance(retries, RetryPolicy):
        if backoff is not None:
            raise NetError(f"{where}: backoff is part of the RetryPolicy; give one of them")
        return retries
    number = _count(where, "retries", retries, least=0)
    if number == 0:
        if backoff is not None:
            raise NetError(f"{where}: backoff={backoff!r} without retries")
        return None
    if backoff is None:
        return RetryPolicy(max_attempts=number + 1)
    return RetryPolicy(initial_interval=_seconds(where, "backoff", backoff), max_attempts=number + 1)


def _timeout(where: str, timeout: object) -> TimeoutPolicy | None:
    if timeout is None or isinstance(timeout, TimeoutPolicy):
        return timeout
    return TimeoutPolicy(run_timeout=_seconds(where, "timeout", timeout, positive=True))


def _rate(where: str, limit: object) -> RateLimit | None:
    if limit is None:
        return None
    if isinstance(limit, str):
        match = re.fullmatch(r"\s*(\d+)\s*/\s*([a-z]+)\s*", limit)
        if match is None or match[2] not in _UNITS:
            raise NetError(f"{where}: rate_limit is like '10/s', '100/min' or (10, 1.0), not {limit!r}")
        limit = (int(match[1]), _UNITS[match[2]])
    if not (isinstance(limit, tuple) and len(limit) == 2):
        raise NetError(f"{where}: rate_limit is like '10/s', '100/min' or (10, 1.0), not {limit!r}")
    return RateLimit(
        _count(where, "rate_limit", limit[0], least=1), _seconds(where, "rate_limit", limit[1], positive=True)
    )


def _on_error(where: str, value: object) -> tuple[str, str | None]:
    if value in ("fail", "release", "session"):
        return str(value), None
    if isinstance(value, To):
        return "to", value.place
    if isinstance(value, str) and value:
        return "to", value
    raise NetError(
        f"{where}: on_error is 'fail', 'release', 'session', a place name or To(place), not {value!r}"
    )


def _executor(where: str, value: object, requirements: Requirements, *, asynchronous: bool) -> str:
    if value is None:
        if requirements.image is not None:
            return "docker"
        if requirements.gpu:
            return "gpu"
        return "inline" if asynchronous else "thread"
    if not isinstance(value, str) or not value:
        raise NetError(f"{where}: executor is the name of an executor, not {value!r}")
    if asynchronous and value == "thread":
        raise NetError(f"{where}: an async action runs on the event loop; executor='thread' is for sync ones")
    return value


def _delivery(where: str, value: object, retry: RetryPolicy | None) -> str:
    if value not in ("at_least_once", "at_most_once"):
        raise NetError(f"{where}: delivery is 'at_least_once' or 'at_most_once', not {value!r}")
    if value == "at_most_once" and retry is not None and retry.max_attempts > 1:
        raise NetError(
            f"{where}: delivery='at_most_once' and {retry.max_attempts} attempts contradict each other"
        )
    return str(value)


def _confirm(where: str, value: object) -> Confirm | None:
    if isinstance(value, Confirm):
        return value
    if not isinstance(value, bool):
        raise NetError(f"{where}: confirm is True, False or Confirm(...), not {value!r}")
    return Confirm() if value else None


def _every(where: str, value: Any) -> Every | None:
    if value is None or isinstance(value, Every):
        return value
    try:
        return Every(value)
    except NetError as error:
        raise NetError(f"{where}: {error}") from None


def _compensate(where: str, value: Any) -> Callable[..., Any] | None:
    if value is not None and not callable(value):
        raise NetError(f"{where}: compensate is a function, not {value!r}")
    return value  # type: ignore[no-any-return]


def _text(where: str, name: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise NetError(f"{where}: {name} is a string, not {value!r}")
    return value


def _count(where: str, name: str, value: object, *, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**31:
        raise NetError(f"{where}: {name} is an integer of at least {least}, not {value!r}")
    return value


def _seconds(where: str, name: str, value: object, *, positive: bool = False) -> float:
    number = math.nan if isinstance(value, bool) or not isinstance(value, (int, float)) else float(value)
    if not (math.isfinite(number) and (number > 0 if positive else number >= 0)):
        raise NetError(
            f"{where}: {name} is a number of seconds {'above' if positive else 'from'} 0, not {value!r}"
        )
    return number
