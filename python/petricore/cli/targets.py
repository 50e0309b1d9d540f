"""Targets of commands: `module:agent`, `file.py:agent` or a `.pnml` file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from petricore.cli.errors import UsageError, needing
from petricore.net import Net

if TYPE_CHECKING:
    from petricore.agent import Agent

__all__ = ["load_agent", "load_net"]


def load_agent(target: str) -> Agent:
    """The agent that `target` names. What its module prints while it loads goes to standard error.

    Raises:
        UsageError: there is no such file, module or agent, or the file cannot be run.
    """
    place, colon, name = target.rpartition(":")
    if target.endswith(".pnml"):
        raise UsageError(f"target {target!r} is a net, not an agent: give module:agent or file.py:agent")
    if not colon or not place or not name:
        raise UsageError(f"target {target!r} is not of the form module:agent or file.py:agent")
    with needing("agent", "an agent"):
        from petricore.agent import Agent
    with redirect_stdout(sys.stderr):  # standard output is the command's: with --json, JSON and nothing else
        module = _load_file(Path(place)) if place.endswith(".py") else _load_module(place)
    found = getattr(module, name, None)
    if not isinstance(found, Agent):
        agents = [known for known, value in vars(module).items() if isinstance(value, Agent)]
        what = "has no" if found is None else f"has a {type(found).__name__}, not an agent, by the name"
        raise UsageError(f"{place} {what} {name!r}; its agents are: {', '.join(agents) or 'none'}")
    return found


def load_net(target: str) -> Net:
    """The net of a `.pnml` file or of an agent.

    Raises:
        UsageError: see `load_agent`; or the file cannot be read.
        PnmlError: the file is no PNML of a place/transition net.
    """
    if not target.endswith(".pnml"):
        return load_agent(target).net()
    from petricore.io.pnml_reader import read_pnml

    try:
        return read_pnml(target)
    except OSError as error:
        raise UsageError(f"cannot read {target}: {error.strerror}") from error


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"there is no file {str(path)!r}")
    sys.path.insert(0, str(path.parent.resolve()))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # so that annotations and pickles find what the file defines
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise _broken(str(path), error) from error
    return module


def _load_module(name: str) -> ModuleType:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(f"there is no module {name!r}") from error
        raise _broken(name, error) from error
    except Exception as error:
        raise _broken(name, error) from error


def _broken(what: str, error: Exception) -> UsageError:
    """One line that says where in the code the error arose."""
    if isinstance(error, SyntaxError):
        return UsageError(f"cannot load {what}: line {error.lineno}: {error.msg}")
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}, line {frame.lineno}"
    return UsageError(f"cannot load {what}: {type(error).__name__}: {error} ({where})")
