"""What *Load maps* does in its worker: read, or find out what must be asked first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_mineral_anomaly.cube import ElementCube
from napari_mineral_anomaly.elements import parse_names, samples_of
from napari_mineral_anomaly.io import IngestReport, read_maps, report_of_cube
from napari_mineral_anomaly.io.source import list_source
from napari_mineral_anomaly.progress import CancelToken, ProgressCallback


@dataclass(frozen=True, eq=False)
class MapsRead:
    """A scan and its ingest report."""

    cube: ElementCube
    report: IngestReport


@dataclass(frozen=True)
class WhichSample:
    """The names mix several samples: one must be chosen before anything is read."""

    samples: tuple[str, ...]


def read_or_ask(
    paths: Sequence[Path],
    sample: str | None,
    *,
    on_event: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> MapsRead | WhichSample:
    """Read the maps of one scan; asks where a folder holds those of several samples.

    Raises
    ------
    InputError
        As `read_maps`.
    CancelledError
    """
    source: Path | list[Path] = paths[0] if len(paths) == 1 else list(paths)
    listing = list_source(source)
    if sample is None and not listing.is_single:
        samples = samples_of(parse_names([file.name for file in listing.files]))
        if len(samples) > 1:
            return WhichSample(samples)
    cube = read_maps(source, sample=sample, on_event=on_event, cancel=cancel)
    # What the layers will ask for is worked out here rather than in the window.
    _ = cube.quantity
    return MapsRead(cube, cube.report or report_of_cube(cube))


def scan_name(paths: Sequence[Path], sample: str | None) -> str:
    """What to call the scan: its folder or file, and the sample where one was chosen."""
    first = paths[0]
    if first.is_dir():
        name = first.resolve().name
    elif len(paths) > 1:
        name = first.resolve().parent.name
    else:
        name = first.name.split(".")[0]
    return name if sample is None else f"{name} {sample}"
