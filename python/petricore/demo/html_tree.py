"""A tree of HTML elements, on the standard library's tokenizer: enough for product pages as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["Element", "parse_html"]

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
# An opening tag ends these open elements, whose end tags HTML lets authors leave out.
_IMPLIED_END = {
    "td": {"td", "th"},
    "th": {"td", "th"},
    "tr": {"td", "th", "tr"},
    "li": {"li"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
    "p": {"p"},
}


@dataclass(slots=True)
class Element:
    """An element, its attributes and its content in document order."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    content: list[Element | str] = field(default_factory=list)

    def all(self, tag: str | None = None, **attributes: str) -> Iterator[Element]:
        """The descendants with this tag and these attributes, in document order.

        In a name `_` stands for `-`, and a final one for nothing; `class_` is one class of several.
        """
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        for child in self.content:
            if isinstance(child, Element):
                if tag in (None, child.tag) and all(child._has(*item) for item in wanted.items()):
                    yield child
                yield from child.all(tag, **attributes)

    def first(self, tag: str | None = None, **attributes: str) -> Element | None:
        """The first of `all`."""
        return next(self.all(tag, **attributes), None)

    def one(self, tag: str | None = None, **attributes: str) -> Element:
        """The first of `all`.

        Raises:
            ValueError: there is none.
        """
        found = self.first(tag, **attributes)
        if found is None:
            raise ValueError(f"<{self.tag}> has no <{tag or '*'}> with {attributes}")
        return found

    def text(self, *without: str) -> str:
        """The text of the element, white space collapsed, leaving out elements with a tag in `without`."""
        return " ".join("".join(self._texts(without)).split())

    def _texts(self, without: tuple[str, ...]) -> Iterator[str]:
        for child in self.content:
            if isinstance(child, str):
                yield child
            elif child.tag == "br":
                yield "\n"
            elif child.tag not in without:
                yield from child._texts(without)

    def _has(self, name: str, value: str) -> bool:
        found = self.attributes.get(name)
        return found is not None and (value in found.split() if name == "class" else value == found)


class _TreeBuilder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("#document")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        while self._open[-1].tag in _IMPLIED_END.get(tag, ()):
            self._open.pop()
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].content.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth].tag == tag:
                del self._open[depth:]
                return

    def handle_data(self, data: str) -> None:
        self._open[-1].content.append(data)


def parse_html(document: str) -> Element:
    """The tree of `document`; its root is an element `#document`. Comments are left out. Costs O(length)."""
    builder = _TreeBuilder()
    builder.feed(document)
    builder.close()
    return builder.root
