"""What the README shows runs as it stands there, and its drawing is of the net it shows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import petricore as pc

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
AGENT, ENGINE, QUESTIONS, SIMULATION, SESSION, SANDBOX = BLOCKS


def run(block: str, folder: Path = ROOT) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def lines_of(folder: str) -> str:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / folder).glob("*.md")]
    return f"{folder}: {sum(len(text.splitlines()) for text in texts)} lines in {len(texts)} files"


def test_the_agent_counts_both_folders_apart() -> None:
    assert sorted(run(AGENT)) == [lines_of("."), lines_of("docs")]


def test_the_session_goes_on_in_a_second_process(tmp_path: Path) -> None:
    assert run(SESSION, tmp_path) == ["waiting for a person: ['publish']"]
    assert run(SESSION, tmp_path) == ["[Published(text='HELLO')]"]


def test_the_sandbox_is_declared_as_it_stands_there() -> None:
    scope: dict[str, Any] = {}
    exec(SANDBOX, scope)
    execute, measure = scope["agent"].transitions.values()
    assert execute.options.requirements.network == ("api.example.org:443",)
    assert measure.options.requirements.command == ("wc", "-c")
    assert scope["execute"](scope["Code"](text="result = 6 * 7")) == scope["Output"](text="42")


def test_the_engine_prints_what_the_comments_say() -> None:
    first, last = run(ENGINE)
    assert first == "[ True  True] [2 1]"
    assert re.fullmatch(r"\{'free': \d, 'full': \d\}", last)


def test_the_questions_have_the_answers_in_the_comments() -> None:
    scope: dict[str, Any] = {}
    exec(ENGINE, scope)
    answers = []
    for line in QUESTIONS.splitlines():
        if line.startswith("engine.check"):
            question, _, comment = line.partition("#")
            answers.append(eval(question, scope))
            assert comment.strip().startswith(str(answers[-1]))
        else:
            exec(line, scope)
    assert answers == [False, True, ("produce",) * 3]
    assert len(scope["space"]) == 4


def test_the_epidemic_has_the_peak_that_its_drawing_shows() -> None:
    (line,) = run('import matplotlib\nmatplotlib.use("Agg")\n' + SIMULATION)
    found = re.fullmatch(r"([\d,]+) firings, at most (\d+) infected at once", line)
    assert found is not None
    assert int(found[1].replace(",", "")) > 4_000_000
    assert 500 < int(found[2]) < 600


def test_the_verification_shown_is_what_is_printed(tmp_path: Path) -> None:
    (tmp_path / "count.py").write_text(AGENT, encoding="utf-8")
    [shown] = re.findall(r"^```\n(count with .*?)^```", README, re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-m", "petricore.cli", "verify", "count.py:agent", "--input", "Folder=2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == shown


def test_the_drawing_is_of_the_agents_net() -> None:
    scope: dict[str, object] = {"__name__": "readme"}
    exec(AGENT, scope)  # the declarations; the run is for __main__
    assert "result" not in scope
    agent = scope["agent"]
    assert isinstance(agent, pc.Agent)
    drawing = (ROOT / "docs" / "count.svg").read_text(encoding="utf-8")
    for name in (*agent.net().places, *agent.net().transitions):
        assert f">{name}<" in drawing


def test_the_agent_saved_as_count_py_runs_and_draws_as_shown(tmp_path: Path) -> None:
    (tmp_path / "count.py").write_text(AGENT, encoding="utf-8")

    def petricore(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "petricore.cli", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    assert "find" in json.dumps(json.loads(petricore("draw", "count.py:agent", "--json")))
    (tmp_path / "one.md").write_text("a\nb\n", encoding="utf-8")
    ran = json.loads(petricore("run", "count.py:agent", "--put", 'Folder={"path": "."}', "--json"))
    assert ran["tokens"]["Total"] == [{"folder": ".", "files": 1, "lines": 2}]


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
