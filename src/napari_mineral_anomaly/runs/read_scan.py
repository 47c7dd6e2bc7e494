"""Read one scan as the user asks for it, and keep a pixel size that was typed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.remembered import remember_pixel_size
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

    A pixel size in ``options`` is kept for the folder. A pixel size that was kept earlier is used
    where the files hold none; the ingest report then says so.

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
    return cube
