"""What the README shows runs as it stands there, and its drawing is of the net it shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import petricore as pc

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
AGENT, ENGINE = BLOCKS


def run(block: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def lines_of(folder: str) -> str:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / folder).glob("*.md")]
    return f"{folder}: {sum(len(text.splitlines()) for text in texts)} lines in {len(texts)} files"


def test_the_agent_counts_both_folders_apart() -> None:
    assert sorted(run(AGENT)) == [lines_of("."), lines_of("docs")]


def test_the_engine_prints_what_the_comments_say() -> None:
    first, last = run(ENGINE)
    assert first == "[ True  True] [2 1]"
    assert re.fullmatch(r"\{'free': .*, 'full': .*\}", last)


def test_the_drawing_is_of_the_agents_net() -> None:
    scope: dict[str, object] = {"__name__": "readme"}
    exec(AGENT.split("result = ")[0], scope)  # the declarations, without the run
    agent = scope["agent"]
    assert isinstance(agent, pc.Agent)
    drawing = (ROOT / "docs" / "count.svg").read_text(encoding="utf-8")
    for name in (*agent.net().places, *agent.net().transitions):
        assert f">{name}<" in drawing


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^petricore (\w+)", README, re.MULTILINE))))
def test_every_command_shown_exists(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "petricore.cli", command, "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "--json" in done.stdout


def test_every_file_linked_exists() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).is_file(), link


def test_the_figures_have_their_place() -> None:
    assert README.count("<!-- figures -->") == 1
