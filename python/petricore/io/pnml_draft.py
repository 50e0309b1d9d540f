"""The net of a PNML document as it stands there, before references are resolved and arcs find their ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from petricore.errors import NetError, PnmlError
from petricore.net import MAX_TOKENS, Net

__all__ = ["Draft", "DraftArc", "DraftNode", "refuse"]

_LONGEST_REASON = 400


def refuse(what: str, line: int, element: str | None) -> NoReturn:
    """Raise the `PnmlError` that names line and element; a reason that quotes too much is cut."""
    if len(what) > _LONGEST_REASON:
        what = what[:_LONGEST_REASON] + "..."
    where = f"line {line}" + (f", <{element}>" if element else "")
    raise PnmlError(f"{where}: {what}", line=line, element=element) from None


class DraftNode:
    """A place, a transition or a reference to one (`ref` is the id it refers to)."""

    __slots__ = ("capacity", "element", "id", "line", "name", "priority", "ref", "timing", "tokens")

    def __init__(self, element: str, node_id: str, line: int) -> None:
        self.element = element
        self.id = node_id
        self.line = line
        self.name = node_id
        self.tokens = 0
        self.capacity: int | None = None
        self.priority = 0
        self.timing: dict[str, Any] = {}  # options of Net.add_transition
        self.ref: str | None = None

    @property
    def is_place(self) -> bool:
        """Whether this is a place or refers to one."""
        return self.element in {"place", "referencePlace"}

    def refuse(self, what: str) -> NoReturn:
        """Raise the error about this node."""
        refuse(what, self.line, self.element)


class DraftArc:
    """An arc between ids; `kind` is None until a type is given."""

    __slots__ = ("kind", "line", "source", "target", "weight")

    def __init__(self, source: str, target: str, line: int) -> None:
        self.source = source
        self.target = target
        self.line = line
        self.weight = 1
        self.kind: str | None = None

    def refuse(self, what: str) -> NoReturn:
        """Raise the error about this arc."""
        refuse(what, self.line, "arc")


class Draft:
    """Nodes and arcs in the order of the document."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: dict[str, DraftNode] = {}
        self.arcs: list[DraftArc] = []

    def add_node(self, element: str, node_id: str, line: int) -> DraftNode:
        """Add a node; its id must be new."""
        if node_id in self.nodes:
            earlier = self.nodes[node_id]
            refuse(
                f"the id {node_id!r} is taken by the <{earlier.element}> of line {earlier.line}",
                line,
                element,
            )
        node = self.nodes[node_id] = DraftNode(element, node_id, line)
        return node

    def net(self) -> Net:
        """The finished net. Raises `PnmlError` at the line of whatever does not fit together."""
        arcs = self._arcs_by_transition()
        net = Net(self.name)
        for node in self.nodes.values():
            if node.ref is not None:
                self._referred(node)
            elif node.is_place:
                self._add(node, net.add_place, tokens=node.tokens, capacity=node.capacity)
        for node in self.nodes.values():
            if node.element == "transition":
                self._add(node, net.add_transition, **arcs[node.id], priority=node.priority, **node.timing)
        return net

    def _add(self, node: DraftNode, add: Callable[..., Any], **arguments: Any) -> None:
        try:
            add(node.name, **arguments)
        except NetError as error:
            node.refuse(error.message)

    def _arcs_by_transition(self) -> dict[str, dict[str, Any]]:
        """The arguments of `Net.add_transition` by the transition's id."""
        by_transition: dict[str, dict[str, Any]] = {
            node.id: {"inputs": {}, "outputs": {}, "reads": {}, "inhibitors": {}, "resets": {}}
            for node in self.nodes.values()
            if node.element == "transition"
        }
        for arc in self.arcs:
            source, target = self._end(arc, arc.source), self._end(arc, arc.target)
            if source.is_place == target.is_place:
                kind = "places" if source.is_place else "transitions"
                arc.refuse(f"the arc from {source.id!r} to {target.id!r} joins two {kind}")
            place, transition = (source, target) if source.is_place else (target, source)
            kind = arc.kind or "normal"
            if kind != "normal" and target.is_place:
                arc.refuse(f"the {kind} arc from {source.id!r} ends in a place")
            argument = ("inputs" if source.is_place else "outputs") if kind == "normal" else kind + "s"
            weights = by_transition[transition.id][argument]
            weight = arc.weight
            if place.name in weights:
                weight = _COMBINED[kind](weights[place.name], weight)
            if weight > MAX_TOKENS:
                arc.refuse(f"the arcs from {source.id!r} to {target.id!r} sum up to {weight}")
            weights[place.name] = weight
        for arguments in by_transition.values():
            arguments["resets"] = list(arguments["resets"])
        return by_transition

    def _end(self, arc: DraftArc, node_id: str) -> DraftNode:
        """The place or transition at an end of an arc."""
        node = self.nodes.get(node_id)
        if node is None:
            arc.refuse(f"there is no place or transition with the id {node_id!r}")
        return node if node.ref is None else self._referred(node)

    def _referred(self, node: DraftNode) -> DraftNode:
        """The place or transition that a reference stands for, through any number of references."""
        passed: dict[str, DraftNode] = {}
        while node.ref is not None:
            if node.id in passed:
                node.refuse(f"the reference {node.id!r} refers to itself")
            passed[node.id] = node
            after = self.nodes.get(node.ref)
            if after is None:
                node.refuse(f"there is no place or transition with the id {node.ref!r}")
            if after.is_place != node.is_place:
                node.refuse(f"{node.id!r} refers to the <{after.element}> {after.id!r}")
            node = after
        for reference in passed.values():  # the next search ends at once
            reference.ref = node.id
        return node


_COMBINED: dict[str, Callable[[int, int], int]] = {
    "normal": int.__add__,
    "read": max,
    "inhibitor": min,
    "reset": max,
}
"""How arcs of one kind between one pair combine: flows add up, conditions each hold by themselves."""
