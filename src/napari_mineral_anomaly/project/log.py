"""What was done when: a file with one JSON object per line, to which lines are only added."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.verdicts.book import now, user_name
from napari_mineral_anomaly.project.names import LOG_FILE


@dataclass(frozen=True)
class LogEntry:
    """One step: what was done, when (ISO 8601, UTC), by which user of the computer."""

    what: str
    when: str = field(default_factory=now)
    who: str = field(default_factory=user_name)


def add_to_log(folder: Path, entries: Iterable[LogEntry]) -> None:
    """Add lines to the log of a project.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    lines = "".join(f"{json.dumps(asdict(entry), ensure_ascii=False)}\n" for entry in entries)
    if not lines:
        return
    path = folder / LOG_FILE
    try:
        with path.open("ab") as stream:
            # A line that a kill cut is ended here, so that it spoils no other line.
            if stream.tell() and not _ends_a_line(path):
                lines = f"\n{lines}"
            stream.write(lines.encode("utf-8", "backslashreplace"))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"Cannot write {path}: {reason}.") from None


def read_log(folder: Path) -> list[LogEntry]:
    """The steps, oldest first; a line that was cut by a kill is left out."""
    try:
        lines = (folder / LOG_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    entries = []
    for line in lines:
        try:
            found = json.loads(line)
            entries.append(LogEntry(str(found["what"]), str(found["when"]), str(found["who"])))
        except (ValueError, KeyError, TypeError):
            continue
    return entries


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"
