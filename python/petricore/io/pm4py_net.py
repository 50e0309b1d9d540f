"""Nets to and from pm4py, which knows weights, inhibitor arcs on empty places and reset arcs.

pm4py finds nothing out by itself about what it cannot hold, so `to_pm4py` refuses nets that would behave
differently there. Priority and timing do not change what is enabled there: they travel as properties of
the transition.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn

from petricore.errors import NetError
from petricore.io.arcs import Arc, arcs_of
from petricore.net import Net
from petricore.timing import options_of

if TYPE_CHECKING:
    from petricore.net import Place

__all__ = ["from_pm4py", "to_pm4py"]

_TIMING = ("rate", "servers", "delay", "weight", "memory")


def to_pm4py(net: Net) -> tuple[Any, Any, Any]:
    """The net for pm4py: `(net, initial_marking, final_marking)`, the final marking empty.

    Names become both names and labels. The class of the net is `ResetInhibitorNet`, `ResetNet`,
    `InhibitorNet` or `PetriNet`, whichever suffices.

    Raises:
        NetError: a place has a capacity; there is a read arc, an inhibitor arc of a weight above 1, or a
            place
            that one transition both consumes from and resets (pm4py orders the two arbitrarily).
        ImportError: pm4py is not installed.
    """
    pn = _pm4py()
    for place in net.places.values():
        _check_place(place)
    arcs = list(arcs_of(net))
    for arc in arcs:
        _check_arc(net, arc)
    kinds = {arc.kind for arc in arcs}
    resets, inhibits = "reset" in kinds, "inhibitor" in kinds
    if resets and inhibits:
        target = pn.ResetInhibitorNet(net.name)
    elif resets:
        target = pn.ResetNet(net.name)
    else:
        target = pn.InhibitorNet(net.name) if inhibits else pn.PetriNet(net.name)

    places = {name: pn.PetriNet.Place(name) for name in net.places}
    transitions = {
        name: pn.PetriNet.Transition(
            name,
            name,
            properties={"priority": transition.priority, "rate": transition.rate, **options_of(transition)},
        )
        for name, transition in net.transitions.items()
    }
    target.places.update(places.values())
    target.transitions.update(transitions.values())
    for arc in arcs:
        _add_arc(pn, target, arc, places[arc.place], transitions[arc.transition])
    initial = pn.Marking({places[place.name]: place.tokens for place in net.places.values() if place.tokens})
    return target, initial, pn.Marking()


def from_pm4py(pm4py_net: Any, initial_marking: Any = None) -> Net:
    """The net of a pm4py net, its places and transitions in the order of their names.

    A transition is named by its label where no other has it, otherwise by its name: discovered nets carry
    random names and telling labels. Several arcs between one pair add up. Weights of inhibitor arcs are 1 and
    those of reset arcs of no account, as they are for pm4py.

    Args:
        pm4py_net: a `PetriNet` or one of its subclasses.
        initial_marking: its marking; no tokens if None.

    Raises:
        NetError: two places or transitions share a name, a weight is no positive integer, or the marking
            names a
            place of another net.
        ImportError: pm4py is not installed.
    """
    pn = _pm4py()
    marking = dict(initial_marking or {})
    net = Net(pm4py_net.name or "net")
    for place in sorted(pm4py_net.places, key=lambda place: str(place.name)):
        net.add_place(place.name, marking.pop(place, 0))
    for place in marking:
        raise NetError(f"the initial marking names the place {place.name!r}, which the net does not have")
    names = _transition_names(pm4py_net)
    for transition in sorted(names, key=lambda transition: str(names[transition])):
        net.add_transition(
            names[transition],
            **_arcs_of_transition(pn, transition),
            priority=transition.properties.get("priority", 0),
            **_timing(transition.properties),
        )
    return net


def _timing(properties: Any) -> dict[str, Any]:
    """The options of the timing; the default rate of what is general or immediate is not one that was given."""
    options = {option: properties[option] for option in _TIMING if option in properties}
    if options.get("rate") == 1.0 and (options.keys() & {"delay", "weight"}):
        del options["rate"]
    return options


def _pm4py() -> Any:
    try:
        from pm4py.objects.petri_net import obj
    except ModuleNotFoundError:
        raise ImportError("to_pm4py and from_pm4py need pm4py: pip install 'petricore[io]'") from None
    return obj


def _check_place(place: Place) -> None:
    if place.capacity is not None:
        raise NetError(f"place {place.name!r}: pm4py has no capacities, and this one is {place.capacity}")


def _check_arc(net: Net, arc: Arc) -> None:
    if arc.kind == "read":
        _refuse(arc, "pm4py has no read arcs")
    if arc.kind == "inhibitor" and arc.weight != 1:
        _refuse(arc, f"an inhibitor arc of pm4py has the weight 1, not {arc.weight}")
    if arc.kind == "reset" and arc.place in net.transitions[arc.transition].inputs:
        _refuse(arc, "pm4py cannot both consume from a place and reset it")


def _refuse(arc: Arc, why: str) -> NoReturn:
    raise NetError(f"{arc.kind} arc from {arc.place!r} to {arc.transition!r}: {why}")


def _add_arc(pn: Any, target: Any, arc: Arc, place: Any, transition: Any) -> None:
    source, end = (transition, place) if arc.kind == "output" else (place, transition)
    if arc.kind in {"inhibitor", "reset"}:
        class_ = pn.InhibitorNet.InhibitorArc if arc.kind == "inhibitor" else pn.ResetNet.ResetArc
        added = class_(source, end, arc.weight, {"arctype": arc.kind})  # pm4py's exporter reads the property
    else:
        added = pn.PetriNet.Arc(source, end, arc.weight)
    target.arcs.add(added)
    source.out_arcs.add(added)
    end.in_arcs.add(added)


def _transition_names(pm4py_net: Any) -> dict[Any, str]:
    """Labels where they are unique and nobody's name, names elsewhere."""
    names = Counter(transition.name for transition in pm4py_net.transitions)
    labels = Counter(transition.label for transition in pm4py_net.transitions if transition.label)

    def name_of(transition: Any) -> str:
        label = transition.label
        own = label == transition.name
        if label and labels[label] == 1 and (names[label] == 0 or (own and names[label] == 1)):
            return str(label)
        return transition.name  # type: ignore[no-any-return]  # checked by add_transition

    return {transition: name_of(transition) for transition in pm4py_net.transitions}


def _arcs_of_transition(pn: Any, transition: Any) -> dict[str, Any]:
    inputs: Counter[str] = Counter()
    outputs: Counter[str] = Counter()
    inhibitors: set[str] = set()
    resets: set[str] = set()
    for arc in transition.in_arcs:
        if isinstance(arc, pn.InhibitorNet.InhibitorArc):
            inhibitors.add(arc.source.name)
        elif isinstance(arc, pn.ResetNet.ResetArc):
            resets.add(arc.source.name)
        else:
            inputs[arc.source.name] += _weight(arc)
    for arc in transition.out_arcs:
        outputs[arc.target.name] += _weight(arc)
    return {
        "inputs": dict(sorted(inputs.items())),
        "outputs": dict(sorted(outputs.items())),
        "inhibitors": sorted(inhibitors),
        "resets": sorted(resets),
    }


def _weight(arc: Any) -> int:
    weight = arc.weight
    if not isinstance(weight, int) or weight < 1:
        raise NetError(f"the arc {arc!r} has the weight {weight!r}, which is no positive integer")
    return weight
