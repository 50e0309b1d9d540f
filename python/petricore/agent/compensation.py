"""Compensations: the functions that undo what completed firings did, when their session fails or is cancelled."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from petricore.errors import NetError

if TYPE_CHECKING:
    from petricore.agent.declaration import Input

__all__ = ["Compensation", "compensation"]

_OUTPUTS = "outputs"


@dataclass(frozen=True, slots=True)
class Compensation:
    """What undoes a transition, and what its parameters get."""

    action: Callable[..., Any]
    inputs: tuple[str, ...]
    """Parameters that get what the firing took, by the names of the transition's own."""
    outputs: bool
    """The parameter `outputs` gets the list of values the firing put."""
    context: str | None


def compensation(label: str, action: Callable[..., Any], inputs: Sequence[Input]) -> Compensation:
    """Read the parameters of `action`, which undoes the transition described by `label`.

    Raises:
        NetError: a parameter is neither one of the transition's inputs, nor `outputs`, nor a `Context`; the action
            is a generator.
    """
    where = f"{label}, compensate"
    if inspect.isgeneratorfunction(action) or inspect.isasyncgenfunction(action):
        raise NetError(f"{where}: a compensation puts nothing, so it is no generator")
    known = {one.parameter for one in inputs if not one.hidden}
    bound = action.keywords if isinstance(action, functools.partial) else {}
    taken: list[str] = []
    outputs = False
    context: str | None = None
    for parameter in inspect.signature(action).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise NetError(f"{where}: parameter {parameter.name!r} is not passed by name")
        if parameter.name in bound:
            continue
        if parameter.name in known:
            taken.append(parameter.name)
        elif parameter.name == _OUTPUTS:
            outputs = True
        elif _is_context(parameter):
            context = parameter.name
        elif parameter.default is parameter.empty:
            names = ", ".join(map(repr, (*sorted(known), _OUTPUTS)))
            raise NetError(
                f"{where}: parameter {parameter.name!r} gets nothing; the names are {names}, or a Context"
            )
    return Compensation(action, tuple(taken), outputs, context)


def _is_context(parameter: inspect.Parameter) -> bool:
    from petricore.runtime.context import Context

    hint = parameter.annotation
    if isinstance(hint, str):
        return hint.rpartition(".")[2] == Context.__name__
    return isinstance(hint, type) and issubclass(hint, Context)
