"""Other libraries, each in an environment of its own under .venv-peers/, run as scripts that print one figure.

`python -m benchmarks.peers` makes the environments. A peer that cannot be installed is left out, and said so.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import petricore as pc

_FOLDER = Path(__file__).parent
_ENVIRONMENTS = _FOLDER.parent.parent / ".venv-peers"
_INSTALL_SECONDS = 300

PEERS = {
    "pm4py": ["pm4py"],
    "SNAKES": ["SNAKES"],
    "simpn": ["simpn"],
    "gillespy2": ["gillespy2", "scons"],
    "rebop": ["rebop"],
    "LangGraph": ["langgraph"],
    "LangGraph durable": ["langgraph", "langgraph-checkpoint-sqlite"],
    "DBOS durable": ["dbos"],
    "pydantic-graph": ["pydantic-graph<2"],  # 2 dropped the node classes used here
    "Burr": ["apache-burr[tracking]"],
}


@cache
def python_of(peer: str) -> str | None:
    """The interpreter of a peer's environment, made on the first call; None if it cannot be installed."""
    python = _ENVIRONMENTS / peer / "bin" / "python"
    if not python.exists():
        venv.create(python.parent.parent, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", *PEERS[peer]]
        try:
            subprocess.run(command, check=True, timeout=_INSTALL_SECONDS, capture_output=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            print(f"{peer}: cannot be installed here; left out", file=sys.stderr)
            python.unlink()
            return None
    return str(python)


def versions() -> dict[str, str]:
    """The version of each peer that is installed."""
    found = {}
    for peer, (requirement, *_) in PEERS.items():
        folders = (_ENVIRONMENTS / peer / "lib").glob("python3*/site-packages")
        distribution = re.split(r"[<\[]", requirement)[0]
        for installed in distributions(name=distribution, path=[str(folder) for folder in folders]):
            found[peer] = installed.version
    return found


def figure_of(script: str, peer: str | None, *arguments: object, stdin: str = "") -> float | None:
    """What a script of this folder prints, run by the peer's interpreter (None: this one)."""
    python = sys.executable if peer is None else python_of(peer)
    if python is None:
        return None
    command = [python, str(_FOLDER / f"{script}.py"), *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"{script}: {done.stderr.strip().splitlines()[-1:]}; left out", file=sys.stderr)
        return None
    return float(done.stdout)


def as_json(net: pc.Net) -> str:
    """A net as the scripts read it: tokens per place, and [name, inputs, outputs] per transition."""
    return json.dumps(
        {
            "places": {name: place.tokens for name, place in net.places.items()},
            "transitions": [[t.name, dict(t.inputs), dict(t.outputs)] for t in net.transitions.values()],
        }
    )
