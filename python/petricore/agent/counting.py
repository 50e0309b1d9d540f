"""From an agent's declarations to a `Net`: what stays when values are forgotten and only counts are left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from petricore.agent.declaration import Both, Many, Mode, Nothing, One, OneOf, Output, TransitionSpec
from petricore.agent.places import TypedPlace
from petricore.net import Net

__all__ = ["counting_net"]


def counting_net(name: str, places: Iterable[TypedPlace], specs: Iterable[TransitionSpec]) -> Net:
    """The place/transition net of an agent, for drawing and analysis.

    Exact for single and weighted inputs, reads, inhibitors, `AtLeast` (an input and a reset), results, tuples
    and choices. An action that chooses (`A | B`) puts a token into a place of its own, from which one
    immediate transition per alternative goes on. A source (`every`) has no input, so it can fire at any time.
    Abstractions: `where` and `match` are left out (more can happen in the net), a list counts as one token, and a
    gather takes everything there is of at least `max(min, 1)` tokens.
    """
    net = Net(name)
    specs = list(specs)
    ticks = {spec.tick.place.name for spec in specs if spec.tick is not None}
    for place in places:
        if place.name not in ticks:
            net.add_place(place.name)
    for spec in specs:
        _add(net, spec)
    return net


def _add(net: Net, spec: TransitionSpec) -> None:
    inputs: dict[str, int] = {}
    reads: dict[str, int] = {}
    resets: list[str] = []
    for one in spec.inputs:
        if one is spec.tick:
            continue
        arcs = reads if one.mode is Mode.READ else inputs
        arcs[one.place.name] = arcs.get(one.place.name, 0) + max(one.weight, 1)
        if one.mode in (Mode.DRAIN, Mode.GATHER):
            resets.append(one.place.name)
    alternatives = list(_alternatives(spec.output))
    if spec.error_place is not None:
        alternatives.append(("error", {spec.error_place.name: 1}))
    if spec.dead_letter is not None:
        alternatives.append(("dead letter", {spec.dead_letter.name: 1}))
    outputs = alternatives[0][1] if len(alternatives) == 1 else {f"{spec.name}?": 1}
    resources = {}
    if spec.options.concurrency is not None:
        resources[f"concurrency of {spec.name}"] = 1
        net.add_place(f"concurrency of {spec.name}", tokens=spec.options.concurrency)
    if len(alternatives) > 1:
        net.add_place(f"{spec.name}?")
    net.add_transition(
        spec.name,
        {**inputs, **resources},
        {**outputs, **resources},
        reads=reads,
        inhibitors={place.name: 1 for place in spec.inhibitors},
        resets=resets,
        priority=spec.options.priority,
    )
    if len(alternatives) > 1:
        for label, put in alternatives:
            net.add_transition(f"{spec.name} -> {label}", {f"{spec.name}?": 1}, put)


def _alternatives(output: Output) -> Iterator[tuple[str, dict[str, int]]]:
    """Each way an action can end: a label and the tokens it puts."""
    match output:
        case Nothing():
            yield "None", {}
        case One(place):
            yield place.name, {place.name: 1}
        case Many(element):
            places: dict[str, int] = {}
            for _, put in _alternatives(element):
                places.update(put)
            yield f"list[{', '.join(places)}]", places
        case OneOf(alternatives):
            for one in alternatives:
                yield from _alternatives(one)
        case Both(parts):
            yield from _product(parts)


def _product(parts: tuple[Output, ...]) -> Iterator[tuple[str, dict[str, int]]]:
    if not parts:
        yield "", {}
        return
    for label, put in _alternatives(parts[0]):
        for rest_label, rest in _product(parts[1:]):
            both = {place: put.get(place, 0) + rest.get(place, 0) for place in {**put, **rest}}
            yield ", ".join(filter(None, (label, rest_label))), both
