"""Read one scan as the user asks for it, and keep the pixel size and elements that were typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.reading.naming.told_names import kept_after, told_names
from napari_mineral_anomaly.io.reading.source import list_source
from napari_mineral_anomaly.io.remembered import (
    remember_names,
    remember_pixel_size,
    remembered_names,
)
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube


@dataclass(frozen=True)
class ReadingOptions:
    """How a scan is read; each field is the argument of `io.read_maps` of the same name."""

    pixel_size: tuple[float, float] | None = None
    valid: Path | None = None
    sample: str | None = None
    energy: tuple[float, float] | None = None
    elements: Sequence[str] | None = None
    spot_size: float | None = None
    names: Mapping[str, str] | None = None
    channels: Literal["first", "last"] | None = None
    beam_energy: float | None = None
    monochromatic: bool | None = None
    per_second: bool = False
    missing: Sequence[float | str] | None = None

    def inputs(self, sources: Iterable[str | Path]) -> list[str | Path]:
        """Every file and folder that is read: ``sources``, and the image of the valid area."""
        return [*sources, *([] if self.valid is None else [self.valid])]


# Everything as the files say.
AS_FOUND = ReadingOptions()


def read_scan(
    sources: Sequence[str | Path], options: ReadingOptions = AS_FOUND, *, task: Task = SILENT
) -> ElementCube:
    """Read the scan that ``sources`` hold.

    A pixel size and names in ``options`` are kept for the folder. A pixel size that was kept
    earlier is used where the files hold none, and names that were kept earlier where no others are
    given; the ingest report then says so.

    Parameters
    ----------
    sources : paths
        The folder or the files of one scan.
    options : ReadingOptions
    task : Task, optional
        Reports progress and can be cancelled.

    Raises
    ------
    InputError
        As `io.read_maps`.
    CancelledError
        When ``task`` was cancelled.
    """
    cube = read_maps(
        sources[0] if len(sources) == 1 else list(sources),
        remembered=True,
        task=task,
        **vars(options),
    )
    if options.pixel_size is not None and cube.source is not None:
        remember_pixel_size(Path(cube.source), options.pixel_size)
    if options.names and cube.source is not None:
        keep_names(sources, options.names)
    return cube


def keep_names(sources: Sequence[str | Path], names: Mapping[str, str]) -> None:
    """Keep the elements that were typed for files of this folder, beside those of earlier."""
    listing = list_source(sources[0] if len(sources) == 1 else list(sources))
    kept = remembered_names(listing.root)
    remember_names(listing.root, kept_after(kept, told_names(listing, names, {})))
