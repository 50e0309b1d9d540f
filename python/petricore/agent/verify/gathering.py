"""Gathers in the abstraction: a place counts the open lists of each kind, and tokens that may join one hold it up.

The gather of a list goes, or the list ends unfired, once no place holds a token that the gather waits for (an
inhibitor arc for each). While one list of its kind is open that is exact: the members are all that lie there. While
several are, their members cannot be told apart by counts: a gather may then take any part of them, at any time, and
surely goes only when nothing holds any of them up. Where a token's list cannot be told from its place at all (tokens
of two lists meet in one firing, a list nests in itself, lists of two kinds meet), a gather may take any part at any
time and nothing makes it go: whether it is waited for for ever is left open.

So no run is missed, and a step that may be impossible names the gather it depends on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations_with_replacement

from petricore.agent.declaration import Mode
from petricore.agent.verify.abstraction import Builder, Claim
from petricore.agent.verify.classes import Slot
from petricore.agent.verify.rules import Rule, Step
from petricore.agent.verify.scopes import Queue

__all__ = ["expanded", "gather_rules"]

_HELD_UP = "\0"  # in inhibitors: whatever holds up (opener, queue), filled in when all places are known


def gather_rules(builder: Builder, t: int) -> None:
    """Add the rules of a transition that gathers."""
    queues = builder.scopes.gathers[t]
    openers = [opener for opener in builder.scopes.openers(queues[0])
               if all(opener in builder.scopes.openers(queue) for queue in queues)]  # fmt: skip
    for opener in openers:
        if _exact(builder, opener, queues[0]):
            _only_list(builder, t, opener, queues[0])
            _one_of_many(builder, t, opener, queues[0])
        else:
            _any_time(builder, t, opener, queues)


def expanded(builder: Builder, rule: Rule) -> Rule:
    """The rule with the places that hold up its gather as inhibitors."""
    marks = [name for name in rule.inhibitors if name.startswith(_HELD_UP)]
    if not marks:
        return rule
    inhibitors = {name: weight for name, weight in rule.inhibitors.items() if name not in marks}
    for mark in marks:
        opener, place, guard = map(int, mark[1:].split())
        for name in _held_up_by(builder, opener, (place, guard)):
            inhibitors.setdefault(name, 1)
    return replace(rule, inhibitors=inhibitors)


def _mark(opener: int, queue: Queue) -> dict[str, int]:
    return {f"{_HELD_UP}{opener} {queue[0]} {queue[1]}": 1}


def _only_list(builder: Builder, t: int, opener: int, queue: Queue) -> None:
    """One list of the kind is open: the gather takes all there is, or ends below its minimum."""
    one = builder.plan.transitions[t]
    open_list = builder.open_list(opener, queue)
    least, slots = _least(builder, t, queue), _members(builder, queue)
    closes = Claim(Counter({open_list: 1}), inhibitors={open_list: 2, **_mark(opener, queue)})
    for claim in builder.claims(t):
        for members in builder.all_of(slots, least, one.barring.get(queue[0], 0)):
            whole = replace(members, returned=_plain(builder, slots, members))
            builder.fire(t, closes.and_(whole).and_(claim), text=f"{one.spec.name} gathers a list")
    for few in _below(slots, least):
        names = Counter(builder.classes.name(slot) for slot in few)
        short = Claim(names, inhibitors={builder.classes.name(slot): names[builder.classes.name(slot)] + 1
                                         for slot in slots})  # fmt: skip
        step = Step(f"a list ends with {len(few)} for {one.spec.name}, which wants {least}", "closes")
        claim = closes.and_(short)
        left = Counter(builder.classes.name(replace(slot, member=False)) for slot in few)
        builder.rules.append(Rule(step.text, step, claim.inputs, left, inhibitors=claim.inhibitors))


def _one_of_many(builder: Builder, t: int, opener: int, queue: Queue) -> None:
    """Several lists are open: the gather takes some of the members."""
    one = builder.plan.transitions[t]
    name = one.spec.name
    open_list = builder.open_list(opener, queue)
    least, slots = _least(builder, t, queue), _members(builder, queue)
    depends = (f"whose list the members at {name} are of",)
    for number, claim in enumerate(builder.claims(t)):
        begun = [f"{name} gathering {opener} {number}: {count}" for count in range(least + 1)]
        for place in begun:
            builder.places[place] = 0
        builder.held.setdefault(t, []).extend(begun)
        start = claim.and_(Claim(Counter({open_list: 1}), {open_list: 2}, dict.fromkeys(begun, 1)))
        sure = start.and_(Claim(inhibitors=_mark(opener, queue)))
        for begin, may in ((start, True), (sure, claim.may)):
            text = f"{name} gathers one of several lists"
            step = Step(text, "gathers", name, may=may, depends=(*claim.depends, *depends))
            builder.rules.append(Rule(text, step, begin.inputs, Counter({begun[0]: 1}), begin.reads,
                                      begin.inhibitors, begin.resets, one.spec.options.priority))  # fmt: skip
        for count in range(least + 1):
            for slot in slots:
                step = Step(f"{name} gathers one more", "gathers", may=True, depends=depends)
                more = Counter({begun[min(count + 1, least)]: 1})
                builder.rules.append(
                    Rule(step.text, step, Counter({begun[count]: 1, builder.classes.name(slot): 1}), more)
                )
        for few in _below(slots, least):
            step = Step(
                f"a list ends with {len(few)} for {name}, which wants {least}", "closes", depends=depends
            )
            left = Counter(builder.classes.name(replace(slot, member=False)) for slot in few)
            builder.rules.append(Rule(step.text, step, Counter({begun[len(few)]: 1}), left + claim.inputs))
        for back in _given_back(builder, t, queue, slots, least):
            took = Claim(Counter({begun[least]: 1}), returned=back + claim.returned, depends=depends)
            builder.fire(t, took)


def _any_time(builder: Builder, t: int, opener: int, queues: list[Queue]) -> None:
    """Nothing is known of the lists but how many there are at most."""
    one = builder.plan.transitions[t]
    name = one.spec.name
    depends = (f"which list the members at {name} are of",)
    for number, claim in enumerate(builder.claims(t)):
        begun = f"{name} gathering {opener} {number}"
        builder.places[begun] = 0
        builder.held.setdefault(t, []).append(begun)
        opened = Counter({builder.open_list(opener, queue): 1 for queue in queues})
        start = claim.and_(Claim(opened, inhibitors={begun: 1}))
        text = f"{name} gathers a list"
        step = Step(text, "gathers", name, may=True, depends=(*claim.depends, *depends))
        builder.rules.append(Rule(text, step, start.inputs, Counter({begun: 1}), start.reads, start.inhibitors,
                                  start.resets, one.spec.options.priority))  # fmt: skip
        members = [slot for queue in queues for slot in builder.classes.admitted(*queue)]
        for slot in members:
            more = Step(f"{name} gathers one more", "gathers", may=True, depends=depends)
            taken = Counter({begun: 1, builder.classes.name(slot): 1})
            builder.rules.append(Rule(more.text, more, taken, Counter({begun: 1})))
        for back in _given_back(builder, t, queues[0], members, 0):
            took = Claim(Counter({begun: 1}), returned=back + claim.returned, depends=depends)
            builder.fire(t, took)
    for queue in queues:
        for slot in builder.classes.slots[queue[0]]:
            if slot.member:
                step = Step("a list is over", "closes", may=True, depends=depends)
                plain = Counter({builder.classes.name(replace(slot, member=False)): 1})
                builder.rules.append(Rule(step.text, step, Counter({builder.classes.name(slot): 1}), plain))


def _given_back(
    builder: Builder, t: int, queue: Queue, slots: list[Slot], least: int
) -> Iterator[Counter[str]]:
    """What lies in the places again when a gather that took nobody knows how many gives them back."""
    barring = builder.plan.transitions[t].barring.get(queue[0], 0)
    if not barring:
        yield Counter()
        return
    for count in range(least, builder.longest + 1):
        for row in combinations_with_replacement(slots, count):
            yield Counter(
                builder.classes.name(replace(builder.classes.refused(slot, barring), member=False))
                for slot in row
            )


def _plain(builder: Builder, slots: list[Slot], members: Claim) -> Counter[str]:
    """What a refused gather gives back: its list is over, so the members are members no more."""
    names = {builder.classes.name(replace(slot, bits=bits)): builder.classes.name(Slot(slot.place, bits, False))
             for slot in slots for bits in builder.classes.bits[slot.place]}  # fmt: skip
    back: Counter[str] = Counter()
    for name, count in members.returned.items():
        back[names.get(name, name)] += count
    return back


def _least(builder: Builder, t: int, queue: Queue) -> int:
    return next(
        weight for place, mode, weight, guard, _ in builder.plan.transitions[t].arcs
        if mode is Mode.GATHER and (place, guard) == queue
    )  # fmt: skip


def _members(builder: Builder, queue: Queue) -> list[Slot]:
    return [slot for slot in builder.classes.admitted(*queue) if slot.member]


def _below(slots: list[Slot], least: int) -> Iterator[tuple[Slot, ...]]:
    for count in range(least):
        yield from combinations_with_replacement(slots, count)


# -- what holds a gather up


def _exact(builder: Builder, opener: int, queue: Queue) -> bool:
    """Whether a token's place alone says if the gather at `queue` waits for it, and whose members lie there."""
    scopes = builder.scopes
    if opener in scopes.coarse:
        return False
    if any(queue in row and len(row) > 1 for row in scopes.gathers):
        return False
    for other in range(len(builder.plan.transitions)):
        if len({opener in stack for stack in scopes.parents[other]}) > 1:
            return False
    for (place, bits), stacks in list(scopes.stacks.items()):
        slot = Slot(place, bits, False)
        if place == queue[0] and slot in builder.classes.admitted(*queue):
            if not all(not stack or (stack[-1] == opener and opener not in stack[:-1]) for stack in stacks):
                return False
        elif len({_waits(builder, opener, queue, slot, stack) for stack in stacks}) > 1:
            return False
    return all(
        len(_takes_blockers(builder, opener, queue, t)) < 2 for t in range(len(builder.plan.transitions))
    )


def _waits(builder: Builder, opener: int, queue: Queue, slot: Slot, stack: tuple[int, ...]) -> bool:
    return opener in stack and builder.scopes.reaches(
        slot.place, slot.bits, queue[0], innermost=stack[-1] == opener
    )


def _blocks(builder: Builder, opener: int, queue: Queue, slot: Slot) -> bool:
    stacks = builder.scopes.stacks.get((slot.place, slot.bits), set())
    return any(_waits(builder, opener, queue, slot, stack) for stack in stacks)


def _takes_blockers(builder: Builder, opener: int, queue: Queue, t: int) -> set[bool]:
    """Whether what firings of `t` hold keeps the gather waiting: yes, no, or both."""
    answers = set()
    for place, mode, _, guard, _ in builder.plan.transitions[t].arcs:
        if mode in (Mode.READ, Mode.GATHER) or t not in builder.held:
            continue
        for slot in builder.classes.admitted(place, guard):
            if place == queue[0] and slot in builder.classes.admitted(*queue):
                answers.add(slot.member)
            else:
                answers.add(_blocks(builder, opener, queue, slot))
    return answers


def _held_up_by(builder: Builder, opener: int, queue: Queue) -> list[str]:
    """The places of the net in which a token keeps the gather of `opener`'s list at `queue` waiting."""
    names: list[str] = []
    scopes = builder.scopes
    admitted = builder.classes.admitted(*queue)
    for place in range(len(builder.plan.places)):
        fresh = False
        for slot in builder.classes.slots[place]:
            if place == queue[0] and slot in admitted:
                fresh = fresh or slot.member
            elif _blocks(builder, opener, queue, slot):
                names.append(builder.classes.name(slot))
                fresh = True
        if fresh:
            names += builder.arrivals(place)
    for t in range(len(builder.plan.transitions)):
        if True in _takes_blockers(builder, opener, queue, t):
            names += builder.held.get(t, [])
        elif t == opener:
            names += builder.streams
        for inner in scopes.gathers[t]:
            for other in scopes.openers(inner):
                inside = any(opener in stack for stack in scopes.parents[other])
                if inside and scopes.leads(inner[0], queue[0]):
                    names += [builder.open_list(other, inner), *builder.held.get(t, [])]
    return list(dict.fromkeys(names))
