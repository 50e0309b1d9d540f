"""The dispatcher: one agent's fleet, and the loop of claim, run and complete that drives all its sessions.

Nothing is polled. What changes a marking calls `wake`, and the next turn claims in bulk whatever became
enabled, over all sessions. A claim is one journal event, and the end of a firing with all its outputs is
another. Each is encoded first, then done in the fleet, then appended: whatever refuses does so before anything
has changed. An action starts when its claim is durable, so what it does outside always has a cause in the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from petricore._core import Fleet
from petricore.agent.compile import Plan
from petricore.agent.declaration import Mode
from petricore.agent.failure import Failure, FailureKind
from petricore.agent.routing import Emission
from petricore.errors import GuardError
from petricore.runtime.accounts import Accounts
from petricore.runtime.context import Context
from petricore.runtime.events import (
    Approved,
    Began,
    Cancelled,
    Claimed,
    Completed,
    Delayed,
    Emitted,
    Event,
    Failed,
    Put,
    Rejected,
    Released,
    Retried,
    Token,
    Waiting,
)
from petricore.runtime.firing import Firing, State
from petricore.runtime.net_description import describe_plan, version_of
from petricore.runtime.questions import BY_DEADLINE
from petricore.runtime.served import Served, expect_followers
from petricore.runtime.tokens import Keys, TokenTable, describe_error
from petricore.runtimes.base import Kind

if TYPE_CHECKING:
    from petricore.runtime.journal.schema import EventCodec
    from petricore.runtime.runtime import Runtime
    from petricore.runtime.session import Session

__all__ = ["Dispatcher"]

_CLAIM_LIMIT = 1024
"""Firings claimed in one turn; more follow in the next, after the loop has run other callbacks."""

_DROPPED = "dropped"
"""Why a firing stopped whose session was cancelled: its outcome is nobody's business any more."""

_NOTHING: tuple[Token, ...] = ()
_ENDS: dict[str, type[Failed] | type[Rejected] | type[Cancelled]] = {
    "error": Failed,
    "timeout": Failed,
    "interrupted": Failed,
    "undecodable": Failed,
    "rejected": Rejected,
    "cancelled": Cancelled,
}


class Dispatcher:
    """Drives the sessions of one agent. All methods on the loop's thread."""

    def __init__(self, runtime: Runtime, agent: str, plan: Plan) -> None:
        self.runtime = runtime
        self.agent = agent
        self.plan = plan
        self.description = describe_plan(plan)
        self.version = version_of(self.description)
        """What sessions are pinned to: the net."""
        self.codec: EventCodec | None = None
        self.fleet = Fleet(**plan.fleet_arguments)
        self.served = [Served(i, one, plan, runtime) for i, one in enumerate(plan.transitions)]
        expect_followers(self.served, plan)
        self.sessions: dict[int, Session] = {}
        self.accounts = Accounts()
        self.tokens = TokenTable(plan)
        self.refills = 0
        self._takers: dict[int, list[int]] = {place: [] for place in range(len(plan.places))}
        """For each place, the guards of the arcs that take from it."""
        for one in plan.transitions:
            for place, mode, _, guard, _ in one.arcs:
                if mode is not Mode.READ:
                    self._takers[place].append(guard)
        self._loop = asyncio.get_running_loop()
        self._clock = runtime.clock
        self._due = False
        self._touched: set[Session] = set()
        self._stopped = False

    # -- turns

    @property
    def due(self) -> bool:
        """Whether a turn will come by itself."""
        return self._due

    def wake(self) -> None:
        """Something changed: take a turn soon."""
        if not self._due:
            self._due = True
            self.runtime.schedule(self)

    def turn(self) -> None:
        """Claim what is enabled and start it; when nothing is, see which sessions came to rest."""
        if not self._due or self._stopped:
            return
        self._due = False
        limit = min(_CLAIM_LIMIT, self.runtime.room(self))
        rows = self.fleet.claim(limit).rows() if limit > 0 else []
        if not rows:
            self._settle()
            return
        if len(rows) == limit:
            self.wake()
        sessions, served = self.sessions, self.served
        for number, session, transition, tokens in rows:
            self._begin(number, sessions[session], served[transition], tokens)
        if not self._due:
            # whatever is started ends with another turn; sessions at rest are seen now
            self._settle()

    def _settle(self) -> None:
        if not self._touched:
            return
        touched, self._touched = self._touched, set()
        for session in touched:
            session.check_rest()

    def touch(self, session: Session) -> None:
        """The session may have come to rest: look at the end of the next turn."""
        self._touched.add(session)
        self.wake()

    # -- the life of a firing

    def _begin(self, number: int, session: Session, served: Served, tokens: list[list[int]]) -> None:
        session.firing_count += 1
        firing = Firing(self, session, served, number, tokens, f"{session.id}/{session.firing_count}")
        session.firings[firing.id] = firing
        known = self.tokens.by_number
        if served.simple is not None:
            token = known[tokens[0][0]]
            firing.arguments[served.simple] = token.value
            session.append(Claimed, firing.id, served.name, (token.id,), ())
        else:
            if served.read_arcs:
                firing.seen = {number: known[number] for arc in served.read_arcs for number in tokens[arc]}
            self.bind(firing)
            taken = tuple([known[token].id for arc in served.consuming for token in tokens[arc]])
            read = tuple([known[token].id for arc in served.read_arcs for token in tokens[arc]])
            session.append(Claimed, firing.id, served.name, taken, read)
        if served.plan.rate_place is not None:
            self._refill_later(served.plan.rate_place)
        if served.needs_setup:
            self._prepare(firing)
        else:
            self._attempt(firing)

    def bind(self, firing: Firing) -> None:
        """The values of a firing's tokens, by parameter."""
        known, tokens = self.tokens.by_number, firing.tokens
        if firing.seen:
            known = {
                number: known[number] for arc in firing.served.consuming for number in tokens[arc]
            } | firing.seen
        for one in firing.served.plan.arguments:
            cut = tokens[one.arc][one.start : one.stop]
            firing.arguments[one.parameter] = (
                [known[token].value for token in cut] if one.many else known[cut[0]].value
            )

    def _prepare(self, firing: Firing) -> None:
        if firing.served.options.confirm:
            confirm = firing.served.options.confirm
            deadline = None if confirm.deadline is None else self._clock.time() + confirm.deadline
            firing.session.append(Waiting, firing.id, firing.transition, dict(firing.arguments), deadline)
            firing.due = deadline
            self.await_decision(firing)
            self.touch(firing.session)
        else:
            self._delay(firing)

    def await_decision(self, firing: Firing) -> None:
        """Wait for a person, until the deadline if there is one."""
        firing.state = State.WAITING
        firing.session.asking += 1
        if firing.due is not None:
            firing.session.deadlines += 1
            delay = max(0.0, firing.due - self._clock.time())
            firing.timer = self._clock.call_later(delay, partial(self._nobody_decided, firing))

    def _nobody_decided(self, firing: Firing) -> None:
        confirm = firing.served.options.confirm
        if self._stopped or confirm is None:
            return
        reason = f"nobody decided within {confirm.deadline:g} s"
        match confirm.otherwise:
            case "approve":
                firing.session.append(Approved, firing.id, BY_DEADLINE)
                self.approve(firing)
            case "reject":
                self.end(firing, "rejected", reason, by=BY_DEADLINE)
            case "cancel":
                self.end(firing, "cancelled", reason, by=BY_DEADLINE)

    @staticmethod
    def _asked(firing: Firing) -> None:
        """People have decided, or nobody has in time."""
        firing.session.asking -= 1
        firing.session.deadlines -= firing.due is not None

    def approve(self, firing: Firing) -> None:
        """Let a waiting firing go on."""
        self._asked(firing)
        firing.stop_timers()
        firing.due = None
        self._delay(firing)

    def _delay(self, firing: Firing) -> None:
        delay = firing.served.options.delay
        if delay > 0:
            firing.session.append(Delayed, firing.id, delay)
            self.postpone(firing, State.DELAYED, self._clock.time() + delay)
        else:
            self._attempt(firing)

    def postpone(self, firing: Firing, state: State, due: float) -> None:
        """Begin the next attempt at a time."""
        firing.state = state
        firing.due = due
        firing.timer = self._clock.call_later(
            max(0.0, due - self._clock.time()), partial(self._attempt, firing)
        )

    def begin_again(self, firing: Firing) -> None:
        """Repeat an attempt that a process did not live to end."""
        self._attempt(firing)

    def _attempt(self, firing: Firing) -> None:
        """Begin an attempt, as soon as what led to it is durable."""
        session = firing.session
        firing.attempt += 1
        firing.questions = 0
        firing.state = State.RUNNING
        firing.timer = firing.due = None
        session.attempts += 1
        self.runtime.running += 1
        if firing.served.once:
            session.append(Began, firing.id, firing.attempt)
        if self.runtime.durable:
            session.log.after_commit(partial(self._launch, firing))
        else:
            self._launch(firing)

    def _launch(self, firing: Firing) -> None:
        if firing.stopped is not None or self._stopped:
            # cancelled before it was started
            self.attempt_ended(firing, None, asyncio.CancelledError())
            return
        firing.launched = True
        firing.context = firing.session.variables.copy()
        if self.runtime.telemetry is not None:
            self.runtime.telemetry.enter(firing)
        parameter = firing.served.context_parameter
        if parameter is not None:
            firing.arguments[parameter] = Context(firing)
        firing.served.executor.submit(firing)
        for executor, requirements in firing.served.expects:
            executor.expect(requirements)

    def attempt_started(self, firing: Firing) -> None:
        """Arm the timeouts of an attempt that has begun."""
        timeout = firing.served.options.timeout
        if timeout is None:
            return
        if timeout.run_timeout is not None:
            firing.timer = self._clock.call_later(timeout.run_timeout, partial(self._time_out, firing))
        if timeout.idle_timeout is not None:
            self.watch_idleness(firing)

    def watch_idleness(self, firing: Firing) -> None:
        """Start the idle timeout anew."""
        timeout = firing.served.options.timeout
        assert timeout is not None
        assert timeout.idle_timeout is not None
        if firing.idle_timer is not None:
            firing.idle_timer.cancel()
        firing.idle_timer = self._clock.call_later(
            timeout.idle_timeout, partial(self._time_out, firing, idle=True)
        )

    def _time_out(self, firing: Firing, *, idle: bool = False) -> None:
        timeout = firing.served.options.timeout
        assert timeout is not None
        firing.stop_timers()
        firing.stopped = (
            f"no sign of life for {timeout.idle_timeout:g} s"
            if idle
            else f"timed out after {timeout.run_timeout:g} s"
        )
        firing.served.executor.cancel(firing)

    def attempt_ended(self, firing: Firing, value: Any, error: BaseException | None) -> None:
        """Take the outcome of an attempt. After the runtime's end it is dropped: the firing stays claimed."""
        self.runtime.ended()
        firing.session.attempts -= 1
        firing.launched = False
        if self._stopped:
            return
        if firing.timed:
            firing.stop_timers()
        if firing.answers is not None:
            firing.session.calls.forget_questions(firing)
        if firing.stopped is not None:
            self._stopped_attempt(firing)
            return
        if firing.undoes is not None:
            firing.session.saga.ended(firing, error)
            return
        if error is None:
            try:
                event, encoded = self._complete(firing, value)
            except Exception as mismatch:  # another type than declared, or a predicate that broke on it
                error = mismatch
        if error is not None:
            self._failed_attempt(firing, error, "error")
            return
        if firing.served.compensated:
            firing.session.saga.completed(firing, event.outputs)
        self._consume(firing)
        firing.session.push(event, encoded)
        self._ended(firing)

    def _stopped_attempt(self, firing: Firing) -> None:
        if firing.stopped == _DROPPED:
            return
        reason, firing.stopped = firing.stopped, None
        if reason == "cancelled":
            self.end(firing, "cancelled", "cancelled", by=firing.stopped_by)
        else:
            self._failed_attempt(
                firing, TimeoutError(f"transition {firing.transition!r}: {reason}"), "timeout"
            )

    def _failed_attempt(self, firing: Firing, error: BaseException, kind: FailureKind) -> None:
        policy = firing.served.options.retry
        if policy is not None and not firing.emitted:
            try:
                again = policy.admits(firing.attempt, error)
            except Exception as broken:  # the user's predicate
                again, error = False, broken
            if again:
                delay = policy.interval(firing.attempt, self.runtime.random.random)
                session = firing.session
                session.append(
                    Retried, firing.id, firing.transition, firing.attempt, describe_error(error), delay
                )
                self.postpone(firing, State.BACKOFF, self._clock.time() + delay)
                return
        self.end(firing, kind, describe_error(error))

    def _complete(self, firing: Firing, value: Any) -> tuple[Any, Any]:
        """End the firing in the fleet with what its action returned. Changes nothing when it raises."""
        served, session = firing.served, firing.session
        if served.single is not None and type(value) is served.single_type:
            token = Token(session.token_count + 1, served.single_place, value)
            event, encoded = session.encode(Completed, firing.id, served.name, (token,))
            number = int(self.fleet.complete(firing.number, served.single)[0])
            session.token_count += 1
            self.tokens.by_number[number] = token
            return event, encoded
        if served.kind is Kind.GENERATOR or served.kind is Kind.ASYNC_GENERATOR:
            opened = tuple([self.plan.names[place] for place in served.plan.opened])
            event, encoded = session.encode(Completed, firing.id, served.name, _NOTHING, opened)
            self.fleet.complete(firing.number, opened=served.plan.opened)
            return event, encoded
        emission = Emission()
        served.plan.route(value, emission)
        opened = tuple([self.plan.names[place] for place in emission.opened])
        return self._put_outputs(
            firing,
            emission,
            lambda tokens: session.encode(Completed, firing.id, served.name, tokens, opened),
            self.fleet.complete,
        )

    def emit(self, firing: Firing, value: Any) -> None:
        """Put what a generator yielded; the firing goes on.

        Raises:
            TokenTypeError: the value is of another type than declared.
            GuardError: a predicate or key of its place could not be evaluated.
        """
        if firing.stopped is not None:
            raise asyncio.CancelledError
        emission = Emission()
        firing.plan.route([value], emission)
        session = firing.session
        event, encoded = self._put_outputs(
            firing,
            emission,
            lambda tokens: session.encode(Emitted, firing.id, firing.transition, tokens),
            self.fleet.emit,
        )
        firing.note_emitted(event.outputs)
        session.push(event, encoded)
        firing.alive()
        self.wake()

    def _put_outputs(
        self,
        firing: Firing,
        emission: Emission,
        encode: Callable[[tuple[Token, ...]], tuple[Event, Any]],
        put: Callable[..., Any],
    ) -> tuple[Any, Any]:
        """Put an emission by `fleet.complete` or `fleet.emit`, encoded before. Returns the event, encoded."""
        session = firing.session
        keys, guards = None, None
        if not firing.served.plain:
            keys, guards = self.tokens.marks(session, emission.places, emission.values)
        tokens = self.mint(session, emission.places, emission.values)
        encoded = encode(tokens)
        members = emission.members if emission.opened else None
        numbers = put(firing.number, emission.places, keys, guards, members, emission.opened).tolist()
        session.token_count += len(tokens)
        self.tokens.store(numbers, tokens, guards)
        return encoded

    def end(self, firing: Firing, kind: FailureKind, error: str, *, by: str | None = None) -> None:
        """End a firing without its result: by policy its inputs are kept in the failure, given back, or routed."""
        served, session = firing.served, firing.session
        arguments = {k: v for k, v in firing.arguments.items() if k != served.context_parameter}
        if served.plan.spec.tick is not None:
            for arc in served.consuming:
                arguments.setdefault(
                    served.plan.spec.tick.parameter, self.tokens.by_number[firing.tokens[arc][0]].value
                )
        failure = Failure(served.name, firing.id, kind, error, firing.attempt, arguments)
        error_place = served.plan.error_place
        broken = kind not in ("rejected", "cancelled")
        dead = error_place is None and broken and served.plan.dead_place is not None
        if dead and (served.options.on_error == "fail" or self._hopeless(firing)):
            error_place = served.plan.dead_place
        give_back = served.options.on_error == "release" or (kind == "rejected" and error_place is None)
        outputs, guards, keys = _NOTHING, None, None
        if error_place is not None:
            outputs = self.mint(session, [error_place], [failure])
            try:
                keys, guards = self.tokens.marks(session, [error_place], [failure])
            except GuardError:  # a predicate on failures is broken itself: unmarked, and never lost
                keys, guards = None, None
        elif give_back:
            outputs = tuple(self.tokens.by_number[n] for arc in served.consuming for n in firing.tokens[arc])
        more = () if broken else (by,)
        event, encoded = session.encode(_ENDS[kind], firing.id, served.name, outputs, failure, *more)
        if firing.state is State.WAITING:
            self._asked(firing)
        firing.stop_timers()
        if error_place is not None:
            numbers = self.fleet.fail(firing.number, [error_place], keys=keys, guards=guards).tolist()
            session.token_count += 1
            self.tokens.store(numbers, outputs, guards)
            self._consume(firing)
        elif give_back:
            self.refuse(firing)
        else:
            self.fleet.fail(firing.number)
            self._consume(firing)
        session.failures.append(failure)
        session.push(event, encoded)
        self._ended(firing)
        if broken and served.options.on_error == "session":
            session.finish(f"{served.name}: {error}", None)

    def _hopeless(self, firing: Firing) -> bool:
        """Whether one of the tokens that a firing would give back is taken by no transition then."""
        plan = firing.plan
        for arc in firing.served.consuming:
            place = plan.arcs[arc][0]
            for number in firing.tokens[arc]:
                left = self.tokens.guards.get(number, 0) & ~plan.barring.get(place, 0)
                if not any(guard < 0 or left >> guard & 1 for guard in self._takers[place]):
                    return True
        return False

    def refuse(self, firing: Firing) -> None:
        """Put the inputs back where they were, for good: this transition does not take them again, others may."""
        plan = firing.plan
        self.fleet.refuse(firing.number, list(plan.barring.items()))
        for arc in firing.served.consuming:
            for number in firing.tokens[arc]:
                self.tokens.bar(number, plan.barring[plan.arcs[arc][0]])

    def _consume(self, firing: Firing) -> None:
        for arc in firing.served.consuming:
            self.tokens.forget(firing.tokens[arc])

    def _ended(self, firing: Firing) -> None:
        session = firing.session
        del session.firings[firing.id]
        if session.stopping:
            session.stopping.discard(firing)
        self._touched.add(session)
        if not self._due:
            self._due = True
            self.runtime.schedule(self)

    def siblings(self, firing: Firing) -> list[Firing]:
        """The other firings under way that may add to the youngest group that this one may add to."""
        groups = [one for one in self.fleet.waiting(firing.session.number) if firing.number in one.firings]
        if not groups:
            return []
        youngest = max(groups, key=lambda one: one.group)
        return [
            one
            for one in firing.session.firings.values()
            if one is not firing and one.number in youngest.firings
        ]

    def cancel(self, firing: Firing, by: str | None = None) -> None:
        """End a firing before its time, by its policy."""
        if firing.state is State.RUNNING:
            firing.stopped, firing.stopped_by = "cancelled", by
            firing.session.stopping.add(firing)
            if firing.launched:  # else it ends when its claim is durable
                firing.served.executor.cancel(firing)
        else:
            self.end(firing, "cancelled", "cancelled", by=by)

    def close(self, session: Session) -> None:
        """Give back what the session's firings hold, stop them, and forget the session's tokens."""
        for firing in session.firings.values():
            session.append(Released, firing.id, firing.transition)
        self.forget(session)

    def forget(self, session: Session) -> None:
        """Let go of all that is held of a session. Its running actions are stopped, and their outcome is dropped."""
        if session.sources is not None:
            session.sources.stop()
        held = list(session.firings.values())
        free = [number for place in range(len(self.plan.places))
                for number in self.fleet.tokens(session.number, place).tolist()]  # fmt: skip
        self.fleet.close(session.number)
        self.accounts.leave(session.account)
        del self.sessions[session.number]
        self.tokens.forget(free)
        for firing in held:
            firing.stop_timers()
            self._consume(firing)
            del session.firings[firing.id]
        for firing in held:
            if firing.state is State.RUNNING:
                session.calls.forget_questions(firing)
                firing.stopped = _DROPPED
                if firing.launched:
                    firing.served.executor.cancel(firing)
        session.asking = session.deadlines = 0
        session.stopping.clear()
        self._touched.discard(session)
        self.wake()  # others may get the resources

    def empty(self, session: Session) -> None:
        """Give the session, which is new here or was forgotten, an empty marking to go on with."""
        session.account = self.accounts.enter(session.user)
        session.number = int(self.fleet.open(1, session.account)[0])
        self.sessions[session.number] = session

    def load(self, session: Session, data: bytes, keys: Keys) -> tuple[list[int], list[int]]:
        """Give the session, which is new here or was forgotten, the marking that `Fleet.save` made bytes of.

        Returns the fleet's ids of its tokens and of its firings. Raises `ValueError` for what `Fleet.load` refuses.
        """
        account = self.accounts.enter(session.user)
        try:
            number, tokens, firings = self.fleet.load(data, keys, account)
        except ValueError:
            self.accounts.leave(account)
            raise
        session.account, session.number = account, number
        self.sessions[number] = session
        return tokens.tolist(), firings.tolist()

    # -- tokens

    def mint(self, session: Session, places: Sequence[int], values: Sequence[Any]) -> tuple[Token, ...]:
        """The tokens that come next in the session, not entered anywhere yet."""
        first, names = session.token_count + 1, self.plan.names
        return tuple([
            Token(first + i, names[place], value) for i, (place, value) in enumerate(zip(places, values, strict=True))
        ])  # fmt: skip

    def put(
        self, session: Session, places: list[int], values: list[Any], by: str | None = None
    ) -> tuple[Token, ...]:
        """Put values from outside: all of them, or none when this raises `GuardError` or `TokenTypeError`."""
        keys, guards = self.tokens.marks(session, places, values)
        tokens = self.mint(session, places, values)
        event, encoded = session.encode(Put, tokens, by)
        self.enter(session, places, tokens, keys, guards)
        session.push(event, encoded)
        self.touch(session)
        return tokens

    def enter(
        self,
        session: Session,
        places: list[int],
        tokens: Sequence[Token],
        keys: list[Any] | None,
        guards: list[int] | None,
    ) -> dict[int, int]:
        """Put tokens into the fleet, in order within each place. Returns the fleet's ids by token id."""
        groups: dict[int, list[int]] = {}
        entered: dict[int, int] = {}
        for i, place in enumerate(places):
            groups.setdefault(place, []).append(i)
        for place, positions in groups.items():
            numbers = self.fleet.put(
                session.number,
                place,
                len(positions),
                keys=None if keys is None else [keys[i] for i in positions],
                guards=None if guards is None else [guards[i] for i in positions],
            ).tolist()
            self.tokens.store(
                numbers,
                [tokens[i] for i in positions],
                None if guards is None else [guards[i] for i in positions],
            )
            entered.update((tokens[i].id, number) for i, number in zip(positions, numbers, strict=True))
        session.token_count = max([session.token_count, *entered])
        return entered

    # -- rate limits

    def _refill_later(self, place: int) -> None:
        self.refills += 1
        self._clock.call_later(self.plan.rates[place].seconds, partial(self._refill, place))

    def _refill(self, place: int) -> None:
        self.refills -= 1
        if not self._stopped:
            self.fleet.supply(place, 1)
            self._touched.update(s for s in self.sessions.values() if not s.resting)
            self.wake()

    @property
    def stopped(self) -> bool:
        """Whether it takes no turn any more."""
        return self._stopped

    def shut(self) -> None:
        """Take no turn any more."""
        self._stopped = True
