"""The sign between the columns of a text, and lines cut into fields; quoted fields stay whole."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from napari_mineral_anomaly.io.formats.text.numbers import is_number

_SURE = (";", "\t", "|")
# A few lines, and of each a few fields, are enough to tell; our choice.
_SAMPLE, _FIELDS = 20, 20
# Fewer fields with decimals of their own may be so by chance; our choice.
_FEWEST_HALVES = 8
# A blank between thousands, in a text whose columns stand between blanks.
_BLANK_IN_NUMBER = re.compile("(?<=\\d)[\u00a0\u2007\u2009\u202f](?=\\d{3}(?!\\d))")
_NAMES = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas", None: "blanks"}


def separator_of(lines: Sequence[str]) -> str | None:
    """The sign between the columns, from lines in the second half of a text; None means blanks.

    Headings stand above, and a comma may be a decimal sign. So each sign is tried on a few lines,
    and the one is taken that gives the same number of fields in every line, most of them numbers.
    """
    middle = len(lines) // 2
    sample = [line for line in lines[middle : middle + _SAMPLE] if line.strip()]
    scores = {sign: _score(sample, sign) for sign in (*_SURE, ",", None)}
    best = max(scores.values())
    if not best:  # no numbers at all: a heading
        return next((s for s in (*_SURE, ",") if sample and s in sample[0]), None)
    return next(sign for sign, score in scores.items() if score == best)


def _score(lines: Sequence[str], separator: str | None) -> float:
    """The share of the lines that have one number of fields, times the share of numbers in them."""
    if separator is not None and not any(separator in line for line in lines):
        return 0.0
    rows = [fields_of(line, separator) for line in lines]
    n_fields, agree = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
    if n_fields < 2:
        return 0.0
    fields = [field for row in rows for field in row[:_FIELDS]]
    points = 0.0
    for field in fields:
        if is_number(field.rstrip("% ")):
            # "5 2" between commas and "1," between blanks are rather two fields.
            is_joint = separator in (",", None) and (" " in field or field.endswith(","))
            points += 0.5 if is_joint else 1.0
    return round(agree / len(rows) * points / len(fields), 3)


def fields_of(line: str, separator: str | None) -> list[str]:
    """The fields of one line, without quotes and without blanks around them."""
    return [field.strip() for row in rows_of([line], separator) for field in row] or [""]


def rows_of(lines: Iterable[str], separator: str | None) -> Iterator[list[str]]:
    """The fields of each line; a separator between quotes is part of a field."""
    lines = list(lines)
    if separator is None:
        lines = [_with_single_blanks(line) for line in lines]
    if not any('"' in line for line in lines):
        # The module csv takes no field above 131 072 characters.
        return (line.split(separator or " ") for line in lines)
    return csv.reader(lines, delimiter=separator or " ", skipinitialspace=True)


def commas_in_numbers(lines: Sequence[str]) -> str:
    """The first line of a text whose commas stand between numbers and in them; "" for others.

    A program may write 500,33 and 41,07 with commas between the numbers, without quotes:
    "500,33,41,07". Then every second field holds decimals: it has the same number of digits in all
    lines, with zeros in front, or one digit beside numbers of two and more.
    """
    sample = lines[:_SAMPLE]
    rows = [fields_of(line, ",") for line in sample]
    if not rows or len(rows[0]) < _FEWEST_HALVES or len(rows[0]) % 2:
        return ""
    fields = [field for row in rows for field in row]
    if not all(map(str.isdigit, fields)) or len({len(row) for row in rows}) != 1:
        return ""
    whole, behind = ([field for row in rows for field in row[k::2]] for k in (0, 1))
    digits = {len(field) for field in behind}
    has_zeros = any(field[0] == "0" for field in behind)
    is_padded = any(field[0] == "0" and len(field) > 1 for field in whole)
    if len(digits) != 1 or is_padded:
        return ""
    if digits == {1}:
        return sample[0] if min(map(len, whole)) > 1 and len(set(behind)) > 1 else ""
    return sample[0] if has_zeros else ""


def _with_single_blanks(line: str) -> str:
    if not line.isascii():
        line = _BLANK_IN_NUMBER.sub("'", line)
    return " ".join(line.split())


def separator_words(separator: str | None) -> str:
    """The separator in words: "columns between semicolons"."""
    return f"columns between {_NAMES[separator]}"


def without_trailing_separators(lines: list[str], separator: str | None) -> list[str]:
    """Drop the empty last column of files that end every line with a separator."""
    if separator is None:
        return lines
    while lines and all(line.rstrip(" ").endswith(separator) for line in lines):
        lines = [line.rstrip(" ")[: -len(separator)] for line in lines]
    return lines
