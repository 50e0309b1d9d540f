"""The demo on the screen: a live table in a terminal, plain lines anywhere else, nothing for `--json`."""

from __future__ import annotations

from typing import Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from petricore.cli.demo_progress import PageProgress, Progress
from petricore.demo.models import Summary

__all__ = ["Display", "LiveTable", "PlainLines", "Silence"]

_SIGNS = {
    "waiting": ("·", "dim"),
    "loading": ("…", "cyan"),
    "retrying": ("↻", "yellow"),
    "read": ("✓", "green"),
    "missing": ("✗", "red"),
}


class Display(Protocol):
    """Shows what changes until it is stopped. Stopping twice is allowed."""

    def start(self) -> None:
        """Begin."""

    def show(self, changed: PageProgress | Summary) -> None:
        """Show a page or summary that changed."""

    def stop(self) -> None:
        """Leave the screen to others."""


class Silence:
    """Shows nothing."""

    def start(self) -> None:
        """Nothing."""

    def show(self, changed: PageProgress | Summary) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""


class PlainLines:
    """A line for each page that was read, retried or found missing, and for each summary."""

    def start(self) -> None:
        """Nothing: lines come as things happen."""

    def show(self, changed: PageProgress | Summary) -> None:
        """Print the line."""
        if isinstance(changed, Summary):
            print(f"summary  {changed.product}: {_stars(changed)}", flush=True)
        elif changed.state != "loading":
            what = f"{changed.offer.product} at {changed.offer.shop}"
            detail = f": {changed.reviews} reviews" if changed.state == "read" else ""
            print(f"{changed.state:<8} {what}{detail}", flush=True)

    def stop(self) -> None:
        """Nothing."""


class LiveTable:
    """A row for each product, a column for each shop, redrawn ten times a second."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self._progress = progress
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=10)

    def start(self) -> None:
        """Take over the screen."""
        self._live.start(refresh=True)

    def show(self, changed: PageProgress | Summary) -> None:
        """Nothing: the next refresh draws it."""

    def stop(self) -> None:
        """Draw the final state and leave it there."""
        self._live.stop()

    def _table(self) -> Table:
        # Called on the refreshing thread while events arrive: look at copies only.
        pages = list(self._progress.pages.values())
        summaries = dict(self._progress.summaries)
        shops = sorted({page.offer.shop for page in pages})
        table = Table(
            box=SIMPLE_HEAD,
            pad_edge=False,
            caption=self._caption(pages),
            caption_justify="left",
            caption_style="",
        )
        table.add_column("product")
        for shop in shops:
            table.add_column(shop.replace(" ", "\n", 1), justify="center", no_wrap=True)
        table.add_column("stars", justify="right", no_wrap=True, min_width=9)
        for product in dict.fromkeys(page.offer.product for page in pages):
            cells = {page.offer.shop: self._cell(page) for page in pages if page.offer.product == product}
            stars = _stars(summaries[product]) if product in summaries else ""
            table.add_row(product, *(cells.get(shop, Text("")) for shop in shops), stars)
        return table

    def _cell(self, page: PageProgress) -> Text:
        sign, style = _SIGNS[page.state]
        if page.state == "read":
            sign += f" {page.reviews}" + (" ↻" if page.attempts > 1 else "")
        return Text(sign, style)

    def _caption(self, pages: list[PageProgress]) -> str:
        count = {state: sum(page.state == state for page in pages) for state in _SIGNS}
        return (
            f"{count['read']} of {len(pages)} pages read, {count['loading']} loading, "
            f"{count['retrying']} retrying, {count['missing']} missing"
        )


def _stars(summary: Summary) -> str:
    mean = "no reviews" if summary.mean is None else f"{summary.mean:.2f}"
    return f"{mean} ({len(summary.reviews)})"
