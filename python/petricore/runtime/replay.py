"""Replay: a session's history against the code as it is now, without running an action: where would it differ?

The events are done one after the other to a net made of the new agent. Before each claim of the history the net is
asked what it would claim, by the same rules as in the runtime; guards and keys are evaluated anew; what actions
returned is checked against what they declare now. The first event at which the net says otherwise is the divergence.

What shared limits (`concurrency`, `rate_limit`) held back is not told apart from what did not fire: a firing of a
limited transition may come later in the history than the net would claim it. History from before a migration is of
another net: only what follows the last one is compared, from the marking it left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from petricore._core import Fleet
from petricore.agent.declaration import Mode, is_generator
from petricore.agent.places import type_name
from petricore.agent.routing import output_places
from petricore.errors import GuardError
from petricore.runtime.events import (
    Claimed,
    Closed,
    Completed,
    Edited,
    Emitted,
    Ended,
    Event,
    Migrated,
    Moved,
    Put,
    Quiescent,
    Released,
    Token,
    Unwinding,
)
from petricore.runtime.fold import Fold
from petricore.runtime.lineage import Lineage
from petricore.runtime.tokens import TokenTable

if TYPE_CHECKING:
    from petricore.agent.agent import Agent
    from petricore.agent.compile import Plan, TransitionPlan

__all__ = ["Divergence", "replay"]

Kind = Literal["put", "claim", "tokens", "guard", "output", "rest"]


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first event that the code as it is now would not have brought about. `str()` tells the story."""

    event: Event
    kind: Kind
    """put: nothing takes the token; claim: another transition would fire, or none; tokens: with other tokens; guard: a
    predicate or key says otherwise, or breaks; output: what the action returned is not accepted; rest: it would not
    have come to rest."""
    expected: str
    """What the history tells."""
    actual: str
    """What would happen now."""
    story: str = ""
    """How it came to that, as lineage."""

    @property
    def number(self) -> int:
        """Of the event."""
        return self.event.number

    def __str__(self) -> str:
        head = (
            f"event {self.number} ({self.event.kind}): the history tells: {self.expected}; now: {self.actual}"
        )
        before = "nothing before it differs" if self.number > 1 else "it is the first one"
        story = f"\nWhat led to it:\n{self.story}" if self.story else ""
        return f"{head} ({before}){story}"


def replay(events: Iterable[Event], agent: Agent) -> Divergence | None:
    """The first divergence of a session's history (from its first event on) from an agent; None if there is none.

    Calls the agent's predicates, and none of its actions. Costs what firing the history costs.

    Raises:
        NetError: the agent cannot be compiled.
    """
    history = list(events)
    migrations = [i for i, event in enumerate(history) if isinstance(event, (Migrated, Moved))]
    start = migrations[-1] + 1 if migrations else 0
    replayer = _Replayer(agent.plan())
    try:
        if start:
            fold = Fold(history[:start])
            replayer.enter(history[start - 1], list(fold.free.values()))
        for event in history[start:]:
            if isinstance(event, (Closed, Unwinding)):
                return None
            replayer.apply(event)
    except _Differs as found:
        event, kind, expected, actual, tokens = found.args
        lineage = Lineage.of(history[: event.number - 1])
        known = [token for token in tokens if token in lineage.tokens]
        story = str(lineage.past(known[0])) if known else ""
        return Divergence(event, kind, expected, actual, story)
    return None


class _Differs(Exception):  # noqa: N818 - control flow within this file
    """Event, kind, expected, actual, ids of tokens concerned."""


@dataclass(slots=True)
class _Held:
    number: int
    plan: TransitionPlan
    tokens: list[list[int]]


class _Replayer:
    interned: dict[Any, int]

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._fleet = Fleet(**plan.fleet_arguments)
        self._session = int(self._fleet.open(1)[0])
        self._table = TokenTable(plan)
        self._transitions = {one.spec.name: (number, one) for number, one in enumerate(plan.transitions)}
        self._numbers: dict[int, int] = {}
        self._held: dict[str, _Held] = {}
        self.interned = {}
        """Keys of joins, as `TokenTable.marks` keeps them for a session."""

    def apply(self, event: Event) -> None:
        match event:
            case Put(tokens=tokens):
                self.enter(event, tokens)
            case Claimed(undoes=None):
                self._claim(event)
            case Edited(tokens=tokens):
                for token in tokens:
                    self._accepted(event, token, "put")
                    self._table.by_number[self._numbers[token.id]] = token
            case Emitted(firing_id=firing_id, outputs=outputs):
                self._put_outputs(event, self._held[firing_id], outputs, (), self._fleet.emit)
            case Completed(firing_id=firing_id, outputs=outputs, opened=opened):
                held = self._held.pop(firing_id)
                self._put_outputs(event, held, outputs, opened, self._fleet.complete)
            case Ended(firing_id=firing_id, outputs=outputs):
                self._fail(event, self._held.pop(firing_id), outputs)
            case Released(firing_id=firing_id):
                self._fleet.release(self._held.pop(firing_id).number)
            case Quiescent():
                enabled = [self._plan.transitions[one] for one in self._fleet.enabled(self._session).tolist()]
                if enabled:
                    names = " or ".join(one.spec.name for one in enabled)
                    raise _Differs(event, "rest", "nothing was enabled", f"{names} would be claimed", ())

    # -- tokens

    def _accepted(self, event: Event, token: Token, kind: Kind) -> int:
        number = self._plan.index.get(token.place)
        if number is None or number >= len(self._plan.places):
            raise _Differs(event, kind, f"a token in {token.place}", "there is no such place", (token.id,))
        place = self._plan.places[number].place
        if not place.accepts(token.value):
            actual = f"the place takes {type_name(place.type)}, and not that value"
            expected = f"a {type(token.value).__name__} in {token.place}"
            raise _Differs(event, kind, expected, actual, (token.id,))
        return number

    def _marks(self, event: Event, places: Sequence[int], tokens: Sequence[Token]) -> tuple[Any, Any]:
        try:
            return self._table.marks(self, places, [token.value for token in tokens])  # type: ignore[arg-type]
        except (GuardError, AttributeError, KeyError) as error:
            expected = f"{', '.join(_name(one) for one in tokens)} came"
            raise _Differs(event, "guard", expected, str(error), tuple(one.id for one in tokens)) from error

    def enter(self, event: Event, tokens: Sequence[Token]) -> None:
        """Put tokens from outside."""
        places = [self._accepted(event, token, "put") for token in tokens]
        keys, guards = self._marks(event, places, tokens)
        for i, (place, token) in enumerate(zip(places, tokens, strict=True)):
            number = self._fleet.put(
                self._session,
                place,
                1,
                keys=None if keys is None else [keys[i]],
                guards=None if guards is None else [guards[i]],
            ).tolist()
            self._store(number, [token], None if guards is None else [guards[i]])

    def _store(self, numbers: list[int], tokens: Sequence[Token], guards: list[int] | None) -> None:
        self._table.store(numbers, tokens, guards)
        self._numbers.update((token.id, number) for token, number in zip(tokens, numbers, strict=True))

    # -- claims

    def _claim(self, event: Claimed) -> None:
        expected = f"{event.transition} took {self._names(event.taken)}"
        known = self._transitions.get(event.transition)
        concerned = (*event.taken, *event.read)
        if known is None:
            actual = f"there is no transition {event.transition!r}"
            raise _Differs(event, "claim", expected, actual, concerned)
        number, plan = known
        passed = self._next(event, number)
        if passed is None:
            return
        try:
            tokens = self._by_arc(plan, event)
            firing = self._fleet.claim_exactly(self._session, number, tokens)
        except (ValueError, LookupError):
            self._say_why(event, plan, passed)
        else:
            if not passed:
                self._hold(event.firing_id, firing, plan, tokens)
                return
            enabled = f"{passed} would be claimed first"
            raise _Differs(event, "claim", expected, enabled, concerned)

    def _next(self, event: Claimed, number: int) -> str | None:
        """Claim what the net would claim. None if that is what the history tells; else what it would be instead (empty
        if only shared limits can tell), and nothing is claimed."""
        rows = self._fleet.claim(1).rows()
        if not rows:
            return ""
        firing, _, transition, tokens = rows[0]
        plan = self._plan.transitions[transition]
        if transition == number:
            found = [self._table.by_number[n].id for arc in range(len(plan.arcs)) for n in tokens[arc]]
            if sorted(found) == sorted((*event.taken, *event.read)):
                self._hold(event.firing_id, firing, plan, tokens)
                return None
            self._fleet.release(firing)
            instead = f"{event.transition} would take {self._names(found)}"
            raise _Differs(
                event,
                "tokens",
                f"{event.transition} took {self._names((*event.taken, *event.read))}",
                instead,
                (*event.taken, *event.read),
            )
        self._fleet.release(firing)
        options = plan.spec.options
        limited = options.concurrency is not None or options.rate_limit is not None
        if limited:
            self._refill(plan)
        return "" if limited else f"{plan.spec.name}"

    def _refill(self, plan: TransitionPlan) -> None:
        if plan.rate_place is not None and not self._fleet.resources().get(plan.rate_place, 1):
            self._fleet.supply(plan.rate_place, 1)

    def _hold(self, firing_id: str, firing: int, plan: TransitionPlan, tokens: list[list[int]]) -> None:
        self._held[firing_id] = _Held(firing, plan, tokens)
        if plan.rate_place is not None:  # time is no matter here
            self._fleet.supply(plan.rate_place, 1)

    def _say_why(self, event: Claimed, plan: TransitionPlan, passed: str) -> None:
        expected = f"{event.transition} took {self._names(event.taken)}"
        concerned = (*event.taken, *event.read)
        for place, _, _, guard, _ in plan.arcs:
            for token in concerned:
                number = self._numbers.get(token)
                if (
                    number is None
                    or guard < 0
                    or self._plan.index[self._table.by_number[number].place] != place
                ):
                    continue
                if not self._table.guards.get(number, 0) >> guard & 1:
                    parameter = self._plan.places[place].guards[guard].parameter
                    what = (
                        f"where[{parameter!r}] of {event.transition} does not admit {self._names((token,))}"
                    )
                    raise _Differs(event, "guard", expected, what, (token,))
        instead = f"{passed} would be claimed" if passed else f"{event.transition} would not be claimed"
        raise _Differs(event, "claim", expected, instead, concerned)

    def _by_arc(self, plan: TransitionPlan, event: Claimed) -> list[list[int]]:
        taken: dict[int, list[int]] = {}
        for token in event.taken:
            number = self._numbers[token]
            taken.setdefault(self._plan.index[self._table.by_number[number].place], []).append(number)
        read = iter(event.read)
        arcs: list[list[int]] = []
        for place, mode, weight, *_ in plan.arcs:
            if mode is Mode.READ:
                arcs.append([self._numbers[one] for one, _ in zip(read, range(weight), strict=False)])
                continue
            standing = taken.get(place, [])
            count = weight if mode is Mode.TAKE else len(standing)
            arcs.append(standing[:count])
            taken[place] = standing[count:]
        if any(taken.values()):
            raise ValueError("the transition takes less now")
        return arcs

    # -- ends

    def _put_outputs(
        self,
        event: Emitted | Completed,
        held: _Held,
        outputs: Sequence[Token],
        opened: Sequence[str],
        put: Callable[..., Any],
    ) -> None:
        spec = held.plan.spec
        declared = {self._plan.index[place.name] for place in output_places(spec.output)}
        places = []
        for token in outputs:
            place = self._accepted(event, token, "output")
            if place not in declared:
                actual = f"it declares no {token.place} in what it returns"
                raise _Differs(event, "output", f"{spec.name} put {_name(token)}", actual, self._ids(held))
            places.append(place)
        lists = held.plan.opened if is_generator(spec.action) else [self._plan.index[one] for one in opened]
        members = [place in lists for place in places] if lists else None
        keys, guards = self._marks(event, places, outputs)
        try:
            numbers = put(held.number, places, keys, guards, members, lists).tolist()
        except ValueError as error:
            expected = f"{spec.name} put {', '.join(map(_name, outputs)) or 'an empty list'}"
            raise _Differs(event, "output", expected, str(error), self._ids(held)) from error
        self._store(numbers, outputs, guards)
        if isinstance(event, Completed):
            self._forget(held)

    def _fail(self, event: Ended, held: _Held, outputs: Sequence[Token]) -> None:
        gone = set(self._ids(held))
        if any(token.id in gone for token in outputs):
            self._fleet.refuse(held.number, list(held.plan.barring.items()))
            for arc in self._consuming(held):
                place = held.plan.arcs[arc][0]
                for number in held.tokens[arc]:
                    self._table.bar(number, held.plan.barring.get(place, 0))
            return
        spec = held.plan.spec
        places = [self._accepted(event, token, "output") for token in outputs]
        if any(place not in (held.plan.error_place, held.plan.dead_place) for place in places):
            expected = f"its failure went to {outputs[0].place}"
            raise _Differs(
                event, "output", expected, f"failures of {spec.name} go elsewhere", self._ids(held)
            )
        keys, guards = self._marks(event, places, outputs)
        numbers = self._fleet.fail(held.number, places, keys=keys, guards=guards).tolist()
        self._store(numbers, outputs, guards)
        self._forget(held)

    def _consuming(self, held: _Held) -> list[int]:
        return [arc for arc, (_, mode, *_) in enumerate(held.plan.arcs) if mode is not Mode.READ]

    def _ids(self, held: _Held) -> tuple[int, ...]:
        known = self._table.by_number
        return tuple(known[n].id for arc in self._consuming(held) for n in held.tokens[arc] if n in known)

    def _forget(self, held: _Held) -> None:
        for arc in self._consuming(held):
            for number in held.tokens[arc]:
                self._numbers.pop(self._table.by_number[number].id, None)
            self._table.forget(held.tokens[arc])

    def _names(self, ids: Iterable[int]) -> str:
        names = []
        for one in ids:
            number = self._numbers.get(one)
            place = "" if number is None else f"{self._table.by_number[number].place} "
            names.append(f"{place}#{one}")
        return ", ".join(names) or "nothing"


def _name(token: Token) -> str:
    return f"{token.place} #{token.id}"
