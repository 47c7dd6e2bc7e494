"""napari reader: scans in all formats of `read_maps`, and the files that we export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mineral_anomaly.errors import InputError

if TYPE_CHECKING:
    from napari_mineral_anomaly.io.formats.shared.planes import MapFile
    from napari_mineral_anomaly.window.layers.links import Role
    from napari_mineral_anomaly.window.layers.make import LayerData

PathOrPaths = str | Sequence[str]
Reader = Callable[[PathOrPaths], "list[LayerData]"]

# More notifications than this at a time hide the window.
_MOST_WARNINGS = 4


def get_reader(path: PathOrPaths) -> Reader | None:
    """A function that reads ``path`` into layers, or None if this plugin does not read it.

    Fast (lists a folder or reads the head of a TIFF) and never raises, because napari calls it for
    every dropped file. A single image without an element name and without our title is left to
    napari's own reader.
    """
    paths = _paths(path)
    try:
        from napari_mineral_anomaly.project.reading import is_project

        if len(paths) == 1 and is_project(paths[0]):
            return open_as_project
        from napari_mineral_anomaly.io import can_read
        from napari_mineral_anomaly.io.formats.registry import TIFF

        if len(paths) == 1 and TIFF.takes(paths[0]):
            return _tiff_reader(paths[0])
        if not paths:
            return None
        return read_as_layers if can_read(paths[0] if len(paths) == 1 else paths) else None
    except Exception:  # the reader that then opens the file reports the damage
        return None


def open_as_project(path: PathOrPaths) -> list[LayerData]:
    """Open a project in the current viewer, in the background; no layers for napari itself."""
    from napari import current_viewer

    from napari_mineral_anomaly.window.kit.dock import open_dock
    from napari_mineral_anomaly.window.project.projects import projects_of

    viewer = current_viewer()
    if viewer is None:
        raise InputError("A project opens in a window of napari: there is none.")
    open_dock(viewer, "Project")
    projects_of(viewer).open(_paths(path)[0])
    return [(None,)]  # type: ignore[list-item]  # napari's sign for "no layers"


def read_as_layers(path: PathOrPaths) -> list[LayerData]:
    """All layers of one scan; warnings of the report become notifications."""
    from napari.utils.notifications import show_info, show_warning

    from napari_mineral_anomaly.io import read_maps
    from napari_mineral_anomaly.project.maps import ScanFiles
    from napari_mineral_anomaly.scan.spectra.image import MissingEnergyError
    from napari_mineral_anomaly.window.layers.make import new_scan_id
    from napari_mineral_anomaly.window.layers.scan_layers import scan_layers, scan_name
    from napari_mineral_anomaly.words import listed

    paths = _paths(path)
    try:
        cube = read_maps(paths[0] if len(paths) == 1 else paths, remembered=True)
    except MissingEnergyError:
        raise InputError(
            f"{paths[0].name} does not say which energies its channels have: open it with the dock "
            "“Load maps”, which asks for the calibration."
        ) from None
    report = cube.report
    if report is not None:
        if report.to_decide:
            files = listed([entry.file for entry in report.to_decide])
            show_warning(f"No element in the name of {files}: tell it in the dock “Load maps”.")
        for warning in report.warnings[:_MOST_WARNINGS]:
            show_warning(warning)
        if len(report.warnings) > _MOST_WARNINGS:
            more = len(report.warnings) - _MOST_WARNINGS
            show_warning(f"{more} more warnings: open the scan with “Load maps” to read them all.")
        if report.ignored:
            others = "; ".join(f"{entry.file}: {entry.reason}" for entry in report.ignored)
            show_info(f"Not read as element maps: {others}.")
    if cube.pixel_size is None:
        show_info(
            "These maps have no pixel size, so the scale is in pixels. To type the size, use the "
            "dock “Load maps”."
        )
    # Finding the valid area reads every map: skip it if the maps stay on disk.
    off_sample = not cube.is_lazy and cube.n_valid < cube.valid.size
    return scan_layers(
        cube,
        scan=scan_name(paths, None) or "scan",
        scan_id=new_scan_id(),
        context=[str(image.file) for image in cube.context],
        with_valid=off_sample,
        files=ScanFiles(tuple(paths)),
    )


def read_result(path: PathOrPaths) -> list[LayerData]:
    """The layer of a score, mask, pseudo-label or truth file, with the numbers of the file."""
    from napari_mineral_anomaly.io.formats.tiff.maps import open_maps
    from napari_mineral_anomaly.window.layers import make as layers
    from napari_mineral_anomaly.window.layers.links import Link

    file = _paths(path)[0]
    opened = open_maps(file)
    role = _role(opened)
    if role is None:
        raise InputError(f"{file.name} is not a score, mask or label image of this plugin.")
    plane = opened.planes[0]
    data = plane.read()
    spatial = layers.spatial_kwargs(None if plane.pixel_size is None else plane.pixel_size.um)
    title = file.name.split(".")[0]
    link = Link(layers.new_scan_id(), role, scan=title)
    common: dict[str, Any] = {"title": title, "link": link, "spatial": spatial}
    if role == "score":
        layer = layers.score_layer(data, layers.default_score_threshold(data), **common)
    elif role == "mask":
        layer = layers.mask_layer(data, **common)
    elif role == "truth":
        layer = layers.truth_labels(data, **common)
    else:
        layer = layers.pseudo_label_layer(data, **common)
    layer[1]["name"], layer[1]["visible"] = title, True
    return [layer]


def _paths(path: PathOrPaths) -> list[Path]:
    return [Path(entry) for entry in ([path] if isinstance(path, str) else path)]


def _tiff_reader(path: Path) -> Reader | None:
    from napari_mineral_anomaly.io.formats.tiff.maps import open_maps

    opened = open_maps(path)
    if _role(opened) is not None:
        return read_result
    return read_as_layers if len(opened.planes) > 1 else None


def _role(file: MapFile) -> Role | None:
    """Role of a TIFF of ours, by the title inside the file, else by the file name."""
    from napari_mineral_anomaly.io.run_files import LABELS_FILE, MASK_FILE, SCORE_FILE
    from napari_mineral_anomaly.window.layers.links import TITLES_IN_FILES

    if len(file.planes) != 1:
        return None
    for role, title in TITLES_IN_FILES.items():
        if file.planes[0].name == title:
            return role
    endings: dict[str, Role] = {
        SCORE_FILE: "score",
        MASK_FILE: "mask",
        LABELS_FILE: "pseudo_labels",
        "truth.tif": "truth",  # as the dock “Export results” names it
    }
    name = file.path.name.lower()
    return next((role for ending, role in endings.items() if name.endswith(ending)), None)
