"""What the PNML reader and writer must agree on: URIs, the names of arc kinds, petricore's own element."""

from __future__ import annotations

import re

__all__ = [
    "ARC_KINDS",
    "NAMESPACE",
    "NET_TYPE",
    "NET_TYPES",
    "TOOL",
    "TOOL_VERSION",
    "WRITTEN_KINDS",
    "is_xml_id",
    "unfit_character",
]

NAMESPACE = "http://www.pnml.org/version-2009/grammar/pnml"
NET_TYPE = "http://www.pnml.org/version-2009/grammar/ptnet"

NET_TYPES = frozenset(
    {
        "ptnet",  # ISO/IEC 15909-2
        "inhibitorptnet",  # pnml.org's extensions of it
        "resetptnet",
        "resetinhibitorptnet",
        "ptnetb",  # Petri Net Kernel, WoPeD, older TAPAAL
        "p/t net",  # PIPE, TAPAAL
        "pnmlcoremodel",  # ProM, pm4py
        "pnml",
        "epnml-1.1",  # Yasper
    }
)
"""P/T net types by the last segment of their URI, in lower case."""

ARC_KINDS = {
    "normal": "normal",
    "timed": "normal",  # TAPAAL, refused unless its interval is [0,inf)
    "inhibitor": "inhibitor",
    "tapninhibitor": "inhibitor",
    "reset": "reset",
    "read": "read",
    "test": "read",  # Tina
}
"""Kinds of arc by the names that tools write, in lower case."""

WRITTEN_KINDS = {
    "inhibitor": ("inhibitor", "inhibitor"),
    "read": ("test", "read"),
    "reset": ("reset", "reset"),
}
"""How an extended arc is written: `<type value>` (PIPE, Tina, GreatSPN), `<arctype>` (pnml.org, pm4py)."""

TOOL = "petricore"
TOOL_VERSION = "1"

_NAME_START = (
    "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_XML_ID = re.compile(f"[{_NAME_START}][{_NAME_START}\\-.0-9\xb7\u0300-\u036f\u203f\u2040]*")
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def is_xml_id(name: str) -> bool:
    """Whether `name` is an NCName, which is what an XML id must be."""
    return _XML_ID.fullmatch(name) is not None


def unfit_character(text: str) -> str | None:
    """The first character of `text` that no XML 1.0 document can hold, or None."""
    found = _UNFIT.search(text)
    return found[0] if found else None
