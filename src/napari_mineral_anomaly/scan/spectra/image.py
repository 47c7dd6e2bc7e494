"""`SpectrumImage`: the spectra behind the maps, one per pixel, read when they are needed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.spectra.beam import BeamSource, checked_beam_kev
from napari_mineral_anomaly.scan.spectra.energy import EnergyAxis
from napari_mineral_anomaly.scan.spectra.live_time import LiveTime
from napari_mineral_anomaly.words import sizes

# Rows are read in blocks of about this many counts: 64 MB as float32, for any size of scan.
BLOCK_COUNTS = 16_000_000


class Counts(Protocol):
    """The array that a spectrum image needs: a shape, a dtype and blocks of rows and columns."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W, E)."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Native dtype."""
        ...

    def __getitem__(self, index: tuple[slice, slice]) -> Any:
        """Some rows and columns, all channels."""
        ...


class MissingEnergyError(InputError):
    """A computation needs an energy calibration, and the spectrum image has none.

    Attributes
    ----------
    n_channels : int
    """

    def __init__(self, sentence: str, n_channels: int) -> None:
        super().__init__(sentence)
        self.n_channels = n_channels


@dataclass(frozen=True, eq=False, repr=False)
class SpectrumImage:
    """Spectra of one scan.

    Attributes
    ----------
    counts : array-like (H, W, E)
        numpy, or in a file; read in blocks of rows and columns, never converted whole.
    energy : EnergyAxis or None
        The calibration; None when neither the file nor the user gave one.
    pixel_size : (float, float) or None
        (y, x) in µm.
    declared_elements : tuple of str
        Elements that the file itself lists.
    beam_kev : float or None
        Voltage of the tube or microscope, or energy of the photons: lines above it cannot be
        excited.
    is_monochromatic : bool or None
        Whether the beam has one energy (`Beam`); None where nobody says so.
    beam_source : {"file", "typed"}
        Where ``beam_kev`` is from.
    live_time : LiveTime or None
        Of the pixels.
    source : str
        Where the spectra came from, for people.
    files : tuple of str
        Names of the files that hold the spectra, the one with the counts first.
    notes : tuple of str
        What the reader found unusual, as sentences for the ingest report.
    steps : tuple of str
        How the file was understood, as sentences for ``steps`` of the ingest report.

    Raises
    ------
    InputError
        When the counts are not a cube of real numbers, or the calibration has another length.
    """

    counts: Counts
    energy: EnergyAxis | None = None
    _: KW_ONLY
    pixel_size: tuple[float, float] | None = None
    declared_elements: tuple[str, ...] = ()
    beam_kev: float | None = None
    is_monochromatic: bool | None = None
    beam_source: BeamSource = "file"
    live_time: LiveTime | None = None
    source: str = ""
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    # The sum spectrum, once it is known; shared with the same spectra under another calibration.
    _sum: list[NDArray[np.float64]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        shape = tuple(int(n) for n in self.counts.shape)
        if len(shape) != 3 or 0 in shape:
            raise InputError(
                f"A spectrum image has rows, columns and channels; {self.source or 'this array'} "
                f"has the shape {shape}."
            )
        if np.dtype(self.counts.dtype).kind not in "uif":
            raise InputError(f"Spectra must be real numbers; got dtype {self.counts.dtype}.")
        live = self.live_time
        if live is not None and live.is_per_pixel and live.seconds.shape != shape[:2]:
            raise InputError(
                f"The live time has {sizes(live.seconds.shape)} pixels, "
                f"the spectra {sizes(shape[:2])}."
            )
        if self.energy is not None and self.energy.n_channels != shape[2]:
            raise InputError(
                f"The energy calibration has {self.energy.n_channels} channels, "
                f"the spectra have {shape[2]}."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return int(self.counts.shape[0]), int(self.counts.shape[1])

    @property
    def n_channels(self) -> int:
        """Channels E of each spectrum."""
        return int(self.counts.shape[2])

    def with_typed_beam(
        self, kev: float | None, is_monochromatic: bool | None = None
    ) -> SpectrumImage:
        """The same spectra with what a user says of the beam; None leaves the file's word."""
        changes: dict[str, Any] = {}
        if kev is not None:
            changes = {"beam_kev": checked_beam_kev(kev), "beam_source": "typed"}
        if is_monochromatic is not None:
            changes["is_monochromatic"] = is_monochromatic
        return replace(self, **changes)

    def with_energy(self, offset_kev: float, gain_kev: float) -> SpectrumImage:
        """The same spectra with another calibration; a sum spectrum that is known is kept."""
        return replace(self, energy=EnergyAxis(offset_kev, gain_kev, self.n_channels))

    def require_energy(self) -> EnergyAxis:
        """The energy calibration.

        Raises
        ------
        MissingEnergyError
            When there is none; the sentence says how to give one.
        """
        if self.energy is None:
            remarks = "".join(f" Note: {note}." for note in self.notes)
            raise MissingEnergyError(
                f"{self.source or 'The spectrum image'} has no energy calibration: give the "
                "energy of the first channel and the width of a channel in keV, for example "
                "0 and 0.01 for 10 eV per channel (--energy 0 0.01 on the command line, "
                f"read_maps(..., energy=(0, 0.01)) in Python).{remarks}",
                self.n_channels,
            )
        return self.energy

    def row_blocks(self) -> Iterator[slice]:
        """Slices of rows that together cover the scan, each of at most `BLOCK_COUNTS` counts."""
        height, width = self.shape
        step = max(1, BLOCK_COUNTS // (width * self.n_channels))
        for start in range(0, height, step):
            yield slice(start, min(start + step, height))

    def block(self, rows: slice, columns: slice = slice(None)) -> NDArray[Any]:
        """Spectra (h, w, E) of some rows and columns as numpy, in their native dtype."""
        return np.asarray(self.counts[rows, columns])

    def spectrum_at(self, y: int, x: int) -> NDArray[np.float64]:
        """Spectrum (E,) float64 of one pixel.

        Raises
        ------
        IndexError
            When the pixel lies outside the scan.
        """
        height, width = self.shape
        if not (0 <= y < height and 0 <= x < width):
            raise IndexError(f"pixel ({y}, {x}) lies outside a scan of {height} x {width}")
        return np.asarray(self.block(slice(y, y + 1), slice(x, x + 1))[0, 0], dtype=np.float64)

    def spectrum_of(self, mask: NDArray[np.bool_], task: Task = SILENT) -> NDArray[np.float64]:
        """Sum of the spectra (E,) float64 of the pixels of ``mask`` (H, W) bool.

        Only the rows and columns that the mask touches are read.

        Raises
        ------
        InputError
            When the mask has another shape.
        CancelledError
        """
        mask = np.asarray(mask, dtype=bool)
        if mask.shape != self.shape:
            raise InputError(
                f"The mask has {sizes(mask.shape)} pixels, the spectrum image {sizes(self.shape)}."
            )
        total = np.zeros(self.n_channels)
        touched = np.flatnonzero(mask.any(axis=0))
        if touched.size == 0:
            return total
        columns = slice(int(touched[0]), int(touched[-1]) + 1)
        for rows in self.row_blocks():
            task.check()
            part = mask[rows, columns]
            inside = np.flatnonzero(part.any(axis=1))
            if inside.size:
                first, last = int(inside[0]), int(inside[-1]) + 1
                block = self.block(slice(rows.start + first, rows.start + last), columns)
                wanted = part[first:last]
                # A mask copies what it picks; where it picks all, that is left out.
                is_whole = bool(wanted.all())
                total += _finite_sum(
                    block.reshape(-1, self.n_channels) if is_whole else block[wanted]
                )
            task.step("summing spectra", rows.stop, self.shape[0])
        return total

    def sum_spectrum(self, task: Task = SILENT) -> NDArray[np.float64]:
        """Sum of all spectra (E,) float64; computed once, then kept (read-only).

        Raises
        ------
        CancelledError
        """
        with self._lock:
            if not self._sum:
                total = self.spectrum_of(np.ones(self.shape, dtype=bool), task)
                total.setflags(write=False)
                self._sum.append(total)
            return self._sum[0]

    def __repr__(self) -> str:
        height, width = self.shape
        return f"SpectrumImage({height} x {width} px, {self.n_channels} channels, {self.energy})"


def _finite_sum(spectra: NDArray[Any]) -> NDArray[np.float64]:
    """Sum (E,) of spectra (n, E); missing numbers count as 0."""
    if spectra.dtype.kind == "f":
        spectra = np.where(np.isfinite(spectra), spectra, 0)
    return np.asarray(spectra.sum(axis=0, dtype=np.float64))
