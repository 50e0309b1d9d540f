"""The dispatcher: one agent's fleet, and the loop of claim, run and complete that drives all its sessions.

Nothing is polled. What changes a marking calls `wake`, and the next turn claims in bulk whatever became
enabled, over all sessions. A claim is one journal event, and the end of a firing with all its outputs is
another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from petricore._core import Fleet
from petricore.agent.compile import Plan, TransitionPlan
from petricore.agent.declaration import Mode, One, is_asynchronous, is_generator
from petricore.agent.failure import Failure, FailureKind
from petricore.agent.options import Options
from petricore.agent.routing import Emission, output_places
from petricore.errors import GuardError
from petricore.runtime.context import Context
from petricore.runtime.events import (
    Cancelled,
    Claimed,
    Completed,
    Emitted,
    Failed,
    Put,
    Rejected,
    Released,
    Retried,
    Token,
    Waiting,
)
from petricore.runtime.firing import Firing, State
from petricore.runtimes.base import Executor, Kind

if TYPE_CHECKING:
    from petricore.runtime.runtime import Runtime
    from petricore.runtime.session import Session

__all__ = ["Dispatcher", "Served"]

_CLAIM_LIMIT = 1024
"""Firings claimed in one turn; more follow in the next, after the loop has run other callbacks."""

_DROPPED = "dropped"
"""Why a firing stopped whose session was cancelled: its outcome is nobody's business any more."""

_NOTHING: tuple[Token, ...] = ()
_ENDS: dict[str, type[Failed] | type[Rejected] | type[Cancelled]] = {
    "error": Failed,
    "timeout": Failed,
    "rejected": Rejected,
    "cancelled": Cancelled,
}


class Served:
    """A transition as the dispatcher serves it: what its plan says, laid out for the hot path."""

    __slots__ = (
        "action",
        "consuming",
        "context_parameter",
        "executor",
        "kind",
        "name",
        "needs_setup",
        "options",
        "plain",
        "plan",
        "read_arcs",
        "simple",
        "single",
        "single_place",
        "single_type",
        "timed",
    )

    def __init__(self, plan: TransitionPlan, places: Plan, executors: dict[str, Executor]) -> None:
        spec = plan.spec
        options: Options = spec.options
        self.plan = plan
        self.name = spec.name
        self.options = options
        self.action = spec.action
        self.kind = _kind(spec.action)
        self.executor = executors[options.executor]
        self.timed = options.timeout is not None
        self.context_parameter = spec.context
        self.needs_setup = options.confirm or options.delay > 0
        self.consuming = [arc for arc, (_, mode, *_) in enumerate(plan.arcs) if mode is not Mode.READ]
        self.read_arcs = [arc for arc, (_, mode, *_) in enumerate(plan.arcs) if mode is Mode.READ]
        # parameter of the only arc, when that brings one single token
        arguments = plan.arguments
        self.simple = (
            arguments[0].parameter
            if len(arguments) == 1 and not arguments[0].many and not self.read_arcs
            else None
        )
        put_into = [places.places[places.index[place.name]] for place in output_places(spec.output)]
        self.plain = all(one.plain for one in put_into)
        self.single: list[int] | None = None
        self.single_type: Any = None
        self.single_place = ""
        if isinstance(spec.output, One) and self.plain:
            self.single_place = spec.output.place.name
            self.single_type = spec.output.place.type
            self.single = [places.index[self.single_place]]


class Dispatcher:
    """Drives the sessions of one agent. All methods on the loop's thread."""

    def __init__(self, runtime: Runtime, agent: str, plan: Plan) -> None:
        self.runtime = runtime
        self.agent = agent
        self.plan = plan
        self.fleet = Fleet(**plan.fleet_arguments)
        self.served = [Served(one, plan, runtime.executors) for one in plan.transitions]
        self.sessions: dict[int, Session] = {}
        self.values: dict[int, Any] = {}
        self.guards: dict[int, int] = {}
        self.refills = 0
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
        rows = self.fleet.claim(_CLAIM_LIMIT).rows()
        if not rows:
            self._settle()
            return
        if len(rows) == _CLAIM_LIMIT:
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
        firing = Firing(self, session, served, number, tokens)
        session.firings[firing.id] = firing
        values = self.values
        if served.simple is not None:
            token = tokens[0][0]
            firing.arguments[served.simple] = values[token]
            session.append(Claimed, firing.id, served.name, (token,), ())
        else:
            for one in served.plan.arguments:
                cut = tokens[one.arc][one.start : one.stop]
                firing.arguments[one.parameter] = [values[t] for t in cut] if one.many else values[cut[0]]
            taken = tuple(token for arc in served.consuming for token in tokens[arc])
            read = tuple(token for arc in served.read_arcs for token in tokens[arc])
            session.append(Claimed, firing.id, served.name, taken, read)
        if served.plan.rate_place is not None:
            self._refill_later(served.plan.rate_place)
        if served.needs_setup:
            self._prepare(firing)
        else:
            self._attempt(firing)

    def _prepare(self, firing: Firing) -> None:
        if firing.served.options.confirm:
            firing.state = State.WAITING
            firing.session.asking += 1
            firing.session.append(Waiting, firing.id, firing.transition, dict(firing.arguments))
            self.touch(firing.session)
        else:
            self._delay(firing)

    def approve(self, firing: Firing) -> None:
        """Let a waiting firing go on."""
        firing.session.asking -= 1
        self._delay(firing)

    def _delay(self, firing: Firing) -> None:
        delay = firing.served.options.delay
        if delay > 0:
            firing.state = State.DELAYED
            firing.timer = self._clock.call_later(delay, partial(self._attempt, firing))
        else:
            self._attempt(firing)

    def _attempt(self, firing: Firing) -> None:
        firing.attempt += 1
        firing.state = State.RUNNING
        firing.timer = None
        firing.context = firing.session.variables.copy()
        parameter = firing.served.context_parameter
        if parameter is not None:
            firing.arguments[parameter] = Context(firing)
        firing.served.executor.submit(firing)

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
        if self._stopped:
            return
        if firing.timed:
            firing.stop_timers()
        if firing.answers is not None:
            firing.session.forget_questions(firing)
        if firing.stopped is not None:
            self._stopped_attempt(firing)
            return
        outputs = _NOTHING
        if error is None:
            try:
                outputs = self._put_result(firing, value)
            except Exception as mismatch:  # another type than declared, or a predicate that broke on it
                error = mismatch
        if error is None:
            self._consume(firing)
            firing.session.append(Completed, firing.id, firing.served.name, outputs)
            self._ended(firing)
        else:
            self._failed_attempt(firing, error, "error")

    def _stopped_attempt(self, firing: Firing) -> None:
        if firing.stopped == _DROPPED:
            return
        reason, firing.stopped = firing.stopped, None
        if reason == "cancelled":
            self.end(firing, "cancelled", "cancelled")
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
                firing.state = State.BACKOFF
                firing.timer = self._clock.call_later(delay, partial(self._attempt, firing))
                return
        self.end(firing, kind, describe_error(error))

    def _put_result(self, firing: Firing, value: Any) -> tuple[Token, ...]:
        """Complete the firing in the fleet with what its action returned. Changes nothing when it raises."""
        served = firing.served
        if served.single is not None and type(value) is served.single_type:
            token = int(self.fleet.complete(firing.number, served.single)[0])
            self.values[token] = value
            return (Token(token, served.single_place, value),)
        if served.kind is Kind.GENERATOR or served.kind is Kind.ASYNC_GENERATOR:
            self.fleet.complete(firing.number, opened=served.plan.opened)
            return _NOTHING
        emission = Emission()
        served.plan.route(value, emission)
        return self._put_outputs(self.fleet.complete, firing, emission)

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
        outputs = self._put_outputs(self.fleet.emit, firing, emission)
        firing.emitted = True
        firing.session.append(Emitted, firing.id, firing.transition, outputs)
        firing.alive()
        self.wake()

    def _put_outputs(self, put: Any, firing: Firing, emission: Emission) -> tuple[Token, ...]:
        """Put an emission by `fleet.complete` or `fleet.emit`."""
        keys, guards = None, None
        if not firing.served.plain:
            keys, guards = self._marks(firing.session, emission.places, emission.values)
        members = emission.members if emission.opened else None
        ids = put(firing.number, emission.places, keys, guards, members, emission.opened).tolist()
        return self._store(ids, emission.places, emission.values, guards)

    def end(self, firing: Firing, kind: FailureKind, error: str) -> None:
        """End a firing without its result: by policy its inputs are kept in the failure, given back, or routed."""
        served = firing.served
        if firing.state is State.WAITING:
            firing.session.asking -= 1
        firing.stop_timers()
        arguments = {k: v for k, v in firing.arguments.items() if k != served.context_parameter}
        failure = Failure(served.name, firing.id, kind, error, firing.attempt, arguments)
        error_place = served.plan.error_place
        give_back = served.options.on_error == "release" or (kind == "rejected" and error_place is None)
        if give_back and error_place is None:
            outputs = self._give_back(firing)
        else:
            if error_place is not None:
                outputs = self._put_failure(firing, error_place, failure)
            else:
                self.fleet.fail(firing.number)
                outputs = _NOTHING
            self._consume(firing)
        firing.session.failures.append(failure)
        firing.session.append(_ENDS[kind], firing.id, served.name, outputs, failure)
        self._ended(firing)

    def _put_failure(self, firing: Firing, place: int, failure: Failure) -> tuple[Token, ...]:
        try:
            keys, guards = self._marks(firing.session, [place], [failure])
        except (
            GuardError
        ):  # a predicate on failures is broken itself: the failure is unmarked, and never lost
            keys, guards = None, None
        ids = self.fleet.fail(firing.number, [place], keys=keys, guards=guards).tolist()
        return self._store(ids, [place], [failure], guards)

    def _give_back(self, firing: Firing) -> tuple[Token, ...]:
        """Put the inputs back where they were, for good: this transition does not take them again, others may."""
        plan = firing.plan
        self.fleet.refuse(firing.number, list(plan.barring.items()))
        returned: list[Token] = []
        for arc in firing.served.consuming:
            place = plan.arcs[arc][0]
            for token in firing.tokens[arc]:
                self.guards[token] = self.guards.get(token, 0) & ~plan.barring[place]
                returned.append(Token(token, self.plan.names[place], self.values[token]))
        return tuple(returned)

    def _consume(self, firing: Firing) -> None:
        values = self.values
        for arc in firing.served.consuming:
            for token in firing.tokens[arc]:
                del values[token]
                if self.guards:
                    self.guards.pop(token, None)

    def _ended(self, firing: Firing) -> None:
        session = firing.session
        del session.firings[firing.id]
        self._touched.add(session)
        if not self._due:
            self._due = True
            self.runtime.schedule(self)

    def cancel(self, firing: Firing) -> None:
        """End a firing before its time, by its policy."""
        if firing.state is State.RUNNING:
            firing.stopped = "cancelled"
            firing.served.executor.cancel(firing)
        else:
            self.end(firing, "cancelled", "cancelled")

    def close(self, session: Session) -> None:
        """Give back what the session's firings hold, stop them, and forget the session's tokens."""
        held = list(session.firings.values())
        for firing in held:
            firing.stop_timers()
            session.append(Released, firing.id, firing.transition)
        free = [token for place in range(len(self.plan.places))
                for token in self.fleet.tokens(session.number, place).tolist()]  # fmt: skip
        self.fleet.close(session.number)
        del self.sessions[session.number]
        for token in free:
            del self.values[token]
            self.guards.pop(token, None)
        for firing in held:
            self._consume(firing)
            del session.firings[firing.id]
        for firing in held:
            if firing.state is State.RUNNING:
                session.forget_questions(firing)
                firing.stopped = _DROPPED
                firing.served.executor.cancel(firing)
        session.asking = 0
        self._touched.discard(session)
        self.wake()  # others may get the resources

    # -- tokens

    def put(self, session: Session, places: list[int], values: list[Any]) -> list[int]:
        """Put values from outside: all of them, or none when this raises `GuardError`."""
        keys, guards = self._marks(session, places, values)
        groups: dict[int, list[int]] = {}
        for i, place in enumerate(places):
            groups.setdefault(place, []).append(i)
        ids = [0] * len(values)
        for place, positions in groups.items():
            put = self.fleet.put(
                session.number,
                place,
                len(positions),
                keys=None if keys is None else [keys[i] for i in positions],
                guards=None if guards is None else [guards[i] for i in positions],
            )
            for i, token in zip(positions, put.tolist(), strict=True):
                ids[i] = token
        session.append(Put, self._store(ids, places, values, guards))
        self.touch(session)
        return ids

    def _store(
        self, ids: list[int], places: Sequence[int], values: Sequence[Any], guards: list[int] | None
    ) -> tuple[Token, ...]:
        names = self.plan.names
        if guards is None and len(ids) == 1:  # most firings put one
            self.values[ids[0]] = values[0]
            return (Token(ids[0], names[places[0]], values[0]),)
        self.values.update(zip(ids, values, strict=True))
        if guards is not None:
            self.guards.update(zip(ids, guards, strict=True))
        return tuple([Token(i, names[p], v) for i, p, v in zip(ids, places, values, strict=True)])

    def _marks(
        self, session: Session, places: Sequence[int], values: Sequence[Any]
    ) -> tuple[list[Any] | None, list[int] | None]:
        """Keys and guard bits of tokens about to be put; None where no place of them has any."""
        plans = self.plan.places
        if all(plans[place].plain for place in places):
            return None, None
        guards = []
        for place, value in zip(places, values, strict=True):
            bits = 0
            for bit, guard in enumerate(plans[place].guards):
                if guard.predicate is None or _holds(guard, value):
                    bits |= 1 << bit
            guards.append(bits)
        return self._keys(session, places, values), guards

    def _keys(self, session: Session, places: Sequence[int], values: Sequence[Any]) -> list[Any] | None:
        slots = self.plan.key_slots
        if slots == 0:
            return None
        rows = []
        for place, value in zip(places, values, strict=True):
            name, fields = self.plan.names[place], self.plan.places[place].keys
            row = [_interned(session, name, field, value) for field in fields]
            rows.append(row + [0] * (slots - len(row)))
        return rows if slots > 1 else [row[0] for row in rows]

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

    def shut(self) -> None:
        """Take no turn any more."""
        self._stopped = True


def describe_error(error: BaseException) -> str:
    """Type and message of an exception."""
    try:
        text = str(error)
    except Exception:  # the message is the user's code too
        text = "its message cannot be read"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _kind(action: Any) -> Kind:
    if is_generator(action):
        return Kind.ASYNC_GENERATOR if is_asynchronous(action) else Kind.GENERATOR
    return Kind.COROUTINE if is_asynchronous(action) else Kind.FUNCTION


def _holds(guard: Any, value: Any) -> bool:
    try:
        return bool(guard.predicate(value))
    except Exception as error:
        raise GuardError(
            f"transition {guard.transition!r}, where[{guard.parameter!r}] raised {describe_error(error)}",
            transition=guard.transition,
            parameter=guard.parameter,
        ) from error


def _interned(session: Session, place: str, name: str, value: Any) -> int:
    key = value[name] if isinstance(value, dict) else getattr(value, name)
    try:
        return session.interned.setdefault(key, len(session.interned))
    except TypeError:
        raise GuardError(
            f"place {place!r}: the match field {name!r} holds an unhashable {type(key).__name__}",
            transition="",
            parameter=name,
        ) from None
