"""The discrete-event loop: model time, and the runtime's own fleet deciding what fires.

Its turns are those of the runtime. What takes no time ends in the order in which it was claimed, before the next
claim; timers fire one at a time, in order of time and then of age, and after each the fleet is asked again.
"""

from __future__ import annotations

import heapq
import math
import time
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

from petricore._core import Fleet
from petricore.agent.declaration import Mode
from petricore.simulation.agents.choices import Product
from petricore.simulation.agents.lineage import Path, slot_key
from petricore.simulation.agents.model import Behaviour, Model
from petricore.simulation.agents.records import FiringRecord, SessionRecord
from petricore.simulation.agents.streams import Stream

__all__ = ["Loop"]

_CLAIMS = 1024
_INPUTS = -1
"""The transition in whose name a session's inputs are drawn."""
_REPORT_EVERY = 0.1
_LOOK_EVERY = 256


class Loop:
    """One simulation. After `run`, `firings` and `sessions` hold what happened, `now` the time at its end."""

    def __init__(
        self,
        model: Model,
        arrivals: list[float],
        *,
        seed: int,
        until: float | None,
        limit: int,
        report: Callable[[int], object] | None,
    ) -> None:
        self.model = model
        self.now = 0.0
        self.firings: list[FiringRecord] = []
        self.thread_waits: list[tuple[float, float]] = []
        """(from, to): attempts that waited for a thread."""
        self.waits_cut: list[tuple[int, float]] = []
        """(resource, since): firings that still waited for it at the end."""
        self._seed = seed
        self._until = until
        self._limit = limit
        self._report = report
        self._rested = 0
        self._fleet = fleet = Fleet(**model.fleet_arguments)
        transitions = len(model.behaviours)
        self.sessions = [SessionRecord(i, number, arrivals[i], transitions)
                         for i, number in enumerate(fleet.open(len(arrivals)).tolist())]  # fmt: skip
        self._by_number = {one.number: one for one in self.sessions}
        self._heap: list[tuple[float, int, Callable[[Any], None], Any]] = []
        self._ages = count()
        self._ready: deque[FiringRecord] = deque()  # attempts that take no time, as the runtime's queue
        self._born: dict[int, tuple[float, int]] = {}  # token -> when it was put, by which firing
        self._paths: dict[int, Path] = {}
        self._keys: dict[Path, int] = {}
        self._conditional = [one.number for one in model.behaviours if one.conditional and one.needs]
        self._since: dict[
            tuple[int, int], tuple[float, int]
        ] = {}  # (session, conditional) -> enabled since, by whom
        self._touched: set[SessionRecord] = set()
        self._free = [one.capacity for one in model.resources]
        self._returned = [(-1, 0)] * len(model.resources)  # (turn of the last return, free before it)
        self._turn = 0
        self._threads = model.threads
        self._thread_queue: deque[tuple[FiringRecord, float]] = deque()

    def run(self) -> None:
        """Simulate until all sessions rest, or `until`."""
        for session in self.sessions:
            self._at(session.arrived, self._arrive, session)
        heap, ready = self._heap, self._ready
        reported = time.monotonic()
        for turn in count():
            self._claim()
            if ready:
                while ready:
                    self._attempt_over(ready.popleft())
                continue
            self._settle()
            if (
                self._report is not None
                and turn % _LOOK_EVERY == 0
                and time.monotonic() - reported >= _REPORT_EVERY
            ):
                reported = time.monotonic()
                self._report(self._rested)
            if not heap:
                break
            due, _, call, what = heapq.heappop(heap)
            if self._until is not None and due > self._until:
                break
            self.now = due
            self._turn += 1
            call(what)
            if call == self._arrive:  # sessions that come together are there together
                while heap and heap[0][0] == due and heap[0][2] == call:
                    call(heapq.heappop(heap)[3])
        self._cut_all()
        if self._report is not None:
            self._report(self._rested)

    def _at(self, due: float, call: Callable[[Any], None], what: Any) -> None:
        heapq.heappush(self._heap, (due, next(self._ages), call, what))

    # -- sessions

    def _arrive(self, session: SessionRecord) -> None:
        stream = Stream(self._seed, session.index, _INPUTS)
        number = 0
        for place, tokens in self.model.inputs:
            n = int(tokens(stream))
            if n == 0:
                continue
            paths: list[Path] = [(i,) for i in range(number, number + n)] if self.model.key_slots else []
            keys, guards = self._marks([place] * n, paths, stream)
            ids = self._fleet.put(session.number, place, n, keys=keys, guards=guards).tolist()
            for i, token in enumerate(ids):
                self._born[token] = (self.now, -1)
                if paths:
                    self._paths[token] = paths[i]
        self._changed(session, -1)

    def _changed(self, session: SessionRecord, firing: int) -> None:
        """Its tokens changed, by the firing of that index."""
        session.last = firing
        session.changed = self.now
        self._touched.add(session)
        if self._conditional and not session.end:
            enabled = self._fleet.enabled(session.number).tolist()
            for transition in self._conditional:
                key = (session.number, transition)
                if transition not in enabled:
                    self._since.pop(key, None)
                elif key not in self._since:
                    self._since[key] = (self.now, firing)

    def _settle(self) -> None:
        """End the sessions that came to rest."""
        touched, self._touched = self._touched, set()
        for session in touched:
            if not session.running and not session.end and not self._fleet.enabled(session.number).size:
                self._end(session, session.changed)

    def _end(self, session: SessionRecord, when: float, end: str = "") -> None:
        marking = self._fleet.marking(session.number).tolist()[: len(self.model.plan.places)]
        session.left = {self.model.plan.names[i]: tokens for i, tokens in enumerate(marking) if tokens}
        session.ended = when
        session.end = end or (
            "stuck"
            if any(tokens and i in self.model.wanted for i, tokens in enumerate(marking))
            else "finished"
        )
        for i, tokens in enumerate(marking):
            if tokens:
                for token in self._fleet.tokens(session.number, i).tolist():
                    self._born.pop(token, None)
                    self._paths.pop(token, None)
        self._fleet.close(session.number)
        self._rested += 1

    def _cut(self, session: SessionRecord) -> None:
        """End a session in the midst of its work."""
        for transition in self._fleet.enabled(session.number).tolist():
            behaviour = self.model.behaviours[transition]
            if behaviour.needs:
                session.starved = self._waits_of(session, behaviour)
        cut = sorted(session.running, key=lambda one: one.index)
        session.oldest = cut[0].index if cut else -1
        session.running.clear()
        freed = 0
        for firing in cut:
            if firing.attempts > 0 and firing.attempt_began >= 0:
                firing.busy += self.now - firing.attempt_began
                if self.model.threads and firing.behaviour.threaded and firing.outcome != "timeout":
                    firing.spans.append((firing.attempt_began, self.now))
                    freed += 1
            self._close(firing, "cut")
            self._give_back(firing.behaviour)
        self._end(session, self.now, "limit")
        for _ in range(freed):
            self._thread_back(None)

    def _waits_of(self, session: SessionRecord, behaviour: Behaviour) -> int:
        """Firings of an enabled transition that nobody will claim any more count as waiting until now, for what."""
        short = [which for which, amount in behaviour.needs if self._free[which] < amount]
        which = short[0] if short else behaviour.needs[0][0]
        arrivals: list[list[float]] = []
        for place, mode, weight, *_ in behaviour.plan.arcs:
            tokens = self._fleet.tokens(session.number, place).tolist()
            times = sorted(self._born[token][0] for token in tokens)
            if mode is Mode.TAKE:
                arrivals.append(times[weight - 1 :: weight])
            elif mode is Mode.DRAIN:
                arrivals.append(times[weight - 1 : weight])
        number = min((len(times) for times in arrivals), default=1)
        for i in range(number):
            self.waits_cut.append((which, max((times[i] for times in arrivals), default=session.changed)))
        return which

    def _cut_all(self) -> None:
        if self._until is not None and any(not one.end for one in self.sessions):
            self.now = self._until
        for session in self.sessions:
            if not session.end and session.arrived <= self.now:
                self._cut(session)

    # -- firings

    def _claim(self) -> None:
        fleet = self._fleet
        while True:
            rows = fleet.claim(_CLAIMS).rows()
            for number, session, transition, tokens in rows:
                self._begin(number, self._by_number[session], self.model.behaviours[transition], tokens)
            if len(rows) < _CLAIMS:
                return

    def _begin(
        self, number: int, session: SessionRecord, behaviour: Behaviour, tokens: list[list[int]]
    ) -> None:
        for which, amount in behaviour.needs:
            window = self.model.resources[which].window
            if window is not None:
                self._free[which] -= amount
                self._at(self.now + window, self._refill, (which, amount))
        if session.end:  # it was cut at an earlier claim of this turn, and its pools are back
            return
        transition = behaviour.number
        stream = Stream(self._seed, session.index, transition, session.fired[transition])
        session.fired[transition] += 1
        session.firings += 1
        firing = FiringRecord(len(self.firings), number, session, behaviour, stream, self.now)
        self.firings.append(firing)
        session.running.add(firing)
        self._look_back(firing, tokens)
        for which, amount in behaviour.needs:
            if self.model.resources[which].window is None:
                self._free[which] -= amount
        if session.firings >= self._limit:
            self._cut(session)
        elif behaviour.confirmation is not None:
            firing.confirmed = behaviour.confirmation(stream)
            self._later(firing.confirmed, self._decided, firing)
        else:
            self._delay(firing)

    def _look_back(self, firing: FiringRecord, tokens: list[list[int]]) -> None:
        """Since when it could have been claimed, by whose doing, and what held it up."""
        behaviour, session = firing.behaviour, firing.session
        born = self._born
        ready, cause = session.arrived, -1
        for (_, mode, weight, _, _), taken in zip(behaviour.plan.arcs, tokens, strict=True):
            look = born.__getitem__ if mode is Mode.READ else born.pop
            times = [look(token) for token in taken]
            if mode is Mode.DRAIN:
                times = sorted(times)[:weight]
            for when, who in times:
                if when > ready or (when == ready and who > cause):
                    ready, cause = when, who
        if self.model.key_slots:
            firing.path = self._path_of(behaviour, tokens)
        if behaviour.conditional and not behaviour.needs:
            firing.ready, firing.cause = self.now, session.last
            return
        if behaviour.conditional:
            key = (session.number, behaviour.number)
            since = self._since.get(key)
            if since is not None and since[0] >= ready:
                ready, cause = since
            if behaviour.number not in self._fleet.enabled(session.number).tolist():
                self._since.pop(key, None)
        firing.ready, firing.cause = ready, cause
        if ready < self.now and behaviour.needs:
            firing.blamed = self._blame(behaviour)

    def _blame(self, behaviour: Behaviour) -> int:
        """The resource that came back last; of several in one turn, one of which there was not enough before."""

        def lateness(need: tuple[int, int]) -> tuple[int, bool]:
            turn, before = self._returned[need[0]]
            return turn, before < need[1]

        return max(behaviour.needs, key=lateness)[0]

    def _path_of(self, behaviour: Behaviour, tokens: list[list[int]]) -> Path:
        path: Path = (0,)
        found = False
        for (_, mode, *_), taken in zip(behaviour.plan.arcs, tokens, strict=True):
            if mode is Mode.READ:
                continue
            for token in taken:
                came = self._paths.pop(token)
                if not found:
                    found = True
                    path = came[:-1] if mode is Mode.GATHER and len(came) > 1 else came
        return path

    def _later(self, delay: float, call: Callable[[FiringRecord], None], firing: FiringRecord) -> None:
        self._at(self.now + delay, call, firing)

    def _decided(self, firing: FiringRecord) -> None:
        if firing.ended >= 0:
            return
        if firing.stream.random() < firing.behaviour.rejection:
            self._give_up(firing, "rejected")
        else:
            self._delay(firing)

    def _delay(self, firing: FiringRecord) -> None:
        if firing.behaviour.delay > 0:
            firing.delayed = firing.behaviour.delay
            self._later(firing.delayed, self._attempt, firing)
        else:
            self._attempt(firing)

    def _attempt(self, firing: FiringRecord) -> None:
        if firing.ended >= 0:
            return
        if self.model.threads and firing.behaviour.threaded:
            if self._threads == 0:
                firing.attempt_began = -1.0
                self._thread_queue.append((firing, self.now))
                return
            self._threads -= 1
        self._start(firing)

    def _start(self, firing: FiringRecord) -> None:
        """Draw how the attempt goes, and come back when it is over."""
        behaviour, stream = firing.behaviour, firing.stream
        firing.attempts += 1
        firing.attempt_began = self.now
        firing.cost += behaviour.per_attempt(stream)
        duration = behaviour.duration(stream)
        fails = behaviour.failure_rate > 0 and stream.random() < behaviour.failure_rate
        steps = 1
        product = None
        if behaviour.streams:
            firing.product = product = Product()
            behaviour.produce(stream, product)
            steps = max(len(product.ends), 1)
        step = duration / steps
        ends = min(
            duration,
            behaviour.run_timeout,
            math.inf if step <= behaviour.idle_timeout else behaviour.idle_timeout,
        )
        firing.outcome = "timeout" if ends < duration else "failed" if fails else "completed"
        if ends < duration and self.model.threads and behaviour.threaded:
            firing.spans.append((self.now, self.now + duration))  # a thread cannot be killed
            self._at(self.now + duration, self._thread_back, None)
        if product is not None:
            puts = len(product.ends) if ends == duration else min(int(ends / step), steps)
            if firing.outcome == "failed":
                puts = min(puts, steps - 1)  # it breaks instead of its last element
            for i in range(1, puts + 1):
                self._at(self.now + min(i * step, ends), self._emit, firing)
        if ends > 0:
            self._at(self.now + ends, self._attempt_over, firing)
        elif behaviour.streams:
            self._at(self.now, self._attempt_over, firing)
        else:
            self._ready.append(firing)

    def _emit(self, firing: FiringRecord) -> None:
        """Put the next element of a generator."""
        if firing.ended >= 0:
            return
        product = firing.product
        assert isinstance(product, Product)
        i = firing.put
        firing.put += 1
        cut = slice(product.ends[i - 1] if i else 0, product.ends[i])
        opened = firing.behaviour.plan.opened
        self._put(self._fleet.emit, firing, product.places[cut], product.members[cut], opened, i)
        self._changed(firing.session, firing.index)

    def _attempt_over(self, firing: FiringRecord) -> None:
        if firing.ended >= 0:
            return
        behaviour = firing.behaviour
        firing.busy += self.now - firing.attempt_began
        if self.model.threads and behaviour.threaded and firing.outcome != "timeout":
            firing.spans.append((firing.attempt_began, self.now))
            self._thread_back(None)
        if firing.outcome == "completed":
            self._complete(firing)
        elif self._retries(firing):
            assert behaviour.retry is not None
            wait = behaviour.retry.interval(firing.attempts, firing.stream.random)
            firing.backoff += wait
            firing.attempt_began = -1.0
            self._later(wait, self._attempt, firing)
        else:
            self._give_up(firing, firing.outcome)

    def _retries(self, firing: FiringRecord) -> bool:
        policy = firing.behaviour.retry
        if policy is None or firing.put or firing.attempts >= policy.max_attempts:
            return False
        if firing.outcome == "timeout" and isinstance(policy.retry_on, (type, tuple)):
            return policy.admits(firing.attempts, TimeoutError())
        return True

    def _thread_back(self, _: None) -> None:
        """A thread is free: the attempt that waits longest takes it."""
        while self._thread_queue:
            firing, since = self._thread_queue.popleft()
            if firing.ended < 0:
                firing.queued += self.now - since
                if self.now > since:
                    self.thread_waits.append((since, self.now))
                self._start(firing)
                return
        self._threads += 1

    # -- ends

    def _complete(self, firing: FiringRecord) -> None:
        behaviour = firing.behaviour
        number = firing.number
        if behaviour.constant is not None:
            for token in self._fleet.complete(number, behaviour.constant).tolist():
                self._born[token] = (self.now, firing.index)
        elif behaviour.streams:
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
            paths = [firing.path] if self.model.key_slots else []
            keys, guards = self._marks([error_place], paths, firing.stream)
            token = int(self._fleet.fail(firing.number, [error_place], keys=keys, guards=guards)[0])
            self._born[token] = (self.now, firing.index)
            if paths:
                self._paths[token] = firing.path
        elif behaviour.give_back or outcome == "rejected":
            before = {place: set(self._fleet.tokens(session.number, place).tolist())
                      for place, mode, *_ in behaviour.plan.arcs if mode is not Mode.READ}  # fmt: skip
            self._fleet.refuse(firing.number, list(behaviour.plan.barring.items()))
            for place, stood in before.items():
                for token in self._fleet.tokens(session.number, place).tolist():
                    if token not in stood:
                        self._born[token] = (self.now, firing.index)
                        if self.model.key_slots:
                            self._paths[token] = firing.path
        else:
            self._fleet.fail(firing.number)
        self._over(firing, outcome)

    def _over(self, firing: FiringRecord, outcome: str) -> None:
        self._close(firing, outcome)
        self._give_back(firing.behaviour)
        firing.session.running.discard(firing)
        self._changed(firing.session, firing.index)

    def _close(self, firing: FiringRecord, outcome: str) -> None:
        behaviour = firing.behaviour
        firing.ended = self.now
        firing.outcome = outcome
        firing.product = None
        if firing.attempts:
            firing.cost += behaviour.per_firing(firing.stream)
            firing.cost += behaviour.per_second(firing.stream) * firing.busy
        firing.cost += behaviour.held * (self.now - firing.claimed)
        firing.session.cost += firing.cost

    def _give_back(self, behaviour: Behaviour) -> None:
        for which, amount in behaviour.needs:
            if self.model.resources[which].window is None:
                self._came_back(which, amount)

    def _refill(self, what: tuple[int, int]) -> None:
        which, amount = what
        self._fleet.supply(self.model.resources[which].place, amount)
        self._came_back(which, amount)

    def _came_back(self, which: int, amount: int) -> None:
        self._returned[which] = (self._turn, self._free[which])
        self._free[which] += amount

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
        paths: list[Path] = []
        if self.model.key_slots:
            counts: dict[int, int] = {}
            for i, place in enumerate(places):
                if members is not None and members[i]:
                    n = counts.setdefault(place, position)
                    counts[place] += 1
                    paths.append((*firing.path, n))
                else:
                    paths.append(firing.path)
        keys, guards = self._marks(places, paths, firing.stream)
        for i, token in enumerate(put(firing.number, places, keys, guards, members, opened).tolist()):
            self._born[token] = (self.now, firing.index)
            if paths:
                self._paths[token] = paths[i]

    def _marks(
        self, places: list[int], paths: list[Path], stream: Stream
    ) -> tuple[list[Any] | None, list[int] | None]:
        """Keys and guard bits of tokens about to be put."""
        model = self.model
        admitted = model.admissions
        guards = None
        if any(admitted[place] is not None for place in places):
            guards = [0 if (one := admitted[place]) is None else one.bits(stream) for place in places]
        if not model.key_slots:
            return None, guards
        rows = []
        for place, path in zip(places, paths, strict=True):
            row = [
                self._keys.setdefault(slot_key(path, kinship), len(self._keys))
                for kinship in model.kinships[place]
            ]
            rows.append(row + [0] * (model.key_slots - len(row)))
        return (rows if model.key_slots > 1 else [row[0] for row in rows]), guards
