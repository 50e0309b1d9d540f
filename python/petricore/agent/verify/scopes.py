"""Which lists a gather closes, and which places hold tokens that it waits for: read off the declaration.

The rules are those of docs/fleet.md, with places in the role of tokens. A *stack* is the lists a token may stand
in, innermost last, each named by the transition that returned it. Where a token's place settles its stack, a gather
is followed exactly; where tokens of several lists meet in one firing, or a list nests in itself, it is *coarse*.

Balanced reachability: T. Reps, S. Horwitz, M. Sagiv, POPL 1995, doi:10.1145/199448.199462.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import product

from petricore.agent.compile import Plan, TransitionPlan
from petricore.agent.declaration import Mode
from petricore.agent.routing import output_places
from petricore.agent.verify.classes import Classes

__all__ = ["Queue", "Scopes"]

Queue = tuple[int, int]
"""(place, guard) of a gather arc."""

Stack = tuple[int, ...]
_MOST_STACKS = 64


class Scopes:
    """The groups of an agent whose initial tokens lie in `entries`. Cost: polynomial in places and transitions.

    `stacks` are those of the tokens with certain guard bits at a place.
    """

    def __init__(self, plan: Plan, classes: Classes, entries: Iterable[int]) -> None:
        self._plan = plan
        self._classes = classes
        self._outputs = [_outputs(plan, one) for one in plan.transitions]
        self.gathers: list[list[Queue]] = [
            [(place, guard) for place, mode, _, guard, _ in one.arcs if mode is Mode.GATHER]
            for one in plan.transitions
        ]
        self.queues: set[Queue] = {queue for row in self.gathers for queue in row}
        self.gather_places = {place for place, _ in self.queues}
        self._reach()
        self._balance()
        self.coarse: set[int] = set()
        self.parents: dict[int, set[Stack]] = defaultdict(set)
        self.stacks: dict[tuple[int, int], set[Stack]] = defaultdict(set)
        self._put_into: dict[tuple[int, bool], set[Stack]] = defaultdict(set)
        if self.queues:
            for place in entries:
                self._arrive(place, ())
            self._flow()

    def opened_by(self, places: Iterable[int]) -> frozenset[Queue]:
        """The gatherings that a list opens which went to `places`."""
        return frozenset(queue for place in places for queue in self._closing.get(place, ()))

    def openers(self, queue: Queue) -> list[int]:
        """The transitions whose lists are gathered at `queue`."""
        return [t for t, one in enumerate(self._plan.transitions) if queue in self.opened_by(one.opened)]

    def put_stacks(self, t: int, *, element: bool) -> set[Stack]:
        """The stacks of what `t` puts, as an element of a list or not."""
        return self._put_into[t, element]

    def reaches(self, place: int, bits: int, target: int, *, innermost: bool) -> bool:
        """Whether a token with guard bits `bits` at `place` can come to `target` by one firing or more."""
        for t, one in enumerate(self._plan.transitions):
            for source, mode, _, guard, _ in one.arcs:
                if source != place or mode is Mode.READ or (guard >= 0 and not bits >> guard & 1):
                    continue
                if innermost and mode is Mode.GATHER:
                    continue
                for put, scatter in self._outputs[t]:
                    table = self._after if scatter else self._own
                    if target in table[put] if innermost else target == put or target in self._far[put]:
                        return True
        return False

    def leads(self, place: int, target: int) -> bool:
        """Whether a firing or more leads from `place` to `target`, whatever the guards."""
        return target in self._far[place]

    # -- reachability over gather places, as the core computes it

    def _reach(self) -> None:
        count = len(self._plan.names)
        self._far: list[set[int]] = [set() for _ in range(count)]
        changed = True
        while changed:
            changed = False
            for t, one in enumerate(self._plan.transitions):
                for place, mode, *_ in one.arcs:
                    if mode is Mode.READ:
                        continue
                    for put, _ in self._outputs[t]:
                        gained = self._far[put] | ({put} & self.gather_places)
                        if not gained <= self._far[place]:
                            self._far[place] |= gained
                            changed = True

    def _balance(self) -> None:
        count = len(self._plan.names)
        self._own: list[set[int]] = [{place} & self.gather_places for place in range(count)]
        self._after: list[set[int]] = [set() for _ in range(count)]
        nontrivial: list[set[int]] = [set() for _ in range(count)]
        changed = True
        while changed:
            changed = False
            for t, one in enumerate(self._plan.transitions):
                for put, scatter in self._outputs[t]:
                    if scatter:
                        for u, row in enumerate(self.gathers):
                            if any(place in self._own[put] for place, _ in row):
                                for result, again in self._outputs[u]:
                                    gained = self._after[result] if again else self._own[result]
                                    changed |= _merge(self._after[put], gained)
                    for place, mode, *_ in one.arcs:
                        if mode in (Mode.TAKE, Mode.DRAIN):
                            gained = self._after[put] if scatter else self._own[put]
                            changed |= _merge(nontrivial[place], gained)
                            changed |= _merge(self._own[place], gained)
        self._closing: dict[int, set[Queue]] = {}
        for place in {place for one in self._plan.transitions for place in one.opened}:
            closing = {queue for queue in self.queues if queue[0] == place or queue[0] in nontrivial[place]}
            grown = True
            while grown:
                more = {queue for arcs in self.gathers if closing & set(arcs) for queue in arcs}
                grown = not more <= closing
                closing |= more
            self._closing[place] = closing

    # -- stacks

    def _flow(self) -> None:
        changed = True
        while changed:
            changed = False
            for t in range(len(self._plan.transitions)):
                changed |= self._fire(t)
            for (place, bits), stacks in list(self.stacks.items()):
                for stack in list(stacks):
                    for shorter in self._outlived(place, bits, stack):
                        changed |= _merge(stacks, {shorter})
                for one in self._plan.transitions:
                    kept = bits & ~one.barring.get(place, 0)
                    if kept != bits:
                        changed |= _merge(self.stacks[place, kept], stacks)
                if len(stacks) > _MOST_STACKS:
                    self._blur(stacks)
                    return

    def _fire(self, t: int) -> bool:
        one = self._plan.transitions[t]
        choices: list[list[Stack]] = []
        for place, mode, weight, guard, _ in one.arcs:
            if mode is Mode.READ:
                continue
            if mode is Mode.GATHER:
                closers = self.openers((place, guard))
                choices.append([stack for opener in closers for stack in self.parents[opener]])
                continue
            stacks = {stack for bits in self._classes.bits[place] if guard < 0 or bits >> guard & 1
                      for stack in self.stacks[place, bits]}  # fmt: skip
            choices.append(sorted(stacks))
            if weight > 1 or mode is Mode.DRAIN:
                self._blur(stacks)
        changed = False
        for row in product(*(list(dict.fromkeys(choice)) for choice in choices)):
            grouped = [stack for stack in row if stack]
            if len(grouped) > 1:
                self._blur(grouped)
            changed |= self._put(t, max(row, key=len, default=()))
        return changed

    def _put(self, t: int, base: Stack) -> bool:
        one = self._plan.transitions[t]
        changed = False
        opens = bool(self.opened_by(one.opened))
        inner = base
        if opens:
            changed |= _merge(self.parents[t], {base})
            if t in base:
                self._blur([base])
            else:
                inner = (*base, t)
        self._put_into[t, False].add(base)
        self._put_into[t, True].add(inner)
        for place, scatter in self._outputs[t]:
            changed |= self._arrive(place, inner if scatter else base)
        return changed

    def _arrive(self, place: int, stack: Stack) -> bool:
        changed = False
        for bits in self._classes.fresh[place]:
            changed |= _merge(self.stacks[place, bits], {stack})
        return changed

    def _outlived(self, place: int, bits: int, stack: Stack) -> Iterable[Stack]:
        """The stack without a list that may be over while the token is still there."""
        for i, opener in enumerate(stack):
            innermost = i + 1 == len(stack)
            queues = self.opened_by(self._plan.transitions[opener].opened)
            if any(self._holds_up(place, bits, queue, innermost=innermost) for queue in queues):
                continue
            yield stack[:i] + stack[i + 1 :]

    def _holds_up(self, place: int, bits: int, queue: Queue, *, innermost: bool) -> bool:
        """Whether no such token of the group can be at `place` when the gathering at `queue` is over."""
        if place == queue[0] and (queue[1] < 0 or bits >> queue[1] & 1):
            if not innermost:
                return True
            return not any(
                queue in row
                and (
                    len(row) > 1
                    or one.barring
                    or any(arc[2] > 1 for arc in one.arcs if arc[1] is Mode.GATHER)
                )
                for one, row in zip(self._plan.transitions, self.gathers, strict=True)
            )
        return self.reaches(place, bits, queue[0], innermost=innermost)

    def _blur(self, stacks: Iterable[Stack]) -> None:
        for stack in stacks:
            self.coarse.update(stack)


def _outputs(plan: Plan, one: TransitionPlan) -> list[tuple[int, bool]]:
    """Places that firings put into, and whether as elements of a list."""
    places = [(plan.index[place.name]) for place in output_places(one.spec.output)]
    found = [(place, place in one.opened) for place in places]
    if one.error_place is not None:
        found.append((one.error_place, False))
    return found


def _merge(into: set, gained: set) -> bool:  # type: ignore[type-arg]  # of places or of stacks
    if gained <= into:
        return False
    into |= gained
    return True
