"""What the simulation knows of tokens, which have no values: since when, by whose doing, and which are kin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from petricore.agent.declaration import Mode
from petricore.simulation.agents.lineage import Path, slot_key
from petricore.simulation.agents.model import Behaviour, Model
from petricore.simulation.agents.streams import Stream

__all__ = ["ARRIVAL", "Tokens"]

ARRIVAL = -1
"""The "firing" that put a session's inputs."""


class Tokens:
    """The living tokens of all sessions, by their number in the fleet."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._born: dict[int, tuple[float, int]] = {}
        self._paths: dict[int, Path] = {}
        self._keys: dict[Path, int] = {}

    def add(self, ids: Iterable[int], paths: Sequence[Path], now: float, firing: int) -> None:
        """The firing of that index put tokens now; `paths` is empty where nobody joins by kin."""
        born = (now, firing)
        for token in ids:
            self._born[token] = born
        if paths:
            self._paths.update(zip(ids, paths, strict=True))

    def forget(self, ids: Iterable[int]) -> None:
        """They are gone."""
        for token in ids:
            self._born.pop(token, None)
            self._paths.pop(token, None)

    def since(self, token: int) -> float:
        """When it was put."""
        return self._born[token][0]

    def taken(self, behaviour: Behaviour, tokens: list[list[int]]) -> tuple[float, int]:
        """When the last token came that a claim needed, and by whose doing. What it consumes is forgotten."""
        ready, cause = -1.0, ARRIVAL
        for (_, mode, weight, _, _), ids in zip(behaviour.plan.arcs, tokens, strict=True):
            look = self._born.__getitem__ if mode is Mode.READ else self._born.pop
            births = [look(token) for token in ids]
            if mode is Mode.DRAIN:  # enabled by the first so many
                births = sorted(births)[:weight]
            for when, who in births:
                if when > ready or (when == ready and who > cause):
                    ready, cause = when, who
        return ready, cause

    def path_of(self, behaviour: Behaviour, tokens: list[list[int]]) -> Path:
        """The path that a firing hands on: that of the first token it takes, without the list that it gathers."""
        path: Path | None = None
        for (_, mode, *_), ids in zip(behaviour.plan.arcs, tokens, strict=True):
            if mode is Mode.READ:
                continue
            for token in ids:
                came = self._paths.pop(token)
                if path is None:
                    path = came[:-1] if mode is Mode.GATHER and len(came) > 1 else came
        return (0,) if path is None else path

    def paths(
        self, path: Path, places: Sequence[int], members: Sequence[bool] | None, position: int
    ) -> list[Path]:
        """The paths of what a firing with that path puts; the elements of its lists are numbered from `position`."""
        if not self._model.key_slots:
            return []
        if members is None:
            return [path] * len(places)
        found: list[Path] = []
        numbers: dict[int, int] = {}
        for place, member in zip(places, members, strict=True):
            if member:
                number = numbers.setdefault(place, position)
                numbers[place] = number + 1
                found.append((*path, number))
            else:
                found.append(path)
        return found

    def marks(
        self, places: Sequence[int], paths: Sequence[Path], stream: Stream
    ) -> tuple[list[Any] | None, list[int] | None]:
        """Keys and guard bits of tokens about to be put; None where no place of them has any."""
        admitted, slots = self._model.admissions, self._model.key_slots
        guards = None
        if any(admitted[place] is not None for place in places):
            guards = [0 if (one := admitted[place]) is None else one.bits(stream) for place in places]
        if not slots:
            return None, guards
        rows = []
        for place, path in zip(places, paths, strict=True):
            row = [
                self._keys.setdefault(slot_key(path, kinship), len(self._keys))
                for kinship in self._model.kinships[place]
            ]
            rows.append(row + [0] * (slots - len(row)))
        return (rows if slots > 1 else [row[0] for row in rows]), guards
