"""What is to be saved of a section, as plain values: the window makes it, a worker writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from napari_mineral_anomaly.grains.sem.fiducials import Fiducials
from napari_mineral_anomaly.grains.verdicts.book import History, VerdictBook
from napari_mineral_anomaly.project.format import Clusters, Look, View
from napari_mineral_anomaly.project.log import LogEntry
from napari_mineral_anomaly.project.maps import ScanFiles
from napari_mineral_anomaly.project.saving.images import Kind
from napari_mineral_anomaly.scan.cube import ElementCube

VALID = "valid"


def image_key(kind: str, of: str) -> str:
    """The key of an image: "strokes rx", "mask rx", "labels rx", "grains rx", "truth 1"."""
    return f"{kind} {of}"


@dataclass(frozen=True, eq=False)
class ImageToSave:
    """An image that changed. ``make`` computes it in the worker; None: there is none any more."""

    kind: Kind
    make: Callable[[], NDArray[Any] | None]


@dataclass(frozen=True)
class ResultState:
    """The settings of one result; see `format.Result`."""

    detector: str
    threshold: float
    min_grain_px: int = 1
    clusters: Clusters | None = None


@dataclass(frozen=True, eq=False)
class SectionState:
    """A section as it is now. All small things are complete; large ones only if they changed.

    Attributes
    ----------
    name : str
        Of the scan.
    shape, pixel_size, elements
    scan : ScanFiles or None
        The files of the maps; None where the maps were in no file.
    results : tuple of ResultState
        Those that are shown; others that the project holds stay in it.
    truths : tuple of (number, name)
        The truth masks that there are.
    has_valid : bool
        Whether the valid area is a layer.
    forgets_taught : bool
        Whether the user took back everything that was taught; then taught results go.
    layers : tuple of Look
    view : View, optional
    images : mapping
        The images that changed, by `image_key`.
    folders : mapping
        The run folders that `ProjectStore.write_run` has made since, by detector.
    cube : callable, optional
        Gives the maps; asked when they are described for the first time, or copied.
    verdicts : History, optional
        None where the verdicts did not change.
    fiducials : Fiducials, optional
        None where they did not change.
    main : str, optional
        The detector whose result stands for the project.
    log : tuple of LogEntry
    """

    name: str
    shape: tuple[int, int]
    pixel_size: tuple[float, float] | None
    elements: tuple[str, ...]
    scan: ScanFiles | None
    results: tuple[ResultState, ...] = ()
    truths: tuple[tuple[int, str], ...] = ()
    has_valid: bool = False
    forgets_taught: bool = False
    layers: tuple[Look, ...] = ()
    view: View | None = None
    images: Mapping[str, ImageToSave] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)
    cube: Callable[[], ElementCube] | None = None
    verdicts: History[VerdictBook] | None = None
    fiducials: Fiducials | None = None
    main: str | None = None
    log: tuple[LogEntry, ...] = ()
