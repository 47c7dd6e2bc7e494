"""The pixel size of a scan: typed by the user, or from its files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.lengths import length_in_um
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize, Plane
from napari_mineral_anomaly.io.remembered import remembered_pixel_size

# Pixel sizes of one scan may differ by rounding; our choice.
_TOLERANCE = 0.01


@dataclass(frozen=True)
class ScanPixelSize:
    """The pixel size (y, x) of a scan in µm or None, its source in words, and warnings."""

    um: tuple[float, float] | None
    source: str
    warnings: tuple[str, ...] = ()


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
    if um is not None:
        return ScanPixelSize(um, source, tuple(warnings))
    for path, name in file_name.items():
        found = world_file_pixel_size(path)
        if found is not None:
            return ScanPixelSize(found.um, f"{found.origin} of {name}", tuple(warnings))
    earlier = None if folder is None else remembered_pixel_size(folder)
    if earlier is not None:
        note = f"The pixel size, {_um(earlier)}, is the one typed earlier for this folder."
        return ScanPixelSize(earlier, "typed earlier for this folder", (*warnings, note))
    return ScanPixelSize(None, "unknown", tuple(warnings))


def world_file_pixel_size(path: Path) -> FilePixelSize | None:
    """Pixel size from a world file beside an image (`Fe.tfw` beside `Fe.tif`), in metres.

    The six lines are A, D, B, E, C, F of ``x' = A x + B y + C``, ``y' = D x + E y + F`` (ESRI);
    the lengths of (A, D) and (B, E) are the sides of a pixel. World files name no unit; metres are
    assumed, as in GIS programs and in our own export. Implausible sizes are not used.
    """
    suffix = path.suffix.lower()
    endings = [f".{suffix[1:2]}{suffix[-1:]}w", f"{suffix}w", ".wld"]
    for ending in dict.fromkeys(endings):
        beside = path.with_suffix(ending)
        if not beside.is_file():
            continue
        try:
            values = [float(line) for line in beside.read_text("utf-8").split()[:6]]
        except (OSError, ValueError):
            continue
        if len(values) == 6:
            down, across = math.hypot(*values[2:4]), math.hypot(*values[:2])
            return length_in_um((down, across), "m", "world file")
    return None


def checked_spot_size(spot_size: float | None) -> float | None:
    """The beam diameter in µm.

    Raises
    ------
    InputError
        When it is not a positive number.
    """
    if spot_size is None:
        return None
    try:
        size = float(spot_size)
    except (TypeError, ValueError):
        size = math.nan
    if not (np.isfinite(size) and size > 0):
        raise InputError(f"The spot size must be a positive number in µm; got {spot_size}.")
    return size


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
        return typed, "typed by the user", warnings
    if not known:
        return None, "unknown", []
    first, first_name = known[0]
    for size, name in known[1:]:
        if not _agree(size.um, first.um):
            raise InputError(
                f"The pixel sizes differ: {_um(first.um)} in {first_name}, {_um(size.um)} in "
                f"{name}; these maps are not of one scan, or give the pixel size yourself."
            )
    return first.um, f"{first.origin} of {first_name}", []


def _agree(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return all(abs(p - q) <= _TOLERANCE * max(p, q) for p, q in zip(a, b, strict=True))


def _um(size: tuple[float, float]) -> str:
    return f"{size[0]:g} µm" if size[0] == size[1] else f"{size[0]:g} x {size[1]:g} µm"
