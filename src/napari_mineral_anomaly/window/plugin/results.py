"""Files of results as layers: which file is one, and its layer with the numbers of the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mineral_anomaly.errors import InputError

if TYPE_CHECKING:
    from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Plane
    from napari_mineral_anomaly.window.layers.links import Role
    from napari_mineral_anomaly.window.layers.make import LayerData


def results_in(path: Path) -> list[Path]:
    """The files of results that a path stands for: itself, or those in the folder of a run.

    Parameters
    ----------
    path : Path
        A TIFF, an OME-Zarr, a table of pixels, or a folder with the score of a run.
    """
    from napari_mineral_anomaly.io.formats.registry import ZARR
    from napari_mineral_anomaly.io.run_files import (
        GRAIN_LABELS_FILE,
        LABELS_FILE,
        MASK_FILE,
        RUN_FILE,
        SCORE_FILE,
    )

    if path.is_dir() and not ZARR.takes(path):
        if not ((path / RUN_FILE).is_file() and (path / SCORE_FILE).is_file()):
            return []
        files = (SCORE_FILE, LABELS_FILE, GRAIN_LABELS_FILE, MASK_FILE)
        return [path / name for name in files if (path / name).is_file()]
    return [path] if _is_result(path) else []


def result_layers(paths: Sequence[Path]) -> list[LayerData]:
    """The layers of some files of results, as those of one scan.

    Raises
    ------
    InputError
        When a file is damaged, or is no result of this plugin.
    """
    from napari_mineral_anomaly.window.layers.make import new_scan_id

    scan_id = new_scan_id()
    return [_layer_of(path, scan_id) for path in paths]


def _is_result(path: Path) -> bool:
    """Looks at names and headers only; of a text, at its heading."""
    from napari_mineral_anomaly.io.formats.lookup import open_maps
    from napari_mineral_anomaly.io.formats.registry import TEXT, TIFF, ZARR
    from napari_mineral_anomaly.io.formats.shared.planes import MapFile
    from napari_mineral_anomaly.io.formats.text.tables.table import table_columns

    if TEXT.takes(path):
        return any(_kind_of_title(name) for name in table_columns(path))
    if not (TIFF.takes(path) or ZARR.takes(path)):
        return False
    opened = open_maps(path)
    return isinstance(opened, MapFile) and _kind(opened) != ""


def _kind(file: MapFile) -> Role | str:
    """Role of a file of ours, "labels" for labels without a role, "" for other files."""
    from napari_mineral_anomaly.io.run_files import (
        GRAIN_LABELS_FILE,
        LABELS_FILE,
        MASK_FILE,
        SCORE_FILE,
    )

    if len(file.planes) != 1:
        return ""
    if kind := _kind_of_title(file.planes[0].name):
        return kind
    endings = {
        SCORE_FILE: "score",
        MASK_FILE: "mask",
        LABELS_FILE: "pseudo_labels",
        GRAIN_LABELS_FILE: "labels",
        "truth.tif": "truth",  # as the step “Hand over” names it
    }
    name = file.path.name.lower()
    return next((kind for ending, kind in endings.items() if name.endswith(ending)), "")


def _kind_of_title(title: str) -> Role | str:
    from napari_mineral_anomaly.io.writing.results import GRAIN_LABELS_TITLE
    from napari_mineral_anomaly.window.layers.links import TITLES_IN_FILES

    kinds: dict[str, Role | str] = {text: role for role, text in TITLES_IN_FILES.items()}
    return (kinds | {GRAIN_LABELS_TITLE: "labels"}).get(title, "")


def _layer_of(path: Path, scan_id: str) -> LayerData:
    from napari_mineral_anomaly.io.formats.lookup import open_maps
    from napari_mineral_anomaly.io.formats.shared.planes import MapFile
    from napari_mineral_anomaly.window.layers import make as layers
    from napari_mineral_anomaly.window.layers.links import Link

    opened = open_maps(path)
    kind = _kind(opened) if isinstance(opened, MapFile) else ""
    if not isinstance(opened, MapFile) or not kind:
        raise InputError(f"{path.name} is not a score, mask or label image of this plugin.")
    plane = opened.planes[0]
    data = plane.read()
    data = data.astype(np.float32) if kind == "score" else data
    spatial = layers.spatial_kwargs(_pixel_size(plane))
    title = path.name.split(".")[0]
    if kind == "labels":
        return data, {"name": title, **spatial}, "labels"
    if kind == "valid":
        layer = layers.valid_layer(data != 0, scan=title, scan_id=scan_id, spatial=spatial)
    else:
        link = Link(scan_id, "score", scan=title)
        common: dict[str, Any] = {"title": title, "link": link, "spatial": spatial}
        if kind == "score":
            layer = layers.score_layer(data, layers.default_score_threshold(data), **common)
        elif kind == "mask":
            layer = layers.mask_layer(data, **common)
        elif kind == "truth":
            layer = layers.truth_labels(data, **common)
        else:
            layer = layers.pseudo_label_layer(data, **common)
    layer[1]["name"], layer[1]["visible"] = title, True
    return layer


def _pixel_size(plane: Plane) -> tuple[float, float] | None:
    """What the file says, else the world file beside it."""
    from napari_mineral_anomaly.io.reading.sizes.world_files import georeferenced

    size = plane.pixel_size or georeferenced(plane.path).size
    return None if size is None else size.um
