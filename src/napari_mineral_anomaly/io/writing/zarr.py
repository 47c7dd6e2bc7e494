"""OME-Zarr (NGFF 0.4): a folder of compressed chunks, of which programs read only what they show.

Version 0.4 on Zarr 2, which napari, Fiji, QuPath and Python read; some of them do not know 0.5 on
Zarr 3 yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.atomic import atomic_folder
from napari_mineral_anomaly.io.writing.tiff import SOFTWARE, PixelSize

# A few MB a chunk: one element, a piece of the map that a screen shows.
_CHUNK = 1024


def write_ome_zarr(
    path: str | Path,
    planes: Any,
    names: Sequence[str],
    pixel_size: PixelSize,
    *,
    overwrite: bool = False,
    before_plane: Callable[[int], None] | None = None,
    inputs: Sequence[str | Path] = (),
) -> Path:
    """Write planes as an OME-Zarr image of one resolution, axes c, y, x.

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
        array = group.create_array(
            "0",
            shape=(count, height, width),
            dtype=dtype,
            chunks=(1, min(height, _CHUNK), min(width, _CHUNK)),
            chunk_key_encoding={"name": "v2", "separator": "/"},
            # Chunks of zeros are written too, so that a missing chunk can only be a lost one.
            config={"write_empty_chunks": True},
        )
        for c, name in enumerate(names):
            if before_plane is not None:
                before_plane(c)
            plane = np.asarray(planes[c])
            array[c] = plane.astype(dtype, copy=False)
            channels.append(_channel(str(name), plane))
        group.attrs.update(_attributes(Path(path).name, channels, pixel_size))
    return Path(path)


def _channel(name: str, plane: NDArray[Any]) -> dict[str, Any]:
    finite = plane[np.isfinite(plane)] if plane.dtype.kind == "f" else plane
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    window = {"min": low, "max": high, "start": low, "end": high}
    return {"label": name, "color": "FFFFFF", "active": True, "window": window}


def _attributes(
    name: str, channels: Sequence[dict[str, Any]], pixel_size: PixelSize
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
            {
                "path": "0",
                "coordinateTransformations": [{"type": "scale", "scale": [1.0, y, x]}],
            }
        ],
    }
    return {
        "multiscales": [image],
        "omero": {"version": "0.4", "channels": list(channels)},
        "_creator": {"name": SOFTWARE},
    }
