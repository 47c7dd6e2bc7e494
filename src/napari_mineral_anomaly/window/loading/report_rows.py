"""The ingest report as rows of a table and as groups of sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence

from napari_mineral_anomaly.scan.report import IngestReport, UsedMap

COLUMNS = (
    *("map", "file", "numbers", "lowest", "highest", "mean"),
    *("zero", "missing", "negative", "saturated", "spikes"),
)

# Titles of the groups of warnings.
_SINGLE, _SEVERAL, _FILES, _SCAN = (
    "About single maps",
    "About several maps",
    "About files",
    "About the scan",
)


def table_rows(report: IngestReport) -> list[tuple[str | float | int | None, ...]]:
    """One row per used map, with the values of `COLUMNS`; None where a value is not known."""
    return [
        (
            *(entry.element, place_of(entry), entry.dtype, entry.min, entry.max, entry.mean),
            *(entry.zero, entry.nan, entry.negative, entry.saturated, entry.spikes),
        )
        for entry in report.used
    ]


def grouped_warnings(report: IngestReport) -> dict[str, list[str]]:
    """The warnings, grouped by subject; empty groups are left out."""
    elements = [entry.element for entry in report.used]
    files = {entry.file for entry in report.used}
    files |= {entry.file for entry in report.ignored}
    files |= {entry.file for entry in report.context}
    groups: dict[str, list[str]] = {_SCAN: [], _SEVERAL: [], _SINGLE: [], _FILES: []}
    for warning in report.warnings:
        if any(file in warning for file in files if file):
            groups[_FILES].append(warning)
            continue
        named = named_in(warning, elements)
        about = _SCAN if not named else _SINGLE if len(named) == 1 else _SEVERAL
        groups[about].append(warning)
    return {title: sentences for title, sentences in groups.items() if sentences}


def not_used(report: IngestReport) -> list[tuple[str, str]]:
    """(file, reason) of everything that is no element map.

    First what the user should decide about, then images offered as context.
    """
    offered = {
        entry.file: f"{entry.kind} image in register: offered as context"
        for entry in report.context
        if entry.offered
    }
    rows = [(entry.file, f"to decide: {entry.why}") for entry in report.to_decide]
    rows += offered.items()
    rows += [(entry.file, entry.reason) for entry in report.ignored if entry.file not in offered]
    listed = {file for file, _ in rows}
    rows += [(entry.file, entry.reason) for entry in report.context if entry.file not in listed]
    return rows


def place_of(entry: UsedMap) -> str:
    """Where a map comes from: its file, and the page in it."""
    return entry.file if entry.page is None else f"{entry.file}, page {entry.page}"


def named_in(sentence: str, elements: Sequence[str]) -> set[str]:
    """Elements that a sentence names as whole words."""
    return {
        element
        for element in elements
        if re.search(rf"(?<![\w-]){re.escape(element)}(?![\w-])", sentence)
    }
