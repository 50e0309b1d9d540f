"""The reviews agent: what buyers say about every product of a catalogue, from all shops that sell it.

Each function is a transition, each type a place. A list scatters and `Gather` joins: the pages of a product
come together however many there are, in whatever order they arrive and whichever of them fail.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Annotated

import httpx

from petricore import Agent, From, Gather
from petricore.agent import Failure
from petricore.demo.models import Destination, Offer, Product, Published, Report, Request, ShopPage, Summary
from petricore.demo.report import write_markdown
from petricore.demo.scrape import parse_catalogue, parse_reviews
from petricore.demo.summary import summarise_pages

TLS = ssl.create_default_context()  # loading the certificates takes longer than most pages

agent = Agent("reviews", description="Summarises what buyers say about the products of a catalogue")


async def fetch(address: str) -> str:
    """The page at `address`. Raises `httpx.HTTPError` if it cannot be had."""
    # In a sandbox the way to the shops is the proxy that its environment names; the shops of this machine need none.
    async with httpx.AsyncClient(verify=TLS, trust_env="PETRICORE_SANDBOX" in os.environ) as client:
        response = await client.get(address)
        return response.raise_for_status().text


@agent.transition(timeout=30, retries=2)
async def read_catalogue(request: Request) -> list[Product]:
    """Scatters: the products go on side by side."""
    return parse_catalogue(await fetch(request.catalogue), request.catalogue)


@agent.transition
async def find_offers(product: Product) -> list[Offer]:
    """Scatters again: so do the shops of each product."""
    return product.offers


@agent.transition(timeout=30, retries=2, backoff=0.05, on_error="unreachable")
async def scrape(offer: Offer) -> ShopPage:
    """One page. What still fails after the retries goes to the place `unreachable`."""
    return ShopPage(offer=offer, reviews=parse_reviews(await fetch(offer.href)))


@agent.transition
async def note_missing(failure: Annotated[Failure, From("unreachable")]) -> ShopPage:
    """A page that cannot be had counts as one without reviews: the report says so."""
    return ShopPage(offer=failure.tokens["offer"], missing=failure.error)


@agent.transition
def summarise(pages: Annotated[list[ShopPage], Gather(min=1)]) -> Summary:
    """Gathers the pages of one product, and of no other."""
    return summarise_pages(pages)


@agent.transition
def compile_report(summaries: Annotated[list[Summary], Gather()]) -> Report:
    """Gathers the summaries of all products."""
    return Report(markdown=write_markdown(summaries), summaries=summaries)


@agent.transition(confirm=True)
def publish(report: Report, destination: Destination) -> Published:
    """Runs only after somebody said yes."""
    Path(destination.path).write_text(report.markdown, encoding="utf-8")
    return Published(path=destination.path, reviews=sum(len(summary.reviews) for summary in report.summaries))
