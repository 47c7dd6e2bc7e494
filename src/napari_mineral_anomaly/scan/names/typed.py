"""The name that a user types for a map: an element, with its line, or a word to leave it out."""

from __future__ import annotations

import re

from napari_mineral_anomaly.scan.names.map_names import ParsedName, parse_names
from napari_mineral_anomaly.scan.names.periodic_table import SYMBOLS

LEAVE_OUT = frozenset(("-", "ignore"))
BY_NAME = "auto"
# Shown beside the maps, never analysed.
AS_CONTEXT = "context"
# A symbol, and what tells it from other maps of the element: "Fe2+", "Fe (II)", "Fe_b".
_SYMBOL_AND_MORE = re.compile(r"([A-Z][a-z]?)(?:[^A-Za-z]+(?:[IVX]{1,3}|[A-Za-z])?[^A-Za-z]*)?")


def typed_name(text: str) -> ParsedName | None:
    """The map name in what a user typed: "Fe", "fe ka", "Iron", "SiO2", "Dy163", "Fe2+".

    Returns
    -------
    ParsedName or None
        With role "element"; None where the text names no element.
    """
    typed = " ".join(text.split())
    for candidate in dict.fromkeys((typed, typed[:1].upper() + typed[1:])):
        [entry] = parse_names([candidate])
        if entry.role == "element" and not entry.sample:
            return entry
        match = _SYMBOL_AND_MORE.fullmatch(candidate)
        if match and match[1] in SYMBOLS:
            return ParsedName(text, "element", candidate, match[1])
    return None


def is_element_or_word(text: str) -> bool:
    """Whether a user may type this for a map."""
    typed = text.strip()
    return is_word(typed) or typed_name(typed) is not None


def is_word(text: str) -> bool:
    """Whether this is one of the words that may stand in place of an element."""
    return text.strip().casefold() in LEAVE_OUT | {BY_NAME, AS_CONTEXT}
