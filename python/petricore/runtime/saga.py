"""Compensation: when a session fails or is cancelled, what its completed firings did is undone, the last first.

Each undoing is a firing of its own, named `compensate <transition>`, with a claim, attempts and an end in the journal.
It holds no tokens: the journal says what the firing that it undoes took and put. It is made at least once, repeated
as the transition's own policy of retries says (the default one where it has none), and one that fails for good does
not keep the others from being made. When all have ended, the session is closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from petricore.agent.compensation import Compensation
from petricore.agent.declaration import is_asynchronous
from petricore.agent.failure import Failure, FailureKind
from petricore.agent.options import Options, RetryPolicy
from petricore.runtime.events import Claimed, Closed, Completed, Failed, Retried, Token, Unwinding
from petricore.runtime.firing import Firing, State
from petricore.runtime.tokens import describe_error
from petricore.runtimes.base import Executor, Kind

if TYPE_CHECKING:
    from petricore.agent.compile import TransitionPlan
    from petricore.runtime.served import Served
    from petricore.runtime.session import Session

__all__ = ["Saga", "Undo", "UndoServed"]

_RETRY = RetryPolicy()


@dataclass(frozen=True, slots=True)
class Undo:
    """A completed firing that can be undone: what it took, by arc, and what it put."""

    firing_id: str
    transition: str
    arcs: tuple[tuple[Token, ...], ...]
    outputs: tuple[Token, ...]


class UndoServed:
    """What stands for `Served` in a firing that undoes: it has no arcs."""

    timed = False
    once = False
    compensated = False
    simple = None
    read_arcs: Sequence[int] = ()
    consuming: Sequence[int] = ()
    expects: Sequence[tuple[Any, Any]] = ()

    def __init__(self, served: Served, compensation: Compensation, executors: dict[str, Executor]) -> None:
        asynchronous = is_asynchronous(compensation.action)
        self.plan: TransitionPlan = served.plan
        self.options: Options = served.options
        self.name = f"compensate {served.name}"
        self.action = compensation.action
        self.kind = Kind.COROUTINE if asynchronous else Kind.FUNCTION
        self.executor = executors["inline" if asynchronous else "thread"]
        self.context_parameter = compensation.context
        self.retry = served.options.retry or _RETRY


class Saga:
    """The firings of one session that can be undone, and their undoing. On the loop's thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.undos: list[Undo] = []
        """In order of completion; those that are undone are gone."""
        self.firing: Firing | None = None
        """What is being undone."""
        self.reason: str | None = None
        self.by: str | None = None
        self.failed = 0
        self._served: dict[str, UndoServed] = {}

    def completed(self, firing: Firing, outputs: Sequence[Token]) -> None:
        """A firing that can be undone has completed. Called before its tokens are forgotten."""
        known = firing.dispatcher.tokens.by_number
        seen = firing.seen or {}
        arcs = tuple(tuple(seen.get(n) or known[n] for n in arc) for arc in firing.tokens)
        self.undos.append(Undo(firing.id, firing.transition, arcs, (*(firing.put or ()), *outputs)))

    def begin(self, reason: str | None, by: str | None) -> None:
        """Undo everything, then close the session."""
        self._session.append(Unwinding, reason, by)
        self.unwind(reason, by)
        self.next()

    def unwind(self, reason: str | None, by: str | None) -> None:
        """The session is being undone: nothing else happens in it."""
        self.reason, self.by = reason, by
        self._session.unwinding = True

    def next(self) -> None:
        """Undo the last firing that is not undone, or close the session."""
        session = self._session
        if not self.undos:
            total = f"{self.failed} compensation(s) failed" if self.failed else None
            reason = "; ".join(part for part in (self.reason, total) if part) or None
            session.unwinding = False
            session.append(Closed, reason, self.by)
            session.end()
            return
        undo = self.undos[-1]
        session.firing_count += 1
        firing = self.claim(f"{session.id}/{session.firing_count}")
        session.append(Claimed, firing.id, firing.transition, (), (), undo.firing_id)
        session.dispatcher.begin_again(firing)

    def claim(self, firing_id: str) -> Firing:
        """The firing that undoes the last one."""
        undo = self.undos[-1]
        dispatcher = self._session.dispatcher
        served = self._of(undo.transition)
        firing = Firing(dispatcher, self._session, served, -1, [], firing_id)  # type: ignore[arg-type]
        firing.undoes = undo.firing_id
        compensation = served.plan.spec.compensation
        assert compensation is not None
        for one in served.plan.arguments:
            if one.parameter in compensation.inputs:
                values = [token.value for token in undo.arcs[one.arc][one.start : one.stop]]
                firing.arguments[one.parameter] = values if one.many else values[0]
        if compensation.outputs:
            firing.arguments["outputs"] = [token.value for token in undo.outputs]
        self._session.firings[firing.id] = self.firing = firing
        return firing

    def ended(self, firing: Firing, error: BaseException | None) -> None:
        """An attempt has ended."""
        session = self._session
        if error is None:
            session.append(Completed, firing.id, firing.transition, ())
            self.done(failed=False)
            self.next()
            return
        policy: RetryPolicy = firing.served.retry  # type: ignore[attr-defined]
        try:
            again = policy.admits(firing.attempt, error)
        except Exception as broken:  # the user's predicate
            again, error = False, broken
        if again:
            delay = policy.interval(firing.attempt, session.dispatcher.runtime.random.random)
            session.append(
                Retried, firing.id, firing.transition, firing.attempt, describe_error(error), delay
            )
            session.dispatcher.postpone(
                firing, State.BACKOFF, session.dispatcher.runtime.clock.time() + delay
            )
            return
        self.give_up(firing, "error", describe_error(error))

    def give_up(self, firing: Firing, kind: FailureKind, error: str) -> None:
        """A compensation has failed for good; the others go on."""
        session = self._session
        failure = Failure(firing.transition, firing.id, kind, error, firing.attempt)  # it took no tokens
        session.append(Failed, firing.id, firing.transition, (), failure)
        session.failures.append(failure)
        self.done(failed=True)
        self.next()

    def done(self, *, failed: bool) -> None:
        """The undoing under way has ended."""
        assert self.firing is not None
        del self._session.firings[self.firing.id]
        self.firing = None
        self.undos.pop()
        self.failed += failed

    def _of(self, transition: str) -> UndoServed:
        found = self._served.get(transition)
        if found is None:
            dispatcher = self._session.dispatcher
            served = next(one for one in dispatcher.served if one.name == transition)
            compensation = served.plan.spec.compensation
            assert compensation is not None
            found = self._served[transition] = UndoServed(served, compensation, dispatcher.runtime.executors)
        return found

    # -- snapshots

    def save(self, encode: Any) -> dict[str, Any]:
        """What a snapshot keeps; `encode` makes text of tokens."""
        firing = self.firing
        return {
            "undos": [
                [one.firing_id, one.transition, [encode(arc) for arc in one.arcs], encode(one.outputs)]
                for one in self.undos
            ],
            "unwinding": self._session.unwinding,
            "reason": self.reason,
            "by": self.by,
            "failed": self.failed,
            "firing": firing
            and [firing.id, firing.state.name, firing.attempt, firing.due, firing.interruptions],
        }

    def load(self, saved: dict[str, Any], decode: Any) -> None:
        """Take up what a snapshot keeps; `decode` makes tokens of text."""
        self.undos = [
            Undo(firing_id, transition, tuple(decode(arc) for arc in arcs), decode(outputs))
            for firing_id, transition, arcs, outputs in saved["undos"]
        ]
        self.failed = saved["failed"]
        if saved["unwinding"]:
            self.unwind(saved["reason"], saved["by"])
        if saved["firing"] is not None:
            firing_id, state, attempt, due, interruptions = saved["firing"]
            firing = self.claim(firing_id)
            firing.state, firing.attempt, firing.due = State[state], attempt, due
            firing.interruptions = interruptions
