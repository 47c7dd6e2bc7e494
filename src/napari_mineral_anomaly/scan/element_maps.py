"""Element maps from a spectrum image: counts in windows minus a linear background."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.spectra.energy import EnergyAxis
from napari_mineral_anomaly.scan.spectra.image import SpectrumImage
from napari_mineral_anomaly.scan.spectra.live_time import LiveTime
from napari_mineral_anomaly.scan.spectra.windows import ElementWindow, Interval

BackgroundMethod = Literal["linear", "none"]


def element_maps(
    spectrum_image: SpectrumImage,
    windows: Sequence[ElementWindow],
    task: Task = SILENT,
    *,
    background: BackgroundMethod = "linear",
) -> ElementCube:
    """Integrate the windows for every pixel, in blocks of rows.

    Parameters
    ----------
    spectrum_image : SpectrumImage
        With an energy calibration.
    windows : sequence of ElementWindow
        Each becomes one map; see `element_windows`.
    task : Task, optional
        Reports progress (phase "integrating") and can be cancelled.
    background : {"linear", "none"}
        What is subtracted from the counts of a window: the straight line through the mean counts
        of its two background regions (with one region, its mean), or nothing.

    Returns
    -------
    ElementCube
        ``maps`` (C, H, W) float32: net counts. They scatter around zero where the element is
        absent; negative ones stay, because cutting them off would bias every mean. With
        ``background="none"`` whole counts, uint32. ``quantity`` is "counts"; ``spectra`` is the
        given image.

    Raises
    ------
    InputError
        Without a calibration, without windows, or when a window holds no channel.
    CancelledError
    """
    energy = spectrum_image.require_energy()
    if not windows:
        raise InputError("No element is given: name the elements to map, for example Fe,Ca,Ti.")
    weights = [window_weights(window, energy, background) for window in windows]
    names = window_labels(windows)
    height, width = spectrum_image.shape
    dtype: np.dtype[Any] = np.dtype(np.float32)
    if background == "none" and spectrum_image.counts.dtype.kind in "ui":
        dtype = np.dtype(np.uint32)
    maps = np.empty((len(windows), height, width), dtype=dtype)
    for rows in spectrum_image.row_blocks():
        task.check()
        block = spectrum_image.block(rows)
        for c, parts in enumerate(weights):
            maps[c, rows] = _weighted(block, parts)
        task.step("integrating", rows.stop, height, "rows of spectra")
    return ElementCube(
        maps,
        names,
        pixel_size=spectrum_image.pixel_size,
        quantity="counts",
        source=spectrum_image.source or None,
        spectra=spectrum_image,
    )


def per_live_second(cube: ElementCube, spectrum_image: SpectrumImage) -> tuple[ElementCube, str]:
    """Maps of counts as counts per second of live time, and the step in words.

    Such maps are no counts any more (a rate does not tell how many photons it was made of), so
    ``quantity`` becomes "unknown". Pixels without a live time become NaN.

    Parameters
    ----------
    cube : ElementCube
        Maps of counts that were made from ``spectrum_image``.
    spectrum_image : SpectrumImage
        With a `LiveTime`.

    Raises
    ------
    InputError
        Without a live time.
    """
    live = require_live_time(spectrum_image)
    seconds = live.plane(cube.shape)
    rates = (np.asarray(cube.maps, dtype=np.float64) / seconds).astype(np.float32)
    step = f"values = counts / live time ({live.in_words}), from {live.source}"
    return cube.replace(maps=rates, quantity="unknown"), step


def require_live_time(spectrum_image: SpectrumImage) -> LiveTime:
    """The live time of the pixels.

    Raises
    ------
    InputError
        When it is not known.
    """
    if spectrum_image.live_time is None:
        raise InputError(
            f"{spectrum_image.source or 'The spectrum image'} holds no live time that is read, so "
            "counts per second cannot be made: read the maps as counts."
        )
    return spectrum_image.live_time


def window_labels(windows: Sequence[ElementWindow]) -> list[str]:
    """Names of the maps: the symbol, and the line where an element has several windows."""
    symbols = [window.element for window in windows]
    return [
        f"{window.element} {window.line}" if symbols.count(window.element) > 1 else window.element
        for window in windows
    ]


def window_weights(
    window: ElementWindow, energy: EnergyAxis, background: BackgroundMethod = "linear"
) -> list[tuple[slice, float]]:
    """Channel ranges and weights whose weighted sum is the net counts of a window.

    The window has weight 1. With background regions of n1 and n2 channels at mean energies
    e1 < e2, and a window of n channels at e, the regions have the weights
    -(n / n1) (e2 - e) / (e2 - e1) and -(n / n2) (e - e1) / (e2 - e1); a single region has -n / n1.

    Raises
    ------
    InputError
        When the window or a region holds no channel.
    """
    channels = _channels(window, (window.low_kev, window.high_kev), energy)
    parts = [(channels, 1.0)]
    sides = [side for side in (window.left, window.right) if side is not None]
    if background == "none" or not sides:
        return parts
    regions = [_channels(window, side, energy) for side in sides]
    middle = [_middle(region) for region in regions]
    n = channels.stop - channels.start
    shares = [1.0]
    if len(regions) == 2:
        along = (_middle(channels) - middle[0]) / (middle[1] - middle[0])
        shares = [1.0 - along, along]
    for region, share in zip(regions, shares, strict=True):
        parts.append((region, -share * n / (region.stop - region.start)))
    return parts


def _weighted(block: NDArray[Any], parts: Sequence[tuple[slice, float]]) -> NDArray[Any]:
    if len(parts) == 1:
        wide = np.uint64 if block.dtype.kind in "ui" else np.float64
        return np.asarray(block[:, :, parts[0][0]].sum(axis=2, dtype=wide))
    total = np.zeros(block.shape[:2])
    for channels, weight in parts:
        total += weight * block[:, :, channels].sum(axis=2, dtype=np.float64)
    return total


def _channels(window: ElementWindow, interval: Interval, energy: EnergyAxis) -> slice:
    channels = energy.channel_range(*interval)
    if channels.stop <= channels.start:
        raise InputError(
            f"The window of {window.element} {window.line} ({interval[0]:.3f} to "
            f"{interval[1]:.3f} keV) holds no channel: {1000 * energy.gain_kev:g} eV per channel "
            "is too coarse, or the energy calibration is wrong."
        )
    return channels


def _middle(channels: slice) -> float:
    return 0.5 * float(channels.start + channels.stop - 1)
