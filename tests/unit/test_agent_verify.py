"""Agents with one fault each, found with the run that shows it, and the same run really run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from petricore import Agent, AtLeast, From, Gather, NetError, Read, To, Weight
from petricore.agent import Failure
from petricore.demo.agent import agent as demo


@dataclass
class Order:
    id: int = 0


@dataclass
class Paper:
    id: int = 0


@dataclass
class Stamp:
    id: int = 0


@dataclass
class Letter:
    id: int = 0


@dataclass
class Note:
    id: int = 0


def test_a_join_that_can_starve_is_found_and_starves_when_run() -> None:
    agent = Agent("post")

    @agent.transition
    def buy(order: Order) -> Paper | Stamp:
        return Paper()

    @agent.transition
    def send(paper: Paper, stamp: Stamp) -> Letter:
        return Letter()

    report = agent.verify({Order: 2})
    hang = report["no hang"]
    assert not report.ok
    assert (hang.verdict, hang.exact) == (False, True)
    assert hang.witness == ("buy returns Paper", "buy returns Paper")
    assert hang.left == {"Paper": 2}
    assert agent.run(Order(), Order()).marking["Paper"] == 2
    assert report["every transition can fire"].verdict is True


def test_a_choice_without_default_depends_on_its_guards() -> None:
    agent = Agent("triage")

    @agent.transition(where={"order": lambda order: order.id > 0})
    def accept(order: Order) -> Letter:
        return Letter()

    @agent.transition(where={"order": lambda order: order.id < 0})
    def refuse(order: Order) -> Note:
        return Note()

    hang = agent.verify({Order: 1})["no hang"]
    assert (hang.verdict, hang.exact) == (None, False)
    assert hang.depends == ("where of accept", "where of refuse")
    assert hang.witness == ("nobody may take the Order",)
    assert agent.run(Order(0)).marking["Order"] == 1
    decided = agent.verify({Order: 1}, decided=[Order])
    assert decided["no hang"].verdict is True
    assert decided.ok


def test_a_choice_whose_other_branch_nobody_takes_is_found() -> None:
    agent = Agent("branch")

    @agent.transition
    def sort(order: Order) -> Paper | Stamp:
        return Stamp()

    @agent.transition
    def write(paper: Paper, stamp: Annotated[Stamp, Read()]) -> Letter:
        return Letter()

    assert agent.verify({Order: 1})["no hang"].witness == ("sort returns Paper",)
    assert agent.verify({Order: 1}, complete=[Paper])["no hang"].verdict is True


def test_a_rejection_that_leaves_a_token_is_a_warning_and_an_error_if_strict() -> None:
    agent = Agent("press")

    @agent.transition(confirm=True)
    def publish(paper: Paper) -> Letter:
        return Letter()

    report = agent.verify({Paper: 1})
    after = report["no hang after failures"]
    assert report.ok
    assert (after.verdict, after.severity) == (False, "warning")
    assert after.witness == ("publish is rejected and gives its tokens back",)
    assert agent.run(Paper(), confirm=False).marking["Paper"] == 1
    assert not agent.verify({Paper: 1}, strict=True).ok
    assert agent.verify({Paper: 1}, strict=True, complete=[Paper]).ok


def test_a_rejected_firing_is_not_asked_for_again_but_others_may_take_its_token() -> None:
    agent = Agent("press")

    @agent.transition(confirm=True, priority=1)
    def publish(paper: Paper) -> Letter:
        return Letter()

    @agent.transition
    def shred(paper: Paper) -> None: ...

    assert agent.verify({Paper: 1}, strict=True).ok
    assert agent.run(Paper(), confirm=False).marking["Paper"] == 0


def test_a_loop_that_grows_without_bound_is_found() -> None:
    agent = Agent("loop")

    @agent.transition
    def copy(order: Order) -> tuple[Order, Paper]: ...

    bounded = agent.verify({Order: 1})["bounded"]
    assert bounded.verdict is False
    assert bounded.subjects == ("Paper",)
    assert bounded.witness == ("again and again: copy returns Order and Paper",)


def test_a_crawl_that_lists_more_of_the_same_grows_without_bound() -> None:
    agent = Agent("crawl")

    @agent.transition
    def crawl(order: Order) -> list[Order]: ...

    assert agent.verify({Order: 1})["bounded"].verdict is False


def test_an_output_that_no_run_reaches_is_found() -> None:
    agent = Agent("dead end")

    @agent.transition
    def write(order: Order) -> Paper:
        return Paper()

    @agent.transition
    def send(paper: Paper, stamp: Stamp) -> Letter: ...

    report = agent.verify({Order: 1})
    assert report["every output is reachable"].subjects == ("Letter",)
    assert report["every transition can fire"].reason == "send never fires: no token comes to Stamp"
    assert agent.verify({Order: 1, "Stamp": 1}).ok


def test_an_undecided_conflict_is_found_and_priority_decides_it() -> None:
    def rivals(priority: int) -> Agent:
        agent = Agent("rivals")

        @agent.transition(priority=priority)
        def one(order: Order) -> Letter: ...

        @agent.transition
        def two(order: Order) -> Note: ...

        return agent

    conflict = rivals(0).verify({Order: 1})["conflicts are decided"]
    assert (conflict.verdict, conflict.subjects) == (False, ("one", "two"))
    assert rivals(1).verify({Order: 1})["conflicts are decided"].verdict is True


def test_a_loop_without_exit_cannot_finish() -> None:
    agent = Agent("ping-pong")

    @agent.transition
    def ping(order: Order) -> Paper: ...

    @agent.transition
    def pong(paper: Paper) -> Order: ...

    report = agent.verify({Order: 1})
    assert report["no hang"].verdict is True
    assert report["can always finish"].verdict is False


def test_a_gather_below_its_minimum_leaves_its_members() -> None:
    agent = Agent("quorum")

    @agent.transition
    def split(order: Order) -> list[Paper]:
        return [Paper()]

    @agent.transition
    def merge(papers: Annotated[list[Paper], Gather(min=2)]) -> Letter:
        return Letter()

    hang = agent.verify({Order: 1})["no hang"]
    assert hang.verdict is False
    assert hang.witness == ("split returns a list of 1 Paper", "a list ends with 1 for merge, which wants 2")
    assert agent.run(Order()).marking["Paper"] == 1


def test_a_gather_waits_for_a_leftover_that_could_still_go_on() -> None:
    agent = Agent("pairs")

    @agent.transition
    def split(order: Order) -> list[Paper]:
        return [Paper(), Paper(), Paper()]

    @agent.transition
    def pair(papers: Annotated[list[Paper], Weight(2)]) -> Stamp:
        return Stamp()

    @agent.transition
    def merge(stamps: Annotated[list[Stamp], Gather()]) -> Letter:
        return Letter()

    assert agent.verify({Order: 1})["no hang"].verdict is not True
    assert agent.run(Order()).marking["Letter"] == 0


def test_failures_of_members_do_not_keep_a_gather_waiting() -> None:
    agent = Agent("fork-join")
    agent.place("written", Stamp)

    @agent.transition
    def split(order: Order) -> Iterator[Paper]:
        yield Paper()

    @agent.transition(on_error="release")
    def write(paper: Paper) -> Annotated[Stamp, To("written")]:
        raise RuntimeError("no ink")

    @agent.transition
    def merge(stamps: Annotated[list[Stamp], From("written"), Gather()]) -> Letter:
        return Letter()

    assert agent.verify({Order: 2}, complete=[Paper], strict=True)["no hang after failures"].verdict is True
    assert agent.run(Order(), Order()).marking["Letter"] == 2


def test_an_error_place_that_goes_on_is_no_hang() -> None:
    agent = Agent("handled")

    @agent.transition(on_error="broken", retries=2, timeout=1)
    def write(order: Order, paper: Paper) -> Letter:
        raise ValueError("blank")

    assert agent.verify({Order: 1, Paper: 1}, strict=True).ok

    @agent.transition
    def note(failure: Annotated[Failure, From("broken")], stamp: Stamp) -> Note:
        return Note()

    hang = agent.verify({Order: 1, Paper: 1})["no hang"]
    assert hang.witness == ("write fails, a Failure goes to broken",)
    assert hang.left == {"broken": 1}


def test_drains_and_inhibitors_are_counted() -> None:
    agent = Agent("batch")

    @agent.transition
    def write(order: Order) -> Paper | None:
        return Paper() if order.id else None

    @agent.transition(inhibit=[Order])
    def post(papers: Annotated[list[Paper], AtLeast(2)]) -> Letter:
        return Letter()

    hang = agent.verify({Order: 3})["no hang"]
    assert hang.left == {"Paper": 1}
    assert agent.run(Order(1), Order(0), Order(0)).marking["Paper"] == 1


def test_the_demo_agent_is_ok_and_its_failures_leave_what_is_expected() -> None:
    report = demo.verify({"Request": 1, "Destination": 1})
    assert report.ok
    assert all(one.verdict is True for one in report if one.severity == "error")
    assert report["no hang after failures"].left == {"Destination": 1}
    left = ["Report", "Destination"]
    assert demo.verify({"Request": 2, "Destination": 2}, complete=left, strict=True).ok


def test_a_limit_leaves_the_verdict_open() -> None:
    report = demo.verify({"Request": 1, "Destination": 1}, limit=10)
    assert not report.ok
    assert report["no hang"].verdict is None
    assert "limit of 10 states" in report["no hang"].reason


def test_a_report_tells_its_story_and_is_json() -> None:
    agent = Agent("post")

    @agent.transition
    def send(paper: Paper, stamp: Stamp) -> Letter: ...

    report = agent.verify({Paper: 1})
    assert str(report).startswith("post with 1 Paper: not ok (no hang")
    assert "left: 1 Paper" in str(report)
    assert "<table>" in report._repr_html_()
    document: dict[str, Any] = json.loads(report.to_json())
    assert document["ok"] is False
    assert document["findings"][0]["name"] == "no hang"


def test_a_finding_has_no_truth_value_of_its_own() -> None:
    with pytest.raises(TypeError, match=r"ask for its \.verdict"):
        bool(demo.verify({"Request": 1})["no hang"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": {"Url": 1}}, "inputs: agent 'reviews' has no place 'Url'"),
        ({"inputs": {"Request": -1}}, "a number of tokens from 0 on, not -1"),
        ({"inputs": {"unreachable": 1}}, "place 'unreachable' is not exposed"),
        ({"inputs": {}, "limit": 0}, "limit is a number of markings"),
        ({"inputs": {}, "timeout": 0}, "timeout is a number of seconds"),
        ({"inputs": {}, "complete": ["Url"]}, "complete: agent 'reviews' has no place 'Url'"),
    ],
)
def test_arguments_that_make_no_sense_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(NetError, match=message):
        demo.verify(**arguments)


def test_a_hang_that_priority_rules_out_is_no_certain_hang() -> None:
    agent = Agent("priority")

    @agent.transition(priority=1)
    def keep(order: Order) -> Letter:
        return Letter()

    @agent.transition
    def lose(order: Order) -> Paper:
        return Paper()

    @agent.transition
    def send(paper: Paper, stamp: Stamp) -> Note:
        return Note()

    hang = agent.verify({Order: 1})["no hang"]
    assert (hang.verdict, hang.exact) == (None, False)
    assert hang.witness == ("lose returns Paper",)
    assert agent.run(Order()).marking["Paper"] == 0


def test_a_hang_that_needs_the_younger_token_first_is_no_certain_hang() -> None:
    agent = Agent("age")

    @agent.transition(confirm=True)
    def publish(paper: Paper) -> Letter:
        return Letter()

    @agent.transition
    def shred(paper: Paper, stamp: Stamp) -> None: ...

    after = agent.verify({Paper: 2, Stamp: 1})["no hang after failures"]
    assert after.verdict is not True


def test_a_match_may_find_no_partner_unless_it_is_decided() -> None:
    agent = Agent("match")

    @agent.transition(match="id")
    def join(paper: Paper, stamp: Stamp) -> Letter:
        return Letter()

    tokens = {Paper: 1, Stamp: 1}
    hang = agent.verify(tokens)["no hang"]
    assert (hang.verdict, hang.depends) == (None, ("match of join",))
    assert agent.run(Paper(1), Stamp(2)).marking["Letter"] == 0
    assert agent.verify(tokens, decided=["join"])["no hang"].verdict is True


def test_an_inhibitor_that_starves_only_by_a_race_is_no_certain_hang() -> None:
    agent = Agent("race")

    @agent.transition
    def write(order: Order) -> Letter:
        return Letter()

    @agent.transition(inhibit=[Letter])
    def post(paper: Paper) -> Note:
        return Note()

    assert agent.verify({Order: 1, Paper: 1})["no hang"].verdict is None
    assert agent.run(Order(), Paper()).marking["Paper"] == 0
