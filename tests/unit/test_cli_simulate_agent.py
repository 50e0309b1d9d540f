"""`petricore simulate module:agent`: what it reads, what it prints, and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from petricore.cli import main

AGENT = """
from typing import Annotated
from pydantic import BaseModel
from petricore import Agent, Gather

class Url(BaseModel):
    href: str
class Page(BaseModel):
    text: str
class Spam(BaseModel):
    text: str
class Ham(BaseModel):
    text: str
class Summary(BaseModel):
    text: str

agent = Agent("mails")

@agent.transition(retries=2)
async def fetch(url: Url) -> list[Page]: ...

@agent.transition
async def classify(page: Page) -> Spam | Ham: ...

@agent.transition(confirm=True)
async def summarise(mails: Annotated[list[Ham], Gather()]) -> Summary: ...
"""


@pytest.fixture
def target(tmp_path: Path) -> str:
    (tmp_path / "mails_agent.py").write_text(AGENT, encoding="utf-8")
    return f"{tmp_path / 'mails_agent.py'}:agent"


def test_every_option_reaches_the_simulation(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = tmp_path / "report.png"
    code = main([
        "simulate", target, "--input", "Url=2", "--sessions", "20", "--duration", "fetch=uniform:2,2",
        "--duration", "*=1", "--resource", "gpu=1", "--resource", "llm=5/2s", "--need", "classify=llm",
        "--need", "summarise=gpu:1", "--emit", "fetch=3", "--outcome", "classify=Spam:0.25,Ham:0.75",
        "--cost", "classify=0.5", "--cost", "gpu=0.1/s", "--arrivals", "0.5", "--failure-rate", "fetch=0.0",
        "--confirmation", "summarise=deterministic:4", "--rejection", "summarise=0.0", "--seed", "3",
        "--threads", "4", "--firings", "1000", "--until", "100000", "--json", "--plot", str(figure),
    ])  # fmt: skip
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert (code, printed.err) == (0, "")
    assert report["sessions"] == 20
    assert report["ends"] == {"finished": 20}
    transitions = {one["name"]: one for one in report["transitions"]}
    assert transitions["fetch"]["busy"] == 80.0
    assert transitions["classify"]["cost"] == 60.0
    assert transitions["summarise"]["people"] == 160.0
    assert transitions["summarise"]["cost"] == pytest.approx(40 * 5 * 0.1)
    assert [one["name"] for one in report["resources"]] == ["gpu", "llm", "threads"]
    assert report["resources"][1]["window"] == 2.0
    assert report["assumptions"] == []
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_without_json_the_report_is_text(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", target, "--input", "Url=1", "--sessions", "10", "--seed", "1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("10 sessions of 'mails': 10 finished (seed 1)\n")
    assert "assumed:\n- no duration is given for fetch, classify, summarise: they take no time\n" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--duration", "fetch"], "--duration 'fetch' is not of the form NAME=VALUE"),
        (["--duration", "fetch=1", "--duration", "fetch=2"], "--duration: 'fetch' stands there twice"),
        (["--duration", "fetch=soon"], "--duration fetch: 'soon' is not a number"),
        (["--duration", "fetch=zipf:1"], "--duration fetch: there is no distribution 'zipf'"),
        (["--duration", "fetch=lognormal:1"], "'lognormal:1' is not of the form lognormal:MU,SIGMA"),
        (["--duration", "fetch=exponential:-1"], "Exponential: rate is finite and above 0, not -1"),
        (["--resource", "gpu=many"], "--resource gpu: 'many' is neither a number like 4 nor a limit like 10/s"),
        (["--need", "fetch=gpu:x"], "--need 'fetch=gpu:x' is not of the form TRANSITION=RESOURCE"),
        (["--outcome", "classify=Spam"], "--outcome classify: 'Spam' is not of the form WHAT:PROBABILITY"),
        (["--cost", "fetch"], "--cost 'fetch' is not of the form NAME=NUMBER"),
        (["--plot", "/no/such/place.png"], "cannot write /no/such/place.png"),
        (["--input", "Uri=1"], "inputs: there is no place 'Uri'"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_on_one_line(
    target: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", target, *options]) == 2
    assert message in capsys.readouterr().err
