"""The scraper against the pages that ship: an independent count by expressions, and each kind of markup."""

from __future__ import annotations

import html
import json
import re
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from petricore.demo.html_tree import parse_html
from petricore.demo.models import Review
from petricore.demo.scrape import UnknownLayoutError, parse_catalogue, parse_reviews
from petricore.demo.server import FAILS_ONCE, GONE, SECONDS
from tests.demo_pages import BEGINNING, LIVE, PAGES, SHOPS, path_of, stars_in_source


def identity(page: Path) -> str:
    return f"{page.parent.name}/{page.stem}"


def letters(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_thirty_pages_of_five_shops_ship_with_the_package() -> None:
    assert len(PAGES) == 30
    assert {page.parent.name for page in PAGES} == set(BEGINNING)


@pytest.mark.parametrize("page", LIVE, ids=identity)
def test_every_review_of_a_page_is_found_with_its_stars(page: Path) -> None:
    reviews = parse_reviews(page.read_text(encoding="utf-8"))
    assert len(reviews) == len(re.findall(BEGINNING[page.parent.name], page.read_text(encoding="utf-8")))
    assert [review.stars for review in reviews] == stars_in_source(page)


@pytest.mark.parametrize("page", LIVE, ids=identity)
def test_author_and_text_stand_in_the_source_as_they_were_read(page: Path) -> None:
    source = page.read_text(encoding="utf-8")
    if page.parent.name == "brightgoods":  # JSON may write any letter as an escape
        source = "".join(
            json.dumps(json.loads(block), ensure_ascii=False).replace('\\"', '"')
            for block in re.findall(r'<script type="application/ld\+json">(.*?)</script>', source, re.DOTALL)
        )
    else:
        source = html.unescape(re.sub(r"</?(?:br|em|span|button)\b[^>]*>", "", source))
    for review in parse_reviews(page.read_text(encoding="utf-8")):
        assert letters(review.text) in letters(source)
        assert letters(review.author) in letters(source)
        assert date(2025, 9, 1) <= review.date <= date(2026, 11, 1)


def test_no_review_is_on_two_pages() -> None:
    texts = [review.text for page in LIVE for review in parse_reviews(page.read_text(encoding="utf-8"))]
    assert len(texts) == len(set(texts))
    assert len(texts) > 100


def test_replies_badges_and_buttons_are_no_part_of_a_review() -> None:
    texts = [review.text for page in LIVE for review in parse_reviews(page.read_text(encoding="utf-8"))]
    for foreign in ("Antwort von", "Verifizierter", "Tilbury & Sons replies", "Show less", "personas dicen"):
        assert not [text for text in texts if foreign in text]


def test_a_product_without_reviews_has_none() -> None:
    assert parse_reviews((SHOPS / "tilbury" / "santoku-knife.html").read_text(encoding="utf-8")) == []


def test_a_page_without_known_markup_is_an_error_and_not_zero_reviews() -> None:
    with pytest.raises(UnknownLayoutError, match="no known review markup"):
        parse_reviews((SHOPS / GONE.removeprefix("/")).read_text(encoding="utf-8"))


def test_the_catalogue_links_to_every_page_once() -> None:
    products = parse_catalogue(
        (SHOPS / "catalogue.html").read_text(encoding="utf-8"), "http://shops/catalogue.html"
    )
    links = [offer.href for product in products for offer in product.offers]
    assert sorted(links) == sorted(f"http://shops{path_of(page)}" for page in PAGES)
    assert [len(product.offers) for product in products] == [4, 4, 4, 4, 4, 4, 3, 3]
    assert all(offer.product == product.name for product in products for offer in product.offers)


def test_the_servers_tables_name_pages_that_exist() -> None:
    paths = {path_of(page) for page in PAGES}
    assert {*SECONDS, *FAILS_ONCE, GONE} <= paths
    assert all(0.2 <= seconds <= 1.2 for seconds in SECONDS.values())


@pytest.mark.parametrize(
    ("written", "stars"),
    [("4", 4.0), ("4&frac12;", 4.5), ("4½", 4.5), ("0.5", 0.5), ("★★★½☆", 3.5), ("★★★★★", 5.0)],
)
def test_stars_are_read_as_digits_fractions_and_glyphs(written: str, stars: float) -> None:
    page = f"""<section aria-label=Reviews><article data-testid=review><i data-testid=rating>{written}</i>
        <b data-testid=author>A</b><time datetime=2026-01-02></time><p data-testid=body>Good."""
    assert parse_reviews(page) == [Review(stars=stars, author="A", date=date(2026, 1, 2), text="Good.")]


@pytest.mark.parametrize("written", ["★★★★★★", "0", "4,3", "many"])
def test_impossible_stars_are_refused(written: str) -> None:
    page = f"""<section aria-label=Reviews><article data-testid=review><i data-testid=rating>{written}</i>
        <b data-testid=author>A</b><time datetime=2026-01-02></time><p data-testid=body>Good."""
    with pytest.raises(ValueError, match=r"stars|convert"):
        parse_reviews(page)


def test_a_review_without_a_part_is_refused_and_names_it() -> None:
    page = "<section aria-label=Reviews><article data-testid=review><i data-testid=rating>★</i></article>"
    with pytest.raises(ValueError, match=r"data_testid.*author"):
        parse_reviews(page)


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(ValidationError):
        Review(stars=3, author="A", date=date(2026, 1, 2), text="")


def test_end_tags_that_html_lets_out_are_implied() -> None:
    tree = parse_html("<table><tr><td>a<td>b<tr><td>c</table><ul><li>d<li>e</ul><p>f<p>g<br>h")
    assert [row.text() for row in tree.all("tr")] == ["ab", "c"]
    assert [item.text() for item in tree.all("li")] == ["d", "e"]
    assert [paragraph.text() for paragraph in tree.all("p")] == ["f", "g h"]


def test_a_stray_end_tag_changes_nothing() -> None:
    assert parse_html("<div>a</span>b</div></div>c").text() == "abc"
