"""Verdicts that come back from the SEM: a table with the id of a grain, a verdict, a comment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.pixels.regions import PixelSets
from napari_mineral_anomaly.grains.verdicts.book import STATUSES, VerdictBook
from napari_mineral_anomaly.io.spreadsheets import number_in, read_cells
from napari_mineral_anomaly.words import counted, listed

ID, VERDICT, COMMENT, WHO = "id", "verdict", "comment", "who"
_PLACE = ("map_y_px", "map_x_px")
# What people write for what they saw. Spreadsheets turn "true" into the word of their language.
_SEEN = ("true", "yes", "wahr", "ja", "vrai", "oui")
_NOT_SEEN = ("false", "no", "falsch", "nein", "faux", "non")
_WORDS = (
    {status.lower(): status for status in STATUSES}
    | dict.fromkeys(_SEEN, "SEM-true")
    | dict.fromkeys(_NOT_SEEN, "SEM-false")
    | {"accepted": "accept", "rejected": "reject"}
)
_TO_DO = "Lower the threshold, list more grains, or delete the row."
_HYPHENS = str.maketrans("_ –−", "----")


@dataclass(frozen=True)
class ReturnedVerdict:
    """One row: the grain, and what was decided; None keeps what it had."""

    grain: int
    status: str | None
    comment: str | None
    who: str | None = None


@dataclass(frozen=True)
class ReturnedVerdicts:
    """The rows of a table that say something.

    Attributes
    ----------
    verdicts : tuple of ReturnedVerdict
    n_empty : int
        Rows without verdict and comment: grains that were not visited.
    """

    verdicts: tuple[ReturnedVerdict, ...]
    n_empty: int = 0

    @property
    def sentence(self) -> str:
        """What was taken over, for people."""
        kinds = [one.status for one in self.verdicts if one.status]
        counts = [f"{kinds.count(s)} {s}" for s in STATUSES if s in kinds]
        text = f"{counted(len(self.verdicts), 'grain')} taken over"
        text += f": {listed(counts, len(counts))}." if counts else "."
        empty = f" {counted(self.n_empty, 'row')} held no verdict." if self.n_empty else ""
        return text + empty


def holds_returned_verdicts(path: str | Path) -> bool:
    """Whether a file is a CSV or an Excel sheet with the columns id and verdict."""
    path = Path(path)
    if path.suffix.lower() not in (".csv", ".xlsx"):
        return False
    heading = read_cells(path, "table of verdicts", {ID, VERDICT}.issubset).heading
    return {ID, VERDICT} <= set(heading)


def read_returned_verdicts(path: str | Path, labels: NDArray[Any]) -> ReturnedVerdicts:
    """Read a table of verdicts by the ids of grains, such as an SEM list that was filled in.

    Parameters
    ----------
    path : path
        A CSV of any spreadsheet, or an Excel sheet, with the columns ``id`` and ``verdict``;
        ``comment`` and ``who`` are optional. A verdict is one of `STATUSES`, or true, yes, false
        or no for what the SEM showed, in English, German or French; capital letters do not matter.
        With ``map_x_px`` and ``map_y_px``, as in an SEM list, the grain at that place is meant: ids
        change with the threshold. Rows without verdict and comment are counted, and may mean
        grains that are not there now. Two rows may mean one grain if they agree.
    labels : (H, W)
        The grains as they are now.

    Raises
    ------
    InputError
        When the file cannot be read, names a grain or a verdict that there is not, or holds two
        verdicts on one grain.
    """
    path = Path(path)
    cells = read_cells(path, "table of verdicts", {ID, VERDICT}.issubset)
    missing = [name for name in (ID, VERDICT) if name not in cells.heading]
    if missing:
        raise InputError(f"{path.name} lacks the column {', '.join(missing)}.")
    found: dict[int, ReturnedVerdict] = {}
    lines: dict[int, int] = {}
    n_empty, ids = 0, frozenset(np.unique(labels).tolist()) - {0}
    for line, row in cells.rows:
        said, comment = row.get(VERDICT, "").strip(), row.get(COMMENT, "").strip()
        if not said and not comment:
            n_empty += 1
            continue
        where = f"{path.name}, line {line}"
        status = _status(said, where)
        grain = _grain(row, labels, ids, where)
        one = ReturnedVerdict(grain, status, comment or None, row.get(WHO, "").strip() or None)
        if grain in found:
            one = _both(found[grain], one, f"{path.name}, lines {lines[grain]} and {line}")
        found[grain] = one
        lines.setdefault(grain, line)
    if not any(one.status for one in found.values()):
        raise InputError(f"{path.name} holds no verdict: fill in the column “{VERDICT}”.")
    return ReturnedVerdicts(tuple(found.values()), n_empty)


def with_returned(
    book: VerdictBook, returned: ReturnedVerdicts, labels: NDArray[Any]
) -> VerdictBook:
    """The book with the verdicts of a table; those on other grains stay."""
    pixels = PixelSets.of_labels(labels)
    known = book.of_grains(labels)
    for one in returned.verdicts:
        before = known.get(one.grain)
        same_status = one.status is None or (before is not None and before.status == one.status)
        if same_status and before is not None and one.comment in (None, before.comment):
            continue
        book = book.decide(
            labels,
            [one.grain],
            status=one.status,
            comment=one.comment,
            who=one.who,
            known=known,
            pixels=pixels,
        )
    return book


def _status(said: str, where: str) -> str | None:
    """The status that a word means; None for an empty cell."""
    if not said:
        return None
    status = _WORDS.get(said.lower().translate(_HYPHENS))
    if status is None:
        raise InputError(
            f"{where}: the verdict {said!r} is unknown; known are {', '.join(STATUSES)}, yes and "
            "no."
        )
    return status


def _both(first: ReturnedVerdict, second: ReturnedVerdict, where: str) -> ReturnedVerdict:
    """What two rows say about one grain: grains of a list may have become one since."""
    statuses = dict.fromkeys(one.status for one in (first, second) if one.status)
    if len(statuses) > 1:
        raise InputError(
            f"{where} mean the same grain now, with different verdicts: {' and '.join(statuses)}."
        )
    comments = dict.fromkeys(one.comment for one in (first, second) if one.comment)
    return replace(
        first,
        status=next(iter(statuses), None),
        comment="; ".join(comments) or None,
        who=first.who or second.who,
    )


def _grain(row: dict[str, str], labels: NDArray[Any], ids: frozenset[int], where: str) -> int:
    """The grain that a row means."""
    try:
        number = number_in(row.get(ID, ""))
        if not number.is_integer():
            raise ValueError(f"the id {row[ID].strip()!r}: it is no whole number")
        has_place = all(row.get(key, "").strip() for key in _PLACE)
        place = tuple(round(number_in(row[key])) for key in _PLACE) if has_place else None
    except ValueError as error:
        raise InputError(f"{where}: cannot use {error}.") from None
    by_id = int(number)
    if place is None:
        if by_id not in ids:
            raise InputError(f"{where}: the list has no grain {by_id} now. {_TO_DO}")
        return by_id
    y, x = place
    if not (0 <= y < labels.shape[0] and 0 <= x < labels.shape[1]):
        raise InputError(f"{where}: the place of grain {by_id} is outside this map.")
    at_place = int(labels[y, x])
    if not at_place:
        raise InputError(f"{where}: where grain {by_id} was, the list has no grain now. {_TO_DO}")
    return at_place
