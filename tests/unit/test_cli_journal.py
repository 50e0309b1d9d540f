"""Commands that read a journal: sessions, events and lineage, without the code of the agents."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from petricore import Agent, ManualClock, Runtime
from petricore.cli import main


class Url(BaseModel):
    href: str


class Page(BaseModel):
    text: str


@pytest.fixture
def journal(tmp_path: Path) -> str:
    agent = Agent("pages")

    @agent.transition
    async def fetch(url: Url) -> Page:
        return Page(text=url.href.upper())

    path = str(tmp_path / "pages.db")

    async def run() -> None:
        async with Runtime(path, clock=ManualClock(start=1000.0, autojump=True)) as runtime:
            session = await runtime.start(agent, "s", user="ann")
            await session.put(Url(href="a"), by="ann")
            await session.quiescent()
            await session.cancel()
            await runtime.start(agent, "other")

    asyncio.run(asyncio.wait_for(run(), 20))
    return path


def test_sessions_lists_every_session(journal: str, capsys: Any) -> None:
    assert main(["sessions", "--journal", journal]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["SESSION", "AGENT", "STATUS", "EVENTS", "STARTED", "(UTC)", "USER"]
    assert first.split()[:3] == ["s", "pages", "closed"]
    assert first.endswith("1970-01-01 00:16:40  ann")
    assert second.split()[0] == "other"
    assert main(["sessions", "--journal", journal, "--json"]) == 0
    first_found, _ = json.loads(capsys.readouterr().out)
    assert (first_found["session"], first_found["user"], first_found["status"]) == ("s", "ann", "closed")


def test_events_shows_values_as_plain_data(journal: str, capsys: Any) -> None:
    assert main(["events", "--journal", journal, "s", "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["number"] for one in events] == list(range(1, len(events) + 1))
    assert events[-1]["kind"] == "closed"
    put = next(one for one in events if one["kind"] == "put")
    assert put["tokens"] == [{"id": 1, "place": "Url", "value": {"href": "a"}}]
    assert main(["events", "--journal", journal, "s", "--after", str(put["number"])]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == str(put["number"] + 1)
    assert any('fetch -> Page {"text": "A"}' in line for line in lines)


def test_following_a_closed_session_ends(journal: str, capsys: Any) -> None:
    assert main(["events", "--journal", journal, "s", "--follow"]) == 0
    assert "closed" in capsys.readouterr().out.splitlines()[-1]
    assert main(["events", "--journal", journal, "s", "--follow", "--after", "99"]) == 0
    assert capsys.readouterr().out == ""


def test_lineage_tells_and_draws(journal: str, capsys: Any) -> None:
    assert main(["lineage", "--journal", journal, "s", "2"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        '1. ann put Url #1 {"href": "a"}',
        '2. fetch [s/1] took Url #1 and made Page #2 {"text": "A"} (0 s)',
    ]
    for form, begin in (("--dot", "digraph"), ("--mermaid", "flowchart"), ("--svg", "<svg"), ("--json", "{")):
        assert main(["lineage", "--journal", journal, "s", "1", "--future", form]) == 0
        assert capsys.readouterr().out.startswith(begin)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sessions", "--journal", "nowhere.db"], "there is no journal 'nowhere.db'"),
        (["events", "--journal", "{}", "gone"], "no session 'gone'"),
        (["events", "--journal", "{}", "s", "--after", "-1"], "--after is a number from 0 on, not -1"),
        (["lineage", "--journal", "{}", "s", "77"], "session 's' never had a token 77"),
    ],
)
def test_what_is_not_there_is_said(journal: str, capsys: Any, arguments: list[str], said: str) -> None:
    assert main([one.format(journal) for one in arguments]) == 2
    assert said in capsys.readouterr().err
