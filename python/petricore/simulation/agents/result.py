"""`AgentSimulation`: what a simulation of an agent found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from petricore.errors import NetError
from petricore.simulation.agents.critical_path import Part, critical_path
from petricore.simulation.agents.records import FiringRecord, SessionRecord
from petricore.simulation.agents.timeline import timeline
from petricore.simulation.agents.usage import Bottleneck, ResourceUse, TransitionUse

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from petricore.simulation.agents.loop import Loop

__all__ = ["AgentSimulation"]

Table = Literal["sessions", "firings", "transitions", "resources"]
Measure = Literal["makespan", "waiting", "people", "cost"]


class AgentSimulation:
    """Sessions of an agent that were simulated: how long they took, what they waited for, what they cost.

    Arrays have one entry for each session that had arrived, shape (N,), in order of number; times are seconds of the
    model.
    """

    def __init__(self, loop: Loop, seed: int, sessions: int) -> None:
        self._model = loop.model
        self._firings: Sequence[FiringRecord] = loop.firings
        self._sessions: Sequence[SessionRecord] = [one for one in loop.sessions if one.end]
        self._thread_waits = loop.thread_waits
        self._waits_cut = loop.waits_cut
        self.agent = loop.model.agent
        self.seed = seed
        """The seed that gives this result again."""
        self.absent = sessions - len(self._sessions)
        """Sessions that had not arrived when the simulation ended."""
        self.assumptions: tuple[str, ...] = tuple(loop.model.assumptions)
        """What nobody said and was assumed."""
        self.arrived = _floats(one.arrived for one in self._sessions)
        self.ended = _floats(one.ended for one in self._sessions)
        self.makespan = self.ended - self.arrived
        """Seconds from its arrival until a session rested, or was cut."""
        self.cost = _floats(one.cost for one in self._sessions)
        self.end: tuple[str, ...] = tuple(one.end for one in self._sessions)
        """"finished"; "stuck": it rests, with tokens that some transition takes from; "limit": it was cut."""
        self.left: tuple[Mapping[str, int], ...] = tuple(MappingProxyType(one.left) for one in self._sessions)
        """The tokens left in each session, by place."""
        self.failures = np.array([one.failures for one in self._sessions], np.int64)
        """Firings that failed for good."""
        self.horizon = (
            float(self.arrived.min()) if self._sessions else 0.0,
            float(self.ended.max()) if self._sessions else 0.0,
        )
        """From the first arrival to the last end."""

    # -- sessions

    def __len__(self) -> int:
        return len(self._sessions)

    @cached_property
    def waiting(self) -> NDArray[np.float64]:
        """Seconds that firings of each session, ready otherwise, waited for resources; added up over them."""
        return self._per_session(lambda one: one.claimed - one.ready + one.queued, lambda *_: True)

    @cached_property
    def people(self) -> NDArray[np.float64]:
        """Seconds that firings of each session waited for a person."""
        return self._per_session(lambda one: one.confirmed)

    @cached_property
    def firings(self) -> NDArray[np.int64]:
        """Firings of each session."""
        return np.array([one.firings for one in self._sessions], np.int64)

    def waiting_for(self, resource: str) -> NDArray[np.float64]:
        """Seconds that each session waited for one resource. Raises `NetError` for an unknown one."""
        if resource not in self.resources:
            raise NetError(
                f"there is no resource {resource!r}; there are {', '.join(map(repr, self.resources))}"
            )
        if resource == "threads" and self._model.threads:
            return self._per_session(lambda one: one.queued)
        number = [one.name for one in self._model.resources].index(resource)
        return self._per_session(
            lambda one: one.claimed - one.ready if one.blamed == number else 0.0,
            lambda _, which: which == number,
        )

    def waiting_of(self, transition: str) -> NDArray[np.float64]:
        """Seconds that one transition waited for resources in each session. Raises `NetError` for an unknown one."""
        if transition not in self.transitions:
            raise NetError(
                f"there is no transition {transition!r}; there are {', '.join(map(repr, self.transitions))}"
            )
        return self._per_session(
            lambda one: one.claimed - one.ready + one.queued if one.behaviour.name == transition else 0.0,
            lambda name, _: name == transition,
        )

    def percentiles(
        self, of: Measure = "makespan", at: Sequence[float] = (50, 90, 95, 99)
    ) -> NDArray[np.float64]:
        """Percentiles over the sessions, shape (len(at),). Raises `NetError` for another measure."""
        return np.percentile(self._measure(of), np.asarray(at, np.float64))

    @property
    def ends(self) -> dict[str, int]:
        """How many sessions ended how."""
        return {end: self.end.count(end) for end in ("finished", "stuck", "limit") if end in self.end}

    @property
    def stuck(self) -> dict[str, int]:
        """The tokens left in stuck sessions, added up by place."""
        counts: dict[str, int] = {}
        for end, left in zip(self.end, self.left, strict=True):
            if end == "stuck":
                for place, tokens in left.items():
                    counts[place] = counts.get(place, 0) + tokens
        return counts

    # -- where the time went

    @cached_property
    def critical_path(self) -> Mapping[Part, float]:
        """Mean seconds of a session by what they went into, most first; they add up to the mean makespan.

        Keys are ("action", transition), ("resource", name), ("person", transition) and ("pause", transition).
        """
        names = [one.name for one in self._model.resources]
        spent: dict[Part, float] = {}
        for session in self._sessions:
            for part, seconds in critical_path(session, self._firings, names).items():
                spent[part] = spent.get(part, 0.0) + seconds
        ordered = sorted(spent.items(), key=lambda one: (-one[1], one[0]))
        return MappingProxyType({part: seconds / len(self._sessions) for part, seconds in ordered})

    @property
    def bottleneck(self) -> Bottleneck | None:
        """What most of the sessions' time went into; None where they took none."""
        for (kind, name), seconds in self.critical_path.items():
            return Bottleneck(kind, name, seconds, seconds / float(self.makespan.mean()))
        return None

    @cached_property
    def transitions(self) -> Mapping[str, TransitionUse]:
        """What each transition did."""
        by_number: list[list[FiringRecord]] = [[] for _ in self._model.behaviours]
        for one in self._firings:
            by_number[one.behaviour.number].append(one)
        return MappingProxyType({
            behaviour.name: TransitionUse(
                behaviour.name,
                len(mine),
                sum(one.attempts for one in mine),
                sum(one.outcome in ("failed", "timeout", "rejected") for one in mine),
                sum(one.outcome == "cut" for one in mine),
                sum(one.busy for one in mine),
                sum(one.claimed - one.ready + one.queued for one in mine),
                sum(one.confirmed for one in mine),
                sum(one.delayed + one.backoff for one in mine),
                sum(one.cost for one in mine),
            )
            for behaviour, mine in zip(self._model.behaviours, by_number, strict=True)
        })  # fmt: skip

    @cached_property
    def resources(self) -> Mapping[str, ResourceUse]:
        """What each resource was used for."""
        found = {one.name: self._use(number) for number, one in enumerate(self._model.resources)}
        if self._model.threads:
            found["threads"] = self._threads()
        return MappingProxyType(found)

    def _use(self, number: int) -> ResourceUse:
        resource = self._model.resources[number]
        amounts = [
            sum(amount for which, amount in one.needs if which == number) for one in self._model.behaviours
        ]
        mine = [one for one in self._firings if amounts[one.behaviour.number]]
        claimed = _floats(one.claimed for one in mine)
        window = resource.window
        until = _floats(one.ended for one in mine) if window is None else claimed + window
        weights = np.array([amounts[one.behaviour.number] for one in mine], np.int64)
        waited = [one for one in mine if one.blamed == number]
        spans = [(one.ready, one.claimed) for one in waited]
        spans += [(since, until) for _, _, which, since, until in self._waits_cut if which == number]
        return ResourceUse(
            resource.name,
            resource.capacity,
            window,
            len(mine),
            _floats(one.claimed - one.ready if one.blamed == number else 0.0 for one in mine),
            timeline(claimed, until, weights, self.horizon),
            timeline(*_intervals(spans), self.horizon),
        )

    def _threads(self) -> ResourceUse:
        mine = [one for one in self._firings if one.behaviour.threaded]
        spans = [span for one in mine for span in one.spans]
        return ResourceUse(
            "threads",
            self._model.threads,
            None,
            len(mine),
            _floats(one.queued for one in mine),
            timeline(*_intervals(spans), self.horizon),
            timeline(*_intervals(self._thread_waits), self.horizon),
        )

    # -- for others

    def firing_rows(self) -> dict[str, list[Any]]:
        """The firings as columns, in order of their claims. Times in seconds of the model.

        `ready` is when the firing could have been claimed but for resources, `claimed` when it was; `outcome` is
        completed, failed, timeout, rejected or cut.
        """
        plain = ("ready", "claimed", "ended", "attempts", "outcome", "busy", "confirmed", "delayed", "queued",
                 "backoff", "cost")  # fmt: skip
        names = [*(one.name for one in self._model.resources), None]
        return {
            "session": [one.session.index for one in self._firings],
            "transition": [one.behaviour.name for one in self._firings],
            **{name: [getattr(one, name) for one in self._firings] for name in plain},
            "waited_for": [names[one.blamed] for one in self._firings],
        }

    def to_pandas(self, table: Table = "sessions") -> pandas.DataFrame:
        """A data frame of sessions, firings, transitions or resources, a row each.

        Raises:
            NetError: there is no such table.
            ModuleNotFoundError: pandas is not installed.
        """
        from petricore.simulation.agents.export import to_pandas

        return to_pandas(self, table)

    def to_dict(self) -> dict[str, Any]:
        """The report in terms of JSON: summaries, and no single session."""
        from petricore.simulation.agents.export import to_dict

        return to_dict(self)

    def to_json(self, *, indent: int | None = None) -> str:
        """`to_dict` as JSON text."""
        import json

        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    def summary(self) -> str:
        """The report as text."""
        from petricore.simulation.agents.summary import summary

        return summary(self)

    def plot(self) -> Figure:
        """A figure: makespans and costs of the sessions, utilisation and queue of the resources over time.

        Raises `ModuleNotFoundError` where matplotlib is not installed.
        """
        from petricore.simulation.agents.plot import plot

        return plot(self)

    def _measure(self, of: str) -> NDArray[np.float64]:
        if of not in ("makespan", "waiting", "people", "cost"):
            raise NetError(f"percentiles are of 'makespan', 'waiting', 'people' or 'cost', not {of!r}")
        values: NDArray[np.float64] = getattr(self, of)
        return values

    def _per_session(
        self,
        of: Callable[[FiringRecord], float],
        cut: Callable[[str, int], bool] = lambda *_: False,
    ) -> NDArray[np.float64]:
        """Sums over the firings of each session, and over what waited for a claim that never came, if `cut` says so."""
        totals = {one.index: 0.0 for one in self._sessions}
        for one in self._firings:
            totals[one.session.index] += of(one)
        for session, behaviour, which, since, until in self._waits_cut:
            if cut(behaviour.name, which):
                totals[session.index] += until - since
        return _floats(totals.values())

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        ends = ", ".join(f"{number} {end}" for end, number in self.ends.items())
        mean = (
            f", mean makespan {self.makespan.mean():.4g} s, mean cost {self.cost.mean():.4g}"
            if self._sessions
            else ""
        )
        return f"<AgentSimulation of {self.agent!r}: {len(self)} sessions, {ends}{mean}>"


def _intervals(
    spans: Sequence[tuple[float, float]],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Begins, ends and weights of 1, for `timeline`."""
    return _floats(a for a, _ in spans), _floats(b for _, b in spans), np.ones(len(spans), np.int64)


def _floats(values: Any) -> NDArray[np.float64]:
    return np.fromiter(values, np.float64)
