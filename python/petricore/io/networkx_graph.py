"""A net as a networkx graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from petricore.io.arcs import arcs_of

if TYPE_CHECKING:
    import networkx

    from petricore.net import Net

__all__ = ["to_networkx"]


def to_networkx(net: Net) -> networkx.MultiDiGraph[Any]:
    """The net as a directed multigraph.

    Nodes are the pairs ("place", name) and ("transition", name), since a place and a transition may share a
    name. They carry `kind` and `name`, places also `tokens` and `capacity`, transitions `priority`,
    `rate`, `servers`, `delay`, `weight` and `memory`, as `Transition` has them. Edges carry `kind`
    (input, output, read, inhibitor or reset), which is their key too, and `weight`;
    all but outputs lead from place to transition.

    Raises:
        ImportError: networkx is not installed.
    """
    try:
        import networkx as nx
    except ModuleNotFoundError:
        raise ImportError("to_networkx needs networkx: pip install 'petricore[io]'") from None
    graph: networkx.MultiDiGraph[Any] = nx.MultiDiGraph(name=net.name)
    for place in net.places.values():
        graph.add_node(
            ("place", place.name), kind="place", name=place.name, tokens=place.tokens, capacity=place.capacity
        )
    for transition in net.transitions.values():
        graph.add_node(
            ("transition", transition.name),
            kind="transition",
            name=transition.name,
            priority=transition.priority,
            rate=transition.rate,
            servers=transition.servers,
            delay=transition.delay,
            weight=transition.weight,
            memory=transition.memory,
        )
    for arc in arcs_of(net):
        place_node, transition_node = ("place", arc.place), ("transition", arc.transition)
        ends = (transition_node, place_node) if arc.kind == "output" else (place_node, transition_node)
        graph.add_edge(*ends, key=arc.kind, kind=arc.kind, weight=arc.weight)
    return graph
