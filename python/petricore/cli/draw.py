"""`petricore draw`: draws the net of an agent or of a PNML file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from petricore.cli.errors import UsageError
from petricore.cli.targets import load_net
from petricore.cli.text_drawing import draw_text
from petricore.net import Net

__all__ = ["FORMATS", "add_arguments", "execute"]

FORMATS: dict[str, Callable[[Net], str]] = {
    "svg": lambda net: net.to_svg(),
    "dot": lambda net: net.to_dot(),
    "mermaid": lambda net: net.to_mermaid(),
    "json": lambda net: net.to_json(),
    "text": draw_text,
}
_SUFFIXES = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".json": "json", ".txt": "text"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("target", help="module:agent, file.py:agent or a .pnml file")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write there, not to standard output"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--format", choices=FORMATS, help="default: by the ending of FILE, else text")
    form.add_argument("--json", action="store_const", const="json", dest="format", help="--format json")


def execute(options: argparse.Namespace) -> int:
    """Draw, to a file or to standard output."""
    output: Path | None = options.output
    suffix = "" if output is None else output.suffix.lower()
    form = options.format or _SUFFIXES.get(suffix)
    if form is None and output is not None:
        raise UsageError(
            f"{output}: the ending {suffix!r} names no format; give --format {'|'.join(FORMATS)}"
        )
    drawing = FORMATS[form or "text"](load_net(options.target)).rstrip("\n") + "\n"
    if output is None:
        sys.stdout.write(drawing)
        return 0
    try:
        output.write_text(drawing, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
    return 0
