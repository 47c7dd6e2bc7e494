"""Look at a batch while it runs, from another thread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from threading import Lock

from napari_mineral_anomaly.runs.batch.rows import WAITING, SectionRow

WORKING = "working"


class BatchWatch:
    """What is known of each section now; `run_batch` tells, any thread may ask."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rows: tuple[SectionRow, ...] = ()
        self._working: set[str] = set()

    def found(self, rows: Iterable[SectionRow]) -> None:
        """Note what the folders of all sections say."""
        with self._lock:
            self._rows = tuple(rows)

    def began(self, section: str) -> None:
        """Note that a section is worked on."""
        with self._lock:
            self._working.add(section)

    def ended(self, section: str) -> None:
        """Note that a section is not worked on any more."""
        with self._lock:
            self._working.discard(section)

    def stopped(self) -> None:
        """Note that no section is worked on any more."""
        with self._lock:
            self._working.clear()

    def rows(self) -> list[SectionRow]:
        """The sections; those that are worked on have the state `WORKING`."""
        with self._lock:
            return [
                replace(row, state=WORKING)
                if row.section in self._working and row.state == WAITING
                else row
                for row in self._rows
            ]
