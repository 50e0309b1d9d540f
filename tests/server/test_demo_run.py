"""The demo end to end, over real HTTP: nothing mixed, nothing lost, nothing published without a yes."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from petricore.cli import main
from petricore.cli.demo import unaccounted
from petricore.demo.agent import agent
from petricore.demo.models import Destination, Published, Report, Request, Summary
from petricore.demo.server import FAILS_ONCE, SECONDS, ShopServer
from tests.demo_pages import GONE, LIVE, PAGES, SHOPS, path_of, stars_in_source

COMMAND = [sys.executable, "-u", "-m", "petricore.cli", "demo"]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The report and what the command said of it."""
    report = tmp_path_factory.mktemp("demo") / "report.md"
    output = io.StringIO()
    with redirect_stdout(output):
        assert main(["demo", "--yes", "--json", "--output", str(report)]) == 0
    return report, json.loads(output.getvalue())


def offers_in_source() -> dict[str, str]:
    """The product that each page is about, by the catalogue's text."""
    found = {}
    for section in (SHOPS / "catalogue.html").read_text(encoding="utf-8").split("<section")[1:]:
        name = re.findall("<h2>(.*?)</h2>", section)[0]
        found.update(dict.fromkeys(re.findall(r'rel="offer" href="(.*?)"', section), name))
    return found


def test_every_review_of_every_page_is_in_the_summary_of_its_product(
    published: tuple[Path, dict[str, Any]],
) -> None:
    reported = {
        urlsplit(page["offer"]["href"]).path: (summary["product"], [one["stars"] for one in page["reviews"]])
        for summary in published[1]["summaries"]
        for page in summary["pages"]
    }
    products = offers_in_source()
    expected = {path_of(page): (products[path_of(page)], stars_in_source(page)) for page in LIVE}
    assert reported == {**expected, GONE: (products[GONE], [])}


def test_every_figure_of_the_report_is_that_of_the_source(published: tuple[Path, dict[str, Any]]) -> None:
    text = published[0].read_text(encoding="utf-8")
    products = offers_in_source()
    for product in set(products.values()):
        stars = [one for page in LIVE if products[path_of(page)] == product for one in stars_in_source(page)]
        assert f"| {product} | {sum(stars) / len(stars):.2f} | {len(stars)} |" in text
    total = sum(len(stars_in_source(page)) for page in LIVE)
    assert f"{total} reviews of 8 products on 29 of 30 pages." in text


def test_pages_are_counted_as_ok_retried_and_gone(published: tuple[Path, dict[str, Any]]) -> None:
    assert published[1]["pages"] == {
        "all": len(PAGES),
        "ok": len(PAGES) - len(FAILS_ONCE) - 1,
        "ok_after_retry": len(FAILS_ONCE),
        "gone": 1,
        "unaccounted": [],
    }


def test_the_gone_page_is_named_in_the_report(published: tuple[Path, dict[str, Any]]) -> None:
    missing = published[0].read_text(encoding="utf-8").split("## Missing pages")[1]
    assert re.search(r"- Polaris 700 bike light at Bright Goods: .*410 Gone", missing)


def test_the_pages_were_read_at_the_same_time(published: tuple[Path, dict[str, Any]]) -> None:
    one_at_a_time = published[1]["seconds_one_at_a_time"]
    assert one_at_a_time >= sum(SECONDS.values())
    assert max(SECONDS.values()) <= published[1]["seconds"] < one_at_a_time / 3


def test_the_net_is_drawn_beside_the_report(published: tuple[Path, dict[str, Any]]) -> None:
    drawing = ElementTree.parse(published[0].with_suffix(".svg")).getroot()
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert {"scrape", "summarise", "publish"} <= {"".join(one.itertext()).strip() for one in drawing.iter()}


def test_each_page_is_asked_for_as_often_as_it_takes() -> None:
    with ShopServer() as shops:
        agent.run(Request(catalogue=shops.catalogue))
    for path in FAILS_ONCE:
        assert shops.answers.pop(path) == [503, 200]
    assert shops.answers.pop(GONE) == [410, 410, 410]
    assert set(map(tuple, shops.answers.values())) == {(200,)}


def test_two_requests_at_once_give_two_whole_reports() -> None:
    with ShopServer() as shops:
        result = agent.run(Request(catalogue=shops.catalogue), Request(catalogue=shops.catalogue))
    reports: list[Report] = result[Report]
    assert len(reports) == 2
    for report in reports:
        assert unaccounted(shops, report.summaries) == []
        assert len(report.summaries) == 8
    assert reports[0].markdown == reports[1].markdown


def test_a_summary_that_lost_or_mixed_a_page_would_be_noticed() -> None:
    with ShopServer() as shops:
        result = agent.run(Request(catalogue=shops.catalogue))
    first, second, *rest = result[Report][0].summaries
    lost = first.model_copy(update={"pages": first.pages[1:]})
    mixed = second.model_copy(update={"pages": [*second.pages, first.pages[0]]})
    assert len(unaccounted(shops, [lost, second, *rest])) == 1
    assert "was counted for" in unaccounted(shops, [lost, mixed, *rest])[0]
    assert "different ones" in unaccounted(shops, [first, mixed, *rest])[0]
    assert unaccounted(shops, [first, second, *rest]) == []


def test_a_rejected_report_stays_in_the_net(tmp_path: Path) -> None:
    asked = []
    target = tmp_path / "report.md"
    with ShopServer() as shops:
        result = agent.run(
            Request(catalogue=shops.catalogue),
            Destination(path=str(target)),
            confirm=lambda pending: bool(asked.append(pending.transition)),
        )
    assert asked == ["publish"]
    assert not target.exists()
    assert (len(result[Report]), len(result[Destination]), result[Published]) == (1, 1, [])
    assert result[Summary] == []


def test_a_catalogue_that_cannot_be_had_is_a_failure_with_its_request() -> None:
    with ShopServer() as shops:
        request = Request(catalogue=shops.catalogue)
    result = agent.run(request)
    assert [(one.transition, one.attempts, one.tokens) for one in result.failures] == [
        ("read_catalogue", 3, {"request": request})
    ]


def answered(answer: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options],
        input=answer,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_yes_publishes(tmp_path: Path) -> None:
    done = answered("perhaps\ny\n", tmp_path)
    assert done.returncode == 0
    assert done.stderr.count("Publish the report to report.md? [y/N]") == 2
    assert "please answer y or n" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.md", "report.svg"]
    assert "every page accounted for" in done.stdout


def test_a_no_publishes_nothing_and_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("mine")
    done = answered("n\n", tmp_path, "--json")
    assert done.returncode == 1
    assert "replacing the file that is there?" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "report.md").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]
    (unpublished,) = json.loads(done.stdout)["unpublished"]
    assert "on 29 of 30 pages" in unpublished


def test_nobody_there_says_how_to_confirm_and_prints_the_report(tmp_path: Path) -> None:
    done = answered("", tmp_path)
    assert done.returncode == 2
    assert "answer y or give --yes" in done.stderr
    assert "# What buyers say" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_at_the_question_publishes_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        seen = b""
        while not seen.endswith(b"[y/N] "):
            seen += process.stderr.read(1)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert b"the net still holds the report" in rest
    assert b"Traceback" not in rest
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_pages_load_ends_at_once(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "--yes"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while not process.stdout.readline().startswith(b"read "):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (130, b"petricore: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_shows_a_live_table(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    with subprocess.Popen(
        [*COMMAND], cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        seen = b""
        while b"[y/N]" not in seen:
            seen += os.read(ours, 4096)
        os.write(ours, b"y\n")
        try:
            while more := os.read(ours, 4096):
                seen += more
        except OSError:  # the other side is closed
            pass
    os.close(ours)
    text = seen.decode()
    assert process.returncode == 0
    assert "\x1b[" in text
    assert "✓ 3 ↻" in text
    assert "29 of 30 pages read, 0 loading, 0 retrying, 1 missing" in text
    assert (tmp_path / "report.md").is_file()
