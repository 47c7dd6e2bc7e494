"""What every reader hands over: the planes of a file, checked but not necessarily read yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.cube import Quantity


class HoldsSpectra(InputError):
    """A file that a reader of maps was asked for holds a spectrum per pixel.

    `read_maps` answers by handing the file to the readers of spectrum images.

    Attributes
    ----------
    path : Path
    dataset : str or None
        Which array in the file holds the spectra, where there are several.
    """

    def __init__(self, path: Path, dataset: str | None = None) -> None:
        place = path.name if dataset is None else f"{path.name} ({dataset})"
        super().__init__(
            f"{place} holds a spectrum per pixel, not element maps; open the file on its own."
        )
        self.path = path
        self.dataset = dataset


@dataclass(frozen=True)
class PixelSize:
    """A pixel size (y, x) in µm and the tag that says so ("ImageJ tag")."""

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
        Native dtype: that of the file, or for text the smallest that holds its numbers.
    read : callable
        Returns the values (H, W); raises `InputError` when the file turns out to be damaged.
    name : str
        What the file itself calls the plane (page label, channel name), "" if nothing.
    page : int or None
        Number of the plane in its file from 1, None where the file holds just one.
    pixel_size : PixelSize or None
    read_into : callable or None
        Where the file holds the plain numbers: fills a contiguous array (H, W) of ``dtype``,
        without the copy that ``read`` makes.
    """

    path: Path
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    read: Callable[[], NDArray[Any]]
    name: str = ""
    page: int | None = None
    pixel_size: PixelSize | None = None
    read_into: Callable[[NDArray[Any]], None] | None = None


@dataclass(frozen=True)
class MapFile:
    """An opened file.

    Attributes
    ----------
    path : Path
    planes : tuple of Plane
        Empty when ``not_maps`` says why the file holds pictures rather than maps.
    not_maps : str
        "a colour picture" and the like; "" for files with planes.
    notes : tuple of str
        Sentences for the warnings of the ingest report.
    quantity : str or None
        What the numbers are, where the kind of file settles it ("reflectance").
    truth : array (H, W) of uint8 or None
        Ground truth stored beside the planes in the same file: 0 background, 1 anomaly.
    lazy : array-like or None
        All planes as one dask array (C, H, W), where the file is made to be read in parts.
    """

    path: Path
    planes: tuple[Plane, ...] = ()
    not_maps: str = ""
    notes: tuple[str, ...] = ()
    quantity: Quantity | None = None
    truth: NDArray[np.uint8] | None = None
    lazy: Any | None = None
