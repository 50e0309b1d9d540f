"""Rules: transitions over counted places before they become a `Net`, and what each means in the agent's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Literal

from petricore.errors import NetError
from petricore.net import Net

__all__ = ["Rule", "Step", "saturate", "to_net"]

_MOST = 5_000

Kind = Literal["returns", "fails", "is rejected", "starts", "gathers", "closes", "arrives", "emits"]


@dataclass(frozen=True, slots=True)
class Step:
    """What firing a rule means."""

    text: str
    kind: Kind
    transition: str | None = None
    """The agent's transition that fires (None: nothing does, a token's guards are told)."""
    may: bool = False
    """The runtime need not do it, though the counts allow it (keys that differ, a group that is still open)."""
    unhandled: bool = False
    """A failure or rejection for which the declaration names no further way."""
    depends: tuple[str, ...] = ()
    """What the counts do not tell, so that the step may be impossible."""


@dataclass(frozen=True)
class Rule:
    """A transition: enabled and fired as one of `Net`, with arcs of every kind on places by name."""

    name: str
    step: Step
    inputs: Counter[str] = field(default_factory=Counter)
    outputs: Counter[str] = field(default_factory=Counter)
    reads: Mapping[str, int] = field(default_factory=dict)
    inhibitors: Mapping[str, int] = field(default_factory=dict)
    resets: frozenset[str] = frozenset()
    priority: int = 0


def to_net(name: str, places: Mapping[str, int], rules: Iterable[Rule]) -> tuple[Net, dict[str, Step]]:
    """The net of the rules and the meaning of each of its transitions. Equal names get numbers."""
    net = Net(name)
    for place, tokens in places.items():
        net.add_place(place, tokens)
    steps: dict[str, Step] = {}
    numbers: Counter[str] = Counter()
    for rule in rules:
        if len(steps) == _MOST:
            raise NetError(
                f"{name!r} makes more than the {_MOST} transitions that verify looks at: its guards, weights and "
                "lists can be combined in too many ways"
            )
        numbers[rule.name] += 1
        unique = rule.name if numbers[rule.name] == 1 else f"{rule.name} #{numbers[rule.name]}"
        net.add_transition(
            unique,
            {place: weight for place, weight in rule.inputs.items() if weight},
            {place: weight for place, weight in rule.outputs.items() if weight},
            reads=dict(rule.reads),
            inhibitors=dict(rule.inhibitors),
            resets=sorted(rule.resets),
            priority=rule.priority,
        )
        steps[unique] = rule.step
    return net, steps


@dataclass(frozen=True, slots=True)
class _Case:
    """What a rule does to one saturated place whose count is from `least` to `most`: it ends at count + `change`."""

    least: int
    most: int
    change: int


def saturate(rules: Iterable[Rule], places: Iterable[str], limit: int) -> Iterator[Rule]:
    """The rules where a count of `limit` on one of `places` stands for every count from there on.

    Every firing of the exact rules is one of these: a count n is seen as min(n, limit). No weight, read or
    inhibitor on the places may exceed `limit`. A rule becomes up to 2^k of them for k such places.
    """
    saturated = frozenset(places)
    for rule in rules:
        touched = [place for place in _places(rule) if place in saturated]
        if not touched:
            yield rule
            continue
        for cases in product(*(_cases(rule, place, limit) for place in touched)):
            yield _specialised(rule, dict(zip(touched, cases, strict=True)), limit)


def _places(rule: Rule) -> list[str]:
    return list(
        dict.fromkeys((*rule.inputs, *rule.outputs, *rule.reads, *rule.inhibitors, *sorted(rule.resets)))
    )


def _cases(rule: Rule, place: str, limit: int) -> list[_Case]:
    taken, put = rule.inputs[place], rule.outputs[place]
    least = max(taken, rule.reads.get(place, 0))
    most = rule.inhibitors.get(place, limit + 1) - 1
    cases: set[_Case] = set()
    if place in rule.resets:
        if taken or rule.reads.get(place) or put or place in rule.inhibitors:
            cases = {
                _Case(count, count, min(put, limit) - count) for count in range(least, min(most, limit) + 1)
            }
            return sorted(cases, key=lambda case: case.least)
        return [_Case(0, limit, -limit - 1)]
    change = put - taken
    for count in range(least, min(most, limit) + 1):
        if count < limit:
            cases.add(_Case(count, count, min(count + change, limit) - count))
        else:  # any count from the limit on; a net loss ends anywhere from limit + change on
            cases.update(_Case(count, count, lost) for lost in range(min(change, 0), 1))
    return _joined(cases)


def _joined(cases: set[_Case]) -> list[_Case]:
    """Neighbouring counts that change alike, in one."""
    joined: list[_Case] = []
    for case in sorted(cases, key=lambda one: (one.change, one.least)):
        if joined and joined[-1].change == case.change and joined[-1].most + 1 == case.least:
            joined[-1] = _Case(joined[-1].least, case.most, case.change)
        else:
            joined.append(case)
    return joined


def _specialised(rule: Rule, cases: Mapping[str, _Case], limit: int) -> Rule:
    inputs, outputs = Counter(rule.inputs), Counter(rule.outputs)
    reads, inhibitors = dict(rule.reads), dict(rule.inhibitors)
    resets = set(rule.resets)
    for place, case in cases.items():
        for arcs in (inputs, outputs, reads, inhibitors):
            arcs.pop(place, None)
        if case.change < -limit:  # emptied from any count
            continue
        resets.discard(place)
        if case.change > 0:
            outputs[place] = case.change
        elif case.change < 0:
            inputs[place] = -case.change
        if case.least > inputs[place]:
            reads[place] = case.least
        if case.most < limit:
            inhibitors[place] = case.most + 1
    return Rule(rule.name, rule.step, inputs, outputs, reads, inhibitors, frozenset(resets), rule.priority)
