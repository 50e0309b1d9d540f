"""The demo's pages, counted by regular expressions over their source: no code of the package helps."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

__all__ = ["BEGINNING", "GONE", "LIVE", "PAGES", "SHOPS", "path_of", "stars_in_source"]

SHOPS = Path(str(files("petricore") / "demo" / "shops"))
PAGES = sorted(SHOPS.glob("*/*.html"))
GONE = "/brightgoods/polaris-light.html"

BEGINNING = {
    "kaufladen": r'itemprop="review"',
    "brightgoods": r'"@type": "Review"',
    "tilbury": r'<tr class="review',
    "mercado": r'<dl class="opinion"',
    "outpost": r'<article class="css-1qk" data-testid="review"',
}
"""How a review begins, by shop."""

_STARS = {
    "kaufladen": r'class="sterne [^"]*" itemprop="ratingValue" content="([\d.]+)"',
    "brightgoods": r'"@type": "Rating",\s*"ratingValue": "?([\d.]+)',
    "tilbury": r"<b>(\S+)</b> out of 5",
    "mercado": r"<dt>Puntuaci&oacute;n</dt><dd>(\S+) / 5</dd>\s*<dt>Autor",
    "outpost": r'aria-label="([\d.]+) out of 5 stars"',
}


def path_of(page: Path) -> str:
    """The page's path on the server."""
    return f"/{page.parent.name}/{page.name}"


def stars_in_source(page: Path) -> list[float]:
    """The stars of all reviews, in the order of the page."""
    found = re.findall(_STARS[page.parent.name], page.read_text(encoding="utf-8"))
    return [float(text.replace("&frac12;", ".5").replace(",", ".")) for text in found]


LIVE = [page for page in PAGES if path_of(page) != GONE]
