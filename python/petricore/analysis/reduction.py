"""Structural reductions: a smaller net that answers the same question, and the way back for its witnesses.

Rules are applied until none applies any more: dead transitions and unmarked siphons (Murata 1989, 10.1109/5.24143),
places that disable nothing and parallel places, agglomerations (Berthelot 1987, 10.1007/978-3-540-47919-2_13;
Boenneland, Dyhr, Jensen, Johannsen, Srba 2019, 10.1016/j.jlamp.2018.09.002; Thierry-Mieg 2020,
10.1007/978-3-030-51831-8_15), dominated transitions and the cone of influence (Rakow 2012,
10.1007/978-3-642-31131-4_15). All kinds of arcs are treated; what inhibits, is reset or has a capacity is kept unless
it cannot matter. Priorities do not restrict firing here.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from petricore import _core
from petricore.arguments import known_names, one_of, seconds_of
from petricore.errors import NetError
from petricore.net import Net

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["Reduction", "reduce"]


class Reduction:
    """A reduced net and how it relates to the whole one.

    `engine` is the reduced net: places keep their names, and so do transitions that stand for a single one. `rules`
    says how often each rule was applied; `complete` is False if the time ended first (the net is sound all the same).
    """

    def __init__(self, whole: Engine, core: _core.Reduction) -> None:
        self._whole = whole
        self._core = core
        self.rules: dict[str, int] = core.rules
        self.complete: bool = core.complete
        self.engine: Engine = _engine_of(whole, core)

    def lift(self, names: Iterable[str]) -> tuple[str, ...]:
        """The firings of the whole net that a path of the reduced one, from its initial marking, stands for.

        They fire from the initial marking of the whole net. For "reachability" they end with the same counts in the
        visible places; for "deadlock", a path to a deadlock of the reduced net becomes one to a deadlock of the whole.

        Raises:
            NetError: a name is no transition of the reduced net, or the path is longer than 10^8 firings.
        """
        index = self.engine._transition_index
        path = np.array([index[name] for name in known_names(names, "transition", index)], np.uint32)
        try:
            lifted = self._core.lift(self._whole._core, path)
        except ValueError as error:  # std::length_error, too
            raise NetError(str(error)) from None
        return tuple(self._whole.transitions[t] for t in lifted.tolist())

    def __repr__(self) -> str:
        before = f"{len(self._whole.places)} places, {len(self._whole.transitions)} transitions"
        return f"<Reduction of {before} to {len(self.engine.places)}, {len(self.engine.transitions)}>"


def reduce(
    engine: Engine,
    goal: Literal["deadlock", "reachability"],
    visible_places: Iterable[str] = (),
    visible_transitions: Iterable[str] = (),
    *,
    timeout: float | None = None,
) -> Reduction:
    """A smaller net with the same answer to a question. Rounds of about O(arcs log arcs) while they remove something.

    Args:
        goal: "deadlock": the reduced net can reach a deadlock if and only if the whole one can. "reachability": the
            same counts of the visible places are reachable, taken together, which keeps EF, AG and bounds of state
            formulas about them (not those about deadlocks, the next marking, or what must happen on every path).
        visible_places: what the formula counts; only for "reachability".
        visible_transitions: whose fireability it asks about: they stay, with all that enables them.
        timeout: seconds after which what is reduced so far is returned (None: no limit).

    Raises:
        NetError: an unknown goal, place or transition, something visible for "deadlock", or `timeout` is no number of
            seconds.
    """
    one_of(goal, "the goal of a reduction", ("deadlock", "reachability"))
    places = known_names(visible_places, "place", engine._place_index)
    transitions = known_names(visible_transitions, "transition", engine._transition_index)
    if goal == "deadlock" and (places or transitions):
        raise NetError("reductions for deadlocks keep no places or transitions visible")
    core = _core.reduce(
        engine._core,
        goal == "deadlock",
        np.array([engine._place_index[place] for place in places], np.uint32),
        np.array([engine._transition_index[name] for name in transitions], np.uint32),
        seconds_of(timeout),
    )
    return Reduction(engine, core)


def _engine_of(whole: Engine, core: _core.Reduction) -> Engine:
    net = Net(whole.name)
    places = [whole.places[p] for p in core.places.tolist()]
    for place, tokens in zip(places, core.initial.tolist(), strict=True):
        net.add_place(place, tokens, whole._places[place].capacity)
    inputs, outputs, reads, inhibitors, resets = (
        _rows(table, places)
        for table in (core.inputs, core.outputs, core.reads, core.inhibitors, core.resets)
    )
    taken = set(whole.transitions)
    for i, story in enumerate(core.stories):
        members = [whole.transitions[t] for t in story.tolist()]
        if len(members) == 1:
            name = members[0]
        else:
            name = ".".join(members) or f"path{i}"
            while name in taken:
                name += "'"
            taken.add(name)
        net.add_transition(
            name, inputs[i], outputs[i], reads=reads[i], inhibitors=inhibitors[i], resets=list(resets[i])
        )
    return net.compile()


def _rows(
    table: tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]], places: list[str]
) -> list[dict[str, int]]:
    offsets, columns, weights = (array.tolist() for array in table)
    arcs = [(places[p], weight) for p, weight in zip(columns, weights, strict=True)]
    return [dict(arcs[first:last]) for first, last in pairwise(offsets)]
