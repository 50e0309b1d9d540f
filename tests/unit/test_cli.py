"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import io
import json
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import petricore as pc
from petricore.cli import doctor, main
from petricore.cli.people import Person
from petricore.cli.text_drawing import draw_text

MODEL = Path(__file__).parents[1] / "models" / "Peterson-PT-2.pnml"
AGENT = """
from enum import Enum
from typing import Annotated
from pydantic import BaseModel
from petricore import Agent, Context, Gather

class Url(BaseModel):
    href: str
class Review(BaseModel):
    stars: int
class Summary(BaseModel):
    mean: float
class Question(BaseModel):
    text: str
class Answer(BaseModel):
    value: str
class Colour(Enum):
    RED = "red"

agent = Agent("reviews")
other = Agent("other")
number = 7

@agent.transition
def scrape(url: Url) -> list[Review]:
    if url.href == "bad":
        raise ValueError("no such page")
    return [Review(stars=int(digit)) for digit in url.href]

@agent.transition
def summarise(reviews: Annotated[list[Review], Gather(min=1)]) -> Summary:
    return Summary(mean=sum(one.stars for one in reviews) / len(reviews))

class Draft(BaseModel):
    text: str

@other.transition(confirm=True)
def publish(draft: Draft) -> Answer:
    return Answer(value=draft.text)

@other.transition
async def ask(question: Question, ctx: Context) -> Answer:
    return Answer(value=(await ctx.ask(question.text, Colour)).value)

@other.transition
async def hang(number: int, ctx: Context) -> None:
    await ctx.ask("forever?")

other.place("inner", Draft, expose=False)
"""


@pytest.fixture
def target(tmp_path: Path) -> str:
    (tmp_path / "reviews_agent.py").write_text(AGENT, encoding="utf-8")
    return str(tmp_path / "reviews_agent.py")


@pytest.fixture(autouse=True)
def _clean_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading a target changes the process's module table and path."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("reviews_agent", "broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on standard error of a command that is refused with exit code 2."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("petricore: ")
    assert err.count("\n") == 1
    return err


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(arguments) == code
    return capsys.readouterr().out


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    class Terminal(io.StringIO):
        def fileno(self) -> int:
            return 0

    monkeypatch.setattr(sys, "stdin", Terminal(text))


# -- as a whole


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "--version") == f"petricore {pc.__version__}\n"


def test_help_lists_the_commands_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "--help")
    assert re.findall(r"^    (\w+) +\w", text, re.MULTILINE) == [
        "demo",
        "run",
        "verify",
        "simulate",
        "analyse",
        "draw",
        "sessions",
        "events",
        "lineage",
        "approve",
        "reject",
        "doctor",
    ]


@pytest.mark.parametrize(
    "arguments", [[], ["serve"], ["draw"], ["demo", "--no"], ["run", "a:b", "--timeout", "0"]]
)
def test_a_usage_error_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: petricore")


def test_a_reader_that_leaves_is_no_error() -> None:
    script = (
        f"{sys.executable} -m petricore.cli draw {MODEL} --format dot | head -n 1; exit ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("module", "arguments", "extra"),
    [
        ("httpx", ["demo", "--yes"], "demo"),
        ("rich", ["demo", "--yes"], "demo"),
        ("pydantic", ["run", "a:b"], "agent"),
    ],
)
def test_a_missing_extra_is_named_with_its_install_line(
    module: str, arguments: list[str], extra: str, tmp_path: Path
) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; from petricore.cli import main; sys.exit(main({arguments}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.endswith(f"needs the module '{module}': pip install 'petricore[{extra}]'\n")
    assert list(tmp_path.iterdir()) == []


# -- targets


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nothing.py:agent", "no file 'nothing.py'"),
        ("nothing.at.all:agent", "no module 'nothing.at.all'"),
        ("petricore.nothing:agent", "no module 'petricore.nothing'"),
        ("agent", "not of the form module:agent or file.py:agent"),
        (":agent", "not of the form"),
        ("nothing.pnml", "cannot read nothing.pnml: No such file"),
    ],
)
def test_a_target_that_does_not_exist(target: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in refused(capsys, "draw", target)


def test_a_target_without_that_agent_lists_those_it_has(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "has no 'agnt'; its agents are: agent, other" in refused(capsys, "run", f"{target}:agnt")
    assert "has a int, not an agent, by the name 'number'" in refused(capsys, "run", f"{target}:number")


def test_what_a_target_prints_while_it_loads_goes_to_standard_error(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path(target).open("a", encoding="utf-8") as file:
        file.write("print('loading')\n")
    assert main(["draw", f"{target}:agent", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)
    assert err == "loading\n"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\nx.y", r"cannot load .*broken.py: AttributeError: .* \(broken.py, line 2\)"),
        ("x = (", r"cannot load .*broken.py: line 1: '\(' was never closed"),
        (
            "import nothing_at_all",
            r"ModuleNotFoundError: No module named 'nothing_at_all' \(broken.py, line 1\)",
        ),
    ],
)
def test_a_file_that_does_not_load_says_where(
    source: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.py").write_text(source)
    assert re.search(message, refused(capsys, "draw", f"{tmp_path / 'broken.py'}:agent"))


def test_a_pnml_file_cannot_be_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert "is a net, not an agent" in refused(capsys, "run", str(MODEL))


def test_broken_pnml_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.pnml").write_text("<pnml>")
    refused(capsys, "draw", str(tmp_path / "broken.pnml"))


def test_a_module_on_the_path_is_a_target(capsys: pytest.CaptureFixture[str]) -> None:
    assert "[scrape]" in printed(capsys, "draw", "petricore.demo.agent:agent")


# -- draw


def test_every_format_draws_an_agent(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    def drawn(form: str) -> str:
        return printed(capsys, "draw", f"{target}:agent", "--format", form)

    assert ElementTree.fromstring(drawn("svg")).tag.endswith("svg")
    assert drawn("dot").startswith("digraph")
    assert drawn("mermaid").startswith("flowchart")
    assert json.loads(drawn("json"))["name"] == "reviews"
    assert drawn("text") == printed(capsys, "draw", f"{target}:agent")


def test_json_is_short_for_the_json_format(capsys: pytest.CaptureFixture[str]) -> None:
    net = json.loads(printed(capsys, "draw", str(MODEL), "--json"))
    assert len(net["places"]) == 102
    assert len(net["transitions"]) == 126


@pytest.mark.parametrize(
    ("name", "beginning"), [("n.svg", "<"), ("n.dot", "digraph"), ("n.MMD", "flowchart")]
)
def test_the_ending_of_the_file_chooses_the_format(
    name: str, beginning: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed(capsys, "draw", str(MODEL), "-o", str(tmp_path / name)) == ""
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(beginning)


def test_an_unknown_ending_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "the ending '.png' names no format" in refused(
        capsys, "draw", str(MODEL), "-o", str(tmp_path / "n.png")
    )
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot write" in refused(capsys, "draw", str(MODEL), "-o", str(tmp_path / "no" / "n.svg"))


def test_the_text_drawing_shows_every_kind_of_arc() -> None:
    net = pc.Net("all")
    for name in ("a", "b", "c", "d", "lonely"):
        net.add_place(name, tokens=2 if name == "a" else 0)
    net.add_transition(
        "t", {"a": 2, "b": 1}, {"c": 1, "d": 3}, reads=["c"], inhibitors={"d": 4}, resets=["b", "d"]
    )
    net.add_transition("source", outputs=["a"])
    net.add_transition("sink", ["a"])
    assert draw_text(net).splitlines() == [
        "(a •2) ─2─────────┬▶ [t]      ┬─▶ (c)",
        "   (b) ─all───────┤           └3─▶ (d)",
        "   (c) ─read──────┤",
        "   (d) ─inhibit4──┤",
        "   (d) ─reset─────┘",
        "                     [source] ──▶ (a •2)",
        "(a •2) ────────────▶ [sink]",
        "(lonely)",
    ]


def test_the_text_drawing_is_aligned_in_columns_of_the_terminal() -> None:
    net = pc.Net("wide")
    net.add_place("在庫")
    net.add_place("é\x1b[31m")
    net.add_transition("t", ["在庫", "é\x1b[31m"])
    first, second = draw_text(net).splitlines()
    assert first == "  (在庫) ─┬▶ [t]"
    assert second == "(é·[31m) ─┘"


def test_a_net_without_transitions_is_its_places() -> None:
    net = pc.Net("still")
    net.add_place("p", tokens=1)
    assert draw_text(net) == "(p •1)"
    assert draw_text(pc.Net("empty")) == ""


# -- run


def test_run_shows_events_and_the_tokens_left(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(
        capsys, "run", f"{target}:agent", "--put", 'Url={"href": "35"}', "--put", 'Url={"href": "1"}'
    )
    assert re.search(r'^ +\d+\.\d{3} put +Url \{"href": "35"\}, Url \{"href": "1"\}$', out, re.MULTILINE)
    assert re.search(r'completed +scrape -> Review \{"stars": 3\}, Review \{"stars": 5\}$', out, re.MULTILINE)
    assert out.endswith('tokens left:\n  Summary\n    {"mean": 4.0}\n    {"mean": 1.0}\n')


def test_run_as_json(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = json.loads(printed(capsys, "run", f"{target}:agent", "--put", 'Url={"href": "35"}', "--json"))
    assert outcome["tokens"] == {"Summary": [{"mean": 4.0}]}
    assert (outcome["agent"], outcome["failures"], outcome["waiting"]) == ("reviews", [], [])
    assert outcome["events"] > 4


def test_a_failure_is_exit_code_1_and_keeps_its_token(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = json.loads(
        printed(capsys, "run", f"{target}:agent", "--put", 'Url={"href": "bad"}', "--json", code=1)
    )
    (failure,) = outcome["failures"]
    assert failure["error"] == "ValueError: no such page"
    assert failure["tokens"] == {"url": {"href": "bad"}}


@pytest.mark.parametrize(
    ("put", "message"),
    [
        ("Url", "is not of the form PLACE=JSON"),
        ("Nope={}", "has no place 'Nope'; its places are Url, Review, Summary"),
        ("Url={", "Invalid JSON"),
        ('Url={"href": 3}', "href: Input should be a valid string"),
        ("Url={}", "href: Field required"),
        ('Url="\ud800"', "unable to parse raw data as a unicode string"),
    ],
)
def test_a_bad_put_is_one_line(
    put: str, message: str, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert re.search(message, refused(capsys, "run", f"{target}:agent", "--put", put))


def test_a_place_that_is_not_exposed_takes_no_put(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "closed to the outside" in refused(capsys, "run", f"{target}:other", "--put", 'inner={"text": ""}')


@pytest.mark.parametrize(
    ("typing", "options", "code", "left"),
    [
        ("y\n", [], 0, {"Answer": [{"value": "hi"}]}),
        ("", ["--yes"], 0, {"Answer": [{"value": "hi"}]}),
        ("n\n", [], 1, {"Draft": [{"text": "hi"}]}),
        ("", [], 2, {"Draft": [{"text": "hi"}]}),
    ],
)
def test_a_confirmation_is_asked_and_obeyed(
    typing: str,
    options: list[str],
    code: int,
    left: dict[str, Any],
    target: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    typed(monkeypatch, typing)
    assert main(["run", f"{target}:other", "--put", 'Draft={"text": "hi"}', "--json", *options]) == code
    out, err = capsys.readouterr()
    assert json.loads(out)["tokens"] == left
    assert ('publish {"draft": {"text": "hi"}}: go on? [y/N]' in err) is (not options)


def test_without_standard_input_a_confirmation_stays_open(
    target: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["run", f"{target}:other", "--put", 'Draft={"text": "hi"}', "--json"]) == 2
    out, err = capsys.readouterr()
    (waiting,) = json.loads(out)["waiting"]
    assert (waiting["transition"], waiting["arguments"]) == ("publish", {"draft": {"text": "hi"}})
    assert "give --yes" in err


def test_a_question_of_an_action_is_asked_until_the_answer_fits(
    target: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "blue\nred\n")
    assert main(["run", f"{target}:other", "--put", 'Question={"text": "which?"}', "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["tokens"] == {"Answer": [{"value": "red"}]}
    assert err.count("ask: which?") == 2
    assert "please answer with Colour" in err


def test_a_question_that_nobody_answers_is_exit_code_2(
    target: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "")
    assert main(["run", f"{target}:other", "--put", 'Question={"text": "which?"}', "--json"]) == 2
    assert "nobody answered ask: which?" in capsys.readouterr().err


def test_an_agent_that_does_not_end_in_time_is_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.py").write_text(
        "import asyncio\nfrom petricore import Agent\nagent = Agent('slow')\n"
        "@agent.transition\nasync def hang(n: int) -> None:\n    await asyncio.Event().wait()\n"
    )
    assert (
        main(["run", f"{tmp_path / 'broken.py'}:agent", "--put", "int=1", "--timeout", "0.05", "--json"]) == 1
    )
    out, err = capsys.readouterr()
    assert out == ""
    assert "under way: hang" in err


# -- demo (end to end in tests/server)


@pytest.mark.parametrize(
    ("output", "message"), [("no/report.md", "there is no folder 'no'"), (".", "is a folder")]
)
def test_an_output_that_cannot_be_written_is_refused_before_any_work(
    output: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, "demo", "--yes", "--output", output)


# -- doctor


def test_doctor_finds_what_these_tests_run_on(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(printed(capsys, "doctor", "--json"))
    checks = {check["name"]: check for check in found["checks"]}
    assert found["petricore"] == pc.__version__
    assert all(checks[name]["ok"] for name in ("python", "numpy", "core", "pydantic", "rich", "httpx"))
    assert "SIMD" in checks["core"]["found"]
    assert [name for name, check in checks.items() if check["required"]] == ["python", "numpy", "core"]


def test_doctor_says_what_a_missing_part_is_for_and_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nothing/here.sock")
    monkeypatch.setenv("PGHOST", "/nothing/here")
    out = printed(capsys, "doctor")
    assert re.search(
        r"missing httpx +not installed\n +for petricore demo: pip install 'petricore\[demo\]'", out
    )
    assert re.search(r"missing docker +not within reach at unix:///nothing/here.sock", out)
    assert re.search(r"missing postgres +not within reach at /nothing/here:5432", out)


@pytest.mark.parametrize("variable", ["DOCKER_HOST", "PGPORT"])
def test_doctor_survives_a_senseless_address(
    variable: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "tcp://:none")
    assert "not within reach" in printed(capsys, "doctor")


# -- people


def test_a_person_says_yes_or_no_in_several_ways(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for answer, expected in {"y\n": True, " YES \n": True, "n\n": False, "No\n": False, "\n": False}.items():
        typed(monkeypatch, answer)
        person = Person()
        assert person.confirms("sure?") is expected
        assert not person.absent
    assert capsys.readouterr().err.count("sure? [y/N] ") == 5


def test_an_answer_cut_short_by_the_end_of_input_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "y")
    assert Person().confirms("sure?") is True


def test_nobody_is_remembered_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "")
    person = Person()
    assert person.confirms("sure?") is False
    assert person.absent


# -- doctor and services


def service(answer: bytes) -> tuple[socket.socket, threading.Thread]:
    """A listener on loopback that sends `answer` to whoever says something first."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        link, _ = listener.accept()
        with link:
            if link.recv(64):
                link.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return listener, thread


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\nOK", "answers at"),
        (b"HTTP/1.0 404 Not Found\r\n\r\n", "something else"),
        (b"", "else"),
    ],
)
def test_doctor_asks_docker_for_a_greeting(
    answer: bytes, found: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listener, thread = service(answer)
    with listener:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        checks = json.loads(printed(capsys, "doctor", "--json"))["checks"]
        thread.join()
    (docker,) = (check for check in checks if check["name"] == "docker")
    assert docker["ok"] is (found == "answers at")
    assert found in docker["found"]


@pytest.mark.parametrize(("answer", "ok"), [(b"N", True), (b"S", True), (b"220 smtp", False)])
def test_doctor_asks_postgres_for_a_greeting(
    answer: bytes, ok: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listener, thread = service(answer)
    with listener:
        monkeypatch.setenv("PGHOST", "127.0.0.1")
        monkeypatch.setenv("PGPORT", str(listener.getsockname()[1]))
        checks = json.loads(printed(capsys, "doctor", "--json"))["checks"]
        thread.join()
    (postgres,) = (check for check in checks if check["name"] == "postgres")
    assert postgres["ok"] is ok
