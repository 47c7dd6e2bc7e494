"""All layers of a scan that was read, and the name of the scan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.io.reading.source import split_dataset
from napari_mineral_anomaly.project.maps import ScanFiles
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.layers.attached import FILES_KEY
from napari_mineral_anomaly.window.layers.make import (
    LayerData,
    context_layer,
    element_layers,
    spatial_kwargs,
    valid_layer,
)


def scan_layers(
    cube: ElementCube,
    *,
    scan: str,
    scan_id: str,
    context: Sequence[str],
    with_valid: bool,
    files: ScanFiles | None = None,
) -> list[LayerData]:
    """All layers of a scan, bottom first: chosen context images, element maps, valid area.

    ``files`` are those that the scan was read from; with them a project finds the maps again.

    Raises
    ------
    InputError
        When a context image turns out to be damaged.
    """
    spatial = spatial_kwargs(cube.pixel_size)
    own: dict[str, Any] = {"scan": scan, "scan_id": scan_id}
    layers = [
        context_layer(image, **own, spatial=spatial)
        for image in cube.context
        if str(image.file) in context
    ]
    maps = element_layers(cube, **own)
    if files is not None:
        for _, kwargs, _ in maps:
            kwargs["metadata"][FILES_KEY] = files
    layers += maps
    if with_valid:
        layers.append(valid_layer(cube.valid, **own, spatial=spatial))
    return layers


def folder_of(paths: Sequence[Path]) -> Path:
    """The folder for which typed pixel sizes and calibrations are remembered."""
    first, _ = split_dataset(paths[0])
    return first if first.is_dir() else first.parent


def scan_name(paths: Sequence[Path], sample: str | None) -> str:
    """Name of the scan: its folder or file, and the sample if one was chosen."""
    first, _ = split_dataset(paths[0])
    if first.is_dir():
        name = first.resolve().name
    elif len(paths) > 1:
        name = first.resolve().parent.name
    else:
        name = first.name.split(".")[0]
    return name if sample is None else f"{name} {sample}"
