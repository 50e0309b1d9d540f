"""Names and texts from outside, checked before anything is done with them: every store can keep what passes."""

from __future__ import annotations

from typing import Any

from petricore.errors import NetError

__all__ = ["check_by", "check_name", "check_number", "check_text"]

_LONGEST_NAME = 512
"""Characters. An index of PostgreSQL takes rows of 2,704 bytes."""


def check_text(what: str, value: Any) -> None:
    """Refuse with `NetError` what is neither None nor a text that UTF-8 can tell and PostgreSQL can keep."""
    if value is None:
        return
    if not isinstance(value, str):
        raise NetError(f"{what} is a text, not {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise NetError(f"{what} contains a lone surrogate: {value!r}") from None
    if "\0" in value:
        raise NetError(f"{what} contains a zero character: {value!r}")


def check_by(by: Any) -> None:
    """Refuse with `NetError` what names nobody."""
    check_text("by", by)


def check_name(what: str, value: Any) -> None:
    """Refuse with `NetError` what is no name: empty, longer than 512 characters, or no text at all."""
    if value is None or value == "":
        raise NetError(f"{what} is a text that is not empty, not {value!r}")
    check_text(what, value)
    if len(value) > _LONGEST_NAME:
        raise NetError(
            f"{what} has at most {_LONGEST_NAME} characters, not {len(value):,}: {value[:40]!r}..."
        )


def check_number(what: str, value: Any) -> None:
    """Refuse with `NetError` what is no whole number from 0 to 2^63 - 1."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise NetError(f"{what} is a whole number from 0 on, not {value!r}")
