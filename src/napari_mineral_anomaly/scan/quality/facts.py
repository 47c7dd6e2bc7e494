"""The ingest report: what a reader used, what it ignored and why, and what the numbers look like.

Reading is fast because nothing here is computed while maps are read: a reader hands over
`ReadFacts`, and the report is made of them and the cube when somebody asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_mineral_anomaly.io.spectrum_report import SpectrumReport
from napari_mineral_anomaly.scan.report_text import report_lines

if TYPE_CHECKING:
    from napari_mineral_anomaly.scan.cube import ElementCube

__all__ = [
    "Companion",
    "IgnoredFile",
    "IngestReport",
    "MapPair",
    "ReadFacts",
    "ReadMap",
    "UsedMap",
    "ValidAreaCounts",
    "report_lines",
    "report_of_cube",
]

# 2: statistics, spikes, context, valid area, pairs, spot size (keys were only added).
SCHEMA_VERSION = 2


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class UsedMap(_Value):
    """One element map that was read.

    ``file`` is the path below the folder that was opened, ``page`` the number of the plane in its
    file from 1 (None where the file holds one plane), ``dtype`` that of the file; the cube holds
    all maps in one common dtype that changes none of the values.

    Counts of pixels: ``nan`` not finite, ``zero``, ``negative``, ``saturated`` (at the top of an
    integer dtype), ``spikes`` (far above all eight neighbours in this element alone). ``min``,
    ``max`` and ``mean`` are of the finite pixels, None without any. ``dead_rows`` and
    ``dead_columns`` count from 0. ``counted`` is how many pixels were looked at where these were
    not all, as in a scan larger than memory.
    """

    file: str
    element: str
    dtype: str
    shape: tuple[int, int]
    nan: int
    zero: int
    negative: int
    saturated: int
    page: int | None = None
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    spikes: int = 0
    dead_rows: tuple[int, ...] = ()
    dead_columns: tuple[int, ...] = ()
    counted: int | None = None


class IgnoredFile(_Value):
    """One file that was not read as an element map, and why, in words."""

    file: str
    reason: str


class Companion(_Value):
    """One image beside the maps: offered as context, or refused for that use with the numbers."""

    file: str
    name: str
    kind: Literal["bse", "optical", "phase", "mask", "other"]
    shape: tuple[int, int] | None
    offered: bool
    reason: str = ""


class ValidAreaCounts(_Value):
    """Pixels of the valid area and of what was left out of it; ``origin`` as in `ValidArea`."""

    origin: Literal["found", "given"]
    n_pixels: int
    n_valid: int
    n_missing: int
    n_zero: int
    n_off_sample: int
    reason: str = ""


class MapPair(_Value):
    """Two maps that agree: Pearson's ``r`` over the valid pixels.

    ``lines`` names the X-ray lines that overlap ("Ba La, Ti Ka, 45 eV apart"), "" if none do.
    """

    first: str
    second: str
    r: float
    lines: str = ""


class IngestReport(_Value):
    """What `read_maps` did; ``model_dump(mode="json")`` is ingest.json.

    ``pixel_size_um`` is (y, x) or None; ``pixel_size_source`` says in words where it came from.
    ``spot_size_um`` is the diameter of the beam where it was given, ``spectra`` where the spectra
    of the pixels are, ``context`` the images that lie beside the maps, ``spectrum`` how maps were
    made of spectra.
    """

    schema_version: int = SCHEMA_VERSION
    used: tuple[UsedMap, ...] = ()
    ignored: tuple[IgnoredFile, ...] = ()
    pixel_size_um: tuple[float, float] | None = None
    pixel_size_source: str = "unknown"
    warnings: tuple[str, ...] = ()
    spot_size_um: float | None = None
    context: tuple[Companion, ...] = ()
    valid_area: ValidAreaCounts | None = None
    pairs: tuple[MapPair, ...] = ()
    spectra: str | None = None
    spectrum: SpectrumReport | None = None


@dataclass(frozen=True)
class ReadMap:
    """Where one map of the cube came from; ``dtype`` is that of the file."""

    file: str
    element: str
    dtype: np.dtype[np.generic]
    page: int | None = None


@dataclass(frozen=True)
class ReadFacts:
    """What only the reader knows; the rest of the report is in the cube.

    Attributes
    ----------
    maps : tuple of ReadMap
        One per element, in the order of the cube.
    ignored, warnings, pixel_size_source, spot_size_um
        As in `IngestReport`.
    context : tuple of Companion
        Images beside the maps, offered or not.
    spectrum : SpectrumReport or None
        How the maps were made, where they were made of spectra.
    """

    maps: tuple[ReadMap, ...]
    ignored: tuple[IgnoredFile, ...] = ()
    warnings: tuple[str, ...] = ()
    pixel_size_source: str = "unknown"
    spot_size_um: float | None = None
    context: tuple[Companion, ...] = ()
    spectrum: SpectrumReport | None = None

    def report_of(self, cube: ElementCube) -> IngestReport:
        """The whole report; reads every map (see `statistics.full_report`)."""
        from napari_mineral_anomaly.scan.quality.checks import full_report

        return full_report(cube, self)


def report_of_cube(cube: ElementCube) -> IngestReport:
    """The report of a cube made in memory: statistics and warnings, no files.

    Reads every map.
    """
    name = cube.source or "memory"
    dtype = np.dtype(cube.maps.dtype)
    return ReadFacts(
        maps=tuple(ReadMap(name, element, dtype) for element in cube.elements),
        pixel_size_source="unknown" if cube.pixel_size is None else "given with the array",
    ).report_of(cube)
