"""Artefacts of a measurement, planned before it is simulated: the truth knows their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.simulate.sensitivity import line_overlap

# (element, source): the source's lines reach into the element's window.
OVERLAPS = (("Ba", "Ti"), ("As", "Pb"), ("Au", "Zn"))
# Diffraction peaks lie between about 2 and 11 keV. The lines of these elements lie there, so far
# apart that a spike affects only one of the maps.
SPIKE_ELEMENTS = ("K", "Ca", "Ti", "Mn", "Cu", "Zn")
SPIKE_COUNTS = (60.0, 200.0)
SPIKES_PER_PIXEL = 2e-4
DIM_GAIN = 0.4
TILT = 0.25  # relative change of intensity across the section, as from a section out of level
# Leaked counts are visible in a pixel if they exceed this many Poisson sigmas.
VISIBLE_SIGMAS = 3.0

COLUMNS = (
    "artefact_id",
    "kind",
    "element",
    "source",
    "row_min",
    "row_max",
    "col_min",
    "col_max",
    "n_pixels",
    "strength",
)


@dataclass(frozen=True, eq=False)
class ArtefactPlan:
    """Where the artefacts of one section lie; empty for a clean measurement.

    Attributes
    ----------
    epoxy, off_sample : (H, W) bool
        Pixels on the mount without mineral (scatter only) and beside the mount (no counts).
    dead_rows, dim_rows : tuple of int
        Rows without counts, and rows with the share `DIM_GAIN` of their counts.
    row_gain, col_gain : (H,), (W,) float64
        Factors on the expected counts: tilt, dim and dead rows.
    overlaps : tuple of (element, source, coefficient)
    """

    epoxy: NDArray[np.bool_]
    off_sample: NDArray[np.bool_]
    dead_rows: tuple[int, ...]
    dim_rows: tuple[int, ...]
    row_gain: NDArray[np.float64]
    col_gain: NDArray[np.float64]
    overlaps: tuple[tuple[str, str, float], ...]

    @property
    def mineral(self) -> NDArray[np.bool_]:
        """(H, W) bool: pixels that hold the section itself."""
        return ~(self.epoxy | self.off_sample)


@dataclass(frozen=True, eq=False)
class Spikes:
    """Bragg spikes: ``counts[i]`` extra counts of element ``element[i]`` in one pixel each."""

    rows: NDArray[np.intp]
    cols: NDArray[np.intp]
    element: NDArray[np.intp]
    counts: NDArray[np.int64]


def no_artefacts(shape: tuple[int, int]) -> ArtefactPlan:
    """The plan of a clean measurement."""
    nowhere = np.zeros(shape, dtype=bool)
    return ArtefactPlan(nowhere, nowhere, (), (), np.ones(shape[0]), np.ones(shape[1]), ())


def plan_artefacts(shape: tuple[int, int], rng: np.random.Generator) -> ArtefactPlan:
    """Plan an epoxy edge on the right, a corner off the sample, bad rows, a tilt, line overlaps."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width]
    wave = 0.015 * np.sin(2 * np.pi * y / height + rng.uniform(0, 2 * np.pi))
    epoxy = x >= width * (0.94 + wave)
    radius = 0.25 * min(shape)
    off_sample = (y < radius) & (x < radius) & (np.hypot(radius - y, radius - x) > radius)

    bad = rng.choice(np.arange(2, height - 2), size=3 + height // 400, replace=False)
    dead_rows, dim_rows = bad[:-1], bad[-1:]
    row_gain = np.ones(height)
    row_gain[dead_rows] = 0.0
    row_gain[dim_rows] = DIM_GAIN
    return ArtefactPlan(
        epoxy=epoxy,
        off_sample=off_sample,
        dead_rows=tuple(int(row) for row in np.sort(dead_rows)),
        dim_rows=tuple(int(row) for row in np.sort(dim_rows)),
        row_gain=row_gain,
        col_gain=np.linspace(1 - TILT / 2, 1 + TILT / 2, width),
        overlaps=tuple((to, source, line_overlap(to, source)) for to, source in OVERLAPS),
    )


def draw_spikes(
    plan: ArtefactPlan,
    fraction: NDArray[np.float32],
    elements: Sequence[str],
    rng: np.random.Generator,
) -> Spikes:
    """Draw Bragg spikes in pixels of the matrix, outside dead rows and anomalous grains."""
    ordinary = plan.mineral & (fraction == 0) & (plan.row_gain > 0)[:, None]
    places = np.flatnonzero(ordinary)
    n = min(max(4, int(SPIKES_PER_PIXEL * fraction.size)), places.size)
    rows, cols = np.unravel_index(rng.choice(places, size=n, replace=False), fraction.shape)
    element = np.array([elements.index(name) for name in SPIKE_ELEMENTS], dtype=np.intp)
    counts = rng.poisson(rng.uniform(*SPIKE_COUNTS, size=n))
    return Spikes(rows, cols, rng.choice(element, size=n), counts)


def artefact_table(
    plan: ArtefactPlan,
    spikes: Spikes | None,
    leaks: NDArray[np.uint16],
    elements: Sequence[str],
) -> tuple[pd.DataFrame, NDArray[np.uint16]]:
    """The table of all artefacts and the map (H, W) of their ids.

    Parameters
    ----------
    plan, spikes
    leaks : (H, W) uint16
        1 + position in ``plan.overlaps`` of the overlap that is visible in a pixel, else 0.
    elements : sequence of str

    Returns
    -------
    table : DataFrame
        Columns `COLUMNS`; rows and columns are inclusive bounds. ``strength``: leaked counts per
        count of the source, extra counts of a spike, gain of a row, relative change by tilt.
    labels : (H, W) uint16
        ``artefact_id`` of the pixel; where there are several, the one that is later in the table.
        A tilt affects every pixel and is only in the table.
    """
    height, width = leaks.shape
    labels = np.zeros(leaks.shape, dtype=np.uint16)
    records: list[tuple[object, ...]] = []

    def record(
        kind: str, box: _Box, n_pixels: int, strength: float, element: str = "", source: str = ""
    ) -> int:
        artefact_id = len(records) + 1
        records.append((artefact_id, kind, element, source, *box, n_pixels, strength))
        return artefact_id

    for index, (element, source, coefficient) in enumerate(plan.overlaps):
        where = leaks == index + 1
        n = int(np.count_nonzero(where))
        labels[where] = record("line overlap", _bounds(where), n, coefficient, element, source)
    for kind, where in (("epoxy", plan.epoxy), ("off sample", plan.off_sample)):
        if where.any():
            labels[where] = record(kind, _bounds(where), int(np.count_nonzero(where)), 0.0)
    for kind, bad_rows in (("dead row", plan.dead_rows), ("dim row", plan.dim_rows)):
        for row in bad_rows:
            gain = float(plan.row_gain[row])
            labels[row] = record(kind, (row, row, 0, width - 1), width, gain)
    if spikes is not None:
        for y, x, which, counts in zip(
            spikes.rows, spikes.cols, spikes.element, spikes.counts, strict=True
        ):
            box = (int(y), int(y), int(x), int(x))
            labels[y, x] = record("Bragg spike", box, 1, float(counts), elements[which])
    if np.ptp(plan.col_gain) > 0:
        record("tilt", (0, height - 1, 0, width - 1), height * width, TILT)
    return pd.DataFrame.from_records(records, columns=list(COLUMNS)), labels


_Box = tuple[int, int, int, int]


def _bounds(where: NDArray[np.bool_]) -> _Box:
    """Inclusive bounds (row_min, row_max, col_min, col_max); -1 where there is no pixel."""
    rows, cols = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    if rows.size == 0:
        return -1, -1, -1, -1
    return int(rows[0]), int(rows[-1]), int(cols[0]), int(cols[-1])
