"""The discrete-event loop: model time, and the runtime's own fleet deciding what fires.

Its turns are those of the runtime. Attempts start in the order of their claims, after all claims of the turn; what
takes no time ends then, before the next claim. Timers fire one at a time, in order of time and then of age, and after
each the fleet is asked again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from petricore._core import Fleet
from petricore.agent.declaration import Mode
from petricore.simulation.agents.agenda import Agenda
from petricore.simulation.agents.firings import Firings
from petricore.simulation.agents.model import Behaviour, Model
from petricore.simulation.agents.records import FiringRecord, SessionRecord
from petricore.simulation.agents.streams import Stream
from petricore.simulation.agents.tokens import ARRIVAL, Tokens

__all__ = ["Loop"]

_CLAIMS = 1024
_INPUTS = -1
"""The transition in whose name a session's inputs are drawn."""
_REPORT_EVERY = 0.1
_LOOK_EVERY = 256


class Loop:
    """One simulation. After `run`, `firings` and `sessions` hold what happened."""

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
        self.firings: list[FiringRecord] = []
        self.waits_cut: list[tuple[SessionRecord, Behaviour, int, float, float]] = []
        """(session, transition, resource, from, to): what was ready to fire and still waited when it was cut."""
        self._seed = seed
        self._until = math.inf if until is None else until
        self._limit = limit
        self._report = report
        self._reported = time.monotonic()
        self._rested = 0
        self._fleet = fleet = Fleet(**model.fleet_arguments)
        self._agenda = Agenda()
        self._tokens = Tokens(model)
        self._lives = Firings(model, fleet, self._agenda, self._tokens, self._changed)
        transitions = len(model.behaviours)
        numbers = fleet.open(len(arrivals)).tolist()
        self.sessions = [SessionRecord(i, numbers[i], arrivals[i], transitions) for i in range(len(arrivals))]
        self._by_number = {one.number: one for one in self.sessions}
        self._conditional = [one.number for one in model.behaviours if one.conditional and one.needs]
        self._since: dict[tuple[int, int], tuple[float, int]] = {}
        """(session, conditional transition) -> since when it is enabled, by whose doing."""
        self._touched: set[SessionRecord] = set()

    @property
    def thread_waits(self) -> list[tuple[float, float]]:
        """(from, to) of attempts that waited for a thread."""
        return self._lives.threads.waits

    def run(self) -> None:
        """Simulate until all sessions rest, or `until`."""
        agenda, starting = self._agenda, self._lives.starting
        for session in self.sessions:
            agenda.at(session.arrived, self._arrive, session)
        while True:
            self._claim()
            if starting:
                while starting:
                    self._lives.start(starting.popleft())
                continue
            self._settle()
            if not agenda.next(self._until):
                break
            if agenda.turn % _LOOK_EVERY == 0:
                self._tell()
            while agenda.next_alike(self._arrive):  # sessions that come together are there together
                pass
        self._cut_all()
        if self._report is not None:
            self._report(self._rested)

    def _tell(self) -> None:
        if self._report is not None and time.monotonic() - self._reported >= _REPORT_EVERY:
            self._reported = time.monotonic()
            self._report(self._rested)

    # -- claims

    def _claim(self) -> None:
        while True:
            rows = self._fleet.claim(_CLAIMS).rows()
            for number, session, transition, tokens in rows:
                self._begin(number, self._by_number[session], self.model.behaviours[transition], tokens)
            if self._conditional:  # a claim may end what inhibits another transition
                for claimed in {row[1] for row in rows}:
                    self._note(self._by_number[claimed])
            if len(rows) < _CLAIMS:
                return

    def _begin(
        self, number: int, session: SessionRecord, behaviour: Behaviour, tokens: list[list[int]]
    ) -> None:
        now = self._agenda.now
        for which, amount in behaviour.needs:
            window = self.model.resources[which].window
            if window is not None:
                self._lives.pools.take(which, amount)
                self._agenda.after(window, self._refill, (which, amount))
        if session.end:  # it was cut at an earlier claim of this turn, and its pools are back
            return
        fired = session.fired[behaviour.number]
        session.fired[behaviour.number] += 1
        session.firings += 1
        stream = Stream(self._seed, session.index, behaviour.number, fired)
        firing = FiringRecord(len(self.firings), number, session, behaviour, stream, now)
        self.firings.append(firing)
        session.running.add(firing)
        self._look_back(firing, tokens)
        for which, amount in behaviour.needs:
            if self.model.resources[which].window is None:
                self._lives.pools.take(which, amount)
        if session.firings >= self._limit:
            self._cut(session)
        else:
            self._lives.begin(firing)

    def _look_back(self, firing: FiringRecord, tokens: list[list[int]]) -> None:
        """Since when it could have been claimed, by whose doing, and what held it up."""
        behaviour, session = firing.behaviour, firing.session
        if self.model.key_slots:
            firing.path = self._tokens.path_of(behaviour, tokens)
        ready, cause = self._tokens.taken(behaviour, tokens)
        if behaviour.conditional:
            # Not noted: enabled at this very moment. Nor is it where there is nothing to wait for.
            since = self._since.get((session.number, behaviour.number), self._trigger(session))
            if since[0] >= ready:
                ready, cause = since
        session.moved = firing.index
        firing.ready, firing.cause = ready, cause
        if behaviour.needs and ready < firing.claimed:
            firing.blamed = self._lives.pools.blamed(behaviour)

    def _refill(self, what: tuple[int, int]) -> None:
        which, amount = what
        self._fleet.supply(self.model.resources[which].place, amount)
        self._lives.pools.give_back(which, amount, self._agenda.turn)

    # -- sessions

    def _arrive(self, session: SessionRecord) -> None:
        stream = Stream(self._seed, session.index, _INPUTS)
        for place, draw in self.model.inputs:
            n = int(draw(stream))
            if n:
                paths = [(i,) for i in range(n)] if self.model.key_slots else []
                keys, guards = self._tokens.marks([place] * n, paths, stream)
                ids = self._fleet.put(session.number, place, n, keys=keys, guards=guards).tolist()
                self._tokens.add(ids, paths, self._agenda.now, ARRIVAL)
        self._changed(session, ARRIVAL)

    def _changed(self, session: SessionRecord, firing: int) -> None:
        """The tokens of a session changed, by the firing of that index."""
        session.last = session.moved = firing
        session.changed = self._agenda.now
        self._touched.add(session)
        if self._conditional:
            self._note(session)

    def _note(self, session: SessionRecord) -> None:
        """Note which conditional transitions are enabled, from now on those that were not before."""
        if session.end:
            return
        enabled = self._fleet.enabled(session.number).tolist()
        for transition in self._conditional:
            key = (session.number, transition)
            if transition not in enabled:
                self._since.pop(key, None)
            elif key not in self._since:
                self._since[key] = self._trigger(session)

    def _trigger(self, session: SessionRecord) -> tuple[float, int]:
        """Now, and whose doing it is that something became enabled now: who put, or else who claimed."""
        now = self._agenda.now
        return now, session.last if session.changed == now else session.moved

    def _settle(self) -> None:
        """End the sessions that came to rest."""
        touched, self._touched = self._touched, set()
        for session in touched:
            if not session.running and not session.end and not self._fleet.enabled(session.number).size:
                self._end(session, session.changed)

    def _end(self, session: SessionRecord, when: float, end: str = "") -> None:
        names = self.model.plan.names
        marking = self._fleet.marking(session.number).tolist()[: len(self.model.plan.places)]
        left = {place: tokens for place, tokens in enumerate(marking) if tokens}
        session.left = {names[place]: tokens for place, tokens in left.items()}
        session.ended = when
        session.end = end or ("finished" if self.model.wanted.isdisjoint(left) else "stuck")
        for place in left:
            self._tokens.forget(self._fleet.tokens(session.number, place).tolist())
        for transition in self._conditional:
            self._since.pop((session.number, transition), None)
        self._fleet.close(session.number)
        self._rested += 1

    def _cut_all(self) -> None:
        """The time is up."""
        if all(one.end for one in self.sessions):
            return
        self._agenda.now = self._until
        self._lives.stopped = True
        for session in self.sessions:
            if not session.end and session.arrived <= self._until:
                self._cut(session)

    def _cut(self, session: SessionRecord) -> None:
        """End a session in the midst of its work."""
        for transition in self._fleet.enabled(session.number).tolist():
            self._waits_of(session, self.model.behaviours[transition])
        cut = sorted(session.running, key=lambda one: one.index)
        session.oldest = cut[0].index if cut else -1
        session.running.clear()
        self._end(session, self._agenda.now, "limit")
        self._lives.cut(cut)

    def _waits_of(self, session: SessionRecord, behaviour: Behaviour) -> None:
        """What of an enabled transition nobody will claim any more has waited until now.

        Guards and keys are not looked at: of a transition that has them it may be less.
        """
        if not behaviour.needs:  # cut by its number of firings in the midst of a turn
            return
        session.starved = which = self._lives.pools.lacking(behaviour)
        came: list[list[float]] = []
        for place, mode, weight, *_ in behaviour.plan.arcs:
            times = sorted(map(self._tokens.since, self._fleet.tokens(session.number, place).tolist()))
            if mode is Mode.TAKE:
                came.append(times[weight - 1 :: weight])
            elif mode is Mode.DRAIN:
                came.append(times[weight - 1 : weight])
        for i in range(min(map(len, came), default=1)):
            since = max((times[i] for times in came), default=session.changed)
            self.waits_cut.append((session, behaviour, which, since, self._agenda.now))
