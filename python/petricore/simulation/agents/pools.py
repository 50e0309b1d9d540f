"""Who holds how much of the shared resources, and for which of them a firing waited."""

from __future__ import annotations

from collections import deque

from petricore.simulation.agents.model import Behaviour
from petricore.simulation.agents.records import FiringRecord
from petricore.simulation.agents.resources import Resource

__all__ = ["Pools", "Threads"]


class Pools:
    """Counts what the fleet holds, which tells who may claim but not what was lacking."""

    def __init__(self, resources: list[Resource]) -> None:
        self._free = [one.capacity for one in resources]
        self._returned = [(-1, 0)] * len(resources)  # (turn of the last return, free before it)

    def take(self, which: int, amount: int) -> None:
        """A claim took so much."""
        self._free[which] -= amount

    def give_back(self, which: int, amount: int, turn: int) -> None:
        """So much came back in that turn."""
        self._returned[which] = (turn, self._free[which])
        self._free[which] += amount

    def blamed(self, behaviour: Behaviour) -> int:
        """For what a claim of this moment waited: what came back last, and was not enough before."""

        def lateness(need: tuple[int, int]) -> tuple[int, bool]:
            turn, before = self._returned[need[0]]
            return turn, before < need[1]

        return max(behaviour.needs, key=lateness)[0]

    def lacking(self, behaviour: Behaviour) -> int:
        """The first resource of which there is not enough, or whose line it stands in."""
        short = [which for which, amount in behaviour.needs if self._free[which] < amount]
        return short[0] if short else behaviour.needs[0][0]


class Threads:
    """The threads of sync actions, first come, first served. `size` 0: as many as there is work for."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.waits: list[tuple[float, float]] = []
        """(from, to) of attempts that had to wait."""
        self._free = size
        self._queue: deque[FiringRecord] = deque()

    def counts(self, behaviour: Behaviour) -> bool:
        """Whether the attempts of the transition hold a thread that is counted."""
        return self.size > 0 and behaviour.threaded

    def take(self, firing: FiringRecord, now: float) -> bool:
        """Take a thread, or queue for one (False)."""
        if self._free == 0:
            firing.queued_since = now
            self._queue.append(firing)
            return False
        self._free -= 1
        return True

    def give_back(self, now: float) -> FiringRecord | None:
        """A thread is free; the firing that takes it over."""
        while self._queue:
            firing = self._queue.popleft()
            if firing.ended < 0:
                since, firing.queued_since = firing.queued_since, -1.0
                firing.queued += now - since
                if now > since:
                    self.waits.append((since, now))
                return firing
        self._free += 1
        return None
