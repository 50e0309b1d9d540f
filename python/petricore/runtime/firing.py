"""A firing: the inputs it holds, its attempts, its timers. To an executor it is a job."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import Context as Variables
from enum import Enum
from typing import TYPE_CHECKING, Any

from petricore.runtime import remote
from petricore.runtimes.base import Kind, Requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from petricore.agent.compile import TransitionPlan
    from petricore.runtime.clock import Timer
    from petricore.runtime.context import Answer
    from petricore.runtime.dispatcher import Dispatcher
    from petricore.runtime.events import Token
    from petricore.runtime.served import Served
    from petricore.runtime.session import Session

__all__ = ["Firing", "State", "ordinal_of"]


class State(Enum):
    """Where a firing is between its claim and its end."""

    WAITING = "waiting for confirmation"
    DELAYED = "delayed"
    RUNNING = "running"
    BACKOFF = "waiting for its next attempt"


class Firing:
    """A claimed firing. The executor's protocol `Job` on one side, the dispatcher's bookkeeping on the other."""

    # Class attributes are the state of a fresh firing: a thousand of them are made in a turn.
    context: Variables
    attempt = 0
    state = State.RUNNING
    stopped: str | None = None
    """Why the attempt under way is being ended before its time."""
    stopped_by: str | None = None
    launched = False
    """Whether the executor has the attempt under way."""
    emitted = False
    due: float | None = None
    """When the clock moves it on, in seconds since the epoch."""
    interruptions = 0
    """How often a process died while it ran."""
    asked: dict[int, tuple[str, float | None]] | None = None
    """What was asked: by ordinal, the question, and its deadline while the attempt that asked it may go on."""
    replies: dict[int, tuple[str, Any]] | None = None
    """What was answered: by ordinal of the question, the question and the value. Not asked again."""
    seen: dict[int, Token] | None = None
    """The tokens of read arcs, by the fleet's ids: others may consume them meanwhile."""
    put: list[Token] | None = None
    """What a generator has put, where a compensation is to know it."""
    undoes: str | None = None
    """The firing that this one compensates."""
    dozing = 0
    """Open questions with a deadline."""
    timer: Timer | None = None
    idle_timer: Timer | None = None
    questions = 0
    answers: dict[str, Answer[Any]] | None = None

    def __init__(
        self,
        dispatcher: Dispatcher,
        session: Session,
        served: Served,
        number: int,
        tokens: list[list[int]],
        firing_id: str,
    ) -> None:
        self.dispatcher = dispatcher
        self.session = session
        self.served = served
        self.number = number
        self.tokens = tokens
        self.id = firing_id
        self.action = served.action
        self.kind: Kind = served.kind
        self.timed: bool = served.timed
        self.arguments: dict[str, Any] = {}

    @property
    def plan(self) -> TransitionPlan:
        """The compiled transition."""
        return self.served.plan

    @property
    def transition(self) -> str:
        """The name of the transition."""
        return self.served.name

    @property
    def asks(self) -> bool:
        """Whether only a person can move it."""
        return self.state is State.WAITING or bool(self.answers)

    def started(self) -> None:
        """Start the clocks of its timeouts."""
        self.dispatcher.attempt_started(self)

    def emit(self, value: Any) -> None:
        """Put what a generator yielded."""
        self.dispatcher.emit(self, value)

    def done(self, value: Any, error: BaseException | None) -> None:
        """Take the outcome of the attempt."""
        try:
            self.dispatcher.attempt_ended(self, value, error)
        except Exception as broken:
            self.dispatcher.runtime.crash(broken)

    # -- where its action runs in another process

    @property
    def requirements(self) -> Requirements:
        """What it asks of where it runs."""
        return self.served.options.requirements

    @property
    def scope(self) -> tuple[str, str]:
        """The agent's version and the session."""
        return self.dispatcher.version, self.session.id

    @property
    def context_parameter(self) -> str | None:
        """The parameter that gets the action's context."""
        return self.served.context_parameter

    def about(self) -> Mapping[str, Any]:
        """What the action is told of itself."""
        return {"session": self.session.id, "firing": self.id, "attempt": self.attempt}

    def secrets(self) -> Mapping[str, str]:
        """The secrets that its transition declares, by name."""
        known = self.dispatcher.runtime.secrets
        return {name: known[name] for name in self.requirements.secrets}

    def packed(self) -> dict[str, Any]:
        """The arguments as what JSON knows."""
        assert self.served.wire is not None
        return self.served.wire.pack(self.arguments)

    def unpacked(self, tree: Any) -> Any:
        """What the action returned. Raises `TokenTypeError` for what cannot be a token of this firing."""
        assert self.served.wire is not None
        return self.served.wire.unpack(tree)

    def plain(self) -> bytes:
        """The arguments as JSON for a program that knows nothing of petricore."""
        assert self.served.wire is not None
        return self.served.wire.plain(self.arguments)

    def parsed(self, text: bytes) -> Any:
        """What a program printed. Raises `TokenTypeError` for what cannot be a token of this firing."""
        assert self.served.wire is not None
        return self.served.wire.parse(text)

    def tell(self, what: str, about: Any) -> None:
        """The action said something."""
        remote.tell(self, what, about)

    def call(self, what: str, about: Any, reply: Callable[[Any, BaseException | None], None]) -> None:
        """The action asks for something."""
        remote.call(self, what, about, reply)

    def log(self, text: str) -> None:
        """The action printed something."""
        remote.log(self, text)

    def note_emitted(self, outputs: Sequence[Token]) -> None:
        """A generator has put something."""
        self.emitted = True
        if self.served.compensated:
            self.put = [*(self.put or ()), *outputs]

    def ask(self, ordinal: int, question: str, deadline: float | None = None) -> None:
        """Keep what was asked, to know what an answer is to."""
        if self.asked is None:
            self.asked = {}
        self.asked[ordinal] = question, deadline

    def forget_deadlines(self) -> None:
        """The attempt has ended: the next one asks anew."""
        for ordinal, (question, _) in (self.asked or {}).items():
            self.ask(ordinal, question)

    def reply(self, ordinal: int, value: Any) -> None:
        """Keep what was answered, for attempts to come."""
        if self.replies is None:
            self.replies = {}
        self.replies[ordinal] = ((self.asked or {}).get(ordinal, ("", None))[0], value)

    def alive(self) -> None:
        """A sign of life: put off the idle timeout."""
        if self.idle_timer is not None:
            self.dispatcher.watch_idleness(self)

    def stop_timers(self) -> None:
        """Cancel whatever timer is pending."""
        for timer in (self.timer, self.idle_timer):
            if timer is not None:
                timer.cancel()
        self.timer = self.idle_timer = None


def ordinal_of(request_id: str) -> int:
    """Which question of its firing a request is, from 1."""
    return int(request_id.rpartition("?")[2])
