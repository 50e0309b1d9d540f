"""`petricore demo`: runs the reviews agent over five shops on a web server of this machine."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from petricore.cli.errors import UsageError, needing
from petricore.cli.people import Person
from petricore.cli.text_drawing import draw_text

if TYPE_CHECKING:
    from petricore.agent import Agent, Result
    from petricore.cli.demo_display import Display
    from petricore.cli.demo_progress import Progress
    from petricore.demo.models import Summary
    from petricore.demo.server import ShopServer
    from petricore.runtime.events import Event
    from petricore.runtime.status import Pending

__all__ = ["add_arguments", "execute", "unaccounted"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--yes", action="store_true", help="publish without asking")
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        default=Path("report.md"),
        help="the report; the net is drawn beside it as .svg (default: %(default)s)",
    )
    parser.add_argument(
        "--executor",
        metavar="NAME",
        choices=("process", "docker"),
        help="where pages are read: process, or docker, in containers that reach nothing but the shops",
    )
    parser.add_argument(
        "--image",
        metavar="NAME",
        help="of the containers: Python with httpx and pydantic (default: one is built)",
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON, and nothing else")


def execute(options: argparse.Namespace) -> int:
    """Run, and check that every page is accounted for."""
    output: Path = options.output
    _check_writable(output)
    _check_writable(_drawing(output))
    with needing("demo", "petricore demo"):
        import petricore.cli.demo_display  # for what it needs itself: fail now, not half way
        import petricore.demo.agent  # noqa: F401
        from petricore.cli.demo_progress import Progress
        from petricore.demo.server import ShopServer
    person, progress = Person(says_yes=options.yes), Progress()
    with ShopServer() as shops:
        if not options.json:
            _introduce(shops)
        agent = _placed(shops, options.executor, options.image)
        result = _run(agent, shops, output, person, progress, _display(progress, quiet=options.json))
    outcome = _Outcome(result, progress, shops, output)
    if outcome.published:
        _draw(_drawing(output))
    if options.json:
        print(json.dumps(outcome.document(), indent=2, ensure_ascii=False))
    else:
        if person.absent:  # nobody can ask for it later, so the work goes to whoever reads the output
            print("\n".join(report.markdown for report in outcome.reports))
        print(outcome.story())
    return _conclude(outcome, person)


def _placed(shops: ShopServer, executor: str | None, image: str | None) -> Agent:
    """The agent, with what talks to the shops where it was asked to be."""
    from petricore.demo.agent import agent

    if executor is None:
        if image is not None:
            raise UsageError("--image goes with --executor docker")
        return agent
    readers = ("read_catalogue", "scrape")
    if executor != "docker":
        return agent.on(executor, *readers)
    with needing("docker", "petricore demo --executor docker"):
        from petricore.runtimes.docker import Image
    built = image or Image(packages=["httpx>=0.27", "pydantic>=2.11"])
    shop = urlsplit(shops.catalogue)
    return agent.on("docker", *readers, image=built, memory="256m", network=[f"{shop.hostname}:{shop.port}"])


def _run(
    agent: Agent, shops: ShopServer, output: Path, person: Person, progress: Progress, display: Display
) -> Result:
    from petricore.demo.models import Destination, Request

    def follow(event: Event) -> None:
        changed = progress.notice(event)
        if changed is not None:
            display.show(changed)

    def confirm(_: Pending) -> bool:
        display.stop()
        replaced = ", replacing the file that is there" if output.exists() else ""
        return person.confirms(f"Publish the report to {output}{replaced}?")

    display.start()
    try:
        return agent.run(
            Request(catalogue=shops.catalogue),
            Destination(path=str(output)),
            on_event=follow,
            confirm=confirm,
        )
    finally:
        display.stop()


class _Outcome:
    """What came of it, for people and for programs."""

    def __init__(self, result: Result, progress: Progress, shops: ShopServer, output: Path) -> None:
        from petricore.demo.models import Published, Report

        self.result = result
        self.progress = progress
        self.output = output
        self.published = bool(result[Published])
        self.reports = result[Report]
        self.seconds = progress.stopwatch.elapsed
        self.seconds_one_at_a_time = shops.seconds
        self.summaries = list(progress.summaries.values())
        self.unaccounted = unaccounted(shops, self.summaries)

    @property
    def reviews(self) -> int:
        return sum(len(summary.reviews) for summary in self.summaries)

    def document(self) -> dict[str, object]:
        """The outcome as JSON values."""
        return {
            "published": str(self.output) if self.published else None,
            "net": str(_drawing(self.output)) if self.published else None,
            "pages": {
                "all": len(self.progress.pages),
                "ok": self.progress.count("read", retried=False),
                "ok_after_retry": self.progress.count("read", retried=True),
                "gone": self.progress.count("missing"),
                "unaccounted": self.unaccounted,
            },
            "reviews": self.reviews,
            "seconds": round(self.seconds, 3),
            "seconds_one_at_a_time": round(self.seconds_one_at_a_time, 3),
            "summaries": [summary.model_dump(mode="json") for summary in self.summaries],
            "unpublished": [report.markdown for report in self.reports],
        }

    def story(self) -> str:
        """The outcome in a few lines."""
        count = self.progress.count
        lines = [
            f"{len(self.progress.pages)} pages: {count('read', retried=False)} ok, "
            f"{count('read', retried=True)} ok after a retry, {count('missing')} gone; "
            + ("every page accounted for" if not self.unaccounted else "NOT every page accounted for"),
            f"{self.reviews} reviews of {len(self.summaries)} products",
            f"{self.seconds:.1f} s; one page at a time would have taken {self.seconds_one_at_a_time:.1f} s, "
            f"{self.seconds_one_at_a_time / self.seconds:.1f} times as long",
        ]
        if self.published:
            lines.append(f"published {self.output}, and the net as {_drawing(self.output)}")
        return "\n".join(lines)


def unaccounted(shops: ShopServer, summaries: list[Summary]) -> list[str]:
    """What does not add up between the server's own record and the summaries; empty if all is well."""
    served = {path: answers[-1] for path, answers in shops.answers.items() if path != "/catalogue.html"}
    pages = [(summary.product, page) for summary in summaries for page in summary.pages]
    reported = {urlsplit(page.offer.href).path: page for _, page in pages}
    problems = [f"{path} was answered with {status} but is in no summary"
                for path, status in served.items() if path not in reported]  # fmt: skip
    if len(reported) < len(pages):
        problems.append(f"{len(pages)} pages are reported, but only {len(reported)} different ones")
    for product, page in pages:
        path = urlsplit(page.offer.href).path
        if page.offer.product != product:
            problems.append(f"{path} is of {page.offer.product} but was counted for {product}")
        if (served.get(path) == 200) != (page.missing is None):
            problems.append(
                f"{path} was answered with {served.get(path)} but reported as {page.missing or 'read'}"
            )
    return problems


def _conclude(outcome: _Outcome, person: Person) -> int:
    """The exit code, and on standard error why it is not 0."""
    for problem in outcome.unaccounted:
        print(f"petricore: {problem}", file=sys.stderr)
    if outcome.published:
        return 1 if outcome.unaccounted else 0
    if not outcome.reports:
        for failure in outcome.result.failures:
            print(f"petricore: {failure}", file=sys.stderr)
        return 1
    kept = "not published: the net still holds the report, and no file was written"
    if person.interrupted:
        print(f"petricore: interrupted, {kept}", file=sys.stderr)
        return 130
    if person.absent:
        print(f"petricore: nobody answered, {kept}; to confirm answer y or give --yes", file=sys.stderr)
        return 2
    print(f"petricore: {kept}", file=sys.stderr)
    return 1


def _introduce(shops: ShopServer) -> None:
    from petricore.demo.agent import agent

    print(f"{agent.description}.\nThe net:\n")
    print(draw_text(agent.net()))
    print(f"\nReading {shops.catalogue}\n", flush=True)


def _display(progress: Progress, *, quiet: bool) -> Display:
    from rich.console import Console

    from petricore.cli.demo_display import LiveTable, PlainLines, Silence

    if quiet:
        return Silence()
    console = Console()
    return LiveTable(progress, console) if console.is_terminal else PlainLines()


def _drawing(output: Path) -> Path:
    return output.with_suffix(".svg")


def _draw(path: Path) -> None:
    from petricore.demo.agent import agent

    path.write_text(agent.net().to_svg(), encoding="utf-8")


def _check_writable(path: Path) -> None:
    """Before the work, not after it."""
    if path.is_dir():
        raise UsageError(f"--output {path} is a folder")
    if not path.parent.is_dir():
        raise UsageError(f"--output {path}: there is no folder {str(path.parent)!r}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"--output {path} cannot be written")
