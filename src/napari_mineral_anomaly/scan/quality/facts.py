"""What a reader knows of a scan and the numbers do not tell: `ReadFacts`.

Reading is fast because no statistics are computed while maps are read: a reader hands over
`ReadFacts`, and the report is made of them and the cube when somebody asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_mineral_anomaly.scan.report import Companion, IgnoredFile, SpectrumReport


@dataclass(frozen=True)
class ReadMap:
    """Where one map of the cube came from; ``dtype`` is that of the file."""

    file: str
    element: str
    dtype: np.dtype[np.generic]
    page: int | None = None


@dataclass(frozen=True)
class ReadFacts:
    """What only the reader knows; the rest of the report is in the cube.

    Attributes
    ----------
    maps : tuple of ReadMap
        One per element, in the order of the cube.
    ignored, warnings, pixel_size_source, spot_size_um
        As in `IngestReport`.
    context : tuple of Companion
        Images beside the maps, offered or not.
    spectrum : SpectrumReport or None
        How the maps were made, where they were made of spectra.
    """

    maps: tuple[ReadMap, ...]
    ignored: tuple[IgnoredFile, ...] = ()
    warnings: tuple[str, ...] = ()
    pixel_size_source: str = "unknown"
    spot_size_um: float | None = None
    context: tuple[Companion, ...] = ()
    spectrum: SpectrumReport | None = None
