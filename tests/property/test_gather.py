"""Scatter and gather against the naive model: random nets, random lives of their members."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from petricore._core import GATHER, TAKE, Fleet
from tests.property.fleet_twins import Twins, random_spec


def nested_spec(random: Random) -> dict[str, Any]:  # noqa: PLR0912
    """A chain of lists and gathers, balanced or not, with filters, branches, retries and joins around it."""
    length = random.randint(3, 7)
    places = length + 1
    inputs: list[tuple[int, ...]] = []
    outputs: list[tuple[int, int, int]] = []
    scatters: list[tuple[int, int]] = []

    def gather(t: int, place: int) -> None:
        guard = random.choice([-1, -1, -1, 0])
        inputs.append((t, place, GATHER, random.choice([0, 0, 0, 1, 2]), guard, -1))

    depth = 0
    for t in range(length):
        kind = random.choice(
            ["list", "list", "plain"] if depth == 0 else ["list", "gather", "gather", "plain"]
        )
        if kind == "gather":
            gather(t, t)
        else:
            inputs.append((t, t, TAKE, 1, -1, -1))
        outputs.append((t, t + 1, 1))
        if kind == "list":
            scatters.append((t, t + 1))
        depth += {"list": 1, "gather": -1, "plain": 0}[kind]
        if random.random() < 0.3:
            branch = random.randint(0, length)
            if branch != t + 1:
                outputs.append((t, branch, 1))
                if random.random() < 0.3:
                    scatters.append((t, branch))
    t = length
    for _ in range(random.randint(0, 3)):
        kind = random.choice(["filter", "move", "join", "gather", "gather two"])
        a, b = random.sample(range(places), 2)
        if kind.startswith("gather"):
            gather(t, a)
        else:
            inputs.append((t, a, TAKE, 1, -1, -1))
        if kind == "join":
            inputs.append((t, b, TAKE, 1, -1, -1))
        if kind == "gather two":
            gather(t, b)
        if kind != "filter":
            outputs.append((t, random.randrange(places), 1))
        t += 1
    return {
        "places": places,
        "transitions": t,
        "inputs": inputs,
        "outputs": outputs,
        "scatters": scatters,
        "priorities": [random.choice([0, 0, 1]) for _ in range(t)],
    }


def joined_spec(random: Random) -> dict[str, Any]:
    """Two lists whose elements are joined: a pair stands in two groups, neither inside the other."""
    source, a, b, pairs, late, out = range(6)
    inputs: list[tuple[int, ...]] = [
        (0, source, TAKE, 1, -1, -1),
        (1, source, TAKE, 1, -1, -1),
        (2, a, TAKE, 1, -1, -1),
        (2, b, TAKE, 1, -1, -1),
        (3, pairs, TAKE, 1, -1, -1),
    ]
    outputs = [(0, a, 1), (1, b, 1), (2, pairs, 1), (3, late, 1)]
    for t, place in enumerate(random.sample([a, b, pairs, late, late], random.randint(1, 3)), start=4):
        inputs.append((t, place, GATHER, random.choice([0, 0, 1]), -1, -1))
        outputs.append((t, random.choice([out, late, source]), 1))
    transitions = max(row[0] for row in inputs) + 1
    return {
        "places": 6,
        "transitions": transitions,
        "inputs": inputs,
        "outputs": outputs,
        "scatters": [(0, a), (1, b)],
    }


def live(twins: Twins, random: Random, steps: int) -> None:
    """Put, claim and end firings in random order and ways."""
    for _ in range(steps):
        firings = list(twins.model.firings)
        action = random.random()
        if not firings or action < 0.25:
            if twins.claim(random.choice([1, 2, 3, 100])) == 0 and len(twins.model.tokens) < 20:
                twins.put_somewhere(random, 2)
        else:
            f = random.choice(firings)
            if action < 0.8:
                twins.complete(random, f, 3)
            elif action < 0.85:
                twins.fail(random, f)
            elif action < 0.92:
                twins.release(f)
            elif action < 0.96:
                twins.emit(random, f)
            else:
                twins.drop_any(random)
        twins.check()


def random_gathers(random: Random) -> dict[str, Any]:
    return random_spec(random, gathers=0.5)


BLOCKS = [range(i, i + 100) for i in range(0, 1000, 100)]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_random_nets_gather_exactly(block: range) -> None:
    for seed in block:
        random = Random(seed)
        spec = [nested_spec, random_gathers, joined_spec][seed % 3](random)
        twins = Twins(spec)
        twins.open(2)  # two requests, interleaved
        twins.put(random, 0, 0, 2)
        try:
            live(twins, random, 40)
        except BaseException:
            print("seed", seed, spec)
            raise


PRODUCTS, REVIEWS, CHECKED, GOOD, BAD, REPORTS, ANSWERS, FAILED, LATE = range(1, 10)


def shop() -> Fleet:
    """A request lists its products, a product its reviews; a review is checked: good, bad, lost or late.

    The good ones of a product are gathered to its report, the reports of a request to its answer.
    """
    arcs = [(0, 0), (1, PRODUCTS), (2, REVIEWS), (3, CHECKED), (6, LATE)]
    return Fleet(
        places=10,
        transitions=7,
        inputs=[
            *((t, p, TAKE, 1, -1, -1) for t, p in arcs),
            (4, GOOD, GATHER, 0, -1, -1),
            (5, REPORTS, GATHER, 0, -1, -1),
        ],
        outputs=[
            *(
                (0, PRODUCTS, 1),
                (1, REVIEWS, 1),
                (1, FAILED, 1),
                (2, CHECKED, 1),
                (2, FAILED, 1),
                (2, LATE, 1),
            ),
            *((3, GOOD, 1), (3, BAD, 1), (4, REPORTS, 1), (5, ANSWERS, 1), (6, REVIEWS, 1)),
        ],
        scatters=[(0, PRODUCTS), (1, REVIEWS)],
    )


Path = tuple[int, ...]


def products(request: Path) -> list[Path]:
    return [(*request, i) for i in range(Random(hash(request)).choice([0, 1, 3, 4]))]


def reviews(product: Path) -> list[Path] | None:
    """None: the page of the product is gone."""
    n = Random(hash(product)).choice([None, 0, 1, 2, 5])
    return None if n is None else [(*product, i) for i in range(n)]


def fate(review: Path) -> str:
    return Random(hash(review)).choice(["good", "good", "bad", "lost", "fails", "late"])


def expected_answer(request: Path) -> list[list[Path]]:
    """The good reviews of each product whose page is there: computed without any net."""
    pages = [page for page in map(reviews, products(request)) if page is not None]
    return sorted([review for review in page if fate(review) in ("good", "late")] for page in pages)


class Shop:
    """Drives the shop's net in random order, with values."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.fleet = shop()
        self.values: dict[int, Any] = {}
        self.delayed: set[Path] = set()

    def put(self, session: int, request: Path) -> None:
        self.values[int(self.fleet.put(session, 0)[0])] = request

    def end(self, f: int, place: int | None, values: list[Any], *, listed: bool = False) -> None:
        places = [] if place is None else [place] * len(values)
        opened = [place] if listed and place is not None else []
        ids = self.fleet.complete(f, places, members=[listed] * len(places), opened=opened)
        self.values.update(zip(ids.tolist(), values, strict=True))

    def act(self, f: int, t: int, taken: list[Any]) -> None:
        if t == 0:
            self.end(f, PRODUCTS, products(taken[0]), listed=True)
        elif t == 1:
            page = reviews(taken[0])
            if page is None:
                self.fleet.fail(f, [FAILED])
            else:
                self.end(f, REVIEWS, page, listed=True)
        elif t == 2:
            self.check(f, taken[0])
        elif t == 3:
            self.end(f, BAD if fate(taken[0]) == "bad" else GOOD, taken)
        elif t in (4, 5):
            self.end(f, REPORTS if t == 4 else ANSWERS, [sorted(taken)])
        else:
            self.end(f, REVIEWS, taken)

    def check(self, f: int, review: Path) -> None:
        kind = fate(review)
        if kind == "lost":
            self.end(f, None, [])
        elif kind == "fails":
            self.fleet.fail(f, [FAILED])
        elif kind == "late" and review not in self.delayed:
            self.delayed.add(review)
            self.end(f, LATE, [review])
        else:
            self.end(f, CHECKED, [review])

    def run(self) -> None:
        running: list[tuple[int, int, list[Any]]] = []
        while True:
            claims = self.fleet.claim(self.random.choice([1, 3, 100]))
            for i, f in enumerate(claims.firings.tolist()):
                tokens = claims.tokens[claims.offsets[claims.arcs[i]] : claims.offsets[claims.arcs[i + 1]]]
                running.append((f, int(claims.transitions[i]), [self.values[k] for k in tokens.tolist()]))
            if not running:
                return
            f, t, taken = running.pop(self.random.randrange(len(running)))
            if self.random.random() < 0.15:
                self.fleet.release(f)  # tried again
            else:
                self.act(f, t, taken)


@pytest.mark.parametrize("seed", range(60))
def test_interleaved_requests_are_answered_from_their_own_products_only(seed: int) -> None:
    work = Shop(Random(seed))
    sessions = work.fleet.open(2).tolist()
    requests = [[(seed, s, i) for i in range(3)] for s in range(2)]
    for session, mine in zip(sessions, requests, strict=True):
        for request in mine:
            work.put(session, request)
    work.run()
    for session, mine in zip(sessions, requests, strict=True):
        answers = [work.values[i] for i in work.fleet.tokens(session, ANSWERS).tolist()]
        assert sorted(answers) == sorted(expected_answer(request) for request in mine)
        assert work.fleet.waiting(session) == []


def test_two_lists_that_were_joined_are_gathered_once() -> None:
    """A pair stands in both groups: the gather takes it once, and does not fire again with nothing."""
    source, a, b, pairs, out = range(5)
    fleet = Fleet(
        places=5,
        transitions=4,
        inputs=[
            *((t, p, TAKE, 1, -1, -1) for t, p in [(0, source), (1, a), (1, b), (3, source)]),
            (2, pairs, GATHER, 0, -1, -1),
        ],
        outputs=[(0, a, 1), (3, b, 1), (1, pairs, 1), (2, out, 1)],
        scatters=[(0, a), (3, b)],
    )
    (s,) = fleet.open()
    fleet.put(s, source, 2)
    first, second = sorted(
        zip(*(x.tolist() for x in _columns(fleet.claim(2))), strict=True), key=lambda c: c[1]
    )
    fleet.complete(first[0], [a, a], members=[True, True])
    fleet.complete(second[0], [b, b], members=[True, True])
    for firing in fleet.claim(9).firings:
        fleet.complete(firing, [pairs])
    claims = fleet.claim(9)
    assert len(claims.tokens) == 2
    fleet.complete(claims.firings[0], [out])
    assert len(fleet.claim(9)) == 0
    assert fleet.waiting(s) == []
    assert fleet.scope(fleet.tokens(s, out)[0]).tolist() == []


def _columns(claims: Any) -> tuple[Any, Any]:
    return claims.firings, claims.transitions
