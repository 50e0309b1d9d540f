"""Kinds of tokens: a place's tokens told apart by which guards admit them and whether a gather will take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement, product

from petricore.agent.compile import Plan
from petricore.agent.declaration import Mode
from petricore.errors import NetError

__all__ = ["Classes", "Slot"]

_MOST = 64


@dataclass(frozen=True, slots=True)
class Slot:
    """The tokens of a place that carry the guard bits `bits`, and are members of a gathered list or not."""

    place: int
    bits: int
    member: bool


class Classes:
    """All kinds of tokens an agent's places can hold.

    `where` predicates are not evaluated: a token may be admitted by any subset of them. What gives tokens back
    for good (a rejection, `on_error="release"`) clears a bit. For a place in `decided` every token is taken to
    be admitted by one of those that consume from it.

    Raises:
        NetError: the guards of a place make more than 64 kinds.
    """

    def __init__(
        self, plan: Plan, gather_places: Iterable[int], error_places: Iterable[int], decided: Iterable[int]
    ) -> None:
        self._plan = plan
        self.fresh: dict[int, list[int]] = {}
        """Guard bits that a new token of the place may have."""
        self.bits: dict[int, list[int]] = {}
        gathered, unmarked, decided = set(gather_places), set(error_places), set(decided)
        for place in range(len(plan.places)):
            self.fresh[place] = self._fresh(place, unmarked=place in unmarked, decided=place in decided)
            self.bits[place] = self._closure(place)
        self.slots: dict[int, list[Slot]] = {
            place: [Slot(place, bits, member) for bits in self.bits[place]
                    for member in ((False, True) if place in gathered else (False,))]
            for place in self.bits
        }  # fmt: skip

    def admitted(self, place: int, guard: int) -> list[Slot]:
        """The kinds that an arc with this guard sees."""
        return [slot for slot in self.slots[place] if guard < 0 or slot.bits >> guard & 1]

    def choices(self, place: int, guard: int, weight: int) -> Iterator[tuple[Slot, ...]]:
        """The ways to take `weight` tokens."""
        yield from combinations_with_replacement(self.admitted(place, guard), weight)

    def refused(self, slot: Slot, barring: int) -> Slot:
        """What the token is after a transition gave it back for good."""
        return Slot(slot.place, slot.bits & ~barring, slot.member)

    def undecided(self, place: int) -> bool:
        """Whether predicates decide what a new token of the place is."""
        return len(self.fresh[place]) > 1

    def name(self, slot: Slot) -> str:
        """The name of the place for these tokens: the agent's own for those that everybody sees."""
        name = self._plan.names[slot.place]
        notes = []
        guards = self._plan.places[slot.place].guards
        missing = [guard.transition for bit, guard in enumerate(guards) if not slot.bits >> bit & 1]
        if missing:
            notes.append(f"not for {', '.join(dict.fromkeys(missing))}")
        if slot.member:
            notes.append("in its list")
        return f"{name} ({'; '.join(notes)})" if notes else name

    def _fresh(self, place: int, *, unmarked: bool, decided: bool) -> list[int]:
        guards = self._plan.places[place].guards
        predicates = [bit for bit, guard in enumerate(guards) if guard.predicate is not None]
        always = sum(1 << bit for bit, guard in enumerate(guards) if guard.predicate is None)
        if 1 << len(predicates) > _MOST:
            self._refuse(place)
        found = [always | sum(1 << bit for bit, seen in zip(predicates, row, strict=True) if seen)
                 for row in product((True, False), repeat=len(predicates))]  # fmt: skip
        if decided:
            found = [bits for bits in found if self._taken(place, bits)]
        elif unmarked and predicates and 0 not in found:
            found.append(0)  # a predicate that raises on a Failure leaves it without any mark
        return found

    def _taken(self, place: int, bits: int) -> bool:
        return any(
            source == place and mode is not Mode.READ and (guard < 0 or bits >> guard & 1)
            for one in self._plan.transitions
            for source, mode, _, guard, _ in one.arcs
        )

    def _closure(self, place: int) -> list[int]:
        masks = [one.barring[place] for one in self._plan.transitions if place in one.barring]
        found = list(self.fresh[place])
        for bits in found:
            found += [bits & ~mask for mask in masks if bits & mask and bits & ~mask not in found]
            if len(found) > _MOST:
                self._refuse(place)
        return list(dict.fromkeys(found))

    def _refuse(self, place: int) -> None:
        raise NetError(
            f"place {self._plan.names[place]!r} has {len(self._plan.places[place].guards)} guards (where, confirm, "
            f"on_error='release'), which make more than the {_MOST} kinds of tokens that verify tells apart"
        )
