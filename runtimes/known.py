"""The executors by name, imported when they are first asked for: most need a package that not everybody has."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from petricore.runtimes.base import Executor

from petricore.errors import NetError

__all__ = ["make_executor"]

_PLACES = {
    "process": ("petricore.runtimes.process", "ProcessExecutor", None),
    "docker": ("petricore.runtimes.docker", "DockerExecutor", "docker"),
}
"""Module, class, and the extra of the package that brings what it needs."""


def make_executor(name: str) -> Executor:
    """A new executor with its usual settings.

    Raises:
        NetError: there is none of that name, or what it needs is not installed.
    """
    if name not in _PLACES:
        raise NetError(f"there is no executor {name!r}; there are inline, thread, {', '.join(_PLACES)}")
    module, class_name, extra = _PLACES[name]
    try:
        return cast("Executor", getattr(import_module(module), class_name)())
    except ModuleNotFoundError as error:
        raise NetError(
            f"the executor {name!r} needs the module {error.name!r}: pip install 'petricore[{extra}]'"
        ) from error
