"""The tokens of the reviews agent."""

from __future__ import annotations

import datetime

from pydantic import BaseModel, Field

__all__ = [
    "Aspect",
    "Destination",
    "Offer",
    "Product",
    "Published",
    "Report",
    "Request",
    "Review",
    "ShopPage",
    "Summary",
]


class Request(BaseModel):
    """Where to start: the address of a catalogue that links to the shops' product pages."""

    catalogue: str


class Destination(BaseModel):
    """The file the report is published to."""

    path: str


class Offer(BaseModel):
    """One product in one shop."""

    product: str
    shop: str
    href: str


class Product(BaseModel):
    """A product and the shops that sell it."""

    name: str
    offers: list[Offer]


class Review(BaseModel):
    """What one buyer wrote."""

    stars: float = Field(ge=0.5, le=5, multiple_of=0.5)
    author: str = Field(min_length=1)
    date: datetime.date
    text: str = Field(min_length=1)


class ShopPage(BaseModel):
    """The reviews of one offer, or why they could not be had."""

    offer: Offer
    reviews: list[Review] = []
    missing: str | None = None


class Aspect(BaseModel):
    """Something buyers mention, and in how many reviews they praise or criticise it."""

    name: str
    mentions: int
    praised: int
    criticised: int


class Summary(BaseModel):
    """What buyers say about one product. `mean` is None and `quote` too where there are no reviews."""

    product: str
    pages: list[ShopPage]
    mean: float | None
    histogram: dict[int, int]
    """Reviews by stars, half stars rounded up: `{5: 8, 4: 3, 3: 0, 2: 1, 1: 2}`."""
    aspects: list[Aspect]
    quote: Review | None

    @property
    def reviews(self) -> list[Review]:
        """The reviews of all shops."""
        return [review for page in self.pages for review in page.reviews]


class Report(BaseModel):
    """All summaries, and the text made from them."""

    markdown: str
    summaries: list[Summary]


class Published(BaseModel):
    """The report stands in this file."""

    path: str
    reviews: int
