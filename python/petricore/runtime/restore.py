"""From the journal back to a running session: the newest snapshot, then event by event what came after it.

Every event does to the fleet what it told when it was written, so marking, order, groups and claims come out as they
were. Then what was under way begins anew: waiting firings wait, timers are set to what is left of them, and actions
that ran when the process died run again, unless their `delivery` forbids it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from petricore.agent.declaration import Mode
from petricore.errors import GuardError, JournalCorruptError
from petricore.runtime.events import (
    Answered,
    Approved,
    Asked,
    Began,
    Cancelled,
    Claimed,
    Closed,
    Completed,
    Delayed,
    Edited,
    Emitted,
    Ended,
    Event,
    Failed,
    Moved,
    Put,
    Quiescent,
    Rejected,
    Released,
    Remembered,
    Resumed,
    Retried,
    Sent,
    Started,
    Token,
    Unwinding,
    Waiting,
)
from petricore.runtime.files import File
from petricore.runtime.firing import Firing, State, ordinal_of
from petricore.runtime.served import Served
from petricore.runtime.snapshot import load_session
from petricore.runtime.undecodable import bury, undecodable_of
from petricore.runtimes.base import Kind

if TYPE_CHECKING:
    from petricore.runtime.journal.durable import DurableLog
    from petricore.runtime.session import Session

__all__ = ["Restorer", "restore_session"]


def restore_session(session: Session, log: DurableLog) -> None:
    """Rebuild a session from its log in the fleet of its dispatcher, and let it go on.

    Raises:
        JournalCorruptError: a record is damaged, or tells what the agent's net cannot have done.
    """
    restorer = Restorer(session)
    snapshot = log.snapshot()
    if snapshot is not None:
        log.covered(snapshot.number)
        restorer.numbers = load_session(session, log, *snapshot)
    else:
        session.dispatcher.empty(session)
    for event in log.read(0 if snapshot is None else snapshot.number):
        restorer.apply(event)
    if session.closed:
        session.dispatcher.forget(session)
    else:
        restorer.go_on(session.dispatcher.runtime.owner, session.dispatcher.runtime.max_interruptions)


class Restorer:
    """Does in the fleet what events tell, one after the other, and takes up what was under way."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.dispatcher = session.dispatcher
        self.plan = session.dispatcher.plan
        self.numbers: dict[int, int] = {}
        """The fleet's ids by token id."""
        self.served = {one.name: one for one in session.dispatcher.served}
        self.events = 0

    def apply(self, event: Event) -> None:
        """Do what the event tells."""
        try:
            self._apply(event)
        except (ValueError, KeyError, LookupError, GuardError) as error:
            raise JournalCorruptError(
                f"session {self.session.id!r}, event {event.number} ({event.kind}) does not fit the agent's net:"
                f" {error}",
                session_id=self.session.id,
                number=event.number,
                unsure=False,
            ) from error
        self.session.resting = isinstance(event, Quiescent)

    def _apply(self, event: Event) -> None:
        session, fleet = self.session, self.dispatcher.fleet
        match event:
            case Put(tokens=tokens):
                self._put(tokens)
                if session.sources is not None:
                    session.sources.notice(tokens)
            case _ if session.unwinding and self._undo(event):
                pass
            case Claimed():
                self._claim(event)
            case Emitted(firing_id=firing_id, outputs=outputs):
                firing = session.firings[firing_id]
                self._outputs(firing, outputs, (), fleet.emit)
                firing.note_emitted(outputs)
            case Completed(firing_id=firing_id, outputs=outputs, opened=opened):
                firing = session.firings.pop(firing_id)
                self._outputs(firing, outputs, opened, fleet.complete)
                if firing.served.compensated and event.number > session.inherited:
                    session.saga.completed(firing, outputs)
                self._forget(firing)
            case Failed(failure=failure) | Rejected(failure=failure) | Cancelled(failure=failure):
                session.failures.append(failure)
                self._fail(session.firings.pop(event.firing_id), event)
            case Released(firing_id=firing_id):
                fleet.release(session.firings.pop(firing_id).number)
            case Moved(taken=taken, tokens=tokens):
                for token in taken:
                    number = self.numbers.pop(token)
                    fleet.drop(session.number, number)
                    self.dispatcher.tokens.forget([number])
                self._put(tokens)
            case _:
                self._move(event)
                self._keep(event)

    def _undo(self, event: Event) -> bool:
        """What happens to the firings that compensate. Returns whether it did."""
        session = self.session
        match event:
            case Claimed(firing_id=firing_id):
                session.saga.claim(firing_id)
                session.firing_count = max(session.firing_count, int(firing_id.rpartition("/")[2]))
            case Completed():
                session.saga.done(failed=False)
            case Failed(failure=failure):
                session.failures.append(failure)
                session.saga.done(failed=True)
            case _:
                return False
        return True

    def _move(self, event: Event) -> None:
        """What happens to a firing between its claim and its end."""
        firings = self.session.firings
        match event:
            case Waiting(firing_id=firing_id, deadline=deadline):
                firings[firing_id].state, firings[firing_id].due = State.WAITING, deadline
            case Edited(firing_id=firing_id, tokens=tokens):
                for token in tokens:
                    self.dispatcher.tokens.by_number[self.numbers[token.id]] = token
                self.dispatcher.bind(firings[firing_id])
            case Approved(firing_id=firing_id):
                firings[firing_id].state, firings[firing_id].due = State.RUNNING, None
            case Delayed(firing_id=firing_id, delay=delay):
                firings[firing_id].state, firings[firing_id].due = State.DELAYED, event.time + delay
            case Began(firing_id=firing_id, attempt=attempt):
                firings[firing_id].state, firings[firing_id].due = State.RUNNING, None
                firings[firing_id].attempt = attempt
            case Retried(firing_id=firing_id, attempt=attempt, delay=delay):
                firings[firing_id].state, firings[firing_id].due = State.BACKOFF, event.time + delay
                firings[firing_id].attempt = attempt
                firings[firing_id].forget_deadlines()
            case Asked(firing_id=firing_id, request_id=request_id, question=question, deadline=deadline):
                firings[firing_id].ask(ordinal_of(request_id), question, deadline)
            case Answered(firing_id=firing_id, request_id=request_id, value=value):
                firings[firing_id].reply(ordinal_of(request_id), value)

    def _keep(self, event: Event) -> None:
        """What concerns the session as a whole."""
        session = self.session
        match event:
            case Started(user=user, forked_from=forked_from):
                session.user = user
                session.inherited = forked_from[1] if forked_from else 0
                session.make_sources(event.time)
            case Remembered(key=key, value=value):
                session.memory[key] = value
            case Sent(name=name):
                session.sent[name] = File.of(event)
            case Resumed():
                for firing in self._interrupted(event.time):
                    _interrupt(firing)
            case Unwinding(reason=reason, by=by):
                self.dispatcher.forget(session)
                self.dispatcher.empty(session)
                self.numbers.clear()
                session.saga.unwind(reason, by)
            case Closed():
                session.closed = True

    def _put(self, tokens: tuple[Token, ...]) -> None:
        places = [self.plan.index[token.place] for token in tokens]
        table = self.dispatcher.tokens
        keys, guards = table.marks(self.session, places, [token.value for token in tokens])
        self.numbers.update(self.dispatcher.enter(self.session, places, tokens, keys, guards))

    def _claim(self, event: Claimed) -> None:
        served = self.served[event.transition]
        session = self.session
        arcs = self._by_arc(served, event)
        number = self.dispatcher.fleet.claim_exactly(session.number, served.number, arcs)
        firing = Firing(self.dispatcher, session, served, number, arcs, event.firing_id)
        firing.seen = {n: self.dispatcher.tokens.by_number[n] for arc in served.read_arcs for n in arcs[arc]}
        self.dispatcher.bind(firing)
        session.firings[firing.id] = firing
        session.firing_count = max(session.firing_count, int(firing.id.rpartition("/")[2]))

    def _by_arc(self, served: Served, event: Claimed) -> list[list[int]]:
        """The tokens of each arc: those of its place, and of arcs that share one, in order by weight."""
        by_number = self.dispatcher.tokens.by_number
        taken: dict[int, list[int]] = {}
        for token in event.taken:
            number = self.numbers[token]
            taken.setdefault(self.plan.index[by_number[number].place], []).append(number)
        read = iter(event.read)
        arcs: list[list[int]] = []
        for place, mode, weight, *_ in served.plan.arcs:
            if mode is Mode.READ:
                arcs.append([self.numbers[next(read)] for _ in range(weight)])
                continue
            standing = taken.get(place, [])
            count = weight if mode is Mode.TAKE else len(standing)
            arcs.append(standing[:count])
            taken[place] = standing[count:]
        return arcs

    def _outputs(
        self, firing: Firing, tokens: tuple[Token, ...], opened: tuple[str, ...], put: Callable[..., Any]
    ) -> None:
        places = [self.plan.index[token.place] for token in tokens]
        lists = [self.plan.index[name] for name in opened]
        if firing.served.kind in (Kind.GENERATOR, Kind.ASYNC_GENERATOR):
            lists = list(firing.served.plan.opened)
        members = [place in lists for place in places] if lists else None
        table = self.dispatcher.tokens
        keys, guards = table.marks(self.session, places, [token.value for token in tokens])
        numbers = put(firing.number, places, keys, guards, members, lists).tolist()
        self._enter(numbers, tokens, guards)

    def _enter(self, numbers: list[int], tokens: tuple[Token, ...], guards: list[int] | None) -> None:
        self.dispatcher.tokens.store(numbers, tokens, guards)
        self.numbers.update((token.id, number) for token, number in zip(tokens, numbers, strict=True))
        self.session.token_count = max([self.session.token_count, *(token.id for token in tokens)])

    def _fail(self, firing: Firing, event: Ended) -> None:
        held = {
            self.dispatcher.tokens.by_number[n].id
            for arc in firing.served.consuming
            for n in firing.tokens[arc]
        }
        outputs = event.outputs
        if any(token.id in held for token in outputs):
            self.dispatcher.refuse(firing)
            return
        places = [self.plan.index[token.place] for token in outputs]
        try:
            keys, guards = self.dispatcher.tokens.marks(
                self.session, places, [token.value for token in outputs]
            )
        except GuardError:  # as when it happened
            keys, guards = None, None
        numbers = self.dispatcher.fleet.fail(firing.number, places, keys=keys, guards=guards).tolist()
        self._enter(numbers, outputs, guards)
        self._forget(firing)

    def _forget(self, firing: Firing) -> None:
        for arc in firing.served.consuming:
            for number in firing.tokens[arc]:
                self.numbers.pop(self.dispatcher.tokens.by_number[number].id, None)
            self.dispatcher.tokens.forget(firing.tokens[arc])

    def _interrupted(self, now: float) -> list[Firing]:
        """The firings whose attempts were under way, or may have been: their time had come."""
        return [
            firing
            for firing in self.session.firings.values()
            if firing.state is State.RUNNING
            or (firing.state is not State.WAITING and firing.due is not None and firing.due <= now)
        ]

    # -- going on

    def go_on(self, owner: str, max_interruptions: int) -> None:
        """Take up what was under way."""
        session, dispatcher = self.session, self.dispatcher
        interrupted = self._interrupted(dispatcher.runtime.clock.time())
        if interrupted:
            session.append(Resumed, owner)
        for firing in interrupted:
            _interrupt(firing)
        for firing in list(session.firings.values()):
            if firing.id not in session.firings:  # the failure of another one has ended the session
                continue
            unreadable = undecodable_of(firing)
            if firing.state is State.WAITING:
                dispatcher.await_decision(firing)
            if unreadable is not None and firing.undoes is None:
                dispatcher.end(firing, "undecodable", unreadable)
            elif firing.state is not State.WAITING:
                self._repeat(firing, max_interruptions)
        if not (session.closed or session.unwinding):
            bury(session)
        if session.unwinding and session.saga.firing is None:
            session.saga.next()
        if session.sources is not None and not (session.closed or session.unwinding):
            session.sources.start()
        if not (session.resting or session.closed):
            dispatcher.touch(session)

    def _repeat(self, firing: Firing, max_interruptions: int) -> None:
        """Begin an attempt anew or at its time, unless that is once too often."""
        error = None
        if firing.interruptions > max_interruptions:
            error = f"the process ended {firing.interruptions} times while the action ran"
        elif firing.state is not State.RUNNING:
            assert firing.due is not None
            self.dispatcher.postpone(firing, firing.state, firing.due)
            return
        elif firing.served.once and firing.attempt:
            error = "the process ended while the action ran"
        elif firing.emitted:
            error = "the process ended while the generator ran, which had put some"
        if error is None:
            self.dispatcher.begin_again(firing)
        elif firing.undoes is not None:
            self.session.saga.give_up(firing, "interrupted", error)
        else:
            self.dispatcher.end(firing, "interrupted", error)


def _interrupt(firing: Firing) -> None:
    firing.interruptions += 1
    if firing.served.once:
        return
    if firing.state is State.RUNNING:
        firing.attempt += 1
    else:  # its time had come: the attempt that follows now is under way, whether or not there was one already
        firing.state, firing.due = State.RUNNING, None
