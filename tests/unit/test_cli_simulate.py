"""`petricore simulate model.pnml`: what it prints and writes, and how it ends."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

import petricore as pc
from petricore.cli import main


@pytest.fixture
def model(tmp_path: Path) -> str:
    net = pc.Net("queue")
    net.add_place("waiting")
    net.add_place("busy", 1)
    net.add_transition("arrive", outputs=["waiting"], rate=0.5)
    net.add_transition("serve", inputs=["waiting"], reads=["busy"])
    path = tmp_path / "queue.pnml"
    pc.write_pnml(net, path)
    return str(path)


def test_people_get_a_table(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--until", "50", "--replicas", "200", "--seed", "1", "--warmup", "10",
                 "--observe", "queue=waiting", "--observe", "idle=in: waiting == 0",
                 "--observe", "rate=throughput: serve", "--observe", "top=maximum: waiting"]  # fmt: skip
    assert main(["simulate", model, *arguments]) == 0
    out = capsys.readouterr().out
    assert out.startswith("queue: 200 replicas, ")
    assert "(direct, seed 1); ended by: 200 until" in out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()[2:]}
    assert rows["busy"] == ["1", "0", "1", "1", "1"]
    assert 0.4 < float(rows["idle"][0]) < 0.6
    assert 0.4 < float(rows["rate"][0]) < 0.6
    assert float(rows["top"][0]) >= float(rows["queue"][0])


def test_machines_get_json_that_repeats(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*more: str) -> dict[str, Any]:
        assert (
            main(["simulate", model, "--until", "20", "--replicas", "50", "--seed", "3", "--json", *more])
            == 0
        )
        found = json.loads(capsys.readouterr().out)
        del found["seconds"]
        assert isinstance(found, dict)
        return found

    found = run()
    assert found == run("--threads", "2")
    assert found["ends"] == {"until": 50}
    assert found["algorithm"] == "direct"
    assert run("--algorithm", "next_reaction")["algorithm"] == "next_reaction"
    assert set(found["places"]) == {"waiting", "busy"}
    assert found["places"]["busy"]["std"] == 0
    assert run("--rate", "arrive=5")["firings"]["arrive"]["mean"] > found["firings"]["arrive"]["mean"]
    never = run("--observe", "first=first: waiting >= 1000")["observables"]["first"]
    assert set(never.values()) == {None}


def test_steps_alone_play_the_token_game(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", model, "--steps", "7", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["algorithm"], found["events"], found["ends"]) == ("token_game", 7, {"steps": 1})


def test_what_was_cut_off_is_said(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", model, "--until", "1000", "--limit", "5"]) == 0
    assert "1 of 1 replicas were cut off by the limit of 5 events before time 1000" in capsys.readouterr().out


def test_rows_and_a_drawing_are_written(model: str, tmp_path: Path) -> None:
    for name, grid in (("final", []), ("grid", ["--grid", "5"])):
        table, drawing = tmp_path / f"{name}.csv", tmp_path / f"{name}.svg"
        assert main(["simulate", model, "--until", "9", "--replicas", "4", *grid, "--out", str(table),
                     "--plot", str(drawing), "--place", "waiting"]) == 0  # fmt: skip
        with open(table, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == (20 if grid else 4)
        assert {row["marking.busy"] for row in rows} == {"1"}
        assert "<svg" in drawing.read_text(encoding="utf-8")
    assert main(["simulate", model, "--until", "9", "--out", str(tmp_path / "rows.parquet")]) == 0
    assert (tmp_path / "rows.parquet").stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "a simulation needs an end"),
        (["--until", "9", "--out", "rows.txt"], "--out rows.txt ends in neither of .parquet, .csv"),
        (["--until", "9", "--place", "waiting"], "--place goes with --plot FILE"),
        (["--until", "9", "--rate", "arrive"], "--rate 'arrive' is not of the form TRANSITION=NUMBER"),
        (["--until", "9", "--rate", "go=1"], "there is no transition 'go'"),
        (["--until", "9", "--observe", "waiting"], "--observe 'waiting' is not of the form NAME=EXPRESSION"),
        (["--until", "9", "--observe", "x=nowhere"], "observable 'x': there is no place 'nowhere'"),
        (["--until", "9", "--stop", "nowhere >= 1"], "nowhere"),
        (["--until", "9", "--input", "waiting=1"], "--input is for agents"),
        (
            ["--until", "9", "--plot", "/nowhere/x.png"],
            "--plot /nowhere/x.png: there is no directory /nowhere",
        ),
        (["--until", "9", "--plot", "x.what"], "--plot x.what: the name ends in none of ."),
        (["--until", "9", "--plot", "x.png", "--place", "up"], "--place up: there is no such place"),
        (["--until", "9", "--out", "/nowhere/x.csv"], "--out /nowhere/x.csv: there is no directory /nowhere"),
    ],
)
def test_a_command_that_cannot_be_obeyed_ends_with_2(
    model: str, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", model, *arguments]) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert told.out == ""  # known before anything was run


def test_an_agent_refuses_what_only_nets_have(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "count.py:agent", "--replicas", "9"]) == 2
    assert "--replicas is for nets, not for count.py:agent" in capsys.readouterr().err
