"""Verdicts as a table: coloured in a terminal that has `rich`, aligned text anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Row", "print_table"]

_COLOURS = {"yes": "green", "NO": "bold red", "no": "yellow", "warning": "yellow", "undecided": "magenta"}


class Row(NamedTuple):
    """A property, the answer in a word, and why."""

    name: str
    answer: str
    reason: str


def print_table(title: str, rows: Sequence[Row]) -> None:
    """Print to standard output."""
    try:
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ModuleNotFoundError:
        _plain(title, rows)
        return
    if not sys.stdout.isatty():
        _plain(title, rows)
        return
    table = Table(title=Text(title) if title else None, title_justify="left", box=SIMPLE_HEAD)
    for column in ("property", "holds", "why"):
        table.add_column(column)
    for row in rows:
        table.add_row(Text(row.name), Text(row.answer, _COLOURS.get(row.answer, "")), Text(row.reason))
    Console().print(table)


def _plain(title: str, rows: Sequence[Row]) -> None:
    if title:
        print(title)
    names = max((len(row.name) for row in rows), default=0)
    answers = max((len(row.answer) for row in rows), default=0)
    for row in rows:
        print(f"  {row.name:<{names}}  {row.answer:<{answers}}  {row.reason}".rstrip())
