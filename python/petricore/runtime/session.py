"""A session: one marking of an agent's net, its history, and the people it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextvars import copy_context
from dataclasses import dataclass
from threading import get_ident
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter

from petricore.agent.failure import Failure
from petricore.agent.places import type_name
from petricore.errors import FiringNotFoundError, NetError, TokenTypeError
from petricore.runtime.events import (
    Answered,
    Approved,
    Asked,
    Closed,
    Edited,
    Event,
    Progressed,
    Quiescent,
    Remembered,
    Said,
    Started,
    Token,
)
from petricore.runtime.firing import Firing, State
from petricore.runtime.fold import Fold

if TYPE_CHECKING:
    from petricore.runtime.clock import Clock
    from petricore.runtime.context import Answer
    from petricore.runtime.dispatcher import Dispatcher
    from petricore.runtime.journal import Log

__all__ = ["GatherStatus", "Pending", "Running", "Session"]


@dataclass(frozen=True, slots=True)
class Running:
    """A firing under way, waiting people aside."""

    firing_id: str
    transition: str
    arguments: dict[str, Any]
    attempt: int
    state: str


@dataclass(frozen=True, slots=True)
class Pending:
    """What waits for a person: a firing's confirmation, or an action's question."""

    kind: Literal["confirm", "ask"]
    firing_id: str
    transition: str
    arguments: dict[str, Any]
    request_id: str | None = None
    question: str | None = None
    type: Any = None
    description: str | None = None
    """What the transition says of itself: its `description`, or the first line of its docstring."""


@dataclass(frozen=True, slots=True)
class GatherStatus:
    """A group that a gather waits for: who is there, and who may still come."""

    place: str
    members: tuple[Any, ...]
    blockers: tuple[Token, ...]
    firings: tuple[str, ...]
    """Ids of running firings that may still add members."""


class Session:
    """Use it on the loop of its runtime. Made by `Runtime.start`."""

    def __init__(
        self, dispatcher: Dispatcher, number: int, session_id: str, log: Log, clock: Clock, user: str | None
    ) -> None:
        self.id = session_id
        self.user = user
        self.number = number
        self.loop = asyncio.get_running_loop()
        self.loop_thread = get_ident()
        self.variables = copy_context()
        self.dispatcher = dispatcher
        self.firings: dict[str, Firing] = {}
        self.failures: list[Failure] = []
        self.memory: dict[str, Any] = {}
        self.interned: dict[Any, int] = {}
        self.unanswered: set[Answer[Any]] = set()
        self.asking = 0
        self.resting = False
        self.closed = False
        self.on_event: Callable[[Event], object] | None = None
        self.broken: BaseException | None = None  # what on_event raised
        self._log = log
        self._clock = clock
        self._time = clock.time
        self._count = len(log)
        self.firing_count = 0
        self._readers: list[asyncio.Future[None]] = []
        self._resters: list[asyncio.Future[None]] = []
        self.append(Started, dispatcher.agent, session_id, user)

    # -- history

    def append(self, kind: Callable[..., Event], *fields: Any) -> Event:
        """Journal the next event."""
        number = self._count + 1
        event = kind(number, self._time(), *fields)
        self._log.append(event)
        self._count = number
        self.resting = False
        if self._readers:
            self._wake(self._readers)
        if self.on_event is not None:
            try:
                self.on_event(event)
            except BaseException as error:
                # Raised here it would break off the firing that is being booked. Whoever waits for rest gets it.
                self.on_event, self.broken = None, error
                self._wake(self._resters)
        return event

    async def events(self, after: int = 0) -> AsyncIterator[Event]:
        """Events numbered above `after`, those that are there and those to come, until the session or runtime
        ends.

        Any number of readers follow at their own pace; each may resume by the number of the last event it
        saw.
        """
        while True:
            for event in self._log.read(after):
                after = event.number
                yield event
            if after < self._count:
                continue
            if self.closed:
                return
            await self._next(self._readers)

    def history(self, after: int = 0) -> list[Event]:
        """The events so far that are numbered above `after`."""
        return list(self._log.read(after))

    def marking_at(self, number: int) -> dict[str, int]:
        """Free tokens per place after event `number` (places without any are left out)."""
        return Fold(self._log.read(0, number)).marking()

    # -- tokens

    async def put(self, *values: Any, place: str | None = None) -> list[int]:
        """Put values into the places of their types, or all into `place`. All are put, or none. Returns token
        ids.

        Raises:
            TokenTypeError: no place takes a value.
            NetError: the place is unknown, not exposed, or ambiguous; the session is closed.
            GuardError: a `where` predicate or `match` field cannot be evaluated for a value.
        """
        self._open()
        plan = self.dispatcher.plan
        places = [plan.entry(value, place) for value in values]
        return self.dispatcher.put(self, places, list(values)) if values else []

    async def tokens(self, place: Any) -> list[Any]:
        """The free values of a type, or of a place by name, in order of arrival.

        A type means the place named after it and all other places of that type.
        """
        return self.peek(place)

    def peek(self, place: Any) -> list[Any]:
        """`tokens` at this moment, without awaiting."""
        return [token.value for token in self._free(place)]

    def ordered_values(self) -> dict[str, list[Any]]:
        """For each place, the free values of its type, over all places that hold it."""
        return {one.place.name: self.peek(one.place.type) for one in self.dispatcher.plan.places}

    @property
    def marking(self) -> dict[str, int]:
        """Free tokens per place, every place of the agent listed."""
        plan = self.dispatcher.plan
        names = plan.names[: len(plan.places)]
        if self.closed:
            return {**dict.fromkeys(names, 0), **Fold(self._log.read()).marking()}
        counts = self.dispatcher.fleet.marking(self.number).tolist()
        return dict(zip(names, counts, strict=False))

    def gathers(self) -> list[GatherStatus]:
        """The groups that gathers of this session wait for, and for whom."""
        if self.closed:
            return []
        values = self.dispatcher.values
        names = self.dispatcher.plan.names
        firings = {firing.number: firing.id for firing in self.firings.values()}
        where = {token: place for place in range(len(self.dispatcher.plan.places))
                 for token in self.dispatcher.fleet.tokens(self.number, place).tolist()}  # fmt: skip
        return [
            GatherStatus(
                names[one.place],
                tuple(values[token] for token in map(int, one.members)),
                tuple(Token(t, names[where[t]], values[t]) for t in map(int, one.blockers) if t in where),
                tuple(firings[f] for f in map(int, one.firings) if f in firings),
            )
            for one in self.dispatcher.fleet.waiting(self.number)
        ]

    def _free(self, place: Any) -> list[Token]:
        plan = self.dispatcher.plan
        if isinstance(place, str):
            if place not in plan.index:
                raise NetError(f"unknown place {place!r}; the places are {', '.join(map(repr, plan.index))}")
            numbers = [plan.index[place]]
        else:
            numbers = [i for i, one in enumerate(plan.places) if one.place.type == place]
            if not numbers:
                raise NetError(
                    f"no place holds {type_name(place)}; the places are {', '.join(map(repr, plan.index))}"
                )
        if self.closed or len(numbers) > 1:
            return Fold(self._log.read()).tokens(*(plan.names[number] for number in numbers))
        (number,) = numbers
        values = self.dispatcher.values
        ids = self.dispatcher.fleet.tokens(self.number, number).tolist()
        return [Token(token, plan.names[number], values[token]) for token in ids]

    # -- firings and people

    @property
    def running(self) -> list[Running]:
        """Firings under way that wait for no person, oldest first."""
        return [
            Running(one.id, one.transition, self._arguments(one), one.attempt, one.state.value)
            for one in self.firings.values()
            if not one.asks
        ]

    @property
    def waiting(self) -> list[Pending]:
        """What waits for a person, oldest firing first."""
        pending: list[Pending] = []
        for one in self.firings.values():
            if one.state is State.WAITING:
                pending.append(self._pending(one, "confirm"))
            for answer in (one.answers or {}).values():
                pending.append(answer.request)
        return pending

    def _pending(
        self,
        firing: Firing,
        kind: Literal["confirm", "ask"],
        request_id: str | None = None,
        question: str | None = None,
        type_: Any = None,
    ) -> Pending:
        arguments = self._arguments(firing)
        about = firing.served.plan.spec.description
        return Pending(kind, firing.id, firing.transition, arguments, request_id, question, type_, about)

    async def approve(self, firing_id: str) -> None:
        """Let a firing that waits for confirmation go on. Raises `FiringNotFoundError` if none of that id waits."""
        firing = self._confirming(firing_id)
        self.append(Approved, firing.id)
        self.dispatcher.approve(firing)

    async def reject(self, firing_id: str, reason: str = "") -> None:
        """Refuse a firing that waits for confirmation.

        With an error place the failure goes there; otherwise its tokens go back where they were, and this
        transition does not take them again. Raises `FiringNotFoundError` if none of that id waits.
        """
        self.dispatcher.end(self._confirming(firing_id), "rejected", reason or "rejected")

    async def edit(self, firing_id: str, **values: Any) -> None:
        """Change inputs of a firing that waits for confirmation, by parameter; it goes on waiting.

        Raises:
            FiringNotFoundError: none of that id waits.
            NetError: no such parameter, or it takes several or reads.
            TokenTypeError: the value is not of the input's type.
        """
        firing = self._confirming(firing_id)
        edited = [self._edited(firing, parameter, value) for parameter, value in values.items()]
        for token in edited:
            self.dispatcher.values[token.id] = token.value
        firing.arguments.update(values)
        self.append(Edited, firing.id, tuple(edited))

    def _edited(self, firing: Firing, parameter: str, value: Any) -> Token:
        spec = firing.plan.spec
        one = next((one for one in spec.inputs if one.parameter == parameter), None)
        cut = next((cut for cut in firing.plan.arguments if cut.parameter == parameter), None)
        if one is None or cut is None or cut.many or cut.arc in firing.served.read_arcs:
            raise NetError(f"transition {spec.name!r}: {parameter!r} is no input with one token to edit")
        if not one.place.accepts(value):
            expected, actual = type_name(one.place.type), type(value).__name__
            raise TokenTypeError(
                f"transition {spec.name!r}, parameter {parameter!r} takes {expected}, not {actual}",
                transition=spec.name,
                expected=expected,
                actual=actual,
            )
        return Token(firing.tokens[cut.arc][cut.start], one.place.name, value)

    async def answer(self, request_id: str, value: Any) -> None:
        """Answer what an action asked.

        Raises:
            FiringNotFoundError: nobody waits for that answer.
            TokenTypeError: the value cannot be converted to the type that was asked for.
        """
        for firing in self.firings.values():
            answer = (firing.answers or {}).get(request_id)
            if answer is not None:
                checked = _converted(request_id, answer.request.type, value)
                self.append(Answered, firing.id, request_id, checked)
                self._forget(firing, request_id)
                self.unanswered.discard(answer)
                answer.set(checked)
                return
        raise FiringNotFoundError(f"no request {request_id!r} waits for an answer", firing_id=request_id)

    async def cancel(self, firing_id: str | None = None) -> None:
        """End one firing (by the policy `on_error`), or the whole session: its firings give their tokens
        back.

        An async action gets CancelledError and may clean up; a sync one sees `ctx.cancelled`, and its result
        is dropped. Raises `FiringNotFoundError` if there is no such firing.
        """
        if firing_id is not None:
            if firing_id not in self.firings:
                raise FiringNotFoundError(f"no firing {firing_id!r} is under way", firing_id=firing_id)
            self.dispatcher.cancel(self.firings[firing_id])
            return
        if self.closed:
            return
        self.dispatcher.close(self)
        self.append(Closed)
        self.closed = True
        self._wake(self._readers)
        self._wake(self._resters)

    def _confirming(self, firing_id: str) -> Firing:
        firing = self.firings.get(firing_id)
        if firing is None or firing.state is not State.WAITING:
            raise FiringNotFoundError(f"no firing {firing_id!r} waits for confirmation", firing_id=firing_id)
        return firing

    def _arguments(self, firing: Firing) -> dict[str, Any]:
        context = firing.served.context_parameter
        return {name: value for name, value in firing.arguments.items() if name != context}

    # -- rest

    async def quiescent(self, timeout: float | None = None) -> None:
        """Return when nothing is enabled, nothing runs, no timer is pending and nobody is asked.

        Raises:
            TimeoutError: after `timeout` seconds; it says what is still under way.
        """
        await self._until(lambda: self.resting and self.asking == 0, timeout)

    async def settled(self, timeout: float | None = None) -> None:
        """Return when nothing but a person can move the session on. Raises `TimeoutError` like `quiescent`."""
        await self._until(lambda: self.resting, timeout)

    async def _until(self, reached: Callable[[], bool], timeout: float | None) -> None:
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True
            self._wake(self._resters)

        timer = None if timeout is None else self._clock.call_later(timeout, expire)
        try:
            if not self.resting:
                self.dispatcher.touch(self)
            while not (self.closed or reached()):
                if self.broken is not None:
                    break
                if expired:
                    raise TimeoutError(self.unfinished(timeout))
                await self._next(self._resters)
            if self.broken is not None:
                error, self.broken = self.broken, None
                raise error
        finally:
            if timer is not None:
                timer.cancel()

    def unfinished(self, timeout: float | None) -> str:
        """Why a wait of `timeout` seconds was too short."""
        running = ", ".join(sorted({one.transition for one in self.firings.values()})) or "nothing"
        return f"session {self.id!r} is not at rest after {timeout or 0:g} s; under way: {running}"

    def check_rest(self) -> None:
        """Called when the session may have come to rest."""
        if self.closed or self.resting or len(self.firings) > self.asking:
            return
        dispatcher = self.dispatcher
        if dispatcher.fleet.enabled(self.number).size and (dispatcher.refills or not self.firings):
            return
        if self.asking == 0:
            self.append(Quiescent)
        self.resting = True
        self._wake(self._resters)

    # -- what actions do (on the loop's thread)

    def on_say(self, firing: Firing, text: str) -> None:
        """An action said something."""
        if firing.id in self.firings:
            self.append(Said, firing.id, text)
            firing.alive()

    def on_progress(self, firing: Firing, fraction: float, text: str) -> None:
        """An action reported progress."""
        if firing.id in self.firings:
            self.append(Progressed, firing.id, fraction, text)
            firing.alive()

    def on_remember(self, firing: Firing, key: str, value: Any) -> None:
        """An action stored a value."""
        if not self.closed:
            self.append(Remembered, firing.id, key, value)

    def on_ask(self, firing: Firing, question: str, type_: Any, answer: Answer[Any]) -> None:
        """An action asked a person."""
        if firing.id not in self.firings or firing.stopped is not None:
            self.unanswered.discard(answer)
            answer.give_up()
            return
        firing.questions += 1
        request_id = f"{firing.id}?{firing.questions}"
        answer.request = self._pending(firing, "ask", request_id, question, type_)
        if firing.answers is None:
            firing.answers = {}
        if not firing.answers:
            self.asking += 1
        firing.answers[request_id] = answer
        self.append(Asked, firing.id, request_id, question, type_name(type_))
        self.dispatcher.touch(self)

    def forget_questions(self, firing: Firing) -> None:
        """The attempt ended: its open questions are void."""
        for request_id, answer in list((firing.answers or {}).items()):
            self._forget(firing, request_id)
            self.unanswered.discard(answer)
            answer.give_up()

    def _forget(self, firing: Firing, request_id: str) -> None:
        assert firing.answers is not None
        del firing.answers[request_id]
        if not firing.answers:
            self.asking -= 1

    # -- waiting

    def _open(self) -> None:
        if self.closed:
            raise NetError(f"session {self.id!r} is closed")

    async def _next(self, waiters: list[asyncio.Future[None]]) -> None:
        if self.dispatcher.runtime.crashed is not None:
            raise self.dispatcher.runtime.crashed
        woken = self.loop.create_future()
        waiters.append(woken)
        await woken

    @staticmethod
    def _wake(waiters: list[asyncio.Future[None]]) -> None:
        for woken in waiters:
            if not woken.done():
                woken.set_result(None)
        waiters.clear()

    def end_readers(self) -> None:
        """The runtime ends: whoever follows or waits returns."""
        self.closed = True
        for answer in list(self.unanswered):  # a thread may block on it
            answer.give_up()
        self.unanswered.clear()
        self.wake_all()

    def wake_all(self) -> None:
        """Let whoever follows or waits look again."""
        self._wake(self._readers)
        self._wake(self._resters)

    def __repr__(self) -> str:
        return f"<Session {self.id!r}: {len(self.firings)} firings, {self._count} events>"


def _converted(request_id: str, type_: Any, value: Any) -> Any:
    try:
        return TypeAdapter(type_).validate_python(value)
    except ValueError as error:
        raise TokenTypeError(
            f"request {request_id!r} asks for {type_name(type_)}: {error}",
            transition=None,
            expected=type_name(type_),
            actual=type(value).__name__,
        ) from None
