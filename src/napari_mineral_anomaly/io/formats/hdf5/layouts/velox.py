"""Thermo Fisher Velox (`.emd`): pictures under numbers, their names in the displays of the program.

The maker does not publish the layout; it is the one that RosettaSciIO reads (rsciio.emd). The
numbers are in Data/Image/KEY/Data (rows, columns, frames), what they are in JSON beside them, and
the element of a map is the label of the display that shows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.io.formats.shared.containers import Container, StoredArray
from napari_mineral_anomaly.io.formats.shared.lengths import length_in_um
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize

_IMAGE = re.compile(r"Data/Image/(?P<key>[^/]+)/Data")


def arranged(container: Container) -> Container:
    """The container with its pictures of one frame under their labels; unchanged in other files."""
    arrays = {array.name: array for array in container.arrays}
    images = {m["key"]: arrays[m.string] for m in map(_IMAGE.fullmatch, arrays) if m}
    if not images:
        return container
    labels = _labels(container.texts)
    maps: list[StoredArray] = []
    others = dict(container.others)
    size: FilePixelSize | None = None
    for key, image in images.items():
        label = labels.get(key, key).replace("/", " ")
        if len(image.shape) != 3 or image.shape[2] != 1:
            others[image.name] = f"{label}, a series of frames"
            continue
        name, shape = f"Data/Image/{label}", (image.shape[0], image.shape[1])
        read = partial(_frame, image.read)
        maps.append(replace(image, name=name, shape=shape, read=read, order=None))
        size = size or _pixel_size(arrays.get(f"Data/Image/{key}/Metadata"))
    others |= {
        name: "spectra, which are read from .hspy: save them in HyperSpy"
        for name in arrays
        if name.startswith(("Data/Spectrum", "Data/EelsSpectrum"))
    }
    return replace(container, arrays=maps, others=others, pixel_size=size)


def _labels(texts: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """The label of each picture; up to version 10 and from 11 on they are in two places."""
    labels: dict[str, str] = {}
    for name, words in texts.items():
        if "Displays/ImageDisplay/" not in name:
            continue
        display = _json("".join(words))
        place = display.get("dataPath")
        label: Any = display.get("display", {})
        label = label.get("label") if isinstance(label, dict) else None
        if place is None:
            reference = str(display.get("data", "")).strip("/")
            place = _json("".join(texts.get(reference, ()))).get("dataPath")
            label = display.get("id")
        if isinstance(place, str) and isinstance(label, str) and label:
            labels[place.rpartition("/")[2]] = label
    return labels


def _pixel_size(metadata: StoredArray | None) -> FilePixelSize | None:
    """The pixel size in the JSON of a picture: bytes, a column for each frame."""
    if metadata is None or metadata.dtype != np.uint8 or len(metadata.shape) != 2:
        return None
    stored = np.asarray(metadata.read())[:, 0].tobytes().rstrip(b"\x00 ")
    result = _json(stored.decode("utf-8", errors="replace")).get("BinaryResult")
    sizes = result.get("PixelSize") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(sizes, dict):
        return None
    try:
        lengths = float(sizes["height"]), float(sizes["width"])
    except (KeyError, TypeError, ValueError):
        return None
    return length_in_um(lengths, str(result.get("PixelUnitX", "")), "metadata of Velox")


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text.strip("\x00 \n"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _frame(read: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    return np.ascontiguousarray(read()[:, :, 0])
