"""Elements that a small part of a scan holds far above the rest, whatever the detector finds.

A detector measures how rare the whole pattern of a pixel is. What covers more than about 1 % of a
scan is then ordinary (`calibration.calibrate`). In a small section, apatite may cover 3 %: no
anomaly, but a geologist does not want to miss it. So each element is examined alone. It counts as
concentrated where its pixels ten robust sigmas above its median (counts variance-stabilised) are at
most 5 % of the sample and lie in at most ten areas of at least four pixels; a mineral in more
places belongs to the rock. Areas of which listed grains cover a quarter, and what the beam spreads
of a listed grain, are left out. The numbers are our choice. Such an area is a row of the list of
its own kind; no pixel is flagged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly.grains.memory import FORGETFUL, ListRecall
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.robust import robust_centre_and_sigma, thinned
from napari_mineral_anomaly.scan.transforms import AppliedTransform, resolve_transform, stabilise

N_ELEMENTS = 3
LEAST_SIGMAS = 10.0
LARGEST_SHARE = 0.05
SMALLEST_AREA_PX = 4
MOST_AREAS = 10
# Another element that is high there is named with it.
_COMPANION_SIGMAS = 2.0
# A listed grain that covers this share of an area shows it.
_SHOWN_SHARE = 0.25
# Median and MAD of so many pixels are close to those of all.
_SAMPLED_PIXELS = 200_000


@dataclass(frozen=True, eq=False)
class Concentration:
    """One element and the largest area that holds it.

    Attributes
    ----------
    element : str
    pixels : (n,) int64
        Flat positions of the area, the highest first.
    drivers : tuple of str
        The elements that are high in the area, with their means in robust sigmas, such as
        ``("P+27.0", "Ca+2.7")``; the element itself first.
    """

    element: str
    pixels: NDArray[np.intp]
    drivers: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _HighAreas:
    """Where one element is high, whatever is listed.

    Attributes
    ----------
    pixel : (n,) int64
        Flat positions of the high pixels, in their order.
    z : (n,) float32
        Robust sigmas there.
    label : (n,) int32
        The area of each, counted from 1.
    sizes : (areas + 1,) int64
        Pixels of each area; 0 for areas that do not count.
    """

    pixel: NDArray[np.intp]
    z: NDArray[np.float32]
    label: NDArray[np.int32]
    sizes: NDArray[np.int64]


class _Found(NamedTuple):
    """Element ``c`` with its highest sigma and the pixels of its largest area, highest first."""

    peak: float
    c: int
    inside: NDArray[np.intp]


def concentrations(
    cube: ElementCube,
    listed: NDArray[np.bool_],
    *,
    recall: ListRecall = FORGETFUL,
    task: Task = SILENT,
) -> tuple[Concentration, ...]:
    """The elements that are highest outside the listed grains, the highest first.

    At most `N_ELEMENTS`. An element whose largest area overlaps that of a higher one is left out.

    Parameters
    ----------
    cube : ElementCube
        Reflectance has no elements: the result is then empty.
    listed : (H, W) bool
        Pixels of the grains that are listed. Areas of which they cover a quarter are left out,
        and what the beam spreads of them.
    recall : ListRecall, optional
        Knows where the elements of this scan are high.
    task : Task, optional

    Raises
    ------
    CancelledError
    """
    if cube.quantity == "reflectance":
        return ()
    transform = resolve_transform("auto", cube.quantity)
    scales: list[tuple[float, float]] = []
    found: list[_Found] = []
    for c in range(cube.n_elements):
        task.check()
        scale, areas = recall.answer(("high areas", c), partial(_high_areas, cube, c, transform))
        scales.append(scale)
        one = None if areas is None else _highest(areas, c, listed)
        if one is not None:
            found.append(one)
    found.sort(key=lambda one: -one.peak)
    taken = np.zeros(cube.shape, dtype=bool)
    kept: list[Concentration] = []
    for one in found:
        if len(kept) == N_ELEMENTS:
            break
        if taken.reshape(-1)[one.inside].any():
            continue
        task.check()
        taken.reshape(-1)[one.inside] = True
        drivers = _drivers(cube, one.inside, transform, scales, one.c)
        kept.append(Concentration(cube.elements[one.c], one.inside, drivers))
    return tuple(kept)


def _high_areas(
    cube: ElementCube, c: int, transform: AppliedTransform
) -> tuple[tuple[float, float], _HighAreas | None]:
    """Median and sigma of one element, and its high areas where they are few."""
    z, scale = _robust_z(cube, c, transform)
    return scale, _areas(z, cube.valid)


def _robust_z(
    cube: ElementCube, c: int, transform: AppliedTransform
) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """One element (H, W) in robust sigmas, 0 where not measured; its median and sigma."""
    z = stabilise(cube.plane(c).astype(np.float32), transform)
    values = thinned(z[cube.valid], _SAMPLED_PIXELS)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return np.zeros_like(z), (0.0, 1.0)
    centre, sigma = robust_centre_and_sigma(values)
    z = (z - np.float32(centre)) / np.float32(sigma)
    z[~np.isfinite(z)] = 0
    return z, (centre, sigma)


def _areas(z: NDArray[np.float32], valid: NDArray[np.bool_]) -> _HighAreas | None:
    """The high areas of one element (H, W) in robust sigmas; None where none counts."""
    high = (z >= LEAST_SIGMAS) & valid
    n_high = int(np.count_nonzero(high))
    if not SMALLEST_AREA_PX <= n_high <= LARGEST_SHARE * np.count_nonzero(valid):
        return None
    labels = np.empty(z.shape, dtype=np.int32)
    ndimage.label(high, np.ones((3, 3), dtype=bool), output=labels)
    pixel = np.flatnonzero(high)
    label = labels.reshape(-1)[pixel]
    sizes = np.bincount(label)
    sizes[sizes < SMALLEST_AREA_PX] = 0
    if not 0 < np.count_nonzero(sizes) <= MOST_AREAS:
        return None
    return _HighAreas(pixel, z.reshape(-1)[pixel], label, sizes)


def _highest(areas: _HighAreas, c: int, listed: NDArray[np.bool_]) -> _Found | None:
    """The largest area of an element that no listed grain shows; None without one."""
    is_listed, sizes = listed.reshape(-1)[areas.pixel], areas.sizes.copy()
    covered = np.bincount(areas.label[is_listed], minlength=sizes.size)
    sizes[covered >= _SHOWN_SHARE * sizes] = 0
    for number in np.flatnonzero(sizes):
        own = areas.label == number
        if _is_glow(areas.z[own], is_listed[own]):
            sizes[number] = 0
    if not sizes.any():
        return None
    inside = np.flatnonzero((areas.label == np.argmax(sizes)) & ~is_listed)
    inside = inside[np.argsort(-areas.z[inside], kind="stable")]
    return _Found(float(areas.z[inside[0]]), c, areas.pixel[inside])


def _is_glow(z: NDArray[np.float32], listed: NDArray[np.bool_]) -> bool:
    """Whether an area is a listed grain and what the beam spreads of it.

    Its highest pixel is then listed, and half of the others have less than half of that pixel's
    sigmas.
    """
    top = int(z.argmax())
    return bool(listed[top] and np.median(z[~listed]) < z[top] / 2)


def _drivers(
    cube: ElementCube,
    inside: NDArray[np.intp],
    transform: AppliedTransform,
    scales: Sequence[tuple[float, float]],
    own: int,
) -> tuple[str, ...]:
    """The element itself, then at most two others that are high in the same pixels."""
    means = []
    for c, (centre, sigma) in enumerate(scales):
        values = stabilise(cube.plane(c).reshape(-1)[inside].astype(np.float32), transform)
        mean = (float(np.nanmean(values)) - centre) / sigma if np.isfinite(values).any() else 0.0
        if c == own or mean >= _COMPANION_SIGMAS:
            means.append((c != own, -mean, cube.elements[c]))
    return tuple(f"{name}{-mean:+.1f}" for _, mean, name in sorted(means)[:3])
