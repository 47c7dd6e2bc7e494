"""Every way to read an element in a name, with the words around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_mineral_anomaly.scan.names.periodic_table import ATOMIC_NUMBER_OF_WORD, SYMBOLS
from napari_mineral_anomaly.scan.names.split_names import SplitName
from napari_mineral_anomaly.scan.names.vocabulary import (
    NEUTRAL_WORDS,
    is_flagged,
    is_word_like,
)
from napari_mineral_anomaly.scan.names.words import Word, line_of, read_word

_TOTAL_OF_OXIDE = frozenset(("T", "t", "tot", "Tot", "total", "Total"))


@dataclass(frozen=True)
class Frame:
    """The words before and after the element in a name; numbers that count names are "#"."""

    before: tuple[str, ...]
    after: tuple[str, ...]

    @classmethod
    def of(cls, before: Sequence[str], after: Sequence[str]) -> Frame:
        """The frame of these words."""
        return cls(
            tuple("#" if word.isdecimal() else word for word in before),
            tuple("#" if word.isdecimal() else word for word in after),
        )

    @property
    def words(self) -> tuple[str, ...]:
        """All words of the frame."""
        return self.before + self.after


@dataclass(frozen=True)
class Reading:
    """One possible element in a name: the words from ``start`` up to ``stop``."""

    element: str
    line: str | None
    oxide: str | None
    label: str
    start: int
    stop: int
    frame: Frame
    word: Word


def readings_of(name: SplitName, *, any_case: bool) -> list[Reading]:
    """Every way to read an element in a name, leftmost first."""
    found = []
    for start, text in enumerate(name.words):
        word = read_word(text, any_case=any_case)
        if word is None:
            continue
        line, label = word.line, word.label
        stop = start + 1
        following = name.words[stop] if stop < len(name.words) else ""
        if word.oxide and following in _TOTAL_OF_OXIDE:
            stop += 1
            label = name.base[name.spans[start][0] : name.spans[stop - 1][1]]
            label += ")" if "(" in label else ""
        elif not word.oxide and line is None and (line := line_of(following, behind_element=True)):
            stop += 1
            label = f"{label} {line}"
        frame = Frame.of(name.words[:start], name.words[stop:])
        found.append(Reading(word.element, line, word.oxide, label, start, stop, frame, word))
    return found


def opens_phrase(one: Reading, name: SplitName) -> bool:
    """Whether a symbol that is also a word begins a phrase: "As Is", "In situ", "I current"."""
    following = name.words[one.stop] if one.stop < len(name.words) else ""
    return (
        one.start == 0
        and one.label == one.element
        and is_word_like(one.element)
        and len(following) > 1
        and following.isalpha()
        and following.casefold() not in NEUTRAL_WORDS
        and not is_flagged(following)
        and read_word(following, any_case=False) is None
        and (len(one.element) > 1 or name.base[name.spans[0][1]] == " ")
    )


def may_be_meant(one: Reading, name: SplitName) -> bool:
    """Whether a name of no set may mean this element: a word-like symbol only as its last word."""
    return not is_word_like(one.element) or one.line is not None or one.stop == len(name.words)


def spelled_out(name: SplitName) -> list[Reading]:
    """The reading of a name that is only the name of an element ("Iron", "Iron Ka1", "Eisen").

    "Lead time" and "Tin can" are other words. "Gold K" among "Gold Ca" and "Gold Fe" is potassium
    in a sample called Gold; so this is one more reading, and the frames decide.
    """
    first, second = (*name.words, "", "")[:2]
    z = ATOMIC_NUMBER_OF_WORD.get(first.casefold())
    line = line_of(second)
    if z is None or len(name.words) > 2 or (second and line is None):
        return []
    symbol = SYMBOLS[z - 1]
    label = f"{symbol} {line}" if line else symbol
    word = Word(symbol, label, line)
    return [Reading(symbol, line, None, label, 0, len(name.words), Frame((), ()), word)]
