"""How numbers are written: decimal and thousands signs, and words in the place of a number.

The signs are decided once for a whole file: of all ways to write numbers (`STYLES`) those stay that
fit every number of the file. Where two ways stay that give different numbers, the file is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from napari_mineral_anomaly.errors import InputError

MISSING = frozenset(
    (
        *("", "nan", "-nan", "na", "n/a", "n.a.", "#n/a", "null", "none", "<na>", "nan(ind)"),
        *("-nan(ind)", "1.#qnan", "-1.#qnan", "1.#ind", "-1.#ind", "1.#snan", "nan(snan)"),
    )
)
_INFINITE = {"1.#inf": "inf", "-1.#inf": "-inf", "∞": "inf", "-∞": "-inf"}
_INFINITE_WORDS = frozenset(("inf", "infinity"))
_BELOW = re.compile(
    r"[<≤]\s*(?:[\d.,]+(?:e[+-]?\d+)?|lod|loq|m?dl|ll?d|d\.\s?l\.|detection limit|limit)"
    r"|b\.?\s?d\.?(?:\s?l\.?)?|b\.?lod|bql|n\.?\s?d\.?|n/d|lod|below detection(?: limit)?",
    re.IGNORECASE,
)
_SHEET_ERRORS = frozenset(
    (
        *("#div/0!", "#value!", "#num!", "#ref!", "#name?", "#null!", "#spill!", "#calc!"),
        *("#wert!", "#zahl!", "#bezug!", "#nv", "#valeur!", "#nombre!", "#nom?", "#nul!"),
        *("#div/0 !", "#valeur !", "#nombre !", "#ref !", "#nul !"),
    )
)
_CALC_ERROR = re.compile(r"err:5\d\d")  # LibreOffice
_DASHES = frozenset(("-", "--", "---", "–", "—", "."))
BELOW_DETECTION, SHEET_ERROR, DASH = "below detection", "errors of a spreadsheet", "dashes"

# Blanks that a program writes between thousands, apostrophes, and signs of minus.
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("\u00a0\u2007\u2009\u202f", " "),
        **dict.fromkeys("’‘ʼ`´", "'"),
        **dict.fromkeys("−‐", "-"),
    }
)
UNUSUAL_SIGNS = "\u00a0\u2007\u2009\u202f’‘ʼ`´−‐'"
_SIGN_WORDS = {
    ".": "points",
    ",": "commas",
    "'": "apostrophes",
    " ": "blanks",
}


@dataclass(frozen=True)
class NumberStyle:
    """A way to write numbers.

    Attributes
    ----------
    decimal : str
        "." or ",".
    thousands : str
        ",", ".", "'", " ", or "" for none.
    """

    decimal: str = "."
    thousands: str = ""

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        d, t = re.escape(self.decimal), re.escape(self.thousands)
        plain = rf"[+-]?(?:\d+(?:{d}\d*)?|{d}\d+)(?:[eEdD][+-]?\d+)?"
        grouped = rf"|[+-]?[1-9]\d{{0,2}}(?:{t}\d{{3}})+(?:{d}\d*)?" if t else ""
        return re.compile(plain + grouped, re.ASCII)

    def fits(self, text: str) -> bool:
        """Whether a text is a number in this style."""
        return self._pattern.fullmatch(text) is not None

    def number(self, text: str) -> float:
        """The number that a text stands for.

        Raises
        ------
        ValueError
        """
        if not self.fits(text):
            raise ValueError(text)
        if self.thousands:
            text = text.replace(self.thousands, "")
        if self.decimal != ".":
            text = text.replace(self.decimal, ".")
        return float(text.replace("d", "e").replace("D", "e"))


STYLES = tuple(
    NumberStyle(decimal, thousands)
    for thousands in ("", ",", ".", "'", " ")
    for decimal in ".,"
    if decimal != thousands
)

DECIMAL_POINT = tuple(style for style in STYLES if style.decimal == ".")


def cleaned(text: str) -> str:
    """A field without quotes and blanks around it, with plain signs for unusual ones."""
    text = text.strip().strip("\"'").strip()
    return text if text.isascii() else text.translate(_SIGNS).strip()


def special(text: str) -> tuple[float, str] | None:
    """The value of a word in the place of a number, and what it says; None for other text.

    The second is "" for words that only say "missing"; those are no news to the user.
    """
    word = text.casefold()
    if word in MISSING:
        return float("nan"), ""
    if word.lstrip("+-") in _INFINITE_WORDS:
        return float(word), ""
    if word in _INFINITE:
        return float(_INFINITE[word]), ""
    if word in _SHEET_ERRORS or _CALC_ERROR.fullmatch(word):
        return float("nan"), SHEET_ERROR
    if word in _DASHES:
        return float("nan"), DASH
    if _BELOW.fullmatch(word):
        return float("nan"), BELOW_DETECTION
    return None


def is_number(text: str) -> bool:
    """Whether a field is a number in any style, or a word that stands for one."""
    if text.isdigit():
        return True
    text = cleaned(text)
    if STYLES[0].fits(text) or special(text) is not None:
        return True
    return _may_be_number(text) and any(style.fits(text) for style in STYLES[1:])


def style_of(
    file: str, columns: Iterable[Collection[str]], possible: Sequence[NumberStyle] = STYLES
) -> NumberStyle:
    """The one way in which a file writes its numbers.

    "1,234" alone may be 1234 or 1.234. It is 1234 where the file holds 1,234,567 or 1,234.5, and
    1.234 where it holds 12,5. Else it is 1234 only where the same column also holds whole numbers
    below 1000 and some number ends in 0 ("3,070" beside "520"): a program that writes 3.07 with
    three decimals writes 520.000, too. Points are decided in the same way; but where a column holds
    no whole numbers beside them, they mark decimals.

    Parameters
    ----------
    file : str
        Its name, for the sentence.
    columns : iterable of collections of str
        The fields of each column, cleaned.
    possible : sequence of NumberStyle
        The ways that may be.

    Raises
    ------
    InputError
        When no way fits all numbers, or when the commas may mark decimals or thousands.
    """
    columns = list(columns)
    shown: dict[str, str] = {}
    for fields in columns:
        for text in fields:
            if text.isdigit() or not _may_be_number(text):
                continue
            fitting = [style for style in possible if style.fits(text)]
            if not fitting:
                if special(text) or not any(style.fits(text) for style in STYLES):
                    continue
                other = next(
                    one
                    for one in shown.values()
                    if not any(style.fits(text) and style.fits(one) for style in possible)
                )
                raise InputError(
                    f"{file} is ambiguous: it writes {other} and {text}, so its points and commas "
                    "mark neither decimals nor thousands everywhere; export it with a decimal "
                    "point and without a sign for thousands."
                )
            for sign in ",.":
                if sign in text and (sign not in shown or len(fitting) < len(possible)):
                    shown[sign] = text
            possible = fitting
    for sign in ",.":
        if sign in shown and _is_open(sign, possible):
            mixed = [fields for fields in columns if _has_whole_numbers(fields, sign)]
            is_thousands = any(_has_closing_zero(fields, sign) for fields in mixed)
            if not is_thousands and (sign == "," or mixed):
                raise InputError(
                    f"{file} is ambiguous: the {_SIGN_WORDS[sign]} in its numbers may mark "
                    f"decimals or thousands ({shown[sign]}); export it with a decimal point and "
                    "without a sign for thousands."
                )
            possible = [s for s in possible if (s.thousands == sign) == is_thousands]
    return possible[0]


def _may_be_number(text: str) -> bool:
    return any(map(str.isdigit, text))


def _is_open(sign: str, possible: Iterable[NumberStyle]) -> bool:
    """Whether a sign that occurs may mark decimals as well as thousands."""
    return {style.decimal == sign for style in possible} == {True, False}


def _has_whole_numbers(fields: Collection[str], sign: str) -> bool:
    """Whether a column holds numbers such as "1.234" beside whole numbers, all below 1000."""
    whole = {text for text in fields if text.isdigit() and not text.startswith("0")}
    if len(whole) < 3 or any(len(text) > 3 for text in whole):
        return False
    return any(sign in text and is_number(text) for text in fields)


def _has_closing_zero(fields: Collection[str], sign: str) -> bool:
    return any(sign in text and text.endswith("0") and is_number(text) for text in fields)


def style_words(style: NumberStyle, has_decimals: bool) -> str:
    """The style in words: "commas mark decimals, points mark thousands"."""
    words = []
    if has_decimals:
        words.append(f"{_SIGN_WORDS[style.decimal]} mark decimals")
    if style.thousands:
        words.append(f"{_SIGN_WORDS[style.thousands]} mark thousands")
    return ", ".join(words)
