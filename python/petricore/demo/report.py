"""The Markdown report."""

from __future__ import annotations

from petricore.demo.models import Aspect, Review, ShopPage, Summary

__all__ = ["write_markdown"]


def write_markdown(summaries: list[Summary]) -> str:
    """The report, best product first; it ends with the pages that are missing from it."""
    ranked = sorted(summaries, key=lambda summary: (-(summary.mean or 0.0), summary.product))
    pages = [page for summary in ranked for page in summary.pages]
    missing = [page for page in pages if page.missing is not None]
    read = len(pages) - len(missing)
    reviews = sum(len(page.reviews) for page in pages)
    return "\n".join(
        [
            "# What buyers say",
            "",
            f"{reviews} reviews of {len(ranked)} products on {read} of {len(pages)} pages.",
            "",
            "| product | stars | reviews | liked | disliked |",
            "|---|---|---|---|---|",
            *(_row(summary) for summary in ranked),
            *(line for summary in ranked for line in _section(summary)),
            "",
            "## Missing pages",
            "",
            *([_missing(page) for page in missing] or ["None."]),
            "",
        ]
    )


def _row(summary: Summary) -> str:
    liked, disliked = _liked(summary), _disliked(summary)
    return (
        f"| {_inline(summary.product)} | {_mean(summary)} | {len(summary.reviews)} "
        f"| {', '.join(aspect.name for aspect in liked) or '-'} "
        f"| {', '.join(aspect.name for aspect in disliked) or '-'} |"
    )


def _section(summary: Summary) -> list[str]:
    most = max(summary.histogram.values()) or 1
    shops = ", ".join(_shop(page) for page in summary.pages)
    aspects = ", ".join(_aspect(aspect) for aspect in summary.aspects[:5])
    return [
        "",
        f"## {_inline(summary.product)}",
        "",
        f"{_mean(summary)} of 5 stars, {len(summary.reviews)} reviews: {shops}.",
        "",
        "```",
        *(f"{stars} {'█' * round(20 * n / most):<20} {n}" for stars, n in summary.histogram.items()),
        "```",
        "",
        f"Mentioned: {aspects or 'nothing in particular'}.",
        *(_quote(summary.quote) if summary.quote else []),
    ]


def _liked(summary: Summary) -> list[Aspect]:
    liked = [aspect for aspect in summary.aspects if aspect.praised > aspect.criticised]
    return sorted(liked, key=lambda aspect: aspect.criticised - aspect.praised)[:3]


def _disliked(summary: Summary) -> list[Aspect]:
    disliked = [aspect for aspect in summary.aspects if aspect.criticised > aspect.praised]
    return sorted(disliked, key=lambda aspect: aspect.praised - aspect.criticised)[:3]


def _quote(quote: Review) -> list[str]:
    source = f"{_inline(quote.author)}, {quote.date}, {quote.stars:g} stars"
    return ["", f"> {_inline(quote.text)}", ">", f"> {source}"]


def _missing(page: ShopPage) -> str:
    return f"- {_inline(page.offer.product)} at {_inline(page.offer.shop)}: {_inline(page.missing or '')}"


def _mean(summary: Summary) -> str:
    return "-" if summary.mean is None else f"{summary.mean:.2f}"


def _shop(page: ShopPage) -> str:
    return f"{_inline(page.offer.shop)} {'missing' if page.missing is not None else len(page.reviews)}"


def _aspect(aspect: Aspect) -> str:
    return f"{aspect.name} {aspect.mentions} (+{aspect.praised}, -{aspect.criticised})"


def _inline(text: str) -> str:
    """`text` as it is, whatever Markdown would make of it."""
    for character in "\\`*_[]<>|":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())
