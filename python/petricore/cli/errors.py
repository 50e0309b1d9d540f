"""What the command line says when it cannot do as it is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["UsageError", "needing"]


class UsageError(Exception):
    """The command cannot be obeyed as given: one line for the person, exit code 2."""


@contextmanager
def needing(extra: str, purpose: str) -> Iterator[None]:
    """Imports in here belong to `extra`; a missing one is a `UsageError` that says how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("petricore"):
            raise
        module = error.name.partition(".")[0]
        raise UsageError(
            f"{purpose} needs the module {module!r}: pip install 'petricore[{extra}]'"
        ) from error
