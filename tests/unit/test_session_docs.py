"""The examples of docs/sessions.md run one after the other as they stand there, and print what stands below them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

TEXT = (Path(__file__).parents[2] / "docs" / "sessions.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```)?", TEXT, re.MULTILINE | re.DOTALL)


def test_the_examples_print_what_stands_below_them(capsys: Any) -> None:
    # Annotations of the examples are resolved where a module would have them.
    scope: dict[str, Any] = {"__name__": "sessions_page"}
    assert len(BLOCKS) == 6
    for code, printed in BLOCKS:
        exec(compile(code, "docs/sessions.md", "exec", dont_inherit=True), scope)
        assert capsys.readouterr().out == printed
