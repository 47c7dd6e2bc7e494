"""What a reader of maps answers: the planes of a file, or that the file holds spectra.

The planes are checked; their numbers are read when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.io.formats.shared.disk.stamps import FileStamp
from napari_mineral_anomaly.scan.cube import Quantity


@dataclass(frozen=True)
class FilePixelSize:
    """A pixel size (y, x) in µm, and where the file says so ("ImageJ tag")."""

    um: tuple[float, float]
    origin: str


@dataclass(frozen=True)
class Plane:
    """One single-channel image in a file.

    Attributes
    ----------
    path : Path
    shape : (int, int)
        (H, W) in pixels.
    dtype : numpy dtype
        Of the values that ``read`` returns. Native: that of the file, or for text the smallest that
        holds its numbers; after a step (`steps.with_steps`) perhaps another.
    read : callable
        Returns the values (H, W); raises `InputError` when the file turns out to be damaged.
    name : str
        The name of the plane in the file (page label, channel name); "" without one.
    page : int or None
        Number of the plane in its file, from 1; None where the file holds only one.
    pixel_size : FilePixelSize or None
    read_into : callable or None
        Fills a contiguous array (H, W) of ``dtype`` without the copy that ``read`` makes. Only for
        files that hold plain numbers.
    steps : tuple of str
        What reading does to the stored numbers of this plane, in words for the ingest report:
        "values = 0.25 n - 0.5, from the ImageJ calibration".
    size_note : str
        What the user should know or decide about the pixel size that the file declares: "72 dpi is
        a printing default, not a pixel size". Said unless the user types a pixel size.
    stored_dtype : numpy dtype or None
        That of the file, where a step gives the values another.
    is_exchanged : bool
        Whether a step made columns of the rows of the file (`steps.Turn`); sizes that are written
        beside the file are to be exchanged, too.
    stamp : FileStamp or None
        Size and time of the file at its opening; set where formats are looked up.
    top : float or None
        The value of the highest whole number that the file's dtype holds, where a step changes it:
        pixels that stand there are saturated.
    """

    path: Path
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    read: Callable[[], NDArray[Any]]
    name: str = ""
    page: int | None = None
    pixel_size: FilePixelSize | None = None
    read_into: Callable[[NDArray[Any]], None] | None = None
    steps: tuple[str, ...] = ()
    stored_dtype: np.dtype[Any] | None = None
    is_exchanged: bool = False
    size_note: str = ""
    stamp: FileStamp | None = None
    top: float | None = None


def numbered_planes(
    path: Path,
    shape: Sequence[int],
    dtype: np.dtype[Any],
    count: int,
    read: Callable[[int], NDArray[Any]],
    names: Sequence[str] = (),
    pixel_size: FilePixelSize | None = None,
) -> tuple[Plane, ...]:
    """The planes of a stack of ``count`` images of one shape (H, W), numbered from 1.

    ``read`` returns the image of a plane, given its position from 0. ``names`` may be empty.
    """
    size, native = (int(shape[0]), int(shape[1])), dtype.newbyteorder("=")
    return tuple(
        Plane(path, size, native, partial(read, i), names[i] if names else "", i + 1, pixel_size)
        for i in range(count)
    )


@dataclass(frozen=True)
class MapFile:
    """An opened file of element maps.

    Attributes
    ----------
    path : Path
    planes : tuple of Plane
        Empty where ``not_maps`` says why the file holds no maps.
    not_maps : str
        "a colour picture" and the like; "" for files with planes.
    notes : tuple of str
        Sentences for the warnings of the ingest report.
    quantity : str or None
        What the numbers are, where the kind of file decides it ("reflectance").
    truth : array (H, W) of uint8 or None
        Ground truth stored beside the planes in the same file: 0 background, 1 anomaly.
    lazy : array-like or None
        All planes as one dask array (C, H, W), where the file can be read in parts.
    steps : tuple of str
        How the file was understood, in words for the ingest report: "rows, columns, channels: the
        order of its axes, from the names of the axes in the file". What is done to the numbers of
        single planes stands in `Plane.steps`.
    others : tuple of Plane
        What could be a map but is not read unless the user names its element: the other columns
        of a table. Their numbers may turn out to be none when they are read.
    parts : tuple of str
        Names of all files that the scan is spread over, as this one tells them; ``planes`` are
        those in this one. Empty for a scan in one file.
    """

    path: Path
    planes: tuple[Plane, ...] = ()
    not_maps: str = ""
    notes: tuple[str, ...] = ()
    quantity: Quantity | None = None
    truth: NDArray[np.uint8] | None = None
    lazy: Any | None = None
    steps: tuple[str, ...] = ()
    others: tuple[Plane, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class SpectraInside:
    """The answer of a reader of maps for a file that holds a spectrum per pixel.

    `read_maps` then opens the file with the reader of spectrum images.

    Attributes
    ----------
    path : Path
    dataset : str or None
        The array in the file that holds the spectra, where there are several.
    """

    path: Path
    dataset: str | None = None

    @property
    def sentence(self) -> str:
        """Says that the file holds spectra, for a folder where each file should be one map."""
        place = self.path.name if self.dataset is None else f"{self.path.name} ({self.dataset})"
        return f"{place} holds a spectrum per pixel, not element maps; open the file on its own."


Opened = MapFile | SpectraInside
