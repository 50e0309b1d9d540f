"""From an agent to nets that do whatever its runtime can do, counted: what is exact, and what errs to which side.

Every behaviour of a session that starts with the given tokens is one of the abstraction, failures included. Where
the counts do not settle what happens, the abstraction does everything that may happen, and the step says on what it
depends.

| in the declaration | in the net |
|---|---|
| inputs, `Weight`, `Read`, `AtLeast`, `inhibit` | exact: input, read, input and reset, inhibitor arcs |
| results | one transition per branch of a union; `None` puts nothing |
| a list | 0 to `longest` elements of each kind; in the net `cover` the last stands for so many and more |
| a generator | a list; it may also fail after any number of elements |
| `every` | as many ticks as `times` or the inputs (`{"every:poll": 3}`) say, else any number, at any time |
| `on_error` | exact ("session" goes on as "fail" does): a failure keeps the tokens, gives them back (this \
transition never takes them again) or puts one `Failure`; an error, a timeout, a wrong type and a cancellation all \
end so, after the last attempt |
| `confirm` | may be rejected: tokens go back for good, or to the error place |
| `where` | a token may be admitted by any subset of the predicates, decided when it arrives and then fixed |
| `match` | may join any tokens, and may join none |
| `Gather` | exact while one list of a kind is open and no firing joins tokens of two lists; otherwise it may take any \
part of the members (see `gathering`) |
| `concurrency`, `rate_limit` | pools that a firing borrows from; a rate limit comes back at once (no time passes) |
| `priority` | not used to exclude anything; it decides conflicts only |
| `compensate` | nothing: it puts no token |
| `delay`, `retries`, `timeout` | nothing: they take time. Every action is taken to end |

A firing is one step of the net where another order of the steps shows that nothing is lost by it: where nobody
inhibits, drains or gathers what it takes (its start can be put off to its end), or nobody inhibits or drains what
it puts (its end can be moved up to its start). Otherwise it starts and ends in two steps.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from petricore.agent.agent import Agent
from petricore.agent.compile import Plan, TransitionPlan
from petricore.agent.declaration import Many, Mode, is_generator
from petricore.agent.verify.classes import Classes, Slot
from petricore.agent.verify.outcomes import Outcome, outcomes
from petricore.agent.verify.rules import Rule, Step, saturate, to_net
from petricore.agent.verify.scopes import Queue, Scopes
from petricore.errors import NetError
from petricore.net import Net

_MOST = 5_000

LISTS = "lists of "
"""How names of places that count open lists begin."""

__all__ = ["Abstraction", "Claim", "View", "abstract"]


@dataclass(frozen=True)
class View:
    """A net and what its transitions mean."""

    net: Net
    steps: Mapping[str, Step]


@dataclass(frozen=True)
class Abstraction:
    """The nets of an agent for one set of initial tokens."""

    plan: Plan
    cover: View
    """Lists of any length: simulates every run."""
    sample: View
    """Lists of at most `longest` elements of a kind, counted exactly. The same as `cover` where there are no lists."""
    longest: int
    places: Mapping[str, str]
    """The agent's place of each place of the nets that holds tokens of the agent, by name."""
    lists: bool
    """Whether anything returns lists."""

    def without_failures(self, view: View) -> View:
        """The view without failures and rejections for which the agent declares no further way."""
        net = Net(view.net.name)
        for place in view.net.places.values():
            net.add_place(place.name, place.tokens)
        kept = {name: step for name, step in view.steps.items() if not step.unhandled}
        for name in kept:
            one = view.net.transitions[name]
            net.add_transition(
                name,
                one.inputs,
                one.outputs,
                reads=one.reads,
                inhibitors=one.inhibitors,
                resets=one.resets,
                priority=one.priority,
            )
        return View(net, kept)


@dataclass(frozen=True)
class Claim:
    """One way a transition takes its inputs."""

    inputs: Counter[str] = field(default_factory=Counter)
    reads: Mapping[str, int] = field(default_factory=dict)
    inhibitors: Mapping[str, int] = field(default_factory=dict)
    resets: frozenset[str] = frozenset()
    returned: Counter[str] = field(default_factory=Counter)
    """What lies in the places again when the tokens are given back for good."""
    may: bool = False
    depends: tuple[str, ...] = ()

    def and_(self, other: Claim) -> Claim:
        """Both at once."""
        reads = {place: max(self.reads.get(place, 0), other.reads.get(place, 0))
                 for place in {**self.reads, **other.reads}}  # fmt: skip
        inhibitors = {place: min(one.inhibitors[place] for one in (self, other) if place in one.inhibitors)
                      for place in {**self.inhibitors, **other.inhibitors}}  # fmt: skip
        return Claim(
            self.inputs + other.inputs,
            reads,
            inhibitors,
            self.resets | other.resets,
            self.returned + other.returned,
            self.may or other.may,
            tuple(dict.fromkeys((*self.depends, *other.depends))),
        )


def abstract(agent: Agent, tokens: Mapping[str, int], *, decided: Iterable[str] = ()) -> Abstraction:
    """The abstraction of `agent` started with so many tokens in its places.

    `decided` names places of whose tokens every one is admitted by some consumer's `where`, and transitions whose
    `match` always finds the partners that the counts promise.

    Raises:
        NetError: an action can return in too many ways, or a place has too many guards.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that an input is dry is a finding
        plan = agent.plan()
    return Builder(plan, tokens, frozenset(decided)).build(agent.name)


def _ticks(plan: Plan, tokens: Mapping[str, int]) -> tuple[Mapping[str, int], dict[int, str]]:
    """The initial tokens with the ticks of sources that have an end, and the tick places of those that have none."""
    given = dict(tokens)
    endless: dict[int, str] = {}
    for one in plan.transitions:
        every = one.spec.options.every
        if one.tick_place is None or every is None or plan.names[one.tick_place] in tokens:
            continue
        if every.times is None:
            endless[one.tick_place] = one.spec.name
        else:
            given[plan.names[one.tick_place]] = every.times
    return given, endless


class Builder:
    """Collects places and rules."""

    def __init__(self, plan: Plan, tokens: Mapping[str, int], decided: frozenset[str]) -> None:
        self.plan = plan
        self.decided = decided
        gathered = {arc[0] for one in plan.transitions for arc in one.arcs if arc[1] is Mode.GATHER}
        errors = [place for one in plan.transitions for place in (one.error_place, one.dead_place)
                  if place is not None]  # fmt: skip
        tokens, self._ticking = _ticks(plan, tokens)
        self.classes = Classes(
            plan, gathered, errors, [plan.index[place] for place in decided if place in plan.index]
        )
        self.scopes = Scopes(
            plan,
            self.classes,
            [*(plan.index[place] for place, count in tokens.items() if count), *self._ticking],
        )
        self.longest = max([2, *(arc[2] for one in plan.transitions for arc in one.arcs)])
        self.places: dict[str, int] = {}
        self.owners: dict[str, str] = {}
        self.rules: list[Rule] = []
        self.held: dict[int, list[str]] = {}
        """Places that hold what a transition's firings in progress took."""
        self.streams: list[str] = []
        """Places of generators that have put something and go on."""
        self._outcomes = [outcomes(one.spec.name, one.spec.output, self.longest) for one in plan.transitions]
        self._inhibiting = {
            plan.index[place.name] for one in plan.transitions for place in one.spec.inhibitors
        }
        self._drained = {arc[0] for one in plan.transitions for arc in one.arcs if arc[1] is Mode.DRAIN}
        self._lay_out(tokens)

    def build(self, name: str) -> Abstraction:
        """The nets."""
        from petricore.agent.verify.gathering import expanded, gather_rules

        for t in range(len(self.plan.transitions)):
            if self.scopes.gathers[t]:
                gather_rules(self, t)
            else:
                for claim in self.claims(t):
                    self.fire(t, claim)
        for place, transition in self._ticking.items():
            text = f"{transition} is due"
            self.rules.append(
                Rule(text, Step(text, "arrives"), outputs=Counter({self.arrival(place, member=False): 1}))
            )
        self.rules = [expanded(self, rule) for rule in self.rules]
        listed = self._listed()
        cover = View(*to_net(name, self.places, saturate(self.rules, listed, self.longest)))
        sample = View(*to_net(name, self.places, self.rules)) if listed else cover
        return Abstraction(self.plan, cover, sample, self.longest, self.owners, bool(listed))

    # -- places

    def _lay_out(self, tokens: Mapping[str, int]) -> None:
        for place, name in enumerate(self.plan.names):
            if place in self.plan.resources:
                self.places[name] = self.plan.resources[place]
                continue
            count = tokens.get(name, 0)
            members = (False, True) if place in self.scopes.gather_places else (False,)
            for slot in self.classes.slots[place]:
                self._place(self.classes.name(slot), name, 0)
            for member in members:
                start = self.arrival(place, member=member)
                if self.classes.undecided(place):
                    self._place(start, name, 0)
                    self._arrive(place, start, member=member)
                if not member:
                    self.places[start] += count

    def _place(self, name: str, owner: str, tokens: int) -> None:
        self.places[name] = tokens
        self.owners[name] = owner

    def _arrive(self, place: int, start: str, *, member: bool) -> None:
        guards = self.plan.places[place].guards
        asked = tuple(dict.fromkeys(
            f"where of {guard.transition}" for guard in guards if guard.predicate is not None))  # fmt: skip
        for bits in self.classes.fresh[place]:
            slot = Slot(place, bits, member)
            seen = [
                guard.transition for bit, guard in enumerate(guards) if guard.predicate and bits >> bit & 1
            ]
            who = ", ".join(dict.fromkeys(seen)) or "nobody"
            text = f"{who} may take the {self.plan.names[place]}"
            step = Step(text, "arrives", depends=asked)
            self.rules.append(Rule(text, step, Counter({start: 1}), Counter({self.classes.name(slot): 1})))

    def arrival(self, place: int, *, member: bool) -> str:
        """Where a new token of the place goes."""
        if self.classes.undecided(place):
            return f"{self.plan.names[place]} (new{', in its list' if member else ''})"
        return self.classes.name(Slot(place, self.classes.fresh[place][0], member))

    def everywhere(self, place: int) -> list[str]:
        """All net places that hold free tokens of the place."""
        names = [self.classes.name(slot) for slot in self.classes.slots[place]]
        return list(dict.fromkeys([*names, *self.arrivals(place)]))

    def arrivals(self, place: int) -> list[str]:
        """Net places of tokens whose guards are not told yet."""
        if not self.classes.undecided(place):
            return []
        members = (False, True) if place in self.scopes.gather_places else (False,)
        return [self.arrival(place, member=member) for member in members]

    # -- taking

    def claims(self, t: int) -> Iterator[Claim]:
        """The ways to take everything but gathered members."""
        one = self.plan.transitions[t]
        rows = [list(self._arc(one, arc)) for arc in one.arcs if arc[1] is not Mode.GATHER]
        base = Claim(
            inhibitors={
                name: 1
                for place in one.spec.inhibitors
                for name in self.everywhere(self.plan.index[place.name])
            }
        )
        for row in product(*rows):
            claim = base
            for part in row:
                claim = claim.and_(part)
            if any(slot >= 0 for *_, slot in one.arcs) and one.spec.name not in self.decided:
                claim = claim.and_(Claim(may=True, depends=(f"match of {one.spec.name}",)))
            yield claim

    def _arc(self, one: TransitionPlan, arc: tuple[int, Mode, int, int, int]) -> Iterator[Claim]:
        place, mode, weight, guard, _ = arc
        barring = one.barring.get(place, 0)
        if mode is Mode.READ:
            for slots in self.classes.choices(place, guard, weight):
                yield Claim(reads=Counter(self.classes.name(slot) for slot in slots))
        elif mode is Mode.TAKE:
            for slots in self.classes.choices(place, guard, weight):
                yield Claim(
                    Counter(self.classes.name(slot) for slot in slots),
                    returned=Counter(
                        self.classes.name(self.classes.refused(slot, barring)) for slot in slots
                    ),
                )
        else:
            waits = dict.fromkeys(self.arrivals(place), 1)
            kinds = self.classes.admitted(place, guard)
            for claim in self.all_of(kinds, weight, barring):
                yield claim.and_(Claim(inhibitors=waits))

    def all_of(self, slots: list[Slot], least: int, barring: int) -> Iterator[Claim]:
        """The ways to take all tokens of these kinds, of which there are `least` or more together."""
        names = [self.classes.name(slot) for slot in slots]
        if not barring:
            for counts in product(range(least + 1), repeat=len(slots)):
                if sum(counts) == least:
                    needed = Counter(
                        {name: count for name, count in zip(names, counts, strict=True) if count}
                    )
                    yield Claim(needed, resets=frozenset(names))
            return
        # What is given back has to be counted.
        for counts in product(range(self.longest + 1), repeat=len(slots)):
            if sum(counts) < least:
                continue
            back: Counter[str] = Counter()
            for slot, count in zip(slots, counts, strict=True):
                back[self.classes.name(self.classes.refused(slot, barring))] += count
            yield Claim(
                Counter({name: count for name, count in zip(names, counts, strict=True) if count}),
                inhibitors={name: count + 1 for name, count in zip(names, counts, strict=True)
                            if count < self.longest},
                resets=frozenset(names),
                returned=back,
            )  # fmt: skip

    # -- firing

    def fire(self, t: int, claim: Claim, *, text: str | None = None) -> None:
        """The rules of a firing that takes `claim`: its ends, and its start where that is a step of its own."""
        one = self.plan.transitions[t]
        own = (f"concurrency of {one.spec.name}", f"rate of {one.spec.name}")
        resource = [self.plan.names[place] for place in self.plan.resources if self.plan.names[place] in own]
        pool = Counter(dict.fromkeys(resource, 1))
        ends = list(self.ends(t, claim, text))
        if self._atomic(t):
            for step, outputs in ends:
                self._add(one, step, claim, claim.inputs + pool, outputs + pool)
            return
        number = len(self.held.setdefault(t, []))
        running = f"{one.spec.name} running" + (f" {number + 1}" if number else "")
        self.places[running] = 0
        self.held[t].append(running)
        start = Step(
            text or f"{one.spec.name} starts", "starts", one.spec.name, may=claim.may, depends=claim.depends
        )
        rate = Counter({name: 1 for name in resource if name.startswith("rate of ")})
        self._add(one, start, claim, claim.inputs + pool, Counter({running: 1}) + rate)
        if is_generator(one.spec.action):
            self._stream(t, claim, running, pool - rate)
            return
        for step, outputs in ends:
            self._add(one, step, Claim(), Counter({running: 1}), outputs + (pool - rate))

    def _add(
        self, one: TransitionPlan, step: Step, claim: Claim, inputs: Counter[str], outputs: Counter[str]
    ) -> None:
        if len(self.rules) == _MOST:
            raise NetError(
                f"transition {one.spec.name!r}: the agent makes more than the {_MOST} steps that verify looks at; its "
                "guards, weights and ways to return can be combined in too many ways"
            )
        self.rules.append(Rule(step.text, step, inputs, outputs, claim.reads, claim.inhibitors, claim.resets,
                               one.spec.options.priority))  # fmt: skip

    def ends(self, t: int, claim: Claim, text: str | None = None) -> Iterator[tuple[Step, Counter[str]]]:
        """The ways a firing ends: each result, the failure, the rejection."""
        one = self.plan.transitions[t]
        name = one.spec.name
        atomic = self._atomic(t)
        may, depends = (claim.may, claim.depends) if atomic else (False, ())
        took = f"{text} and " if text and atomic else f"{name} "
        for outcome in self._outcomes[t]:
            step = Step(f"{took}returns {outcome.label}", "returns", name, may, depends=depends)
            for outputs in self.puts(t, outcome):
                yield step, outputs
        partial = [Outcome("")]
        if is_generator(one.spec.action):
            partial += [outcome for outcome in self._outcomes[t] if outcome.puts]
        for outcome in partial:
            after = f" after {outcome.label}" if outcome.puts else ""
            for outputs in self.puts(t, outcome):
                yield from self._failures(t, claim, took, after, outputs, may=may, depends=depends)

    def _failures(
        self, t: int, claim: Claim, took: str, after: str, outputs: Counter[str], *, may: bool,
        depends: tuple[str, ...],
    ) -> Iterator[tuple[Step, Counter[str]]]:  # fmt: skip
        one = self.plan.transitions[t]
        name, options = one.spec.name, one.spec.options
        rejected = options.confirm is not None and not after
        if one.error_place is not None:
            to = f", a Failure goes to {self.plan.names[one.error_place]}"
            how = "fails or is rejected" if rejected else "fails"
            for member in self._memberships(t, one.error_place, element=False):
                error = outputs + Counter({self.arrival(one.error_place, member=member): 1})
                yield Step(f"{took}{how}{after}{to}", "fails", name, may, depends=depends), error
            return
        if one.dead_place is not None:
            to = f", a Failure goes to {self.plan.names[one.dead_place]}"
            for member in self._memberships(t, one.dead_place, element=False):
                error = outputs + Counter({self.arrival(one.dead_place, member=member): 1})
                step = Step(f"{took}fails{after}{to}", "fails", name, may, unhandled=True, depends=depends)
                yield step, error
        back = " and gives its tokens back"
        if options.on_error == "release":
            step = Step(f"{took}fails{after}{back}", "fails", name, may, unhandled=True, depends=depends)
            yield step, outputs + claim.returned
        elif one.dead_place is None:
            yield Step(f"{took}fails{after}", "fails", name, may, unhandled=True, depends=depends), outputs
        if rejected:
            step = Step(f"{took}is rejected{back}", "is rejected", name, may, unhandled=True, depends=depends)
            yield step, outputs + claim.returned

    def puts(self, t: int, outcome: Outcome) -> list[Counter[str]]:
        """Where the tokens of a result go, the openings of lists included."""
        opened: Counter[str] = Counter()
        for queue in self.scopes.opened_by(self.plan.index[place] for place in outcome.opened):
            opened[self.open_list(t, queue)] += 1
        rows: list[list[Counter[str]]] = []
        for (name, element), count in outcome.puts:
            place = self.plan.index[name]
            rows.append([Counter({self.arrival(place, member=member): count})
                         for member in self._memberships(t, place, element=element)])  # fmt: skip
        return [sum(row, opened.copy()) for row in product(*rows)]

    def _memberships(self, t: int, place: int, *, element: bool) -> list[bool]:
        """Whether what `t` puts there belongs to a list that a gather at the place closes: yes, no, or either."""
        if place not in self.scopes.gather_places:
            return [False]
        stacks = self.scopes.put_stacks(t, element=element)
        answers = {
            bool(stack) and any(queue[0] == place for queue in self._closed(stack[-1])) for stack in stacks
        }
        if self.scopes.coarse:
            return [False, True]
        return sorted(answers) or [False]

    def _closed(self, opener: int) -> frozenset[Queue]:
        return self.scopes.opened_by(self.plan.transitions[opener].opened)

    def open_list(self, opener: int, queue: Queue) -> str:
        """The place that counts the lists of `opener` which the gather at `queue` has not closed."""
        names = [
            one.spec.name for t, one in enumerate(self.plan.transitions) if queue in self.scopes.gathers[t]
        ]
        name = f"{LISTS}{self.plan.transitions[opener].spec.name} open for {', '.join(names)}"
        if len(self.classes.bits[queue[0]]) > 1 or len(self.scopes.gathers[opener]) > 1:
            name += f" at {self.plan.names[queue[0]]}"
        self.places.setdefault(name, 0)
        return name

    def _stream(self, t: int, claim: Claim, running: str, pool: Counter[str]) -> None:
        """A generator that is not one step puts one element after the other; how many there were, nobody counts."""
        one = self.plan.transitions[t]
        name = one.spec.name
        streaming = f"{running} with elements"
        self.places[streaming] = 0
        self.held[t].append(streaming)
        self.streams.append(streaming)
        assert isinstance(one.spec.output, Many)
        opened = frozenset(self.plan.names[place] for place in one.opened)
        for kind in outcomes(name, one.spec.output.element, 1):
            element = Outcome(kind.label, tuple(((place, True), count) for (place, _), count in kind.puts))
            step = Step(f"{name} yields {kind.label}", "emits", name)
            for outputs in self.puts(t, Outcome(kind.label, element.puts, opened)):
                self._add(one, step, Claim(), Counter({running: 1}), outputs + Counter({streaming: 1}))
            for outputs in self.puts(t, element):
                self._add(one, step, Claim(), Counter({streaming: 1}), outputs + Counter({streaming: 1}))
        end = Step(f"{name} ends", "returns", name)
        self._add(one, end, Claim(), Counter({streaming: 1}), pool)
        for step, outputs in self._failures(t, claim, f"{name} ", "", Counter(), may=False, depends=()):
            self._add(one, step, Claim(), Counter({streaming: 1}), outputs + pool)
        empty = Step(f"{name} returns an empty list", "returns", name)
        for outputs in self.puts(t, Outcome("", (), opened)):
            self._add(one, empty, Claim(), Counter({running: 1}), outputs + pool)
        for step, outputs in self._failures(t, claim, f"{name} ", "", Counter(), may=False, depends=()):
            self._add(one, step, Claim(), Counter({running: 1}), outputs + pool)

    def _atomic(self, t: int) -> bool:
        one = self.plan.transitions[t]
        watched = self._inhibiting | self._drained
        taken = {place for place, mode, *_ in one.arcs if mode is not Mode.READ}
        put = {self.plan.index[name] for outcome in self._outcomes[t] for (name, _), _ in outcome.puts}
        if one.error_place is not None:
            put.add(one.error_place)
        if one.barring:
            put |= taken
            if taken & self.scopes.gather_places and not self.scopes.gathers[t]:
                return False
        if not put & watched:
            return True
        plain = all(mode is Mode.TAKE for _, mode, *_ in one.arcs) and not one.spec.inhibitors
        contested = watched | self.scopes.gather_places
        return plain and not taken & contested and not is_generator(one.spec.action)

    def _listed(self) -> set[str]:
        """Places whose counts grow with the length of lists, so that no number bounds them."""
        from_lists = {
            name for t, row in enumerate(self._outcomes) for outcome in row for key, count in outcome.puts if key[1]
            for put in self.puts(t, Outcome("", ((key, count),))) for name in put
        }  # fmt: skip
        grown = True
        while grown:
            before = len(from_lists)
            for rule in self.rules:
                if from_lists & self._drivers(rule):
                    from_lists.update(rule.outputs)
            grown = len(from_lists) > before
        return from_lists - self._pools()

    def _drivers(self, rule: Rule) -> set[str]:
        """The places that bound how often the rule fires: an open list or a firing in progress, else the tokens."""
        taken = (set(rule.inputs) | rule.resets) - self._pools()
        return {name for name in taken if name not in self.owners} or taken

    def _pools(self) -> set[str]:
        return {self.plan.names[place] for place in self.plan.resources}
