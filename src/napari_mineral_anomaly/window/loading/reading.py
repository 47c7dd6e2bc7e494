"""Work that the step *Open* does in its worker: read, or find out what to ask first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.formats.shared.axes import Channels
from napari_mineral_anomaly.io.reading.naming.undecided import UnnamedMapsError
from napari_mineral_anomaly.io.reading.source import list_source
from napari_mineral_anomaly.io.remembered import remembered_names
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.project.maps import ScanFiles
from napari_mineral_anomaly.runs.read_scan import ReadingOptions, keep_names
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.names.map_names import parse_names, samples_of
from napari_mineral_anomaly.scan.names.typed import BY_NAME
from napari_mineral_anomaly.scan.quality.checks import report_of_cube
from napari_mineral_anomaly.scan.report import IngestReport, UndecidedMap
from napari_mineral_anomaly.scan.spectra.image import MissingEnergyError

PixelSize = tuple[float, float] | None


@dataclass(frozen=True)
class Answers:
    """Answers of the user, as the arguments of `read_maps` of the same names."""

    sample: str | None = None
    energy: tuple[float, float] | None = None
    elements: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    beam_energy: float | None = None
    per_second: bool = False
    channels: Channels | None = None
    valid: Path | None = None

    def files(
        self, sources: Sequence[Path], pixel_size: PixelSize, spot_size: float | None
    ) -> ScanFiles:
        """What a project keeps, to read the same maps again; sizes as the user typed them."""
        options = ReadingOptions(
            pixel_size=pixel_size,
            sample=self.sample,
            energy=self.energy,
            elements=self.elements or None,
            spot_size=spot_size,
            names={file: one for file, one in self.names.items() if one != BY_NAME} or None,
            channels=self.channels,
            beam_energy=self.beam_energy,
            per_second=self.per_second,
            valid=self.valid,
        )
        return ScanFiles(tuple(sources), options)


@dataclass(frozen=True, eq=False)
class MapsRead:
    """A scan and its ingest report; ``told`` are the elements kept for its folder, by file."""

    cube: ElementCube
    report: IngestReport
    told: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class WhichSample:
    """The files hold several samples: the user must choose one before anything is read."""

    samples: tuple[str, ...]


@dataclass(frozen=True)
class WhichEnergy:
    """The spectrum image has no calibration: the user must type one."""

    n_channels: int


@dataclass(frozen=True)
class WhichElements:
    """There are maps, but no name says an element: the user must type them."""

    to_decide: tuple[UndecidedMap, ...]


Reading = MapsRead | WhichSample | WhichEnergy | WhichElements


def read_or_ask(paths: Sequence[Path], answers: Answers, *, task: Task = SILENT) -> Reading:
    """Read the maps of one scan, or return the question that the files leave open.

    Raises
    ------
    InputError
        As `read_maps`.
    CancelledError
    """
    source: Path | list[Path] = paths[0] if len(paths) == 1 else list(paths)
    listing = list_source(source)
    if answers.sample is None and not listing.is_single:
        samples = samples_of(parse_names([file.name for file in listing.files]))
        if len(samples) > 1:
            return WhichSample(samples)
    try:
        cube = read_maps(
            source,
            sample=answers.sample,
            energy=answers.energy,
            elements=list(answers.elements) or None,
            names=answers.names or None,
            remembered=True,
            beam_energy=answers.beam_energy,
            per_second=answers.per_second,
            channels=answers.channels,
            valid=answers.valid,
            task=task,
        )
    except MissingEnergyError as missing:
        return WhichEnergy(missing.n_channels)
    except UnnamedMapsError as unnamed:
        return WhichElements(unnamed.to_decide)
    if answers.names:
        keep_names(list(paths), answers.names)
    # Compute here what the report and the layers will need, so that the window does not wait for
    # it: the area of a slab on disk takes seconds.
    _ = cube.quantity, cube.valid
    return MapsRead(cube, cube.report or report_of_cube(cube), remembered_names(listing.root))
