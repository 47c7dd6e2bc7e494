"""The numbers of a text: quickly where it is plain, else field by field."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.text.numbers import (
    BELOW_DETECTION,
    DECIMAL_POINT,
    STYLES,
    UNUSUAL_SIGNS,
    NumberStyle,
    cleaned,
    is_number,
    special,
    style_of,
    style_words,
)
from napari_mineral_anomaly.io.formats.text.separator import separator_words
from napari_mineral_anomaly.words import listed

# A point (comma) that cannot mark thousands: "1.5", "0.123", "1234.567", "1.234567", "1.234E5".
_SURE_POINT = re.compile(r"\.(?!\d{3}(?![\deEdD]))|\.(?<=\D0\.)|\.(?<=\d{4}\.)")
_SURE_COMMA = re.compile(r",(?!\d{3}(?![\deEdD]))|,(?<=\D0,)|,(?<=\d{4},)")
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+")
_WORDS_SHOWN = 3


@dataclass(frozen=True)
class Numbers:
    """Numbers of a text (n, columns), how it writes them, and what was left out, for the report."""

    values: NDArray[np.float64]
    style: NumberStyle
    has_decimals: bool
    may_be_thousands: bool = False
    notes: tuple[str, ...] = ()

    def steps(self, separator: str | None) -> tuple[str, ...]:
        """How the text was understood, in words."""
        words = [separator_words(separator), style_words(self.style, self.has_decimals)]
        return (", ".join(filter(None, words)),)

    def doubts(self, separator: str | None) -> tuple[str, ...]:
        """A note where points may mark thousands: between semicolons, commas mark decimals."""
        if separator != ";" or not self.may_be_thousands:
            return ()
        return (
            "every number has three digits behind a point, which is read as a decimal sign; if it "
            "marks thousands, export the file without it",
        )


def plain_numbers(
    lines: Sequence[str], separator: str | None, where: Sequence[int] | None = None
) -> Numbers | None:
    """The numbers of a plain text; None where it must be read field by field.

    Plain are numbers without any sign for thousands, whose decimal sign is beyond doubt.

    Parameters
    ----------
    lines : sequence of str
    separator : str or None
    where : sequence of int, optional
        The columns to read; default: all.
    """
    text = "\n".join(lines)
    decimal = _plain_decimal(f"\n{text}\n", separator)
    if decimal is None:
        return None
    if decimal == ",":
        lines = text.replace(",", ".").split("\n")
    try:
        values = np.loadtxt(
            lines, delimiter=separator, usecols=where, quotechar='"', comments=None, ndmin=2
        )
    except ValueError:
        return None
    return Numbers(values, NumberStyle(decimal), decimal in text)


def _plain_decimal(text: str, separator: str | None) -> str | None:
    """The decimal sign of a text where it is beyond doubt."""
    if any(sign in text for sign in UNUSUAL_SIGNS):
        return None
    has_points = "." in text
    if separator == ",":
        if '"' in text:
            return None  # there may be a comma between the quotes
    elif "," in text:
        is_sure = not has_points and '"' not in text and _SURE_COMMA.search(text) is not None
        return "," if is_sure else None
    return "." if not has_points or _SURE_POINT.search(text) else None


def careful_numbers(
    file: str,
    columns: Sequence[Sequence[str]],
    wrong: Callable[[int, int, str], InputError],
    is_between_commas: bool = False,
) -> Numbers:
    """The numbers in columns of fields.

    Parameters
    ----------
    file : str
        Its name, for the sentences.
    columns : sequence of sequences of str
        The fields of each column.
    wrong : callable
        The refusal of a field that is no number: takes its row and column, from 0, and the field.
    is_between_commas : bool
        Whether commas separate the columns: then points mark decimals, if no field holds a comma.

    Raises
    ------
    InputError
        When a field is no number, or when the signs of the numbers are ambiguous.
    """
    fields = [list(map(cleaned, column)) for column in columns]
    distinct = [set(column) for column in fields]
    has_commas = any("," in text for column in distinct for text in column)
    points_are_decimal = is_between_commas and not has_commas
    style = style_of(file, distinct, DECIMAL_POINT if points_are_decimal else STYLES)
    values = np.empty((len(fields[0]), len(fields)))
    reasons: dict[str, Counter[str]] = {}
    bad: tuple[int, int] | None = None
    for c, column in enumerate(fields):
        meaning: dict[str, float] = {}
        for text in distinct[c]:
            known = special(text)
            if known is not None:
                meaning[text] = known[0]
                if known[1]:
                    reasons.setdefault(known[1], Counter())[text] += column.count(text)
            elif style.fits(text):
                meaning[text] = style.number(text)
        try:
            values[:, c] = [meaning[text] for text in column]
        except KeyError:
            row = next(i for i, text in enumerate(column) if text not in meaning)
            bad = min(bad, (row, c)) if bad else (row, c)
    if bad is not None:
        raise wrong(*bad, columns[bad[1]][bad[0]].strip())
    has_decimals = any(style.decimal in text for texts in distinct for text in texts)
    is_open = style.decimal == "." and not style.thousands and _is_grouped(distinct)
    return Numbers(values, style, has_decimals, is_open, tuple(_notes(reasons)))


def _is_grouped(columns: Iterable[Collection[str]]) -> bool:
    """Whether points stand in the numbers, and all where a sign for thousands would stand."""
    pointed = [text for column in columns for text in column if "." in text and is_number(text)]
    return bool(pointed) and all(map(_GROUPED.fullmatch, pointed))


def _notes(reasons: dict[str, Counter[str]]) -> Iterable[str]:
    for reason, words in reasons.items():
        shown = listed([f"'{word[:20]}'" for word in words], _WORDS_SHOWN)
        total = words.total()
        are, them = ("is", "it") if total == 1 else ("are", "them")
        note = f"{total} values {are} {reason} ({shown}) and {are} left out as missing"
        note = note.replace("1 values", "1 value", 1) if total == 1 else note
        if reason == BELOW_DETECTION:
            note += f"; write {them} as numbers, for example 0, to keep the pixels in the search"
        yield note
