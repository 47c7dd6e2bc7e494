"""The files of a scan as rows: what each is used as, and what it may be used as instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from napari_mineral_anomaly.scan.names.typed import typed_name
from napari_mineral_anomaly.scan.report import IngestReport, UndecidedMap, UsedMap
from napari_mineral_anomaly.scan.report_text import CONTEXT_KINDS
from napari_mineral_anomaly.window.loading.report_rows import named_in
from napari_mineral_anomaly.words import counted, sizes

Use = Literal["element", "context", "mask", "leave out"]
ELEMENT: Use = "element"
CONTEXT: Use = "context"
MASK: Use = "mask"
LEAVE_OUT: Use = "leave out"

# How the report names a plane that was not read: "stack.tif, plane 3 (BSE)".
_PLANE = re.compile(r"(?P<file>.*), plane (?P<page>\d+)(?: \(.*\))?", re.DOTALL)


@dataclass(frozen=True)
class FileRow:
    """One file of a scan, or one plane of a file.

    Attributes
    ----------
    file : str
        What is told for it (`io.reading.naming.told_names`): "Fe.tif", "stack.tif#3".
    element : str
    use : str
        One of `Use`.
    uses : tuple of str
        What it may be used as.
    is_open : bool
        Whether the user has to decide.
    is_image : bool
        Whether it is an image beside the maps: it is shown or not without reading again.
    words : tuple of str
        What there is to know about it.
    """

    file: str
    element: str
    use: Use
    uses: tuple[Use, ...]
    is_open: bool = False
    is_image: bool = False
    words: tuple[str, ...] = ()


def file_rows(
    report: IngestReport, told: Mapping[str, str], mask: Path | None = None
) -> list[FileRow]:
    """One row for each file or plane.

    Parameters
    ----------
    report : IngestReport
    told : mapping of str to str
        What the user told for the files of this folder.
    mask : Path, optional
        The image of the valid area.

    Returns
    -------
    list of FileRow
        First what is to decide, with what the user told; then maps, images beside them, and what
        is left out.
    """
    rows = [
        FileRow(one.file, "", LEAVE_OUT, _uses(one.file), True, words=(_size_words(one), one.why))
        for one in report.to_decide
    ]
    for used in report.used:
        place = used.file if used.page is None else f"{used.file}#{used.page}"
        is_open = used.page is not None and typed_name(used.element) is None and place not in told
        words = (*_map_words(used), *_warnings(report, used.element))
        rows.append(FileRow(place, used.element, ELEMENT, _uses(place), is_open, words=words))
    offered = [one for one in report.context if one.offered]
    for image in offered:
        use = MASK if mask is not None and mask.name == Path(image.file).name else CONTEXT
        uses = _uses(image.file) if not image.file.startswith("../") else (CONTEXT, MASK, LEAVE_OUT)
        words = (CONTEXT_KINDS[image.kind],)
        rows.append(FileRow(image.file, "", use, uses, is_image=True, words=words))
    listed = {row.file for row in rows}
    left = [(one.file, one.reason) for one in report.ignored]
    left += [(one.file, one.reason) for one in report.context]
    for file, reason in left:
        plane = _PLANE.fullmatch(file)
        place = file if plane is None else f"{plane['file']}#{plane['page']}"
        if place not in listed:
            listed.add(place)
            is_mask = mask is not None and mask.name == Path(place).name
            use = MASK if is_mask else LEAVE_OUT
            rows.append(FileRow(place, "", use, _uses(place), words=(reason,) if reason else ()))
    if report.spectra is not None:  # made from spectra: there is nothing to name
        return [row for row in rows if row.use != ELEMENT]
    on_top = [row for row in rows if row.is_open or row.file in told]
    rest = [row for row in rows if not (row.is_open or row.file in told)]
    return [*sorted(on_top, key=lambda row: _by_number(row.file)), *rest]


def _by_number(file: str) -> tuple[str | int, ...]:
    """Sorts plane 10 behind plane 9."""
    name, _, plane = file.partition("#")
    return name, int(plane) if plane.isdigit() else 0


def _uses(place: str) -> tuple[Use, ...]:
    """A plane of a file is a map or nothing."""
    return (ELEMENT, LEAVE_OUT) if "#" in place else (ELEMENT, CONTEXT, MASK, LEAVE_OUT)


def _size_words(one: UndecidedMap) -> str:
    return f"{sizes(one.shape)} pixels, {one.dtype}"


def _map_words(used: UsedMap) -> tuple[str, ...]:
    """What stands in a map, in a line; and what is wrong with its pixels."""
    line = f"{sizes(used.shape)} pixels, {used.dtype}"
    if used.min is not None and used.max is not None:
        line += f", from {used.min:,.5g} to {used.max:,.5g}"
    flaws = (
        (used.zero, "zero"),
        (used.nan, "missing"),
        (used.negative, "negative"),
        (used.saturated, "saturated"),
    )
    found = [f"{counted(n, 'pixel')} {word}" for n, word in flaws if n]
    return (line, *([", ".join(found)] if found else []))


def _warnings(report: IngestReport, element: str) -> tuple[str, ...]:
    """The warnings about this element alone."""
    elements = [used.element for used in report.used]
    return tuple(one for one in report.warnings if named_in(one, elements) == {element})
