"""The properties that are checked, each on the views that can decide it.

What must never happen is proved absent in the view `cover`, which does whatever a run can do, and shown to happen
in `sample` by steps that the counts settle alone. What must be possible is shown in `sample` the same way and proved
impossible in `cover`. In between the finding is undecided, or says on what it depends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
import numpy.typing as npt

from petricore.agent.compile import TransitionPlan
from petricore.agent.declaration import Mode
from petricore.agent.places import TypedPlace
from petricore.agent.routing import output_places
from petricore.agent.verify.abstraction import Abstraction, View
from petricore.agent.verify.exploration import Budget, Graph, explore
from petricore.agent.verify.explored import Explored, Run
from petricore.agent.verify.growth import growing
from petricore.agent.verify.report import Finding

__all__ = ["Checks"]

_FIRST_LOOK = 5_000

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Checks:
    """All properties of one abstraction."""

    abstraction: Abstraction
    complete: frozenset[str]
    budget: Budget
    search: Callable[[View, Budget], Graph] = explore

    def findings(self) -> Iterator[Finding]:
        """Every finding, in order."""
        bounded = self._bounded()
        if bounded.verdict is False:
            # No search comes to an end, so the longer ones show little more.
            yield from replace(
                self, budget=replace(self.budget, limit=min(self.budget.limit, _FIRST_LOOK))
            )._others(bounded)
        else:
            yield from self._others(bounded)

    def _others(self, bounded: Finding) -> Iterator[Finding]:
        yield self._no_hang()
        yield self._can_finish()
        yield self._can_fire()
        yield self._outputs()
        yield bounded
        yield self._no_hang_after_failures()
        yield self._conflicts()

    @property
    def states(self) -> int:
        """Markings looked at so far."""
        names = ("_sample", "_cover", "_calm_sample", "_calm_cover")
        explored = {id(one): one for one in (self.__dict__.get(name) for name in names) if one is not None}
        return sum(len(one.graph) for one in explored.values())

    # -- the four views, each explored once

    @cached_property
    def _cover(self) -> Explored:
        return self._explored(self.abstraction.cover)

    @cached_property
    def _sample(self) -> Explored:
        if self.abstraction.sample is self.abstraction.cover:
            return self._cover
        return self._explored(self.abstraction.sample)

    @cached_property
    def _calm_cover(self) -> Explored:
        return self._explored(self.abstraction.without_failures(self.abstraction.cover))

    @cached_property
    def _calm_sample(self) -> Explored:
        if self.abstraction.sample is self.abstraction.cover:
            return self._calm_cover
        return self._explored(self.abstraction.without_failures(self.abstraction.sample))

    def _explored(self, view: View) -> Explored:
        return Explored(self.search(view, self.budget), self.abstraction)

    # -- properties

    def _no_hang(self) -> Finding:
        finding = self._never_left("no hang", self._calm_sample, self._calm_cover)
        if finding.verdict:
            return replace(
                finding, reason="when nothing fails, no token is left that a transition still wants"
            )
        return finding

    def _no_hang_after_failures(self) -> Finding:
        finding = self._never_left("no hang after failures", self._sample, self._cover)
        if finding.verdict:
            reason = (
                "whatever fails, times out or is rejected, no token is left that a transition still wants"
            )
            return replace(finding, severity="warning", reason=reason)
        return replace(finding, severity="warning")

    def _never_left(self, name: str, sample: Explored, cover: Explored) -> Finding:
        wanted = self._consumed - self.complete
        stuck = sample.dead & sample.holding(wanted) & (sample.exact_tree >= -1)
        if stuck.any():
            marking = int(np.argmax(stuck))
            return self._left(name, False, sample, marking, sample.run(marking, exact=True), ())
        for explored in (sample, cover):
            stuck = explored.at_rest & explored.holding(wanted)
            if stuck.any():
                marking = int(np.argmax(stuck))
                run = explored.run(marking, exact=False)
                depends = (
                    tuple(dict.fromkeys((*run.depends, *self._waiting(explored, marking)))) or self._rest
                )
                return self._left(name, None, explored, marking, run, depends)
        if not cover.graph.complete:
            return Finding(name, None, f"not decided: {cover.graph.reason}")
        return Finding(name, True, "")

    def _left(
        self,
        name: str,
        verdict: bool | None,
        explored: Explored,
        marking: int,
        run: Run,
        depends: tuple[str, ...],
    ) -> Finding:
        tokens = explored.tokens(marking)
        left = {place: count for place, count in tokens.items() if place in self._consumed - self.complete}
        what = ", ".join(f"{count} {place}" for place, count in left.items())
        if verdict is False:
            reason = f"the agent comes to rest with {what} left"
        else:
            reason = f"the agent may come to rest with {what} left, depending on {', '.join(depends)}"
        return Finding(name, verdict, reason, verdict is False, depends=depends, witness=run.told, fired=run.fired,
                       left=left, subjects=tuple(left))  # fmt: skip

    def _waiting(self, explored: Explored, marking: int) -> list[str]:
        """What the steps depend on that may be possible in a marking where the run can rest all the same."""
        graph = explored.graph
        leaving = graph.transitions[graph.offsets[marking] : graph.offsets[marking + 1]]
        return list(dict.fromkeys(d for t in leaving.tolist() for d in graph.steps[t].depends))

    def _can_finish(self) -> Finding:
        name = "can always finish"
        sample, cover = self._calm_sample, self._calm_cover
        lost_sample, lost_cover = self._lost(sample), self._lost(cover)
        known = lost_sample & (sample.exact_tree >= -1)
        if known.any():
            marking = int(np.argmax(known))
            run, left = sample.run(marking, exact=True), sample.tokens(marking)
            reason = "from here nothing that follows uses up what was started"
            finding = Finding(
                name, False, reason, witness=run.told, fired=run.fired, left=left, subjects=tuple(left)
            )
            if sample is cover:
                return finding
            verdict = False if lost_cover.any() else None
            return replace(finding, verdict=verdict, exact=False, depends=(self._lengths,))
        for explored, lost in ((sample, lost_sample), (cover, lost_cover)):
            if lost.any():
                marking = int(np.argmax(lost))
                run = explored.run(marking, exact=False)
                depends = run.depends or self._rest
                reason = f"it may get to where it cannot finish, depending on {', '.join(depends)}"
                return Finding(name, None, reason, False, depends=depends, witness=run.told, fired=run.fired,
                               left=explored.tokens(marking))  # fmt: skip
        if not cover.graph.complete:
            return Finding(name, None, f"not decided: {cover.graph.reason}")
        depends = tuple(dict.fromkeys(d for step in cover.graph.steps for d in step.depends))
        if cover is not sample:
            depends = (*depends, self._lengths)
        reason = "wherever it gets without a failure, it can go on until nothing is left to do"
        return Finding(name, True, reason, not depends, depends=depends)

    def _lost(self, explored: Explored) -> Mask:
        """Markings from which no way leads to a rest with nothing left. The frontier counts as a way."""
        goals = explored.at_rest & ~explored.holding(self._consumed - self.complete)
        goals[explored.graph.expanded :] = True
        return ~explored.graph.reaching(goals)

    def _can_fire(self) -> Finding:
        name = "every transition can fire"
        names = [one.spec.name for one in self.abstraction.plan.transitions]
        exactly = self._fired(self._sample, exact=True)
        anyhow = self._fired(self._sample, exact=False) | self._fired(self._cover, exact=False)
        dead = [one for one in names if one not in anyhow]
        if dead and not self._cover.graph.complete:
            return Finding(name, None, f"{', '.join(dead)} not seen to fire: {self._cover.graph.reason}",
                           subjects=tuple(dead))  # fmt: skip
        if dead:
            return Finding(name, False, "; ".join(self._why(one) for one in dead), subjects=tuple(dead))
        unsure = tuple(one for one in names if one not in exactly)
        if unsure:
            depends = self._conditions(unsure)
            return Finding(name, True, f"{', '.join(unsure)} if {' and '.join(depends)} allows it", False,
                           depends=depends, subjects=unsure)  # fmt: skip
        return Finding(name, True, f"all {len(names)}")

    def _fired(self, explored: Explored, *, exact: bool) -> set[str]:
        graph = explored.graph
        edges = explored.exact_edges & (explored.exact_tree[graph.sources] >= -1) if exact else slice(None)
        numbers = np.unique(graph.transitions[edges]).tolist()
        return {str(graph.steps[t].transition) for t in numbers if graph.steps[t].transition}

    def _conditions(self, transitions: Iterable[str]) -> tuple[str, ...]:
        wanted = set(transitions)
        found = dict.fromkeys(d for step in self.abstraction.cover.steps.values() for d in step.depends
                              if step.transition in wanted or step.transition is None)  # fmt: skip
        return tuple(found) or self._rest

    def _why(self, transition: str) -> str:
        one = next(plan for plan in self.abstraction.plan.transitions if plan.spec.name == transition)
        wanted = [arc.place.name for arc in one.spec.inputs if arc.weight]
        dry = [place for place in wanted if not self._cover.holding([place]).any()]
        if dry:
            return f"{transition} never fires: no token comes to {', '.join(dict.fromkeys(dry))}"
        return f"{transition} never fires: its inputs are never there together"

    def _outputs(self) -> Finding:
        name = "every output is reachable"
        plan = self.abstraction.plan
        put = [place.name for one in plan.transitions for place in _put_into(one)]
        outputs = [place for place in dict.fromkeys(put) if place not in self._consumed]
        if not outputs:
            return Finding(name, True, "every place that is put into is also consumed from")
        sample, cover = self._sample, self._cover
        anyhow = [p for p in outputs if sample.holding([p]).any() or cover.holding([p]).any()]
        missing = tuple(place for place in outputs if place not in anyhow)
        if missing and not cover.graph.complete:
            return Finding(
                name, None, f"{', '.join(missing)} not seen: {cover.graph.reason}", subjects=missing
            )
        if missing:
            return Finding(name, False, f"no run puts a token into {', '.join(missing)}", subjects=missing)
        unsure = tuple(p for p in outputs if not (sample.holding([p]) & (sample.exact_tree >= -1)).any())
        if unsure:
            steps = self.abstraction.cover.steps.values()
            depends = tuple(dict.fromkeys(d for step in steps for d in step.depends)) or self._rest
            return Finding(name, True, f"{', '.join(unsure)} if {' and '.join(depends)} allows it", False,
                           depends=depends, subjects=unsure)  # fmt: skip
        return Finding(name, True, ", ".join(outputs))

    def _bounded(self) -> Finding:
        name = "bounded"
        if self.budget.limit > _FIRST_LOOK:
            look = Explored(
                self.search(self.abstraction.sample, replace(self.budget, limit=_FIRST_LOOK)),
                self.abstraction,
            )
            sample = self._sample if look.graph.complete else look
            pump = growing(sample.graph, sample.exact_edges, set(self.abstraction.places))
        else:
            sample, pump = self._sample, None
        if pump is None:
            sample = self._sample
            pump = growing(sample.graph, sample.exact_edges, set(self.abstraction.places))
        if pump is not None:
            by_name = dict(zip(sample.graph.names, sample.graph.steps, strict=True))
            run = Run([by_name[one] for one in pump.before], [by_name[one] for one in pump.cycle])
            places = tuple(dict.fromkeys(self.abstraction.places[place] for place in pump.places))
            grown = ", ".join(places)
            if pump.exact:
                return Finding(name, False, f"{grown} can grow without bound", witness=run.told, fired=run.fired,
                               subjects=places)  # fmt: skip
            depends = run.depends or self._rest
            reason = f"{grown} may grow without bound, depending on {', '.join(depends)}"
            return Finding(name, None, reason, False, depends=depends, witness=run.told, fired=run.fired,
                           subjects=places)  # fmt: skip
        if not sample.graph.complete:
            return Finding(name, None, f"not decided: {sample.graph.reason}")
        if self.abstraction.sample is not self.abstraction.cover:
            if not self._cyclic():
                return Finding(name, True, "no place grows but with the length of a list")
            reason = f"no place grows but with the length of a list, for {self._lengths}"
            return Finding(name, True, reason, False, depends=(self._lengths,))
        most = int(sample.graph.markings[:, [c for p, c in sample.graph.columns.items()
                                             if p in self.abstraction.places]].max(initial=0))  # fmt: skip
        return Finding(
            name, True, f"no place ever holds more than {most} token{'s' if most != 1 else ''} of a kind"
        )

    def _cyclic(self) -> bool:
        """Whether a token can lead to another in the place it was taken from."""
        follows: dict[str, set[str]] = {}
        for one in self.abstraction.plan.transitions:
            for arc in one.spec.inputs:
                if arc.mode is not Mode.READ:
                    follows.setdefault(arc.place.name, set()).update(place.name for place in _put_into(one))
        reached = {place: set(row) for place, row in follows.items()}
        grown = True
        while grown:
            grown = False
            for row in reached.values():
                more = set().union(*(follows.get(place, set()) for place in row))
                if not more <= row:
                    row.update(more)
                    grown = True
        return any(place in row for place, row in reached.items())

    def _conflicts(self) -> Finding:
        name = "conflicts are decided"
        explored = self._sample
        found: Finding | None = None
        rivals = list(self._rivals())
        if not rivals:
            reason = "no two transitions of equal priority take from one place"
            return Finding(name, True, reason, severity="warning")
        for one, other, place in rivals:
            meeting = self._meeting(explored, one.spec.name, other.spec.name)
            if not meeting.any():
                continue
            pair = (one.spec.name, other.spec.name)
            known = meeting & (explored.exact_tree >= -1)
            marking = int(np.argmax(known if known.any() else meeting))
            run = explored.run(marking, exact=bool(known.any()))
            depends = () if known.any() else run.depends or self._rest
            finding = Finding(
                name, None if depends else False,
                f"{pair[0]} and {pair[1]} want the same {place}, and neither priority nor a guard says who gets it",
                not depends, "warning", depends, run.told, run.fired, explored.tokens(marking), pair,
            )  # fmt: skip
            if not depends:
                return finding
            found = found or finding
        if found is not None:
            return found
        if not explored.graph.complete:
            return Finding(name, None, f"not decided: {explored.graph.reason}", severity="warning")
        if self.abstraction.sample is not self.abstraction.cover and not (self._cover.graph.complete and not any(
            self._meeting(self._cover, one.spec.name, other.spec.name).any() for one, other, _ in rivals
        )):  # fmt: skip
            return Finding(name, True, f"no two transitions want the same token, for {self._lengths}", False,
                           "warning", (self._lengths,))  # fmt: skip
        return Finding(
            name, True, "no two transitions of equal priority ever want the same token", severity="warning"
        )

    def _rivals(self) -> Iterator[tuple[TransitionPlan, TransitionPlan, str]]:
        """Pairs of equal priority that consume from one place by arcs without a predicate or key."""
        for one, other in combinations(self.abstraction.plan.transitions, 2):
            if one.spec.options.priority != other.spec.options.priority:
                continue
            for arc in one.spec.inputs:
                for rival in other.spec.inputs:
                    plain = not (arc.predicate or rival.predicate or arc.match or rival.match)
                    if arc.place is rival.place and Mode.READ not in (arc.mode, rival.mode) and plain:
                        yield one, other, arc.place.name

    def _meeting(self, explored: Explored, one: str, other: str) -> Mask:
        """Markings where both can start, and where one's start can keep the other from it."""
        graph = explored.graph
        meeting = np.zeros(len(graph), bool)
        for name, rival in ((one, other), (other, one)):
            edges = explored.claiming & (explored.agents == explored.number[name])
            able = explored.able[:, explored.number[rival]]
            ends = edges & able[graph.sources] & ~able[graph.targets] & (graph.targets < graph.expanded)
            meeting[graph.sources[ends]] = True
        return meeting

    @cached_property
    def _consumed(self) -> frozenset[str]:
        """Places from which some transition takes."""
        return frozenset(
            arc.place.name for one in self.abstraction.plan.transitions for arc in one.spec.inputs
            if arc.mode is not Mode.READ
        )  # fmt: skip

    @property
    def _rest(self) -> tuple[str, ...]:
        """What remains to depend on where no step does."""
        return (self._lengths,) if self.abstraction.lists else ("which transition is served first",)

    @property
    def _lengths(self) -> str:
        return f"lists of up to {self.abstraction.longest} elements of a kind"


def _put_into(one: TransitionPlan) -> list[TypedPlace]:
    found = list(output_places(one.spec.output))
    found += [place for place in (one.spec.error_place, one.spec.dead_letter) if place is not None]
    return found
