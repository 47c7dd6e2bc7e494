"""`AnomalyResult`: what every detector returns for one scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.results.info import RunInfo
from napari_mineral_anomaly.detectors.results.threshold import checked_threshold, flagged


@dataclass(frozen=True, eq=False)
class AnomalyResult:
    """Score, contributions and pseudo-labels of one scan.

    Attributes
    ----------
    score : (H, W) float32
        Anomaly score in background sigmas (`calibration.background_sigmas`); NaN outside the valid
        area, finite inside.
    threshold : float
        Score from which a pixel counts as anomalous.
    contributions : (C, H, W) float32
        Signed contribution of each element in sigmas of the background; NaN outside the valid
        area. An array, or computed where it is indexed (`maps_on_demand`): ``numpy.asarray``
        gives all of it.
    pseudo_labels : (H, W) uint16 or uint32
        0 outside the valid area, 1 anomaly candidates, 2... background clusters.
    elements : tuple of str
        Names of the C planes of ``contributions``.
    pixel_size : (float, float) or None
        (y, x) in µm.
    reconstruction : (C, H, W) float32 or None
        What the detector expected of each element, in the units of the maps; NaN outside the valid
        area. An array, or computed where it is indexed, as the contributions. None for detectors
        that reconstruct nothing.
    reconstruction_error : (H, W) float32 or None
        Where the score joins several questions: what the network alone says, in background sigmas;
        NaN outside the valid area.
    found_by : (H, W) uint8 or None
        1 + position in ``info["questions"]`` of the question that adds most to the score of a
        pixel; 0 outside the valid area. None where there is one question only.
    taught : (H, W) bool or None
        The pixels that a person called ordinary (`detectors.teaching`); None for a result that was
        not taught.
    info : RunInfo
        How the result was made: detector, parameters, seed, device, loss curve, warnings and more;
        ``info["seed"]`` works too. A plain mapping given here becomes a `RunInfo`.
    """

    score: NDArray[np.float32]
    threshold: float
    contributions: Any
    pseudo_labels: NDArray[np.unsignedinteger[Any]]
    elements: tuple[str, ...]
    pixel_size: tuple[float, float] | None = None
    info: RunInfo = field(default_factory=RunInfo)
    reconstruction: Any | None = None
    reconstruction_error: NDArray[np.float32] | None = None
    found_by: NDArray[np.uint8] | None = None
    taught: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        given: Mapping[str, Any] = self.info
        if not isinstance(given, RunInfo):
            object.__setattr__(self, "info", RunInfo.of(given))

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(H, W) bool: score at or above the threshold; False where the score is NaN."""
        return flagged(self.score, self.threshold)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(H, W) bool: where the score is a number."""
        return np.isfinite(self.score)

    def with_threshold(self, threshold: float) -> AnomalyResult:
        """The same result judged at another threshold (background sigmas).

        Raises
        ------
        InputError
            When it is not a finite number.
        """
        return replace(self, threshold=checked_threshold(threshold))

    def with_info(self, **values: Any) -> AnomalyResult:
        """The same result with other or further values in ``info``, see `RunInfo.with_`."""
        return replace(self, info=self.info.with_(**values))
