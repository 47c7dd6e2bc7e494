"""Cuts a name into words, with the facts that do not depend on the other names of its set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from napari_mineral_anomaly.scan.names.vocabulary import NEVER_ELEMENTS
from napari_mineral_anomaly.scan.names.words import line_of, read_word, symbol_of

_USUAL_ENDINGS = frozenset(
    (
        *(".ome", ".tif", ".tiff", ".txt", ".csv", ".tsv", ".dat", ".asc", ".gz", ".mat", ".npy"),
        *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".md", ".json", ".edf"),
    )
)
_WORD = re.compile(r"[^\s_\-.(),+;:\[\]/=&*÷]+")
# The marks Windows, macOS and browsers put on the second copy of a file.
_COPY = re.compile(r"[\s_-]*\(\d+\)$|[\s_-]+(?:copy|kopie|copie)(?:\s*\(?\d+\)?)?$", re.IGNORECASE)
# Two lines in one window, as Oxford and Bruker write them: "Kα1,2", "Lα1_2".
_BOTH_LINES = re.compile(r"(?<=[KLM][abαβ])1,\s?2(?!\d)|(?<=[LM][abαβ])1[_ ]2(?!\d)")
# s(Fe), σ(Fe), u(Fe), and w(Fe) as fit programs write uncertainties and mass fractions.
_FUNCTION = re.compile(r"(?:^|[\s_\-.])([suσw])\(\s*(?=[A-Za-z])")
_PLUS_MINUS = re.compile(r"±|\+\s?/\s?-|\+-")


@dataclass(frozen=True)
class SplitName:
    """A name cut into words.

    Attributes
    ----------
    name : str
        As given.
    base : str
        Without endings and copy mark.
    words : tuple of str
    spans : tuple of (int, int)
        Where the words stand in ``base``.
    is_copy, is_uncertainty, is_fraction : bool
        What the marks of the name say: " (1)", "s(Fe)" or "sFe_K", "w(Fe)" or "wFe_K".
    """

    name: str
    base: str
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    is_copy: bool
    is_uncertainty: bool
    is_fraction: bool

    @property
    def is_barred(self) -> bool:
        """Whether the name cannot be that of an element map, whatever the others say."""
        return self.is_uncertainty or any(word.casefold() in NEVER_ELEMENTS for word in self.words)


def split_name(name: str, endings: Iterable[str] = ()) -> SplitName:
    """Cut a name into words; ``endings`` (".tif") are no part of it."""
    lines = name.strip().splitlines()  # ImageJ labels carry more lines after the name
    base = _without_endings(lines[0] if lines else "", frozenset(endings) | _USUAL_ENDINGS)
    without_copy = _COPY.sub("", base)
    is_copy = without_copy != base
    text = _BOTH_LINES.sub("", without_copy)
    marks = {match[1] for match in _FUNCTION.finditer(text)}
    text = _FUNCTION.sub(lambda m: m[0] if m[1] != "w" else f"{m[0][:-2]}(", text)
    text, prefix = _without_prefix(text)
    found = list(_WORD.finditer(text))
    return SplitName(
        name,
        text,
        tuple(match.group() for match in found),
        tuple(match.span() for match in found),
        is_copy=is_copy,
        is_uncertainty=bool(marks & set("suσ") or prefix == "s" or _PLUS_MINUS.search(text)),
        is_fraction="w" in marks or prefix == "w",
    )


def _without_prefix(text: str) -> tuple[str, str]:
    """The name without the "s" or "w" that PyMca joins to the element ("scan_wCa_K"), and that.

    In "sB_Fe" the element is iron: then B is no element, and s is no mark.
    """
    found = list(_WORD.finditer(text))
    words = [match.group() for match in found]
    for i, word in enumerate(words):
        if word[0] not in "sw" or not _is_element(word[1:]):
            continue
        rest = words[i + 1 :]
        if rest and line_of(rest[0]) is not None:
            rest = rest[1:]
        if any(_is_element(other) for other in (*words[:i], *rest)):
            continue
        start = found[i].start()
        return text[:start] + text[start + 1 :], word[0]
    return text, ""


def _is_element(word: str) -> bool:
    return symbol_of(word) is not None or read_word(word, any_case=False) is not None


def _without_endings(name: str, endings: frozenset[str]) -> str:
    """The name before its endings: "Fe" for "Fe.ome.tif"."""
    base, dot, last = name.rpartition(".")
    while dot and (dot + last).lower() in endings:
        name = base
        base, dot, last = name.rpartition(".")
    return name
