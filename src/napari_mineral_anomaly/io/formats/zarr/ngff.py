"""OME-Zarr: which image of a store is read, and how its axes are understood (NGFF 0.1 to 0.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.named_axes import NamedAxis, Order, order_of
from napari_mineral_anomaly.words import listed


@dataclass(frozen=True)
class Image:
    """One image of OME-Zarr, its largest level.

    Attributes
    ----------
    array : zarr.Array
    level : str
        Its path below the group.
    order : Order
    labels : tuple of str
        Names of the channels (omero); perhaps fewer or more than there are.
    notes : tuple of str
    """

    array: Any
    level: str
    order: Order
    labels: tuple[str, ...]
    notes: tuple[str, ...] = ()


def ome_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of OME-Zarr: those of the group up to version 0.4, its ``ome`` from 0.5 on."""
    inner = attributes.get("ome")
    if not isinstance(inner, Mapping):
        return dict(attributes)
    return {**attributes, **inner}


def image_path(path: Path, group: Any, attributes: Mapping[str, Any]) -> str | None:
    """Where the only image of a store lies, "0", for a store that bioformats2raw wrote.

    Returns
    -------
    str or None
        None where no subgroup is an image of OME-Zarr.

    Raises
    ------
    InputError
        For plates of wells, and where there are several images: the sentence names them.
    """
    if "plate" in attributes:
        rows = (
            attributes["plate"].get("wells", []) if isinstance(attributes["plate"], Mapping) else []
        )
        first = next((well.get("path", "A/1") for well in rows if isinstance(well, Mapping)), "A/1")
        raise InputError(
            f"{path.name} is a plate of wells, no scan: open one of its images, as "
            f'"{path.name}::/{first}/0".'
        )
    images = [
        name
        for name, member in sorted(group.groups(), key=lambda item: _natural(item[0]))
        if name not in ("labels", "OME") and ome_attributes(dict(member.attrs)).get("multiscales")
    ]
    if len(images) > 1:
        raise InputError(
            f"{path.name} holds {len(images)} images ({listed(images, shown=6)}): open one of "
            f'them, as "{path.name}::/{images[0]}".'
        )
    return images[0] if images else None


def image_of(path: Path, group: Any, attributes: Mapping[str, Any]) -> Image:
    """The first image of a group with ``multiscales``.

    Raises
    ------
    InputError
        When the metadata do not fit the array, or when the image is no stack of maps.
    """
    if "image-label" in attributes:
        raise InputError(
            f"{path.name} holds numbers of objects (an OME-Zarr label image), no element maps; "
            "open the image itself."
        )
    scales = attributes["multiscales"]
    image = scales[0]
    level = image["datasets"][0]
    place = str(level["path"])
    if place.startswith("/") or ".." in Path(place).parts:
        raise InputError(
            f"{path.name} is damaged: its image lies at {place}, outside of the store, which is "
            "not opened."
        )
    try:
        array = group[place]
    except KeyError:
        raise InputError(f"{path.name} is damaged: its level {place} is not there.") from None
    described = image.get("axes") or list("tczyx")
    if len(described) != array.ndim:
        raise InputError(
            f"{path.name} is damaged: it names {len(described)} axes, its array has {array.ndim}."
        )
    steps = _scale(path, array.ndim, level, image)
    axes = [_axis(axis, step) for axis, step in zip(described, steps, strict=True)]
    order = order_of(axes, array.shape, "the axes of OME-Zarr", "OME-Zarr scale")
    if order is None or order.roles not in ("cyx", "yx"):
        words = ", ".join(f"{a.name} {s}" for a, s in zip(axes, array.shape, strict=True))
        raise InputError(
            f"{path.name} is no stack of element maps: its axes are {words}; channels, rows and "
            "columns are needed."
        )
    omero = attributes.get("omero")
    channels = omero.get("channels", []) if isinstance(omero, Mapping) else []
    labels = tuple(str(c.get("label", "")) for c in channels if isinstance(c, Mapping))
    notes: tuple[str, ...] = ()
    if len(scales) > 1:
        names = [str(one.get("name") or i) for i, one in enumerate(scales)]
        notes = (f"it describes {len(scales)} images; the first ({names[0]}) is read",)
    return Image(array, place, order, labels, notes)


def _axis(axis: Any, step: float | None) -> NamedAxis:
    if isinstance(axis, str):
        return NamedAxis(axis, "", step)
    name = "c" if axis.get("type") == "channel" else str(axis.get("name", ""))
    return NamedAxis(name, str(axis.get("unit") or ""), step)


def _scale(path: Path, n_axes: int, *sources: Mapping[str, Any]) -> list[float | None]:
    """The step along each axis: the scale of the level times that of all levels."""
    found: list[Sequence[float]] = [
        step["scale"]
        for source in sources
        for step in source.get("coordinateTransformations", [])
        if step.get("type") == "scale" and "scale" in step
    ]
    if not found:
        return [None] * n_axes
    if any(len(scale) != n_axes for scale in found):
        raise InputError(
            f"{path.name} is damaged: its scale has not {n_axes} numbers as its array has axes."
        )
    total = np.prod(np.array(found, dtype=float), axis=0)
    return [float(step) if np.isfinite(step) and step != 0 else None for step in total]


def _natural(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdecimal() else (1 << 30, name)
