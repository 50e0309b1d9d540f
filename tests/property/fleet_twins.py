"""A Fleet and the naive model side by side: every operation on both, everything observable compared."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import numpy as np

from petricore._core import Fleet
from tests.property.fleet_model import FREE, Model
from tests.property.fleet_model_net import DRAIN, GATHER, READ, TAKE

KEYS = 3


def random_spec(random: Random, *, gathers: float = 0.3) -> dict[str, Any]:
    """A small valid net; `gathers` is how likely lists and gathers are."""
    places = random.randint(2, 6)
    transitions = random.randint(1, 6)
    resources = {p: random.randint(0, 3) for p in range(1, places) if random.random() < 0.15}
    mine = [p for p in range(places) if p not in resources]
    capacities = {p: random.randint(1, 3) for p in mine if random.random() < 0.1}
    two_slots = random.random() < 0.2
    inputs, outputs, scatters, inhibitors = [], [], [], []
    for t in range(transitions):
        keyed = random.random() < 0.2
        for k, place in enumerate(random.sample(mine, min(len(mine), random.choice([1, 1, 1, 2, 3])))):
            guard = random.choice([-1, -1, -1, 0, 1])
            if k == 0 and random.random() < gathers:
                inputs.append((t, place, GATHER, random.choice([0, 0, 0, 1, 2]), guard, -1))
                continue
            if k == 1 and random.random() < gathers / 3:
                inputs.append((t, place, GATHER, random.choice([0, 1]), -1, -1))
                continue
            mode = random.choice([TAKE, TAKE, TAKE, TAKE, DRAIN, READ])
            if mode == READ and k == 0:
                mode = TAKE
            weight = random.choice([1, 1, 1, 2]) if mode != DRAIN or k == 0 else random.choice([0, 1])
            slot = random.randint(0, two_slots) if keyed and mode != DRAIN else -1
            inputs.append((t, place, mode, weight, guard, slot))
            if mode == TAKE and random.random() < 0.1:
                inputs.append((t, place, mode, 1, guard, slot))
        for place in random.sample(mine, min(len(mine), random.choice([0, 1, 1, 2, 2]))):
            outputs.append((t, place, random.choice([1, 1, 2])))
            if place not in capacities and random.random() < gathers:
                scatters.append((t, place))
        for r in resources:
            if random.random() < 0.3:
                n = random.randint(1, 2)
                inputs.append((t, r, TAKE, n, -1, -1))
                if random.random() < 0.8:
                    outputs.append((t, r, n))
        if random.random() < 0.15:
            inhibitors.append((t, random.choice(mine), random.randint(1, 2)))
    return {
        "places": places,
        "transitions": transitions,
        "inputs": inputs,
        "outputs": outputs,
        "scatters": scatters,
        "inhibitors": inhibitors,
        "priorities": [random.choice([0, 0, 0, 1, -1]) for _ in range(transitions)],
        "resources": resources,
        "capacities": capacities,
    }


class Twins:
    def __init__(self, spec: dict[str, Any]) -> None:
        self.fleet = Fleet(**spec)
        self.model = Model(spec)
        self.net = self.model.net

    # ---- operations, with arguments drawn at random

    def open(self, n: int = 1, account: int = 0) -> None:
        self.model.open(self.fleet.open(n, account).tolist(), account)

    def close(self, session: int) -> None:
        self.fleet.close(session)
        self.model.close(session)

    def _values(self, random: Random, n: int) -> tuple[Any, Any, list[tuple[int, ...]], list[int]]:
        keys = [tuple(random.randrange(KEYS) for _ in range(self.net.slots)) for _ in range(n)]
        guards = [random.randrange(4) for _ in range(n)]
        rows = np.array(keys, np.int64).reshape(n, self.net.slots) if self.net.slots else None
        return rows, np.array(guards, np.uint64), keys, guards

    def put(self, random: Random, session: int, place: int, n: int) -> None:
        if place in self.net.capacities:
            n = min(n, self.net.capacities[place] - self.model.occupied(session, place))
        rows, bits, keys, guards = self._values(random, n)
        ids = self.fleet.put(session, place, n, rows, bits).tolist()
        self.model.put(session, place, ids, keys, guards)

    def put_somewhere(self, random: Random, most: int = 3) -> None:
        places = [p for p in range(self.net.places) if p not in self.net.resources]
        self.put(random, random.choice(self.model.sessions), random.choice(places), random.randint(0, most))

    def claim(self, limit: int) -> int:
        claims = self.fleet.claim(limit)
        for i, f in enumerate(claims.firings.tolist()):
            expected = self.model.next_claim()
            bounds = claims.offsets[claims.arcs[i] : claims.arcs[i + 1] + 1].tolist()
            arcs = [claims.tokens[a:b].tolist() for a, b in pairwise(bounds)]
            found = (int(claims.sessions[i]), int(claims.transitions[i]), arcs, int(claims.groups[i]))
            assert found == expected
            self.model.took(f, *found)
        if len(claims) < limit:
            assert self.model.next_claim() is None
        return len(claims)

    def _outputs(self, random: Random, f: int, most: int) -> tuple[Any, ...]:
        firing = self.model.firings[f]
        places: list[int] = []
        opened: list[int] = []
        for place in self.net.outputs[firing.transition]:
            n = random.randint(0, most)
            if place in self.net.lists[firing.transition]:
                if random.random() < 0.8:
                    opened.append(place)
                    places += [place] * n
            elif place in self.net.capacities:
                # What it reserved, less what it has put already, is always there.
                weight = self.net.outputs[firing.transition][place]
                places += [place] * min(n, max(0, weight - firing.emitted.count(place)))
            else:
                places += [place] * min(n, 2)
        rows, bits, keys, guards = self._values(random, len(places))
        members = [place in self.net.lists[firing.transition] for place in places]
        return (places, rows, bits, members, opened), (places, keys, guards, opened)

    def complete(self, random: Random, f: int, most: int = 3) -> None:
        real, naive = self._outputs(random, f, most)
        self.model.complete(f, self.fleet.complete(f, *real).tolist(), *naive)

    def emit(self, random: Random, f: int, most: int = 2) -> None:
        firing = self.model.firings[f]
        if any(self.model.tokens[i].place in self.net.capacities for i in firing.held):
            return  # what it holds may have to come back
        real, naive = self._outputs(random, f, most)
        self.model.emit(f, self.fleet.emit(f, *real).tolist(), *naive)

    def fail(self, random: Random, f: int) -> None:
        """Like complete, with tokens to the plain places only."""
        (places, rows, bits, members, _), (_, keys, guards, _) = self._outputs(random, f, 1)
        plain = [i for i, member in enumerate(members) if not member]
        places = [places[i] for i in plain]
        rows = None if rows is None else rows[plain]
        ids = self.fleet.fail(f, places, rows, bits[plain]).tolist()
        self.model.complete(f, ids, places, [keys[i] for i in plain], [guards[i] for i in plain], [])

    def release(self, f: int) -> None:
        self.fleet.release(f)
        self.model.release(f)

    def drop_any(self, random: Random) -> None:
        free = [i for i, token in self.model.tokens.items() if token.owner == FREE]
        if free:
            token = random.choice(free)
            session = self.model.tokens[token].session
            self.fleet.drop(session, token)
            self.model.drop(session, token)

    def supply(self, random: Random) -> None:
        for place in self.net.resources:
            n = random.randint(0, 2)
            self.fleet.supply(place, n)
            self.model.supply(place, n)

    # ---- comparison

    def check(self) -> None:
        fleet, model = self.fleet, self.model
        assert fleet.resources() == model.free
        assert fleet.pending == model.pending
        assert fleet.stalled == model.stalled
        assert fleet.sessions == len(model.sessions)
        for session in model.sessions:
            self.check_session(session)
        for i, token in model.tokens.items():
            assert fleet.scope(i).tolist() == sorted(token.scope)

    def check_session(self, session: int) -> None:
        fleet, model = self.fleet, self.model
        queues = [model.queue(session, p) for p in range(self.net.places)]
        assert [fleet.tokens(session, p).tolist() for p in range(self.net.places)] == queues
        assert fleet.marking(session).tolist() == [len(queue) for queue in queues]
        firings = sorted(f for f, firing in model.firings.items() if firing.session == session)
        assert sorted(fleet.firings(session).tolist()) == firings
        enabled = [t for t in range(self.net.transitions) if model.enabled(session, t)]
        assert fleet.enabled(session).tolist() == enabled
        found = [
            (w.group, (w.place,), w.members, sorted(w.blockers), sorted(w.firings), sorted(w.gatherings))
            for w in fleet.waiting(session)
        ]
        expected = []
        for g, group in model.groups.items():
            for queue, state in group.gatherings.items():
                if group.session != session or state == "firing":
                    continue
                blockers = model.blockers(g, queue)
                holders = {model.tokens[i].owner for i in blockers} | {group.runner} - {None}
                expected.append(
                    (
                        g,
                        (queue[0],),
                        model.members(g, queue),
                        sorted(blockers),
                        sorted(holders - {FREE}),
                        sorted(model.inner(g, queue)),
                    )
                )
        assert sorted(found) == sorted(expected)

    def check_nothing_lost(self) -> None:
        """Tokens of the model are exactly those that the Fleet has, free or held."""
        for i, token in self.model.tokens.items():
            if token.owner == FREE:
                assert i in self.fleet.tokens(token.session, token.place)
