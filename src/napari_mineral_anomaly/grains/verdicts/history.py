"""Verdicts with all steps that led to them: what was decided, taken back, and decided again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.verdicts.book import History, Verdict, VerdictBook
from napari_mineral_anomaly.grains.verdicts.files import (
    book_content,
    book_from_content,
    verdict_entry,
    verdict_from_entry,
)
from napari_mineral_anomaly.io.writing.atomic import atomic_path

# Verdicts never change, and a window saves the same ones again and again.
_entries: WeakKeyDictionary[Verdict, dict[str, Any]] = WeakKeyDictionary()


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
    books = [VerdictBook(shape, tuple(verdicts[k] for k in state)) for state in states]
    at = len(books) - 1 - int(content["undone"])
    if not 0 <= at < len(books):
        raise ValueError("the present state")
    past = tuple(zip(texts[:at], books[:at], strict=True))
    future = tuple(zip(texts[at:], books[at + 1 :], strict=True))
    return History(books[at], past, future[::-1])
