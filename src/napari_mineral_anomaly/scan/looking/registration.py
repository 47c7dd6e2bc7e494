"""Lay an image of another grid onto the element maps by pairs of points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_mineral_anomaly.errors import InputError

FEWEST_PAIRS = 3
# Of the triangle of the points: its smaller spread must be more than this share of the larger one.
_FLATTEST = 0.02


@dataclass(frozen=True, eq=False)
class Registration:
    """Where the pixels of an image lie on the map.

    Attributes
    ----------
    matrix : (3, 3) float64
        From (row, column, 1) of the image to (row, column, 1) of the maps, in pixels.
    residuals : (N,) float64
        Distance of each point of the image from its partner, after the transform: in µm where the
        maps have a pixel size, else in pixels. They say nothing with three pairs, which always
        fit.
    """

    matrix: NDArray[np.float64]
    residuals: NDArray[np.float64]

    @property
    def rms(self) -> float:
        """Root mean square of the residuals."""
        return float(np.sqrt(np.mean(self.residuals**2)))


def register(
    on_image: ArrayLike, on_map: ArrayLike, pixel_size: tuple[float, float] | None = None
) -> Registration:
    """Fit an affine transform to pairs of points by least squares.

    The sum of the squared distances on the section is as small as possible. (The estimate of
    scikit-image minimises a sum of homogeneous coordinates, which leaves larger residuals.)

    Parameters
    ----------
    on_image, on_map : (N, 2) array
        The same N places as (row, column) in pixels of the image and of the maps; N is 3 or more.
    pixel_size : (float, float), optional
        (y, x) of the maps in µm, for the residuals; with it, distances on the section are
        minimised.

    Raises
    ------
    InputError
        For fewer than three pairs, and for points on one line.
    """
    image = np.asarray(on_image, dtype=np.float64).reshape(-1, 2)
    maps = np.asarray(on_map, dtype=np.float64).reshape(-1, 2)
    if len(image) != len(maps):
        raise InputError(
            f"{len(image)} points on the image and {len(maps)} on the map: mark each place on both."
        )
    if len(image) < FEWEST_PAIRS:
        raise InputError(f"{len(image)} pairs of points are too few: mark at least {FEWEST_PAIRS}.")
    for points, where in ((image, "image"), (maps, "map")):
        spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        if spread[1] <= _FLATTEST * spread[0]:
            raise InputError(f"The points on the {where} lie on one line: mark one beside it.")
    sides = np.array(pixel_size or (1.0, 1.0))
    # Around their middle, so that the columns have like sizes.
    middle = image.mean(axis=0)
    known = np.column_stack([image - middle, np.ones(len(image))])
    fit, *_ = np.linalg.lstsq(known, maps * sides, rcond=None)
    residuals = np.hypot(*(known @ fit - maps * sides).T)
    matrix = np.eye(3)
    matrix[:2, :2] = (fit[:2] / sides).T
    matrix[:2, 2] = fit[2] / sides - matrix[:2, :2] @ middle
    return Registration(matrix, residuals)
