"""OME-Zarr (NGFF 0.4): a folder of compressed chunks, of which programs read only what they show.

Version 0.4 on Zarr 2, which napari, Fiji, QuPath and Python read; some of them do not know 0.5 on
Zarr 3 yet. Large maps get smaller levels (a pyramid), each with half the rows and columns of the
one before, so that programs show the whole map at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.atomic import atomic_folder
from napari_mineral_anomaly.io.writing.tiff import SOFTWARE, PixelSize

# A few MB a chunk: one element, a piece of the map that a screen shows.
_CHUNK = 1024
# The smallest level fits on a part of a screen.
_SMALLEST_LEVEL = 512

# How four pixels become one in the smaller levels: "mean" for measured values; "largest" for scores
# and masks, so that a grain of one pixel does not vanish; "first" for numbers of classes.
Shrink = Literal["mean", "largest", "first"]


def write_ome_zarr(
    path: str | Path,
    planes: Any,
    names: Sequence[str],
    pixel_size: PixelSize,
    *,
    shrink: Shrink = "mean",
    overwrite: bool = False,
    before_plane: Callable[[int], None] | None = None,
    inputs: Sequence[str | Path] = (),
) -> Path:
    """Write planes as an OME-Zarr image with axes c, y, x, and smaller levels of large maps.

    Number types do not change (booleans become 0 and 1); the compression (zstd) is lossless.
    Without a pixel size the axes have no unit.

    Parameters
    ----------
    path : path
        The folder, usually with the ending .ome.zarr; it appears complete or not at all.
    planes : (C, H, W), numpy or lazy
        One plane at a time is in memory.
    names : C channel names
    pixel_size : (y, x) in µm, or None when unknown
    shrink : {"mean", "largest", "first"}
        How the smaller levels are made; the first level always holds the numbers as they are.
    overwrite : bool
        Whether an earlier folder of that name is replaced, as a whole.
    before_plane : callable, optional
        Called with the number of each plane before it is written; may raise to stop.
    inputs : paths, optional
        See `atomic.require_not_an_input`.

    Raises
    ------
    InputError
        When a name is missing, or the folder cannot be written.
    """
    import zarr

    count, height, width = (int(n) for n in planes.shape)
    if len(names) != count:
        raise InputError(f"A stack needs one name per plane: got {len(names)} for {count} planes.")
    dtype = np.dtype(planes.dtype).newbyteorder("=")
    dtype = np.dtype(np.uint8) if dtype == np.bool_ else dtype
    channels = []
    with atomic_folder(path, overwrite=overwrite, inputs=inputs) as folder:
        group = zarr.open_group(str(folder), mode="w", zarr_format=2)
        levels = [
            group.create_array(
                str(level),
                shape=(count, *shape),
                dtype=dtype,
                chunks=(1, *(min(side, _CHUNK) for side in shape)),
                chunk_key_encoding={"name": "v2", "separator": "/"},
                # Chunks of zeros are written too: a missing chunk can only be a lost one.
                config={"write_empty_chunks": True},
            )
            for level, shape in enumerate(_level_shapes(height, width))
        ]
        for c, name in enumerate(names):
            if before_plane is not None:
                before_plane(c)
            plane = np.asarray(planes[c]).astype(dtype, copy=False)
            channels.append(_channel(str(name), plane))
            for level in levels:
                level[c] = plane
                plane = _halved(plane, shrink)
        group.attrs.update(_attributes(Path(path).name, channels, pixel_size, len(levels), shrink))
    return Path(path)


def _level_shapes(height: int, width: int) -> list[tuple[int, int]]:
    shapes = [(height, width)]
    while max(shapes[-1]) > _SMALLEST_LEVEL:
        shapes.append((-(-shapes[-1][0] // 2), -(-shapes[-1][1] // 2)))
    return shapes


def _halved(plane: NDArray[Any], shrink: Shrink) -> NDArray[Any]:
    """Each 2 x 2 pixels as one, fewer at the last row and column; missing pixels do not count."""
    if shrink == "first":
        return plane[::2, ::2]
    height, width = plane.shape
    even = np.pad(plane, ((0, height % 2), (0, width % 2)), mode="edge")
    blocks = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2)
    if shrink == "largest":
        return np.asarray(np.fmax.reduce(blocks, axis=(1, 3)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # four missing pixels stay missing
        mean = np.nanmean(blocks, axis=(1, 3), dtype=np.float64)
    return (mean if plane.dtype.kind == "f" else np.rint(mean)).astype(plane.dtype)


def _channel(name: str, plane: NDArray[Any]) -> dict[str, Any]:
    finite = plane[np.isfinite(plane)] if plane.dtype.kind == "f" else plane
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    window = {"min": low, "max": high, "start": low, "end": high}
    return {"label": name, "color": "FFFFFF", "active": True, "window": window}


def _attributes(
    name: str,
    channels: Sequence[dict[str, Any]],
    pixel_size: PixelSize,
    n_levels: int,
    shrink: Shrink,
) -> dict[str, Any]:
    y, x = (1.0, 1.0) if pixel_size is None else pixel_size
    unit = {} if pixel_size is None else {"unit": "micrometer"}
    image = {
        "version": "0.4",
        "name": name.split(".")[0],
        "axes": [
            {"name": "c", "type": "channel"},
            {"name": "y", "type": "space", **unit},
            {"name": "x", "type": "space", **unit},
        ],
        "datasets": [
            {"path": str(level), "coordinateTransformations": _place(2**level, y, x, shrink)}
            for level in range(n_levels)
        ],
    }
    if n_levels > 1:
        image["type"] = shrink
    return {
        "multiscales": [image],
        "omero": {"version": "0.4", "channels": list(channels)},
        "_creator": {"name": SOFTWARE},
    }


def _place(factor: int, y: float, x: float, shrink: Shrink) -> list[dict[str, Any]]:
    """Pixel size of a level, and where the centre of its first pixel lies."""
    found: list[dict[str, Any]] = [{"type": "scale", "scale": [1.0, factor * y, factor * x]}]
    if factor > 1 and shrink != "first":
        shift = (factor - 1) / 2
        found.append({"type": "translation", "translation": [0.0, shift * y, shift * x]})
    return found
