"""From HTML to typed reviews. Each shop marks its reviews up in its own way; one reader per way."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any
from urllib.parse import urljoin

from petricore.demo.html_tree import Element, parse_html
from petricore.demo.models import Offer, Product, Review

__all__ = ["UnknownLayoutError", "parse_catalogue", "parse_reviews"]


class UnknownLayoutError(ValueError):
    """A page has none of the known kinds of markup, so it is not known whether it has reviews."""


def parse_catalogue(document: str, address: str) -> list[Product]:
    """The products of the catalogue page at `address`, with the absolute addresses of their offers."""
    return [
        Product(name=name, offers=[
            Offer(product=name, shop=link.text(), href=urljoin(address, link.attributes["href"]))
            for link in section.all("a", rel="offer")
        ])
        for section in parse_html(document).all("section", class_="product")
        for name in [section.one("h2").text()]
    ]  # fmt: skip


def parse_reviews(document: str) -> list[Review]:
    """The reviews of a product page, in its order.

    Raises:
        UnknownLayoutError: no reader knows the markup.
        ValueError: a review lacks a part or a part is malformed (pydantic's ValidationError is one).
    """
    page = parse_html(document)
    for reader in _READERS:
        reviews = reader(page)
        if reviews is not None:
            return list(reviews)
    raise UnknownLayoutError(
        "the page has no known review markup (JSON-LD, microdata, table, list, test ids)"
    )


def _json_ld(page: Element) -> Iterator[Review] | None:
    """https://schema.org/Product in a script element."""
    for script in page.all("script", type="application/ld+json"):
        item = json.loads("".join(str(part) for part in script.content))
        if item.get("@type") == "Product":
            return (_json_review(review) for review in item.get("review", []))
    return None


def _json_review(review: dict[str, Any]) -> Review:
    author = review["author"]
    return Review(
        stars=float(review["reviewRating"]["ratingValue"]),
        author=author["name"] if isinstance(author, dict) else author,
        date=_iso_date(review["datePublished"]),
        text=" ".join(review["reviewBody"].split()),
    )


def _microdata(page: Element) -> Iterator[Review] | None:
    """https://schema.org/Review in `itemprop` attributes. Ratings outside of reviews are averages."""
    if page.first(itemtype="https://schema.org/Product") is None:
        return None
    return (
        Review(
            stars=float(review.one(itemprop="ratingValue").attributes["content"]),
            author=review.one(itemprop="author").text(),
            date=_iso_date(review.one(itemprop="datePublished").attributes["datetime"]),
            text=review.one(itemprop="reviewBody").text(),
        )
        for review in page.all(itemprop="review")
    )


def _table(page: Element) -> Iterator[Review] | None:
    """Rows with classes; half stars as a fraction, dates in words."""
    if page.first("table", class_="reviews") is None and page.first(class_="no-reviews") is None:
        return None
    return (
        Review(
            stars=_stars(row.one("b").text()),
            author=row.one(class_="r-who").text("small"),
            date=datetime.strptime(row.one(class_="r-when").text(), "%d %B %Y").date(),
            text=row.one(class_="r-what").text("p"),
        )
        for row in page.all("tr", class_="review")
    )


def _definition_list(page: Element) -> Iterator[Review] | None:
    """One `dl` per review, terms in Spanish, decimal commas."""
    if page.first("section", id="opiniones") is None:
        return None
    return (
        Review(
            stars=_stars(parts["Puntuación"].split("/")[0]),
            author=parts["Autor"],
            date=datetime.strptime(parts["Fecha"], "%d/%m/%Y").date(),
            text=parts["Opinión"],
        )
        for opinion in page.all("dl", class_="opinion")
        for terms, values in [(opinion.all("dt"), opinion.all("dd"))]
        for parts in [{term.text(): value.text() for term, value in zip(terms, values, strict=True)}]
    )


def _test_ids(page: Element) -> Iterator[Review] | None:
    """Generated class names, so the test ids are what stays; stars as glyphs."""
    if page.first("section", aria_label="Reviews") is None:
        return None
    return (
        Review(
            stars=_stars(card.one(data_testid="rating").text()),
            author=card.one(data_testid="author").text(),
            date=_iso_date(card.one("time").attributes["datetime"]),
            text=card.one(data_testid="body").text("button"),
        )
        for card in page.all("article", data_testid="review")
    )


_READERS: tuple[Callable[[Element], Iterator[Review] | None], ...] = (
    _json_ld,
    _microdata,
    _table,
    _definition_list,
    _test_ids,
)


def _stars(text: str) -> float:
    """`4`, `4,5`, `4½` or `★★★★½☆`, as a number."""
    text = text.strip().rstrip("☆")
    half = 0.5 if text.endswith("½") else 0.0
    whole = text.removesuffix("½")
    if re.fullmatch("★*", whole):
        return len(whole) + half
    return float(whole.replace(",", ".")) + half


def _iso_date(text: str) -> date:
    return datetime.fromisoformat(text).date()
