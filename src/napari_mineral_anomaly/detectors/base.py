"""The interface of every detector, and how its raw statistic becomes a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from napari_mineral_anomaly.detectors.cost import ExpectedSeconds
from napari_mineral_anomaly.detectors.results.calibration import background_sigmas
from napari_mineral_anomaly.detectors.results.info import RunInfo
from napari_mineral_anomaly.detectors.results.maps_on_demand import MapsOnDemand
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.results.threshold import (
    default_threshold,
    promised_false_pixels,
)
from napari_mineral_anomaly.progress import Part, Task
from napari_mineral_anomaly.scan.cube import ElementCube

Device = Literal["auto", "cpu", "cuda", "mps"]


class DetectorConfig(BaseModel):
    """Parameters shared by all detectors; each detector's own config extends it.

    One frozen model defines the defaults, the form in the window, ``--config`` on the command line
    and what run.json and model.json record.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # The largest seed that all libraries underneath take.
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="Seed of every random draw: same seed, same numbers."
    )
    device: Device = Field("auto", description="Where the network runs; auto takes a GPU if any.")

    def expected_seconds(self, n_pixels: int, n_elements: int) -> ExpectedSeconds | None:
        """Rough time of this detector on a scan; None where it is never slow.

        Parameters
        ----------
        n_pixels : int
            Valid pixels, or all pixels of the scan as an upper bound.
        n_elements : int
        """
        return None

    def scoring_parts(self, n_pixels: int, n_elements: int) -> tuple[Part, ...]:
        """What follows a fit when the same scan is scored, for the plan that the fit tells.

        Empty for detectors that tell no plan.
        """
        return ()


@dataclass
class ModelState:
    """What a fitted detector needs to be saved and loaded again: arrays and plain JSON."""

    arrays: dict[str, NDArray[Any]]
    meta: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_parts(
        cls, parts: Mapping[str, Mapping[str, NDArray[Any]]], meta: dict[str, Any]
    ) -> ModelState:
        """A state whose arrays are named "part/name"."""
        arrays = {
            f"{part}/{name}": array
            for part, named in parts.items()
            for name, array in named.items()
        }
        return cls(arrays, meta)

    def parts(self) -> dict[str, dict[str, NDArray[Any]]]:
        """The arrays by part: the reverse of `of_parts`."""
        found: dict[str, dict[str, NDArray[Any]]] = {}
        for key, array in self.arrays.items():
            part, _, name = key.partition("/")
            found.setdefault(part, {})[name] = array
        return found


class FittedDetector(Protocol):
    """A detector that has seen its background and can score scans of the same elements."""

    name: str
    config: DetectorConfig
    elements: tuple[str, ...]

    def score(self, cube: ElementCube, *, task: Task | None = None) -> AnomalyResult:
        """Score ``cube``, whose elements must include those of the fit."""
        ...

    def state(self) -> ModelState:
        """Everything needed to rebuild this object with `Detector.load`."""
        ...


class Detector(Protocol):
    """A detector with its parameters, not yet fitted."""

    name: str
    config: DetectorConfig

    def fit(self, cube: ElementCube, *, task: Task | None = None) -> FittedDetector:
        """Learn the background of ``cube`` from its valid pixels."""
        ...

    def load(self, state: ModelState) -> FittedDetector:
        """Rebuild a fitted detector from what `FittedDetector.state` gave."""
        ...


def info_without_network(details: Mapping[str, Any]) -> RunInfo:
    """The info of a detector that runs on the CPU whatever device is asked for."""
    reason = {"device_reason": "this detector has no network"}
    return RunInfo(device="cpu", details={**details, **reason})


def finish_result(
    cube: ElementCube,
    statistic: NDArray[np.floating[Any]],
    contributions: NDArray[np.float32] | MapsOnDemand,
    pseudo_labels: NDArray[np.unsignedinteger[Any]] | None,
    info: RunInfo,
    reconstruction: NDArray[np.float32] | None = None,
    ordinary: NDArray[np.bool_] | None = None,
    calibrated: tuple[NDArray[np.float32], dict[str, Any]] | None = None,
) -> AnomalyResult:
    """Make an `AnomalyResult` from the raw output of a detector.

    Parameters
    ----------
    cube : ElementCube
        The scan that was scored.
    statistic : (H, W) float
        Raw statistic, larger = odder, finite inside the valid area.
    contributions : (C, H, W) float32
        Signed, in sigmas of the background. An array is altered in place: NaN is written outside
        the valid area.
    pseudo_labels : (H, W) unsigned integer or None
        None for detectors without clusters: all valid pixels become background cluster 2.
    info : RunInfo
        Completed here with calibration, n_valid and promised_false_pixels.
    reconstruction : (C, H, W) float32, optional
        What the detector expected, in the units of the maps; altered in place like contributions.
    ordinary : (H, W) bool, optional
        Pixels known to be background by other means, see `results.calibration.background_sigmas`.
    calibrated : ((H, W) float32, dict), optional
        Score and fitted tail where the detector calibrates its statistic by itself.
    """
    valid = cube.valid
    score, calibration = calibrated or background_sigmas(statistic, valid, ordinary)
    if isinstance(contributions, np.ndarray):
        contributions[:, ~valid] = np.nan
    if reconstruction is not None:
        reconstruction[:, ~valid] = np.nan
    if pseudo_labels is None:
        pseudo_labels = np.full(cube.shape, 2, dtype=np.uint16)
    labels = np.where(valid, pseudo_labels, 0).astype(pseudo_labels.dtype)
    n_valid = int(np.count_nonzero(valid))
    return AnomalyResult(
        score=score,
        threshold=default_threshold(n_valid),
        contributions=contributions,
        pseudo_labels=labels,
        elements=cube.elements,
        pixel_size=cube.pixel_size,
        info=info.with_(
            calibration=calibration,
            n_valid=n_valid,
            promised_false_pixels=promised_false_pixels(n_valid),
        ),
        reconstruction=reconstruction,
    )
