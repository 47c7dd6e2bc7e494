"""The scans in a viewer; an `ElementCube` from the layers of a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.cube import QUANTITIES, ElementCube, Quantity
from napari_mineral_anomaly.scan.report import IngestReport
from napari_mineral_anomaly.window.layers.attached import report_of, spectra_of
from napari_mineral_anomaly.window.layers.links import first_layer, linked_layers
from napari_mineral_anomaly.window.layers.make import PixelSize, pixel_size_of, spatial_of
from napari_mineral_anomaly.window.layers.shared_cubes import shared
from napari_mineral_anomaly.words import sizes


@dataclass(frozen=True, eq=False)
class Scan:
    """One scan in the viewer.

    ``elements`` are the elements that still have a layer; only these are analysed. ``spatial`` is
    the position of the scan, for layers that must lie on it.
    """

    scan_id: str
    name: str
    elements: tuple[str, ...]
    shape: tuple[int, int]
    spatial: dict[str, Any]


def scans_in(viewer: Any) -> list[Scan]:
    """The scans that have element layers, in the order of their first layer."""
    scan_ids = dict.fromkeys(link.scan_id for _, link in linked_layers(viewer, role="element"))
    return [scan for scan_id in scan_ids if (scan := find_scan(viewer, scan_id)) is not None]


def find_scan(viewer: Any, scan_id: str) -> Scan | None:
    """The scan with that id; None if it has no element layer any more."""
    found = list(linked_layers(viewer, scan_id, "element"))
    if not found:
        return None
    layer, link = found[0]
    height, width = layer.data.shape[-2:]
    return Scan(
        scan_id,
        link.scan or "scan",
        tuple(link.element or layer.name for layer, link in found),
        (int(height), int(width)),
        spatial_of(layer),
    )


def cube_from_layers(viewer: Any, scan_id: str) -> ElementCube:
    """A cube of the element layers that the scan still has, in their order.

    The pixel size is that of the layers, so a size that the user set in napari counts. The valid
    area comes from the layer "valid area" of the scan with its strokes, if there is one. No map is
    copied: planes of one array stay that array, others are stacked lazily. Without a layer of the
    valid area it is the earlier cube while nothing changed and somebody holds it.

    Raises
    ------
    InputError
        When no element layer is left, or when layers or the valid area have different shapes.
    """
    found = list(linked_layers(viewer, scan_id, "element"))
    if not found:
        raise InputError(
            "No element map of this scan is left in the layer list: load the scan again."
        )
    planes = [_as_it_lies(layer.data) for layer, _ in found]
    shapes = {plane.shape for plane in planes}
    if len(shapes) > 1 or planes[0].ndim != 2:
        listed = ", ".join(sorted(map(sizes, shapes)))
        raise InputError(
            f"The element layers of this scan have different shapes ({listed}): "
            "remove those that do not belong together."
        )
    spectra = spectra_of(viewer, scan_id)
    layer, link = found[0]
    quantity = cast(Quantity, link.quantity) if link.quantity in QUANTITIES else None
    elements = [link.element or layer.name for layer, link in found]
    pixel_size = pixel_size_of(layer)
    valid = valid_area_of(viewer, scan_id)
    cube = ElementCube(
        stacked(planes),
        elements,
        pixel_size=pixel_size,
        valid=valid,
        quantity=quantity,
        source=link.source or link.scan or None,
        report=_report_now(viewer, scan_id, elements, pixel_size),
        spectra=spectra if spectra is not None and spectra.shape in shapes else None,
    )
    if valid is not None:
        return cube  # the brushed area changes in place
    arrays = [spectra, report_of(viewer, scan_id), *(layer.data for layer, _ in found)]
    description = (cube.elements, cube.pixel_size, cube.source, quantity)
    return shared(viewer, scan_id, cube, arrays, description)


def valid_area_of(viewer: Any, scan_id: str) -> NDArray[np.bool_] | None:
    """The valid area (H, W) with the strokes of the user; None if the scan has no such layer."""
    layer = first_layer(viewer, "valid", scan_id)
    return None if layer is None else np.asarray(layer.data) != 0


def _report_now(
    viewer: Any, scan_id: str, elements: Sequence[str], pixel_size: PixelSize
) -> IngestReport | None:
    """The ingest report, limited to the elements that are left, with the present pixel size."""
    report = report_of(viewer, scan_id)
    if report is None:
        return None
    used = tuple(entry for entry in report.used if entry.element in elements)
    changes: dict[str, Any] = {"used": used}
    if pixel_size != report.pixel_size_um:
        changes |= {"pixel_size_um": pixel_size, "pixel_size_source": "typed by the user"}
    return report.model_copy(update=changes)


def _as_it_lies(data: Any) -> Any:
    """The data of a layer; maps on disk are not read."""
    return data if hasattr(data, "dask") else np.asarray(data)


def stacked(planes: Sequence[Any]) -> Any:
    """A (C, H, W) array of the planes without copying them.

    If the planes are neighbours in one array: a slice of that array. Else a dask array.
    """
    base = getattr(planes[0], "base", None)
    if isinstance(base, np.ndarray) and base.ndim == 3 and base.shape[1:] == planes[0].shape:
        where = {base[i].__array_interface__["data"]: i for i in range(base.shape[0])}
        found = [
            where.get(plane.__array_interface__["data"], -1)
            if isinstance(plane, np.ndarray)
            else -1
            for plane in planes
        ]
        neighbours = found[0] >= 0 and found == list(range(found[0], found[0] + len(found)))
        if neighbours and all(plane.strides == base.strides[1:] for plane in planes):
            return base[found[0] : found[0] + len(found)]
    import dask.array as da  # takes a quarter of a second, and most scans do not need it

    # name=False: no hashing of the data.
    return da.stack(
        [
            plane if isinstance(plane, da.Array) else da.from_array(plane, chunks=-1, name=False)
            for plane in planes
        ]
    )
