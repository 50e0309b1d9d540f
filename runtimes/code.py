"""Where an action's code is, for a worker that has to import it."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from petricore.runtimes.worker import MAIN

from petricore.errors import NetError

__all__ = ["ActionCode", "Sources", "locate", "sources_of"]


@dataclass(frozen=True, slots=True)
class ActionCode:
    """A function by name: in a module that can be imported, or in the program itself, which has a path."""

    module: str
    name: str
    path: str | None = None

    def by_name(self) -> ActionCode:
        """The same where the program has been sent along, as a module."""
        return ActionCode(self.module, self.name)


@dataclass(frozen=True, slots=True)
class Sources:
    """The modules that an action needs of those that are installed nowhere, by path relative to one folder."""

    files: dict[str, str]
    key: str
    """Of the content: equal sources have equal keys."""

    def encoded(self) -> bytes:
        """As the body of a frame."""
        return json.dumps(self.files).encode()


@lru_cache(maxsize=1024)
def locate(action: Callable[..., Any]) -> ActionCode:
    """The name by which another process finds the function.

    Raises:
        NetError: it has none: it is defined in a function, or its name means something else.
    """
    module, name = getattr(action, "__module__", None), getattr(action, "__qualname__", "")
    where = f"action {name or action!r}"
    if module is None or "<" in name:
        raise NetError(
            f"{where} is not at the top of a module, where a worker in another process could find it"
        )
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not action:
        raise NetError(
            f"{where}: module {module!r} has something else by that name, so a worker would run that"
        )
    if module != "__main__":
        return ActionCode(module, name)
    path = getattr(sys.modules["__main__"], "__file__", None)
    if path is None:
        raise NetError(
            f"{where} was typed into an interpreter; a worker in another process needs it in a file"
        )
    return ActionCode(MAIN, name, str(Path(path).resolve()))


@lru_cache(maxsize=256)
def sources_of(code: ActionCode) -> Sources:
    """The source of the action's module, and of every module it imports that belongs to the same project: neither
    the standard library nor installed. Read once; a running program does not change its code.

    Raises:
        NetError: the module has no source.
    """
    files: dict[str, str] = {}
    if code.path is not None:
        text = Path(code.path).read_text(encoding="utf-8")
        files[f"{MAIN}.py"] = text
        found = _imported(text, "")
    else:
        found = iter([code.module])
    top = code.module.partition(".")[0]
    waiting, seen = list(found), set[str]()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        path = _source(module, own=module.partition(".")[0] == top)
        if path is None:
            if module == code.module:
                raise NetError(f"module {module!r} has no source that could be sent to a worker")
            continue
        text = path.read_text(encoding="utf-8")
        package = path.name == "__init__.py"
        files[module.replace(".", "/") + ("/__init__.py" if package else ".py")] = text
        parent = module if package else module.rpartition(".")[0]
        waiting.extend(_imported(text, parent))
        if "." in module:
            waiting.append(module.rpartition(".")[0])
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    return Sources(files, digest[:16])


def _imported(text: str, package: str) -> Iterator[str]:
    """The names that may be modules among what a source imports."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                kept = parents[: len(parents) - node.level + 1]
                base = ".".join([*kept, *([base] if base else [])])
            if base:
                yield base
                for alias in node.names:
                    yield f"{base}.{alias.name}"


def _source(module: str, *, own: bool) -> Path | None:
    """The file of a module that is sent along; None for what every environment has to have of its own."""
    if module == "petricore" or (module.startswith("petricore.") and not module.startswith("petricore.demo")):
        return None  # stood in for by the worker where it is not installed
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, AttributeError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    path = Path(spec.origin)
    return path if own or not _installed(path) else None


def _installed(path: Path) -> bool:
    places = {Path(folder).resolve() for name, folder in sysconfig.get_paths().items() if "lib" in name}
    return any(folder in path.resolve().parents for folder in places)
