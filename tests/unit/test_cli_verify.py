"""`petricore verify` and `petricore analyse`: what they print and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from petricore import Net, write_pnml
from petricore.cli import main

MODELS = Path(__file__).parents[1] / "models"

POST = """
from dataclasses import dataclass
from petricore import Agent

@dataclass
class Order: id: int
@dataclass
class Paper: id: int
@dataclass
class Stamp: id: int
@dataclass
class Letter: id: int

agent = Agent("post")

@agent.transition
def buy(order: Order) -> Paper | Stamp: ...

@agent.transition(confirm=True)
def send(paper: Paper, stamp: Stamp) -> Letter: ...

solo = Agent("solo")

@solo.transition(confirm=True)
def write(order: Order) -> Letter: ...

guarded = Agent("guarded")

@guarded.transition(where={"order": lambda order: order.id > 0})
def take(order: Order) -> Letter: ...
"""


@pytest.fixture
def post(tmp_path: Path) -> str:
    path = tmp_path / "post.py"
    path.write_text(POST, encoding="utf-8")
    return str(path)


def test_an_agent_that_can_hang_is_told_as_a_story_and_drawn(
    post: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", f"{post}:agent", "--input", "Order=2"]) == 1
    out = capsys.readouterr().out
    assert "no hang" in out
    assert "   1. buy returns Paper\n   2. buy returns Paper\n      left: 2 Paper" in out
    assert "(Paper •2)" in out


def test_an_agent_without_faults_ends_with_0_and_strictness_counts_warnings(post: str) -> None:
    assert main(["verify", f"{post}:solo", "--input", "Order=1"]) == 0
    assert main(["verify", f"{post}:solo", "--input", "Order=1", "--strict"]) == 1
    assert main(["verify", f"{post}:solo", "--input", "Order=1", "--strict", "--complete", "Order"]) == 0


def test_what_depends_on_a_guard_ends_with_2(post: str) -> None:
    assert main(["verify", f"{post}:guarded", "--input", "Order=1"]) == 2
    assert main(["verify", f"{post}:guarded", "--input", "Order=1", "--decided", "Order"]) == 0


def test_a_report_as_json_is_json_and_nothing_else(post: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", f"{post}:agent", "--input", "Order=2", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["inputs"] == {"Order": 2}
    assert document["findings"][0]["witness"] == ["buy returns Paper", "buy returns Paper"]


def test_the_drawing_of_a_bad_run_goes_to_a_file(post: str, tmp_path: Path) -> None:
    assert main(["verify", f"{post}:agent", "--input", "Order=2", "--svg", str(tmp_path / "bad.svg")]) == 1
    assert (tmp_path / "bad.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input", "Order"], "--input 'Order' is not of the form PLACE=NUMBER"),
        (["--input", "Url=1"], "has no place 'Url'"),
    ],
)
def test_an_input_that_makes_no_sense_is_named(
    post: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", f"{post}:agent", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_net_that_deadlocks_fails_with_the_firings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = Net("stuck")
    net.add_place("a", 1)
    net.add_place("b")
    net.add_transition("go", ["a"], ["b"])
    write_pnml(net, tmp_path / "stuck.pnml")
    assert main(["verify", str(tmp_path / "stuck.pnml")]) == 1
    out = capsys.readouterr().out
    assert "no deadlock          NO" in out
    assert "no deadlock: not after\n   1. go" in out


def test_a_live_net_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(MODELS / "FMS-PT-00002.pnml"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    found = {one["name"]: one["holds"] for one in document["findings"]}
    assert found == {
        "no deadlock": True,
        "bounded": True,
        "no dead transitions": True,
        "live": True,
        "one-safe": False,
    }


def test_options_of_agents_are_refused_for_nets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(MODELS / "FMS-PT-00002.pnml"), "--input", "a=1"]) == 2
    assert "--input is for agents" in capsys.readouterr().err


def test_an_analysis_names_states_class_and_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyse", str(MODELS / "FMS-PT-00002.pnml"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    space = document["state space"]
    assert (space["states"], space["firings"]) == (3444, 16311)
    assert document["class"][0] == "plain"
    assert document["invariants"]["place"] > 0
    assert main(["analyse", str(MODELS / "FMS-PT-00002.pnml")]) == 0
    assert "3,444 states, 16,311 firings" in capsys.readouterr().out


def test_the_contest_gets_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    model = str(MODELS / "FMS-PT-00002.pnml")
    assert main(["analyse", model, "--mcc", "StateSpace"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "STATE_SPACE STATES 3444 TECHNIQUES EXPLICIT",
        "STATE_SPACE TRANSITIONS 16311 TECHNIQUES EXPLICIT",
        "STATE_SPACE MAX_TOKEN_PER_MARKING 12 TECHNIQUES EXPLICIT",
        "STATE_SPACE MAX_TOKEN_IN_PLACE 3 TECHNIQUES EXPLICIT",
    ]
    for examination, answer in (("ReachabilityDeadlock", "FALSE"), ("OneSafe", "FALSE"), ("Liveness", "TRUE"),
                                ("QuasiLiveness", "TRUE"), ("StableMarking", "FALSE")):  # fmt: skip
        assert main(["analyse", model, "--mcc", examination]) == 0
        assert capsys.readouterr().out.startswith(f"FORMULA {examination} {answer} TECHNIQUES ")


def test_the_contest_s_formulas_come_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    formulas = tmp_path / "bounds.xml"
    formulas.write_text(
        '<property-set xmlns="http://mcc.lip6.fr/"><property><id>X-UpperBounds-00</id><description/>'
        "<formula><place-bound><place>P1</place></place-bound></formula></property></property-set>"
    )
    model = str(MODELS / "FMS-PT-00002.pnml")
    assert main(["analyse", model, "--mcc", "UpperBounds", "--formulas", str(formulas)]) == 0
    words = capsys.readouterr().out.split()
    assert words[:2] == ["FORMULA", "X-UpperBounds-00"]
    assert words[2].isdecimal()
    assert main(["analyse", model, "--mcc", "UpperBounds"]) == 2
    assert "--formulas FILE" in capsys.readouterr().err


def test_the_contest_is_told_what_cannot_be_computed(capsys: pytest.CaptureFixture[str]) -> None:
    model = str(MODELS / "Kanban-PT-00005.pnml")
    assert main(["analyse", model, "--mcc", "StateSpace", "--limit", "1000"]) == 0
    assert capsys.readouterr().out == "CANNOT_COMPUTE\n"
    undecided = str(MODELS / "SwimmingPool-PT-01.pnml")
    assert main(["analyse", undecided, "--mcc", "Liveness", "--limit", "1000"]) == 0
    assert capsys.readouterr().out == "FORMULA Liveness CANNOT_COMPUTE\n"
    assert main(["analyse", model, "--mcc", "Liveness", "--limit", "1000"]) == 0
    assert capsys.readouterr().out == "FORMULA Liveness TRUE TECHNIQUES STRUCTURAL\n"
    assert main(["analyse", model, "--mcc", "LTLCardinality"]) == 0
    assert capsys.readouterr().out == "DO_NOT_COMPETE\n"
