"""From pixels of the map to millimetres of a stage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_mineral_anomaly.errors import InputError


@dataclass(frozen=True)
class StageTransform:
    """An affine map from pixel positions to stage positions.

    Attributes
    ----------
    matrix : ((float, float, float), (float, float, float))
        (x_mm, y_mm) = matrix @ (x_px, y_px, 1). Mirrored and turned stages are affine maps too.

    Raises
    ------
    InputError
        When the matrix is not 2 x 3 finite numbers, or maps the plane onto a line.
    """

    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]

    def __post_init__(self) -> None:
        matrix = np.asarray(self.matrix, dtype=np.float64)
        if matrix.shape != (2, 3) or not np.isfinite(matrix).all():
            raise InputError("A stage transform is 2 x 3 finite numbers: (x, y, 1) in px to mm.")
        if abs(np.linalg.det(matrix[:, :2])) < 1e-15:
            raise InputError("This stage transform maps the whole scan onto a line.")

    @classmethod
    def from_pixel_size(cls, pixel_size: tuple[float, float]) -> StageTransform:
        """Origin at the centre of the first pixel, axes as in the map; pixel size (y, x) in µm."""
        y, x = pixel_size
        return cls(((x / 1000.0, 0.0, 0.0), (0.0, y / 1000.0, 0.0)))

    def apply(
        self, y_px: ArrayLike, x_px: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Stage (y, x) in mm of positions (y, x) in pixels."""
        y, x = np.asarray(y_px, dtype=np.float64), np.asarray(x_px, dtype=np.float64)
        (xx, xy, x0), (yx, yy, y0) = self.matrix
        return yx * x + yy * y + y0, xx * x + xy * y + x0
