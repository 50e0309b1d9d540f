"""How far the demo is: the state of every page, read off the events of the session."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from petricore.cli.stopwatch import Stopwatch
from petricore.demo.models import Offer, ShopPage, Summary
from petricore.runtime.events import Claimed, Emitted, Ended, Event, Put, Retried, Token

__all__ = ["PageProgress", "Progress"]


@dataclass
class PageProgress:
    """One page: how far it is, how often it was asked for, how many reviews it has."""

    offer: Offer
    state: Literal["waiting", "loading", "retrying", "read", "missing"] = "waiting"
    attempts: int = 0
    reviews: int = 0


class Progress:
    """Pages by address and summaries by product, in order of appearance."""

    def __init__(self) -> None:
        self.pages: dict[str, PageProgress] = {}
        self.summaries: dict[str, Summary] = {}
        self.stopwatch = Stopwatch()
        self._offers: dict[int, Offer] = {}
        self._firings: dict[str, PageProgress] = {}

    def notice(self, event: Event) -> PageProgress | Summary | None:
        """Take the next event into account. Returns what it changed."""
        self.stopwatch.notice(event)
        match event:
            case Claimed(firing_id=firing, taken=[token]) if token in self._offers:
                page = self._firings[firing] = self.pages[self._offers.pop(token).href]
                page.state, page.attempts = "loading", 1
                return page
            case Retried(firing_id=firing) if firing in self._firings:
                page = self._firings[firing]
                page.state, page.attempts = "retrying", page.attempts + 1
                return page
            case Put(tokens=tokens) | Emitted(outputs=tokens) | Ended(outputs=tokens):
                return self._arrived(tokens)
        return None

    def count(self, state: str, *, retried: bool | None = None) -> int:
        """Pages in a state; with `retried`, only those that were (or were not) asked for more than once."""
        return sum(
            page.state == state and (retried is None or retried == (page.attempts > 1))
            for page in self.pages.values()
        )

    def _arrived(self, tokens: Iterable[Token]) -> PageProgress | Summary | None:
        changed: PageProgress | Summary | None = None
        for token in tokens:
            match token.value:
                case Offer() as offer:
                    self._offers[token.id] = offer
                    self.pages.setdefault(offer.href, PageProgress(offer))
                case ShopPage() as read:
                    changed = page = self.pages[read.offer.href]
                    page.state = "read" if read.missing is None else "missing"
                    page.reviews = len(read.reviews)
                case Summary() as changed:
                    self.summaries[changed.product] = changed
        return changed
