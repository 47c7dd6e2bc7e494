"""The heading of a table's one column, where it says another element than the name of the file."""

from __future__ import annotations

from napari_mineral_anomaly.io.formats.registry import TEXT
from napari_mineral_anomaly.io.formats.shared.planes import MapFile
from napari_mineral_anomaly.scan.names.map_names import ParsedName, parse_names


def element_of_heading(file: MapFile, entry: ParsedName) -> ParsedName | None:
    """What the heading of a table's one column says where the file's name says another element.

    In b.csv with a column Si the letter is no boron.
    """
    if not TEXT.takes(file.path) or entry.told_by:
        return None
    [heading] = parse_names([file.planes[0].name])
    is_other = heading.role == "element" and heading.element != entry.element
    return heading if is_other else None


def heading_words(name: str, heading: ParsedName, by_file: ParsedName) -> str:
    """The warning that the heading counts, and how to overrule it."""
    return (
        f"{name} is read as {heading.label}, as its heading says, not as {by_file.label}; "
        f'--name "{name}={by_file.label}" overrules that.'
    )
