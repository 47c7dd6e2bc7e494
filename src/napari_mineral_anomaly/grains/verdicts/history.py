"""Verdicts with all steps that led to them: what was decided, taken back, and decided again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.pixels.edits import NO_EDITS, EditedGrain, GrainEdits
from napari_mineral_anomaly.grains.verdicts.book import History, Verdict, VerdictBook
from napari_mineral_anomaly.grains.verdicts.files import (
    book_content,
    book_from_content,
    edited_entry,
    edited_from_entry,
    edits_content,
    edits_from_content,
    verdict_entry,
    verdict_from_entry,
)
from napari_mineral_anomaly.io.writing.atomic import atomic_path

# Verdicts and edited grains never change, and a window saves the same ones again and again.
_entries: WeakKeyDictionary[Verdict, dict[str, Any]] = WeakKeyDictionary()
_edited_entries: WeakKeyDictionary[EditedGrain, dict[str, Any]] = WeakKeyDictionary()


def save_history(path: str | Path, history: History[VerdictBook]) -> None:
    """Write verdicts with their steps; `verdicts.files.load_verdicts` reads the verdicts alone.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    books = _books(history)
    number: dict[int, int] = {}
    entries: list[dict[str, Any]] = []
    for book in books:
        for verdict in book.verdicts:
            if id(verdict) not in number:
                number[id(verdict)] = len(entries)
                entries.append(_entry(verdict))
    texts = [text for text, _ in history.past] + [text for text, _ in reversed(history.future)]
    states = [[number[id(verdict)] for verdict in book.verdicts] for book in books]
    steps = [
        {"what": text, **_difference(before, after)}
        for text, before, after in zip(texts, states[:-1], states[1:], strict=True)
    ]
    content = book_content(history.present) | {
        "history": {
            "verdicts": entries,
            "first": states[0],
            "steps": steps,
            "undone": len(history.future),
            "edits": _edits_of(books),
        }
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


def load_history(path: str | Path, shape: tuple[int, int]) -> History[VerdictBook]:
    """Read verdicts with their steps; a file without steps gives a history without any.

    Parameters
    ----------
    path : path
    shape : (int, int)
        (H, W) of the scan that the verdicts are for.

    Raises
    ------
    InputError
        When the file cannot be read, belongs to a scan of another size, or holds something else.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"{path.name} is not a file of verdicts: {error}.") from error
    present = book_from_content(content, shape, path)
    if "history" not in content:
        return History(present)
    try:
        return _history(content["history"], shape, path)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{path.name} is damaged: its history lacks {error}.") from error


def _books(history: History[VerdictBook]) -> list[VerdictBook]:
    """All states, oldest first; those that were undone are last."""
    past = [book for _, book in history.past]
    future = [book for _, book in reversed(history.future)]
    return [*past, history.present, *future]


def _entry(verdict: Verdict) -> dict[str, Any]:
    if verdict not in _entries:
        _entries[verdict] = verdict_entry(verdict)
    return _entries[verdict]


def _edits_of(books: Sequence[VerdictBook]) -> dict[str, Any]:
    """The edits of all states: each edited grain once, each set of edits once, which state has it.

    Few steps change the edits.
    """
    number: dict[int, int] = {}
    grains: list[dict[str, Any]] = []
    sets: list[dict[str, Any]] = []
    place: dict[int, int] = {}
    for edits in (book.edits for book in books):
        if id(edits) in place:
            continue
        for grain in edits.grains:
            if id(grain) not in number:
                number[id(grain)] = len(grains)
                if grain not in _edited_entries:
                    _edited_entries[grain] = edited_entry(grain)
                grains.append(_edited_entries[grain])
        place[id(edits)] = len(sets)
        sets.append(edits_content(edits, [number[id(grain)] for grain in edits.grains]))
    return {"grains": grains, "sets": sets, "states": [place[id(book.edits)] for book in books]}


def _read_edits(content: dict[str, Any], n_states: int, shape: tuple[int, int]) -> list[GrainEdits]:
    """The edits of all states; none in a file from before grains could be edited."""
    if "edits" not in content:
        return [NO_EDITS] * n_states
    found = content["edits"]
    grains = [edited_from_entry(entry, shape) for entry in found["grains"]]
    sets = [
        edits_from_content(one, (grains[k] for k in one["grains"]), shape) for one in found["sets"]
    ]
    states = [sets[k] for k in found["states"]]
    if len(states) != n_states:
        raise ValueError("the edits of a state")
    return states


def _difference(before: Sequence[int], after: Sequence[int]) -> dict[str, list[int]]:
    """What a step took away and what it added at the end."""
    there, left = set(before), set(after)
    kept = [k for k in before if k in left]
    added = [k for k in after if k not in there]
    if [*kept, *added] == list(after):
        return {"removed": [k for k in before if k not in left], "added": added}
    return {"removed": list(before), "added": list(after)}


def _history(content: dict[str, Any], shape: tuple[int, int], path: Path) -> History[VerdictBook]:
    verdicts = [verdict_from_entry(entry, shape, path) for entry in content["verdicts"]]
    states, texts = [list(content["first"])], []
    for step in content["steps"]:
        removed = set(step["removed"])
        states.append([*(k for k in states[-1] if k not in removed), *step["added"]])
        texts.append(str(step["what"]))
    edits = _read_edits(content, len(states), shape)
    books = [
        VerdictBook(shape, tuple(verdicts[k] for k in state), own)
        for state, own in zip(states, edits, strict=True)
    ]
    at = len(books) - 1 - int(content["undone"])
    if not 0 <= at < len(books):
        raise ValueError("the present state")
    past = tuple(zip(texts[:at], books[:at], strict=True))
    future = tuple(zip(texts[at:], books[at + 1 :], strict=True))
    return History(books[at], past, future[::-1])
