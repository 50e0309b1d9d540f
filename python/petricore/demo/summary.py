"""What buyers say, in figures: stars, aspects, a quote. Plain counting: same pages, same summary."""

from __future__ import annotations

import re
from collections import Counter
from math import ceil
from statistics import fmean

from petricore.demo.models import Aspect, Review, ShopPage, Summary

__all__ = ["summarise_pages"]

_ASPECTS = {
    "battery": "battery|charges?|charging",
    "build quality": "sturdy|solid|build|broke|broken|cracked|flimsy|seam|hinge|durable|wobbly|rattles?|dead",
    "comfort": "comfort|comfortable|strap|straps|headband|handle|fit|fits|headaches",
    "delivery": "delivery|arrived|packaging",
    "ease of use": "easy|app|software|button|buttons|touch|manual",
    "edge": "sharp|edge|cuts|glides",
    "light": "bright|light enough|even light|colour rendering|beam",
    "noise": "quiet|loud|noise|beep|buzzes|crackles|creak|click",
    "price": "price|value|cheap|cost",
    "service": "support|replacement|refund|customer service|voucher|returned",
    "size and weight": "light,|size|small|narrow|bulky|compact|heavy|packs|folds|weighed|wide",
    "sound": "sound|bass|voices|microphone|thocky",
    "weather": "waterproof|rain|dry|frost|water|warm",
}
_PRAISE = (
    "great|good|excellent|lovely|perfect|beautiful|best|comfortable|sturdy|solid|easy|quick|quickly|quiet|sharp|fast|"
    "bright|light|precise|reliable|durable|waterproof|dry|fair|accurate|strong|fine|nice|no complaints"
)
_BLAME = (
    "not|no longer|poor|flimsy|cheap|broke|broken|cracked|loud|hot|small|narrow|slow|slowly|wobbly|dead|"
    "rattles|tore|drops|returned|unusable|wish|miss|missing|bulky|buzzes|disappointed|leak|slips|chips|rust|"
    "cannot|half a star off"
)


def summarise_pages(pages: list[ShopPage]) -> Summary:
    """The summary of one product from the pages of all its shops.

    Raises:
        ValueError: `pages` is empty or of several products.
    """
    products = {page.offer.product for page in pages}
    if len(products) != 1:
        raise ValueError(f"a summary is about one product, not about {len(products)}: {sorted(products)}")
    reviews = [review for page in pages for review in page.reviews]
    mean = fmean(review.stars for review in reviews) if reviews else None
    stars = Counter(ceil(review.stars) for review in reviews)
    return Summary(
        product=products.pop(),
        pages=sorted(pages, key=lambda page: page.offer.shop),
        mean=mean,
        histogram={number: stars[number] for number in (5, 4, 3, 2, 1)},
        aspects=_aspects(reviews),
        quote=_quote(reviews, mean),
    )


def _aspects(reviews: list[Review]) -> list[Aspect]:
    """Most mentioned first."""
    opinions = {name: [_opinion(review, words) for review in reviews] for name, words in _ASPECTS.items()}
    aspects = [
        Aspect(
            name=name,
            mentions=sum(opinion is not None for opinion in found),
            praised=sum(opinion is not None and opinion > 0 for opinion in found),
            criticised=sum(opinion is not None and opinion < 0 for opinion in found),
        )
        for name, found in opinions.items()
    ]
    mentioned = [aspect for aspect in aspects if aspect.mentions]
    return sorted(mentioned, key=lambda aspect: (-aspect.mentions, aspect.name))


def _opinion(review: Review, words: str) -> float | None:
    """Above 0 where the review praises what `words` name, below 0 where it criticises, None where silent."""
    about = [
        part
        for part in re.split(r"[.!?;:]\s+|, but |, though|, and then ", review.text)
        if _count(words, part)
    ]
    if not about:
        return None
    balance = sum(_count(_PRAISE, part) - _count(_BLAME, part) for part in about)
    return balance or review.stars - 3


def _count(words: str, text: str) -> int:
    return len(re.findall(rf"\b(?:{words})(?!\w)", text, re.IGNORECASE))


def _quote(reviews: list[Review], mean: float | None) -> Review | None:
    """The review that is nearest to the average, and among those the longest that still reads as a quote."""
    if mean is None:
        return None
    return min(reviews, key=lambda r: (abs(r.stars - mean), len(r.text) > 160, -len(r.text), r.author))
