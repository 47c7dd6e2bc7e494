"""Reads one word as an element, an oxide, an isotope, or an element with its X-ray line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from napari_mineral_anomaly.scan.names.periodic_table import ATOMIC_NUMBER, NEVER_MAPPED
from napari_mineral_anomaly.scan.names.vocabulary import SECONDARY_ELECTRONS

_TRANSITION = "a|b|g|A|B|G|alpha|beta|gamma|α|β|γ"
_LINE = re.compile(rf"([KLM])({_TRANSITION})?(\d)?")
# Only behind an element, where it is no lanthanum in lower case.
_LINE_IN_LOWER_CASE = re.compile(r"([klm])(a|b|g)(\d)?")
_JOINED_LINE = re.compile(
    rf"([A-Za-z]{{2}})([KLM](?:(?:{_TRANSITION})\d?)?)|([A-Za-z])([KLM](?:{_TRANSITION})\d?)"
)
# One letter and a shell: only among other joined names, and only shells that such maps show.
_JOINED_LETTER = re.compile(r"([BCNOFPSKVYI])K|([VYIWU])L|([WU])M")
_OXIDE = re.compile(r"([A-Z][a-z]?)(\d{0,2})O(\d{0,2})(T|t|tot)?")
_OXIDE_ANY_CASE = re.compile(r"([A-Z]{1,2})(\d{0,2})O(\d{0,2})(T|TOT)?", re.IGNORECASE)
_MASS = re.compile(r"([A-Za-z]{1,2})(\d{1,3})|(\d{1,3})([A-Za-z]{1,2})")
_GREEK = {"α": "a", "β": "b", "γ": "g"}


@dataclass(frozen=True)
class Word:
    """A word read as an element.

    Attributes
    ----------
    element, line, oxide, label
        As in `ParsedName`.
    is_joined : bool
        Whether the line is joined to the symbol: "FeK".
    is_joined_letter : bool
        Whether the word is one letter and a shell: "PK", a word of its own in other names.
    """

    element: str
    label: str
    line: str | None = None
    oxide: str | None = None
    is_joined: bool = False
    is_joined_letter: bool = False


def read_word(word: str, *, any_case: bool) -> Word | None:
    """The element in one word, or None; ``any_case`` takes FE and fe for Fe."""
    if any_case and (word == SECONDARY_ELECTRONS or not (word.isupper() or word.islower())):
        return None
    if symbol := symbol_of(word, any_case=any_case):
        return Word(symbol, symbol)
    if oxide := _oxide(word, any_case=any_case):
        return Word(oxide[0], word, oxide=oxide[1])
    if match := _JOINED_LINE.fullmatch(word):
        symbol = symbol_of(match[1] or match[3], any_case=any_case)
        line = line_of(match[2] or match[4])
        if symbol and line:
            return Word(symbol, f"{symbol} {line}", line, is_joined=True)
    if match := _JOINED_LETTER.fullmatch(word):
        symbol, line = word[0], word[1]
        return Word(symbol, f"{symbol} {line}", line, is_joined=True, is_joined_letter=True)
    if match := _MASS.fullmatch(word):
        symbol = symbol_of(match[1] or match[4], any_case=any_case)
        if symbol and is_isotope(symbol, int(match[2] or match[3])):
            return Word(symbol, word)
    return None


def symbol_of(word: str, *, any_case: bool = False) -> str | None:
    """The symbol of an element that maps may show; None for other words."""
    symbol = word.capitalize() if any_case else word
    return symbol if symbol in ATOMIC_NUMBER and symbol not in NEVER_MAPPED else None


def line_of(word: str, *, behind_element: bool = False) -> str | None:
    """The X-ray line that a word names ("Kα1" is "Ka1"); None for other words."""
    match = _LINE.fullmatch(word)
    if match is None and behind_element:
        match = _LINE_IN_LOWER_CASE.fullmatch(word)
    if match is None:
        return None
    shell, transition, number = match.groups()
    letter = _GREEK.get(transition, transition[0].lower()) if transition else ""
    return f"{shell.upper()}{letter}{number or ''}"


def _oxide(word: str, *, any_case: bool) -> tuple[str, str] | None:
    match = (_OXIDE_ANY_CASE if any_case else _OXIDE).fullmatch(word)
    if match is None:
        return None
    symbol = match[1].capitalize()
    # Without a number only two-letter metals make an oxide (FeO): CO and NO are file-name words.
    if symbol not in ATOMIC_NUMBER or symbol == "O":
        return None
    if len(symbol) == 1 and not (match[2] or match[3]):
        return None
    return symbol, f"{symbol}{match[2]}O{match[3]}"


def is_isotope(symbol: str, mass: int) -> bool:
    """Whether a mass number is near the valley of stability (`S1` and `No5` are not isotopes).

    Z = A / (1.98 + 0.0155 A^(2/3)), the minimum of the semi-empirical mass formula; natural
    isotopes from boron to uranium lie within 2.5 of it.
    """
    stable = mass / (1.98 + 0.0155 * mass ** (2 / 3))
    return symbol in ATOMIC_NUMBER and mass >= 6 and abs(stable - ATOMIC_NUMBER[symbol]) <= 2.5
