"""A naive Fleet: docs/fleet.md word by word. What can be derived is recomputed from its definition.

Ids of sessions, tokens and firings come from the caller (they are the Fleet's); groups count up from 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.property.fleet_model_net import DRAIN, GATHER, READ, TAKE, Arc, Net, Queue

FREE = -1


@dataclass
class Token:
    session: int
    place: int
    age: int
    keys: tuple[int, ...]
    guards: int
    scope: frozenset[int]
    owner: int = FREE


@dataclass
class Firing:
    session: int
    transition: int
    arcs: list[list[int]]  # tokens by session arc
    held: list[int]
    scope: frozenset[int]
    closing: int | None
    opened: int | None = None
    emitted: list[int] = field(default_factory=list)  # places


@dataclass
class Group:
    session: int
    parents: frozenset[int]
    runner: int | None
    gatherings: dict[Queue, str] = field(default_factory=dict)  # open | firing
    served: set[Queue] = field(default_factory=set)


class Model:
    def __init__(self, spec: dict[str, Any]) -> None:
        self.net = Net(spec)
        self.free = dict(self.net.resources)
        self.sessions: list[int] = []
        self.tokens: dict[int, Token] = {}
        self.firings: dict[int, Firing] = {}
        self.groups: dict[int, Group] = {}
        self.keys: dict[tuple[int, int], list[int]] = {}  # (session, transition) -> complete keys in order
        self.turns: dict[tuple[int, int], list[int]] = {}  # (session, transition) -> groups to close in order
        self.ages: dict[tuple[int, int], int] = {}
        self.waits: dict[tuple[int, int], int] = {}  # pair -> resource place
        self.woken: set[tuple[int, int]] = set()
        self.accounts: dict[int, int] = {}  # by session
        self.rings: dict[int, list[int]] = {}  # by priority: accounts, the next one first
        self.turns_of: dict[tuple[int, int, int], int] = {}  # (resource, priority, account) -> its turn
        self.drawn = 0
        self.clock = 0
        self.last_group = 0

    # ---- queues

    def queue(self, session: int, place: int, guard: int = -1) -> list[int]:
        """Free tokens, oldest first, that the guard admits."""
        mine = [
            i
            for i, token in self.tokens.items()
            if token.session == session and token.place == place and token.owner == FREE
            if guard < 0 or token.guards >> guard & 1
        ]
        return sorted(mine, key=lambda i: self.tokens[i].age)

    def keyed(self, session: int, arc: Arc, key: int) -> list[int]:
        tokens = self.queue(session, arc.place, arc.guard)
        return [i for i in tokens if self.tokens[i].keys[arc.slot] == key]

    def occupied(self, session: int, place: int) -> int:
        total = len(self.queue(session, place))
        for firing in self.firings.values():
            if firing.session == session:
                taken = sum(self.tokens[i].place == place for i in firing.held)
                room = self.net.outputs[firing.transition].get(place, 0) - firing.emitted.count(place)
                total += max(taken, room, 0)
        return total

    # ---- enabling

    def wanted(self, t: int) -> list[tuple[Arc, int]]:
        """Arcs with how many tokens their queue must hold: TAKE arcs on one queue add up."""
        result = []
        for arc in self.net.inputs[t]:
            if arc.mode == TAKE:
                same = [a for a in self.net.inputs[t] if a.mode == TAKE and a.place == arc.place]
                result.append((arc, sum(a.weight for a in same)))
            elif arc.mode != GATHER:
                result.append((arc, arc.weight))
        return result

    def complete_keys(self, session: int, t: int) -> list[int]:
        arcs = [(arc, n) for arc, n in self.wanted(t) if arc.slot >= 0]
        candidates = {
            self.tokens[i].keys[arc.slot]
            for arc, _ in arcs
            for i in self.queue(session, arc.place, arc.guard)
        }
        return sorted(
            key for key in candidates if all(len(self.keyed(session, arc, key)) >= n for arc, n in arcs)
        )

    def enabled(self, session: int, t: int) -> bool:
        wanted = self.wanted(t)
        if any(len(self.queue(session, a.place, a.guard)) < n for a, n in wanted if a.slot < 0):
            return False
        if any(a.slot >= 0 for a, _ in wanted) and not self.complete_keys(session, t):
            return False
        if self.net.gathers[t] and not any(
            self.can_close(g, t) for g, group in self.groups.items() if group.session == session
        ):
            return False
        if any(len(self.queue(session, place)) >= weight for place, weight in self.net.inhibitors[t]):
            return False
        for place, weight in self.net.outputs[t].items():
            if place in self.net.capacities:
                taken = sum(
                    a.weight for a in self.net.inputs[t] if a.place == place and a.mode in (TAKE, DRAIN)
                )
                room = max(0, weight - taken)
                if room and self.occupied(session, place) + room > self.net.capacities[place]:
                    return False
        return True

    # ---- gatherings

    def is_member(self, i: int, g: int, queue: Queue) -> bool:
        token = self.tokens[i]
        place, guard = queue
        admitted = guard < 0 or bool(token.guards >> guard & 1)
        return token.place == place and admitted and token.owner == FREE and max(token.scope) == g

    def is_blocker(self, i: int, g: int, queue: Queue) -> bool:
        token = self.tokens[i]
        place, guard = queue
        if token.place == place and (guard < 0 or token.guards >> guard & 1):
            return not self.is_member(i, g, queue)
        return place in self.net.ways(token.place, token.guards, balanced=max(token.scope) == g)

    def carriers(self, g: int) -> list[int]:
        return [i for i, token in self.tokens.items() if g in token.scope]

    def members(self, g: int, queue: Queue) -> list[int]:
        return sorted(
            (i for i in self.carriers(g) if self.is_member(i, g, queue)), key=lambda i: self.tokens[i].age
        )

    def blockers(self, g: int, queue: Queue) -> list[int]:
        return [i for i in self.carriers(g) if self.is_blocker(i, g, queue)]

    def inner(self, g: int, queue: Queue) -> list[tuple[int, int]]:
        return [
            (h, place)
            for h, group in self.groups.items()
            if g in group.parents
            for place, _ in group.gatherings
            if queue[0] in self.net.after[place]
        ]

    def closed(self, g: int, queue: Queue) -> bool:
        group = self.groups[g]
        quiet = group.runner is None and group.gatherings[queue] == "open"
        return quiet and not self.blockers(g, queue) and not self.inner(g, queue)

    def enough(self, g: int, arc: Arc) -> bool:
        queue = (arc.place, arc.guard)
        n = len(self.members(g, queue))
        return n >= arc.weight and not (n == 0 and queue in self.groups[g].served)

    def can_close(self, g: int, t: int) -> bool:
        open_here = self.groups[g].gatherings
        return all(
            (a.place, a.guard) in open_here and self.closed(g, (a.place, a.guard)) and self.enough(g, a)
            for a in self.net.gathers[t]
        )

    def can_never_close(self, g: int, t: int) -> bool:
        open_here = self.groups[g].gatherings
        return any(
            (a.place, a.guard) not in open_here
            or (self.closed(g, (a.place, a.guard)) and not self.enough(g, a))
            for a in self.net.gathers[t]
        )

    def end_gatherings(self) -> None:
        changed = True
        while changed:
            changed = False
            for g, group in list(self.groups.items()):
                for queue in list(group.gatherings):
                    users = [
                        t
                        for t in range(self.net.transitions)
                        if any((a.place, a.guard) == queue for a in self.net.gathers[t])
                    ]
                    if self.closed(g, queue) and all(self.can_never_close(g, t) for t in users):
                        del group.gatherings[queue]
                        changed = True
                if not group.gatherings:
                    del self.groups[g]
                    for thing in [*self.tokens.values(), *self.firings.values()]:
                        thing.scope -= {g}
                    for other in self.groups.values():
                        other.parents -= {g}
                    changed = True

    # ---- the end of an operation

    def note_keys(self, session: int) -> None:
        """After each token that came or went: complete keys in the order in which they became so."""
        for t in range(self.net.transitions):
            if any(arc.slot >= 0 for arc in self.net.inputs[t]):
                line = self.keys.setdefault((session, t), [])
                now = self.complete_keys(session, t)
                line[:] = [key for key in line if key in now] + [key for key in now if key not in line]

    def settle(self, session: int) -> None:
        self.end_gatherings()
        mine = sorted(g for g, group in self.groups.items() if group.session == session)
        for t in range(self.net.transitions):
            if self.net.gathers[t]:
                line = self.turns.setdefault((session, t), [])
                now = [g for g in mine if self.can_close(g, t)]
                line[:] = [g for g in line if g in now] + [g for g in now if g not in line]
        for t in range(self.net.transitions):
            pair = (session, t)
            if self.enabled(session, t) and pair not in self.ages:
                self.clock += 1
                self.ages[pair] = self.clock
                self.join_ring(pair)
            elif not self.enabled(session, t) and pair in self.ages:
                self.retire(pair)

    def retire(self, pair: tuple[int, int]) -> None:
        self.woken.discard(pair)
        self.leave(pair)
        del self.ages[pair]

    # ---- resources

    def seat(self, resource: int, pair: tuple[int, int]) -> tuple[int, int, int]:
        return resource, self.net.priorities[pair[1]], self.accounts[pair[0]]

    def line(self, resource: int) -> list[tuple[int, int]]:
        """Who waits for it: by priority, then by the turn of the account, then by age."""
        waiting = [pair for pair, r in self.waits.items() if r == resource]
        return sorted(
            waiting,
            key=lambda pair: (
                -self.net.priorities[pair[1]],
                self.turns_of[self.seat(resource, pair)],
                self.ages[pair],
            ),
        )

    def neighbours(self, resource: int, pair: tuple[int, int]) -> list[tuple[int, int]]:
        """The pairs of its priority and account that stand in the line, oldest first."""
        seat = self.seat(resource, pair)
        return [one for one in self.line(resource) if self.seat(resource, one) == seat]

    def own_turn(self, pair: tuple[int, int]) -> int | None:
        """What it takes along: the turn of the oldest of its account in the line that it stands in."""
        resource = self.waits.get(pair)
        if resource is None or self.neighbours(resource, pair)[0] != pair:
            return None
        return self.turns_of[self.seat(resource, pair)]

    def join(self, resource: int, pair: tuple[int, int], turn: int | None) -> None:
        seat = self.seat(resource, pair)
        ahead = self.neighbours(resource, pair)
        if not ahead and turn is None:
            self.drawn += 1
            turn = self.drawn
        if not ahead or (turn is not None and self.ages[pair] < self.ages[ahead[0]]):
            assert turn is not None
            self.turns_of[seat] = min(turn, self.turns_of.get(seat, turn))
        self.waits[pair] = resource

    def leave(self, pair: tuple[int, int]) -> None:
        if pair in self.waits:
            with self.waking_the_next(self.waits[pair]):
                resource = self.waits.pop(pair)
                if not self.neighbours(resource, pair):
                    del self.turns_of[self.seat(resource, pair)]

    def requeue(self, resource: int, pair: tuple[int, int]) -> None:
        if self.seat(resource, pair) in self.turns_of:
            with self.waking_the_next(resource):
                self.drawn += 1
                self.turns_of[self.seat(resource, pair)] = self.drawn

    @contextmanager
    def waking_the_next(self, resource: int) -> Iterator[None]:
        head = self.line(resource)[:1]
        yield
        if self.line(resource)[:1] != head:
            self.wake(resource)

    def behind(self, resource: int, pair: tuple[int, int]) -> bool:
        """Whether it would not be the first in the line, if it stood there: tried out."""
        if self.waits.get(pair) == resource:
            return self.line(resource)[0] != pair
        before = self.waits.copy(), self.turns_of.copy(), self.drawn
        self.join(resource, pair, self.own_turn(pair))
        first = self.line(resource)[0] == pair
        self.waits, self.turns_of, self.drawn = before
        return not first

    def wake(self, resource: int) -> None:
        for pair in self.line(resource)[:1]:
            if pair not in self.woken:
                self.woken.add(pair)
                self.join_ring(pair)

    def get_resources(self, pair: tuple[int, int]) -> bool:
        needs = self.net.needs[pair[1]]
        lacking = [r for r, n in needs.items() if self.free[r] < n or self.behind(r, pair)]
        if lacking:
            if self.waits.get(pair) != lacking[0]:
                turn = self.own_turn(pair)
                if turn is not None:
                    self.requeue(self.waits[pair], pair)
                self.leave(pair)
                self.join(lacking[0], pair, turn)
            return False
        for resource, n in needs.items():
            self.free[resource] -= n
            self.requeue(resource, pair)
        self.leave(pair)
        return True

    # ---- turns

    def join_ring(self, pair: tuple[int, int]) -> None:
        ring = self.rings.setdefault(self.net.priorities[pair[1]], [])
        if self.accounts[pair[0]] not in ring:
            ring.append(self.accounts[pair[0]])

    def first_ready(self) -> tuple[int, int] | None:
        """The oldest ready pair of the account whose turn it is, in the highest priority that has one."""
        ready = [pair for pair in self.ages if pair not in self.waits or pair in self.woken]
        for priority in sorted(self.rings, reverse=True):
            ring = self.rings[priority]
            while ring:
                own = [
                    pair
                    for pair in ready
                    if self.net.priorities[pair[1]] == priority and self.accounts[pair[0]] == ring[0]
                ]
                if own:
                    return min(own, key=self.ages.__getitem__)
                ring.pop(0)
        return None

    def give_back(self, t: int) -> None:
        for resource, n in self.net.returns[t].items():
            self.free[resource] += n
            self.wake(resource)

    @property
    def stalled(self) -> int:
        return len(self.waits.keys() - self.woken)

    @property
    def pending(self) -> int:
        return len(self.ages) - self.stalled

    # ---- operations

    def open(self, sessions: list[int], account: int = 0) -> None:
        self.sessions += sessions
        self.accounts |= dict.fromkeys(sessions, account)

    def close(self, session: int) -> None:
        for f in [f for f, firing in self.firings.items() if firing.session == session]:
            self.give_back(self.firings.pop(f).transition)
        self.tokens = {i: token for i, token in self.tokens.items() if token.session != session}
        self.groups = {g: group for g, group in self.groups.items() if group.session != session}
        for pair in [pair for pair in self.ages if pair[0] == session]:
            self.retire(pair)
        self.sessions.remove(session)

    def add(
        self, i: int, session: int, place: int, keys: tuple[int, ...], guards: int, scope: frozenset[int]
    ) -> None:
        self.clock += 1
        self.tokens[i] = Token(session, place, self.clock, keys, guards, scope)
        self.note_keys(session)

    def put(
        self, session: int, place: int, ids: list[int], keys: list[tuple[int, ...]], guards: list[int]
    ) -> None:
        for i, key, bits in zip(ids, keys, guards, strict=True):
            self.add(i, session, place, key, bits, frozenset())
        self.settle(session)

    def drop(self, session: int, token: int) -> None:
        del self.tokens[token]
        self.note_keys(session)
        self.settle(session)

    def supply(self, place: int, n: int) -> None:
        self.free[place] += n
        self.wake(place)

    def next_claim(self) -> tuple[int, int, list[list[int]], int] | None:
        """The next claim: (session, transition, tokens by arc, group), or nothing. `took` follows."""
        while True:
            pair = self.first_ready()
            if pair is None:
                return None
            self.woken.discard(pair)
            if self.get_resources(pair):
                break
            # It waits, and is no longer ready: its account is asked again.
        ring = self.rings[self.net.priorities[pair[1]]]
        ring.append(ring.pop(0))
        session, t = pair
        line = self.keys.get(pair, [])
        key = line[0] if line else None
        closing = self.turns[pair][0] if self.net.gathers[t] else None
        arcs: list[list[int]] = []
        used: list[int] = []
        for arc in self.net.inputs[t]:
            if arc.mode == GATHER:
                assert closing is not None
                taken = self.members(closing, (arc.place, arc.guard))
            elif arc.slot >= 0:
                assert key is not None
                taken = self.keyed(session, arc, key)
            else:
                taken = self.queue(session, arc.place, arc.guard)
            if arc.mode == TAKE:
                taken = [i for i in taken if i not in used][: arc.weight]
            elif arc.mode == READ:
                taken = taken[: arc.weight]
            if arc.mode != READ:
                used += taken
            arcs.append(taken)
        return session, t, arcs, -1 if closing is None else closing

    def took(self, f: int, session: int, t: int, arcs: list[list[int]], closing: int) -> None:
        held = [i for arc, ids in zip(self.net.inputs[t], arcs, strict=True) if arc.mode != READ for i in ids]
        scope: frozenset[int] = frozenset().union(*(self.tokens[i].scope for i in held))
        group = self.groups.get(closing)
        if group is not None:
            scope = (scope | group.parents) - {closing}
            for arc in self.net.gathers[t]:
                group.gatherings[arc.place, arc.guard] = "firing"
        self.firings[f] = Firing(session, t, arcs, held, scope, closing if group is not None else None)
        for i in held:
            self.tokens[i].owner = f
        line = self.keys.get((session, t), [])
        line[:] = line[1:] + line[:1]
        self.note_keys(session)
        del self.ages[session, t]
        self.settle(session)

    def _put_outputs(
        self,
        f: int,
        ids: list[int],
        places: list[int],
        keys: list[tuple[int, ...]],
        guards: list[int],
        opened: list[int],
    ) -> None:
        firing = self.firings[f]
        lists = self.net.lists[firing.transition]
        for place in [*opened, *(p for p in places if p in lists)]:
            queues = self.net.gathered(place)
            if not queues:
                continue
            if firing.opened is None:
                self.last_group += 1
                firing.opened = self.last_group
                self.groups[firing.opened] = Group(firing.session, firing.scope, f)
            for queue in queues:
                self.groups[firing.opened].gatherings.setdefault(queue, "open")
        for i, place, key, bits in zip(ids, places, keys, guards, strict=True):
            member = place in lists and firing.opened is not None
            scope = firing.scope | {firing.opened} if member else firing.scope
            self.add(i, firing.session, place, key, bits, frozenset(scope))
            firing.emitted.append(place)

    def _end(self, f: int) -> Firing:
        firing = self.firings.pop(f)
        if firing.opened is not None:
            self.groups[firing.opened].runner = None
        self.give_back(firing.transition)
        return firing

    def emit(self, f: int, *outputs: Any) -> None:
        self._put_outputs(f, *outputs)
        self.settle(self.firings[f].session)

    def complete(self, f: int, *outputs: Any) -> None:
        firing = self.firings[f]
        if firing.closing is not None:
            group = self.groups[firing.closing]
            places = {arc.place for arc in self.net.gathers[firing.transition]}
            for i in firing.held:
                token = self.tokens[i]
                if token.place in places:
                    for g in token.scope - group.parents - {firing.closing}:
                        for place, guard in self.groups[g].gatherings:
                            if place == token.place and (guard < 0 or token.guards >> guard & 1):
                                self.groups[g].served.add((place, guard))
            for arc in self.net.gathers[firing.transition]:
                del group.gatherings[arc.place, arc.guard]
        for i in firing.held:
            del self.tokens[i]
        firing.held = []
        self._put_outputs(f, *outputs)
        self._end(f)
        self.settle(firing.session)

    def release(self, f: int) -> None:
        firing = self._end(f)
        for i in firing.held:
            self.tokens[i].owner = FREE
            self.note_keys(firing.session)
        if firing.closing is not None:
            for arc in self.net.gathers[firing.transition]:
                self.groups[firing.closing].gatherings[arc.place, arc.guard] = "open"
        self.settle(firing.session)
