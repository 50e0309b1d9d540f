"""`petricore lineage`: tells what led to a token of a session in a journal."""

from __future__ import annotations

import argparse
import json

from petricore.cli.journal import add_journal, events_of, opened

__all__ = ["add_arguments", "execute"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("session", help="the id of the session")
    parser.add_argument("token", type=int, help="the id of the token, as `petricore events --json` shows it")
    parser.add_argument("--future", action="store_true", help="what the token led to, not what led to it")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--dot", action="store_true", help="print a drawing in Graphviz's language")
    form.add_argument("--mermaid", action="store_true", help="print a Mermaid flowchart")
    form.add_argument("--svg", action="store_true", help="print a drawing as SVG")
    add_journal(parser, form)


def execute(options: argparse.Namespace) -> int:
    """Print the story of a token, or draw it."""
    with opened(options.journal) as store:
        from petricore.runtime.lineage import Lineage

        whole = Lineage.of(events_of(store, options.session))
    lineage = whole.future(options.token) if options.future else whole.past(options.token)
    if options.dot:
        text = lineage.to_dot()
    elif options.mermaid:
        text = lineage.to_mermaid()
    elif options.svg:
        text = lineage.to_svg()
    else:
        text = json.dumps(lineage.to_json()) if options.json else str(lineage)
    print(text.rstrip("\n"))
    return 0
