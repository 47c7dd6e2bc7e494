"""What stands around the numbers of a matrix: headings, comments, names of rows, sums below."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.text.encoding import Text
from napari_mineral_anomaly.io.formats.text.numbers import cleaned, is_number, special
from napari_mineral_anomaly.io.formats.text.separator import fields_of
from napari_mineral_anomaly.io.formats.text.tables.heading import COMMENTS
from napari_mineral_anomaly.words import listed

_TOTALS = frozenset(
    ("sum", "total", "totals", "average", "mean", "median", "min", "max", "std", "stdev", "avg")
)
_TWO_NUMBERS = re.compile(r"\s*(\d+)\s*[\s,;]\s*(\d+)\s*")
_SHOWN = 40
# A stage does not stop exactly at its positions.
_JITTER = 0.35


@dataclass(frozen=True)
class Frame:
    """The lines of numbers and what stands around them.

    Attributes
    ----------
    body : list of str
        The lines of numbers.
    first_line : int
        Number of the first of them in the file, from 1.
    line_step : int
        As in `Text`.
    names : tuple of str
        The fields of the line just above, where it has several.
    above : str
        All words above the numbers.
    has_row_names : bool
        Whether every line begins with a word.
    notes, steps : tuple of str
        As in `MapFile`.
    """

    body: list[str]
    first_line: int
    line_step: int = 1
    names: tuple[str, ...] = ()
    above: str = ""
    has_row_names: bool = False
    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


def frame_of(file: str, text: Text, separator: str | None) -> Frame:
    """Find the lines of numbers.

    Raises
    ------
    InputError
        When there are none, or when an empty line stands among them.
    """
    lines = text.lines
    middle = fields_of(lines[len(lines) // 2], separator)
    has_row_names = len(middle) > 2 and _is_word(middle[0]) and not any(map(_is_word, middle[1:]))
    skipped = int(has_row_names)
    start = 0
    while start < len(lines) and _is_heading(lines[start], separator, skipped, len(middle)):
        start += 1
    if start == len(lines):
        only = "only" if len(lines) == 1 else "first"
        plain = " plain" if any(map(str.isdigit, lines[0])) else ""
        raise InputError(
            f"{file} holds no{plain} numbers: its {only} line is {lines[0].strip()[:_SHOWN]!r}."
        )
    start += _declares_sizes(lines[start:], separator)
    stop = len(lines)
    while stop > start + 1 and _is_footer(lines[stop - 1], separator, len(middle)):
        stop -= 1
    body = lines[start:stop]
    empty = next((i for i, line in enumerate(body) if not line.strip()), None)
    if empty is not None:
        raise InputError(
            f"{file} is not a matrix: line {text.first_line + (start + empty) * text.line_step} "
            "is empty, so it may hold two maps."
        )
    names = fields_of(lines[start - 1].lstrip("#%/! "), separator) if start else []
    steps: tuple[str, ...] = ()
    if has_row_names:
        steps = ("the first column holds words and is left out",)
        names = names[1:] if len(names) == len(middle) else names
    return Frame(
        body,
        text.first_line + start * text.line_step,
        text.line_step,
        tuple(names) if len(names) > 1 else (),
        " ".join(lines[:start]),
        has_row_names,
        tuple(_notes(lines[:start], lines[stop:])),
        steps,
    )


def _notes(above: Sequence[str], below: Sequence[str]) -> list[str]:
    notes = []
    shown = [repr(line.strip()[:_SHOWN]) for line in above if line.strip()]
    if len(shown) == 1:
        notes.append(f"the first line is a heading and is left out ({shown[0]})")
    elif shown:
        notes.append(
            f"the first {len(above)} lines are headings and are left out ({listed(shown, 2)})"
        )
    shown = [repr(line.strip()[:_SHOWN]) for line in below if line.strip()]
    if shown:
        lines = "last line is" if len(below) == 1 else f"last {len(below)} lines are"
        notes.append(f"the {lines} left out ({listed(shown, 2)})")
    return notes


def _is_heading(line: str, separator: str | None, skipped: int, width: int) -> bool:
    """Whether a line above the numbers is none of them.

    A line as long as the others that holds a few words is a row of the map with something odd in
    it, and is refused later with its place; but numbers in even steps behind a word are positions.
    """
    if _is_comment(line):
        return True
    fields = fields_of(line, separator)
    is_row = len(fields) == width and not (_is_word(fields[0]) and _counts(fields[1:]))
    fields = fields[skipped:]
    words = sum(map(_is_word, fields))
    has_number = any(field and is_number(field) for field in fields)
    if words:
        return not is_row or not has_number or 2 * words > len(fields)
    return not has_number and not any(map(str.isdigit, line)) and not _is_empty_row(fields)


def _counts(fields: Sequence[str]) -> bool:
    """Whether all fields are numbers, in even steps."""
    if not all(map(is_number, fields)):
        return False
    numbers = [_plain(field) for field in fields]
    steps = [b - a for a, b in pairwise(numbers)]
    middle = sum(steps) / max(len(steps), 1)
    return all(abs(step - middle) <= _JITTER * abs(middle) for step in steps)


def _plain(field: str) -> float:
    try:
        return float(cleaned(field).replace(",", "."))
    except ValueError:
        return float("nan")


def _is_empty_row(fields: Sequence[str]) -> bool:
    return len(fields) > 1 and not any(fields)


def _is_comment(line: str) -> bool:
    text = line.lstrip()
    return text.startswith(COMMENTS) and special(cleaned(text.split(",")[0].split()[0])) is None


def _is_footer(line: str, separator: str | None, width: int) -> bool:
    if not line.strip() or _is_comment(line):
        return True
    fields = fields_of(line, separator)
    first = cleaned(fields[0])
    if first.casefold().rstrip(":") in _TOTALS:
        return True
    return _is_word(first) and not any(map(is_number, filter(None, fields)))


def _is_word(field: str) -> bool:
    return any(map(str.isalpha, field)) and not is_number(field)


def _declares_sizes(lines: Sequence[str], separator: str | None) -> int:
    """1 where the first line holds just the numbers of rows and columns below it, else 0."""
    first = _TWO_NUMBERS.fullmatch(lines[0])
    if first is None or len(lines) < 2:
        return 0
    shape = [len(lines) - 1, len(fields_of(lines[1], separator))]
    return int(sorted(map(int, first.groups())) == sorted(shape) and shape[1] != 2)
