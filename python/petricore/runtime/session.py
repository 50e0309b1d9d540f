"""A session: one marking of an agent's net, its history, and the people it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextvars import copy_context
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any

from petricore.agent.failure import Failure
from petricore.agent.places import type_name
from petricore.errors import FiringNotFoundError, NetError, SessionLostError, TokenTypeError
from petricore.runtime.action_calls import ActionCalls
from petricore.runtime.events import (
    Approved,
    Closed,
    Edited,
    Event,
    Sent,
    Started,
    Token,
)
from petricore.runtime.files import File, check_content, describe_file
from petricore.runtime.firing import Firing, State
from petricore.runtime.fold import Fold
from petricore.runtime.fork import fork_session
from petricore.runtime.lineage import Lineage
from petricore.runtime.logs import log_event
from petricore.runtime.rest import Rest, wake
from petricore.runtime.saga import Saga
from petricore.runtime.snapshot import save_session
from petricore.runtime.sources import Sources
from petricore.runtime.status import GatherStatus, Pending, Running
from petricore.texts import check_by, check_name, check_number, check_text

if TYPE_CHECKING:
    from petricore.runtime.clock import Clock
    from petricore.runtime.dispatcher import Dispatcher
    from petricore.runtime.journal import Log
    from petricore.runtime.journal.store import Refusal, Status

__all__ = ["Session"]


class Session:
    """Use it on the loop of its runtime. Made by `Runtime.start`."""

    number: int
    """The fleet's id of it, while it is in memory."""

    account: int
    """The fleet's number for its user, likewise."""

    def __init__(
        self, dispatcher: Dispatcher, session_id: str, log: Log, clock: Clock, user: str | None = None
    ) -> None:
        self.id = session_id
        self.user = user
        self.loop = asyncio.get_running_loop()
        self.loop_thread = get_ident()
        self.variables = copy_context()
        self.dispatcher = dispatcher
        self.firings: dict[str, Firing] = {}
        self.failures: list[Failure] = []
        self.memory: dict[str, Any] = {}
        self.interned: dict[Any, int] = {}
        self.asking = 0
        self.attempts = 0
        """Attempts under way."""
        self.resting = False
        self.closed = False
        self.unwinding = False
        """It has failed or was cancelled, and what it did is being undone."""
        self.deadlines = 0
        """Firings that wait for people until a deadline."""
        self.stopping: set[Firing] = set()
        """Firings that are cancelled and have not ended."""
        self.saga = Saga(self)
        self.inherited = 0
        """The number of the last event that a fork has copied; what is told up to there, the original undoes."""
        self.sources: Sources | None = None
        self.sent: dict[str, File] = {}
        self.parked = False
        """Not in memory: idle, and given up. Whatever is asked of it brings it back."""
        self.on_event: Callable[[Event], object] | None = None
        self.broken: BaseException | None = None
        """What ended the session from outside of it, or what `on_event` raised; whoever waits gets it."""
        self.attach(log)
        self.calls = ActionCalls(self, clock)
        self._clock = clock
        self._telemetry = dispatcher.runtime.telemetry
        self._time = clock.time
        self.firing_count = 0
        self.token_count = 0
        self.active_at = clock.time()
        """When something last happened in it."""
        self._readers: list[asyncio.Future[None]] = []
        self.rest = Rest(self, clock)

    def attach(self, log: Log) -> None:
        """Journal to this log from now on."""
        self.log = log
        self._encode, self._append, self._length = log.encode, log.append, log.__len__

    def begin(self, user: str | None, version: str, forked_from: tuple[str, int] | None = None) -> None:
        """Journal the first event."""
        self.user = user
        self.append(Started, self.dispatcher.agent, self.id, user, version, forked_from)
        self.make_sources(self._time())
        if self.sources is not None:
            self.sources.start()

    def make_sources(self, begun: float) -> None:
        """Have the sources of the agent, if it has any."""
        if any(one.tick_place is not None for one in self.dispatcher.plan.transitions):
            self.sources = Sources(self, begun)

    # -- history

    def encode(self, kind: Callable[..., Event], *fields: Any) -> tuple[Event, Any]:
        """The next event, ready for `push`. Raises `TokenTypeError` for what cannot be kept; nothing is changed
        then."""
        event = kind(self._length() + 1, self._time(), *fields)
        return event, self._encode(event)

    def push(self, event: Event, encoded: Any) -> None:
        """Journal an event, right after it was encoded."""
        self._append(event, encoded)
        log_event(self, event)
        if self._telemetry is not None:
            self._telemetry.notice(self, event)
        self.resting = False
        self.active_at = event.time
        if self._readers:
            self.log.after_commit(partial(wake, self._readers))
        if self.on_event is not None:
            self.log.after_commit(partial(self._tell, event))

    def append(self, kind: Callable[..., Event], *fields: Any) -> None:
        """Encode and journal the next event."""
        event = kind(self._length() + 1, self._time(), *fields)
        self.push(event, self._encode(event))

    def _tell(self, event: Event) -> None:
        if self.on_event is None:
            return
        try:
            self.on_event(event)
        except BaseException as error:
            # Raised here it would break off the firing that is being booked. Whoever waits for rest gets it.
            self.on_event, self.broken = None, error
            self.rest.wake()

    async def committed(self) -> None:
        """Return when all that happened until now is durable. Raises what broke the journal or the session."""
        if self.log.durable == len(self.log):
            return
        committed = False

        def commit() -> None:
            nonlocal committed
            committed = True
            wake(self._readers)

        self.log.after_commit(commit)
        while not committed:
            if self.broken is not None:
                raise self.broken
            await self.next(self._readers)

    async def events(self, after: int = 0) -> AsyncIterator[Event]:
        """Events numbered above `after`, those that are there and those to come, until the session or runtime
        ends.

        Any number of readers follow at their own pace; each may resume by the number of the last event it
        saw.
        """
        check_number("after", after)
        while True:
            for event in self.log.read(after):
                after = event.number
                yield event
            if after < self.log.durable:
                continue
            if self.closed:
                return
            if after < len(self.log):
                self.log.after_commit(partial(wake, self._readers))
            await self.next(self._readers)

    def history(self, after: int = 0) -> list[Event]:
        """The events so far that are numbered above `after`. Raises `NetError` for what is no number from 0 on."""
        check_number("after", after)
        return list(self.log.read(after))

    def marking_at(self, number: int) -> dict[str, int]:
        """Free tokens per place after event `number` (places without any are left out)."""
        check_number("an event's number", number)
        return Fold(self.log.read(0, number)).marking()

    async def fork(self, at: int | None = None, *, session_id: str | None = None) -> Session:
        """A new session that begins with the first `at` events of this one (default: all), and goes on by itself.

        Firings that were under way then are released: the fork makes them anew, by new ids, and asks people again.
        What the copied events did outside is not done again, and nothing of it undone.

        Args:
            at: number of the last event that is copied.
            session_id: the fork's, one of its own unless given.

        Raises:
            NetError: there is no such event; this one had ended by then or was migrated; the id is in use.
        """
        self._present()
        if session_id is not None:
            check_name("a session's id", session_id)
        await self.committed()
        fork = fork_session(self, at, session_id)
        await fork.committed()
        return fork

    def lineage(self, token_id: int) -> Lineage:
        """Why a token exists: the firings and tokens that led to it. Reads the whole history.

        Raises `NetError` if the session never had a token of that id.
        """
        return Lineage.of(self.log.read()).past(token_id)

    def descendants(self, token_id: int) -> Lineage:
        """What became of a token: the firings and tokens that it led to. Raises like `lineage`."""
        return Lineage.of(self.log.read()).future(token_id)

    # -- tokens

    async def put(self, *values: Any, place: str | None = None, by: str | None = None) -> list[int]:
        """Put values into the places of their types, or all into `place`. All are put, or none. Returns token
        ids, when they are durable.

        Raises:
            TokenTypeError: no place takes a value.
            NetError: the place is unknown, not exposed, or ambiguous; the session is closed.
            GuardError: a `where` predicate or `match` field cannot be evaluated for a value.
        """
        self._open()
        check_by(by)
        plan = self.dispatcher.plan
        places = [plan.entry(value, place) for value in values]
        if not values:
            return []
        tokens = self.dispatcher.put(self, places, list(values), by)
        await self.committed()
        return [token.id for token in tokens]

    async def tokens(self, place: Any) -> list[Any]:
        """The free values of a type, or of a place by name, in order of arrival, when they are durable.

        A type means the place named after it and all other places of that type.
        """
        values = self.peek(place)
        if not self.closed:
            await self.committed()
        return values

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
        self._present()
        if self.closed or self.unwinding:
            return {**dict.fromkeys(names, 0), **Fold(self.log.read()).marking()}
        counts = self.dispatcher.fleet.marking(self.number).tolist()
        return dict(zip(names, counts, strict=False))

    def gathers(self) -> list[GatherStatus]:
        """The groups that gathers of this session wait for, and for whom."""
        self._present()
        if self.closed:
            return []
        known = self.dispatcher.tokens.by_number
        names = self.dispatcher.plan.names
        firings = {firing.number: firing.id for firing in self.firings.values()}
        free = {number for place in range(len(self.dispatcher.plan.places))
                for number in self.dispatcher.fleet.tokens(self.number, place).tolist()}  # fmt: skip
        return [
            GatherStatus(
                names[one.place],
                tuple(known[number].value for number in map(int, one.members)),
                tuple(known[number] for number in map(int, one.blockers) if number in free),
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
        self._present()
        if self.closed or self.unwinding:
            return Fold(self.log.read()).tokens(*(plan.names[number] for number in numbers))
        known, fleet = self.dispatcher.tokens.by_number, self.dispatcher.fleet
        tokens = [known[one] for number in numbers for one in fleet.tokens(self.number, number).tolist()]
        # one place is in order of arrival already; over several, ids are
        return tokens if len(numbers) == 1 else sorted(tokens)

    # -- firings and people

    @property
    def running(self) -> list[Running]:
        """Firings under way that wait for no person, oldest first."""
        self._present()
        return [Running.of(one) for one in self.firings.values() if not one.asks]

    @property
    def waiting(self) -> list[Pending]:
        """What waits for a person, oldest firing first."""
        self._present()
        pending: list[Pending] = []
        for one in self.firings.values():
            if one.state is State.WAITING:
                pending.append(Pending.confirmation(one))
            for answer in (one.answers or {}).values():
                pending.append(answer.request)
        return pending

    async def approve(self, firing_id: str, *, by: str | None = None) -> None:
        """Let a firing that waits for confirmation go on; `by` says who decided.

        Raises `FiringNotFoundError` if none of that id waits.
        """
        check_by(by)
        firing = self._confirming(firing_id)
        self.append(Approved, firing.id, by)
        self.dispatcher.approve(firing)
        await self.committed()

    async def reject(self, firing_id: str, reason: str = "", *, by: str | None = None) -> None:
        """Refuse a firing that waits for confirmation.

        With an error place the failure goes there; otherwise its tokens go back where they were, and this
        transition does not take them again. Raises `FiringNotFoundError` if none of that id waits.
        """
        check_by(by)
        self.dispatcher.end(self._confirming(firing_id), "rejected", reason or "rejected", by=by)
        await self.committed()

    async def edit(self, firing_id: str, /, *, by: str | None = None, **values: Any) -> None:
        """Change inputs of a firing that waits for confirmation, by parameter; it goes on waiting.

        Raises:
            FiringNotFoundError: none of that id waits.
            NetError: no such parameter, or it takes several or reads.
            TokenTypeError: the value is not of the input's type.
        """
        firing = self._confirming(firing_id)
        if any(one.parameter == "by" for one in firing.plan.spec.inputs):
            raise NetError(
                f"transition {firing.transition!r} has an input named 'by', which edit() takes for who edits"
            )
        edited = [self._edited(firing, parameter, value) for parameter, value in values.items()]
        event, encoded = self.encode(Edited, firing.id, tuple(token for _, token in edited), by)
        self.dispatcher.tokens.by_number.update(edited)
        firing.arguments.update(values)
        self.push(event, encoded)
        await self.committed()

    def _edited(self, firing: Firing, parameter: str, value: Any) -> tuple[int, Token]:
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
        number = firing.tokens[cut.arc][cut.start]
        return number, Token(self.dispatcher.tokens.by_number[number].id, one.place.name, value)

    async def answer(self, request_id: str, value: Any, *, by: str | None = None) -> None:
        """Answer what an action asked.

        Raises:
            FiringNotFoundError: nobody waits for that answer.
            TokenTypeError: the value cannot be converted to the type that was asked for.
        """
        check_by(by)
        self._present()
        for firing in self.firings.values():
            answer = (firing.answers or {}).get(request_id)
            if answer is not None:
                self.calls.answered(firing, request_id, answer, value, by)
                await self.committed()
                return
        raise FiringNotFoundError(f"no request {request_id!r} waits for an answer", firing_id=request_id)

    async def cancel(
        self,
        firing_id: str | None = None,
        *,
        siblings_of: str | None = None,
        reason: str | None = None,
        by: str | None = None,
    ) -> None:
        """End one firing, the siblings of one, or the whole session.

        A firing ends by the policy `on_error`. With `siblings_of`, so do all other firings under way that may add to
        the innermost group a gather waits for that this firing may add to. Without either the session ends: its firings
        give their tokens back, what completed firings did is undone by their `compensate`, the last first, and this
        returns when it is closed.

        An async action gets CancelledError and may clean up; a sync one sees `ctx.cancelled`, and its result
        is dropped.

        Raises:
            FiringNotFoundError: there is no such firing.
            NetError: both firings are named; `reason` or `by` is no text.
        """
        check_text("reason", reason)
        check_by(by)
        if firing_id is not None and siblings_of is not None:
            raise NetError(
                f"cancel: either a firing ({firing_id!r}) or the siblings of one ({siblings_of!r}), not both"
            )
        self._present()
        if firing_id is not None or siblings_of is not None:
            held = self._under_way(siblings_of or firing_id or "")
            for firing in [held] if siblings_of is None else self.dispatcher.siblings(held):
                self.dispatcher.cancel(firing, by)
            self.resting = False  # until what was cancelled has ended
            self.dispatcher.touch(self)
            await self.committed()
            return
        if self.closed:
            return
        self.finish(reason, by)
        await self.rest.until(lambda: False, None)
        await self.committed()

    def _under_way(self, firing_id: str) -> Firing:
        firing = self.firings.get(firing_id)
        if firing is None:
            raise FiringNotFoundError(f"no firing {firing_id!r} is under way", firing_id=firing_id)
        if firing.undoes is not None:
            raise NetError(f"firing {firing_id!r} compensates for {firing.undoes!r}; it is not cancelled")
        return firing

    def finish(self, reason: str | None, by: str | None) -> None:
        """End the session: stop its firings, undo what can be undone, and close it."""
        if self.closed or self.unwinding:
            return
        self.dispatcher.close(self)
        if self.saga.undos:
            self.dispatcher.empty(self)
            self.saga.begin(reason, by)
        else:
            self.append(Closed, reason, by)
            self._end()

    def end(self) -> None:
        """It has been undone, and is closed."""
        self.dispatcher.forget(self)
        self._end()

    def _end(self) -> None:
        self.closed = True
        self.log.after_commit(self.wake_all)

    # -- files

    async def send_file(
        self, name: str, content: bytes, *, media_type: str | None = None, by: str | None = None
    ) -> File:
        """Hand a file to the session; actions get it with `ctx.get_file(name)`. It replaces one of that name.

        Raises:
            TypeError, ValueError: the name is empty or no text, or the content no bytes.
            NetError: the session is closed.
        """
        self._open()
        check_by(by)
        self.keep_file(None, name, content, media_type, by)
        await self.committed()
        return self.sent[name]

    def keep_file(
        self, firing_id: str | None, name: str, content: bytes, media_type: str | None, by: str | None
    ) -> None:
        """Keep a file, and tell of it."""
        guessed, size, digest = describe_file(name, content, media_type)
        event, encoded = self.encode(Sent, firing_id, name, guessed, size, digest, by)
        self.log.keep_file(digest, bytes(content))
        assert isinstance(event, Sent)
        self.sent[name] = File.of(event)
        self.push(event, encoded)

    def files(self) -> list[File]:
        """The files of the session, the last of each name, oldest name first."""
        self._present()
        return list(self.sent.values())

    def get_file(self, name: str) -> bytes:
        """The content of a file. Raises `KeyError` if there is none of that name, `JournalError` if it is damaged."""
        self._present()
        content = self.log.file(self.sent[name].sha256) if name in self.sent else None
        if content is None:
            known = ", ".join(map(repr, self.sent)) or "none"
            raise KeyError(f"session {self.id!r} has no file {name!r}; its files are {known}")
        check_content(self.id, self.sent[name], content)
        return content

    def _confirming(self, firing_id: str) -> Firing:
        self._present()
        firing = self.firings.get(firing_id)
        if firing is None or firing.state is not State.WAITING:
            raise FiringNotFoundError(f"no firing {firing_id!r} waits for confirmation", firing_id=firing_id)
        return firing

    # -- rest

    async def quiescent(self, timeout: float | None = None) -> None:
        """Return when nothing is enabled, nothing runs, no timer is pending and nobody is asked.

        Raises:
            TimeoutError: after `timeout` seconds; it says what is still under way.
        """
        self._present()
        await self.rest.until(lambda: self.resting and self.asking == 0, timeout)

    async def settled(self, timeout: float | None = None) -> None:
        """Return when nothing but a person can move the session on. Raises `TimeoutError` like `quiescent`."""
        self._present()
        await self.rest.until(lambda: self.resting, timeout)

    def check_rest(self) -> None:
        """Called when the session may have come to rest."""
        self.rest.check()

    # -- what a durable journal asks

    def standing(self) -> tuple[Status, float | None]:
        """Whether anything happens by itself, and when."""
        if self.closed:
            return "closed", None
        if self.attempts or self.dispatcher.fleet.enabled(self.number).size:
            return "live", None
        if self.dispatcher.stopped and any(firing.state is State.RUNNING for firing in self.firings.values()):
            return "live", None  # the runtime has ended under them
        dues = [firing.due for firing in self.firings.values() if firing.due is not None]
        if self.sources is not None and self.sources.wake is not None:
            dues.append(self.sources.wake)
        return "parked", min(dues, default=None)

    def idle(self, until: float) -> bool:
        """Whether nobody waits for it and nothing happens in it by itself before a time."""
        if self.rest.awaited or self.calls.unanswered or self.log.durable < len(self.log):
            return False
        status, wake = self.standing()
        return status == "parked" and (wake is None or wake > until)

    def forget_state(self) -> None:
        """Be empty, to be restored."""
        self.firings, self.failures, self.memory, self.interned = {}, [], {}, {}
        self.unwinding, self.saga, self.sources, self.sent = False, Saga(self), None, {}
        self.asking = self.deadlines = self.attempts = self.firing_count = self.token_count = 0
        self.stopping.clear()
        self.resting = False
        self.active_at = self._time()

    def save(self) -> bytes:
        """The state after the last event, from which a session is restored."""
        return save_session(self)

    def lost(self, reason: Refusal) -> None:
        """The journal refused what this session did: it exists already, or another runtime owns it."""
        if not self.closed:
            self.dispatcher.forget(self)
        self.closed = True
        self.broken = (
            NetError(f"session {self.id!r} exists already")
            if reason == "exists"
            else SessionLostError(f"another runtime has taken session {self.id!r} over", session_id=self.id)
        )
        self.dispatcher.runtime.dismiss(self)
        self.wake_all()

    # -- waiting

    def _present(self) -> None:
        """Bring the session back if it is parked."""
        if self.parked:
            self.dispatcher.runtime.unpark(self)

    def _open(self) -> None:
        self._present()
        if self.broken is not None and self.closed:
            raise self.broken
        if self.closed:
            raise NetError(f"session {self.id!r} is closed")
        if self.unwinding:
            raise NetError(f"session {self.id!r} is being undone, and takes nothing any more")

    async def next(self, waiters: list[asyncio.Future[None]]) -> None:
        """Wait until these waiters are woken. Raises what broke the runtime."""
        if self.dispatcher.runtime.crashed is not None:
            raise self.dispatcher.runtime.crashed
        woken = self.loop.create_future()
        waiters.append(woken)
        await woken

    def end_readers(self) -> None:
        """The runtime ends: whoever follows or waits returns."""
        self.closed = True
        self.calls.give_up()
        self.wake_all()

    def wake_all(self) -> None:
        """Let whoever follows or waits look again."""
        wake(self._readers)
        self.rest.wake()

    def __repr__(self) -> str:
        return f"<Session {self.id!r}: {len(self.firings)} firings, {len(self.log)} events>"
