"""Summaries and the report are exact and say what is missing."""

from __future__ import annotations

from datetime import date

import pytest

from petricore.demo.models import Offer, Review, ShopPage
from petricore.demo.report import write_markdown
from petricore.demo.summary import summarise_pages


def page(
    shop: str, *stars: float, product: str = "Mug", text: str = "Solid.", missing: str | None = None
) -> ShopPage:
    reviews = [
        Review(stars=s, author=f"Author {i}", date=date(2026, 1, 1), text=text) for i, s in enumerate(stars)
    ]
    return ShopPage(
        offer=Offer(product=product, shop=shop, href="http://x"), reviews=reviews, missing=missing
    )


def test_the_mean_and_the_histogram_count_every_review_once() -> None:
    summary = summarise_pages([page("B", 5, 4.5), page("A", 1)])
    assert summary.mean == pytest.approx(3.5)
    assert summary.histogram == {5: 2, 4: 0, 3: 0, 2: 0, 1: 1}
    assert [shop.offer.shop for shop in summary.pages] == ["A", "B"]


def test_the_order_of_arrival_does_not_change_the_summary() -> None:
    pages = [page("A", 5, 3), page("B", 2), page("C", missing="gone")]
    assert summarise_pages(pages) == summarise_pages(pages[::-1])


def test_no_reviews_give_no_mean_and_no_quote() -> None:
    summary = summarise_pages([page("A"), page("B", missing="gone")])
    assert (summary.mean, summary.quote, summary.aspects) == (None, None, [])
    assert "| Mug | - | 0 | - | - |" in write_markdown([summary])


def test_pages_of_two_products_are_refused() -> None:
    with pytest.raises(ValueError, match=r"about one product, not about 2: \['Bowl', 'Mug'\]"):
        summarise_pages([page("A", 5), page("B", 4, product="Bowl")])


def test_no_pages_are_refused() -> None:
    with pytest.raises(ValueError, match="not about 0"):
        summarise_pages([])


def test_an_aspect_is_praised_or_criticised_by_the_words_beside_it() -> None:
    summary = summarise_pages(
        [
            page("A", 2, text="Great battery, but the hinge cracked."),
            page("B", 5, text="The battery is excellent."),
        ]
    )
    aspects = {
        aspect.name: (aspect.mentions, aspect.praised, aspect.criticised) for aspect in summary.aspects
    }
    assert aspects["battery"] == (2, 2, 0)
    assert aspects["build quality"] == (1, 0, 1)


def test_the_report_counts_the_missing_page_and_names_it() -> None:
    report = write_markdown([summarise_pages([page("A", 5), page("B", missing="410 Gone")])])
    assert "1 reviews of 1 products on 1 of 2 pages." in report
    assert "- Mug at B: 410 Gone" in report


def test_markdown_in_a_product_name_or_a_review_stays_text() -> None:
    report = write_markdown([summarise_pages([page("A", 5, product="*Mug* | <b>", text="[x](y) `z`")])])
    assert r"\*Mug\* \| \<b\>" in report
    assert r"> \[x\](y) \`z\`" in report
