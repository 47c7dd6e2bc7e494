"""Verdict files: JSON for this program, CSV for spreadsheets and for results from the SEM."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly import words
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.pixels.edits import HOW, NO_EDITS, EditedGrain, GrainEdits
from napari_mineral_anomaly.grains.verdicts.book import STATUSES, Verdict, VerdictBook
from napari_mineral_anomaly.io.spreadsheets import PLAIN, SavedTable, number_in, read_cells
from napari_mineral_anomaly.io.writing.atomic import atomic_path

SCHEMA_VERSION = 1

CSV_COLUMNS = (
    "centroid_y_px",
    "centroid_x_px",
    "centroid_y_um",
    "centroid_x_um",
    "area_px",
    "status",
    "comment",
    "who",
    "when",
    "pixels",
)
_NEEDED = ("centroid_y_px", "centroid_x_px", "status")
# The names that the list of grains has for the same.
_OF_GRAINS = {"decided_by": "who", "decided_at": "when"}


def save_verdicts(
    path: str | Path, book: VerdictBook, pixel_size: tuple[float, float] | None = None
) -> None:
    """Write a book as ``.json`` or ``.csv``.

    Both hold the pixels of each grain, without loss, as runs "first+length" of positions in the
    map flattened row by row. The CSV adds centroids for people.

    Parameters
    ----------
    path : path
    book : VerdictBook
    pixel_size : (float, float), optional
        (y, x) in µm, for the centroids in µm of the CSV.

    Raises
    ------
    InputError
        For another ending, or where the file cannot be written.
    """
    path = Path(path)
    kind = _kind(path)
    with atomic_path(path) as temporary:
        if kind == ".json":
            text = json.dumps(book_content(book), indent=1, ensure_ascii=False)
            temporary.write_text(text, encoding="utf-8")
        else:
            frame = _frame(book, pixel_size)
            lines = [PLAIN.heading(CSV_COLUMNS), *PLAIN.lines(frame)]
            temporary.write_text("".join(lines), encoding="utf-8", newline="")


def load_verdicts(path: str | Path, shape: tuple[int, int]) -> VerdictBook:
    """Read a file of `save_verdicts`, or a table made by hand.

    Parameters
    ----------
    path : path
        ``.json``, or ``.csv`` with at least the columns centroid_y_px, centroid_x_px and status;
        without ``pixels`` a verdict belongs to the pixel at its centroid. A CSV may come from a
        spreadsheet of any language: see `spreadsheets.read_cells`. A saved list of grains can be
        read too.
    shape : (int, int)
        (H, W) of the scan that the verdicts are for.

    Raises
    ------
    InputError
        When the file cannot be read, belongs to a scan of another size, or holds something else.
    """
    path = Path(path)
    kind = _kind(path)
    try:
        if kind == ".json":
            return book_from_content(json.loads(path.read_text(encoding="utf-8")), shape, path)
        cells = read_cells(path, "table of verdicts", set(_NEEDED).issubset)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"{path.name} is not a file of verdicts: {error}.") from error
    return _from_rows(cells, shape, path)


def _kind(path: Path) -> str:
    kind = path.suffix.lower()
    if kind not in (".json", ".csv"):
        raise InputError(f"Verdicts are kept as .json or .csv; got {path.name}.")
    return kind


def edited_entry(grain: EditedGrain) -> dict[str, Any]:
    """An edited grain as a JSON object; its pixels are runs "first+length"."""
    return vars(grain) | {"pixels": _runs(grain.pixels)}


def edited_from_entry(entry: dict[str, Any], shape: tuple[int, int]) -> EditedGrain:
    """The edited grain of a JSON object.

    Raises
    ------
    KeyError, TypeError, ValueError
        For a damaged entry.
    """
    how, anchor, number = entry["how"], entry["anchor"], entry["number"]
    if how not in HOW:
        raise ValueError(f"the edit {how!r}")
    if anchor is not None and not 0 <= int(anchor) < shape[0] * shape[1]:
        raise ValueError("pixels outside the scan")
    return EditedGrain(
        _pixels(entry["pixels"], shape),
        how,
        None if anchor is None else int(anchor),
        None if number is None else int(number),
    )


def edits_content(edits: GrainEdits, grains: list[Any]) -> dict[str, Any]:
    """Edits as a JSON object; ``grains`` stands for the grains in it."""
    return {"grains": grains, "freed": _runs(edits.freed), "n_new": edits.n_new}


def edits_from_content(
    content: dict[str, Any], grains: Iterable[EditedGrain], shape: tuple[int, int]
) -> GrainEdits:
    """The edits of a JSON object with the grains that it stands for.

    Raises
    ------
    KeyError, TypeError, ValueError
        For a damaged object, or where grains overlap.
    """
    grains = tuple(grains)
    freed = content["freed"]
    pixels = _pixels(freed, shape) if freed else NO_EDITS.freed
    edits = GrainEdits(grains, pixels, int(content["n_new"]))
    every = np.concatenate([pixels, *(grain.pixels for grain in grains)])
    if np.unique(every).size != every.size:
        raise ValueError("grains without a common pixel")
    return edits


def verdict_entry(verdict: Verdict) -> dict[str, Any]:
    """A verdict as a JSON object; its pixels are runs "first+length"."""
    return vars(verdict) | {"pixels": _runs(verdict.pixels)}


def book_content(book: VerdictBook) -> dict[str, Any]:
    """A book as a JSON object; `book_from_content` reads it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "grain verdicts",
        "shape": list(book.shape),
        "verdicts": [verdict_entry(verdict) for verdict in book.verdicts],
        "edits": edits_content(book.edits, [edited_entry(one) for one in book.edits.grains]),
    }


def verdict_from_entry(entry: dict[str, Any], shape: tuple[int, int], path: Path) -> Verdict:
    """The verdict of a JSON object.

    Raises
    ------
    InputError
        For an unknown status.
    KeyError, TypeError, ValueError
        For a damaged entry.
    """
    return _verdict(entry, _pixels(entry["pixels"], shape), path)


def book_from_content(content: Any, shape: tuple[int, int], path: Path) -> VerdictBook:
    """The book of a JSON object; ``path`` is for the sentences.

    Raises
    ------
    InputError
        When it holds something else, or belongs to a scan of another size.
    """
    if not isinstance(content, dict) or content.get("kind") != "grain verdicts":
        raise InputError(f"{path.name} holds no grain verdicts.")
    version = content.get("schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(f"{path.name} has version {version}; this program reads {SCHEMA_VERSION}.")
    if tuple(content["shape"]) != tuple(shape):
        raise InputError(
            f"The verdicts in {path.name} belong to a scan of "
            f"{words.sizes(content['shape'])} pixels, this one is {words.sizes(shape)}."
        )
    try:
        verdicts = tuple(verdict_from_entry(one, shape, path) for one in content["verdicts"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path.name} is damaged: a verdict lacks {error}.") from error
    if "edits" not in content:  # written before grains could be edited
        return VerdictBook(shape, verdicts)
    try:
        found = content["edits"]
        grains = [edited_from_entry(one, shape) for one in found["grains"]]
        return VerdictBook(shape, verdicts, edits_from_content(found, grains, shape))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path.name} is damaged: an edited grain lacks {error}.") from error


def _frame(book: VerdictBook, pixel_size: tuple[float, float] | None) -> pd.DataFrame:
    step_y, step_x = pixel_size or (np.nan, np.nan)
    rows = []
    for v in book.verdicts:
        y, x = np.divmod(v.pixels, book.shape[1])
        place = (y.mean(), x.mean(), y.mean() * step_y, x.mean() * step_x)
        rows.append((*place, v.pixels.size, v.status, v.comment, v.who, v.when, _runs(v.pixels)))
    return pd.DataFrame(rows, columns=list(CSV_COLUMNS))


def _from_rows(cells: SavedTable, shape: tuple[int, int], path: Path) -> VerdictBook:
    missing = [name for name in _NEEDED if name not in cells.heading]
    if missing:
        raise InputError(f"{path.name} lacks the column {', '.join(missing)}.")
    verdicts = []
    for number, row in cells.rows:
        try:
            if row.get("pixels"):
                pixels = _pixels(row["pixels"], shape)
            else:
                y, x = (round(number_in(row[f"centroid_{axis}_px"])) for axis in "yx")
                if not (0 <= y < shape[0] and 0 <= x < shape[1]):
                    raise ValueError("a place outside the scan")
                pixels = np.array([y * shape[1] + x], dtype=np.int64)
        except ValueError as error:
            raise InputError(f"{path.name}, line {number}: cannot use {error}.") from error
        entry = {new: row[old] for old, new in _OF_GRAINS.items() if old in row} | row
        verdicts.append(_verdict(entry, pixels, path))
    return VerdictBook(shape, tuple(verdicts))


def _verdict(entry: dict[Any, Any], pixels: NDArray[np.int64], path: Path) -> Verdict:
    status = str(entry["status"]).strip()
    if status not in STATUSES:
        raise InputError(
            f"{path.name} holds the verdict {status!r}; known are {', '.join(STATUSES)}."
        )
    comment, who, when = (str(entry.get(key, "")) for key in ("comment", "who", "when"))
    return Verdict(status, comment, who, when, pixels)


def _runs(pixels: NDArray[np.int64]) -> str:
    """Runs of pixels: "120+3 440+2" means 120, 121, 122, 440 and 441."""
    breaks = np.flatnonzero(np.diff(pixels) != 1) + 1
    return " ".join(f"{run[0]}+{run.size}" for run in np.split(pixels, breaks) if run.size)


def _pixels(runs: str, shape: tuple[int, int]) -> NDArray[np.int64]:
    parts = [run.partition("+") for run in str(runs).split()]
    pieces = [np.arange(int(first), int(first) + int(n)) for first, _, n in parts]
    pixels = np.concatenate(pieces).astype(np.int64) if pieces else np.empty(0, dtype=np.int64)
    if pixels.size == 0 or pixels.min() < 0 or pixels.max() >= shape[0] * shape[1]:
        raise ValueError("pixels outside the scan")
    return pixels
