"""`ReadFacts`: facts on a scan that only its reader knows.

Reading is fast because it computes no statistics: the reader hands over `ReadFacts`, and the report
is made from them and the cube when it is first needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_mineral_anomaly.scan.report import (
    Companion,
    IgnoredFile,
    SpectrumReport,
    UndecidedMap,
)


@dataclass(frozen=True)
class ReadMap:
    """The origin of one map of the cube.

    ``dtype`` is that of the file. ``n_bytes`` and ``modified`` (ISO 8601, UTC) are size and last
    change of the file when it was read; None where they are not known. ``top`` is the value of its
    highest whole number, where reading changed the numbers (a scale, say); None where they are as
    stored.
    """

    file: str
    element: str
    dtype: np.dtype[np.generic]
    page: int | None = None
    n_bytes: int | None = None
    modified: str | None = None
    top: float | None = None

    @property
    def saturated_at(self) -> float | None:
        """The value that cannot be exceeded; None for fractions."""
        if self.top is not None or self.dtype.kind not in "ui":
            return self.top
        return float(np.iinfo(str(self.dtype)).max)


@dataclass(frozen=True)
class ReadFacts:
    """Facts that only the reader knows; the cube has the rest of the report.

    Attributes
    ----------
    maps : tuple of ReadMap
        One per element, in the order of the cube.
    ignored, warnings, pixel_size_source, spot_size_um
        As in `IngestReport`.
    context : tuple of Companion
        Images beside the maps, offered or not.
    spectrum : SpectrumReport or None
        How the maps were made, if they were made from spectra.
    steps, to_decide
        As in `IngestReport`.
    all_are_numbers : bool
        The user said that no number but those named marks missing pixels: no more is asked.
    """

    maps: tuple[ReadMap, ...]
    ignored: tuple[IgnoredFile, ...] = ()
    warnings: tuple[str, ...] = ()
    pixel_size_source: str = "unknown"
    spot_size_um: float | None = None
    context: tuple[Companion, ...] = ()
    spectrum: SpectrumReport | None = None
    steps: tuple[str, ...] = ()
    to_decide: tuple[UndecidedMap, ...] = ()
    all_are_numbers: bool = False
