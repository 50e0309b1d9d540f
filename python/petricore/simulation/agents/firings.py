"""The life of a simulated firing after its claim: confirmation, delay, attempts, retries, and one of its ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from petricore._core import Fleet
from petricore.agent.declaration import Mode
from petricore.simulation.agents.agenda import Agenda
from petricore.simulation.agents.choices import Product
from petricore.simulation.agents.model import Behaviour, Model
from petricore.simulation.agents.pools import Pools, Threads
from petricore.simulation.agents.records import FiringRecord, SessionRecord
from petricore.simulation.agents.tokens import Tokens

__all__ = ["Firings"]


class Firings:
    """Runs claimed firings on the agenda, by the rules of the runtime's dispatcher."""

    def __init__(
        self,
        model: Model,
        fleet: Fleet,
        agenda: Agenda,
        tokens: Tokens,
        changed: Callable[[SessionRecord, int], None],
    ) -> None:
        self.pools = Pools(model.resources)
        self.threads = Threads(model.threads)
        self.starting: deque[FiringRecord] = deque()
        """Attempts to start, in this order, after the claims of a turn: the queue of the runtime's executor."""
        self.stopped = False
        """The time is up: nothing starts any more."""
        self._model = model
        self._fleet = fleet
        self._agenda = agenda
        self._tokens = tokens
        self._changed = changed

    # -- before the first attempt

    def begin(self, firing: FiringRecord) -> None:
        """Start a firing that was claimed now."""
        confirmation = firing.behaviour.confirmation
        if confirmation is None:
            self._delay(firing)
        else:
            firing.confirmed = confirmation(firing.stream)
            self._agenda.after(firing.confirmed, self._decided, firing)

    def _decided(self, firing: FiringRecord) -> None:
        if firing.ended >= 0:
            return
        if firing.stream.random() < firing.behaviour.rejection:
            self._give_up(firing, "rejected")
        else:
            self._delay(firing)

    def _delay(self, firing: FiringRecord) -> None:
        firing.delayed = firing.behaviour.delay
        if firing.delayed > 0:
            self._agenda.after(firing.delayed, self._attempt, firing)
        else:
            self._attempt(firing)

    # -- attempts

    def _attempt(self, firing: FiringRecord) -> None:
        if firing.ended >= 0:
            return
        firing.attempt_began = -1.0
        if not self.threads.counts(firing.behaviour) or self.threads.take(firing, self._agenda.now):
            self.starting.append(firing)

    def start(self, firing: FiringRecord) -> None:
        """Draw how the attempt goes, and come back when it is over (at once if it takes no time)."""
        if firing.ended >= 0:  # cut while it stood here
            if self.threads.counts(firing.behaviour):
                self.thread_back(None)
            return
        behaviour, stream, agenda = firing.behaviour, firing.stream, self._agenda
        firing.attempts += 1
        firing.attempt_began = agenda.now
        firing.cost += behaviour.per_attempt(stream)
        duration = behaviour.duration(stream)
        fails = behaviour.failure_rate > 0 and stream.random() < behaviour.failure_rate
        steps = 1
        product = None
        if behaviour.streams:
            firing.product = product = Product()
            behaviour.produce(stream, product)
            steps = max(len(product.ends), 1)
        firing.step = step = duration / steps
        ends = min(duration, behaviour.run_timeout)
        if step > behaviour.idle_timeout:
            ends = min(ends, behaviour.idle_timeout)
        firing.outcome = "timeout" if ends < duration else "failed" if fails else "completed"
        if ends < duration and self.threads.counts(behaviour):  # a thread cannot be killed
            firing.spans += ((agenda.now, agenda.now + duration),)
            agenda.after(duration, self.thread_back, None)
        if product is not None:
            puts = len(product.ends) if ends == duration else min(int(ends / step), steps)
            # a failure comes instead of the last element
            firing.puts = min(puts, steps - 1) if firing.outcome == "failed" else puts
        if firing.puts and step > 0:
            agenda.after(step, self._advance, firing)
            if firing.outcome == "completed":  # the last step ends it
                return
        if ends > 0:
            agenda.after(ends, self.attempt_over, firing)
        else:
            self.attempt_over(firing)

    def _advance(self, firing: FiringRecord) -> None:
        """A generator comes to its next element."""
        if firing.ended >= 0:
            return
        if firing.outcome == "completed" and firing.put + 1 == firing.puts:
            self.attempt_over(firing)
            return
        self._emit(firing)
        self._changed(firing.session, firing.index)
        if firing.put < firing.puts:
            self._agenda.after(firing.step, self._advance, firing)

    def _emit(self, firing: FiringRecord) -> None:
        product = firing.product
        assert product is not None
        i = firing.put
        firing.put += 1
        cut = slice(product.ends[i - 1] if i else 0, product.ends[i])
        opened = firing.behaviour.plan.opened
        self._put(self._fleet.emit, firing, product.places[cut], product.members[cut], opened, i)

    def attempt_over(self, firing: FiringRecord) -> None:
        """The attempt under way ends as it was drawn."""
        if firing.ended >= 0:
            return
        behaviour, now = firing.behaviour, self._agenda.now
        self._stop(firing)
        if firing.outcome == "completed":
            self._complete(firing)
        elif self._retries(firing):
            assert behaviour.retry is not None
            wait = behaviour.retry.interval(firing.attempts, firing.stream.random)
            firing.backoff += wait
            self._agenda.at(now + wait, self._attempt, firing)
        else:
            self._give_up(firing, firing.outcome)

    def _stop(self, firing: FiringRecord) -> None:
        """Nothing runs any more: count its time, and let go of its thread unless that runs on."""
        if firing.attempt_began < 0:
            return
        now = self._agenda.now
        firing.busy += now - firing.attempt_began
        if self.threads.counts(firing.behaviour) and firing.outcome != "timeout":
            firing.spans += ((firing.attempt_began, now),)
            firing.attempt_began = -1.0
            self.thread_back(None)
        firing.attempt_began = -1.0

    def _retries(self, firing: FiringRecord) -> bool:
        policy = firing.behaviour.retry
        if policy is None or firing.put or firing.attempts >= policy.max_attempts:
            return False
        if firing.outcome == "timeout" and isinstance(policy.retry_on, (type, tuple)):
            return policy.admits(firing.attempts, TimeoutError())
        return True

    def thread_back(self, _: None) -> None:
        """A thread is free: the attempt that waits longest takes it."""
        if self.stopped:
            return
        firing = self.threads.give_back(self._agenda.now)
        if firing is not None:
            self.starting.append(firing)

    # -- ends

    def _complete(self, firing: FiringRecord) -> None:
        behaviour, number = firing.behaviour, firing.number
        if behaviour.constant is not None:
            ids = self._fleet.complete(number, behaviour.constant).tolist()
            self._tokens.add(ids, (), self._agenda.now, firing.index)
        elif behaviour.streams:
            while firing.put < firing.puts:
                self._emit(firing)
            self._fleet.complete(number, opened=behaviour.plan.opened)
        else:
            product = Product()
            behaviour.produce(firing.stream, product)
            members = product.members if product.opened else None
            self._put(self._fleet.complete, firing, product.places, members, product.opened, 0)
        self._over(firing, "completed")

    def _give_up(self, firing: FiringRecord, outcome: str) -> None:
        """End it without its result, by the policy of its transition."""
        behaviour, session = firing.behaviour, firing.session
        session.failures += 1
        error_place = behaviour.plan.error_place
        if error_place is not None:
            self._put_failure(firing, error_place)
        elif behaviour.give_back or outcome == "rejected":
            self._refuse(firing)
        else:
            self._fleet.fail(firing.number)
        self._over(firing, outcome)

    def _put_failure(self, firing: FiringRecord, place: int) -> None:
        paths = self._tokens.paths(firing.path, [place], None, 0)
        keys, guards = self._tokens.marks([place], paths, firing.stream)
        ids = self._fleet.fail(firing.number, [place], keys=keys, guards=guards).tolist()
        self._tokens.add(ids, paths, self._agenda.now, firing.index)

    def _refuse(self, firing: FiringRecord) -> None:
        """Give back what it took: for others those tokens come now."""
        session = firing.session.number
        places = {place for place, mode, *_ in firing.behaviour.plan.arcs if mode is not Mode.READ}
        stood = {place: set(self._fleet.tokens(session, place).tolist()) for place in places}
        self._fleet.refuse(firing.number, list(firing.behaviour.plan.barring.items()))
        for place in places:
            back = [one for one in self._fleet.tokens(session, place).tolist() if one not in stood[place]]
            paths = self._tokens.paths(firing.path, [place] * len(back), None, 0)
            self._tokens.add(back, paths, self._agenda.now, firing.index)

    def _over(self, firing: FiringRecord, outcome: str) -> None:
        self._close(firing, outcome)
        firing.session.running.discard(firing)
        self._changed(firing.session, firing.index)

    def cut(self, firings: list[FiringRecord]) -> None:
        """Their session ends, and they with it."""
        now = self._agenda.now
        for firing in firings:
            firing.ended = now  # before threads of some go to others
        for firing in firings:
            if firing.queued_since >= 0:
                firing.queued += now - firing.queued_since
                self.threads.waits.append((firing.queued_since, now))
            self._stop(firing)
            left = now - firing.claimed - firing.busy - firing.queued
            firing.confirmed = min(firing.confirmed, left)  # these were drawn in advance
            firing.delayed = min(firing.delayed, left - firing.confirmed)
            firing.backoff = min(firing.backoff, left - firing.confirmed - firing.delayed)
            self._close(firing, "cut")

    def _close(self, firing: FiringRecord, outcome: str) -> None:
        behaviour = firing.behaviour
        firing.ended = self._agenda.now
        firing.outcome = outcome
        firing.product = None
        if firing.attempts:
            firing.cost += behaviour.per_firing(firing.stream)
            firing.cost += behaviour.per_second(firing.stream) * firing.busy
        firing.cost += behaviour.held * (firing.ended - firing.claimed)
        firing.session.cost += firing.cost
        self._give_back(behaviour)

    def _give_back(self, behaviour: Behaviour) -> None:
        for which, amount in behaviour.needs:
            if self._model.resources[which].window is None:
                self.pools.give_back(which, amount, self._agenda.turn)

    # -- tokens

    def _put(
        self,
        put: Any,
        firing: FiringRecord,
        places: list[int],
        members: list[bool] | None,
        opened: list[int],
        position: int,
    ) -> None:
        """Put by `fleet.complete` or `fleet.emit`; the elements of a list are numbered from `position`."""
        paths = self._tokens.paths(firing.path, places, members, position)
        keys, guards = self._tokens.marks(places, paths, firing.stream)
        ids = put(firing.number, places, keys, guards, members, opened).tolist()
        self._tokens.add(ids, paths, self._agenda.now, firing.index)
