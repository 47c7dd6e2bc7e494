"""Fit a transform from the map to the stage of the SEM, by least squares.

Both transforms may mirror, because the axes of many stages run against those of a map. A similarity
(rotation, one scale, shift) is a linear problem in complex numbers: w = a z + b, or with a mirror
w = a conj(z) + b. Both are solved and the better one is kept; this is the optimum that Umeyama
(1991) finds by a singular value decomposition. An affine transform is a linear problem too, and
holds its mirror already.

A wrong pair is found by its deleted residual, the classical test of a linear model (Cook and
Weisberg 1982, section 2.2): how far a pair lies from the fit of the others, against how well these
agree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtrc

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.sem.fiducials import (
    FEWEST,
    Fiducial,
    Fiducials,
    Model,
    map_places,
    sem_places,
)
from napari_mineral_anomaly.words import listed

Matrix = tuple[tuple[float, float, float], tuple[float, float, float]]

# Points count as one line where their width is below this share of their length (our choice): the
# error of a reading across the line is then enlarged fifty times at the far corner of the scan.
_LINE = 0.02
# A pair counts as wrong where chance explains its residual in one of a hundred fits (our choice).
_WRONG = 0.01
# Far beyond what a stage and a click do (our choices): residuals in pixels, error of the scale.
_MANY_PIXELS, _SIZE_OFF = 3.0, 0.05


@dataclass(frozen=True)
class SemFit:
    """A transform from pixels of the map to millimetres of the SEM.

    Attributes
    ----------
    model : {"similarity", "affine"}
    matrix : ((float, float, float), (float, float, float))
        (x_mm, y_mm) = matrix @ (x_px, y_px, 1).
    fiducials : tuple of Fiducial
        Those that were used.
    residuals_um : tuple of float
        How far the transform puts each of them from its reading.
    warnings : tuple of str
        What speaks against the fit, in sentences.
    """

    model: Model
    matrix: Matrix
    fiducials: tuple[Fiducial, ...]
    residuals_um: tuple[float, ...]
    warnings: tuple[str, ...] = ()

    @property
    def rms_um(self) -> float:
        """Root mean square of the residuals."""
        return float(np.sqrt(np.mean(np.square(self.residuals_um))))

    @property
    def is_mirrored(self) -> bool:
        """Whether one axis of the SEM runs against that of the map."""
        (xx, xy, _), (yx, yy, _) = self.matrix
        return xx * yy - xy * yx < 0

    @property
    def sentence(self) -> str:
        """What was fitted and how well, for people."""
        mirror = "mirrored" if self.is_mirrored else "not mirrored"
        return (
            f"{self.model.capitalize()} of {len(self.fiducials)} points, {mirror}: "
            f"RMS {self.rms_um:.1f} µm."
        )

    def apply(
        self, y_px: ArrayLike, x_px: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """SEM (y, x) in mm of positions (y, x) in pixels."""
        y, x = np.asarray(y_px, np.float64), np.asarray(x_px, np.float64)
        (xx, xy, x0), (yx, yy, y0) = self.matrix
        return yx * x + yy * y + y0, xx * x + xy * y + x0


def fit_sem(
    fiducials: Fiducials | Sequence[Fiducial],
    pixel_size: tuple[float, float] | None = None,
    model: Model = "similarity",
) -> SemFit:
    """Fit the transform from the map to the SEM to three or more pairs.

    Parameters
    ----------
    fiducials : Fiducials or sequence of Fiducial
        `Fiducials` bring their own model. Points without readings are left out.
    pixel_size : (y, x) in µm, optional
        A similarity needs it where pixels are not square, and the scale is checked against it.
    model : {"similarity", "affine"}
        "similarity" keeps shapes; "affine" also takes a stretched or sheared map. Both may mirror.

    Raises
    ------
    InputError
        When there are fewer than three pairs, two at one place, or all on one line; with the names
        of the points.
    """
    given: Sequence[Fiducial]
    if isinstance(fiducials, Fiducials):
        given, model = fiducials.points, fiducials.model
    else:
        given = fiducials
    points = tuple(one for one in given if one.is_read)
    if len(points) < FEWEST:
        raise InputError(
            f"{FEWEST} points with readings of the SEM are needed, there are {len(points)}."
        )
    size_y, size_x = pixel_size or (1.0, 1.0)
    source, target = map_places(points) * (size_x, size_y), sem_places(points)
    _require_spread(points, source, "on the map")
    _require_spread(points, target, "on the SEM")
    fits = (_similarity(source, target, mirror=True), _similarity(source, target, mirror=False))
    mirrored, upright = fits
    best = mirrored if mirrored.rms < upright.rms else upright
    if model == "affine":
        best = _affine(source, target)
    (xx, xy, x0), (yx, yy, y0) = best.matrix
    matrix = ((xx * size_x, xy * size_y, x0), (yx * size_x, yy * size_y, y0))
    fit = SemFit(model, matrix, points, tuple((best.distances * 1000).tolist()))
    warnings = [
        *_doubts(fit, best),
        *_scale_doubts(matrix, pixel_size),
        *_mirror_doubts(fits, model),
    ]
    return SemFit(model, matrix, points, fit.residuals_um, tuple(warnings))


@dataclass(frozen=True, eq=False)
class _Solved:
    """A solution with its matrix, the distance of each pair in mm, and their leverages."""

    matrix: Matrix
    distances: NDArray[np.float64]
    leverages: NDArray[np.float64]
    n_per_axis: int

    @property
    def rms(self) -> float:
        return float(np.sqrt(np.mean(self.distances**2)))


def _similarity(
    source: NDArray[np.float64], target: NDArray[np.float64], *, mirror: bool
) -> _Solved:
    z, w = source @ (1, 1j), target @ (1, 1j)
    design = np.column_stack([z.conj() if mirror else z, np.ones_like(z)])
    (a, b), leverages = _solve(design, w)
    # w = a z is (ar x - ai y, ai x + ar y); with conj(z), y changes its sign.
    sign = -1.0 if mirror else 1.0
    matrix = (
        (float(a.real), float(-a.imag) * sign, float(b.real)),
        (float(a.imag), float(a.real) * sign, float(b.imag)),
    )
    return _Solved(matrix, np.abs(design @ (a, b) - w), leverages, 2)


def _affine(source: NDArray[np.float64], target: NDArray[np.float64]) -> _Solved:
    design = np.column_stack([source, np.ones(len(source))])
    solution, leverages = _solve(design, target)
    distances = np.linalg.norm(design @ solution - target, axis=1)
    (xx, yx), (xy, yy), (x0, y0) = solution.tolist()
    return _Solved(((xx, xy, x0), (yx, yy, y0)), distances, leverages, 3)


def _solve(design: NDArray[Any], target: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Least squares, and the leverages (the diagonal of the hat matrix)."""
    # Columns of one size: millions of µm beside 1 would cost digits.
    scale = np.linalg.norm(design, axis=0)
    solution = np.linalg.lstsq(design / scale, target, rcond=None)[0]
    basis = np.linalg.qr(design / scale)[0]
    return (solution.T / scale).T, np.sum(np.abs(basis) ** 2, axis=1)


def _require_spread(points: Sequence[Fiducial], places: NDArray[np.float64], where: str) -> None:
    lengths = np.linalg.svd(places - places.mean(axis=0), compute_uv=False)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    first, second = np.unravel_index(int(apart.argmin()), apart.shape)
    if apart.min() <= 1e-6 * max(float(lengths[0]), 1e-12):
        raise InputError(
            f"{points[int(first)].name} and {points[int(second)].name} are at the same place "
            f"{where}: correct one of them, or remove it."
        )
    if lengths[1] < _LINE * lengths[0]:
        names = listed([point.name for point in points])
        raise InputError(
            f"{names} are on one line {where}: add a point far from it, or correct a reading."
        )


def _doubts(fit: SemFit, best: _Solved) -> list[str]:
    """Which pair does not agree with the others; or that no one can tell."""
    n, residuals = len(fit.fiducials), np.array(fit.residuals_um)
    left = n - 1 - best.n_per_axis
    if n == best.n_per_axis:
        return [
            f"{n} points fit every affine transform, so residuals are 0 and show no wrong reading: "
            "add a fourth point."
        ]
    if left > 0:
        # F of the deleted residual; 2 numbers per pair, 2 per pair left.
        alone = residuals**2 / np.maximum(1 - best.leverages, 1e-9)
        others = np.maximum(np.sum(residuals**2) - alone, 1e-9)
        chance = fdtrc(2, 2 * left, alone / 2 / (others / (2 * left))) * n
        worst = int(np.argmin(chance))
        # A µm is below what any stage shows: without it, perfect pairs would accuse each other.
        if chance[worst] < _WRONG and residuals[worst] > 1.0:
            off = float(np.sqrt(alone[worst] / (1 - best.leverages[worst])))
            return [
                f"{fit.fiducials[worst].name} does not agree with the others: it lies {off:.0f} µm "
                "from where they put it. Check its reading and its place on the map."
            ]
    if fit.rms_um > _MANY_PIXELS * max(_pixel_in_um(fit.matrix)):
        name = fit.fiducials[int(residuals.argmax())].name
        more = "" if left > 0 else " One more point would show which one."
        return [
            f"The points do not fit each other (the largest residual is that of {name}): a reading "
            f"or a place on the map is wrong.{more}"
        ]
    return []


def _scale_doubts(matrix: Matrix, pixel_size: tuple[float, float] | None) -> list[str]:
    """Whether the SEM says another pixel size than the map."""
    if pixel_size is None:
        return []
    for step, size in zip(_pixel_in_um(matrix), pixel_size[::-1], strict=True):
        if not abs(step / size - 1) < _SIZE_OFF:
            return [
                f"By the readings of the SEM a pixel is {step:.4g} µm wide, by the map "
                f"{size:.4g} µm: check that the readings are in mm, and the pixel size of the map."
            ]
    return []


def _pixel_in_um(matrix: Matrix) -> tuple[float, float]:
    """The width and the height of a pixel on the SEM."""
    (xx, xy, _), (yx, yy, _) = matrix
    return math.hypot(xx, yx) * 1000, math.hypot(xy, yy) * 1000


def _mirror_doubts(fits: tuple[_Solved, _Solved], model: Model) -> list[str]:
    if model == "affine":
        return []
    small, large = sorted(fit.rms for fit in fits)
    if large < 3 * small:  # our choice
        return [
            "The points do not show whether the stage is mirrored: add one far from the line of "
            "the others."
        ]
    return []
