"""What a report says, as values: its pages in HTML and in PDF are made from the same blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Title:
    """The name of the report, and a line below it."""

    text: str
    subtitle: str


@dataclass(frozen=True)
class Heading:
    """A heading; ``new_page`` begins a page with it on paper."""

    text: str
    new_page: bool = False


@dataclass(frozen=True)
class Text:
    """A paragraph: "lead" is large, "small" explains, "plain" is neither."""

    text: str
    kind: str = "plain"


@dataclass(frozen=True)
class Warnings:
    """Sentences that the reader must see."""

    texts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Picture:
    """A PNG with its description; ``width`` is its share of the page on paper."""

    png: bytes
    text: str
    width: float = 1.0


@dataclass(frozen=True, eq=False)
class Table:
    """A table.

    Attributes
    ----------
    name : str
        For readers who do not see it.
    header, rows
        Texts or numbers.
    numbers : tuple of int
        Columns that are set flush right, counted from 0.
    line : (int, str), optional
        A row count and a text, which stands in a row of its own after so many rows.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    numbers: tuple[int, ...] = ()
    line: tuple[int, str] | None = None


@dataclass(frozen=True, eq=False)
class KeyValues:
    """Pairs of a name and a value."""

    name: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Grain:
    """The evidence on one grain; it is not split between pages."""

    heading: str
    facts: tuple[tuple[str, str], ...]
    sentences: tuple[str, ...]
    picture: Picture | None


Block = Title | Heading | Text | Warnings | Picture | Table | KeyValues | Grain
