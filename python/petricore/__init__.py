"""petricore: an embedded Petri-net engine, and agents that are nets.

Importing this package loads the engine only, which needs numpy. Names of the agent layer and of the runtime
are loaded on first use and need the extra that their error names.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from petricore.conflicts import Conflicts
from petricore.engine import Engine
from petricore.errors import (
    LimitReached,
    NetError,
    NotEnabledError,
    PetriError,
    PnmlError,
    TokenOverflowError,
)
from petricore.net import MAX_TOKENS, Net, Place, Transition
from petricore.state import State

__all__ = [
    "MAX_TOKENS",
    "Conflicts",
    "Engine",
    "LimitReached",
    "Net",
    "NetError",
    "NotEnabledError",
    "PetriError",
    "Place",
    "PnmlError",
    "State",
    "TokenOverflowError",
    "Transition",
]

__version__ = "0.1.0"

# Name -> module that defines it, imported on first use.
_LAZY: dict[str, str] = {
    "read_pnml": "petricore.io.pnml_reader",
    "write_pnml": "petricore.io.pnml_writer",
}


def __getattr__(name: str) -> Any:
    try:
        module = _LAZY[name]
    except KeyError:
        raise AttributeError(f"module 'petricore' has no attribute {name!r}") from None
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_LAZY})
