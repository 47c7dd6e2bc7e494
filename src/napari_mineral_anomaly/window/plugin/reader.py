"""napari reader: scans in all formats of `read_maps`, and the files that we export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.window.plugin.results import result_layers, results_in

if TYPE_CHECKING:
    from napari_mineral_anomaly.window.layers.make import LayerData

PathOrPaths = str | Sequence[str]
Reader = Callable[[PathOrPaths], "list[LayerData]"]

# More notifications than this at a time hide the window.
_MOST_WARNINGS = 4


def get_reader(path: PathOrPaths) -> Reader | None:
    """A function that reads ``path`` into layers, or None if this plugin does not read it.

    Fast (lists a folder or reads the head of a file) and never raises, because napari calls it for
    every dropped file. A single image without an element name and without our title is left to
    napari's own reader.
    """
    paths = _paths(path)
    try:
        from napari_mineral_anomaly.project.reading import is_project

        if len(paths) == 1 and is_project(paths[0]):
            return open_as_project
        from napari_mineral_anomaly.io import can_read

        rest = [one for one in paths if not results_in(one)]
        if len(rest) < len(paths):
            return read_results if not rest or can_read(_one_or_all(rest)) else None
        return read_as_layers if paths and can_read(_one_or_all(paths)) else None
    except Exception:  # the reader that then opens the file reports the damage
        return None


def read_results(path: PathOrPaths) -> list[LayerData]:
    """The layers of results, above those of the element maps that were opened with them."""
    from napari import current_viewer

    from napari_mineral_anomaly.window.plugin.commands import show_workbench_soon
    from napari_mineral_anomaly.window.state.model import DECIDE

    paths = _paths(path)
    found = [(one, results_in(one)) for one in paths]
    rest = [str(one) for one, files in found if not files]
    layers = read_as_layers(rest) if rest else []
    show_workbench_soon(current_viewer(), DECIDE)
    return layers + result_layers([file for _, files in found for file in files])


def open_as_project(path: PathOrPaths) -> list[LayerData]:
    """Open a project in the current viewer, in the background; no layers for napari itself."""
    from napari import current_viewer

    from napari_mineral_anomaly.window.kit.opening import open_step
    from napari_mineral_anomaly.window.project.projects import projects_of

    viewer = current_viewer()
    if viewer is None:
        # Without a window there are no docks: the results alone.
        return read_results(path)
    open_step(viewer)
    projects_of(viewer).open(_paths(path)[0])
    return [(None,)]  # type: ignore[list-item]  # napari's sign for "no layers"


def read_as_layers(path: PathOrPaths) -> list[LayerData]:
    """All layers of one scan; warnings of the report become notifications."""
    from napari import current_viewer
    from napari.utils.notifications import show_info, show_warning

    from napari_mineral_anomaly.io import read_maps
    from napari_mineral_anomaly.project.maps import ScanFiles
    from napari_mineral_anomaly.scan.spectra.image import MissingEnergyError
    from napari_mineral_anomaly.window.layers.make import new_scan_id
    from napari_mineral_anomaly.window.layers.scan_layers import scan_layers, scan_name
    from napari_mineral_anomaly.window.plugin.commands import show_workbench_soon
    from napari_mineral_anomaly.window.state.model import LOOK
    from napari_mineral_anomaly.words import listed

    paths = _paths(path)
    try:
        cube = read_maps(paths[0] if len(paths) == 1 else paths, remembered=True)
    except MissingEnergyError:
        raise InputError(
            f"{paths[0].name} does not say which energies its channels have: open it with the step "
            "“Open”, which asks for the calibration."
        ) from None
    report = cube.report
    if report is not None:
        if report.to_decide:
            files = listed([entry.file for entry in report.to_decide])
            show_warning(f"No element in the name of {files}: tell it in the step “Open”.")
        for warning in report.warnings[:_MOST_WARNINGS]:
            show_warning(warning)
        if len(report.warnings) > _MOST_WARNINGS:
            more = len(report.warnings) - _MOST_WARNINGS
            show_warning(
                f"{more} more warnings: open the scan with the step “Open” to read them all."
            )
        if report.ignored:
            others = "; ".join(f"{entry.file}: {entry.reason}" for entry in report.ignored)
            show_info(f"Not read as element maps: {others}.")
    if cube.pixel_size is None:
        show_info(
            "These maps have no pixel size, so the scale is in pixels. To type the size, use the "
            "step “Open”."
        )
    # Finding the valid area reads every map: skip it if the maps stay on disk.
    off_sample = not cube.is_lazy and cube.n_valid < cube.valid.size
    show_workbench_soon(current_viewer(), LOOK)
    return scan_layers(
        cube,
        scan=scan_name(paths, None) or "scan",
        scan_id=new_scan_id(),
        context=[str(image.file) for image in cube.context],
        with_valid=off_sample,
        files=ScanFiles(tuple(paths)),
    )


def _paths(path: PathOrPaths) -> list[Path]:
    return [Path(entry) for entry in ([path] if isinstance(path, str) else path)]


def _one_or_all(paths: Sequence[Path]) -> Path | Sequence[Path]:
    return paths[0] if len(paths) == 1 else paths
