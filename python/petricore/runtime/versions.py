"""Versions of an agent's net: whether a session of one can go on with another, and what that means for its marking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from petricore.runtime.net_description import describe_net, net_version, version_of
from petricore.runtime.widening import lost_fields, narrower

if TYPE_CHECKING:
    from petricore.agent.agent import Agent

__all__ = ["Compatibility", "Migration", "compatibility", "describe_net", "net_version"]

Verdict = Literal["identical", "compatible", "incompatible"]


@dataclass(frozen=True)
class Migration:
    """How a session goes on with another version of its agent: `await runtime.migrate(session_id, migration)`.

    Args:
        agent: the new version.
        places: old names of places by which the new ones are found (names that stay need not be given); None: the
            tokens of that place are dropped.
        transitions: old names of transitions and their new ones.
        convert: by old name of a place, what makes a new value of an old one. It gets plain data (a dict for a model),
            because the old class may be gone, and returns a value of the new type, or plain data from which one is
            validated.
        ungroup: let tokens that stand in a list that is being gathered stand alone, if the history up to here makes no
            sense in the new net; refused otherwise.
    """

    agent: Agent
    places: Mapping[str, str | None] = field(default_factory=dict)
    transitions: Mapping[str, str] = field(default_factory=dict)
    convert: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    ungroup: bool = False


@dataclass(frozen=True)
class Compatibility:
    """What differs between two versions of a net, by the old names, and whether a marking of one fits the other."""

    verdict: Verdict
    places_added: tuple[str, ...] = ()
    places_removed: tuple[str, ...] = ()
    places_changed: tuple[str, ...] = ()
    transitions_added: tuple[str, ...] = ()
    transitions_removed: tuple[str, ...] = ()
    transitions_changed: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why a marking does not fit as it is: none unless the verdict is "incompatible"."""
    notes: tuple[str, ...] = ()
    """What a migration would do beside: firings that are released, tokens that nobody takes, fields that are lost."""

    def __bool__(self) -> bool:
        return self.verdict != "incompatible"

    def __str__(self) -> str:
        lines: list[str] = [self.verdict]
        for what in ("places", "transitions"):
            for how in ("added", "removed", "changed"):
                names = getattr(self, f"{what}_{how}")
                if names:
                    lines.append(f"  {what} {how}: {', '.join(names)}")
        lines += [f"  not as it is: {reason}" for reason in self.reasons]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)


def compatibility(
    old: Mapping[str, Any],
    new: Agent,
    *,
    marking: Mapping[str, int] | None = None,
    migration: Migration | None = None,
) -> Compatibility:
    """Compare the description of an old version (`describe_net`) with an agent.

    Args:
        old: as `describe_net` made it, or as JSON brought it back.
        new: the agent as it is now.
        marking: tokens per place of the session that is to go on; without it any place may hold tokens.
        migration: its names and converters are taken into account.
    """
    return _Comparison(old, describe_net(new), marking, migration).compare()


class _Comparison:
    def __init__(
        self,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        marking: Mapping[str, int] | None,
        migration: Migration | None,
    ) -> None:
        self._old, self._new = old, new
        self._marking = marking
        self._migration = migration
        self._place_names: Mapping[str, str | None] = {} if migration is None else migration.places
        self._transition_names = {} if migration is None else migration.transitions
        self._places = {one["name"]: one["schema"] for one in new["places"]}
        self._transitions = {one["name"]: one for one in new["transitions"]}
        self.reasons: list[str] = []
        self.notes: list[str] = []

    def compare(self) -> Compatibility:
        if version_of(dict(self._old)) == version_of(dict(self._new)):
            return Compatibility("identical")
        removed, changed = self._compare_places()
        gone, other = self._compare_transitions()
        kept = {self._place_names.get(one["name"], one["name"]) for one in self._old["places"]}
        still = {self._transition_names.get(one["name"], one["name"]) for one in self._old["transitions"]}
        added = tuple(name for name in self._transitions if name not in still)
        self._idle_places()
        same = not (removed or changed or gone or other or added)
        if same and kept >= set(self._places):
            self.notes.append(
                "the order of declaration differs: it decides what is served first among equals"
            )
        return Compatibility(
            "incompatible" if self.reasons else "compatible",
            tuple(name for name in self._places if name not in kept),
            tuple(removed),
            tuple(changed),
            added,
            tuple(gone),
            tuple(other),
            tuple(self.reasons),
            tuple(self.notes),
        )

    def _empty(self, place: str) -> bool:
        return self._marking is not None and not self._marking.get(place)

    def _tokens(self, place: str) -> str:
        return "its tokens" if self._marking is None else f"{self._marking.get(place)} token(s)"

    def _compare_places(self) -> tuple[list[str], list[str]]:
        removed, changed = [], []
        convert = {} if self._migration is None else self._migration.convert
        for place in self._old["places"]:
            name = place["name"]
            target = self._place_names.get(name, name)
            if target is None:
                removed.append(name)
                self.notes.append(f"place {name!r} is removed, and {self._tokens(name)} are dropped")
            elif target not in self._places:
                removed.append(name)
                if not self._empty(name):
                    self.reasons.append(f"place {name!r} is removed: {self._tokens(name)} need another place")
            elif place["schema"] != self._places[target]:
                changed.append(name)
                if name not in convert and not self._empty(name):
                    self._compare_types(name, place["schema"], self._places[target])
        return removed, changed

    def _compare_types(self, name: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        reason = narrower(old, new)
        if reason is not None:
            self.reasons.append(
                f"the type of place {name!r} has changed: {reason}; convert {self._tokens(name)}"
            )
            return
        lost = lost_fields(old, new)
        if lost:
            fields = ", ".join(map(repr, lost))
            self.notes.append(
                f"the type of place {name!r} has lost {fields}: what tokens hold there is dropped"
            )
        else:
            self.notes.append(f"the type of place {name!r} has changed: its values are still valid")

    def _compare_transitions(self) -> tuple[list[str], list[str]]:
        removed, changed = [], []
        for one in self._old["transitions"]:
            name = one["name"]
            target = self._transition_names.get(name, name)
            if target not in self._transitions:
                removed.append(name)
                self.notes.append(f"transition {name!r} is removed: its firings under way are released")
                continue
            before, after = self._renamed(one), self._transitions[target]
            parts = [part for part in {**before, **after} if before.get(part) != after.get(part)]
            if parts:
                changed.append(name)
                self.notes.append(
                    f"transition {name!r} has changed ({', '.join(parts)}): its firings under way are released, and"
                    " claimed by the new rules"
                )
        return removed, changed

    def _renamed(self, transition: Mapping[str, Any]) -> dict[str, Any]:
        """An old transition with the new names."""

        def place(name: Any) -> Any:
            return self._place_names.get(name, name)

        def output(one: Any) -> Any:
            if isinstance(one, str):
                return place(one)
            if isinstance(one, list):
                return [output(part) for part in one]
            return {how: output(part) for how, part in one.items()} if isinstance(one, dict) else one

        renamed = dict(transition)
        renamed["name"] = self._transition_names.get(transition["name"], transition["name"])
        renamed["inputs"] = [{**arc, "place": place(arc["place"])} for arc in transition["inputs"]]
        renamed["output"] = output(transition["output"])
        if "inhibitors" in renamed:
            renamed["inhibitors"] = [place(name) for name in transition["inhibitors"]]
        for name in ("error_place", "dead_place", "tick_place"):
            if name in renamed:
                renamed[name] = place(transition[name])
        return renamed

    def _idle_places(self) -> None:
        """Places whose tokens were taken, and are taken by nobody now."""
        taken = {arc["place"] for one in self._transitions.values() for arc in one["inputs"]}
        for one in self._old["transitions"]:
            for arc in one["inputs"]:
                name = arc["place"]
                target = self._place_names.get(name, name)
                note = f"no transition takes from place {name!r} any more"
                if target in self._places and target not in taken and note not in self.notes:
                    self.notes.append(note)
