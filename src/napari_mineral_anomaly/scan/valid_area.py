"""The valid area of a scan: which pixels hold sample.

Three kinds of pixels are left out, in this order:

1. *missing*: a value that is not finite, or 1e30 and more in size, or a number that marks missing
   pixels (`sentinels`);
2. *empty*: zero in every element (corners beside a round mount, gaps of a mosaic);
3. *off the sample*: a large area, connected to the border of the scan, in which no element is
   present (epoxy, the stage beside a round mount).

For the third kind, let m_c(p) be the counts (or concentrations) of element c averaged over about
5 x 5 pixels, and h_c its 99.5 % quantile over the scan: the level of c where there is c. Then

    s(p) = max over c of m_c(p) / h_c

measure how much of *any* element is at p; p is dark where s < 1/4. One element is enough to make a
mineral bright: Si makes quartz bright although it holds little else. An element has a vote when h_c
is at least ten standard errors above zero. C, N, O, Cl and Ar have no vote, because resin and air
hold them. Elements from Ti on, except Fe, have no vote while they are flat (h_c below three times
the median) and weak (median below 5 % of the summed medians): such a map shows scattered radiation.

Dark areas are opened with a square of 5 cells, so that cracks stay in the sample. They count as off
the sample when they reach the border and hold at least 100 pixels and 1/5000 of the scan. Nothing
is removed this way

- without a map of Si: quartz, the commonest mineral, would be dark;
- when dark areas in the middle of the sample make up more than 5 % of the rest, or when the dark
  area is ragged (less than half of it survives an opening of 1/25 of the scan's width): then the
  dark area is a mineral whose elements were not mapped.

In doubt, a pixel stays; holes in the sample stay, too. The method is our own choice. The usual way,
a threshold on total counts, depends on the one element with the most counts (in micro-XRF, iron)
and removes quartz and feldspar. The numbers were chosen on nine real scans and four
simulated ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly.scan.names.map_names import parse_names
from napari_mineral_anomaly.scan.names.periodic_table import SYMBOLS
from napari_mineral_anomaly.scan.robust import MAD_TO_SIGMA
from napari_mineral_anomaly.scan.sentinels import (
    MISSING_MAGNITUDE,
    far_above,
    marked,
    negative_markers,
)

# A pixel is dark below this share of the level of every element.
DARK_SHARE = 0.25
# Resin and air hold these elements.
_IN_RESIN = frozenset(("C", "N", "O", "Cl", "Ar"))
_LEVEL_QUANTILE = 0.995
_STANDARD_ERRORS = 10.0
_FLAT_FROM_Z, _IRON_Z = 22, 26
_FLAT_CONTRAST = 3.0
_WEAK_SHARE = 0.05
_MOST_INSIDE = 0.05
_RAGGED_SQUARE = 1 / 25
_RAGGED_SHARE = 0.5
_OPENING_CELLS = 5
_SMALLEST_PIXELS = 100
_SMALLEST_SHARE = 1 / 5000
# Cells are squares of pixels: this many show enough detail, for any size of scan.
_MOST_CELLS = 500_000
_SMOOTHED_PIXELS = 5
_BLOCK_PIXELS = 1_000_000
# A single pixel is a glitch this many times above its neighbours and the typical pixel.
_GLITCH_TIMES = 30.0


@dataclass(frozen=True, eq=False)
class ValidArea:
    """The valid area of a scan and its origin.

    Attributes
    ----------
    mask : (H, W) bool
        True where there is sample.
    origin : {"found", "given"}
    n_missing, n_zero, n_off_sample : int
        Pixels left out because a value is missing, because all elements are zero, and because no
        element is present in an area connected to the border. All zero for an area that was given.
    reason : str
        One sentence where dark areas are kept, with the reason; else "".
    """

    mask: NDArray[np.bool_]
    origin: Literal["found", "given"] = "found"
    n_missing: int = 0
    n_zero: int = 0
    n_off_sample: int = 0
    reason: str = ""

    @property
    def n_valid(self) -> int:
        """Pixels inside."""
        return int(np.count_nonzero(self.mask))


def locate_sample(
    maps: Any,
    elements: Sequence[str],
    quantity: str,
    markers: Mapping[int, Sequence[float]] | None = None,
) -> ValidArea:
    """Find the sample in a scan (method: see the docstring of this module).

    Reads the maps once, in blocks of rows; keeps one sum per element and cell, at most 500 000
    cells. Where planes are not named by elements, and for reflectance, only missing and empty
    pixels are left out: water and shadow are dark, too.

    Parameters
    ----------
    maps : array (C, H, W)
        Element maps in memory, or lazy: blocks of rows are read one after the other.
    elements : sequence of str
        The names of the maps.
    quantity : str
        What the numbers are, as in `ElementCube`.
    markers : mapping of int to sequence of float, optional
        Numbers that mark missing pixels, by the position of the map. Default: each block of rows is
        searched for them (`sentinels.negative_markers`).

    Returns
    -------
    ValidArea
    """
    height, width = maps.shape[1:]
    cell = max(1, int(np.ceil(np.sqrt(height * width / _MOST_CELLS))))
    symbols = [entry.element for entry in parse_names(elements)]
    voters = [c for c, name in enumerate(symbols) if name is not None and name not in _IN_RESIN]
    if quantity == "reflectance":
        voters = []
    reason = ""
    present, missing, sums, noise = _cells(maps, voters, cell, quantity, markers)
    n_missing = int(np.count_nonzero(missing))
    n_zero = int(present.size - np.count_nonzero(present) - n_missing)
    mask = present
    if voters and present.any():
        weight = cell_sums(present, (cell, cell))
        atomic = [SYMBOLS.index(str(symbols[c])) + 1 for c in voters]
        dark, dark_near = _dark_cells(sums, weight, noise, atomic, cell)
        outside, reason = _open_to_the_border(dark, dark_near, weight)
        if outside.any() and "Si" not in symbols:
            outside[:] = False
            reason = "dark areas at the border are kept: without a map of Si they may be quartz"
        if outside.any():
            mask = present & ~_in_pixels(outside, cell, (height, width))
    n_off_sample = int(np.count_nonzero(present)) - int(np.count_nonzero(mask))
    mask.setflags(write=False)
    return ValidArea(mask, "found", n_missing, n_zero, n_off_sample, reason)


def is_measured(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which numbers of a map are measurements: finite, and below 1e30 in size."""
    # Half precision ends at 65504 and cannot be compared with 1e30.
    too_large = MISSING_MAGNITUDE if values.dtype.itemsize >= 4 else np.inf
    measured: NDArray[np.bool_] = np.abs(values) < too_large
    return measured


def _cells(
    maps: Any,
    voters: list[int],
    cell: int,
    quantity: str,
    markers: Mapping[int, Sequence[float]] | None,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float32], NDArray[np.float32] | None]:
    """One pass over the maps.

    Returns
    -------
    present, missing : (H, W) bool
        Measured and not zero in every element; not measured in some element.
    sums : (V, h, w) float32
        Sum over each cell of the values of the voting elements, negative values as zero.
    noise : (V,) float32 or None
        Standard deviation of one pixel; None for counts, where Poisson's law gives it.
    """
    height, width = maps.shape[1:]
    grid = (-(-height // cell), -(-width // cell))
    present = np.zeros((height, width), dtype=bool)
    missing = np.zeros((height, width), dtype=bool)
    sums = np.zeros((len(voters), *grid), dtype=np.float32)
    is_counts = quantity == "counts"
    steps: list[list[float]] = [[] for _ in voters]
    for rows in _aligned_rows(height, width, cell):
        block = np.asarray(maps[:, rows])
        is_float = block.dtype.kind == "f"
        known = negative_markers(block) if markers is None else markers
        for c, plane in enumerate(block):
            present[rows] |= plane != 0
            if is_float:
                missing[rows] |= ~is_measured(plane)
            if known.get(c):
                missing[rows] |= marked(plane, known[c])
        present[rows] &= ~missing[rows]
        cells = slice(rows.start // cell, -(-rows.stop // cell))
        for v, c in enumerate(voters):
            values = without_glitches(block[c])
            if values.dtype.kind in "if":
                values = np.where(present[rows], np.maximum(values, 0), 0)
            sums[v, cells] = cell_sums(values, (cell, cell))
            if not is_counts:
                steps[v].append(pixel_noise(block[c], present[rows]))
    noise = None if is_counts else np.array([np.median(step) for step in steps], np.float32)
    return present, missing, sums, noise


def without_glitches(plane: NDArray[Any]) -> NDArray[Any]:
    """A map (H, W) whose absurd pixels do not lift the level of its element.

    Blocks of one number far above everything else (cut-off counts, markers of missing pixels) get
    the level of the other pixels. Single pixels far above their neighbours and the mean get the
    highest number beside them. The map itself where there are none.
    """
    number = far_above(plane)
    if number is not None:
        block = plane == np.asarray(number).astype(plane.dtype)
        plane = plane.copy()
        plane[block] = np.quantile(_finite(plane[~block]), _LEVEL_QUANTILE).astype(plane.dtype)
    values = _finite(plane)
    if not values.size or min(plane.shape) < 3:
        return plane
    limit = _GLITCH_TIMES * max(float(values.mean(dtype=np.float64)), 0.0)
    # The mean itself holds the glitch: in a small map it must not hide it.
    limit = min(limit, _GLITCH_TIMES * float(np.median(values))) or limit
    if not float(values.max()) > limit:
        return plane
    around = np.ones((3, 3), dtype=bool)
    around[1, 1] = False
    half = plane.dtype == np.float16  # scipy filters no half floats
    beside = ndimage.maximum_filter(plane.astype(np.float32) if half else plane, footprint=around)
    with np.errstate(invalid="ignore", over="ignore"):
        alone = plane.astype(np.float64) > limit + _GLITCH_TIMES * np.maximum(beside, 0.0)
    return np.where(alone, beside, plane).astype(plane.dtype) if alone.any() else plane


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    return values[is_measured(values)] if values.dtype.kind == "f" else values.ravel()


def _aligned_rows(height: int, width: int, cell: int) -> Iterator[slice]:
    step = max(1, _BLOCK_PIXELS // (width * cell)) * cell
    for start in range(0, height, step):
        yield slice(start, min(start + step, height))


def cell_sums(values: NDArray[Any], cell: tuple[int, int]) -> NDArray[np.float32]:
    """Sums over cells of so many rows and columns; the border may cut off the last cells."""
    values = values.astype(np.float32)
    for axis, step in enumerate(cell):
        if step > 1:
            starts = np.arange(0, values.shape[axis], step)
            values = np.add.reduceat(values, starts, axis=axis)
    return values


def pixel_noise(values: NDArray[Any], inside: NDArray[np.bool_]) -> float:
    """Standard deviation of one pixel (H, W) from its neighbours: 1.4826 median |d| / sqrt(2)."""
    rows = slice(None, None, max(1, values.shape[0] // 64))
    part, kept = values[rows].astype(np.float64), inside[rows]
    step = np.abs(np.diff(part, axis=1))[kept[:, 1:] & kept[:, :-1]]
    return float(MAD_TO_SIGMA * np.median(step) / np.sqrt(2)) if step.size else 0.0


def _dark_cells(
    sums: NDArray[np.float32],
    weight: NDArray[np.float32],
    noise: NDArray[np.float32] | None,
    atomic: list[int],
    cell: int,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Cells without any element, by the average of 5 x 5 pixels and by that of fewer pixels.

    The fewer are 3 x 3 pixels, or the cell itself where it holds several pixels.
    """
    size = _SMOOTHED_PIXELS if cell == 1 else 3
    near_size = 3 if cell == 1 else 1
    share, near_share = np.zeros_like(weight), np.zeros_like(weight)
    n_wide, n_near = _window_sum(weight, size), _window_sum(weight, near_size)
    inside = weight > 0
    # Pixels in an average: they decide its standard error.
    n_pixels = float((size * cell) ** 2)
    means = [_ratio(_window_sum(one, size), n_wide) for one in sums]
    levels = [np.quantile(mean[inside], (0.5, _LEVEL_QUANTILE)) for mean in means]
    typical = sum(median for median, _ in levels)
    voted = False
    for v, (z, mean, (median, level)) in enumerate(zip(atomic, means, levels, strict=True)):
        error = np.sqrt(level / n_pixels) if noise is None else noise[v] / np.sqrt(n_pixels)
        if not level > _STANDARD_ERRORS * error:
            continue
        is_flat = level < _FLAT_CONTRAST * median and median < _WEAK_SHARE * typical
        if is_flat and z >= _FLAT_FROM_Z and z != _IRON_Z:
            continue
        voted = True
        np.maximum(share, mean / level, out=share)
        near = _ratio(_window_sum(sums[v], near_size), n_near)
        np.maximum(near_share, near / level, out=near_share)
    if not voted:
        return ~inside, ~inside
    return share < DARK_SHARE, near_share < DARK_SHARE


def _window_sum(values: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    if size == 1:
        return values
    out: NDArray[np.float32] = ndimage.uniform_filter(values, size, mode="constant")
    return out * np.float32(size**2)


def _ratio(sums: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    # Sliding sums leave rounding errors where there is no pixel.
    return np.where(weight > 0.5, sums / np.maximum(weight, 0.5), np.float32(0))


def _open_to_the_border(
    dark: NDArray[np.bool_], dark_near: NDArray[np.bool_], weight: NDArray[np.float32]
) -> tuple[NDArray[np.bool_], str]:
    """The large dark areas that reach the border of the scan; the reason where any are kept."""
    pixels = float(weight.sum())
    # The margin counts as dark, so that corners survive the opening.
    margin = _OPENING_CELLS
    square = np.ones((_OPENING_CELLS, _OPENING_CELLS), dtype=bool)
    opened = ndimage.binary_opening(np.pad(dark, margin, constant_values=True), square)
    labels = ndimage.label(opened)[0]
    own = labels[margin:-margin, margin:-margin]
    outer = int(labels[0, 0])
    smallest = max(_SMALLEST_PIXELS, _SMALLEST_SHARE * pixels)
    parts, n_parts = ndimage.label(own == outer)
    sizes = ndimage.sum_labels(weight, parts, np.arange(n_parts + 1))
    large = sizes >= smallest
    large[0] = False
    outside: NDArray[np.bool_] = large[parts]
    holes, n_holes = ndimage.label((own > 0) & (own != outer))
    sizes = ndimage.sum_labels(weight, holes, np.arange(1, n_holes + 1))
    inside = float(np.sum(sizes))
    n_large = int(np.count_nonzero(sizes >= smallest))
    reason = ""
    if n_large:
        areas = "a dark area" if n_large == 1 else f"{n_large} dark areas"
        reason = (
            f"{areas} inside the sample ({int(sizes[sizes >= smallest].sum())} pixels without any "
            "of the elements) kept: holes, or minerals whose elements were not mapped"
        )
    removed = float(weight[outside].sum())
    if removed == 0:
        return outside, reason
    if inside > _MOST_INSIDE * (pixels - removed) or _is_ragged(outside):
        return np.zeros_like(outside), (
            "areas without any of the elements run through the sample and are kept: they may be "
            "a mineral whose elements were not mapped"
        )
    # The average of 5 x 5 pixels crosses the edge of the sample: there the fewer pixels decide.
    grown = ndimage.binary_dilation(outside, square) & dark_near
    return outside | grown, reason


def _is_ragged(outside: NDArray[np.bool_]) -> bool:
    """Whether the dark area is a network and not an edge."""
    width = max(_OPENING_CELLS, int(min(outside.shape) * _RAGGED_SQUARE))
    padded = np.pad(outside, width, constant_values=True)
    # An opening with a square is a minimum and a maximum over it.
    opened = ndimage.maximum_filter(ndimage.minimum_filter(padded, width), width)
    kept = np.count_nonzero(opened[width:-width, width:-width] & outside)
    return bool(kept < _RAGGED_SHARE * np.count_nonzero(outside))


def _in_pixels(cells: NDArray[np.bool_], cell: int, shape: tuple[int, int]) -> NDArray[np.bool_]:
    out = np.repeat(np.repeat(cells, cell, axis=0), cell, axis=1)
    return out[: shape[0], : shape[1]]
