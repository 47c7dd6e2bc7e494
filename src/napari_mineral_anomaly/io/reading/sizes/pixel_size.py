"""The pixel size of a scan: typed by the user, or from its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize, Plane
from napari_mineral_anomaly.io.reading.sizes.world_files import georeferenced
from napari_mineral_anomaly.io.remembered import remembered_pixel_size
from napari_mineral_anomaly.scan.plausible import doubt_of_length, require_plausible_length
from napari_mineral_anomaly.words import listed

# Pixel sizes of one scan may differ by rounding; our choice.
_TOLERANCE = 0.01
TYPED_EARLIER = "typed earlier for this folder"


@dataclass(frozen=True)
class ScanPixelSize:
    """The pixel size (y, x) of a scan in µm or None, its source in words, warnings and steps."""

    um: tuple[float, float] | None
    source: str
    warnings: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


def scan_pixel_size(
    planes: Sequence[Plane],
    typed: tuple[float, float] | None,
    file_name: dict[Path, str],
    folder: Path | None = None,
) -> ScanPixelSize:
    """The pixel size of a scan: typed, else from its files, world files or earlier typing.

    Parameters
    ----------
    planes, typed, file_name
        As in `merged_pixel_size`.
    folder : Path, optional
        Where to look for a size that was typed earlier; None: nowhere.

    Raises
    ------
    InputError
        When the files differ by more than 1 % and nothing was typed.
    """
    um, source, warnings = merged_pixel_size(planes, typed, file_name)
    if typed is not None:
        return ScanPixelSize(um, source, tuple(warnings))
    asked = [p for p in planes if p.size_note and (um is None or p.pixel_size is not None)]
    notes = [(plane.size_note, file_name[plane.path]) for plane in asked]
    is_exchanged = {plane.path: plane.is_exchanged for plane in planes}
    beside = []
    asked_once = ""
    turned = []
    for path, name in file_name.items():
        found = georeferenced(path)
        if found.size is not None:
            sides = found.size.um[::-1] if is_exchanged.get(path) else found.size.um
            beside.append((FilePixelSize(sides, found.size.origin), name))
        asked_once = asked_once or found.note
        turned += [name] if found.is_turned else []
    steps: tuple[str, ...] = ()
    if turned:
        steps = (
            "its world file (or .aux.xml) turns or mirrors the map, which stays as stored "
            f"({listed(turned)})",
        )
    if um is not None:
        odd = [(size, name) for size, name in beside if not _agree(size.um, um)]
        warnings += [
            f"The pixel size of the {source}, {_um(um)}, is used; the {size.origin} of {name} "
            f"says {_um(size.um)}."
            for size, name in odd[:1]
        ]
        return ScanPixelSize(um, source, (*warnings, *_sentences(notes)), steps)
    if beside:
        size = _of_one_scan(beside)
        return ScanPixelSize(size.um, f"{size.origin} of {beside[0][1]}", tuple(warnings), steps)
    if asked_once:
        warnings.append(f"{asked_once[0].upper()}{asked_once[1:]}.")
    warnings += _sentences(notes)
    earlier = None if folder is None else remembered_pixel_size(folder)
    if earlier is not None:
        note = f"The pixel size, {_um(earlier)}, is the one typed earlier for this folder."
        return ScanPixelSize(earlier, TYPED_EARLIER, (note,), steps)
    return ScanPixelSize(None, "unknown", tuple(warnings), steps)


def checked_spot_size(spot_size: float | None) -> float | None:
    """The beam diameter in µm.

    Raises
    ------
    InputError
        When it is not a positive number, or cannot be the width of a beam.
    """
    return None if spot_size is None else require_plausible_length(spot_size, "spot size")


def checked_pixel_size(
    pixel_size: float | Sequence[float] | None,
) -> tuple[float, float] | None:
    """A typed pixel size (y, x) in µm, from one or two numbers.

    Raises
    ------
    InputError
        When it is not one or two positive numbers, or cannot be the step of a scan.
    """
    if pixel_size is None:
        return None
    try:
        sizes = np.atleast_1d(np.asarray(pixel_size, dtype=float)).ravel().tolist()
    except (TypeError, ValueError):
        sizes = []
    if len(sizes) not in (1, 2):
        raise InputError(
            f"The pixel size must be one or two positive numbers in µm (y, x); got {pixel_size}."
        )
    y, x = (require_plausible_length(size, "pixel size") for size in (sizes[0], sizes[-1]))
    return y, x


def merged_pixel_size(
    planes: Sequence[Plane], typed: tuple[float, float] | None, file_name: dict[Path, str]
) -> tuple[tuple[float, float] | None, str, list[str]]:
    """One pixel size for a scan: the typed one, else the one that all its files have.

    Parameters
    ----------
    planes : sequence of Plane
    typed : (float, float) or None
        (y, x) in µm.
    file_name : dict
        Name of each file in the report.

    Returns
    -------
    um : (float, float) or None
    source : str
        Where it comes from, in words.
    warnings : list of str

    Raises
    ------
    InputError
        When the files differ by more than 1 % and nothing was typed.
    """
    known = [(plane.pixel_size, file_name[plane.path]) for plane in planes if plane.pixel_size]
    if typed is not None:
        odd = [(size, name) for size, name in known if not _agree(size.um, typed)]
        warnings = [
            f"The pixel size typed by the user, {_um(typed)}, is used; "
            f"the {size.origin} of {name} says {_um(size.um)}."
            for size, name in odd[:1]
        ]
        if doubt := doubt_of_length(min(typed), "pixel size"):
            warnings.append(doubt)
        return typed, "typed by the user", warnings
    if not known:
        return None, "unknown", []
    return _of_one_scan(known).um, f"{known[0][0].origin} of {known[0][1]}", []


def _of_one_scan(known: Sequence[tuple[FilePixelSize, str]]) -> FilePixelSize:
    """The first of the sizes of some files, if they agree."""
    first, first_name = known[0]
    for size, name in known[1:]:
        if not _agree(size.um, first.um):
            raise InputError(
                f"The pixel sizes differ: {_um(first.um)} in {first_name}, {_um(size.um)} in "
                f"{name}; these maps are not of one scan, or give the pixel size yourself."
            )
    return first


def _sentences(notes: Sequence[tuple[str, str]]) -> list[str]:
    """Each note once, with the files that it is about."""
    files: dict[str, list[str]] = {}
    for note, name in notes:
        files.setdefault(note, []).append(name)
    return [f"{listed(list(dict.fromkeys(names)))}: {note}." for note, names in files.items()]


def _agree(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return all(abs(p - q) <= _TOLERANCE * max(p, q) for p, q in zip(a, b, strict=True))


def _um(size: tuple[float, float]) -> str:
    return f"{size[0]:g} µm" if size[0] == size[1] else f"{size[0]:g} x {size[1]:g} µm"
