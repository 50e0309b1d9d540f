"""`where` without values: by which consumer's predicate a token that comes to a place is admitted, drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from petricore.agent.compile import Plan
from petricore.errors import NetError
from petricore.simulation.agents.choices import label_of, shares
from petricore.simulation.agents.streams import Stream

__all__ = ["Admission", "admissions"]


class Admission:
    """Guard bits of the tokens of one place: those always set, and of the predicates those of one transition."""

    __slots__ = ("_always", "_choices", "certain")

    def __init__(self, always: int, choices: list[tuple[float, int]]) -> None:
        self._always = always
        self._choices = choices
        self.certain: int | None = None
        """The bits, where nothing is drawn."""
        if not choices:
            self.certain = always
        elif choices[0][0] >= 1:
            self.certain = always | choices[0][1]

    def bits(self, stream: Stream) -> int:
        """The guard bits of one token."""
        if self.certain is not None:
            return self.certain
        u = stream.random()
        for probability, bits in self._choices:
            if u < probability:
                return self._always | bits
            u -= probability
        return self._always


def admissions(
    plan: Plan, outcomes: Mapping[Any, Any], assumptions: list[str]
) -> tuple[list[Admission | None], set[Any]]:
    """For each place how its tokens are admitted (None: it has no guards), and the keys of `outcomes` that are places.

    `outcomes[place]` gives the probability of each consumer that has a `where`; a token passes the predicate of one
    of them, or with what is left of none. Not given, the guarded consumers share alike, with one share for none if
    somebody without `where` takes from the place, too.

    Raises:
        NetError: a probability is wrong, or names no consumer with a `where`.
    """
    by_place: dict[int, tuple[Any, Mapping[Any, Any]]] = {}
    names = {one.spec.name for one in plan.transitions}
    for key, value in outcomes.items():
        label = label_of(key)
        if label in plan.index and label not in names:
            if not isinstance(value, Mapping):
                raise NetError(f"outcomes: place {label!r} gets probabilities by transition, not {value!r}")
            by_place[plan.index[label]] = (key, value)
    found: list[Admission | None] = []
    for number, place in enumerate(plan.places):
        given = by_place.get(number, (None, None))[1]
        guarded: dict[str, int] = {}
        always = 0
        for bit, guard in enumerate(place.guards):
            if guard.predicate is None:
                always |= 1 << bit
            else:
                guarded[guard.transition] = guarded.get(guard.transition, 0) | 1 << bit
        if given is not None:
            for transition in given:
                if transition not in guarded:
                    known = ", ".join(map(repr, guarded)) or "no consumer"
                    raise NetError(
                        f"outcomes: place {place.place.name!r}: {transition!r} takes from it by no where; "
                        f"{known} does"
                    )
        if not place.guards:
            found.append(None)
            continue
        found.append(Admission(always, _choices(plan, number, guarded, given, assumptions)))
    return found, {key for key, _ in by_place.values()}


def _choices(
    plan: Plan,
    number: int,
    guarded: dict[str, int],
    given: Mapping[Any, Any] | None,
    assumptions: list[str],
) -> list[tuple[float, int]]:
    if not guarded:
        return []
    name = plan.names[number]
    if given is not None:
        probabilities = shares(f"outcomes: place {name!r}", [{one} for one in guarded], given, rest=True)
        unnamed = [one for one in guarded if one not in given]
        if unnamed:
            share = probabilities[list(guarded).index(unnamed[0])]
            assumptions.append(f"where: a token of {name} is for {' or '.join(unnamed)} with probability {share:.3g}"
                               + (" each" if len(unnamed) > 1 else ""))  # fmt: skip
    else:
        free = any(
            arc[0] == number and one.spec.name not in guarded for one in plan.transitions for arc in one.arcs
        )
        share = 1.0 / (len(guarded) + free)
        probabilities = [share] * len(guarded)
        if share == 1:
            assumptions.append(f"where: every token of {name} is admitted by {next(iter(guarded))}")
        else:
            assumptions.append(
                f"where: a token of {name} is for {' or '.join(guarded)}{' or nobody of them' if free else ''}, "
                f"each with probability {share:.3g}"
            )
    return list(zip(probabilities, guarded.values(), strict=True))
